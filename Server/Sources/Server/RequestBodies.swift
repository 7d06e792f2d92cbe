import Completions
import Hummingbird
import JSON
import Synchronization

/// Reads the bodies of requests within limits of size, time and memory.
final class RequestBodies: Sendable {
    struct Limits: Sendable {
        /// Of one body.
        var bytes = 32 << 20
        /// Of all bodies that are being read and whose requests have not begun.
        var bytesTogether = 256 << 20
        /// From the head of a request to the end of its body.
        var time = Duration.seconds(120)
    }

    private let limits: Limits
    private let held = Mutex(0)

    init(_ limits: Limits) { self.limits = limits }

    /// Hands the JSON of a request's body to `use`.
    ///
    /// - Throws: `APIError`: 400 for what is no JSON, 408 and 413 for what is too slow and too long, 429 while
    ///   others need the memory; what `use` throws.
    func json<Value: Sendable>(
        _ request: Request, _ use: (JSONValue) async throws -> Value
    ) async throws -> Value {
        if let type = request.headers[.contentType] {
            let essence = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
            guard essence == "application/json" || essence.hasSuffix("+json") else {
                throw APIError(
                    status: 415, "the body is JSON, to be sent with `Content-Type: application/json`",
                    code: "unsupported_media_type")
            }
        }
        if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > limits.bytes {
            throw tooLong
        }
        let reservation = Reservation(self)
        defer { withExtendedLifetime(reservation) {} }
        let bytes = try await read(request, reservation)
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw APIError("the body is not UTF-8", code: "invalid_json")
        }
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue(parsing: bytes) } catch {
            throw APIError("the body is \(error)", code: "invalid_json")
        }
        return try await use(value)
    }

    private func read(_ request: Request, _ reservation: Reservation) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { [limits, tooLong] in
                var bytes: [UInt8] = []
                do {
                    for try await part in request.body {
                        guard bytes.count + part.readableBytes <= limits.bytes else { throw tooLong }
                        try reservation.add(part.readableBytes)
                        bytes += part.readableBytesView
                    }
                } catch let error as APIError { throw error } catch {
                    throw APIError("the body broke off, or is no HTTP", code: "body_incomplete")
                }
                return bytes
            }
            group.addTask { [limits] in
                try await Task.sleep(for: limits.time)
                throw APIError(
                    status: 408, "the body did not come within \(Int(limits.time.seconds)) s",
                    code: "body_timeout")
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }

    private var tooLong: APIError {
        APIError(
            status: 413, "the body has more than \(limits.bytes) bytes, which are possible",
            code: "body_too_large")
    }

    /// Bytes that one request holds, given back when it goes away.
    private final class Reservation: Sendable {
        private let bodies: RequestBodies
        private let count = Mutex(0)

        init(_ bodies: RequestBodies) { self.bodies = bodies }

        func add(_ bytes: Int) throws(APIError) {
            let fits = bodies.held.withLock { held in
                guard held + bytes <= bodies.limits.bytesTogether else { return false }
                held += bytes
                return true
            }
            guard fits else {
                throw APIError(
                    status: 429, type: "rate_limit_error",
                    "the bodies of other requests need the memory; try again in a while", code: "bodies_full")
            }
            count.withLock { $0 += bytes }
        }

        deinit {
            let bytes = count.withLock { $0 }
            bodies.held.withLock { $0 -= bytes }
        }
    }
}

import Completions
import HTTPTypes
import Hummingbird
import JSON
import Logging

/// What every request passes: it gets a name, shows its key, and whatever is wrong with it leaves as the
/// error object of OpenAI's endpoints. Each is one line of the log, without keys, texts or anything else of its own.
struct Gate: RouterMiddleware {
    typealias Context = ServerContext

    let keys: KeyRing
    /// Whether only this machine reaches the server. Pages of the web, which a browser here would carry in, are
    /// then turned away.
    let isLocal: Bool
    let metrics: ServerMetrics

    /// What needs no key.
    private static let open: Set<String> = ["/health", "/openapi.json"]

    func handle(
        _ request: Request, context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let path = context.endpointPath ?? "other"
        var context = context
        context.requestID = Self.requestID(request.headers[.requestID])
        // Hummingbird's own id would be a second name for the same thing.
        context.logger[metadataKey: "hb.request.id"] = nil
        context.logger[metadataKey: "request"] = "\(context.requestID)"
        var response: Response
        var code: String?
        do {
            try check(request, path: path)
            response = try await next(request, context)
        } catch {
            let refusal = Refusal(error)
            if refusal.error.status == 500 { context.logger.error("\(type(of: error))") }
            code = refusal.error.code ?? refusal.error.type
            response = .json(refusal.error.json, status: .init(code: refusal.error.status))
            response.headers.append(contentsOf: refusal.headers)
            // What is left of the body is not read for ever.
            if refusal.closes { context.connection.close(in: .seconds(5)) }
        }
        response.headers[.requestID] = context.requestID
        let elapsed = ContinuousClock.now - start
        metrics.responded(
            path: path, method: Self.name(request.method), status: response.status.code, after: elapsed)
        var metadata: Logger.Metadata = [
            "method": "\(Self.name(request.method))", "path": "\(path)",
            "status": "\(response.status.code)", "ms": "\(elapsed.milliseconds)",
        ]
        if let code { metadata["code"] = "\(code)" }
        context.logger.info("request", metadata: metadata)
        return response
    }

    private func check(_ request: Request, path: String) throws(APIError) {
        if isLocal {
            for host in [request.head.authority, request.headers[.origin].map(Self.authority)] {
                guard let host, !Self.isLocal(host) else { continue }
                throw APIError(
                    status: 403, type: "permission_error", "this server answers to this machine only",
                    code: "foreign_origin")
            }
        }
        guard !Self.open.contains(path), !keys.isEmpty else { return }
        let scheme = "bearer "
        let header = request.headers[.authorization] ?? ""
        guard header.lowercased().hasPrefix(scheme), keys.contain(header.dropFirst(scheme.count).utf8) else {
            throw APIError(
                status: 401, type: "authentication_error",
                header.isEmpty
                    ? "a key is needed, as in `Authorization: Bearer KEY`" : "this key opens nothing here",
                code: "invalid_api_key")
        }
    }

    /// `http://HOST:PORT` without what stands before the host; `null`, a browser's word for a page of no place, as it is.
    private static func authority(_ origin: String) -> String {
        origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } ?? origin
    }

    private static func isLocal(_ authority: String) -> Bool {
        var host = authority.lowercased()[...]
        if host.hasPrefix("[") {
            host = host.dropFirst().prefix { $0 != "]" }
        } else if let colon = host.lastIndex(of: ":") {
            host = host[..<colon]
        }
        return host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || isLoopback(host)
            || host.isEmpty
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The client's name for its request, where that is fit for a log; else one of ours.
    private static func requestID(_ given: String?) -> String {
        if let given, (1...64).contains(given.utf8.count),
            given.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x2D
                    || byte == 0x5F
            })
        {
            return given
        }
        return randomName()
    }

    /// 24 digits that no other request has.
    static func randomName() -> String {
        let digits =
            String(UInt64.random(in: 0...(.max)), radix: 16)
            + String(UInt64.random(in: 0...(.max)), radix: 16)
        return String((digits + String(repeating: "0", count: 24)).prefix(24))
    }

    /// A method as a label: there is no end of names that a client may invent.
    private static func name(_ method: HTTPRequest.Method) -> String {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options, .patch]
        return known.contains(method) ? method.rawValue : "other"
    }
}

/// Keys that open the server, one a line of a file.
struct KeyRing: Sendable {
    private let keys: [[UInt8]]
    var isEmpty: Bool { keys.isEmpty }

    static let none = KeyRing([])

    private init(_ keys: [[UInt8]]) { self.keys = keys }

    /// Lines of a file; empty ones and those that begin with # are none. Nil when there is no key.
    init?(lines text: String) {
        keys = text.split(whereSeparator: \.isNewline)
            .map { Array($0.trimmingPrefix { $0.isWhitespace }.utf8) }
            .map { line in Array(line.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()) }
            .filter { !$0.isEmpty && $0.first != UInt8(ascii: "#") }
        if keys.isEmpty { return nil }
    }

    /// Takes as long for one wrong key as for another of its length.
    func contain(_ given: Substring.UTF8View) -> Bool {
        let given = Array(given)
        var isKnown = false
        for key in keys where key.count == given.count {
            var difference: UInt8 = 0
            for (left, right) in zip(key, given) { difference |= left ^ right }
            if difference == 0 { isKnown = true }
        }
        return isKnown
    }
}

/// There is such a path, for other methods.
struct MethodNotAllowed: Error {
    let allowed: String
}

/// What a request gets instead of an answer.
private struct Refusal {
    let error: APIError
    var headers = HTTPFields()
    var closes: Bool { [408, 413].contains(error.status) || error.code == "body_incomplete" }

    init(_ thrown: any Error) {
        switch thrown {
        case let thrown as APIError: error = thrown
        case let thrown as MethodNotAllowed:
            error = APIError(
                status: 405, "there is no such method here; \(thrown.allowed)", code: "method_not_allowed")
            headers[.allow] = thrown.allowed
        case let thrown as HTTPError where thrown.status == .notFound:
            error = APIError(
                status: 404, "there is nothing here; /openapi.json says what there is", code: "not_found")
        case let thrown as any HTTPResponseError where thrown.status.code < 500:
            error = APIError(status: thrown.status.code, "\(thrown.status.reasonPhrase)")
        default:
            error = APIError(
                status: 500, type: "server_error", "an error of the server", code: "internal_error")
        }
        switch error.status {
        case 401: headers[.wwwAuthenticate] = "Bearer"
        case 429, 503: headers[.retryAfter] = "1"
        default: break
        }
        if closes { headers[.connection] = "close" }
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name("x-request-id")!
}

extension Response {
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
    var milliseconds: Int { Int(self / .milliseconds(1)) }
}

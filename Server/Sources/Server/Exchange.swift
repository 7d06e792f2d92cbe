import Completions
import Hummingbird
import JSON
import Logging
import NIOCore
import Synchronization

/// One request on its way through the worker: what becomes of it, as it comes.
final class Exchange: Sendable {
    enum Signal: Sendable {
        case event(CompletionEvent)
        /// A second has passed.
        case tick
        case left
    }

    struct Limits: Sendable {
        /// A stream that has had nothing to say for so long says so.
        var ping = Duration.seconds(15)
        /// From a request to the end of its texts.
        var request = Duration.seconds(3600)
        /// A client that takes nothing for so long has gone.
        var stalledWrite = Duration.seconds(60)
    }

    let signals: AsyncStream<Signal>
    private let continuation: AsyncStream<Signal>.Continuation
    private let start = ContinuousClock.now
    private let limits: Limits
    private let logger: Logger
    private let metrics: ServerMetrics
    private let connection: Connection
    private let onEnd: Mutex<(@Sendable () -> Void)?>
    /// Since when a write waits for the client.
    private let writingSince = Mutex<ContinuousClock.Instant?>(nil)

    /// Gives a request to the worker.
    ///
    /// - Throws: `APIError` when it takes none.
    init(
        _ request: PreparedRequest, keepsState: String? = nil, worker: Worker, context: ServerContext,
        limits: Limits, metrics: ServerMetrics
    ) async throws {
        (signals, continuation) = AsyncStream.makeStream()
        self.limits = limits
        self.metrics = metrics
        logger = context.logger
        connection = context.connection
        onEnd = Mutex(nil)
        let continuation = continuation
        let id = try worker.submit(request, keepsState: keepsState) { continuation.yield(.event($0)) }
        let watch: Int
        do {
            watch = try await connection.watch {
                worker.cancel(id)
                continuation.yield(.left)
            }
        } catch {
            worker.cancel(id)
            throw Self.left
        }
        let clock = Task { [weak self, limits] in
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(1))
                continuation.yield(.tick)
                guard let self else { return }
                if let since = writingSince.withLock({ $0 }),
                    ContinuousClock.now - since > limits.stalledWrite
                {
                    connection.close()
                }
            }
        }
        onEnd.withLock { [connection] in
            $0 = {
                clock.cancel()
                connection.forget(watch)
                worker.cancel(id)
            }
        }
    }

    deinit { onEnd.withLock { $0 }?() }

    private static let left = APIError(status: 499, "the client has left", code: "left")

    private var elapsed: Duration { ContinuousClock.now - start }

    private var overtime: APIError? {
        elapsed <= limits.request
            ? nil
            : APIError(
                status: 408, type: "server_error",
                "the answer was not ready within \(Int(limits.request.seconds)) s, the server's limit",
                code: "time_limit")
    }

    /// Says how it ended, once.
    private func end(_ outcome: String, _ usage: TokenUsage? = nil) {
        metrics.completed(outcome, usage, after: elapsed)
        var metadata: Logger.Metadata = ["outcome": "\(outcome)", "ms": "\(elapsed.milliseconds)"]
        if let usage {
            metadata["tokens_read"] = "\(usage.read)"
            metadata["tokens_cached"] = "\(usage.cached)"
            metadata["tokens_written"] = "\(usage.completion)"
        }
        logger.info("completion", metadata: metadata)
    }

    // MARK: Whole

    /// Waits for the end.
    ///
    /// - Parameter onEvent: Gets each event but failures.
    /// - Throws: `APIError`, also when the client has left.
    func finish(_ onEvent: (CompletionEvent) -> Void) async throws {
        var isFirst = true
        waiting: for await signal in signals {
            switch signal {
            case .event(.failed(let error)):
                end(error.code ?? error.type)
                throw error
            case .event(let event):
                if case .text = event, isFirst {
                    metrics.firstToken(after: elapsed)
                    isFirst = false
                }
                onEvent(event)
                if case .done(let usage, _) = event {
                    end("done", usage)
                    return
                }
            case .tick:
                if let error = overtime {
                    end("time_limit")
                    throw error
                }
            case .left: break waiting
            }
        }
        end("left")
        throw Self.left
    }

    // MARK: In chunks

    /// Waits until it is clear that there will be a stream: the request's turn has come, or waiting takes long.
    ///
    /// - Returns: What has happened, to be told first.
    /// - Throws: `APIError` when the request has failed at once.
    func begin() async throws -> [CompletionEvent] {
        waiting: for await signal in signals {
            switch signal {
            case .event(.failed(let error)):
                end(error.code ?? error.type)
                throw error
            case .event(let event): return [event]
            case .tick: if elapsed >= limits.ping { return [] }
            case .left: break waiting
            }
        }
        end("left")
        throw Self.left
    }

    /// Writes server-sent events until the end.
    ///
    /// - Parameter chunks: The chunks of an event.
    func stream(
        _ first: [CompletionEvent], to writer: inout any ResponseBodyWriter,
        _ chunks: (CompletionEvent) -> [JSONValue]
    ) async throws {
        var lastWrite = ContinuousClock.now
        var isFirst = true
        func write(_ text: [UInt8], _ writer: inout any ResponseBodyWriter) async throws {
            guard !text.isEmpty else { return }
            writingSince.withLock { $0 = .now }
            try await writer.write(ByteBuffer(bytes: text))
            writingSince.withLock { $0 = nil }
            lastWrite = .now
        }
        func lines(_ values: [JSONValue]) -> [UInt8] {
            values.flatMap { Array("data: ".utf8) + $0.bytes + Array("\n\n".utf8) }
        }
        do {
            for event in first { try await write(lines(chunks(event)), &writer) }
            for await signal in signals {
                switch signal {
                case .event(.failed(let error)):
                    try await write(lines([error.json]), &writer)
                    end(error.code ?? error.type)
                    return
                case .event(let event):
                    if case .text = event, isFirst {
                        metrics.firstToken(after: elapsed)
                        isFirst = false
                    }
                    try await write(lines(chunks(event)), &writer)
                    if case .done(let usage, _) = event {
                        try await write(Array("data: [DONE]\n\n".utf8), &writer)
                        end("done", usage)
                        return
                    }
                case .tick:
                    if let error = overtime {
                        try await write(lines([error.json]), &writer)
                        end("time_limit")
                        return
                    }
                    if ContinuousClock.now - lastWrite >= limits.ping {
                        try await write(Array(": still at work\n\n".utf8), &writer)
                    }
                case .left: throw CancellationError()
                }
            }
            // Signals end early only where this task is cancelled.
            throw CancellationError()
        } catch {
            end("left")
            throw error
        }
    }
}

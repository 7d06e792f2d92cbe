import Completions
import Dispatch
import Foundation
import Inference
import Logging
import ServiceLifecycle
import Synchronization

/// The one thread that reads and writes: it takes requests in, steps the engine, and hands out what becomes of them.
///
/// Everything else waits for nobody: a request is put into the inbox or refused at once.
final class Worker: Service {
    typealias OnEvent = @Sendable (CompletionEvent) -> Void

    /// What the thread last said of itself.
    struct Standing: Sendable {
        var waiting = 0
        var open = 0
        var keptStates = 0
        var keptBytes = 0
        var steps = 0
    }

    private enum Command: Sendable {
        case submit(id: Int, PreparedRequest, keepsState: String?, OnEvent)
        case cancel(id: Int)
    }

    private struct Shared {
        var inbox: [Command] = []
        var lastID = 0
        /// Requests that were let in and have not ended.
        var admitted: Set<Int> = []
        /// Set at a shutdown: when those that are still open are ended.
        var end: ContinuousClock.Instant?
        var hasEnded = false
        var whenEnded: [CheckedContinuation<Void, Never>] = []
        var standing = Standing()
    }

    let model: LoadedModel
    let shelf: StateShelf?
    private let options: CompletionEngine.Options
    /// Requests that may be open and waiting together.
    private let limit: Int
    private let logger: Logger
    private let shared = Mutex(Shared())
    private let wake = DispatchSemaphore(value: 0)

    init(
        model: LoadedModel, options: CompletionEngine.Options, shelf: StateShelf?, limit: Int, logger: Logger
    ) {
        self.model = model
        self.options = options
        self.shelf = shelf
        self.limit = limit
        self.logger = logger
    }

    /// Tokens of a prompt and its text together that the model allows.
    var context: Int { model.engine.config.maximumLength }
    var standing: Standing { shared.withLock { $0.standing } }
    var isClosing: Bool { shared.withLock { $0.end != nil } }

    // MARK: Requests

    /// Takes a request.
    ///
    /// - Parameter onEvent: Called on the worker's thread; the last event is `done` or `failed`.
    /// - Returns: What ``cancel(_:)`` takes.
    /// - Throws: 429 when too many are waiting, 503 at a shutdown.
    func submit(
        _ request: PreparedRequest, keepsState: String? = nil, onEvent: @escaping OnEvent
    ) throws(APIError) -> Int {
        let limit = limit
        let result = shared.withLock { shared -> Result<Int, APIError> in
            guard shared.end == nil else { return .failure(.closing) }
            guard shared.admitted.count < limit else { return .failure(.busy(limit)) }
            shared.lastID += 1
            let id = shared.lastID
            shared.admitted.insert(id)
            shared.inbox.append(
                .submit(id: id, request, keepsState: keepsState) { [weak self] event in
                    if event.isLast { self?.forget(id) }
                    onEvent(event)
                })
            return .success(id)
        }
        wake.signal()
        return try result.get()
    }

    /// Ends a request whose client has gone; no event comes any more. Does nothing to one that has ended.
    func cancel(_ id: Int) {
        let wasOpen = shared.withLock { shared in
            guard shared.admitted.remove(id) != nil else { return false }
            shared.inbox.append(.cancel(id: id))
            return true
        }
        if wasOpen { wake.signal() }
    }

    private func forget(_ id: Int) { shared.withLock { _ = $0.admitted.remove(id) } }

    // MARK: Life

    func run() async throws {
        let thread = Thread { [self] in work() }
        thread.name = "lector-worker"
        thread.stackSize = 8 << 20
        thread.start()
        await withGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                let hasEnded = shared.withLock { shared in
                    if !shared.hasEnded { shared.whenEnded.append(continuation) }
                    return shared.hasEnded
                }
                if hasEnded { continuation.resume() }
            }
        } onGracefulShutdown: { [self] in
            close(within: .zero)
        }
        // The work ends first, then the connections; a service that ends before it is told to has failed.
        try? await gracefulShutdown()
    }

    /// Takes no request from now on; those that are open may end by themselves for so long. Then what was
    /// read of long prompts is kept, and the rest is refused.
    func close(within grace: Duration) {
        let end = ContinuousClock.now + grace
        shared.withLock { $0.end = min($0.end ?? end, end) }
        wake.signal()
    }

    private func work() {
        let engine = CompletionEngine(model: model, options: options, shelf: shelf)
        var names: [Int: Int] = [:]
        var steps = 0
        while true {
            let (commands, end) = shared.withLock { shared in
                defer { shared.inbox = [] }
                return (shared.inbox, shared.end)
            }
            for command in commands {
                switch command {
                case .submit(let id, let request, let keepsState, let onEvent):
                    names[id] = engine.submit(request, keepsState: keepsState) { event in
                        if event.isLast { names[id] = nil }
                        onEvent(event)
                    }
                case .cancel(let id): if let name = names.removeValue(forKey: id) { engine.cancel(name) }
                }
            }
            if let end, engine.isIdle || ContinuousClock.now >= end { break }
            if engine.isIdle {
                publish(engine, steps)
                // A shutdown, a request or its end wakes it.
                wake.wait()
                continue
            }
            engine.step()
            steps += 1
            publish(engine, steps)
        }
        let kept = engine.stop()
        if kept > 0 { logger.notice("prompts interrupted", metadata: ["tokens_kept": "\(kept)"]) }
        let waiters = shared.withLock { shared in
            shared.hasEnded = true
            return shared.whenEnded
        }
        for waiter in waiters { waiter.resume() }
    }

    private func publish(_ engine: CompletionEngine, _ steps: Int) {
        let kept = engine.keptInMemory
        let standing = Standing(
            waiting: engine.waitingCount, open: engine.openCount, keptStates: kept.count,
            keptBytes: kept.bytes, steps: steps)
        shared.withLock { $0.standing = standing }
    }
}

extension CompletionEvent {
    var isLast: Bool {
        switch self {
        case .done, .failed: true
        case .begun, .progress, .text, .finished: false
        }
    }
}

extension APIError {
    static let closing = APIError(
        status: 503, type: "server_error", "the server stops; try again in a while", code: "shutting_down")

    static func busy(_ limit: Int) -> APIError {
        APIError(
            status: 429, type: "rate_limit_error",
            "\(limit) requests are being answered or wait; try again in a while", code: "queue_full")
    }
}

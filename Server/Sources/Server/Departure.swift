import Hummingbird
import NIOCore

/// Watches one connection for the client's leaving: who closes its side while it waits wants no answer any more.
///
/// A client that only says that it has sent everything (a half-closed connection) looks the same and is treated the
/// same, as in other servers.
final class DepartureHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private var watchers: [Int: @Sendable () -> Void] = [:]
    private var lastWatcher = 0
    private var hasLeft = false

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        hasLeft = true
        let all = watchers.values
        watchers = [:]
        for watcher in all { watcher() }
    }

    fileprivate func watch(_ watcher: @escaping @Sendable () -> Void) -> Int {
        lastWatcher += 1
        if hasLeft { watcher() } else { watchers[lastWatcher] = watcher }
        return lastWatcher
    }

    fileprivate func forget(_ id: Int) { watchers[id] = nil }
}

/// The connection of a request.
struct Connection: Sendable {
    let channel: any Channel

    /// Calls `onDeparture`, once, if the client leaves before the watch is given back.
    func watch(_ onDeparture: @escaping @Sendable () -> Void) async throws -> Int {
        try await channel.eventLoop.submit { [channel] in
            try channel.pipeline.syncOperations.handler(type: DepartureHandler.self).watch(onDeparture)
        }.get()
    }

    func forget(_ watch: Int) {
        channel.eventLoop.execute { [channel] in
            try? channel.pipeline.syncOperations.handler(type: DepartureHandler.self).forget(watch)
        }
    }

    /// Ends the connection in a while, after the client has had time to read what was answered.
    func close(in delay: TimeAmount) {
        channel.eventLoop.scheduleTask(in: delay) { [channel] in channel.close(promise: nil) }
    }

    /// Ends the connection: whoever writes to it fails.
    func close() { channel.close(promise: nil) }
}

/// A request's context.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let connection: Connection
    /// Names the request in the log and in the header `x-request-id`.
    var requestID = ""

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        connection = Connection(channel: source.channel)
    }
}

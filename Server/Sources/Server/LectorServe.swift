import ArgumentParser
import Completions
import Foundation
import Glibc
import Hummingbird
import Inference
import JSON
import Logging
import NIOCore
import ServiceLifecycle

/// `lector serve`: OpenAI's endpoints over the completions of the library.
@main
struct LectorServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lector-serve",
        abstract: "Answers OpenAI's endpoints: chat and text completions, kept states, offline.",
        discussion: """
            Listens on this machine only, unless --host says otherwise; other machines need a key file, and a proxy in
            front for TLS. A prompt that begins like one of before is not read again. Ctrl-C or SIGTERM lets what is
            open end within --grace; what was read of a long prompt is kept, and the same request goes on from there.

            EXAMPLES
              lector serve
              lector serve --model kimi.gguf --port 8000 --key-file keys.txt
              lector serve --socket /run/user/1000/lector.sock

            EXIT STATUS
              0 stopped by a signal; 64 usage; 65 the model is damaged or none; 74 cannot listen; 78 no such model
            """,
        version: "0.1.0")

    @Option(help: "Address to listen on.") var host = "127.0.0.1"
    @Option(help: "Port to listen on; 0 takes a free one.") var port = 8080
    @Option(help: ArgumentHelp("Listen on a Unix socket instead.", valueName: "path")) var socket: String?
    @Option(help: ArgumentHelp("Keys that open the server, one a line.", valueName: "file"))
    var keyFile: String?
    @Flag(help: "Without --key-file answer other machines all the same.") var withoutKey = false

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?
    @Option(help: "Another name for the model; may be given again.") var alias: [String] = []
    @Option(help: "Threads; without it one a core.") var threads: Int?
    @Option(help: ArgumentHelp("Where states lie.", valueName: "folder")) var stateDir: String?
    @Option(help: "Gigabytes that kept states may take on disk.") var stateLimit = 16.0
    @Option(help: "Gigabytes of states that are kept in memory.") var memory = 0.5

    @Option(help: "Tokens of an answer, when a request does not say.") var maxTokens = 4096
    @Option(help: "Texts and prompts at once.") var parallel = 32
    @Option(help: "Requests that are open or wait; others get 429.") var queue = 256
    @Option(help: "Megabytes of a request's body.") var maxBody = 32
    @Option(help: "Connections at once; others wait to be taken.") var connections = 2048
    @Option(help: "Seconds for a request to come in whole.") var bodyTime = 120
    @Option(help: "Seconds for an answer.") var requestTime = 3600
    @Option(help: "Seconds that a connection may be idle.") var idleTime = 60
    @Option(help: "Seconds between signs of life in a stream.") var ping = 15
    @Option(help: "Seconds that open requests have at a shutdown.") var grace = 10
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel = "info"

    func validate() throws {
        func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw ValidationError(
                    "--\(name) \(value): \(range.lowerBound) to \(range.upperBound) are possible")
            }
        }
        try check("port", port, 0...65535)
        try check("max-tokens", maxTokens, 0...Int(Int32.max))
        try check("parallel", parallel, 1...1024)
        try check("queue", queue, 1...1_000_000)
        try check("max-body", maxBody, 1...4096)
        try check("connections", connections, 1...1_000_000)
        for (name, value) in [
            ("body-time", bodyTime), ("request-time", requestTime), ("idle-time", idleTime), ("ping", ping),
        ] { try check(name, value, 1...1_000_000) }
        try check("grace", grace, 0...1_000_000)
        if let threads { try check("threads", threads, 1...4096) }
        guard stateLimit >= 0, memory >= 0, stateLimit < 1e6, memory < 1e6 else {
            throw ValidationError("--state-limit and --memory are gigabytes, 0 or more")
        }
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError(
                "--log-level \(logLevel): trace, debug, info, notice, warning, error or critical")
        }
        if socket == nil, !isLocal, keyFile == nil, !withoutKey {
            throw ValidationError(
                "on --host \(host) other machines reach this server; give --key-file, or --without-key if that is meant"
            )
        }
    }

    /// Whether the address is reached from this machine only. A Unix socket is, and no browser knows of it.
    private var isLocal: Bool { host == "localhost" || host.hasPrefix("127.") || host == "::1" }

    func run() async throws {
        // What is written here is its owner's alone: states, and the socket.
        umask(0o077)
        Self.raiseFileLimit()
        let logger = Self.logger(level: Logger.Level(rawValue: logLevel)!)
        let keys = try keyRing()
        let loaded = try openModel()
        let shelf = try openShelf(loaded)
        try checkSocket()

        var options = CompletionEngine.Options()
        options.maximumOpen = parallel
        options.defaultTokens = maxTokens
        options.stateBytes = Int(memory * 1e9)
        let worker = Worker(model: loaded, options: options, shelf: shelf, limit: queue, logger: logger)
        let metrics = ServerMetrics()
        var bodyLimits = RequestBodies.Limits()
        bodyLimits.bytes = maxBody << 20
        bodyLimits.bytesTogether = max(bodyLimits.bytesTogether, 4 * bodyLimits.bytes)
        bodyLimits.time = .seconds(bodyTime)
        var limits = Exchange.Limits()
        limits.ping = .seconds(ping)
        limits.request = .seconds(requestTime)
        let endpoints = Endpoints(
            worker: worker, bodies: RequestBodies(bodyLimits), limits: limits, metrics: metrics,
            names: alias + [loaded.name])
        let gate = Gate(keys: keys, isLocal: socket == nil && isLocal && keys.isEmpty, metrics: metrics)
        let address: BindAddress = socket.map { .unixDomainSocket(path: $0) } ?? .hostname(host, port: port)
        let socket = socket
        let application = Application(
            router: endpoints.router(gate),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [DepartureHandler()], idleTimeout: .seconds(Int64(idleTime)))),
            configuration: .init(
                address: address, backlog: 1024,
                availableConnectionsDelegate: .maximum(connections, logger: logger)),
            services: [worker],
            onServerRunning: { channel in
                let place =
                    socket.map { "unix:\($0)" }
                    ?? "http://\(Self.shown(channel.localAddress))"
                Self.say("listening on \(place), model \(endpoints.names[0])")
            }, logger: logger)
        let closing = Closing(worker: worker, grace: .seconds(grace))
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: application), .init(service: closing)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // Connections that only ever begin a request do not hold up the end.
        configuration.maximumGracefulShutdownDuration = .seconds(grace + 10)
        let group = ServiceGroup(configuration: configuration)
        do { try await group.run() } catch {
            Self.say("cannot listen on \(socket ?? "\(host):\(port)"): \(error)")
            throw ExitCode(74)
        }
    }

    // MARK: Before it listens

    private func keyRing() throws -> KeyRing {
        guard let keyFile else { return .none }
        guard let text = try? String(contentsOfFile: keyFile, encoding: .utf8) else {
            Self.say("cannot read the key file \(keyFile)")
            throw ExitCode(78)
        }
        guard let keys = KeyRing(lines: text) else {
            Self.say("the key file \(keyFile) has no key; write one a line")
            throw ExitCode(78)
        }
        return keys
    }

    private func openModel() throws -> LoadedModel {
        if let model, !FileManager.default.fileExists(atPath: model) {
            Self.say("there is no model at \(model)")
            throw ExitCode(78)
        }
        do { return try LoadedModel.open(path: model, threads: threads) } catch {
            Self.say("\(error)")
            throw ExitCode(model == nil ? 78 : 65)
        }
    }

    private func openShelf(_ model: LoadedModel) throws -> StateShelf {
        let environment = ProcessInfo.processInfo.environment
        let base =
            environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? (environment["HOME"] ?? "") + "/.local/state"
        let folder = (stateDir ?? base + "/lector") + "/states"
        do {
            return try StateShelf(folder: folder, model: model, limitBytes: Int(stateLimit * 1e9))
        } catch {
            Self.say("\(error)")
            throw ExitCode(74)
        }
    }

    /// A socket that another server listens on is not taken away from it.
    private func checkSocket() throws {
        guard let socket else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(socket.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            Self.say("the path of the socket is too long: \(socket)")
            throw ExitCode(64)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let isTaken = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        if isTaken {
            Self.say("another server listens on \(socket)")
            throw ExitCode(75)
        }
    }

    /// Each connection is a file; the usual 1,024 are few.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65536)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    // MARK: Talk

    static func say(_ text: String) {
        FileHandle.standardError.write(Data("lector-serve: \(text)\n".utf8))
    }

    private static func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "lector-serve") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }

    private static func shown(_ address: SocketAddress?) -> String {
        let host = address?.ipAddress ?? "?"
        return (host.contains(":") ? "[\(host)]" : host) + ":\(address?.port ?? 0)"
    }
}

/// Told first of a shutdown: the worker ends what is open, so that the connections can end.
private struct Closing: Service {
    let worker: Worker
    let grace: Duration

    func run() async throws {
        try? await gracefulShutdown()
        worker.close(within: grace)
    }
}

import CReader
import Documents
import Glibc

/// A reader process from the inside: reads what it is asked to, says what it finds, and ends.
package enum ReaderWorker {
    /// Socket and shared memory, as `cr_spawn` places them.
    static let channel: Int32 = 3
    static let memory: Int32 = 4

    /// Runs until everything is read, enough is, or nobody listens.
    package static func run() -> Never {
        // The programs that read for us get neither.
        for descriptor in [channel, memory] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        cr_name("lector-reader")
        guard let request = receive(), let tail = SharedTail(descriptor: memory) else { _exit(64) }
        close(memory)
        endWithParent()
        // What the parent watches strikes first; this is for what comes all at once. Address space is more than memory.
        limit(RLIMIT_AS, request.options.readerBytes * 2 + 1 << 30)
        limit(RLIMIT_CORE, 0)
        SharedTail.ofThisReader = tail
        let voice = ReaderVoice(request, tail)
        let context = StreamContext(
            options: request.options, findsPlaces: request.findsPlaces, from: request.steps)
        context.voice = voice
        context.push(InputList(request.inputs))
        while let event = context.nextEvent() {
            voice.say(event, context)
            SharedTail.beat()
        }
        voice.finish(context)
        _exit(0)
    }

    private static func receive() -> ReaderRequest? {
        func read(_ count: Int) -> [UInt8]? {
            var bytes = [UInt8](repeating: 0, count: count)
            var done = 0
            while done < count {
                let got = bytes.withUnsafeMutableBytes {
                    Glibc.read(channel, $0.baseAddress! + done, count - done)
                }
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { return nil }
                done += got
            }
            return bytes
        }
        guard let head = read(4) else { return nil }
        let count = head.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
        return read(count)?.withUnsafeBytes { try? ReaderRequest($0) }
    }

    /// A thread that notices when the parent is gone, whatever the parsers do.
    private static func endWithParent() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { _ in
                cr_wait_for_hangup(ReaderWorker.channel)
                _exit(0)
            }, nil)
    }

    private static func limit(_ resource: __rlimit_resource, _ value: Int) {
        var limits = rlimit()
        let resource = __rlimit_resource_t(resource.rawValue)
        guard getrlimit(resource, &limits) == 0 else { return }
        limits.rlim_cur = min(rlim_t(value), limits.rlim_max)
        _ = setrlimit(resource, &limits)
    }
}

/// What a reader process says to its parent, and what it was told to begin with.
final class ReaderVoice {
    private static let sendBytes = 256 << 10
    /// After so much another process goes on, so that what libraries leak stays bounded.
    private static let workBytes = 1 << 30
    private static let workDocuments = 100_000

    /// Whether the process begins amid an archive whose limits count anew.
    var isRecovering: Bool { request.passesOver }
    private let request: ReaderRequest
    private let tail: SharedTail
    private var passesOver: Bool
    private var hasSaidHello = false
    private var lastAddress = ""
    private var bytes = 0
    private var documents = 0
    private var writer = FrameWriter()

    init(_ request: ReaderRequest, _ tail: SharedTail) {
        self.request = request
        self.tail = tail
        passesOver = request.passesOver
    }

    /// An item of inputs, folder, mailbox or archive is about to be read.
    ///
    /// - Returns: Whether it is to be.
    func enter(_ steps: [[Int]], _ address: String, _ context: StreamContext) -> Bool {
        if passesOver, steps == request.steps {
            passesOver = false
            return false
        }
        if !hasSaidHello {
            // Something else lies where the other process was.
            if let expected = request.address, expected != address { context.isLost = true }
            sayHello(context)
        }
        lastAddress = address
        if documents >= Self.workDocuments || bytes >= Self.workBytes, mayRetire(steps) {
            put(.retire(steps: steps, address: address), flushes: true)
            tail.send(to: ReaderWorker.channel)
            _exit(0)
        }
        put(.enter(steps: steps, address: address), flushes: true)
        return true
    }

    /// Bytes inside of that item are about to be read.
    func note(_ address: String) {
        if address == lastAddress || !hasSaidHello { return }
        lastAddress = address
        put(.note(address: address))
    }

    func say(_ event: DocumentEvent, _ context: StreamContext) {
        sayHello(context)
        let hasStruckLimit = context.takeStruckLimit()
        var flushes = false
        switch event {
        case .begin: documents += 1
        case .text(let chunk):
            bytes += chunk.utf8.count
            flushes = true
        case .end: break
        }
        put(.event(event, hasStruckLimit: hasStruckLimit, place: context.place), flushes: flushes)
    }

    func finish(_ context: StreamContext) {
        sayHello(context)
        put(.finished(hasStruckLimit: context.takeStruckLimit()))
        tail.send(to: ReaderWorker.channel)
    }

    private func sayHello(_ context: StreamContext) {
        if hasSaidHello { return }
        hasSaidHello = true
        let isLost = context.isLost || !context.stepsLeft.isEmpty
        put(.hello(isLost: isLost))
        if isLost {
            tail.send(to: ReaderWorker.channel)
            _exit(0)
        }
    }

    /// Whether another process comes to the item without reading what stands before it.
    private func mayRetire(_ steps: [[Int]]) -> Bool {
        guard let input = steps.first?.first, request.inputs[input] != "-" else { return false }
        return StreamPlace(steps: steps, item: "").archive == nil
    }

    /// - Parameter flushes: Whether this is a moment to send, if enough is there: one at which, should the process end
    ///   while it waits, something is being read.
    private func put(_ frame: ReaderFrame, flushes: Bool = false) {
        writer.bytes.removeAll(keepingCapacity: true)
        writer.bytes += [0, 0, 0, 0]
        frame.append(to: &writer)
        let text = frame.text
        let count = UInt32(writer.bytes.count - 4 + text.count)
        writer.bytes.withUnsafeMutableBytes { $0.storeBytes(of: count.littleEndian, as: UInt32.self) }
        writer.bytes.withUnsafeBytes { head in
            text.withUnsafeBytes { text in
                if head.count + text.count > SharedTail.capacity - tail.count {
                    tail.send(to: ReaderWorker.channel)
                }
                if head.count + text.count <= SharedTail.capacity { return tail.append(head, text) }
                for piece in [head, text] {
                    var rest = piece
                    while !rest.isEmpty {
                        if tail.count == SharedTail.capacity { tail.send(to: ReaderWorker.channel) }
                        let count = min(rest.count, SharedTail.capacity - tail.count)
                        tail.append(rest.slice(0..<count))
                        rest = rest.slice(count..<rest.count)
                    }
                }
            }
        }
        if writer.bytes.count > 1 << 20 { writer.bytes = [] }
        if flushes, tail.count >= Self.sendBytes { tail.send(to: ReaderWorker.channel) }
    }
}

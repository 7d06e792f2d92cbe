import CReader
import Glibc

/// Memory that a reader process and its parent share: what the process has written and not sent yet, so that nothing it
/// wrote is lost when it dies; and signs of life.
///
/// The process writes events here, and sends them through its socket when enough are together. After its death the parent
/// has what came through the socket, and finds the rest here.
final class SharedTail {
    static let capacity = 1 << 20
    private static let headerBytes = 64
    static let bytes = headerBytes + capacity

    /// The end of the process that this one is a reader of; nil in every other.
    nonisolated(unsafe) static var ofThisReader: SharedTail?

    /// Bytes sent; bytes in the memory; beats; whether the reader waits for someone else.
    private let header: UnsafeMutablePointer<UInt64>
    private let base: UnsafeMutableRawPointer
    private let data: UnsafeMutableRawPointer

    /// - Returns: Nil with errno.
    init?(descriptor: Int32) {
        let mapped = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        base = mapped
        header = mapped.bindMemory(to: UInt64.self, capacity: Self.headerBytes / 8)
        data = mapped + Self.headerBytes
    }

    deinit { munmap(base, Self.bytes) }

    // MARK: The reader's side

    var count: Int { Int(cr_load(header + 1)) }

    /// Adds bytes, and others behind them, as one, for whoever finds them; they must fit.
    func append(
        _ bytes: UnsafeRawBufferPointer, _ more: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    ) {
        let before = count
        let after = before + bytes.count + more.count
        precondition(after <= Self.capacity)
        if let source = bytes.baseAddress { memcpy(data + before, source, bytes.count) }
        if let source = more.baseAddress { memcpy(data + before + bytes.count, source, more.count) }
        cr_store(header + 1, UInt64(after))
    }

    /// Sends everything. Without a parent there is nothing to live for.
    func send(to channel: Int32) {
        let total = count
        var done = 0
        while done < total {
            let sent = Int(cr_send(channel, data + done, Int64(total - done)))
            if sent < 0, errno == EINTR { continue }
            if sent <= 0 { _exit(0) }
            done += sent
        }
        // A death between the two must not give these bytes twice.
        cr_store(header + 1, 0)
        cr_store(header, cr_load(header) + UInt64(total))
    }

    /// Says that work goes on.
    static func beat() {
        guard let tail = ofThisReader else { return }
        cr_store(tail.header + 2, cr_load(tail.header + 2) &+ 1)
    }

    /// Runs what may take as long as someone else likes: a pipe's writer, a program with a watchdog of its own.
    static func waiting<Result>(_ body: () -> Result) -> Result {
        guard let tail = ofThisReader else { return body() }
        // Nobody else is to wait for what is known already.
        if tail.count > 0 { tail.send(to: ReaderWorker.channel) }
        cr_store(tail.header + 3, 1)
        defer {
            cr_store(tail.header + 3, 0)
            beat()
        }
        return body()
    }

    // MARK: The parent's side

    var beats: UInt64 { cr_load(header + 2) }
    var isWaiting: Bool { cr_load(header + 3) != 0 }

    /// What a dead reader wrote after the first `received` bytes.
    func rest(after received: Int) -> UnsafeRawBufferPointer {
        let sent = Int(clamping: cr_load(header))
        let total = min(Int(clamping: cr_load(header + 1)), Self.capacity)
        let start = received - sent
        guard start >= 0, start < total else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: data + start, count: total - start)
    }
}

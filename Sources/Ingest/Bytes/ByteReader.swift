import Documents
import Glibc

/// A source behind a buffer that can be looked into before it is consumed.
///
/// What a look shows depends on the bytes alone and never on how the source cuts them: a
/// look fills the buffer to its end or to the end of the source. A failing source ends; the
/// failure is kept for whoever writes the last status.
final class ByteReader {
    static let capacity = 256 << 10

    private let source: ByteSource
    /// Absolute offset of the first byte that is not consumed.
    private(set) var offset = 0
    /// Why the source ended early.
    private(set) var failure: SourceFailure?
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var isSourceDone = false

    /// Whether the bytes are what a packed file (`notes.txt.gz`) unpacks to, whose address they share.
    private let isUnpacked: Bool

    init(_ source: ByteSource, isUnpacked: Bool = false) {
        self.source = source
        self.isUnpacked = isUnpacked
        buffer = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// The bytes at hand: at least `minimum` of them, or all that are left. Valid until the
    /// next look.
    ///
    /// - Parameter minimum: At most ``capacity``.
    func look(_ minimum: Int = 1) -> UnsafeRawBufferPointer {
        if end - start < minimum, !isSourceDone { fill() }
        return UnsafeRawBufferPointer(rebasing: buffer[start..<end])
    }

    /// Whether nothing comes after the bytes at hand. True only once a look has found out.
    var isSourceExhausted: Bool { isSourceDone }

    /// A descriptor to read at any offset, for readers that must seek.
    var seekableDescriptor: Int32? { source.seekableDescriptor }

    /// Whose bytes these are, for a `TextOrigin`.
    func container(_ address: String) -> String { isUnpacked ? address + "!" : address }

    var isAtEnd: Bool { look().isEmpty }

    func consume(_ count: Int) {
        precondition(count <= end - start)
        start += count
        offset += count
    }

    /// Goes on to an offset ahead: by seeking where the source can, else by reading what stands before.
    ///
    /// - Returns: Whether the source goes that far; one that can seek is not asked.
    func advance(to target: Int) -> Bool {
        guard target >= offset else { return false }
        if target - offset > end - start, !isSourceDone, source.seek(to: target) {
            offset = target
            start = 0
            end = 0
        }
        while offset < target {
            let count = min(look().count, target - offset)
            if count == 0 { return false }
            consume(count)
        }
        return true
    }

    /// All that is left, for readers that hold their document in memory.
    ///
    /// - Returns: At most `limit` bytes, and whether there were more; those are consumed, too.
    func readAll(limit: Int) -> (bytes: [UInt8], isCut: Bool) {
        var bytes: [UInt8] = []
        var isCut = false
        while case let block = look(), !block.isEmpty {
            let room = limit - bytes.count
            if block.count > room { isCut = true }
            bytes.append(contentsOf: block.slice(0..<max(0, min(block.count, room))))
            consume(block.count)
        }
        return (bytes, isCut)
    }

    private func fill() {
        if start > 0 {
            let base = buffer.baseAddress!
            memmove(base, base + start, end - start)
            end -= start
            start = 0
        }
        while end < buffer.count {
            SharedTail.beat()
            do {
                let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
                if count == 0 {
                    isSourceDone = true
                    return
                }
                end += count
            } catch {
                failure = error
                isSourceDone = true
                return
            }
        }
    }
}

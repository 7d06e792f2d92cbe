import Documents
import Glibc

/// Why bytes stopped coming before their end.
struct SourceFailure: Error, Equatable {
    var reason: ItemStatus.Reason
    /// One line: what was found, what was expected.
    var message: String
}

/// Bytes that come one read at a time and once.
protocol ByteSource: AnyObject {
    /// Fills up to `buffer.count` bytes (more than 0) and returns how many; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int
    /// A descriptor that can be read at any offset, for readers that must seek.
    var seekableDescriptor: Int32? { get }
    /// Goes on at an offset from the source's start.
    ///
    /// - Returns: Whether it could; else nothing has changed.
    func seek(to offset: Int) -> Bool
}

extension ByteSource {
    var seekableDescriptor: Int32? { nil }
    func seek(to offset: Int) -> Bool { false }
}

/// A file, or whatever stands behind a descriptor.
final class FileSource: ByteSource {
    private let descriptor: Int32
    private let closes: Bool
    private let isRegular: Bool

    init(descriptor: Int32, closes: Bool, isRegular: Bool) {
        self.descriptor = descriptor
        self.closes = closes
        self.isRegular = isRegular
        if isRegular { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
    }

    deinit { if closes { close(descriptor) } }

    var seekableDescriptor: Int32? { isRegular ? descriptor : nil }

    func seek(to offset: Int) -> Bool { isRegular && lseek(descriptor, off_t(offset), SEEK_SET) == offset }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        while true {
            let count =
                isRegular
                ? Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                : SharedTail.waiting { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
            if count >= 0 { return count }
            let code = errno
            if code == EINTR { continue }
            throw SourceFailure(reason: .unreadable, message: "reading failed: \(systemMessage(code))")
        }
    }
}

/// Bytes in memory.
final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, bytes.count - position)
        bytes.withUnsafeBytes { all in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[position..<position + count]))
        }
        position += count
        return count
    }
}

/// Bytes that a closure hands out, in cuts of its choice: how tests show that cuts do not
/// matter.
final class ClosureSource: ByteSource {
    private let next: () -> [UInt8]?
    private var rest: ArraySlice<UInt8> = []

    init(_ next: @escaping () -> [UInt8]?) { self.next = next }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while rest.isEmpty {
            guard let piece = next() else { return 0 }
            rest = piece[...]
        }
        let piece = rest.prefix(buffer.count)
        piece.withUnsafeBytes { buffer.copyMemory(from: $0) }
        rest = rest.dropFirst(piece.count)
        return piece.count
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}

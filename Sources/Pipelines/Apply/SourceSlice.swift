import Documents
import Glibc

/// The original bytes of an item, line by line, in bounded memory.
///
/// A piece is a line with its break, or a stretch of a line that is too long for one piece.
struct SourceSlice: ~Copyable {
    struct Piece {
        var bytes: ArraySlice<UInt8>
        /// Whether a line begins here.
        var isLineStart: Bool
    }

    private static let chunkBytes = 1 << 16
    private let fd: Int32
    private let path: String
    private var at: Int
    private let end: Int
    private var buffer: [UInt8] = []
    private var used = 0
    private var isLineStart = true

    /// - Parameter span: Nil for the whole file.
    init(_ path: String, span: SourceSpan?) throws(PipelineError) {
        self.path = path
        fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw FileSystem.error("read", path) }
        var info = stat()
        fstat(fd, &info)
        at = span?.start ?? 0
        end = min(span?.end ?? Int(info.st_size), Int(info.st_size))
    }

    deinit { close(fd) }

    mutating func next() throws(PipelineError) -> Piece? {
        while true {
            if let newline = buffer[used...].firstIndex(of: 0x0A) {
                defer {
                    used = newline + 1
                    isLineStart = true
                }
                return Piece(bytes: buffer[used...newline], isLineStart: isLineStart)
            }
            // A beginning of a line is kept until it is long enough to be told what it is.
            if buffer.count - used >= Self.chunkBytes / 2 || (at == end && used < buffer.count) {
                defer {
                    used = buffer.count
                    isLineStart = false
                }
                return Piece(bytes: buffer[used...], isLineStart: isLineStart)
            }
            guard at < end else { return nil }
            buffer.removeFirst(used)
            used = 0
            let start = buffer.count
            let wanted = min(Self.chunkBytes, end - at)
            buffer.append(contentsOf: repeatElement(0, count: wanted))
            let count = buffer.withUnsafeMutableBytes {
                pread(fd, $0.baseAddress! + start, wanted, off_t(at))
            }
            buffer.removeLast(wanted - max(0, count))
            if count < 0 {
                if errno == EINTR { continue }
                throw FileSystem.error("read", path)
            }
            guard count > 0 else {
                throw .data("\(TerminalText.sanitized(path)) is shorter than it was when the run read it")
            }
            at += count
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether the line is `From ` behind any number of `>`, which mboxrd quotes.
    var isFromLine: Bool { drop { $0 == UInt8(ascii: ">") }.starts(with: "From ".utf8) }

    /// Whether the line is empty but for its break.
    var isBlankLine: Bool { elementsEqual([0x0A]) || elementsEqual([0x0D, 0x0A]) }
}

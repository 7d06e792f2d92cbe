import Glibc

/// Lines of a file with their offsets, in memory bounded by the longest line.
package struct LineReader: ~Copyable {
    /// One line without its line break.
    package struct Line {
        package var bytes: [UInt8]
        /// Of the line's first byte in the file.
        package var offset: Int
        /// Whether a line break stands after it; only the last line may lack one.
        package var isWhole: Bool
    }

    private let fd: Int32
    private let path: String
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    private var start = 0
    private var end = 0
    private var offset = 0

    package init(_ path: String) throws(PipelineError) {
        self.path = path
        fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw FileSystem.error("read", path) }
    }

    deinit { close(fd) }

    package mutating func next() throws(PipelineError) -> Line? {
        var bytes: [UInt8] = []
        let at = offset
        while true {
            if start == end {
                let count = read(fd, &buffer, buffer.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw FileSystem.error("read", path)
                }
                if count == 0 {
                    return bytes.isEmpty ? nil : Line(bytes: bytes, offset: at, isWhole: false)
                }
                start = 0
                end = count
            }
            if let newline = buffer[start..<end].firstIndex(of: UInt8(ascii: "\n")) {
                bytes += buffer[start..<newline]
                offset += newline + 1 - start
                start = newline + 1
                return Line(bytes: bytes, offset: at, isWhole: true)
            }
            bytes += buffer[start..<end]
            offset += end - start
            start = end
        }
    }
}

import Documents
import Glibc

/// Standard input as an input of a run: copied into the run's folder first, so that a
/// resumed run has it too, and read from there.
enum StandardInput {
    /// Copies everything from descriptor 0 to a private file.
    static func spool(to path: String) throws(PipelineError) {
        let file = try AtomicFile(path)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileSystem.error("read", "standard input") }
            if count == 0 { break }
            if let signal = StopSignal.received {
                throw .io("stopped by signal \(signal) while standard input was read; nothing is kept of it")
            }
            try file.write(buffer[..<count])
        }
        try file.commit()
    }

    /// From here on descriptor 0 is the copy.
    static func replace(with path: String) throws(PipelineError) {
        let fd = open(path, O_RDONLY)
        guard fd >= 0 else { throw FileSystem.error("read", path) }
        guard dup2(fd, STDIN_FILENO) >= 0 else { throw FileSystem.error("read", path) }
        close(fd)
    }

    /// Back to the start of the copy, before another pass.
    static func rewind() { lseek(STDIN_FILENO, 0, SEEK_SET) }
}

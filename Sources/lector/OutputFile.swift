import Glibc

/// Where results go: a file, or the standard output. Buffered.
///
/// A file is written under another name beside it and takes its own only when it is
/// complete, so that nobody mistakes half a result for a whole one.
final class OutputFile {
    /// Why the output could not be written, in one line.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let path: String?
    private let temporary: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []

    /// - Parameter path: Nil for the standard output.
    init(path: String?) throws {
        self.path = path
        temporary = path.map { "\($0).part" } ?? ""
        descriptor = STDOUT_FILENO
        guard let path else { return }
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        if descriptor < 0 {
            throw Failure(description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    func write(_ bytes: some Sequence<UInt8>) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= 64 << 10 { try flush() }
    }

    func flush() throws {
        var done = 0
        while done < buffer.count {
            let count = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + done, buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = String(cString: strerror(errno))
                throw Failure(description: "cannot write \(path ?? "to the standard output"): \(reason)")
            }
            done += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Writes what is left and gives the file its name.
    func finish() throws {
        try flush()
        guard let path else { return }
        guard close(descriptor) == 0, rename(temporary, path) == 0 else {
            throw Failure(description: "cannot finish \(path): \(String(cString: strerror(errno)))")
        }
    }
}

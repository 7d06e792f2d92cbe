import Documents
import Glibc

/// A file that appears under its name complete or not at all.
///
/// Bytes go to a temporary file in the same folder; `commit` syncs and renames it. A
/// writer that is dropped without `commit` leaves what was there before.
package final class AtomicFile {
    package let path: String
    /// Nil for a device or a pipe, which is written as it is.
    private let temporaryPath: String?
    private var fd: Int32
    private var buffer: [UInt8] = []

    /// - Parameter mode: Permissions of the file; 0600 for what holds text of documents.
    package init(_ path: String, mode: mode_t = 0o600) throws(PipelineError) {
        if FileSystem.isFolder(path) {
            throw .io("cannot write \(TerminalText.sanitized(path)): it is a folder")
        }
        var info = stat()
        if stat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG {
            self.path = path
            temporaryPath = nil
            fd = open(path, O_WRONLY | O_CLOEXEC)
        } else {
            self.path = FileSystem.linkTarget(path) ?? path
            let temporary = self.path + ".part"
            temporaryPath = temporary
            fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        }
        guard fd >= 0 else { throw FileSystem.error("write", path) }
        buffer.reserveCapacity(1 << 16)
    }

    deinit {
        guard fd >= 0 else { return }
        close(fd)
        removeTemporary()
    }

    private func removeTemporary() {
        if let temporaryPath { unlink(temporaryPath) }
    }

    package func write(_ bytes: some Sequence<UInt8>) throws(PipelineError) {
        buffer += bytes
        if buffer.count >= 1 << 16 { try flush() }
    }

    package func write(_ text: String) throws(PipelineError) { try write(text.utf8) }

    private func flush() throws(PipelineError) {
        try FileSystem.write(buffer, to: fd, path: path)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Puts the file in its place.
    package func commit() throws(PipelineError) {
        try flush()
        guard fsync(fd) == 0 || errno == EINVAL || errno == EROFS else {
            throw FileSystem.error("write", path)
        }
        guard close(fd) == 0 else {
            fd = -1
            removeTemporary()
            throw FileSystem.error("write", path)
        }
        fd = -1
        guard let temporaryPath else { return }
        guard rename(temporaryPath, path) == 0 else {
            let failure = FileSystem.error("write", path)
            removeTemporary()
            throw failure
        }
        FileSystem.syncFolder(FileSystem.parent(of: path))
    }

    /// Writes one small file at once.
    package static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: mode_t = 0o600)
        throws(PipelineError)
    {
        let file = try AtomicFile(path, mode: mode)
        try file.write(bytes)
        try file.commit()
    }
}

import Digests

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A regular file that is read in pieces, and that says so when it changes under us.
///
/// Weights that are converted on load are read, not mapped: a file that is cut short while it is
/// mapped ends the process with a signal, a read ends with an error. A file replaced by rename is
/// no change: the open descriptor keeps the old one.
public final class ReadableFile: Sendable {
    public let path: String
    /// The file's length when it was opened.
    public let byteCount: Int
    private let descriptor: Int32
    private let modified: (seconds: Int, nanoseconds: Int)

    /// - Throws: ``WeightFileError/unreadable(path:reason:)``.
    public init(path: String) throws(WeightFileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw .unreadable(path: path, reason: reason)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
        modified = status.modificationTime
    }

    deinit { close(descriptor) }

    /// The whole file in memory, read-only; the caller unmaps it.
    func map() -> UnsafeMutableRawPointer? {
        mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
    }

    /// Reads `out.count` bytes from `offset` on.
    ///
    /// - Throws: ``WeightFileError/truncated(path:found:expected:)`` when the file never had them,
    ///   ``WeightFileError/changed(path:)`` when it is no longer what was opened.
    public func read(_ out: UnsafeMutableRawBufferPointer, at offset: Int) throws(WeightFileError) {
        let (end, overflows) = offset.addingReportingOverflow(out.count)
        guard offset >= 0, !overflows, end <= byteCount else {
            throw .truncated(path: path, found: byteCount, expected: overflows ? Int.max : end)
        }
        var done = 0
        while done < out.count {
            let count = pread(descriptor, out.baseAddress! + done, out.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw .unreadable(path: path, reason: String(cString: strerror(errno)))
            }
            if count == 0 { throw .changed(path: path) }
            done += count
        }
        try checkUnchanged()
    }

    /// The bytes `range` of the file.
    public func bytes(_ range: Range<Int>) throws(WeightFileError) -> [UInt8] {
        guard range.upperBound <= byteCount else {
            throw .truncated(path: path, found: byteCount, expected: range.upperBound)
        }
        var failure: WeightFileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            do throws(WeightFileError) {
                try read(UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
                filled = range.count
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// SHA-256 of the bytes `range`.
    func digest(_ range: Range<Int>) throws(WeightFileError) -> [UInt8] {
        var hash = SHA256()
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 22) {
            hash.update(try bytes(start..<min(start + (1 << 22), range.upperBound)))
        }
        return hash.finalize()
    }

    /// - Throws: ``WeightFileError/changed(path:)`` when length or time of the open file are others now.
    public func checkUnchanged() throws(WeightFileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) == byteCount,
            status.modificationTime == modified
        else { throw .changed(path: path) }
    }
}

extension stat {
    /// When the content was last changed.
    var modificationTime: (seconds: Int, nanoseconds: Int) {
        #if canImport(Darwin)
            (Int(st_mtimespec.tv_sec), Int(st_mtimespec.tv_nsec))
        #else
            (Int(st_mtim.tv_sec), Int(st_mtim.tv_nsec))
        #endif
    }
}

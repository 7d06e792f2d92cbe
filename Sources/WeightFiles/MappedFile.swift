#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A whole file mapped read-only into memory, unmapped when the last reference goes.
public final class MappedFile: Sendable {
    public let path: String
    nonisolated(unsafe) public let bytes: UnsafeRawBufferPointer
    private let file: ReadableFile

    /// Maps the file at `path`. The file must not be changed while it is mapped; files of ours
    /// are replaced by rename, never rewritten. See ``checkUnchanged()`` and ``endProcessWhenCut()``.
    ///
    /// - Throws: ``WeightFileError/unreadable(path:reason:)``.
    public init(path: String) throws(WeightFileError) {
        file = try ReadableFile(path: path)
        self.path = path
        let length = file.byteCount
        if length == 0 {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let base = file.map(), base != MAP_FAILED else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        #if os(Linux)
            // Where the file system keeps large folios, a decode step reads its weights through a
            // five-hundredth of the pages, half as fast again; elsewhere the advice is ignored.
            if length >= 2 << 20 { madvise(base, length, MADV_HUGEPAGE) }
        #endif
        bytes = UnsafeRawBufferPointer(start: base, count: length)
        Self.register(bytes, path: path)
    }

    /// - Throws: ``WeightFileError/changed(path:)`` when the file was rewritten or cut since it was mapped.
    public func checkUnchanged() throws(WeightFileError) { try file.checkUnchanged() }

    deinit {
        Self.unregister(bytes)
        if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    }
}

/// Whether `path` names a regular file that may be read.
func isReadableFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, R_OK) == 0
}

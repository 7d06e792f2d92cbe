import Digests

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder of checkpoints, each under the name of its key.
///
/// A state contains what was read, so folders are 0700 and files 0600. Several processes may
/// use one folder: a file appears whole, by rename, and never changes.
public struct CheckpointStore: Sendable {
    public let folder: String

    /// Opens `folder`, making it and its parents as needed.
    ///
    /// - Throws: ``CheckpointError/unwritable(path:reason:)``.
    public init(folder: String) throws(CheckpointError) {
        self.folder = folder
        var at = folder.startIndex
        while at < folder.endIndex {
            let next = folder[folder.index(after: at)...].firstIndex(of: "/") ?? folder.endIndex
            let path = String(folder[..<next])
            if mkdir(path, 0o700) != 0, errno != EEXIST {
                let reason = String(cString: strerror(errno))
                var status = stat()
                guard stat(path, &status) == 0 else { throw .unwritable(path: path, reason: reason) }
            }
            at = next
        }
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .unwritable(path: folder, reason: "it is not a folder")
        }
    }

    /// Where the checkpoint of `key` lies or would lie.
    public func path(of key: CheckpointKey) -> String { "\(folder)/\(key).state" }

    public func contains(_ key: CheckpointKey) -> Bool { access(path(of: key), R_OK) == 0 }

    /// Writes a checkpoint: temporary file in the same folder, fsync, rename, fsync of the folder.
    /// When this returns, the state survives a crash of the machine.
    ///
    /// - Throws: ``CheckpointError/unwritable(path:reason:)``; nothing is left behind then.
    public func save(_ checkpoint: Checkpoint) throws(CheckpointError) {
        let final = path(of: checkpoint.key)
        let temporary = "\(final).\(getpid()).\(UInt64.random(in: 0...UInt64.max)).part"
        let bytes = CheckpointFormat.encode(checkpoint)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unwritable(path: temporary, reason: String(cString: strerror(errno)))
        }
        var failure: Int32 = 0
        bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let written = write(descriptor, raw.baseAddress! + done, raw.count - done)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else {
                    failure = errno
                    return
                }
                done += written
            }
        }
        if failure == 0, fsync(descriptor) != 0 { failure = errno }
        close(descriptor)
        if failure == 0, rename(temporary, final) != 0 { failure = errno }
        guard failure == 0 else {
            unlink(temporary)
            throw .unwritable(path: final, reason: String(cString: strerror(failure)))
        }
        let directory = open(folder, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    /// The checkpoint of `key`; nil when there is none.
    ///
    /// - Parameter verifyDigest: Also recompute the SHA-256 of the whole (CRCs are always checked).
    /// - Throws: ``CheckpointError``. A damaged file is renamed to `*.damaged` first.
    public func load(
        _ key: CheckpointKey, verifyDigest: Bool = false
    ) throws(CheckpointError) -> Checkpoint? {
        let path = path(of: key)
        guard access(path, F_OK) == 0 else { return nil }
        let checkpoint = try read(path: path, verifyDigest: verifyDigest)
        guard checkpoint.key == key else { throw setAside(path, "it holds the key \(checkpoint.key)") }
        return checkpoint
    }

    /// Reads a checkpoint file by path and refuses it when it is not of `identity`.
    ///
    /// - Throws: ``CheckpointError``, ``CheckpointError/mismatch(path:what:checkpoint:loaded:)``
    ///   among them.
    public func load(
        path: String, identity: CheckpointIdentity, verifyDigest: Bool = false
    ) throws(CheckpointError) -> Checkpoint {
        let checkpoint = try read(path: path, verifyDigest: verifyDigest)
        let found = checkpoint.identity
        let parts = [
            ("model", found.modelFingerprint, identity.modelFingerprint),
            ("tokenizer", found.tokenizerFingerprint, identity.tokenizerFingerprint),
            ("numerics class", found.numericsClass, identity.numericsClass),
        ]
        for (what, stored, loaded) in parts where stored != loaded {
            throw .mismatch(path: path, what: what, checkpoint: stored, loaded: loaded)
        }
        return checkpoint
    }

    /// Deletes the checkpoint of `key`; true when there was one.
    @discardableResult
    public func remove(_ key: CheckpointKey) -> Bool { unlink(path(of: key)) == 0 }

    private func read(path: String, verifyDigest: Bool) throws(CheckpointError) -> Checkpoint {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
        let length = Int(status.st_size)
        guard length > 0 else { throw setAside(path, "it is empty") }
        guard let base = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { munmap(base, length) }
        do throws(CheckpointFormat.Flaw) {
            return try CheckpointFormat.decode(
                UnsafeRawBufferPointer(start: base, count: length), verifyDigest: verifyDigest)
        } catch {
            switch error {
            case .version(let found):
                throw .version(path: path, found: found, expected: CheckpointFormat.version)
            case .damaged(let what): throw setAside(path, what)
            }
        }
    }

    private func setAside(_ path: String, _ what: String) -> CheckpointError {
        let aside = path + ".damaged"
        return rename(path, aside) == 0
            ? .damaged(path: path, what: what, setAside: aside)
            : .damaged(path: path, what: what, setAside: "nothing: \(String(cString: strerror(errno)))")
    }
}

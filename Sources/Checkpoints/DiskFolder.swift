#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder on disk, 0700, with files of 0600: a state contains what was read.
package struct DiskFolder: StateFolder {
    /// One step of ``put(_:as:)``, told to the fault hook before it is done.
    package enum Step: Sendable {
        case create, write, sync, rename, syncFolder
    }

    /// What the fault hook wants to happen.
    package enum Fault: Sendable {
        /// The step fails with this `errno`.
        case fails(Int32)
        /// The process is gone, as if by kill -9: nothing is cleaned up.
        case dies
        /// As `dies`, in the middle of a write: half of the bytes are there.
        case tears
    }

    package let path: String
    private let hook: (@Sendable (Step) -> Fault?)?

    /// Opens the folder, making it and its parents as needed.
    package init(
        _ path: String, hook: (@Sendable (Step) -> Fault?)? = nil
    ) throws(CheckpointError) {
        self.path = path
        self.hook = hook
        var at = path.startIndex
        while at < path.endIndex {
            let next = path[path.index(after: at)...].firstIndex(of: "/") ?? path.endIndex
            let part = String(path[..<next])
            if mkdir(part, 0o700) != 0, errno != EEXIST {
                let reason = Self.reason()
                var status = stat()
                guard stat(part, &status) == 0 else { throw .unwritable(path: part, reason: reason) }
            }
            at = next
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .unwritable(path: path, reason: "it is not a folder")
        }
    }

    /// A folder that is there already, and that may be read-only.
    init(existing path: String) throws(CheckpointError) {
        self.path = path
        hook = nil
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .unreadable(path: path, reason: "there is no such folder")
        }
    }

    private static func reason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
    private func full(_ name: String) -> String { "\(path)/\(name)" }

    package func names() throws(CheckpointError) -> [String] {
        guard let stream = opendir(path) else { throw .unreadable(path: path, reason: Self.reason()) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func contains(_ name: String) -> Bool { access(full(name), F_OK) == 0 }

    package func status(_ name: String) -> (bytes: Int, lastUse: Double)? {
        var status = stat()
        guard lstat(full(name), &status) == 0 else { return nil }
        return (
            Int(status.st_size), Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
        )
    }

    /// A regular file, open for reading; nil when there is none.
    private func opened(_ name: String) throws(CheckpointError) -> (descriptor: Int32, bytes: Int)? {
        let descriptor = open(full(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path: full(name), reason: Self.reason())
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unreadable(path: full(name), reason: "it is not a regular file")
        }
        return (descriptor, Int(status.st_size))
    }

    package func read<R>(
        _ name: String, _ body: (UnsafeRawBufferPointer) throws(CheckpointError) -> R
    ) throws(CheckpointError) -> R? {
        guard let (descriptor, length) = try opened(name) else { return nil }
        defer { close(descriptor) }
        guard length > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        guard let base = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw .unreadable(path: full(name), reason: Self.reason())
        }
        defer { munmap(base, length) }
        return try body(UnsafeRawBufferPointer(start: base, count: length))
    }

    package func beginning(_ name: String, count: Int) throws(CheckpointError) -> [UInt8]? {
        guard let (descriptor, length) = try opened(name) else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: min(count, length))
        var done = 0
        while done < bytes.count {
            let read = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + done, $0.count - done, off_t(done))
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw .unreadable(path: full(name), reason: Self.reason()) }
            done += read
        }
        return bytes
    }

    package func put(_ bytes: [UInt8], as name: String) throws(CheckpointError) {
        let final = full(name)
        let temporary = "\(final).\(getpid()).\(UInt64.random(in: 0...UInt64.max)).part"
        /// The errno that a step fails with, 0 when it goes on.
        func told(_ step: Step) throws(CheckpointError) -> Int32 {
            switch hook?(step) {
            case .fails(let code)?: return code
            case .dies?, .tears?: throw .unwritable(path: final, reason: "the fault hook ended the process")
            case nil: return 0
            }
        }
        var failure = try told(.create)
        let descriptor = failure == 0 ? open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) : -1
        guard descriptor >= 0 else {
            throw .unwritable(path: final, reason: Self.reason(failure == 0 ? errno : failure))
        }
        defer { if descriptor >= 0 { close(descriptor) } }
        // A piece at a time, so that a fault can strike between two.
        var done = 0
        while failure == 0, done < bytes.count {
            let wanted = min(1 << 20, bytes.count - done)
            let fault = hook?(.write)
            if case .fails(let code)? = fault {
                failure = code
                break
            }
            if case .dies? = fault {
                throw .unwritable(path: final, reason: "the fault hook ended the process")
            }
            let isTorn = if case .tears? = fault { true } else { false }
            let written = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress! + done, isTorn ? wanted / 2 : wanted)
            }
            if isTorn { throw .unwritable(path: final, reason: "the fault hook ended the process") }
            if written < 0, errno == EINTR { continue }
            if written <= 0 { failure = errno } else { done += written }
        }
        if failure == 0 { failure = try told(.sync) }
        if failure == 0, fsync(descriptor) != 0 { failure = errno }
        if failure == 0 { failure = try told(.rename) }
        if failure == 0, Glibc.rename(temporary, final) != 0 { failure = errno }
        guard failure == 0 else {
            unlink(temporary)
            throw .unwritable(path: final, reason: Self.reason(failure))
        }
        _ = try told(.syncFolder)
        syncFolder()
    }

    private func syncFolder() {
        let directory = open(path, O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    package func rename(_ name: String, to other: String) throws(CheckpointError) {
        guard Glibc.rename(full(name), full(other)) == 0 else {
            throw .unwritable(path: full(other), reason: Self.reason())
        }
    }

    package func remove(_ name: String, secure: Bool) -> Bool {
        if secure { overwrite(name) }
        return unlink(full(name)) == 0
    }

    /// Zeros over the bytes, made durable. A file system that copies on write, or a flash disk, may
    /// keep the old ones elsewhere all the same.
    private func overwrite(_ name: String) {
        let descriptor = open(full(name), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_nlink == 1 else { return }
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var left = Int(status.st_size)
        while left > 0 {
            let written = write(descriptor, zeros, min(left, zeros.count))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { break }
            left -= written
        }
        fsync(descriptor)
    }

    package func touch(_ name: String) {
        let now = [
            timespec(tv_sec: 0, tv_nsec: Int(omitMark)),
            timespec(tv_sec: 0, tv_nsec: Int(nowMark)),
        ]
        utimensat(AT_FDCWD, full(name), now, 0)
    }

    // UTIME_NOW and UTIME_OMIT of sys/stat.h: macros that Swift does not import.
    private var nowMark: Int { (1 << 30) - 1 }
    private var omitMark: Int { (1 << 30) - 2 }

    /// A descriptor that is closed, and its lock given up, when the last user is gone.
    private final class Descriptor: Sendable {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    package func hold(_ name: String) -> (any Sendable)? {
        let descriptor = open(full(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let held = Descriptor(descriptor)
        return flock(descriptor, LOCK_SH | LOCK_NB) == 0 ? held : nil
    }

    package func isHeld(_ name: String) -> Bool {
        let descriptor = open(full(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0
    }

    package func locked<R>(
        exclusively: Bool, _ body: () throws(CheckpointError) -> R
    ) throws(CheckpointError) -> R {
        let name = full("lock")
        var descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { descriptor = open(name, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0, exclusively || !(errno == EROFS || errno == EACCES || errno == ENOENT) {
            throw .unwritable(path: name, reason: Self.reason())
        }
        // A folder that nobody can write to needs no lock; one that is gone says so at the next step.
        guard descriptor >= 0 else { return try body() }
        defer { close(descriptor) }
        while flock(descriptor, exclusively ? LOCK_EX : LOCK_SH) != 0 {
            guard errno == EINTR else { throw .unwritable(path: name, reason: Self.reason()) }
        }
        return try body()
    }
}

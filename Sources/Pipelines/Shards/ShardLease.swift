import Documents
import Glibc

/// The right to work on a shard, which one process has at a time.
///
/// The token is the number of the worker's folder, and making that folder is the claim: `mkdir` succeeds for one process
/// only, on every file system that machines share. Whoever has the highest number works; the others find out at their
/// next heartbeat, and what they write until then lies in a folder that nobody reads.
///
/// Whether a worker is dead is known at once where the kernel says so: its lock is free, on the machine and the mount where
/// it was taken. Elsewhere locks prove nothing (a lost node's may outlive it, and some file systems keep them to
/// themselves), so its heartbeat is watched: if it does not change for a while by the watcher's own clock, the next
/// number is made. No two clocks are compared.
final class ShardLease {
    enum Claim {
        case mine(ShardLease)
        case busy(String)
        case stopped(Int32)
    }

    let token: Int
    let worker: RunFolder
    private let shard: ShardFolder
    private let lock: FileLock

    private init(_ shard: ShardFolder, _ token: Int, _ lock: FileLock) {
        self.shard = shard
        self.token = token
        self.lock = lock
        worker = shard.worker(token)
    }

    /// Whether nobody has taken the shard over.
    var isValid: Bool { shard.token == token }

    /// - Parameters:
    ///   - takesOver: Ask nobody, make the next number.
    ///   - silence: Seconds without a sign after which a worker on another machine counts as dead.
    ///   - waits: Watch also a worker whose lock is held elsewhere: the caller was told to work on this shard.
    static func claim(_ shard: ShardFolder, takesOver: Bool, silence: Double, waits: Bool)
        throws(PipelineError) -> Claim
    {
        try FileSystem.makeFolder(shard.path)
        let token = shard.token
        let busy = Claim.busy("another lector works on shard \(shard.number); wait for it, or stop it")
        if token > 0, !takesOver {
            let lock = try FileLock(shard.worker(token).path + "/lock", tries: 3)
            if lock.isHeld {
                if lock.isOfThisMachine || lock.owner.isEmpty || !waits { return busy }
            } else if lock.isOfThisMachine {
                guard shard.token == token else { return busy }
                return .mine(ShardLease(shard, token, lock))
            }
            // Without an owner it died before it had written anything.
            if !lock.owner.isEmpty {
                switch isSilent(shard, token, seconds: silence) {
                case nil: return .stopped(StopSignal.received ?? SIGTERM)
                case false?: return busy
                case true?: break
                }
            }
        }
        let worker = shard.worker(token + 1)
        guard mkdir(worker.path, 0o700) == 0 else {
            if errno == EEXIST { return busy }
            throw FileSystem.error("make the folder", worker.path)
        }
        let lock = try FileLock(worker.path + "/lock", tries: 100)
        if lock.isHeld { return busy }
        try lock.sign()
        try inherit(shard, to: worker, token: token + 1)
        return .mine(ShardLease(shard, token + 1, lock))
    }

    /// Whether the heartbeat stays as it is for so long; nil after a signal.
    private static func isSilent(_ shard: ShardFolder, _ token: Int, seconds: Double) -> Bool? {
        let before = try? FileSystem.read(shard.heartbeatPath(token))
        let began = Clock.seconds
        while Clock.seconds - began < seconds {
            if StopSignal.received != nil { return nil }
            usleep(200_000)
            let now = try? FileSystem.read(shard.heartbeatPath(token))
            if now != before || shard.token != token || shard.done != nil { return false }
        }
        return true
    }

    /// Whole rows, saved states and the count of work of the worker before. The journal comes last: a folder that has
    /// one has everything.
    private static func inherit(_ shard: ShardFolder, to worker: RunFolder, token: Int) throws(PipelineError)
    {
        let earlier = (1..<token).reversed().map { shard.worker($0) }
        guard let before = earlier.first(where: { FileSystem.exists($0.journalPath) }) else { return }
        if FileSystem.isFolder(before.statesPath) {
            try FileSystem.makeFolder(worker.statesPath)
            for name in try FileSystem.names(in: before.statesPath)
            where name.hasPrefix("row-") || name.hasSuffix(".state") || name.hasSuffix(".block") {
                // A state never changes, so that a second name is as good as a copy; where that cannot be, copy.
                let (old, new) = ("\(before.statesPath)/\(name)", "\(worker.statesPath)/\(name)")
                if name.hasPrefix("row-") || link(old, new) != 0 {
                    guard let bytes = try? FileSystem.read(old, limit: 1 << 40) else { continue }
                    try AtomicFile.write(bytes, to: new)
                }
            }
        }
        if let work = try? FileSystem.read(before.workPath) {
            try AtomicFile.write(work, to: worker.workPath)
        }
        let journal = try AtomicFile(worker.journalPath)
        var lines = try LineReader(before.journalPath)
        while let line = try lines.next() {
            guard line.isWhole, Journal.decode(line.bytes) != nil else { continue }
            try journal.write(line.bytes + [0x0A])
        }
        try journal.commit()
    }
}

/// A lock on a file that names the machine and the mount it was taken on.
final class FileLock {
    /// Whether another process has it.
    let isHeld: Bool
    /// Who signed it last; empty before anyone did.
    let owner: String
    /// Whether it was taken here, by a kernel that frees it when the process ends.
    let isOfThisMachine: Bool
    private let path: String
    private let descriptor: Int32
    private let here: String

    /// - Parameter tries: Some, 5 ms apart, where `lector status` may have it for a moment.
    init(_ path: String, tries: Int = 1) throws(PipelineError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.error("open", path) }
        var hasIt = false
        var isTaken = false
        for attempt in 0..<tries where attempt == 0 || isTaken {
            if attempt > 0 { usleep(5_000) }
            hasIt = flock(descriptor, LOCK_EX | LOCK_NB) == 0
            isTaken = !hasIt && errno == EWOULDBLOCK
        }
        isHeld = isTaken
        var info = stat()
        fstat(descriptor, &info)
        // A second mount of the same folder, as containers have with FUSE, may know nothing of the first's locks.
        here = "\(Self.machine) \(info.st_dev)\n"
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        owner = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        // Where there are no locks at all, one that is free says nothing.
        isOfThisMachine = (hasIt || isHeld) && owner == here
    }

    deinit { close(descriptor) }

    func sign() throws(PipelineError) {
        let bytes = Array(here.utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw FileSystem.error("write", path)
        }
    }

    /// This boot of this machine.
    private static let machine: String = {
        let boot = (try? FileSystem.read("/proc/sys/kernel/random/boot_id")) ?? []
        let text = String(decoding: boot.filter { $0 > 0x20 }, as: UTF8.self)
        return text.isEmpty ? HostName.current : text
    }()
}

enum HostName {
    static let current: String = {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, 255)
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}

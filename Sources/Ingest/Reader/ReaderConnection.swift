import CReader
import Documents
import Glibc

/// A reader process from the outside: what it says, and how it ended.
final class ReaderConnection {
    /// Why nothing more comes.
    enum Ending: Equatable {
        /// By itself: nil for exit status 0.
        case ended(String?)
        /// Ended by us: no sign of life for so many seconds.
        case silent(Int)
        /// Ended by us: more memory than it may have.
        case tooLarge(Int)
    }

    private static let pollMilliseconds: Int32 = 200
    private static let receiveBytes = 256 << 10
    private let pid: pid_t
    private let channel: Int32
    private let tail: SharedTail
    private let statistics: Int32
    private let limits: (bytes: Int, seconds: Int)
    /// What was received and not taken yet, from `start` to `end`.
    private var buffer = [UInt8](repeating: 0, count: 2 * receiveBytes)
    private var start = 0
    private var end = 0
    private var received = 0
    private var ending: Ending?
    private var lastLook = timespec()

    /// Starts a process.
    ///
    /// - Parameter program: Its path and first arguments.
    static func open(
        _ program: [String], _ request: ReaderRequest
    ) -> Result<ReaderConnection, SourceFailure> {
        func failure(_ code: Int32) -> Result<ReaderConnection, SourceFailure> {
            .failure(
                SourceFailure(
                    reason: .unreadable, message: "no reader process can be started: \(systemMessage(code))"))
        }
        let memory = cr_memory(Int64(SharedTail.bytes))
        guard memory >= 0 else { return failure(errno) }
        defer { close(memory) }
        guard let tail = SharedTail(descriptor: memory) else { return failure(errno) }
        var ends: [Int32] = [-1, -1]
        let paired = cr_pair(&ends)
        guard paired == 0 else { return failure(paired) }
        var pid: pid_t = 0
        var argv = program.map { strdup($0) } + [nil]
        // A crash is ours to report; a backtrace of it takes seconds.
        var envp = [strdup("SWIFT_BACKTRACE=enable=no")]
        var at = environ
        while let entry = at.pointee {
            if strncmp(entry, "SWIFT_BACKTRACE=", 16) != 0 { envp.append(strdup(entry)) }
            at += 1
        }
        envp.append(nil)
        defer { for text in argv + envp { free(text) } }
        let code = cr_spawn(
            &pid, program[0], &argv, &envp, request.inputs.contains("-") ? 1 : 0, ends[1], memory)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            return failure(code)
        }
        let connection = ReaderConnection(pid, ends[0], tail, request.options)
        connection.send(request.bytes)
        return .success(connection)
    }

    private init(_ pid: pid_t, _ channel: Int32, _ tail: SharedTail, _ options: IngestOptions) {
        self.pid = pid
        self.channel = channel
        self.tail = tail
        limits = (options.readerBytes, max(1, options.limits.maxSilentSeconds))
        statistics = Glibc.open("/proc/\(pid)/statm", O_RDONLY | O_CLOEXEC)
    }

    deinit {
        close(channel)
        if statistics >= 0 { close(statistics) }
        if ending == nil {
            kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
        }
    }

    /// A process that does not take its request has ended; that is found out when it is listened to.
    private func send(_ bytes: [UInt8]) {
        let head = withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) }
        let all = head + bytes
        var done = 0
        while done < all.count {
            let sent = all.withUnsafeBytes {
                Int(cr_send(channel, $0.baseAddress! + done, Int64(all.count - done)))
            }
            if sent < 0, errno == EINTR { continue }
            if sent <= 0 { return }
            done += sent
        }
    }

    /// The next frame; nil after the last that is whole.
    func next() -> ReaderFrame? {
        while true {
            if let frame = takeFrame() { return frame }
            if ending != nil { return nil }
            receive()
        }
    }

    /// How the process ended, once ``next()`` gave nothing.
    var howItEnded: Ending { ending ?? .ended(nil) }

    private func takeFrame() -> ReaderFrame? {
        let available = end - start
        guard available >= 4 else { return nil }
        let frame: ReaderFrame?? = buffer.withUnsafeBytes { all in
            let count = Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
            guard count <= available - 4 else { return nil }
            defer { start += 4 + count }
            return .some(try? ReaderFrame(all.slice(start + 4..<start + 4 + count)))
        }
        guard let frame else { return nil }
        if let frame { return frame }
        // Its memory is not in order any more.
        if ending == nil {
            stop()
            ending = .ended("memory in disorder")
        }
        (start, end) = (0, 0)
        return nil
    }

    /// Has so many bytes free behind what was received.
    private func makeRoom(_ count: Int) {
        buffer.withUnsafeMutableBytes { _ = memmove($0.baseAddress!, $0.baseAddress! + start, end - start) }
        (start, end) = (0, end - start)
        if buffer.count - end < count { buffer += [UInt8](repeating: 0, count: max(count, buffer.count)) }
    }

    /// - Returns: As recv(2).
    private func receiveSome() -> Int {
        makeRoom(Self.receiveBytes)
        let count = buffer.withUnsafeMutableBytes {
            Int(cr_receive(channel, $0.baseAddress! + end, Int64($0.count - end)))
        }
        if count > 0 {
            received += count
            end += count
        }
        return count
    }

    private func receive() {
        var silence = 0
        var beats = tail.beats
        while ending == nil {
            let count = receiveSome()
            if count > 0 {
                lookAtMemory()
                return
            }
            if count == 0 || errno != EAGAIN && errno != EINTR { return conclude(nil) }
            var ready = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
            // Counted, not measured: a stopped or suspended machine is no silence of the process.
            if poll(&ready, 1, Self.pollMilliseconds) == 0 {
                silence += Int(Self.pollMilliseconds)
                if tail.beats != beats || tail.isWaiting {
                    beats = tail.beats
                    silence = 0
                }
                if silence >= limits.seconds * 1000 { return conclude(.silent(limits.seconds)) }
            }
            lookAtMemory()
        }
    }

    private func lookAtMemory() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let passed = (now.tv_sec - lastLook.tv_sec) * 1000 + (now.tv_nsec - lastLook.tv_nsec) / 1_000_000
        guard passed >= 100, statistics >= 0 else { return }
        lastLook = now
        var text = [UInt8](repeating: 0, count: 128)
        let count = pread(statistics, &text, text.count, 0)
        let fields = text.prefix(max(0, count)).split(separator: 0x20)
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return }
        if pages * Int(getpagesize()) > limits.bytes { conclude(.tooLarge(limits.bytes)) }
    }

    /// Ends the process if it has not ended, and takes what it left.
    private func conclude(_ reason: Ending?) {
        if reason != nil { stop() }
        while true {
            let count = receiveSome()
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
        }
        if reason == nil { wait() }
        ending = reason ?? ending
        let rest = tail.rest(after: received)
        makeRoom(rest.count)
        buffer.withUnsafeMutableBytes { $0[end...].copyBytes(from: rest) }
        end += rest.count
    }

    private func stop() {
        if ending != nil { return }
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
        ending = .ended("signal 9")
    }

    /// A process that has closed its socket is about to end.
    private func wait() {
        var status: Int32 = 0
        for _ in 0..<2000 {
            let found = waitpid(pid, &status, WNOHANG)
            if found == 0 || found < 0 && errno == EINTR {
                usleep(1000)
                continue
            }
            let signal = status & 0x7F
            let code = status >> 8 & 0xFF
            ending = .ended(
                signal != 0
                    ? "signal \(signal) (\(String(cString: strsignal(signal))))"
                    : code != 0 ? "exit status \(code)" : nil)
            return
        }
        stop()
    }
}

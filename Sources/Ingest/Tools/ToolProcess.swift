import Documents
import Glibc

/// A program of the system that reads a kind for us: its standard output, as bytes.
///
/// The document is its standard input, a file that it may seek in. It gets no other
/// descriptor, a fixed environment, and limits of memory and processor time; one that says
/// nothing for too long is killed, and its document ends as `limit.time`.
final class ToolProcess: ByteSource {
    private static let memoryBytes = 2 << 30
    private static let processorSeconds = 300

    private let pid: pid_t
    private let output: Int32
    private let errors: Int32
    private let silenceSeconds: Int
    private var status: Int32?

    private init(pid: pid_t, output: Int32, errors: Int32, silenceSeconds: Int) {
        self.silenceSeconds = silenceSeconds
        self.pid = pid
        self.output = output
        self.errors = errors
    }

    deinit {
        close(output)
        if status == nil {
            kill(pid, SIGKILL)
            wait()
        }
        close(errors)
    }

    /// Where a program lies: in the folders that the system's packages install to, so that
    /// neither the working folder nor a user's PATH decides what is started.
    static func path(of program: String) -> String? {
        for folder in ["/usr/bin", "/usr/local/bin", "/bin"] {
            let path = "\(folder)/\(program)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// - Parameters:
    ///   - input: A descriptor that can be read at any offset.
    ///   - silenceSeconds: How long it may say nothing.
    static func start(
        _ path: String, _ arguments: [String], input: Int32, silenceSeconds: Int = 30
    ) -> Result<
        ToolProcess, SourceFailure
    > {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return .failure(unstarted(path, errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let errors = temporaryFile()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        lseek(input, 0, SEEK_SET)
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        let environment = ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"]
        // util-linux, which Debian cannot be without, sets the limits before the program runs.
        var command = [path] + arguments
        if let limiter = Self.path(of: "prlimit") {
            command = [limiter, "--as=\(memoryBytes)", "--cpu=\(processorSeconds)", "--core=0"] + command
        }
        var argv = command.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer {
            for text in argv + envp { free(text) }
        }
        // A reader process leaves Ctrl-C to its parent; this one ends by it.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let code = posix_spawn(&pid, command[0], &actions, &attributes, &argv, &envp)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            close(errors)
            return .failure(unstarted(path, code))
        }
        return .success(
            ToolProcess(pid: pid, output: ends[0], errors: errors, silenceSeconds: silenceSeconds))
    }

    private static func unstarted(_ path: String, _ code: Int32) -> SourceFailure {
        SourceFailure(reason: .unreadable, message: "\(path) cannot be started: \(systemMessage(code))")
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        while true {
            var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let polled = SharedTail.waiting { poll(&ready, 1, Int32(silenceSeconds * 1000)) }
            if polled < 0, errno == EINTR { continue }
            if polled == 0 {
                kill(pid, SIGKILL)
                throw SourceFailure(
                    reason: .limitTime, message: "the program said nothing for \(silenceSeconds) s")
            }
            let count = Glibc.read(output, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno == EINTR { continue }
            throw SourceFailure(reason: .unreadable, message: "reading failed: \(systemMessage(errno))")
        }
    }

    private func wait() {
        var result: Int32 = 0
        while SharedTail.waiting({ waitpid(pid, &result, 0) }) < 0 && errno == EINTR {}
        status = result
    }

    /// Waits for the end; nil if it ended well, else the program's own words.
    func finish() -> String? {
        if status == nil { wait() }
        if status == 0 { return nil }
        if let complaint { return complaint }
        let code = (status ?? 0) >> 8 & 0xFF
        return code > 0
            ? "it ended with exit status \(code)" : "it was ended by signal \((status ?? 0) & 0x7F)"
    }

    /// The first line that the program has written to its standard error.
    var complaint: String? {
        var text = [UInt8](repeating: 0, count: 2000)
        let count = text.withUnsafeMutableBytes { pread(errors, $0.baseAddress, $0.count, 0) }
        let words = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
        return words.split(separator: "\n").first.map(String.init)
    }
}

import Glibc

/// The built `lector`, run as people run it.
struct LectorBinary {
    struct Result {
        /// Exit status, or 128 + signal.
        var status: Int32
        var out: String
        var err: String
    }

    /// Beside the test bundle, where `swift build` puts both.
    static let path: String? = {
        guard let bundle = CommandLine.arguments.first else { return nil }
        var folder = bundle
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            if access(folder + "/lector", X_OK) == 0 { return folder + "/lector" }
        }
        let fallback = TinyModel.root + "/.build/release/lector"
        return access(fallback, X_OK) == 0 ? fallback : nil
    }()

    /// How often tests kill a process in all; `LECTOR_KILLS=200` for the long version.
    static let kills = getenv("LECTOR_KILLS").flatMap { Int(String(cString: $0)) } ?? 45

    let work: TemporaryFolder
    var environment: [String: String] = [:]

    /// Starts it in the work folder.
    func start(_ arguments: [String], input: String = "/dev/null") -> pid_t {
        // The shell changes the folder and becomes lector, so that the pid is lector's.
        start(shell: "exec \"$@\"", [Self.path!] + arguments, input: input)
    }

    /// Starts a line of shell in the work folder.
    func start(shell line: String, _ arguments: [String] = [], input: String = "/dev/null") -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, 1, work.file("stdout"), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(
            &actions, 2, work.file("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // The threads of a test runner may block signals; lector's should not.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var all = environment
        all["HOME"] = work.path
        all["XDG_STATE_HOME"] = all["XDG_STATE_HOME"] ?? work.file("state")
        all["LECTOR_THREADS"] = all["LECTOR_THREADS"] ?? "1"
        all["PATH"] = "/usr/bin:/bin"
        let shell = ["/bin/sh", "-c", "cd \"$1\" && shift && \(line)", "sh", work.path]
        let argv = (shell + arguments).map { strdup($0) } + [nil]
        let envp = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        precondition(posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv, envp) == 0)
        return pid
    }

    func wait(_ pid: pid_t) -> Result {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return Result(
            status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, out: text("stdout"),
            err: text("stderr"))
    }

    @discardableResult
    func run(_ arguments: [String], input: String = "/dev/null") -> Result {
        wait(start(arguments, input: input))
    }

    func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

    func bytes(_ name: String) -> [UInt8] {
        let fd = open(work.file(name), O_RDONLY)
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(fd, &buffer, buffer.count), count > 0 { out += buffer[..<count] }
        return out
    }

    /// Rows that are in a run's journal.
    func rows(_ run: String) -> Int { bytes(run + "/journal").count { $0 == 0x0A } }
}

import Glibc
import JSON
import Testing

@Suite("read, ask, states", .serialized, .enabled(if: LectorBinary.path != nil))
struct ReadCommandTests {
    private func prepare() -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        lector.work.write(LongTextTests.story(900), to: "story.txt")
        return lector
    }

    private let read = [
        "read", "story.txt", "--model", "model", "--json", "--progress", "none", "--checkpoint-tokens",
        "1024",
    ]

    private func row(_ result: LectorBinary.Result) throws -> JSONValue {
        try JSONValue(parsing: Array(result.out.utf8))
    }

    /// Names of damaged files among the states.
    private func damaged(_ lector: LectorBinary) -> [String] {
        ((try? FileSystemNames.of(lector.work.file("state/lector/states"))) ?? []).filter {
            $0.hasSuffix(".damaged")
        }
    }

    @Test("read is killed again and again at random moments: it always goes on, and ends in the same state")
    func killed() throws {
        let lector = prepare()
        var first: LectorBinary.Result?
        let time = ContinuousClock().measure { first = lector.run(read) }
        let whole = try row(#require(first))
        let state = try #require(whole["state"]?.string)
        let bytes = lector.bytes("state/lector/states/\(state).state")
        #expect(!bytes.isEmpty && whole["read_tokens"] == whole["tokens"])
        var random: UInt64 = UInt64(getpid())
        var kills = 0
        var furthest = 0
        while kills < LectorBinary.kills / 3 {
            let child = lector.start(read)
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Anywhere in what a run takes here, loading included.
            usleep(UInt32(time / .microseconds(1) * Double(random >> 40) / Double(1 << 24)))
            kill(child, SIGKILL)
            let result = lector.wait(child)
            guard result.status == 128 + SIGKILL else {
                // It was done before it was killed; anew.
                #expect(try row(result)["state"]?.string == state)
                TemporaryFolder.remove(lector.work.file("state"))
                continue
            }
            kills += 1
            #expect(damaged(lector).isEmpty)
            let list = lector.run(["states", "list", "--json"])
            #expect(list.status == 0)
            for line in list.out.split(separator: "\n") {
                furthest = max(furthest, try JSONValue(parsing: Array(line.utf8))["tokens"]?.integer ?? 0)
            }
        }
        let last = try row(lector.run(read))
        #expect(last["state"]?.string == state && furthest > 1024)
        #expect(lector.bytes("state/lector/states/\(state).state") == bytes)
        #expect(lector.run(["states", "verify"]).status == 0)
        #expect(damaged(lector).isEmpty)
    }

    @Test("a state under another window is another state, and is gone on with under that window only")
    func window() throws {
        let lector = prepare()
        func state(_ window: [String]) throws -> (key: String, bytes: Int) {
            let key = try #require(row(lector.run(read + window))["state"]?.string)
            return (key, lector.bytes("state/lector/states/\(key).state").count)
        }
        let own = try state([])
        #expect(try state(["--window", "64"]) == own)  // what the model's config says
        let wide = try state(["--window", "100"])
        let all = try state(["--window", "none"])
        #expect(Set([own.key, wide.key, all.key]).count == 3)
        #expect(own.bytes < wide.bytes && wide.bytes < all.bytes)

        let ask = ["ask", "--state", all.key, "-q", "Who?", "--from", "memory", "--model", "model"]
        let other = lector.run(ask)
        #expect(other.status == 78 && other.err.contains("--window"))
        #expect([0, 1].contains(lector.run(ask + ["--window", "none"]).status))
        for wrong in ["0", "all", "-1"] {
            #expect(lector.run(read + ["--window", wrong]).status == 64)
        }
    }

    @Test(
        "Ctrl-C keeps the state and says how to go on, which reads the rest only",
        arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let lector = prepare()
        var slow = read
        slow[slow.count - 1] = "100000"
        let time = ContinuousClock().measure { _ = lector.run(slow + ["--state-dir", "other"]) }
        let child = lector.start(slow)
        usleep(UInt32(time / .microseconds(2)))
        kill(child, signal)
        let result = lector.wait(child)
        // Where the machine was fast, it was done.
        guard result.status != 0 else { return }
        #expect(result.status == 128 + signal)
        #expect(result.err.contains("Go on with") && result.err.contains("read story.txt"), "\(result.err)")
        let rest = try row(lector.run(slow))
        #expect(
            (rest["cached_tokens"]?.integer ?? 0) + (rest["read_tokens"]?.integer ?? 0)
                == rest["tokens"]?.integer)
    }

    @Test("states are listed, shown, verified, pinned, collected, exported and imported; damage is exit 65")
    func states() throws {
        let lector = prepare()
        let state = try #require(try row(lector.run(read))["state"]?.string)
        let short = String(state.prefix(10))
        #expect(lector.run(["states", "list"]).out.contains("story.txt"))
        let shown = lector.run(["states", "show", short, "--json"])
        #expect(try row(shown)["kind"]?.string == "document")
        #expect(lector.run(["states", "show", "story.txt"]).out.contains("kda.0"))
        #expect(lector.run(["states", "verify", short]).status == 0)
        #expect(lector.run(["states", "show", "0000ffff"]).status == 64)
        #expect(mode(of: lector.work.file("state/lector/states")) == 0o700)
        #expect(mode(of: lector.work.file("state/lector/states/\(state).state")) == 0o600)
        #expect(mode(of: lector.work.file("state/lector/states/\(state).passages")) == 0o600)

        #expect(lector.run(["states", "export", short, "moved.state"]).status == 0)
        #expect(lector.run(["states", "import", "moved.state", "--state-dir", "other"]).out.contains(state))
        let again = try row(lector.run(read + ["--state-dir", "other"]))
        #expect(again["read_tokens"]?.integer == 0 && again["state"]?.string == state)

        #expect(lector.run(["states", "pin", short]).status == 0)
        #expect(
            try row(lector.run(["states", "gc", "--budget", "1", "--dry-run", "--json"]))["removed"]?.integer
                ?? 0 > 0)
        #expect(lector.run(["states", "gc", "--budget", "1", "--secure"]).status == 0)
        let left = lector.run(["states", "list", "--json"]).out.split(separator: "\n")
        #expect(left.count == 1 && left[0].contains(state))

        // One bit.
        var bytes = lector.bytes("state/lector/states/\(state).state")
        bytes[bytes.count - 5000] ^= 2
        lector.work.write(bytes, to: "state/lector/states/\(state).state")
        let verified = lector.run(["states", "verify"])
        #expect(verified.status == 65 && verified.err.contains("section"), "\(verified.err)")
        #expect(damaged(lector).count == 1)
        let anew = lector.run(read)
        #expect(anew.status == 0)
        #expect(try row(anew)["state"]?.string == state)
    }

    @Test("questions: one, a file of them, one a line; the same again costs nothing; a transcript is kept")
    func asking() throws {
        let lector = prepare()
        let ask = ["ask", "story.txt", "--model", "model", "--progress", "none", "--answer-tokens", "8"]
        let first = try row(lector.run(ask + ["-q", "Who saw ships on day 12?", "--json"]))
        #expect((first["read_tokens"]?.integer ?? 0) > 0)
        let second = try row(lector.run(ask + ["-q", "Who saw ships on day 12?", "--json"]))
        #expect(second["read_tokens"]?.integer == 0 && second["answer"] == first["answer"])
        let lines = (0..<1000).map { "{\"id\": \($0), \"question\": \"What of lamp \($0 % 400)?\"}\n" }
            .joined()
        lector.work.write(lines + "{\"id\": 1}\n", to: "q.jsonl")
        let many = lector.run(ask + ["--questions", "q.jsonl", "-o", "a.jsonl", "--answer-tokens", "2"])
        #expect(many.status == 1 && many.err.contains("1001 questions"), "\(many.err)")
        let rows = lector.text("a.jsonl").split(separator: "\n")
        #expect(rows.count == 1001)
        #expect(try JSONValue(parsing: Array(rows[640].utf8))["id"]?.integer == 640)
        lector.work.write("What of day 3?\nWhat of day 4?\n\nNever asked\n", to: "talk")
        let talk = lector.run(ask + ["--transcript", "talk.md"], input: lector.work.file("talk"))
        #expect(talk.status == 0, "\(talk.err)")
        #expect(
            lector.text("talk.md").contains("**What of day 4?**") && !lector.text("talk.md").contains("Never")
        )
        #expect(lector.run(["ask", "-q", "x"]).status == 64)
        #expect(lector.run(ask + ["-q", " "]).status == 64)
        #expect(
            lector.run(["ask", "--state", "story.txt", "--model", "model", "-q", "What?", "--from", "memory"])
                .status == 0)
    }

    @Test(
        "a folder that cannot be written to is an I/O error before anything is read; another model is told apart"
    )
    func refusals() throws {
        let lector = prepare()
        lector.work.write("", to: "file")
        let place = lector.run(read + ["--state-dir", "file"])
        #expect(place.status == 74, "\(place.err)")
        #expect(lector.run(read).status == 0)
        TinyModel.write(to: lector.work.file("model2"), seed: 2)
        let other = lector.run(["ask", "--state", "story.txt", "--model", "model2", "-q", "What?"])
        #expect(other.status == 78 && other.err.contains("belongs to model"), "\(other.err)")
        let miss = try row(lector.run(read.map { $0 == "model" ? "model2" : $0 }))
        #expect(miss["miss"]?.string?.contains("belong to model") == true)
        #expect(lector.run(["read", "none.txt", "--model", "model"]).status == 1)
    }
}

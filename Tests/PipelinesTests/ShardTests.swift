import Glibc
import Pipelines
import Testing

@Suite("Shards", .serialized, .enabled(if: LectorBinary.path != nil))
struct ShardTests {
    static func prepare() -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        mkdir(lector.work.file("input"), 0o700)
        lector.work.write(KillTests.mailbox(), to: "input/1.mbox")
        lector.work.write((0..<9000).map { "word\($0 * 7919 % 1000) " }.joined(), to: "input/2-long.txt")
        // Exact duplicates of mails in other shards.
        lector.work.write(KillTests.mailbox(count: 40), to: "input/3.mbox")
        return lector
    }

    static let flags = ["input", "--model", "model", "--progress", "none", "--checkpoint-tokens", "1024"]
    static func outputs(_ name: String) -> [String] {
        ["-o", name + ".jsonl", "-o", name + ".csv", "-o", name + ".sqlite", "--report", name + ".html"]
    }
    static func plan(_ lector: LectorBinary, _ shards: Int) -> LectorBinary.Result {
        lector.run(["plan"] + Self.flags + Self.outputs("many") + ["--run", "run", "--shards", "\(shards)"])
    }
    static func expectSame(_ lector: LectorBinary) {
        for ending in ["jsonl", "csv", "sqlite", "html"] {
            #expect(lector.bytes("many." + ending) == lector.bytes("one." + ending), "\(ending)")
            #expect(!lector.bytes("one." + ending).isEmpty)
        }
    }

    @Test(
        "shards are stretches of about equal text that cover everything", arguments: [1, 2, 3, 7, 64, 1000])
    func cuts(count: Int) {
        let sizes = (0..<500).map { 64 + $0 * 7919 % 5000 + ($0 == 250 ? 400_000 : 0) }
        let plan = ShardPlan(count, sizes: sizes)
        #expect(plan.rows == 500 && plan.shards.count <= count)
        var next = 0
        for shard in plan.shards {
            #expect(shard.rows.lowerBound == next && !shard.rows.isEmpty)
            #expect(shard.textBytes == sizes[shard.rows].reduce(0, +))
            next = shard.rows.upperBound
        }
        if count == 7 { #expect(plan.shards.map(\.textBytes).min()! > 100_000) }
        #expect(ShardPlan(count, sizes: []).shards.isEmpty)
    }

    @Test("any number of processes, killed at any moment, make the bytes of one process")
    func killed() throws {
        let lector = Self.prepare()
        let whole = lector.run(["classify"] + Self.flags + Self.outputs("one") + ["--run", "one"])
        #expect(Self.plan(lector, 6).status == 0)
        #expect(lector.run(["merge", "run"]).status == 75)
        var random: UInt64 = UInt64(getpid())
        var kills = 0
        let wanted = LectorBinary.kills / 3
        var rounds = 0
        while lector.run(["status", "run"]).status == 75, rounds < 40 + wanted {
            rounds += 1
            let children = (0..<4).map { _ in lector.start(["work", "run", "-q"]) }
            for child in children {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                usleep(20_000 + UInt32(random >> 40) % 160_000)
                if kills < wanted {
                    kill(child, SIGKILL)
                    kills += 1
                }
            }
            for child in children {
                let status = lector.wait(child).status
                #expect([0, 1, 75, 128 + SIGKILL].contains(status), "\(lector.text("stderr"))")
            }
            // Started anew until enough were killed.
            if kills < wanted, lector.run(["status", "run"]).status == 0 {
                TemporaryFolder.remove(lector.work.file("run"))
                #expect(Self.plan(lector, 6).status == 0)
            }
        }
        #expect(kills >= wanted)
        let merged = lector.run(["merge", "run"])
        #expect(merged.status == whole.status, "\(merged.err)")
        Self.expectSame(lector)
        // Merging again, and asking the merged run for other files, changes nothing.
        #expect(lector.run(["merge", "run", "-o", "again.jsonl"]).status == whole.status)
        #expect(lector.bytes("again.jsonl") == lector.bytes("one.jsonl"))
        #expect(lector.run(["eval", "again.jsonl", "--gold", "again.jsonl"]).status != 70)
    }

    @Test("a shard has one worker; another takes over, and the old one's rows are nobody's")
    func takeOver() throws {
        let lector = Self.prepare()
        lector.run(["classify"] + Self.flags + Self.outputs("one") + ["--run", "one"])
        #expect(Self.plan(lector, 2).status == 0)
        let slow = lector.start(["work", "run", "--shard", "1", "-q"])
        let journal = "run/shards/1/worker-1/journal"
        var status: Int32 = 0
        while lector.bytes(journal).isEmpty, waitpid(slow, &status, WNOHANG) == 0 { usleep(500) }
        kill(slow, SIGSTOP)
        let refused = lector.run(["work", "run", "--shard", "1"])
        #expect(refused.status == 75 && refused.err.contains("another lector"), "\(refused.err)")
        #expect(lector.run(["status", "run"]).out.contains("shard 1  working"))
        var environment = lector
        environment.environment["SLURM_ARRAY_TASK_ID"] = "1"
        #expect(environment.run(["work", "run", "--shard-from-env", "--take-over", "-q"]).status == 1)
        kill(slow, SIGCONT)
        // It finds its token outdated, or the shard finished by the other.
        #expect([1, 75].contains(lector.wait(slow).status))
        #expect(lector.text("run/shards/1/done").contains("\"token\": 2"))
        #expect(lector.run(["work", "run", "-q"]).status == 1)
        lector.run(["merge", "run"])
        Self.expectSame(lector)
        #expect(lector.bytes("run/shards/1/worker-1/lock").isEmpty, "what nobody reads is gone")
    }

    @Test(
        "another CPU class, model, input or plan is refused with the difference; what is not planned is a usage error"
    )
    func refusals() {
        let lector = Self.prepare()
        #expect(Self.plan(lector, 3).status == 0)
        var other = lector
        other.environment["LECTOR_KERNELS"] = "reference"
        let refused = other.run(["work", "run"])
        #expect(refused.status == 78 && refused.err.contains("reference"), "\(refused.err)")
        #expect(lector.run(["work", "run", "--shard", "3"]).status == 64)
        #expect(lector.run(["work", "run", "--shard-from-env"]).status == 64)
        #expect(lector.run(["resume", "run"]).status == 64)
        #expect(Self.plan(lector, 9).err.contains("3 shards"))
        #expect(
            lector.run(["plan"] + Self.flags + ["--run", "run", "--labels", "a,b"]).err.contains(
                "run of something else"))
        lector.work.write("New.", to: "input/4.txt")
        let changed = lector.run(["work", "run"])
        #expect(changed.status == 78 && changed.err.contains("input"), "\(changed.err)")
        #expect(lector.run(["plan", "input", "--shards", "2"]).status == 64)
        lector.run(["classify"] + Self.flags + ["--run", "plain", "-o", "plain.jsonl"])
        #expect(lector.run(["work", "plain"]).status == 64)
        #expect(lector.run(["status", "plain"]).status == 64)
    }

    @Test(
        "a worker reads nothing that stands before its shard; a plan without places, or with wrong ones, still works"
    )
    func places() {
        let lector = Self.prepare()
        lector.run(["classify"] + Self.flags + Self.outputs("one") + ["--run", "one"])
        #expect(Self.plan(lector, 6).status == 0)
        // What stands before the last shard turns to something else, of the same size and time.
        var info = stat()
        stat(lector.work.file("input/1.mbox"), &info)
        let mailbox = lector.bytes("input/1.mbox")
        func put(_ bytes: [UInt8]) {
            lector.work.write(bytes, to: "input/1.mbox")
            let times = [info.st_atim, info.st_mtim]
            utimensat(AT_FDCWD, lector.work.file("input/1.mbox"), times, 0)
        }
        put([UInt8](repeating: 0x78, count: mailbox.count))
        let seeking = lector.run(["work", "run", "--shard", "5", "--allow-partial"])
        #expect(seeking.status == 0 && !seeking.err.contains("the plan says"), "\(seeking.err)")
        put(mailbox)
        let plan = lector.text("run/shards.json")
        lector.work.write(plan.replacing("\"item\": \"", with: "\"item\": \"x"), to: "run/shards.json")
        let lost = lector.run(["work", "run", "--shard", "4", "--allow-partial"])
        #expect(lost.status == 0 && lost.err.contains("does not begin where the plan says"), "\(lost.err)")
        lector.work.write(plan.replacing("\"steps\"", with: "\"unknown\""), to: "run/shards.json")
        #expect(lector.run(["work", "run", "--shard", "3", "--allow-partial"]).status == 0)
        lector.work.write(plan, to: "run/shards.json")
        #expect(lector.run(["work", "run", "--allow-partial", "-q"]).status == 0)
        #expect(lector.run(["merge", "run", "-q"]).status == 1)
        Self.expectSame(lector)
    }
}

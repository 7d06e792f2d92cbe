import Glibc
import JSON
import Pipelines
import Testing

/// What schedulers, lost machines and drivers do to `lector work`.
@Suite("Workers", .serialized, .enabled(if: LectorBinary.path != nil))
struct WorkerTests {
    /// A planned run, its single-process twin already there.
    private func planned(_ shards: Int) -> LectorBinary {
        let lector = ShardTests.prepare()
        lector.run(["classify"] + ShardTests.flags + ShardTests.outputs("one") + ["--run", "one"])
        #expect(ShardTests.plan(lector, shards).status == 0)
        return lector
    }

    private func expectMerged(_ lector: LectorBinary) {
        let rest = lector.run(["work", "run", "-q", "--allow-partial"])
        #expect(rest.status == 0, "\(rest.err)")
        #expect(lector.run(["merge", "run", "-q"]).status == 1)
        ShardTests.expectSame(lector)
    }

    /// Waits until the worker of a shard has rows, or has ended.
    private func waitForRows(_ lector: LectorBinary, _ shard: Int, token: Int = 1, _ pid: pid_t) {
        var status: Int32 = 0
        while lector.bytes("run/shards/\(shard)/worker-\(token)/journal").isEmpty,
            waitpid(pid, &status, WNOHANG) == 0
        { usleep(500) }
    }

    /// Makes a shard's lock that of another machine, whose kernel says nothing here.
    private func moveAway(_ lector: LectorBinary, _ shard: Int, token: Int) {
        lector.work.write("another boot 7\n", to: "run/shards/\(shard)/worker-\(token)/lock")
    }

    /// Tokens read in vain by all workers of a shard.
    private func readAgain(_ lector: LectorBinary, _ shard: Int) throws -> Int {
        let done = try JSONValue(parsing: lector.bytes("run/shards/\(shard)/done"))
        return try #require(done["readAgain"]?.integer)
    }

    @Test("a finished shard says whether all its rows are ok, each time it is asked")
    func exitStatus() {
        let lector = planned(2)
        let fine = ["plan", "input/2-long.txt", "--model", "model", "--progress", "none", "--run", "fine"]
        #expect(lector.run(fine).status == 0)
        #expect(lector.run(["work", "fine", "-q"]).status == 0)
        for _ in 0..<2 {
            #expect(lector.run(["work", "run", "--shard", "0", "-q"]).status == 1)
            #expect(lector.run(["work", "run", "--shard", "0", "-q", "--allow-partial"]).status == 0)
        }
        expectMerged(lector)
    }

    @Test("a scheduler's number is the shard; a number that is none is a usage error")
    func shardFromEnvironment() {
        let lector = planned(3)
        let variables = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"]
        for (shard, name) in variables.enumerated() {
            var task = lector
            task.environment[name] = "\(shard)"
            let result = task.run(["work", "run", "--shard-from-env", "-q", "--allow-partial"])
            #expect(result.status == 0, "\(name): \(result.err)")
            for other in 0..<3 {
                #expect(lector.bytes("run/shards/\(other)/done").isEmpty == (other > shard))
            }
            for wrong in ["x", "3", "-1"] {
                task.environment[name] = wrong
                #expect(task.run(["work", "run", "--shard-from-env", "-q"]).status == 64)
            }
        }
        expectMerged(lector)
    }

    @Test("two workers sent to one shard at once: one wins, the other leaves, no row is there twice")
    func raced() {
        let lector = planned(3)
        for shard in 0..<3 {
            let both = (0..<2).map { _ in lector.start(["work", "run", "--shard", "\(shard)", "-q"]) }
            let statuses = both.map { lector.wait($0).status }.sorted()
            #expect(
                statuses == [1, 75] || statuses == [1, 1] || statuses == [0, 75] || statuses == [0, 0])
        }
        expectMerged(lector)
    }

    @Test(
        "a worker elsewhere that still gives signs is left alone; one that is silent is replaced, and finds out"
    )
    func silence() {
        let lector = planned(1)
        let slow = lector.start(["work", "run", "--shard", "0", "-q"])
        waitForRows(lector, 0, slow)
        moveAway(lector, 0, token: 1)
        // Each step writes a heartbeat once a second at most.
        let refused = lector.run(["work", "run", "--shard", "0", "--dead-after", "30"])
        #expect([75, 1].contains(refused.status), "\(refused.err)")
        kill(slow, SIGSTOP)
        let second = lector.start(["work", "run", "--shard", "0", "--dead-after", "0.5", "-q"])
        waitForRows(lector, 0, token: 2, second)
        kill(slow, SIGCONT)
        #expect([75, 1].contains(lector.wait(slow).status))
        _ = lector.wait(second)
        expectMerged(lector)
    }

    @Test(
        "a long document whose machine is lost three times is continued on others: three intervals are read again at most"
    )
    func migration() throws {
        let lector = planned(3)
        let long = try #require(
            (0..<3).first { shard in
                // The document of the middle is row 60 of the input.
                let plan = try JSONValue(parsing: lector.bytes("run/shards.json"))["shards"]!.array![shard]
                let first = plan["first"]!.integer!
                return (first..<first + plan["count"]!.integer!).contains(KillTests.messages)
            })
        var lost = 0
        var position = 0
        var token = 1
        while lost < 3 {
            let child = lector.start(["work", "run", "--shard", "\(long)", "--dead-after", "0.3", "-q"])
            var status: Int32 = 0
            var isRunning = true
            var moved = false
            while isRunning, !moved {
                usleep(300)
                isRunning = waitpid(child, &status, WNOHANG) == 0
                let row = lector.text("run/shards/\(long)/worker-\(token)/states/row-\(KillTests.messages)")
                if let now = Int(row.prefix { $0 != "," }.drop { !$0.isNumber }), now > position {
                    position = now
                    moved = true
                }
            }
            try #require(isRunning, "the document was read before it could be interrupted")
            usleep(UInt32(lost) * 7_000)
            kill(child, SIGKILL)
            _ = lector.wait(child)
            moveAway(lector, long, token: token)
            lost += 1
            token += 1
        }
        let last = lector.run(["work", "run", "--shard", "\(long)", "--dead-after", "0.3", "-q"])
        #expect([0, 1].contains(last.status), "\(last.err)")
        #expect(lector.text("run/shards/\(long)/done").contains("\"token\": 4"))
        let again = try readAgain(lector, long)
        #expect(again <= 3 * 1024, "\(again) tokens")
        expectMerged(lector)
    }

    @Test("SIGTERM: a checkpoint and exit status 75 within ten seconds, nothing is read again")
    func terminated() throws {
        let lector = planned(1)
        let child = lector.start(["work", "run", "--shard", "0"])
        waitForRows(lector, 0, child)
        let asked = Clock.seconds
        kill(child, SIGTERM)
        let result = lector.wait(child)
        #expect(result.status == 75)
        #expect(Clock.seconds - asked < 10)
        #expect(result.err.contains("Go on with"), "\(result.err)")
        expectMerged(lector)
        #expect(try readAgain(lector, 0) == 0)
    }

    @Test("a resident worker answers each line, whatever is in it, and ends with its jobs")
    func jobs() throws {
        let lector = planned(3)
        lector.work.write(
            """
            {"run": "run", "shard": 0}
            not JSON
            {"shard": 1}
            {"run": "run", "shard": 7}

            {"run": "nowhere", "shard": 0}
            {"run": "run", "shard": 1, "takeOver": true}
            {"run": "run", "shard": 0}
            {"run": "run", "shard": 2}
            """, to: "jobs")
        let result = lector.run(["work", "--stdio", "-q"], input: lector.work.file("jobs"))
        #expect(result.status == 0, "\(result.err)")
        let answers = try result.out.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        #expect(
            answers.map { $0["exit"]?.integer ?? -1 }.map { $0 == 0 ? 1 : $0 } == [
                1, 64, 64, 64, 64, 1, 1, 1,
            ])
        #expect(answers[0]["rows"]?.integer == answers[6]["rows"]?.integer)
        #expect(answers[3]["error"]?.string?.contains("3, from 0") == true)
        expectMerged(lector)
    }

    @Test("a resident worker whose driver is gone saves and leaves")
    func abandoned() {
        let lector = planned(1)
        // Jobs could still come, and nobody reads the answers.
        unlink(lector.work.file("stdout"))
        for name in ["jobs", "stdout"] { #expect(mkfifo(lector.work.file(name), 0o600) == 0) }
        let jobs = open(lector.work.file("jobs"), O_RDWR | O_CLOEXEC)
        let answers = open(lector.work.file("stdout"), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        let job = Array("{\"run\": \"run\", \"shard\": 0}\n".utf8)
        #expect(write(jobs, job, job.count) == job.count)
        let child = lector.start(["work", "--stdio", "-q"], input: lector.work.file("jobs"))
        waitForRows(lector, 0, child)
        close(answers)
        unlink(lector.work.file("stdout"))
        let result = lector.wait(child)
        #expect(result.status == 75, "\(result)")
        close(jobs)
        expectMerged(lector)
    }
}

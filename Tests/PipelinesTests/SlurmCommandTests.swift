import Glibc
import Testing

/// `lector slurm` against a scheduler of twenty lines; `Tests/Scale/slurm.sh` has the real one.
@Suite("Slurm", .serialized, .enabled(if: LectorBinary.path != nil))
struct SlurmCommandTests {
    /// Runs each task of an array at once, and again when it asked for that; the merge when all are done.
    private static let sbatch = """
        #!/bin/bash
        echo "$*" >> sbatch-calls
        cat > job
        for word; do case $word in --array=*) array=${word#--array=} ;; esac; done
        if [ -z "${array-}" ]; then bash job; echo 8; exit; fi
        for task in $(echo "${array%%\\%*}" | tr , '\\n' | sed 's/-/ /' | while read first last; do seq $first ${last:-$first}; done); do
            rm -f requeued
            SLURM_RESTART_COUNT=0
            while :; do
                export SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task SLURM_RESTART_COUNT
                bash job & job=$!
                # The time limit of the first try.
                if [ $SLURM_RESTART_COUNT = 0 ] && [ -n "${LIMIT-}" ]; then sleep $LIMIT; kill -TERM $job; fi
                wait $job; status=$?
                echo "$task $status" >> tasks
                [ -e requeued ] || break
                rm requeued
                SLURM_RESTART_COUNT=$((SLURM_RESTART_COUNT + 1))
            done
            [ $status = 0 ] || exit 1
        done
        echo "7;here"
        """

    private func prepare(_ lector: LectorBinary) {
        mkdir(lector.work.file("bin"), 0o700)
        lector.work.write(Self.sbatch, to: "bin/sbatch")
        lector.work.write(
            "#!/bin/sh\n[ $1 = requeue ] && echo $2 > requeued && echo $2 >> requeues\n", to: "bin/scontrol")
        for name in ["sbatch", "scontrol"] { chmod(lector.work.file("bin/" + name), 0o700) }
    }

    /// Submits, with the scheduler in PATH and the work folder as the shell's.
    private func submit(_ lector: LectorBinary, _ run: String) -> LectorBinary.Result {
        lector.wait(
            lector.start(
                shell: "PATH=\"$PWD/bin:$PATH\" \"$1\" slurm \"$2\" --submit",
                [LectorBinary.path!, run]))
    }

    @Test(
        "an array of what is left and a merge after it; a task that must leave goes on; one process's bytes")
    func submitted() {
        var lector = ShardTests.prepare()
        lector.run(["classify"] + ShardTests.flags + ShardTests.outputs("one") + ["--run", "one"])
        #expect(ShardTests.plan(lector, 4).status == 0)
        prepare(lector)
        #expect(lector.run(["work", "run", "--shard", "1", "-q"]).status >= 0)
        let printed = lector.run([
            "slurm", "run", "--partition", "long", "--at-once", "2", "--sbatch=--account=a b",
        ])
        #expect(printed.status == 0)
        #expect(printed.out.contains("--array=0,2-3%2") && printed.out.contains("'--account=a b'"))
        #expect(printed.out.contains("--requeue") && printed.out.contains("--signal=B:TERM@60"))
        lector.environment["LIMIT"] = "0.15"
        let result = submit(lector, "run")
        #expect(result.status == 0, "\(result.err)")
        #expect(result.out == "shards: job 7\nmerge: job 8\n")
        #expect(lector.text("sbatch-calls").contains("--dependency=afterok:7"))
        #expect(lector.text("requeues").contains("7_"), "no task had to leave: \(lector.text("tasks"))")
        ShardTests.expectSame(lector)
        // Everything is finished: only the merge is left.
        #expect(lector.run(["slurm", "run"]).out.contains("0 shards of"))
    }

    @Test("a scheduler that is not there, that refuses, and a name that it cannot be told")
    func refusals() {
        let lector = ShardTests.prepare()
        #expect(ShardTests.plan(lector, 2).status == 0)
        #expect(lector.run(["slurm", "run", "--submit"]).status == 69)
        #expect(lector.run(["slurm", "nowhere"]).status == 64)
        #expect(lector.run(["slurm", "run", "--cpus", "0"]).status == 64)
        #expect(lector.run(["slurm", "run", "--sbatch", "a\nb"]).status == 64)
    }
}

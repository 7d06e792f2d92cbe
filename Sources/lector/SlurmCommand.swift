import ArgumentParser
import Documents
import Glibc
import Pipelines

struct SlurmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slurm",
        abstract: "Prints or submits the Slurm jobs of a planned run: an array of shards, then the merge.",
        discussion: """
            The array has one task for each shard that is not finished yet, so that the same command submits what is
            left after a cluster's bad day. A minute before its time limit a task saves its states and queues
            itself again; when a node is lost, Slurm does. The merge waits for all of them. The run's folder, the
            inputs and lector must be there under the same paths on every node.

            EXAMPLES
              lector slurm big | less
              lector slurm big --submit --partition long --time 4:00:00 --cpus 8
              lector slurm big --submit --at-once 50 --sbatch=--account=mail --sbatch=--mem=2G

            EXIT STATUS
              0 printed or submitted; 64 usage; 65 data; 69 sbatch refused, or is not there
            """)

    @Argument(help: "Folder or name of the run.")
    var name: String

    @Flag(help: "Submit instead of printing; prints the numbers of the jobs.")
    var submit = false

    @Option(help: "CPUs, and threads, of a task.")
    var cpus = 1

    @Option(help: "Partition of the jobs.")
    var partition: String?

    @Option(help: ArgumentHelp("Time limit of a task.", valueName: "time"))
    var time: String?

    @Option(help: ArgumentHelp("Tasks that run at the same time, at most.", valueName: "count"))
    var atOnce: Int?

    @Option(help: ArgumentHelp("Another option of sbatch. May be given again.", valueName: "option"))
    var sbatch: [String] = []

    @Option(help: ArgumentHelp("lector on the nodes; this program without it.", valueName: "path"))
    var lector: String?

    @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
    var stateDir: String?

    func validate() throws {
        if cpus < 1 { throw ValidationError("--cpus \(cpus): a number above 0 was expected") }
        if let atOnce, atOnce < 1 {
            throw ValidationError("--at-once \(atOnce): a number above 0 was expected")
        }
    }

    func run() throws {
        try CommandSupport.run {
            let folder = try enterPlannedRun(name, stateDir: stateDir)
            guard folder.isPlanned else {
                throw PipelineError.usage(
                    "\(CommandSupport.clean(name)) is not a planned run; `lector plan` makes one")
            }
            let plan = try ShardPlan(path: folder.planPath)
            let open = plan.shards.indices.filter { ShardFolder(run: folder, number: $0).done == nil }
            try FileSystem.makeFolder(folder.path + "/slurm")
            let script = try self.script(folder, open)
            if !submit {
                try CommandSupport.print(script)
                return 0
            }
            guard let shell = popen("sh", "w") else {
                throw PipelineError.io("cannot start sh: \(String(cString: strerror(errno)))")
            }
            fputs(script, shell)
            // sbatch has said why.
            return pclose(shell) == 0 ? 0 : 69
        }
    }

    private func script(_ folder: RunFolder, _ open: [Int]) throws(PipelineError) -> String {
        let program = try word(lector ?? FileSystem.linkTarget("/proc/self/exe") ?? "lector")
        let run = try word(folder.path)
        var common: [String] = []
        if let partition { common.append("--partition=\(partition)") }
        common += sbatch
        func options(_ own: [String]) throws(PipelineError) -> String {
            var words = ""
            for option in own + common { words += " " + (try word(option)) }
            return words
        }
        // A percent sign begins a pattern in names of logs.
        let logs = folder.path.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
        let title = "lector-" + (folder.path.split(separator: "/").last.map(String.init) ?? "run")
        var array = [
            "--job-name=\(title)", "--array=\(Self.ranges(open))\(atOnce.map { "%\($0)" } ?? "")",
            "--requeue",
            "--open-mode=append", "--signal=B:TERM@60", "--cpus-per-task=\(cpus)",
            "--output=\(logs)/slurm/shard-%a.log",
        ]
        if let time { array.append("--time=\(time)") }
        let merge = ["--job-name=\(title)-merge", "--output=\(logs)/slurm/merge.log"]
        var text = """
            #!/bin/sh
            # \(open.count) shards of \(run), then the merge. Printed by `lector slurm`; run this, or add --submit.
            set -eu

            """
        if !open.isEmpty {
            text += """
                array=$(sbatch --parsable\(try options(array)) <<'JOB'
                #!/bin/bash
                \(program) work \(run) --shard-from-env --allow-partial --quiet --threads \(cpus) &
                worker=$!
                asked=
                trap 'asked=1; kill -TERM $worker' TERM
                wait $worker
                status=$?
                # The signal ended the wait; the worker saves its states first.
                if [ -n "$asked" ]; then wait $worker; status=$?; fi
                # Try again, or killed, as when memory was short: that is tried five times.
                if [ $status = 75 ] || { [ $status -gt 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ]; }; then
                    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
                fi
                exit $status
                JOB
                )
                echo "shards: job ${array%%;*}"

                """
        }
        let after = open.isEmpty ? "" : " --dependency=afterok:\"${array%%;*}\""
        text += """
            merge=$(sbatch --parsable\(after)\(try options(merge)) <<'JOB'
            #!/bin/bash
            # 1 says that some rows are not ok; the results are there.
            \(program) merge \(run) || [ $? = 1 ]
            JOB
            )
            echo "merge: job ${merge%%;*}"

            """
        return text
    }

    /// Numbers as Slurm writes them: `0-3,7`.
    static func ranges(_ numbers: [Int]) -> String {
        var parts: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = parts.last, last.upperBound == number - 1 {
                parts[parts.count - 1] = last.lowerBound...number
            } else {
                parts.append(number...number)
            }
        }
        return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    private func word(_ text: String) throws(PipelineError) -> String {
        guard CommandSupport.clean(text) == text else {
            throw .usage(
                "\(CommandSupport.clean(text)) has control characters; Slurm cannot be told such a name")
        }
        return CommandSupport.quoted(text)
    }
}

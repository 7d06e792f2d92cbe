import ArgumentParser
import Documents
import Glibc
import Ingest
import JSON
import Pipelines

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Cuts a classification into shards that any number of processes work on.",
        discussion: """
            Takes the flags of `classify`. The folder of --run gets a manifest and the shards, which nothing changes
            afterwards: inputs and how they are read, labels, model and CPU class are frozen, and a worker with others
            refuses. Passwords are kept nowhere; each worker, and the merge, gets them again. The folder may lie on a disk that several machines share.

            EXAMPLES
              lector plan archive.mbox --labels-file labels.yaml --run big --shards 64 -o labels.jsonl
              for worker in 1 2 3 4; do lector work big & done; wait; lector merge big
              lector plan reviews.jsonl --json-text body --labels praise,complaint --run reviews -o labels.jsonl
              lector status big --watch
              lector slurm big --submit --cpus 8 --time 4:00:00

            EXIT STATUS
              0 the plan is there; 64 usage; 65 data; 74 I/O; 75 the folder is in use; 78 it is another run's
            """)

    @Option(help: "Shards to cut into; with fewer documents there are fewer.")
    var shards = 16

    @OptionGroup var task: ClassifyCommand

    func validate() throws {
        if shards < 1 { throw ValidationError("--shards \(shards): a number above 0 was expected") }
        if task.options.run == nil {
            throw ValidationError("--run FOLDER is needed: workers find the run there")
        }
        if task.sample != nil || task.dryRun {
            throw ValidationError("--sample and --dry-run are for `lector classify`")
        }
    }

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            let settings = try task.options.settings()
            let (request, _) = try task.request(settings)
            let meter = try task.options.meter(settings)
            let model = try ModelOpening.open(request.output)
            let run = try ClassificationRun(
                request, run: task.options.run, stateFolder: task.options.stateFolder(settings), model: model,
                progress: meter)
            let folder = run.folder
            let plan: ShardPlan
            if folder.isPlanned {
                plan = try ShardPlan(path: folder.planPath)
                if plan.shards.count != shards {
                    meter.say("the plan stays as it is: \(plan.shards.count) shards")
                }
            } else {
                guard !FileSystem.exists(folder.journalPath) else {
                    throw PipelineError.configuration(
                        "\(CommandSupport.clean(folder.path)) is a run that one process has begun; `lector resume` it, "
                            + "or give another --run folder")
                }
                guard let made = ShardPlan(shards, inputs: request.inputs) else {
                    CommandSupport.complain("stopped; give the same command again")
                    return StopSignal.exitStatus(StopSignal.received ?? SIGINT)
                }
                plan = made
                try plan.save(to: folder.planPath)
            }
            if task.options.json {
                try CommandSupport.print(
                    JSONValue.object([
                        JSONMember("run", .string(folder.path)), JSONMember("documents", .integer(plan.rows)),
                        JSONMember("shards", .integer(plan.shards.count)),
                    ]).text + "\n")
            } else {
                meter.say(
                    "\(plan.rows) documents in \(plan.shards.count) shards. Work with\n    lector work "
                        + CommandSupport.quoted(folder.path))
            }
            return 0
        }
    }
}

/// A planned run by path or name, entered: its inputs are relative to where it was planned.
func enterPlannedRun(_ name: String, stateDir: String?) throws(PipelineError) -> RunFolder {
    let settings = try Settings(environment: CommandSupport.environment)
    let folder = try RunFolder.find(
        name,
        stateFolder: RunFolder.stateFolder(
            settings.text(.stateDir, flag: stateDir), environment: CommandSupport.environment))
    let path = FileSystem.absolute(folder.path)
    let manifest = try RunManifest(path: folder.manifestPath)
    guard chdir(manifest.workingFolder) == 0 else {
        throw .io(
            "the run was planned in \(CommandSupport.clean(manifest.workingFolder)), which cannot be entered: "
                + String(cString: strerror(errno)))
    }
    return RunFolder(path)
}

struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Makes the results of a planned run when all its shards are finished.",
        discussion: """
            The rows are those of a run that one process did, byte for byte. They go to the files named when the run
            was planned, or to those of -o. Merging again writes the same again.

            EXAMPLES
              lector merge big
              lector merge big -o labels.sqlite --report labels.html

            EXIT STATUS
              0 every row is ok or abstained; 1 some are not; 64 usage; 65 data; 74 I/O; 75 shards are missing: try
              again later
            """)

    @Argument(help: "Folder or name of the run.")
    var name: String

    @Option(name: .short, help: "Write rows to a file; .jsonl, .csv, .sqlite or .html. May be given again.")
    var output: [String] = []

    @Option(help: ArgumentHelp("Also write a page to look at.", valueName: "file.html"))
    var report: String?

    @Flag(help: "Print the summary as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
    var stateDir: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    @OptionGroup(title: "Passwords of a run that was begun with some")
    var passwords: PasswordOptions

    func run() throws {
        try CommandSupport.run {
            let passwords = try self.passwords.all()
            // Files are named from here, inputs from where the run was planned.
            var target: RunRequest.Output?
            if !output.isEmpty || report != nil {
                target = RunRequest.Output()
                target!.files = output.map(FileSystem.absolute)
                target!.report = report.map(FileSystem.absolute)
            }
            let folder = try enterPlannedRun(name, stateDir: stateDir)
            let (summary, files) = try ShardMerge.run(
                folder, output: target, passwords: passwords)
            if files.isEmpty {
                var failure: PipelineError?
                try ResultsReader.rows(of: folder) { row in
                    guard failure == nil else { return }
                    do throws(PipelineError) { try CommandSupport.print(row.text + "\n") } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
            } else if json {
                try CommandSupport.print(summary.json.text + "\n")
            }
            if !quiet {
                CommandSupport.complain(summary.text)
                if !files.isEmpty {
                    CommandSupport.complain(files.map { CommandSupport.clean($0) }.joined(separator: ", "))
                }
            }
            return summary.exitStatus
        }
    }
}

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Where a planned run stands: shards, rows, rates, and who is alive.",
        discussion: """
            EXAMPLES
              lector status big
              lector status big --watch
              lector status big --json | jq .etaSeconds

            EXIT STATUS
              0 all shards are finished; 75 not yet; 64 usage; 65 data
            """)

    @Argument(help: "Folder or name of the run.")
    var name: String

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Look again every two seconds until all shards are finished.")
    var watch = false

    @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
    var stateDir: String?

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            let folder = try enterPlannedRun(name, stateDir: stateDir)
            let movesCursor = watch && !json && isatty(STDOUT_FILENO) == 1
            var lines = 0
            while true {
                let status = try ShardStatus(folder)
                let text = json ? status.json.text + "\n" : Self.words(status)
                let up = movesCursor && lines > 0 ? "\u{1B}[\(lines)A\u{1B}[J" : ""
                try CommandSupport.print(up + text)
                lines = text.count { $0 == "\n" }
                if status.isDone { return 0 }
                if !watch { return 75 }
                for _ in 0..<20 where StopSignal.received == nil { usleep(100_000) }
                if let signal = StopSignal.received { return StopSignal.exitStatus(signal) }
            }
        }
    }

    private static func words(_ status: ShardStatus) -> String {
        var text = ""
        // Finished and waiting shards are counted; those that someone has are shown.
        for shard in status.shards where shard.state == .working || shard.state == .stopped {
            text +=
                "shard \(shard.number)  \(shard.state.rawValue)  \(shard.rows) of \(shard.plannedRows) rows"
            text += "  \(Int(shard.tokensPerSecond)) tokens/s"
            if let age = shard.heartbeatAge { text += "  last seen \(ProgressMeter.duration(age)) ago" }
            if let host = shard.host { text += "  on \(CommandSupport.clean(host))" }
            text += "\n"
        }
        let done = status.shards.count { $0.state == .done }
        text += "\(done) of \(status.shards.count) shards, \(status.rows) of \(status.plannedRows) rows"
        if let left = status.secondsLeft { text += ", ETA \(ProgressMeter.duration(left))" }
        if status.isDone { text += status.isMerged ? ", merged" : "; `lector merge` makes the results" }
        return text + "\n"
    }
}

import ArgumentParser
import Documents
import Glibc
import Inference
import JSON
import Pipelines

struct WorkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Works on the shards of a planned run, beside as many others as you like.",
        discussion: """
            Without --shard it takes any shard that nobody works on, one after the other, until all are finished.
            A killed worker costs at most what it read since its last checkpoint: who takes the shard next goes on from
            there. A worker of another machine that gives no sign for --dead-after seconds counts as dead and is
            replaced; should it come back, it finds its token outdated and stops, and what it wrote nobody reads.
            --take-over does not wait.

            --shard-from-env takes the number from SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or
            AWS_BATCH_JOB_ARRAY_INDEX.

            --stdio keeps the model loaded and reads jobs from standard input, one JSON object a line:
                {"run": "big", "shard": 3}
            "run" may be left out when RUN was given; "takeOver": true is --take-over. For each it prints one line:
                {"run":"big","shard":3,"exit":0,"rows":120,"notOK":0,"tokens":31337,"readAgain":0,"seconds":4.2}
            with the exit status that `work --shard` would have, and "error" where it is not 0 or 1.

            The plan says how inputs are read; passwords are not in it, and are given to each worker: in the
            environment of a job LECTOR_PASSWORD is the easiest.

            SIGTERM saves and exits with 75 within 10 seconds.

            EXAMPLES
              lector work big
              lector work big --shard 3
              lector work big --shard-from-env --allow-partial
              lector work big --password-file ~/.zip-password

            EXIT STATUS
              0 finished; 1 finished, and some rows are not ok (0 with --allow-partial); 64 usage; 65 data; 74 I/O; 75
              try again: others are at work, or SIGTERM came; 78 model, CPU class or input are not those of the
              plan; 130 stopped by Ctrl-C after a checkpoint
            """)

    @Argument(help: "Folder or name of the run.")
    var name: String?

    @Option(help: "Work on this shard only, from 0.")
    var shard: Int?

    @Flag(help: "Take the shard's number from the scheduler's environment.")
    var shardFromEnv = false

    @Flag(help: "Read jobs from standard input and keep the model loaded.")
    var stdio = false

    @Flag(help: "Replace the worker that has the shard; needs --shard or --shard-from-env.")
    var takeOver = false

    @Flag(help: "Exit with 0 also when rows are not ok: a scheduler should not try them again.")
    var allowPartial = false

    @Option(
        help: ArgumentHelp(
            "Silence after which a worker of another machine counts as dead.", valueName: "seconds"))
    var deadAfter = 60.0

    @OptionGroup(title: "Run")
    var options: ResumeOptions

    private static let variables = [
        "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX",
    ]

    func validate() throws {
        if [shard != nil, shardFromEnv, stdio].count(where: { $0 }) > 1 {
            throw ValidationError("give one of --shard, --shard-from-env and --stdio")
        }
        if takeOver && shard == nil && !shardFromEnv {
            throw ValidationError("--take-over needs --shard or --shard-from-env")
        }
        if name == nil && !stdio { throw ValidationError("which run? Give its folder or name") }
        guard deadAfter >= 0 else {
            throw ValidationError("--dead-after \(deadAfter): 0 or more was expected")
        }
    }

    private func wanted() throws(PipelineError) -> Int? {
        guard shardFromEnv else { return shard }
        let environment = CommandSupport.environment
        guard let name = Self.variables.first(where: { environment[$0] != nil }), let text = environment[name]
        else {
            throw .usage("--shard-from-env: none of \(Self.variables.joined(separator: ", ")) is set")
        }
        guard let number = Int(text) else {
            throw .usage("\(name) is \(CommandSupport.clean(text)); a number was expected")
        }
        return number
    }

    func run() throws {
        try CommandSupport.run {
            // A scheduler that asks to leave kills soon afterwards.
            StopSignal.install(terminationStatus: 75, within: 9)
            let worker = try ShardWorker(options, deadAfter: deadAfter)
            if stdio { return try JobLines(worker, run: name).serve() }
            let wanted = try wanted()
            let folder = try enterPlannedRun(name!, stateDir: options.stateDir)
            let work = try worker.work(on: folder)
            if let wanted { return try self.work(on: wanted, work, folder, worker.meter) }
            return try workOnAll(work, folder, worker.meter)
        }
    }

    private func work(on number: Int, _ work: ShardWork, _ folder: RunFolder, _ meter: ProgressMeter) throws
        -> Int32
    {
        try ShardWorker.check(number, work)
        switch try work.run(number, takesOver: takeOver, silence: deadAfter, waits: true) {
        case .finished:
            if options.verbose { meter.say("shard \(number) is finished") }
            return status(of: [number], folder)
        case .stopped(let signal): return stopped(in: number, signal, meter)
        case .busy(let text):
            CommandSupport.complain(text)
            return 75
        }
    }

    private func workOnAll(_ work: ShardWork, _ folder: RunFolder, _ meter: ProgressMeter) throws -> Int32 {
        var busy: [Int] = []
        // Processes that start together begin at different places, or they would all ask for the same.
        let count = work.plan.shards.count
        let start = count > 0 ? Int(getpid()) % count : 0
        for number in (0..<count).map({ (start + $0) % count }) {
            switch try work.run(number, silence: deadAfter) {
            case .finished: if options.verbose { meter.say("shard \(number) is finished") }
            case .stopped(let signal): return stopped(in: number, signal, meter)
            case .busy(let text):
                busy.append(number)
                if options.verbose { CommandSupport.complain(text) }
            }
        }
        // Others may have finished theirs in the meantime.
        busy.removeAll { ShardFolder(run: folder, number: $0).done != nil }
        guard busy.isEmpty else {
            if !options.quiet {
                meter.say("nothing is left for this process; others are at work on \(busy.count) shards")
            }
            return 75
        }
        return status(of: Array(0..<count), folder)
    }

    private func status(of shards: [Int], _ folder: RunFolder) -> Int32 {
        if allowPartial { return 0 }
        let notOK = shards.contains {
            ShardFolder(run: folder, number: $0).done?.json["notOK"]?.integer ?? 0 > 0
        }
        return notOK ? 1 : 0
    }

    private func stopped(in number: Int, _ signal: Int32, _ meter: ProgressMeter) -> Int32 {
        meter.clear()
        CommandSupport.complain(
            "stopped in shard \(number); nothing is lost. Go on with\n    "
                + CommandSupport.thisCommand)
        return StopSignal.exitStatus(signal)
    }
}

/// A process that works on shards, with the model that it has loaded.
final class ShardWorker {
    let options: ResumeOptions
    let deadAfter: Double
    private let passwords: [String]
    let meter: ProgressMeter
    private var model: (output: RunRequest.Output, loaded: LoadedModel)?
    /// The last run, as long as its plan is the same file: to look at all inputs again takes long where there are millions.
    private var last: (plan: PlanFile, work: ShardWork)?

    init(_ options: ResumeOptions, deadAfter: Double) throws {
        self.options = options
        self.deadAfter = deadAfter
        passwords = try options.passwords.all()
        var all = RunOptions.parseOrExit([])
        options.fill(&all)
        meter = try all.meter(try all.settings())
    }

    /// Work on a run that was entered; its model is loaded unless it is the one of before.
    func work(on folder: RunFolder) throws -> ShardWork {
        let plan = PlanFile(folder.planPath)
        if let last, last.plan == plan { return last.work }
        var request = try RunRequest(resuming: folder, passwords: passwords)
        if let threads = options.threads { request.output.threads = threads }
        let path = request.output.modelPath.map(FileSystem.absolute)
        request.output.modelPath = path
        if model?.output.modelPath != path || model?.output.threads != request.output.threads || model == nil
        {
            model = nil
            model = (request.output, try ModelOpening.open(request.output))
        }
        let work = try ShardWork(
            folder, passwords: passwords, model: model!.loaded, progress: meter)
        last = (plan, work)
        return work
    }

    private struct PlanFile: Equatable {
        let path: String
        let inode: UInt
        let seconds: Int
        let nanoseconds: Int

        init(_ path: String) {
            var info = stat()
            stat(path, &info)
            self.path = path
            inode = UInt(info.st_ino)
            seconds = info.st_mtim.tv_sec
            nanoseconds = info.st_mtim.tv_nsec
        }
    }

    static func check(_ number: Int, _ work: ShardWork) throws(PipelineError) {
        guard work.plan.shards.indices.contains(number) else {
            throw .usage("there is no shard \(number); the plan has \(work.plan.shards.count), from 0")
        }
    }
}

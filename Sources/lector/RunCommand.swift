import ArgumentParser
import Documents
import Evaluation
import Pipelines

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a pipeline file over inputs.",
        discussion: """
            The file says what `lector classify`, `extract` or `summarize` take as flags; -o and --report add to
            its outputs, and --json-text and its like go before its `reading`.

            EXAMPLES
              lector run Pipelines/triage-mailbox.yaml inbox.mbox
              lector run Pipelines/triage-mailbox.yaml inbox.mbox --sample 50
              lector run Pipelines/triage-mailbox.yaml inbox.mbox --dry-run
              lector run Pipelines/contract-fields.yaml contracts/
              lector run Pipelines/contract-fields.yaml contracts.jsonl --json-text body

            EXIT STATUS
              as the verb of its task; 78 for a mistake in the file, with its line
            """)

    @Argument(help: ArgumentHelp("Pipeline file (YAML).", valueName: "pipeline"))
    var pipeline: String

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Option(help: "Read only so many documents, chosen by digest.")
    var sample: Int?

    @Flag(help: "Count documents and tokens, estimate time and disk, and stop.")
    var dryRun = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    @OptionGroup(title: "Run")
    var options: RunOptions

    func validate() throws {
        if let sample, sample < 1 {
            throw ValidationError("--sample \(sample): a number above 0 was expected")
        }
    }

    func run() throws {
        try CommandSupport.run {
            let settings = try options.settings()
            let file = try PipelineFile(path: pipeline)
            if let task = file.answers { return try run(task, file, settings) }
            var request = RunRequest(inputs: .init(inputs, reading: try reading.over(file.reading)))
            request.labels = file.labels
            request.multi = file.multi
            request.instruction = file.instruction
            request.threshold = file.threshold
            request.maxTokens = file.maxTokens
            request.skipQuoted = file.skipQuoted
            request.calibrates = file.calibrates
            request.sample = sample
            request.output.files = file.outputs
            request.output.report = file.report
            try options.apply(to: &request.output, settings)
            if options.model == nil, let model = file.model { request.output.modelPath = model }
            if dryRun { return try options.estimate(request) }
            return try options.execute(request, run: options.run)
        }
    }
    /// A pipeline that extracts or summarizes.
    private func run(_ task: AnswerTask, _ file: PipelineFile, _ settings: Settings) throws -> Int32 {
        if options.run != nil {
            throw PipelineError.usage(
                "--run: a pipeline of \(task.kind.rawValue) keeps its unfinished rows under --state-dir")
        }
        var output = RunRequest.Output()
        output.files = file.outputs
        try options.apply(to: &output, settings)
        if options.model == nil, let model = file.model { output.modelPath = model }
        let report = options.report ?? file.report
        if let report, try ResultFormat(path: report) != .html {
            throw PipelineError.usage("--report \(CommandSupport.clean(report)): a report ends in .html")
        }
        let execution = AnswerExecution(
            inputs: .init(inputs, reading: try reading.over(file.reading)),
            outputs: output.files + (report.map { [$0] } ?? []),
            stateFolder: options.stateFolder(settings), meter: try options.meter(settings),
            json: options.json, quiet: options.quiet, sample: sample)
        let open = { try ModelOpening.open(output) }
        return dryRun
            ? try execution.estimate(task, openModel: open) : try execution.run(task, openModel: open)
    }
}

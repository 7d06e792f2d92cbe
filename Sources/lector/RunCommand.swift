import ArgumentParser
import Documents
import Pipelines

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a pipeline file over inputs.",
        discussion: """
            The file says what `lector classify` takes as flags; -o and --report add to its outputs.

            EXAMPLES
              lector run Pipelines/triage-mailbox.yaml inbox.mbox
              lector run Pipelines/triage-mailbox.yaml inbox.mbox --sample 50
              lector run Pipelines/triage-mailbox.yaml inbox.mbox --dry-run

            EXIT STATUS
              as `lector classify`; 78 for a mistake in the file, with its line
            """)

    @Argument(help: ArgumentHelp("Pipeline file (YAML).", valueName: "pipeline"))
    var pipeline: String

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Option(help: "Read only so many documents, chosen by digest.")
    var sample: Int?

    @Flag(help: "Count documents and tokens, estimate time and disk, and stop.")
    var dryRun = false

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
            var request = RunRequest(inputs: inputs)
            request.labels = file.labels
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
}

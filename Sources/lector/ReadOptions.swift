import ArgumentParser
import Checkpoints
import Documents
import Inference
import Pipelines

/// Flags of the verbs that read one text into one state.
struct ReadOptions: ParsableArguments {
    @Option(help: "Folder or packed file of a model; without it the bundled one.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "How many tokens the attention layers look back at, or none for the whole text: details are "
                + "remembered better, and memory and time grow with the text. Without it as the model says. "
                + "A state is gone on with under the window that it was made with.",
            valueName: "tokens|none"))
    var window: AttentionWindow?

    @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
    var stateDir: String?

    @Option(
        help: ArgumentHelp(
            "A state is kept after so many tokens (65536) or half a minute.", valueName: "tokens"))
    var checkpointTokens: Int?

    @Option(
        help: ArgumentHelp(
            "What all states together may take (16G); the longest unused go first.", valueName: "size"))
    var budget = ByteCount(16 << 30)

    @Option(
        help: ArgumentHelp(
            "f32 goes on bit for bit; bf16 rounds the matrices of kept states, under keys of their own.",
            valueName: "dtype"))
    var stateDtype = StatePrecision.f32

    @Flag(help: "Leave out what mails quote of earlier ones.")
    var skipQuoted = false

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    func settings() throws(PipelineError) -> Settings {
        try Settings(environment: CommandSupport.environment)
    }

    func statesFolder(_ settings: Settings) -> String {
        RunFolder.stateFolder(
            settings.text(.stateDir, flag: stateDir), environment: CommandSupport.environment) + "/states"
    }

    func meter(_ settings: Settings) throws(PipelineError) -> ProgressMeter {
        try CommandSupport.meter(settings, progress: progress, quiet: quiet)
    }

    func open(_ settings: Settings) throws(PipelineError) -> LoadedModel {
        var output = RunRequest.Output()
        output.modelPath = settings.text(.model, flag: model)
        output.threads = try settings.integer(.threads, flag: threads)
        return try ModelOpening.open(output, window: window)
    }

    /// Reads the inputs into a state; nil after a signal, when the way to go on has been said.
    func read(
        _ inputs: DocumentInputs, settings: Settings, model: LoadedModel, meter: ProgressMeter
    ) throws -> TextReading.Text? {
        var options = TextReading.Options(inputs: inputs, folder: statesFolder(settings))
        options.skipsQuoted = skipQuoted
        options.reading.budgetBytes = budget.bytes
        options.reading.precision = stateDtype
        if let tokens = try settings.integer(.checkpointTokens, flag: checkpointTokens) {
            guard tokens >= 64 else {
                throw PipelineError.usage("--checkpoint-tokens \(tokens): at least 64 are needed")
            }
            options.reading.intervalTokens = tokens
            options.reading.rowsPerStep = min(options.reading.rowsPerStep, max(16, tokens / 4))
        }
        switch try TextReading(options, model: model, progress: meter).run() {
        case .finished(let text):
            if !quiet {
                for failure in text.failures.prefix(10) {
                    meter.say("\(CommandSupport.clean(failure.item)): \(failure.status)")
                }
                if text.failures.count > 10 {
                    meter.say("and \(text.failures.count - 10) more that are not ok")
                }
            }
            return text
        case .stopped(let signal, let tokens):
            let command = CommandSupport.thisCommand
            CommandSupport.complain(
                inputs.includesStandardInput
                    ? "stopped; \(tokens) tokens are kept, and the same text on standard input goes on from there"
                    : "stopped; \(tokens) tokens are kept. Go on with\n    \(command)")
            throw ExitCode(StopSignal.exitStatus(signal))
        }
    }
}

extension StatePrecision: ExpressibleByArgument {}

extension AttentionWindow: ExpressibleByArgument {
    public init?(argument: String) {
        if argument == "none" {
            self = .all
        } else if let count = Int(argument), count > 0 {
            self = .tokens(count)
        } else {
            return nil
        }
    }
}

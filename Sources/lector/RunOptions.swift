import Answers
import ArgumentParser
import Completions
import Documents
import Glibc
import Inference
import Pipelines

/// Flags that every verb that reads with a model has.
struct RunOptions: ParsableArguments {
    @Option(name: .short, help: "Write rows to a file; .jsonl, .csv, .sqlite or .html. May be given again.")
    var output: [String] = []

    @Option(help: ArgumentHelp("Also write a page to look at.", valueName: "file.html"))
    var report: String?

    @Flag(help: "Rows are JSON on standard output anyway; with -o, print the summary as JSON.")
    var json = false

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: ArgumentHelp("Folder of the run; without it one is found by name.", valueName: "folder"))
    var run: String?

    @Option(help: ArgumentHelp("Where runs and states lie.", valueName: "folder"))
    var stateDir: String?

    @Option(help: ArgumentHelp("Tokens that a kill may cost at most (16384).", valueName: "tokens"))
    var checkpointTokens: Int?

    @Option(
        help: ArgumentHelp(
            "Also what an endpoint asks for reading this, at dollars for a million tokens read and written.",
            valueName: "in,out"))
    var price: TokenPrice?

    @Flag(help: "Rows as they are ready, not in the order of the input.")
    var unordered = false

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Say more.")
    var verbose = false

    func settings() throws(PipelineError) -> Settings {
        try Settings(environment: CommandSupport.environment)
    }

    func stateFolder(_ settings: Settings) -> String {
        RunFolder.stateFolder(
            settings.text(.stateDir, flag: stateDir), environment: CommandSupport.environment)
    }

    /// Takes what was given into `output`.
    func apply(to target: inout RunRequest.Output, _ settings: Settings) throws(PipelineError) {
        target.files += output
        if let report { target.report = report }
        if unordered { target.unordered = true }
        if let path = settings.text(.model, flag: model) { target.modelPath = path }
        if let count = try settings.integer(.threads, flag: threads) { target.threads = count }
        if let tokens = try settings.integer(.checkpointTokens, flag: checkpointTokens) {
            guard tokens >= 64 else { throw .usage("--checkpoint-tokens \(tokens): at least 64 are needed") }
            target.checkpointTokens = tokens
        }
    }

    func meter(_ settings: Settings) throws(PipelineError) -> ProgressMeter {
        try CommandSupport.meter(settings, progress: progress, quiet: quiet)
    }

    /// Opens the model, runs, and says how it ended.
    ///
    /// - Returns: The exit status.
    func execute(_ request: RunRequest, run: String?, note: String? = nil) throws -> Int32 {
        StopSignal.install()
        let settings = try settings()
        let meter = try meter(settings)
        let stateFolder = stateFolder(settings)
        try request.check()
        let model = try ModelOpening.open(request.output)
        let classification = try ClassificationRun(
            request, run: run, stateFolder: stateFolder, model: model, progress: meter, verbose: verbose)
        if !quiet, let note { meter.say(note) }
        if verbose {
            meter.say("run \(CommandSupport.clean(classification.folder.path))")
            meter.say("model \(classification.configuration.modelText), \(model.engine.numericsClass)")
        }
        let resume = resumeCommand(classification.folder)
        do {
            switch try classification.run() {
            case .finished(let summary):
                if json, !request.output.files.isEmpty {
                    let result = summary.json.priced(price, tokens: summary.tokens)
                    try CommandSupport.print(result.text + "\n")
                }
                if !quiet {
                    meter.say(summary.text)
                    if summary.encrypted > 0 {
                        let usesPasswords = classification.configuration.reading.usesPasswords
                        meter.say(
                            "encrypted: \(summary.encrypted); "
                                + (usesPasswords
                                    ? "to try other passwords, give another --run folder with them"
                                    : "--password-file FILE gives passwords to try"))
                    }
                    if summary.processTokens > 0 { meter.say(summary.workText) }
                    if let price { meter.say(price.words(read: summary.tokens)) }
                    if !request.files.isEmpty {
                        meter.say(request.files.map { CommandSupport.clean($0) }.joined(separator: ", "))
                    }
                }
                return summary.exitStatus
            case .stopped(let signal, let summary):
                meter.clear()
                CommandSupport.complain(
                    "stopped after \(summary.documents) documents; nothing is lost. Go on with\n    \(resume)"
                )
                return StopSignal.exitStatus(signal)
            }
        } catch let error as PipelineError {
            meter.clear()
            CommandSupport.complain(error.description)
            if error.exitStatus == 74 {
                CommandSupport.complain(
                    "what was finished is kept; once that is mended, go on with\n    \(resume)")
            }
            throw ExitCode(error.exitStatus)
        }
    }

    private func resumeCommand(_ folder: RunFolder) -> String {
        let isNamed = run == nil && FileSystem.parent(of: folder.path).hasSuffix("/runs")
        let name = isNamed ? String(folder.path.split(separator: "/").last ?? "") : folder.path
        let state = stateDir.map { " --state-dir \(CommandSupport.quoted($0))" } ?? ""
        return "lector resume \(CommandSupport.quoted(name))\(isNamed ? state : "")"
    }
}

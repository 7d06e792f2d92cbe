import ArgumentParser
import Completions
import Inference
import JSON
import Pipelines

/// Flags of the verbs that make one row a document: extract, summarize.
struct AnswerOptions: ParsableArguments {
    @Option(
        name: .short,
        help: "Write rows to a file: .jsonl, .csv, .sqlite, or .html to look through. May be given again.")
    var output: [String] = []

    @Flag(help: "Rows are JSON on standard output anyway; with -o, print the summary as JSON.")
    var json = false

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: "Work only on so many documents, chosen by digest.")
    var sample: Int?

    @Option(
        help: ArgumentHelp(
            "Also what an endpoint asks for reading this, at dollars for a million tokens read and written.",
            valueName: "in,out"))
    var price: TokenPrice?

    @Flag(help: "Count documents and tokens, estimate the time, and stop.")
    var dryRun = false

    @Option(help: ArgumentHelp("Where unfinished rows lie.", valueName: "folder"))
    var stateDir: String?

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    func validate() throws {
        if let sample, sample < 1 {
            throw ValidationError("--sample \(sample): a number above 0 was expected")
        }
    }

    func openModel() throws -> LoadedModel {
        let settings = try Settings(environment: CommandSupport.environment)
        var request = RunRequest.Output()
        if let path = settings.text(.model, flag: model) { request.modelPath = path }
        if let count = try settings.integer(.threads, flag: threads) { request.threads = count }
        return try ModelOpening.open(request)
    }

    /// Makes the rows and puts them where they belong.
    ///
    /// - Returns: The exit status.
    func execute(_ task: AnswerTask, inputs: DocumentInputs) throws -> Int32 {
        let settings = try Settings(environment: CommandSupport.environment)
        let style = settings.text(.progress, flag: progress) ?? "auto"
        guard let known = ProgressMeter.Style(rawValue: style) else {
            throw PipelineError.usage(
                "--progress \(CommandSupport.clean(style)): auto, bar, json or none was expected")
        }
        let noColor = CommandSupport.environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        let stateFolder = RunFolder.stateFolder(
            settings.text(.stateDir, flag: stateDir), environment: CommandSupport.environment)
        let execution = AnswerExecution(
            inputs: inputs, outputs: output, stateFolder: stateFolder,
            meter: ProgressMeter(style: known, noColor: noColor, isQuiet: quiet), json: json, quiet: quiet,
            sample: sample, price: price)
        return dryRun
            ? try execution.estimate(task, openModel: openModel)
            : try execution.run(task, openModel: openModel)
    }
}

import ArgumentParser
import Inference
import JSON
import Pipelines

/// Flags of the verbs that make one row a document with a model: extract, summarize.
struct AnswerOptions: ParsableArguments {
    @Option(name: .short, help: "Write rows to a file(.jsonl). May be given again.")
    var output: [String] = []

    @Flag(help: "Rows are JSON on standard output anyway; with -o, print the summary as JSON.")
    var json = false

    @Option(help: "Folder or packed file of a model; without it the bundled one.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: ArgumentHelp("Where unfinished rows lie.", valueName: "folder"))
    var stateDir: String?

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    static func text(of model: LoadedModel) -> String {
        "\(model.name) \(model.engine.fingerprint.prefix(12))"
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
    func execute(_ maker: some AnswerRun.RowMaker, inputs: [String], identity: String) throws -> Int32 {
        StopSignal.install()
        let settings = try Settings(environment: CommandSupport.environment)
        let style = settings.text(.progress, flag: progress) ?? "auto"
        guard let known = ProgressMeter.Style(rawValue: style) else {
            throw PipelineError.usage(
                "--progress \(CommandSupport.clean(style)): auto, bar, json or none was expected")
        }
        let noColor = CommandSupport.environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        let meter = ProgressMeter(style: known, noColor: noColor, isQuiet: quiet)
        let stateFolder = RunFolder.stateFolder(
            settings.text(.stateDir, flag: stateDir), environment: CommandSupport.environment)
        let writers = try output.map { try AnswerWriter.make($0) }
        let run = try AnswerRun(inputs: inputs, identity: identity, stateFolder: stateFolder)
        let summary = try run.run(maker, progress: meter) { row in
            for writer in writers { try writer.write(row) }
            if writers.isEmpty { try CommandSupport.print(row.text + "\n") }
        }
        meter.clear()
        if let signal = summary.stopped {
            CommandSupport.complain(
                "stopped after \(summary.documents) documents; nothing is lost: the same command goes on")
            return StopSignal.exitStatus(signal)
        }
        for writer in writers { try writer.finish() }
        run.finish()
        if json, !writers.isEmpty {
            try CommandSupport.print(
                JSONValue.object([
                    JSONMember("documents", .integer(summary.documents)),
                    JSONMember("incomplete", .integer(summary.incomplete)),
                    JSONMember("tokens", .integer(summary.tokens)),
                ]).text + "\n")
        }
        if !quiet {
            let rate = summary.seconds > 0 ? Int(Double(summary.tokens) / summary.seconds) : 0
            meter.say(
                "\(summary.documents) documents"
                    + (summary.incomplete > 0 ? ", \(summary.incomplete) of them not whole" : "")
                    + (summary.resumed > 0 ? ", \(summary.resumed) were there" : "")
                    + "; \(summary.tokens) tokens in \(JSONValue.decimal(summary.seconds, places: 1).text) s (\(rate) tokens/s)"
            )
        }
        return summary.exitStatus
    }
}

import Completions
import Evaluation
import Inference
import JSON
import Pipelines

/// One call of extract, summarize, or a pipeline of them: rows to where they belong, and how it ended.
struct AnswerExecution {
    var inputs: DocumentInputs
    var outputs: [String]
    var stateFolder: String
    var meter: ProgressMeter
    /// With outputs, print the summary as JSON.
    var json = false
    var quiet = false
    var sample: Int?
    var title: String?
    var price: TokenPrice?

    /// - Parameter openModel: Called when the task needs a model.
    /// - Returns: The exit status.
    func run(_ task: AnswerTask, openModel: () throws -> LoadedModel) throws -> Int32 {
        StopSignal.install()
        for path in outputs { try AnswerContext.check(path, task.kind) }
        let model = task.needsModel ? try openModel() : nil
        let title = title ?? inputs.paths.map(CommandSupport.clean).joined(separator: " ")
        let maker = try task.makeRows(model, title: inputs.paths.joined(separator: " "))
        let context = AnswerContext(
            kind: task.kind, title: title,
            model: model.map { AnswerTask.text(of: $0) } ?? "", fields: task.fields, texts: .inputs(inputs))
        let run = try AnswerRun(
            inputs: inputs, identity: task.identity(model), stateFolder: stateFolder, sample: sample)
        let writers = try outputs.map { try context.writer($0) }
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
        report(summary)
        return summary.exitStatus
    }

    /// `--dry-run`: what it would cost, on standard output.
    func estimate(_ task: AnswerTask, openModel: () throws -> LoadedModel) throws -> Int32 {
        StopSignal.install()
        let model = task.needsModel ? try openModel() : nil
        let estimate = try RunEstimate(task, inputs: inputs, sample: sample, model: model, progress: meter)
        meter.clear()
        if let signal = StopSignal.received { return StopSignal.exitStatus(signal) }
        try CommandSupport.print(json ? estimate.json.text + "\n" : estimate.text)
        return 0
    }

    private func report(_ summary: AnswerRun.Summary) {
        if json, !outputs.isEmpty {
            let result = JSONValue.object([
                JSONMember("documents", .integer(summary.documents)),
                JSONMember("incomplete", .integer(summary.incomplete)),
                JSONMember("tokens", .integer(summary.tokens)),
            ])
            try? CommandSupport.print(result.priced(price, tokens: summary.tokens).text + "\n")
        }
        guard !quiet else { return }
        let rate = summary.seconds > 0 ? Int(Double(summary.tokens) / summary.seconds) : 0
        let seconds = JSONValue.decimal(summary.seconds, places: 1).text
        meter.say(
            "\(summary.documents) documents"
                + (summary.incomplete > 0 ? ", \(summary.incomplete) of them not whole" : "")
                + (summary.resumed > 0 ? ", \(summary.resumed) were there" : "")
                + (summary.tokens > 0
                    ? "; \(summary.tokens) tokens in \(seconds) s (\(rate) tokens/s)" : " in \(seconds) s"))
        if let price { meter.say(price.words(read: summary.tokens)) }
        if !outputs.isEmpty { meter.say(outputs.map(CommandSupport.clean).joined(separator: ", ")) }
    }
}

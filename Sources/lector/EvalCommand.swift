import ArgumentParser
import Documents
import Evaluation
import Pipelines

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Compares results with gold labels: accuracy, F1, confusion, calibration.",
        discussion: """
            RESULTS is a .jsonl file of `classify`, or a run (its folder or name). Lines of the gold
            file are {"item": ADDRESS, "label": NAME}, {"index": N, "label": NAME} or {"label": NAME}
            in the order of the rows. An item without an answer counts as wrong in the accuracy.
            Rows of `extract` and `summarize` are compared with lines {"item": ADDRESS, "data": {...}} or
            {"item": ADDRESS, "summary": TEXT}: exact and partial F1 of the values, ROUGE-1, -2 and -L.

            EXAMPLES
              lector eval results.jsonl --gold Examples/mailbox.gold.jsonl
              lector eval results.jsonl --gold gold.jsonl -o eval.html
              lector eval results.jsonl --gold gold.jsonl --json

            EXIT STATUS
              0 compared; 64 usage; 65 a file is not what it should be; 74 a file cannot be read
            """)

    @Argument(help: "Results of classify (.jsonl), or a run.")
    var results: String

    @Option(help: "Gold labels, JSONL.")
    var gold: String

    @Option(name: .short, help: "Also write a report (.html) or the scores (.json).")
    var output: [String] = []

    @Flag(help: "Print the scores as JSON.")
    var json = false

    @Option(name: .customLong("state-dir"), help: "Where runs lie.")
    var stateDir: String?

    func run() throws {
        try CommandSupport.run {
            for path in output where !path.hasSuffix(".html") && !path.hasSuffix(".json") {
                throw PipelineError.usage(
                    "\(CommandSupport.clean(path)): the ending decides the format; it can be .html or .json")
            }
            let goldBytes = try FileSystem.read(gold, limit: 1 << 30)
            if AnswerScores.fits(goldBytes) { return try evaluateAnswers(goldBytes) }
            let environment = CommandSupport.environment
            let settings = try Settings(environment: environment)
            let result = try ResultsReader.evaluate(
                results: results, gold: gold,
                stateFolder: RunFolder.stateFolder(
                    settings.text(.stateDir, flag: stateDir), environment: environment))
            try CommandSupport.print(
                json ? result.json.text + "\n" : result.table(clean: CommandSupport.clean))
            for path in output {
                let text =
                    path.hasSuffix(".html")
                    ? result.report(title: CommandSupport.clean(results)) : result.json.indentedText + "\n"
                try AtomicFile.write(text.utf8, to: path, mode: 0o666)
            }
            return 0
        }
    }

    /// Rows of extract and summarize.
    private func evaluateAnswers(_ gold: [UInt8]) throws -> Int32 {
        var scores: AnswerScores
        do throws(RowError) { scores = try AnswerScores(jsonLines: gold) } catch {
            throw PipelineError.data("\(CommandSupport.clean(self.gold)): \(error)")
        }
        try ResultsReader.readRows(results) { scores.add($0) }
        scores.finish()
        try CommandSupport.print(json ? scores.json.text + "\n" : scores.table)
        for path in output {
            guard path.hasSuffix(".json") else {
                throw PipelineError.usage(
                    "\(CommandSupport.clean(path)): scores of answers are written as .json")
            }
            try AtomicFile.write((scores.json.indentedText + "\n").utf8, to: path, mode: 0o666)
        }
        return 0
    }
}

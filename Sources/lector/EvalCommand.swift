import ArgumentParser
import Documents
import Evaluation
import JSON
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
            {"item": ADDRESS, "summary": TEXT}: exact and partial F1 of the values, with "spans": {FIELD:
            [{"start": BYTE, "end": BYTE}]} those of their places, too; ROUGE-1, -2 and -L.

            --against compares two runs item by item: McNemar's exact test of the labels, approximate
            randomization of the other scores.

            EXAMPLES
              lector eval results.jsonl --gold Examples/mailbox.gold.jsonl
              lector eval results.jsonl --gold gold.jsonl -o eval.html
              lector eval results.jsonl --gold gold.jsonl --against before.jsonl --json

            EXIT STATUS
              0 compared; 64 usage; 65 a file is not what it should be; 74 a file cannot be read
            """)

    @Argument(help: "Results of classify (.jsonl), or a run.")
    var results: String

    @Option(help: "Gold labels, JSONL.")
    var gold: String

    @Option(
        help: ArgumentHelp(
            "Results of another run over the same items: is the difference more than chance?",
            valueName: "results"))
    var against: String?

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
            let folder = RunFolder.stateFolder(
                settings.text(.stateDir, flag: stateDir), environment: environment)
            let result = try ResultsReader.evaluate(results: results, gold: gold, stateFolder: folder)
            let test = try against.map {
                result.compared(
                    with: try ResultsReader.evaluate(results: $0, gold: gold, stateFolder: folder))
            }
            let scores = Self.json(result.json, test.map { [$0] } ?? [])
            try CommandSupport.print(
                json
                    ? scores.text + "\n"
                    : result.table(clean: CommandSupport.clean)
                        + (test.map { "\n" + PairedTest.table([$0]) } ?? ""))
            let title = CommandSupport.clean(results)
            let other = CommandSupport.clean(against ?? "")
            for path in output {
                let page = test.map { result.report(title: title, against: $0, other: other) }
                let text =
                    path.hasSuffix(".html")
                    ? page ?? result.report(title: title) : scores.indentedText + "\n"
                try AtomicFile.write(text.utf8, to: path, mode: 0o666)
            }
            return 0
        }
    }

    /// Rows of extract and summarize.
    private func evaluateAnswers(_ gold: [UInt8]) throws -> Int32 {
        let scores = try answerScores(results, gold)
        let tests = try against.map { scores.compared(with: try answerScores($0, gold)) } ?? []
        let all = Self.json(scores.json, tests)
        try CommandSupport.print(
            json ? all.text + "\n" : scores.table + (tests.isEmpty ? "" : "\n" + PairedTest.table(tests)))
        for path in output {
            let text =
                path.hasSuffix(".html")
                ? scores.report(
                    title: CommandSupport.clean(results), against: tests,
                    other: CommandSupport.clean(against ?? "")) : all.indentedText + "\n"
            try AtomicFile.write(text.utf8, to: path, mode: 0o666)
        }
        return 0
    }

    private func answerScores(_ results: String, _ gold: [UInt8]) throws -> AnswerScores {
        var scores: AnswerScores
        do throws(RowError) { scores = try AnswerScores(jsonLines: gold) } catch {
            throw PipelineError.data("\(CommandSupport.clean(self.gold)): \(error)")
        }
        try ResultsReader.readRows(results) { scores.add($0) }
        scores.finish()
        return scores
    }

    private static func json(_ scores: JSONValue, _ tests: [PairedTest]) -> JSONValue {
        guard !tests.isEmpty else { return scores }
        return .object((scores.members ?? []) + [JSONMember("paired", .array(tests.map(\.json)))])
    }
}

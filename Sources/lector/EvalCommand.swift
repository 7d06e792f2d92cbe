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
            Rows of `classify --multi` are compared with lines that have "labels": [NAME, ...]: micro and macro F1,
            the share of lists that are right as a whole, and precision, recall and F1 of each label.
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
            let gold = try ResultsReader.gold(gold)
            if gold.isMulti { return try evaluateLists(gold, stateFolder: folder) }
            let result = try ResultsReader.evaluate(results: results, gold: gold, stateFolder: folder)
            let test = try against.map {
                result.compared(
                    with: try ResultsReader.evaluate(results: $0, gold: gold, stateFolder: folder))
            }
            let title = CommandSupport.clean(results)
            let other = CommandSupport.clean(against ?? "")
            try show(
                result.json, test.map { [$0] } ?? [], table: result.table(clean: CommandSupport.clean),
                page: test.map { result.report(title: title, against: $0, other: other) }
                    ?? result.report(title: title))
            return 0
        }
    }

    /// Rows with any number of labels.
    private func evaluateLists(_ gold: GoldLabels, stateFolder: String) throws -> Int32 {
        let scores = try ResultsReader.evaluateLists(results: results, gold: gold, stateFolder: stateFolder)
        let tests =
            try against.map {
                scores.compared(
                    with: try ResultsReader.evaluateLists(results: $0, gold: gold, stateFolder: stateFolder))
            } ?? []
        try show(
            scores.json, tests, table: scores.table(clean: CommandSupport.clean),
            page: scores.report(
                title: CommandSupport.clean(results), against: tests,
                other: CommandSupport.clean(against ?? "")))
        return 0
    }

    /// Rows of extract and summarize.
    private func evaluateAnswers(_ gold: [UInt8]) throws -> Int32 {
        let scores = try answerScores(results, gold)
        let tests = try against.map { scores.compared(with: try answerScores($0, gold)) } ?? []
        try show(
            scores.json, tests, table: scores.table,
            page: scores.report(
                title: CommandSupport.clean(results), against: tests,
                other: CommandSupport.clean(against ?? "")))
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

    /// Prints the scores, and writes them to the files of -o.
    private func show(
        _ scores: JSONValue, _ tests: [PairedTest], table: String, page: @autoclosure () -> String
    ) throws {
        var scores = scores
        if !tests.isEmpty {
            scores = .object(
                (scores.members ?? []) + [JSONMember("paired", .array(tests.map(\.json)))])
        }
        let paired = tests.isEmpty ? "" : "\n" + PairedTest.table(tests)
        try CommandSupport.print(json ? scores.text + "\n" : table + paired)
        for path in output {
            let text = path.hasSuffix(".html") ? page() : scores.indentedText + "\n"
            try AtomicFile.write(text.utf8, to: path, mode: 0o666)
        }
    }
}

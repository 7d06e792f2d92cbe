import Answers
import Documents
import Evaluation
import Ingest
import JSON
import Tokenization

/// One call of `lector refine`: rows of `classify` looked at once more, by the words of their documents.
package final class Refinement {
    package struct Request: Sendable {
        package var inputs: DocumentInputs
        /// The rows, as JSON lines.
        package var rows: String
        /// Nil writes nothing.
        package var output: String?
        /// A label below this probability is none.
        package var threshold: Double?
        package var skipQuoted = false

        package init(inputs: DocumentInputs, rows: String) {
            self.inputs = inputs
            self.rows = rows
        }
    }

    package struct Outcome: Sendable, Equatable {
        package var rows = 0
        /// Rows that were looked at again, and those of them whose label is another now.
        package var refined = 0
        package var changed = 0
        /// Rows that stay as they are: those without an answer, and those whose document is not in the input.
        package var unanswered = 0
        package var missing = 0
        /// Documents that no row is about.
        package var unasked = 0
        package var rounds = 0
        /// By label, rows before and after.
        package var labels: [String] = []
        package var before: [Int] = []
        package var after: [Int] = []
    }

    private let request: Request
    private let tokenizer: Tokenizer
    private let progress: ProgressMeter

    package init(_ request: Request, tokenizer: Tokenizer, progress: ProgressMeter) {
        self.request = request
        self.tokenizer = tokenizer
        self.progress = progress
    }

    /// What the rows say, by the address of their documents.
    private struct Answers {
        var labels: [String] = []
        var places: [String: Int] = [:]
        var distributions: [[Double]] = []
        var isCopy: [Bool] = []
        var rows = 0
        /// Items without an answer.
        var unanswered: Set<String> = []
    }

    private func answers() throws -> Answers {
        var found = Answers()
        var problem: String?
        try ResultsReader.readLines(request.rows) { row in
            found.rows += 1
            let labels = row.distribution.map(\.label)
            if row.labels != nil {
                problem =
                    problem
                    ?? "row \(found.rows) has a list of labels; refine looks at rows of one label each"
            }
            if labels.isEmpty {
                found.unanswered.insert(row.item)
                return
            }
            if found.labels.isEmpty { found.labels = labels }
            if labels != found.labels {
                problem = problem ?? "row \(found.rows) chooses among other labels than the rows before it"
            }
            if found.places.updateValue(found.distributions.count, forKey: row.item) != nil {
                problem = problem ?? "row \(found.rows) is about \(row.item), as an earlier one is"
            }
            found.distributions.append(row.distribution.map(\.probability))
            found.isCopy.append(row.duplicateOf != nil)
        }
        if let problem { throw PipelineError.data(TerminalText.sanitized("\(request.rows): \(problem)")) }
        guard found.labels.count >= 2 else {
            throw PipelineError.data(
                "\(TerminalText.sanitized(request.rows)) has no row with the probabilities of two labels: expected rows of `lector classify`"
            )
        }
        return found
    }

    /// - Returns: Nil after a signal.
    package func run() throws -> Outcome? {
        let answers = try answers()
        var outcome = Outcome()
        var words = [Set<Int32>?](repeating: nil, count: answers.distributions.count)
        var senders = [String?](repeating: nil, count: answers.distributions.count)
        var firstUnasked: String?
        var reader: (item: Int, reading: ItemReader)?
        let stream = request.inputs.documents()
        while let event = stream.next() {
            if StopSignal.received != nil { return nil }
            switch event {
            case .begin(let document):
                reader = nil
                guard let item = answers.places[document.address] else {
                    if !answers.unanswered.contains(document.address) {
                        outcome.unasked += 1
                        firstUnasked = firstUnasked ?? document.address
                    }
                    continue
                }
                words[item] = []
                senders[item] = Self.sender(document)
                reader = (
                    item,
                    ItemReader(
                        index: item, document: document, tokenizer: tokenizer, skipsQuoted: request.skipQuoted
                    )
                )
            case .text, .end:
                guard reader != nil else { continue }
                reader!.reading.append(event)
                words[reader!.item]!.formUnion(reader!.reading.takeTokens())
            }
            progress.tick()
        }

        var refiner = LabelRefiner(labelCount: answers.labels.count)
        var places: [Int?] = []
        for (item, found) in words.enumerated() {
            places.append(found.map { _ in refiner.count })
            if let found {
                refiner.add(
                    found, distribution: answers.distributions[item], sender: senders[item],
                    learns: !answers.isCopy[item])
            }
        }
        guard refiner.count > 0 else {
            let hint =
                firstUnasked.map { ", the input has documents such as \($0)" }
                ?? ", the input has no document"
            throw PipelineError.data(
                TerminalText.sanitized(
                    "no document of the input has a row: rows are about items such as \(answers.places.min { $0.value < $1.value }!.key)\(hint); name the inputs as they were named to classify"
                ))
        }
        let refined = refiner.refined { round, changed in
            progress.say("round \(round): \(changed) of \(refiner.count) labels changed")
        }
        if StopSignal.received != nil { return nil }

        outcome.rows = answers.rows
        outcome.unanswered = answers.unanswered.count
        outcome.refined = refiner.count
        outcome.missing = answers.distributions.count - refiner.count
        outcome.rounds = refined.rounds
        outcome.labels = answers.labels
        outcome.before = [Int](repeating: 0, count: answers.labels.count)
        outcome.after = outcome.before
        try write(answers, places, refined, &outcome)
        return outcome
    }

    /// The address in the From field of a mail, or what stands there instead of one.
    private static func sender(_ document: Document) -> String? {
        guard document.kind == .mail, let from = document.first("from") else { return nil }
        let inner = from.lastIndex(of: "<").map { from[from.index(after: $0)...].prefix { $0 != ">" } }
        let words = (inner ?? from[...]).split(whereSeparator: \.isWhitespace)
        return words.isEmpty ? nil : words.joined(separator: " ").lowercased()
    }

    /// All rows in their order, those that were looked at with their new answer.
    private func write(
        _ answers: Answers, _ places: [Int?], _ refined: LabelRefiner.Result, _ outcome: inout Outcome
    ) throws {
        let writer: (any ResultWriter)? = try request.output.map { path in
            switch try ResultFormat(path: path) {
            case .jsonLines: try JSONLinesWriter(path)
            case .csv: try CSVWriter(path, labels: answers.labels, multi: false)
            default:
                throw PipelineError.usage(
                    "\(TerminalText.sanitized(path)): refined rows are written as .jsonl or .csv")
            }
        }
        let threshold = request.threshold
        var counts = outcome
        var failure: (any Error)?
        try ResultsReader.readLines(request.rows) { row in
            var row = row
            let before = row.label
            if !row.distribution.isEmpty, let place = answers.places[row.item].flatMap({ places[$0] }) {
                let shares = refined.distributions[place]
                let best = shares.indices.max { shares[$0] < shares[$1] }!
                row.distribution = zip(answers.labels, shares).map { .init(label: $0, probability: $1) }
                row.probability = shares[best]
                row.label = threshold.map { shares[best] < $0 } == true ? nil : answers.labels[best]
                row.source = "refine"
                if row.label != before { counts.changed += 1 }
            }
            if let at = before.flatMap({ answers.labels.firstIndex(of: $0) }) { counts.before[at] += 1 }
            if let at = row.label.flatMap({ answers.labels.firstIndex(of: $0) }) { counts.after[at] += 1 }
            do { try writer?.write(row.json) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        try writer?.finish()
        outcome = counts
    }
}

import Documents
import JSON

/// Rows with any number of labels against gold lists of them.
///
/// Each score has a bootstrap interval over the documents. An item without an answer has an empty list; gold items
/// without a row are in no score.
package struct MultiLabelScores: Sendable {
    /// One document: what it should have and what it was given, as places among ``labels``.
    struct Outcome: Sendable {
        var item = ""
        var gold: Set<Int>
        var given: Set<Int> = []
        var correct: Set<Int> = []
    }

    /// What a threshold would give over all decisions on a label and a document.
    package struct ThresholdPoint: Sendable, Equatable {
        package var threshold: Double
        package var precision: Double
        package var recall: Double
        package var f1: Double
    }

    /// Those of the gold file in order of first appearance, then others that were given.
    package private(set) var labels: [String] = []
    package private(set) var missing: [String] = []
    package private(set) var extraCount = 0
    package private(set) var extra: [String] = []
    package private(set) var statuses: [String: Int] = [:]
    package private(set) var model = ""
    /// F1 over all decisions, mean F1 of the labels that occur in the gold file, share of lists that are right as
    /// a whole, precision and recall over all decisions; there after ``finish()``.
    package private(set) var scores: [(name: String, score: BootstrapScore)] = []
    private var gold: GoldLabels
    private var places: [String: Int] = [:]
    private var rows = 0
    /// By gold line; nil until its row came.
    private var outcomes: [Outcome?]
    /// Every probability of a label and a document, right where the label is in the gold list.
    private(set) var decisions = ClassificationScores(labels: ["applies", "does not"])
    private let keptNames = 20

    package init(gold: GoldLabels) {
        self.gold = gold
        outcomes = [Outcome?](repeating: nil, count: gold.sets.count)
        for label in gold.sets.joined() { _ = place(of: label) }
    }

    private mutating func place(of label: String) -> Int {
        if let known = places[label] { return known }
        labels.append(label)
        places[label] = labels.count - 1
        return labels.count - 1
    }

    /// Adds the next row of the results, in file order.
    package mutating func add(_ row: ClassificationRow) {
        defer { rows += 1 }
        if model.isEmpty { model = row.model }
        guard let line = gold.takeLine(item: row.item, index: rows) else {
            extraCount += 1
            if extra.count < keptNames { extra.append(row.item) }
            return
        }
        statuses[row.status.description, default: 0] += 1
        var outcome = Outcome(item: row.item, gold: goldPlaces(line))
        for label in row.given { outcome.given.insert(place(of: label)) }
        outcome.correct = outcome.gold.intersection(outcome.given)
        outcomes[line] = outcome
        for share in row.distribution {
            let applies = gold.sets[line].contains(share.label)
            decisions.add(
                gold: "applies", predicted: applies ? "applies" : "does not", probability: share.probability)
        }
    }

    private func goldPlaces(_ line: Int) -> Set<Int> { Set(gold.sets[line].map { places[$0]! }) }

    /// Call once after the last row.
    package mutating func finish() {
        missing = gold.missing
        let list = compared
        scores = statistics.map { ($0.name, BootstrapScore(of: list, $0.value)) }
    }

    /// The documents that have gold labels and a row.
    var compared: [Outcome] { outcomes.compactMap { $0 } }

    /// - Parameter outcomes: Documents, some of them several times.
    private static func labelScores(
        _ outcomes: [Outcome], _ labels: [String]
    ) -> [ClassificationScores.LabelScore] {
        var scores = labels.map {
            ClassificationScores.LabelScore(label: $0, gold: 0, predicted: 0, correct: 0)
        }
        for outcome in outcomes {
            for label in outcome.gold { scores[label].gold += 1 }
            for label in outcome.given { scores[label].predicted += 1 }
            for label in outcome.correct { scores[label].correct += 1 }
        }
        return scores
    }

    /// All labels as one.
    private static func together(_ outcomes: [Outcome]) -> ClassificationScores.LabelScore {
        outcomes.reduce(into: .init(label: "", gold: 0, predicted: 0, correct: 0)) {
            $0.gold += $1.gold.count
            $0.predicted += $1.given.count
            $0.correct += $1.correct.count
        }
    }

    package var labelScores: [ClassificationScores.LabelScore] { Self.labelScores(compared, labels) }

    /// Names of scores with how they are had from documents.
    private var statistics: [(name: String, value: @Sendable ([Outcome]) -> Double)] {
        let labels = labels
        return [
            ("microF1", { Self.together($0).f1 }),
            ("macroF1", { ClassificationScores.macroF1(Self.labelScores($0, labels)) }),
            (
                "exactMatch",
                { $0.isEmpty ? 0 : Double($0.count { $0.gold == $0.given }) / Double($0.count) }
            ),
            ("microPrecision", { Self.together($0).precision }),
            ("microRecall", { Self.together($0).recall }),
        ]
    }

    /// Thresholds in steps of 0.05, and 0.99.
    package var thresholdCurve: [ThresholdPoint] {
        let gold = compared.reduce(0) { $0 + $1.gold.count }
        return decisions.thresholdCurve.map { point in
            let given = (point.coverage * Double(decisions.items)).rounded()
            let correct = (point.accuracy * given).rounded()
            return ThresholdPoint(
                threshold: point.threshold, precision: point.accuracy,
                recall: gold == 0 ? 0 : correct / Double(gold),
                f1: given + Double(gold) == 0 ? 0 : 2 * correct / (given + Double(gold)))
        }
    }

    /// This run against another one over the same gold file; an item without a row has an empty list.
    package func compared(with other: MultiLabelScores) -> [PairedTest] {
        func every(_ scores: MultiLabelScores) -> [Outcome] {
            scores.outcomes.indices.map { scores.outcomes[$0] ?? Outcome(gold: scores.goldPlaces($0)) }
        }
        let (own, others) = (every(self), every(other))
        var exact = PairedTest(
            accuracyOf: own.map { $0.gold == $0.given }, others.map { $0.gold == $0.given })
        exact.name = "exactMatch"
        return [PairedTest("microF1", own, others) { Self.together($0).f1 }, exact]
    }

    /// Everything for `--json`.
    package var json: JSONValue {
        var members = [JSONMember("items", .integer(compared.count))]
        members += scores.map { JSONMember($0.name, $0.score.json) }
        members += [
            JSONMember("expectedCalibrationError", .decimal(decisions.expectedCalibrationError)),
            JSONMember("labels", .array(labelScores.map(\.json))),
            JSONMember(
                "thresholds",
                .array(
                    thresholdCurve.map {
                        .object([
                            JSONMember("threshold", .decimal($0.threshold)),
                            JSONMember("precision", .decimal($0.precision)),
                            JSONMember("recall", .decimal($0.recall)), JSONMember("f1", .decimal($0.f1)),
                        ])
                    })),
            JSONMember(
                "statuses",
                .object(statuses.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) })),
            JSONMember("missing", .integer(missing.count)), JSONMember("extra", .integer(extraCount)),
            JSONMember("model", .string(model)),
        ]
        return .object(members)
    }
}

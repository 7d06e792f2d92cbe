import Documents
import JSON

/// Results compared with gold labels: the scores, and what could not be compared.
public struct EvaluationResult: Sendable {
    public var scores: ClassificationScores
    /// Gold items without a row; they are in no score.
    public private(set) var missing: [String] = []
    /// Rows without a gold label; they are in no score.
    public private(set) var extraCount = 0
    public private(set) var extra: [String] = []
    /// Rows that have a list of labels, which one gold label cannot be compared with.
    package private(set) var lists = 0
    /// Wrong answers, the surest first, at most `keptErrors`.
    public private(set) var errors: [(row: ClassificationRow, gold: String)] = []
    public private(set) var statuses: [String: Int] = [:]
    public private(set) var model = ""

    private var gold: GoldLabels
    /// By line of the gold file; an item without a row or an answer is wrong.
    private var isRight: [Bool]
    private var rows = 0
    private let keptErrors = 200
    private let keptNames = 20

    public init(gold: GoldLabels) {
        self.gold = gold
        isRight = gold.sets.map { _ in false }
        var labels: [String] = []
        for label in gold.labels where !labels.contains(label) { labels.append(label) }
        scores = ClassificationScores(labels: labels)
    }

    /// Adds the next row of the results, in file order.
    public mutating func add(_ row: ClassificationRow) {
        defer { rows += 1 }
        if model.isEmpty { model = row.model }
        if row.labels != nil { lists += 1 }
        guard let line = gold.takeLine(item: row.item, index: rows) else {
            extraCount += 1
            if extra.count < keptNames { extra.append(row.item) }
            return
        }
        let label = gold.sets[line][0]
        isRight[line] = row.label == label
        statuses[row.status.description, default: 0] += 1
        let candidate = row.distribution.max { $0.probability < $1.probability }?.label
        scores.add(gold: label, predicted: row.label, probability: row.probability, candidate: candidate)
        if let given = row.label, given != label {
            errors.append((row, label))
            if errors.count >= 2 * keptErrors { trimErrors() }
        }
    }

    /// Call once after the last row.
    public mutating func finish() {
        missing = gold.missing
        trimErrors()
    }

    /// This run against another one over the same gold file.
    package func compared(with other: EvaluationResult) -> PairedTest {
        PairedTest(accuracyOf: isRight, other.isRight)
    }

    private mutating func trimErrors() {
        errors.sort { ($0.row.probability ?? 0, $1.row.item) > ($1.row.probability ?? 0, $0.row.item) }
        errors = Array(errors.prefix(keptErrors))
    }

    /// Everything for `--json`.
    public var json: JSONValue {
        let interval = scores.accuracyInterval
        return .object([
            JSONMember("items", .integer(scores.items)),
            JSONMember("answered", .integer(scores.answered)),
            JSONMember("correct", .integer(scores.correct)),
            JSONMember("accuracy", .decimal(scores.accuracy)),
            JSONMember(
                "accuracyInterval95", .array([.decimal(interval.lowerBound), .decimal(interval.upperBound)])),
            JSONMember("accuracyOfAnswered", .decimal(scores.accuracyOfAnswered)),
            JSONMember("coverage", .decimal(scores.coverage)),
            JSONMember("macroF1", .decimal(scores.macroF1)),
            JSONMember("expectedCalibrationError", .decimal(scores.expectedCalibrationError)),
            JSONMember("labels", .array(scores.labelScores.map(\.json))),
            JSONMember(
                "confusion",
                .object(
                    scores.labels.indices.map { row in
                        JSONMember(
                            scores.labels[row],
                            .object(
                                scores.labels.indices.map {
                                    JSONMember(scores.labels[$0], .integer(scores.confusion[row][$0]))
                                } + [JSONMember("", .integer(scores.confusion[row][scores.labels.count]))]))
                    })),
            JSONMember(
                "thresholds",
                .array(
                    scores.thresholdCurve.map {
                        .object([
                            JSONMember("threshold", .decimal($0.threshold)),
                            JSONMember("coverage", .decimal($0.coverage)),
                            JSONMember("accuracy", .decimal($0.accuracy)),
                        ])
                    })),
            JSONMember(
                "statuses",
                .object(statuses.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) })),
            JSONMember("missing", .integer(missing.count)),
            JSONMember("extra", .integer(extraCount)),
            JSONMember("model", .string(model)),
        ])
    }
}

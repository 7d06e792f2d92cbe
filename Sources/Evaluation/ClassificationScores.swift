import JSON

/// How well labels agree with gold labels: counts first, everything else follows.
///
/// Add one item at a time; memory grows with the labels, never with the items.
public struct ClassificationScores: Sendable {
    /// Precision, recall and F1 of one label.
    public struct LabelScore: Sendable, Equatable {
        public var label: String
        /// Items whose gold label this is.
        public var gold: Int
        /// Items that were given this label.
        public var predicted: Int
        public var correct: Int

        public var precision: Double { predicted == 0 ? 0 : Double(correct) / Double(predicted) }
        public var recall: Double { gold == 0 ? 0 : Double(correct) / Double(gold) }
        public var f1: Double {
            gold + predicted == 0 ? 0 : 2 * Double(correct) / Double(gold + predicted)
        }

        package var json: JSONValue {
            .object([
                JSONMember("label", .string(label)), JSONMember("gold", .integer(gold)),
                JSONMember("predicted", .integer(predicted)), JSONMember("correct", .integer(correct)),
                JSONMember("precision", .decimal(precision)), JSONMember("recall", .decimal(recall)),
                JSONMember("f1", .decimal(f1)),
            ])
        }
    }

    /// One bar of the reliability diagram: answers whose probability fell into it.
    public struct Bin: Sendable, Equatable {
        public var count = 0
        public var correct = 0
        public var probabilitySum = 0.0

        public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
        public var confidence: Double { count == 0 ? 0 : probabilitySum / Double(count) }
    }

    /// What a threshold would give: the share of items answered, and how many of those
    /// rightly.
    public struct ThresholdPoint: Sendable, Equatable {
        public var threshold: Double
        public var coverage: Double
        public var accuracy: Double
    }

    /// Labels in order of first appearance, gold ones first when given at the start.
    public private(set) var labels: [String]
    /// `[gold][predicted]` over `labels`; the last column counts items without an answer.
    public private(set) var confusion: [[Int]]
    public private(set) var items = 0
    public private(set) var answered = 0
    public private(set) var correct = 0
    /// A hundred equal bins of probability, of which calibration uses groups of ten.
    private var fineBins = [Bin](repeating: Bin(), count: 100)

    public init(labels: [String] = []) {
        self.labels = labels
        self.confusion = labels.map { _ in [Int](repeating: 0, count: labels.count + 1) }
    }

    /// Counts one item.
    ///
    /// - Parameters:
    ///   - gold: The right label.
    ///   - predicted: The label given, or nil for an abstention or a failure.
    ///   - probability: Of the most probable label, when there was one; `predicted` nil
    ///     with a probability counts in the threshold curve of `candidate`.
    ///   - candidate: The most probable label, where a threshold hid it.
    public mutating func add(
        gold: String, predicted: String?, probability: Double?, candidate: String? = nil
    ) {
        let row = index(of: gold)
        let column = predicted.map { index(of: $0) } ?? -1
        items += 1
        if let predicted {
            answered += 1
            if predicted == gold { correct += 1 }
            confusion[row][column] += 1
        } else {
            confusion[row][labels.count] += 1
        }
        if let best = predicted ?? candidate, let probability {
            let bin = min(99, max(0, Int(probability * 100)))
            fineBins[bin].count += 1
            fineBins[bin].probabilitySum += probability
            if best == gold { fineBins[bin].correct += 1 }
        }
    }

    private mutating func index(of label: String) -> Int {
        if let known = labels.firstIndex(of: label) { return known }
        labels.append(label)
        for row in confusion.indices { confusion[row].insert(0, at: labels.count - 1) }
        confusion.append([Int](repeating: 0, count: labels.count + 1))
        return labels.count - 1
    }

    /// Right answers among all items: what has no answer counts as wrong.
    public var accuracy: Double { items == 0 ? 0 : Double(correct) / Double(items) }
    /// Right answers among the items that have one.
    public var accuracyOfAnswered: Double { answered == 0 ? 0 : Double(correct) / Double(answered) }
    public var coverage: Double { items == 0 ? 0 : Double(answered) / Double(items) }

    /// 95 % Wilson interval of `accuracy`.
    public var accuracyInterval: ClosedRange<Double> { Self.wilson(correct, of: items) }

    /// 95 % Wilson score interval of a share; 0...1 for nothing.
    ///
    /// Source: E. B. Wilson, 1927.
    public static func wilson(_ successes: Int, of trials: Int) -> ClosedRange<Double> {
        guard trials > 0 else { return 0...1 }
        let z = 1.959963984540054
        let n = Double(trials)
        let p = Double(successes) / n
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        return max(0, centre - half)...min(1, centre + half)
    }

    public var labelScores: [LabelScore] {
        labels.indices.map { label in
            LabelScore(
                label: labels[label],
                gold: confusion[label].reduce(0, +),
                predicted: confusion.reduce(0) { $0 + $1[label] },
                correct: confusion[label][label])
        }
    }

    /// Mean of the F1 of the labels that occur in the gold rows.
    public var macroF1: Double { Self.macroF1(labelScores) }

    static func macroF1(_ scores: [LabelScore]) -> Double {
        let scores = scores.filter { $0.gold > 0 }
        return scores.isEmpty ? 0 : scores.reduce(0) { $0 + $1.f1 } / Double(scores.count)
    }

    /// Ten equal-width bins of the probability of the most probable label.
    public var reliability: [Bin] {
        (0..<10).map { ten in
            fineBins[ten * 10..<ten * 10 + 10].reduce(into: Bin()) {
                $0.count += $1.count
                $0.correct += $1.correct
                $0.probabilitySum += $1.probabilitySum
            }
        }
    }

    /// Expected calibration error over `reliability`: the mean distance between the
    /// stated probability and the share that was right.
    ///
    /// Source: Guo et al. 2017 (arXiv:1706.04599), equation 3.
    public var expectedCalibrationError: Double {
        let bins = reliability
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return 0 }
        return bins.reduce(0) { $0 + Double($1.count) / Double(total) * abs($1.accuracy - $1.confidence) }
    }

    /// Coverage and accuracy for thresholds in steps of 0.05, from 0 to 0.95, and 0.99.
    public var thresholdCurve: [ThresholdPoint] {
        (Array(0..<20).map { $0 * 5 } + [99]).map { percent in
            let kept = fineBins[percent...]
            let count = kept.reduce(0) { $0 + $1.count }
            let right = kept.reduce(0) { $0 + $1.correct }
            return ThresholdPoint(
                threshold: Double(percent) / 100,
                coverage: items == 0 ? 0 : Double(count) / Double(items),
                accuracy: count == 0 ? 0 : Double(right) / Double(count))
        }
    }
}

/// Looks at a batch of labelled documents once more, by what their own words say.
///
/// A model that has never seen a collection calls some of its documents wrongly, but mostly not by their words: those of
/// a label, wrong ones among them, share words that the others lack. So the words of every label are learned from the
/// labels that the model gave (naive Bayes, soft counts), model and words together give new labels, and so on until they
/// settle: expectation maximization, the two being taken as independent views. Where documents have senders, how many
/// a sender has in the batch is a third: those who write often are seldom strangers. How much each view is worth
/// and how it leans is fitted in every round.
///
/// A document's words are the distinct tokens in it. Deterministic.
///
/// Source: Nigam et al., Text Classification from Labeled and Unlabeled Documents using EM (Machine Learning 39, 2000), where
/// labelled examples stand in the place of the model. The constants and what they were measured on:
/// docs/decisions/0036-a-collections-own-words.md.
public struct LabelRefiner: Sendable {
    /// What is counted for a token that no document of a label has.
    static let smoothing = 0.05
    /// What the model's view counts against the words'.
    static let modelWeight = 0.7
    /// What the senders' view counts against the words'.
    static let senderWeight = 0.7
    /// The first round takes the model for less sure than it says, by so much: it does not know the collection, and what
    /// it is wrongly sure of the words can only put right while they are asked.
    static let firstTemperature = 3.0
    /// How much of the shares of the labels in the collection counts as known before a document is read.
    static let shareWeight = 0.75
    static let mostRounds = 20
    /// Rounds end when no probability moves so far any more.
    static let settled = 0.01
    /// A token in more than this share of the documents, or in one only, says nothing.
    static let mostCommon = 0.9
    /// Scales are fitted on at most so many documents, evenly spaced.
    static let fitted = 4_096

    /// What came out.
    public struct Result: Sendable, Equatable {
        /// By document, as they were added; each sums to 1.
        public var distributions: [[Double]]
        public var rounds: Int
    }

    private let labelCount: Int
    /// Distinct tokens of all documents, one after the other, and where each document's begin.
    private var tokens: [Int32] = []
    private var begins = [0]
    private var learns: [Bool] = []
    private var senders: [String?] = []
    /// Logarithms of the model's probabilities, `[documents, labels]`.
    private var model: [Double] = []

    public init(labelCount: Int) {
        precondition(labelCount >= 2)
        self.labelCount = labelCount
    }

    public var count: Int { learns.count }

    /// - Parameters:
    ///   - document: The distinct tokens, in any order.
    ///   - distribution: What the model gave each label.
    ///   - sender: Who wrote it, in whatever form is the same for all that one has written.
    ///   - learns: Whether words are learned from the document: not from a copy of one that was.
    public mutating func add(
        _ document: Set<Int32>, distribution: [Double], sender: String? = nil, learns: Bool = true
    ) {
        precondition(distribution.count == labelCount)
        tokens += document.sorted()
        begins.append(tokens.count)
        self.learns.append(learns)
        senders.append(sender)
        model += distribution.map { logarithm(max($0, 1e-9)) }
    }

    /// - Parameter onRound: Told the number of the round and how many labels it changed.
    public func refined(onRound: (_ round: Int, _ changed: Int) -> Void = { _, _ in }) -> Result {
        let learners = learns.indices.filter { learns[$0] }
        let words = vocabulary(learners)
        let senders = SenderFrequencies(self.senders, learners: learners)
        // Where nothing is shared, the model is all there is.
        var posterior = words.words.isEmpty ? model : model.map { $0 / Self.firstTemperature }
        softmaxRows(&posterior, width: labelCount)
        var fits = [LabelViewFit](repeating: LabelViewFit(labels: labelCount), count: 3)
        var rounds = 0
        while rounds < Self.mostRounds, !words.words.isEmpty {
            rounds += 1
            let shares = LabelViewFit.meanShares(posterior, of: learners, labels: labelCount)
                .map { logarithm($0 + LabelViewFit.leastShare) }
            var views = [
                (model, Self.modelWeight),
                (words.evidence(posterior, from: learners, labels: labelCount), 1),
            ]
            if let senders {
                views.append(
                    (senders.evidence(posterior, from: learners, labels: labelCount), Self.senderWeight))
            }
            var next = posterior.indices.map { Self.shareWeight * shares[$0 % labelCount] }
            for (index, (view, weight)) in views.enumerated() {
                let fitted = fits[index].fitted(view, to: posterior, on: learners)
                for at in next.indices { next[at] += weight * (fitted[at] - shares[at % labelCount]) }
            }
            softmaxRows(&next, width: labelCount)
            let changed = (0..<count).count { best(next, $0) != best(posterior, $0) }
            let moved = zip(next, posterior).reduce(0) { max($0, abs($1.0 - $1.1)) }
            posterior = next
            onRound(rounds, changed)
            if moved < Self.settled { break }
        }
        let distributions = (0..<count).map { Array(posterior[$0 * labelCount..<($0 + 1) * labelCount]) }
        return Result(distributions: distributions, rounds: rounds)
    }

    private func best(_ table: [Double], _ document: Int) -> Int {
        let row = document * labelCount
        return (0..<labelCount).max { table[row + $0] < table[row + $1] }!
    }

    private func vocabulary(_ learners: [Int]) -> DocumentWords {
        var documents = [Int32](repeating: 0, count: Int(tokens.max() ?? -1) + 1)
        for document in learners {
            for token in tokens[begins[document]..<begins[document + 1]] { documents[Int(token)] += 1 }
        }
        let most = Int32(Self.mostCommon * Double(learners.count))
        var place = [Int32](repeating: -1, count: documents.count)
        var size: Int32 = 0
        for token in place.indices where documents[token] >= 2 && documents[token] <= most {
            place[token] = size
            size += 1
        }
        var found = DocumentWords(size: Int(size))
        for document in 0..<count {
            for token in tokens[begins[document]..<begins[document + 1]] where place[Int(token)] >= 0 {
                found.words.append(place[Int(token)])
            }
            found.begins.append(found.words.count)
        }
        return found
    }
}

/// The words of a batch of documents, numbered from 0.
private struct DocumentWords {
    var size: Int
    var words: [Int32] = []
    var begins = [0]

    /// How well each document's words go with each label, `[documents, labels]`: logarithms of multinomial likelihoods over the root of the number of words.
    func evidence(_ posterior: [Double], from learners: [Int], labels: Int) -> [Double] {
        var counts = [Double](repeating: LabelRefiner.smoothing, count: size * labels)
        var sums = [Double](repeating: LabelRefiner.smoothing * Double(size), count: labels)
        for document in learners {
            for word in words[begins[document]..<begins[document + 1]] {
                for label in 0..<labels {
                    let share = posterior[document * labels + label]
                    counts[Int(word) * labels + label] += share
                    sums[label] += share
                }
            }
        }
        let logSums = sums.map(logarithm)
        for at in counts.indices { counts[at] = logarithm(counts[at]) - logSums[at % labels] }
        var found = [Double](repeating: 0, count: posterior.count)
        for document in 0..<begins.count - 1 {
            let own = words[begins[document]..<begins[document + 1]]
            for word in own {
                for label in 0..<labels {
                    found[document * labels + label] += counts[Int(word) * labels + label]
                }
            }
            let length = Double(max(own.count, 1)).squareRoot()
            for label in 0..<labels { found[document * labels + label] /= length }
        }
        return found
    }
}

/// How often each document's sender wrote, in powers of two: 0 without a sender, 1 for one document, 2 for two or three.
private struct SenderFrequencies {
    /// That and more is one level.
    private static let mostLevel = 6
    /// Documents of the batch's own mixture of labels that every level is taken to have besides its own.
    private static let prior = 2.0

    private let levels: [Int]

    /// Nil where no document has a sender.
    init?(_ senders: [String?], learners: [Int]) {
        guard senders.contains(where: { $0 != nil }) else { return nil }
        var counts: [String: Int] = [:]
        for document in learners {
            if let sender = senders[document] { counts[sender, default: 0] += 1 }
        }
        levels = senders.map { sender in
            guard let sender else { return 0 }
            let count = max(counts[sender] ?? 0, 1)
            return min(Int.bitWidth - count.leadingZeroBitCount, Self.mostLevel)
        }
    }

    /// The shares of the labels among documents of the same level, `[documents, labels]`: logarithms.
    func evidence(_ posterior: [Double], from learners: [Int], labels: Int) -> [Double] {
        let means = LabelViewFit.meanShares(posterior, of: learners, labels: labels)
        var sums = (0...Self.mostLevel).flatMap { _ in means.map { $0 * Self.prior } }
        for document in learners {
            for label in 0..<labels {
                sums[levels[document] * labels + label] += posterior[document * labels + label]
            }
        }
        // Rows need not sum to 1: biases are fitted anyway, and each row is centred.
        let logs = sums.map { logarithm($0 + 1e-9) }
        return levels.flatMap { logs[$0 * labels..<($0 + 1) * labels] }
    }
}

/// One view's scale and biases: softmax(scale x view + biases) is the best prediction of the labels that the view alone gives.
private struct LabelViewFit {
    /// Added to shares before logarithms are taken.
    static let leastShare = 1e-3
    /// Candidates, each 1.33 times the one before.
    private static let scales: [Double] = (0..<25).map {
        exponential(logarithm(0.003) + Double($0) * logarithm(1_000) / 24)
    }
    private static let biasSteps = 6

    let labels: Int
    private var scale: Int?

    init(labels: Int) { self.labels = labels }

    /// Mean over some rows of a table of distributions.
    static func meanShares(_ table: [Double], of rows: some Collection<Int>, labels: Int) -> [Double] {
        var means = [Double](repeating: 0, count: labels)
        for row in rows {
            for label in 0..<labels { means[label] += table[row * labels + label] }
        }
        return means.map { $0 / Double(rows.count) }
    }

    /// The scaled and biased view, `[documents, labels]`. The scale is sought from that of the call before on.
    mutating func fitted(_ view: [Double], to target: [Double], on learners: [Int]) -> [Double] {
        var centred = view
        for row in stride(from: 0, to: centred.count, by: labels) {
            let mean = centred[row..<row + labels].reduce(0, +) / Double(labels)
            for at in row..<row + labels { centred[at] -= mean }
        }
        let every = max(1, learners.count / LabelRefiner.fitted)
        let sample = stride(from: 0, to: learners.count, by: every).map { learners[$0] * labels }
        let rows = sample.flatMap { centred[$0..<$0 + labels] }
        let wanted = sample.flatMap { target[$0..<$0 + labels] }
        let shares = Self.meanShares(wanted, of: sample.indices, labels: labels)
        var known: [Int: (loss: Double, biases: [Double])] = [:]
        func at(_ scale: Int) -> (loss: Double, biases: [Double]) {
            if let found = known[scale] { return found }
            let found = loss(Self.scales[scale], rows, wanted, shares)
            known[scale] = found
            return found
        }
        var best = scale ?? Self.scales.count / 2
        while true {
            let near = [best, best - 1, best + 1].filter { Self.scales.indices.contains($0) }
            let next = near.min { at($0).loss < at($1).loss }!
            if next == best { break }
            best = next
        }
        scale = best
        let biases = at(best).biases
        return centred.indices.map { Self.scales[best] * centred[$0] + biases[$0 % labels] }
    }

    /// Cross entropy with the biases that make the mean shares come out right.
    private func loss(_ scale: Double, _ rows: [Double], _ wanted: [Double], _ shares: [Double]) -> (
        loss: Double, biases: [Double]
    ) {
        var biases = shares.map { logarithm($0 + Self.leastShare) }
        var predicted = rows
        for step in 0...Self.biasSteps {
            for at in rows.indices { predicted[at] = scale * rows[at] + biases[at % labels] }
            softmaxRows(&predicted, width: labels)
            if step == Self.biasSteps { break }
            let got = Self.meanShares(predicted, of: 0..<predicted.count / labels, labels: labels)
            for label in 0..<labels {
                biases[label] += logarithm((shares[label] + Self.leastShare) / (got[label] + Self.leastShare))
            }
        }
        var sum = 0.0
        for at in wanted.indices { sum -= wanted[at] * logarithm(predicted[at] + 1e-12) }
        return (sum / Double(wanted.count / labels) + 1e-3 * scale * scale, biases)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Chooses sentences: the one that adds most for its length, again and again, until the words are used up.
///
/// A term weighs by how often the document says it, and adds less each time it is said again (a concave
/// cover). A sentence's gain is multiplied by what is known of it alone: where it stands, how like it is to the
/// whole, how near to the focus, how long. The numbers were fitted on train splits by `Benchmarks/rank_sentences.py`.
///
/// Source: Lin and Bilmes, A Class of Submodular Functions for Document Summarization, ACL 2011.
struct SentenceRanker {
    /// The fitted numbers.
    struct Numbers {
        /// Exponent of a term's weight, `log(1 + count)`.
        var weightPower = 0.727
        /// Share of its weight that a function word keeps.
        var functionWords = 0.54
        /// Exponent of a term's rarity, `log(1 + sentences / sentences with it)`; negative favours what is everywhere.
        var rarity = -0.71
        /// Exponent of a term's cover.
        var coverPower = 0.405
        /// Exponent of a sentence's length, by which its gain is divided.
        var lengthPower = 0.364
        /// Words that a sentence counts as at least.
        var shortest = 9.29
        /// Words below which a sentence counts for a third.
        var fragment = 2.45
        /// What stands first counts more, by this, falling off over so many sentences.
        var lead = 0.748
        var leadSentences = 20.218
        /// By how much likeness to the whole counts.
        var centrality = 1.272
        /// By how much having words in common with many sentences counts.
        var degree = 28.325
        /// By what the words of the focus weigh more.
        var focusWord = 8.0
        /// By how much nearness to the words of the focus counts, and over how many sentences it falls off. Set by hand: a
        /// sentence that has them all comes before the best of the rest. The fitted 4, 16 and 2 are better by 0.1 to 0.6 points
        /// on meetings, and choose the neighbour of such a sentence in a short text.
        var focus = 6.0
        var focusSentences = 0.7
    }

    static let numbers = Numbers()

    private let entries: [ExtractiveSummary.Entry]
    /// Of each term, by number.
    let weights: [Float]
    /// What a sentence's gain is multiplied by.
    private let factors: [Double]
    /// The weight of everything that the document says.
    private let total: Double
    private let cover: [Float]

    init(_ summary: ExtractiveSummary) {
        let numbers = Self.numbers
        let entries = summary.entries
        self.entries = entries
        var sentences = [Double](repeating: 0, count: summary.frequency.count)
        for entry in entries { for term in entry.terms { sentences[Int(term.id)] += 1 } }
        let focus = summary.options.focus.map { summary.terms(of: $0) } ?? []
        var weights = summary.frequency.indices.map { id in
            var weight = pow(log1p(Double(summary.frequency[id])), numbers.weightPower)
            if numbers.rarity != 0 {
                weight *= pow(log(1 + Double(entries.count) / max(1, sentences[id])), numbers.rarity)
            }
            return Float(summary.isFunctionWord[id] ? weight * numbers.functionWords : weight)
        }
        for id in focus { weights[Int(id)] *= Float(numbers.focusWord) }
        self.weights = weights
        // Counts are whole numbers: the powers that can come up are few.
        let highest = min(Int(summary.frequency.max() ?? 0), 1 << 20) + 1
        cover = (0...highest).map { Float(pow(Double($0), numbers.coverPower)) }
        var total = 1e-9
        for (weight, count) in zip(weights, summary.frequency) {
            total += Double(weight * cover[min(Int(count), highest)])
        }
        self.total = total
        let likeness = numbers.centrality > 0 ? Self.centrality(summary) : []
        let degree = numbers.degree > 0 ? Self.degree(entries, sentences) : []
        let nearness = Self.nearness(entries, focus)
        factors = entries.indices.map { index in
            let length = Double(entries[index].length)
            var factor = 1 + numbers.lead * exponential(-Double(index) / numbers.leadSentences)
            if numbers.centrality > 0 { factor *= 1 + numbers.centrality * likeness[index] }
            if numbers.degree > 0 { factor *= 1 + numbers.degree * degree[index] }
            if !nearness.isEmpty { factor *= 1 + numbers.focus * nearness[index] }
            if length < numbers.fragment { factor *= 0.3 }
            return factor / pow(max(length, numbers.shortest), numbers.lengthPower)
        }
    }

    /// Cosine of each sentence with the whole, over terms that are no function words.
    private static func centrality(_ summary: ExtractiveSummary) -> [Double] {
        let weights = zip(summary.frequency, summary.isFunctionWord).map { $1 ? 0 : Double(log1p($0)) }
        let whole = zip(weights, summary.frequency).map { $0 * Double($1) }
        let length = whole.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-9
        return summary.entries.map { entry in
            var (dot, square) = (0.0, 1e-18)
            for term in entry.terms {
                let value = Double(term.count) * weights[Int(term.id)]
                dot += value * whole[Int(term.id)]
                square += value * value
            }
            return dot / (square.squareRoot() * length)
        }
    }

    /// With how many sentences each shares its terms, for the logarithm of their number; the most is 1.
    private static func degree(_ entries: [ExtractiveSummary.Entry], _ sentences: [Double]) -> [Double] {
        let degrees = entries.map { entry in
            entry.terms.reduce(0) { $0 + sentences[Int($1.id)] - 1 }
                / max(1, log(Double(max(2, entry.terms.count))))
        }
        let most = (degrees.max() ?? 0) + 1e-9
        return degrees.map { $0 / most }
    }

    /// How much of the focus each sentence and its neighbours have; empty without a focus.
    private static func nearness(_ entries: [ExtractiveSummary.Entry], _ focus: Set<Int32>) -> [Double] {
        guard !focus.isEmpty else { return [] }
        var sentences: [Int32: Double] = [:]
        for entry in entries {
            for term in entry.terms where focus.contains(term.id) { sentences[term.id, default: 0] += 1 }
        }
        let own = entries.map { entry in
            entry.terms.reduce(0.0) { sum, term in
                sum + (sentences[term.id].map { log(1 + Double(entries.count) / $0) } ?? 0)
            }
        }
        // Two passes of a decaying sum are what every neighbour gives.
        let decay = numbers.focusSentences > 0 ? exponential(-1 / numbers.focusSentences) : 0
        var result = own
        var carried = 0.0
        for index in own.indices {
            result[index] += carried
            carried = (carried + own[index]) * decay
        }
        carried = 0
        for index in own.indices.reversed() {
            result[index] += carried
            carried = (carried + own[index]) * decay
        }
        let most = (result.max() ?? 0) + 1e-9
        return result.map { $0 / most }
    }

    private func gain(_ index: Int, _ covered: [Float]) -> Double {
        var sum = Float(0)
        for term in entries[index].terms {
            let before = Int(covered[Int(term.id)])
            let after = min(before + Int(term.count), cover.count - 1)
            sum += weights[Int(term.id)] * (cover[after] - cover[min(before, cover.count - 1)])
        }
        return Double(sum)
    }

    /// Sentences in the order of the source.
    ///
    /// - Parameters:
    ///   - words: Words of all of them at most; where no sentence is as short as that, the best one is taken.
    ///   - range: Sentences to choose from; nil for all.
    ///   - covered: Sentences that were said before.
    func choose(words: Int, among range: Range<Int>? = nil, covered known: [Int] = [])
        -> [ExtractiveSummary.Sentence]
    {
        take(words, range ?? entries.indices, known).map { sentence($0.index, $0.score) }
    }

    /// The same as places among the document's sentences.
    func places(words: Int, among range: Range<Int>) -> [Int] { take(words, range, []).map(\.index) }

    private func take(_ words: Int, _ range: Range<Int>, _ known: [Int]) -> [(index: Int, score: Double)] {
        var covered = [Float](repeating: 0, count: weights.count)
        for index in known { for term in entries[index].terms { covered[Int(term.id)] += term.count } }
        // A bound from an earlier round is still a bound: gains only shrink.
        let fitting = range.filter { entries[$0].length <= words }
        var open = (fitting.isEmpty ? Array(range) : fitting).map {
            (index: $0, bound: gain($0, covered) * factors[$0])
        }
        open.sort { ($1.bound, $0.index) < ($0.bound, $1.index) }
        var chosen: [(index: Int, score: Double)] = []
        var left = words
        while !open.isEmpty {
            var (best, highest) = (-1, 0.0)
            for place in open.indices {
                guard open[place].bound > highest else { break }
                open[place].bound = gain(open[place].index, covered) * factors[open[place].index]
                if open[place].bound > highest { (best, highest) = (place, open[place].bound) }
            }
            guard best >= 0 else { break }
            let index = open.remove(at: best).index
            guard entries[index].length <= left || chosen.isEmpty else { continue }
            chosen.append((index, gain(index, covered) / total))
            for term in entries[index].terms { covered[Int(term.id)] += term.count }
            left -= entries[index].length
            open.removeAll { entries[$0.index].span.text == entries[index].span.text }
            open.removeAll { entries[$0.index].length > left }
            open.sort { ($1.bound, $0.index) < ($0.bound, $1.index) }
        }
        return chosen.sorted { $0.index < $1.index }
    }

    /// The sentence of a section that says most of it.
    func best(in range: Range<Int>) -> ExtractiveSummary.Sentence? {
        let nothing = [Float](repeating: 0, count: weights.count)
        let values = range.map { (index: $0, gain: gain($0, nothing)) }
        let best = values.max {
            ($0.gain * factors[$0.index], $1.index) < ($1.gain * factors[$1.index], $0.index)
        }
        return best.map { sentence($0.index, $0.gain / total) }
    }

    private func sentence(_ index: Int, _ score: Double) -> ExtractiveSummary.Sentence {
        ExtractiveSummary.Sentence(span: entries[index].span, words: entries[index].length, score: score)
    }
}

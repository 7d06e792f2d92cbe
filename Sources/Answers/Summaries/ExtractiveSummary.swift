#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Sentences of a document that together say most of it, in the order of the source.
///
/// A word weighs by how often the document says it; function words weigh nothing. Sentences are
/// taken one after another: the one that adds most weight that is not yet covered, for its length,
/// until the budget of words is full. A word that was covered adds less each time, so that nothing
/// is said twice. Needs no model.
///
/// Source: Lin and Bilmes, A Class of Submodular Functions for Document Summarization, ACL 2011.
public struct ExtractiveSummary {
    public struct Options: Sendable, Equatable {
        /// Words of the summary at most; one sentence is always taken.
        public var words = 120
        /// What the summary is about; its words weigh more.
        public var focus: String?
        /// Entries of the outline; 0 for none.
        public var outline = 0

        public init() {}
    }

    public struct Sentence: Sendable {
        public var span: TextSpan
        public var words: Int
        /// Weight that it added when it was taken, as a share of the document's.
        public var score: Double
    }

    public struct Result: Sendable {
        public var sentences: [Sentence]
        /// The weightiest sentence of each stretch of the document.
        public var outline: [Sentence]
        /// Sentences of the document.
        public var count: Int
        public var words: Int { sentences.reduce(0) { $0 + $1.words } }
    }

    private struct Entry {
        var span: TextSpan
        var length: Int
        var terms: [(id: Int32, count: Float)]
    }

    private let options: Options
    private var entries: [Entry] = []
    private var ids: [String: Int32] = [:]
    private var frequency: [Float] = []

    public init(options: Options = Options()) { self.options = options }

    /// Takes the next section of the document.
    public mutating func append(_ section: DocumentSection) {
        for range in SentenceSplitter.ranges(in: section.text) {
            guard let span = section.span(range), span.part != nil else { continue }
            let words = SentenceSplitter.words(section.text[range])
            guard words.count >= 2 else { continue }
            var counts: [Int32: Float] = [:]
            for word in words where word.unicodeScalars.count > 1 && !Self.functionWords.contains(word) {
                let id: Int32
                if let known = ids[Self.stem(word)] {
                    id = known
                } else {
                    id = Int32(frequency.count)
                    ids[Self.stem(word)] = id
                    frequency.append(0)
                }
                counts[id, default: 0] += 1
            }
            for (id, count) in counts {
                frequency[Int(id)] += count
            }
            entries.append(
                Entry(
                    span: span, length: words.count,
                    terms: counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        }
    }

    /// Chooses the sentences.
    public func finish() -> Result {
        let weights = weights()
        var covered = [Float](repeating: 0, count: weights.count)
        let total = max(
            1e-9, zip(weights, frequency).reduce(Double(0)) { $0 + Double($1.0 * $1.1.squareRoot()) })
        func gain(_ entry: Entry) -> Double {
            entry.terms.reduce(0) { sum, term in
                let before = covered[Int(term.id)]
                return sum
                    + Double(
                        weights[Int(term.id)] * ((before + term.count).squareRoot() - before.squareRoot()))
            }
        }
        func value(_ index: Int) -> Double {
            let entry = entries[index]
            // What stands first is more often what matters.
            let place = 1 + 0.6 * exponential(-Double(index) / 4)
            // A fragment says little, whatever its words.
            let length = Double(max(entry.length, 8))
            return gain(entry) * place / pow(length, 0.5)
        }
        // A bound from an earlier round is still a bound: gains only shrink.
        var open = entries.indices.map { (index: $0, bound: value($0)) }
        var chosen: [(index: Int, score: Double)] = []
        var left = options.words
        while !open.isEmpty {
            var best = -1
            var highest = 0.0
            for place in open.indices where open[place].bound > highest {
                open[place].bound = value(open[place].index)
                if open[place].bound > highest {
                    highest = open[place].bound
                    best = place
                }
            }
            guard best >= 0 else { break }
            let index = open.remove(at: best).index
            guard entries[index].length <= left || chosen.isEmpty else { continue }
            chosen.append((index, gain(entries[index]) / total))
            for term in entries[index].terms { covered[Int(term.id)] += term.count }
            left -= entries[index].length
            open.removeAll { entries[$0.index].length > left }
        }
        let sentences = chosen.sorted { $0.index < $1.index }.map {
            Sentence(span: entries[$0.index].span, words: entries[$0.index].length, score: $0.score)
        }
        return Result(sentences: sentences, outline: outline(weights, total), count: entries.count)
    }

    private func weights() -> [Float] {
        let focus = Set(
            options.focus.map { SentenceSplitter.words(Array($0.utf8)[...]).map(Self.stem) } ?? [])
        var result = frequency.map { log(1 + $0) }
        for word in focus {
            if let id = ids[word] { result[Int(id)] *= 8 }
        }
        return result
    }

    private func outline(_ weights: [Float], _ total: Double) -> [Sentence] {
        guard options.outline > 0, !entries.isEmpty else { return [] }
        let stretches = min(options.outline, entries.count)
        return (0..<stretches).map { stretch in
            let range = stretch * entries.count / stretches..<(stretch + 1) * entries.count / stretches
            func weight(_ entry: Entry) -> Double {
                entry.terms.reduce(0) { $0 + Double(weights[Int($1.id)]) }
            }
            let best = range.max {
                weight(entries[$0]) / Double(max(entries[$0].length, 8)) < weight(entries[$1])
                    / Double(max(entries[$1].length, 8))
            }!
            return Sentence(
                span: entries[best].span, words: entries[best].length, score: weight(entries[best]) / total)
        }
    }

    /// English endings off, so that forms of a word count as one; other scripts stay as they are.
    private static func stem(_ word: String) -> String {
        guard word.utf8.count > 4, word.utf8.allSatisfy({ (0x61...0x7A).contains($0) }) else { return word }
        for ending in ["ing", "ed", "es", "ly", "s"]
        where word.hasSuffix(ending) && word.utf8.count - ending.utf8.count >= 3 {
            return String(word.dropLast(ending.utf8.count))
        }
        return word
    }

    private static let functionWords: Set<String> = Set(
        ("the and to of a in is that for you it with on this be are have not your we i at from will was as by or an if but "
            + "can all our has do my they so me he no what there which would their been more out about up one any when were "
            + "his who had please just how her she them its than then some other only also into over after get us new here "
            + "yeah okay um uh like well know think mean going really said very could should these those because did does")
            .split(separator: " ").map(String.init))
}

import Constraints
import Inference
import Tokenization

/// Sentences that a model writes of a document, each with the sentences of the document that bear it out.
///
/// A document is cut where its subject changes. Of each stretch the model reads the sentences that say most and
/// writes one, from their words and function words alone: the mask lets no other name or number come. What is
/// written must be borne out (``support(of:among:)``), or it is dropped.
public final class AbstractiveSummary {
    public struct Sentence: Sendable, Equatable {
        public var text: String
        public var words: Int
        /// How far the text bears it out, 0 to 1.
        public var support: Double
        /// Product of the shares of its tokens, among those that were allowed.
        public var probability: Double
        /// The sentences that bear it out.
        public var spans: [TextSpan]
    }

    public struct Result: Sendable {
        public var sentences: [Sentence] = []
        /// Sentences that were written and dropped: not borne out, cut off, or over the words.
        public var dropped = 0
        /// Tokens read and written.
        public var rows = 0
    }

    /// Words of a written sentence, by which the number of stretches is reckoned.
    static let sentenceWords = 22
    /// Words of a stretch that the model reads.
    static let readWords = 220
    /// Sentences that may bear out one.
    static let mostSpans = 2

    private let model: LoadedModel
    private let decoder: ConstrainedDecoder
    private let compiler: ConstraintCompiler
    private let prefix: Session
    private let question: [Int32]

    /// The prompt is one of `Training/mixture.py` (`summary`).
    ///
    /// - Throws: `TokenizerError` when the vocabulary lacks a special token of the prompt.
    public init(model: LoadedModel) throws {
        self.model = model
        decoder = ConstrainedDecoder(model: model)
        compiler = ConstraintCompiler(trie: TokenTrie(model.tokenizer))
        let template = model.tokenizer.chatTemplate
        question = try model.tokenizer.encode(template.closing + template.opening("assistant"))
        prefix = model.engine.makeSession()
        let opening = template.opening("user") + [.text("Summarize the text in a sentence.\n\nText:\n")]
        _ = model.engine.advance([
            PrefillItem(session: prefix, tokens: try model.tokenizer.encode(opening)[...])
        ])
    }

    /// Stretches into which a document is cut for a summary of so many words.
    public static func stretches(words: Int) -> Int { max(1, words / sentenceWords) }

    /// Writes the summary of what was taken.
    ///
    /// - Parameter least: Support below which a sentence is dropped.
    public func write(_ summary: ExtractiveSummary, least: Double) throws -> Result {
        let entries = summary.entries
        guard !entries.isEmpty else { return Result() }
        let ranker = SentenceRanker(summary)
        let count = min(Self.stretches(words: summary.options.words), entries.count)
        let edges = DocumentOutline.tiles(entries, ranker.weights, count: count)
        var result = Result()
        var items: [PrefillItem] = []
        var constraints: [Constraint] = []
        var sources: [[Int]] = []
        for (start, end) in zip([0] + edges, edges + [entries.count]) {
            let chosen = ranker.places(words: Self.readWords, among: start..<end)
            let text = chosen.map { Self.line(entries[$0].span.text) }.joined(separator: " ")
            guard let constraint = try? compiler.constraint(regex: Self.pattern(text)) else { continue }
            let tokens = model.tokenizer.encode(Array(text.utf8)) + question
            result.rows += tokens.count
            items.append(PrefillItem(session: prefix.fork(), tokens: tokens[...], wantsLogits: true))
            constraints.append(constraint)
            sources.append(chosen)
        }
        let logits = model.engine.advance(items)
        let jobs = items.indices.map {
            ConstrainedDecoder.Job(
                session: items[$0].session, logits: logits[$0]!, matcher: constraints[$0].makeMatcher())
        }
        var left = summary.options.words
        for (output, source) in zip(decoder.decode(jobs, maximumTokens: 96), sources) {
            result.rows += output.tokens
            let text = String(decoding: output.text, as: UTF8.self)
            let words = SentenceSplitter.words(output.text[...])
            let (support, spans) = Self.support(of: words, among: source.map { entries[$0].span })
            guard output.isComplete, support >= least, words.count <= left, !Self.repeats(words) else {
                result.dropped += 1
                continue
            }
            left -= words.count
            result.sentences.append(
                Sentence(
                    text: text, words: words.count, support: support,
                    probability: output.choices.reduce(1) { $0 * $1.share }, spans: spans))
        }
        return result
    }

    /// A sentence of the words of a text and function words, of 4 to 40 words, which ends neither on a function word
    /// nor on an abbreviation.
    package static func pattern(_ text: String) -> String {
        var words = WordForms.functionWords
        var last: Set<String> = []
        for piece in text.split(separator: " ") {
            let word = piece.drop { "\"'([{“‘«".contains($0) }
            var end = word[...]
            while let last = end.last, ".,;:!?\"')]}”’»".contains(last) { end.removeLast() }
            guard !end.isEmpty else { continue }
            if SentenceSplitter.isAbbreviation(end.utf8), word[end.endIndex...].first == "." {
                words.insert(end + ".")
            } else {
                words.insert(String(end))
                if !WordForms.isFunctionWord(end.lowercased()) { last.insert(String(end)) }
            }
        }
        if last.isEmpty { last = words }
        let first = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        func anyOf(_ words: some Sequence<String>) -> String {
            "(?:" + Set(words).sorted().map(escaped).joined(separator: "|") + ")"
        }
        return "^\(anyOf(first))(?:,? \(anyOf(words))){2,38},? \(anyOf(last))\\.$"
    }

    private static func escaped(_ word: String) -> String {
        var out = ""
        for letter in word {
            if "\\^$.|?*+()[]{}/".contains(letter) { out.append("\\") }
            out.append(letter)
        }
        return out
    }

    private static let negations: Set<String> = [
        "not", "no", "never", "none", "nor", "neither", "without", "cannot", "can't", "don't", "won't",
        "didn't", "isn't",
        "wasn't", "doesn't", "couldn't", "wouldn't", "shouldn't", "hasn't", "haven't", "aren't", "weren't",
    ]

    /// How far sentences bear out what was written, and which of them do.
    ///
    /// The share of its words, function words left out, that two of the sentences have together, times the share of
    /// its neighbouring pairs of such words that stand in one sentence; half of that where one side denies and the other
    /// does not.
    package static func support(of words: [String], among spans: [TextSpan]) -> (Double, [TextSpan]) {
        func content(_ words: [String]) -> [String] {
            words.filter { !WordForms.isFunctionWord($0) && !negations.contains($0) }.map(WordForms.stem)
        }
        let own = content(words)
        guard !own.isEmpty else { return (0, []) }
        let sentences = spans.map { SentenceSplitter.words($0.text[...]) }
        let sets = sentences.map { Set(content($0)) }
        var open = Set(own)
        var chosen: [Int] = []
        while chosen.count < mostSpans,
            let best = sets.indices.max(by: {
                (sets[$0].intersection(open).count, $1) < (sets[$1].intersection(open).count, $0)
            }), !sets[best].isDisjoint(with: open)
        {
            chosen.append(best)
            open.subtract(sets[best])
        }
        let covered = Double(own.count { !open.contains($0) }) / Double(own.count)
        let pairs = zip(own, own.dropFirst()).filter { $0 != $1 }
        let held = pairs.count { pair in
            chosen.contains { sets[$0].contains(pair.0) && sets[$0].contains(pair.1) }
        }
        var support = covered * (pairs.isEmpty ? 1 : Double(held) / Double(pairs.count))
        let denies = words.contains { negations.contains($0) }
        if denies != chosen.contains(where: { sentences[$0].contains { negations.contains($0) } }) {
            support /= 2
        }
        return (support, chosen.sorted().map { spans[$0] })
    }

    /// Whether three words come twice in a row of words: a model that goes round in circles.
    package static func repeats(_ words: [String]) -> Bool {
        var seen: Set<[String]> = []
        guard words.count >= 3 else { return false }
        return (0...words.count - 3).contains { !seen.insert(Array(words[$0..<$0 + 3])).inserted }
    }

    /// A sentence on one line.
    static func line(_ utf8: [UInt8]) -> String {
        String(decoding: utf8, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

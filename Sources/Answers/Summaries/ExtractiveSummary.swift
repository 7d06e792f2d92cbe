/// Sentences of a document that together say most of it, in the order of the source.
///
/// Text is taken section by section; headings, code, tables and quotations are no candidates
/// (``TextStructure``). ``SentenceRanker`` chooses. Needs no model.
public struct ExtractiveSummary {
    public struct Options: Sendable, Equatable {
        /// Words of the summary at most; one sentence is always taken.
        public var words = 120
        /// What the summary is about; its words, and what stands near them, weigh more.
        public var focus: String?
        /// Entries of an outline of a text without headings; 0 for no outline.
        public var outline = 0

        public init() {}
    }

    public struct Sentence: Sendable {
        public var span: TextSpan
        public var words: Int
        /// Weight that it added when it was taken, as a share of the document's.
        public var score: Double

        package init(span: TextSpan, words: Int, score: Double) {
            self.span = span
            self.words = words
            self.score = score
        }
    }

    public struct Result: Sendable {
        public var sentences: [Sentence]
        /// The weightiest sentence of each section of the document.
        public var outline: [OutlineEntry]
        /// Sentences of the document.
        public var count: Int
        public var words: Int { sentences.reduce(0) { $0 + $1.words } }
    }

    /// A sentence of the document.
    struct Entry {
        var span: TextSpan
        /// Words of it.
        var length: Int
        /// Its terms by number, ascending, with how often each stands in it.
        var terms: [(id: Int32, count: Float)]
    }

    struct Heading {
        var span: TextSpan
        var level: Int
        /// Place of the first sentence below it.
        var first: Int
    }

    let options: Options
    private(set) var entries: [Entry] = []
    private(set) var headings: [Heading] = []
    /// How often the document has each term, by number.
    private(set) var frequency: [Float] = []
    /// Terms that say nothing of what a text is about, by number.
    private(set) var isFunctionWord: [Bool] = []
    private var ids: [String: Int32] = [:]
    private var structure = TextStructure()
    /// Quotations and short lines, for texts that have nothing else.
    private var asides: [Entry] = []

    public init(options: Options = Options()) { self.options = options }

    /// Sentences taken so far.
    public var count: Int { entries.isEmpty ? asides.count : entries.count }

    /// Place of the first sentence whose span is as asked for; ``count`` when there is none.
    public func firstSentence(where isWanted: (TextSpan) -> Bool) -> Int {
        let list = entries.isEmpty ? asides : entries
        return list.firstIndex { isWanted($0.span) } ?? list.count
    }

    /// Begins another document of the same subject.
    public mutating func beginDocument() { structure = TextStructure() }

    /// Takes the next section of the document.
    public mutating func append(_ section: DocumentSection) {
        for block in structure.blocks(in: section.text) {
            switch block.kind {
            case .heading(let level):
                guard let span = section.span(block.range), span.part != nil else { continue }
                headings.append(Heading(span: span, level: level, first: entries.count))
            case .prose:
                for range in SentenceSplitter.ranges(of: block.range, in: section.text) {
                    if let entry = entry(section, range) { entries.append(entry) }
                }
            case .aside:
                guard entries.isEmpty else { continue }
                for range in SentenceSplitter.ranges(of: block.range, in: section.text) {
                    if let entry = entry(section, range) { asides.append(entry) }
                }
            }
        }
    }

    private mutating func entry(_ section: DocumentSection, _ range: Range<Int>) -> Entry? {
        guard let span = section.span(range), span.part != nil else { return nil }
        let words = SentenceSplitter.words(section.text[range])
        guard words.count >= 2 else { return nil }
        var counts: [Int32: Float] = [:]
        for word in words { counts[id(of: word), default: 0] += 1 }
        for (id, count) in counts { frequency[Int(id)] += count }
        return Entry(
            span: span, length: words.count,
            terms: counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    private mutating func id(of word: String) -> Int32 {
        let stem = WordForms.stem(word)
        if let known = ids[stem] { return known }
        let id = Int32(frequency.count)
        ids[stem] = id
        frequency.append(0)
        isFunctionWord.append(WordForms.isFunctionWord(word))
        return id
    }

    /// Numbers of the terms of a text that the document has, function words left out.
    func terms(of text: String) -> Set<Int32> {
        let words = SentenceSplitter.words(Array(text.utf8)[...]).filter { !WordForms.isFunctionWord($0) }
        return Set(words.compactMap { ids[WordForms.stem($0)] })
    }

    /// Chooses the sentences.
    public func finish() -> Result {
        var summary = self
        if entries.isEmpty { (summary.entries, summary.headings) = (asides, []) }
        let ranker = SentenceRanker(summary)
        return Result(
            sentences: ranker.choose(words: options.words),
            outline: options.outline > 0 ? DocumentOutline(summary, ranker).entries : [],
            count: summary.entries.count)
    }

    /// What was added behind the first sentences says that the rest and an older summary do not.
    ///
    /// - Parameters:
    ///   - first: Sentences that the older text had.
    ///   - older: What was chosen of them; what it says is not said again.
    public func update(since first: Int, older: [Sentence]) -> [Sentence] {
        guard first < entries.count else { return [] }
        let ranker = SentenceRanker(self)
        let known = entries.indices.prefix(first).filter { index in
            older.contains { $0.span == entries[index].span }
        }
        return ranker.choose(words: options.words, among: first..<entries.count, covered: known)
    }
}

/// A section of a document: its heading, and the sentence that says most of it.
public struct OutlineEntry: Sendable {
    /// Nil where the text has no headings.
    public var heading: TextSpan?
    /// Of the heading, 1 for the highest.
    public var level: Int
    public var sentence: ExtractiveSummary.Sentence
    /// Sentences of the section.
    public var sentences: Int
}

/// Sections of a document: below its headings, or, without any, between the places where its words change most.
///
/// Source of the second: Hearst, TextTiling, Computational Linguistics 23 (1), 1997 (depth scores of the
/// likeness of neighbouring stretches).
struct DocumentOutline {
    /// Sections of a document with headings at most; deeper levels are left out until they fit.
    static let mostHeadings = 60

    private(set) var entries: [OutlineEntry] = []

    init(_ summary: ExtractiveSummary, _ ranker: SentenceRanker) {
        let count = summary.entries.count
        guard count > 0 else { return }
        func add(_ range: Range<Int>, _ heading: ExtractiveSummary.Heading?) {
            guard let best = ranker.best(in: range) else { return }
            entries.append(
                OutlineEntry(
                    heading: heading?.span, level: heading?.level ?? 1, sentence: best, sentences: range.count
                ))
        }
        if let headings = Self.level(summary.headings, count) {
            if headings[0].first > 0 { add(0..<headings[0].first, nil) }
            for (index, heading) in headings.enumerated() {
                let end = index + 1 < headings.count ? headings[index + 1].first : count
                add(heading.first..<end, heading)
            }
            return
        }
        let edges = Self.tiles(summary.entries, ranker.weights, count: min(summary.options.outline, count))
        for (start, end) in zip([0] + edges, edges + [count]) { add(start..<end, nil) }
    }

    /// The headings down to the deepest level at which they fit; nil when there are too few or too many.
    private static func level(_ all: [ExtractiveSummary.Heading], _ count: Int)
        -> [ExtractiveSummary.Heading]?
    {
        // A heading with nothing below it is part of the next one.
        let filled = zip(all, all.dropFirst().map(\.first) + [count]).filter { $0.first < $1 }.map(\.0)
        for level in Set(filled.map(\.level)).sorted(by: >) {
            let chosen = filled.filter { $0.level <= level }
            if chosen.count <= mostHeadings { return chosen.count >= 2 ? chosen : nil }
        }
        return nil
    }

    /// Places where a new stretch begins, ascending; `count - 1` of them.
    static func tiles(_ entries: [ExtractiveSummary.Entry], _ weights: [Float], count: Int) -> [Int] {
        guard count > 1 else { return [] }
        let window = max(1, entries.count / (4 * count))
        var before = [Float](repeating: 0, count: weights.count)
        var behind = before
        var (dot, first, second) = (Float(0), Float(0), Float(0))
        func add(_ index: Int, _ sign: Float, to own: inout [Float], _ other: [Float], _ norm: inout Float) {
            for term in entries[index].terms {
                let place = Int(term.id)
                let change = sign * term.count * weights[place]
                norm += change * (2 * own[place] + change)
                dot += change * other[place]
                own[place] += change
            }
        }
        for index in 0..<min(window, entries.count) { add(index, 1, to: &behind, before, &second) }
        var likeness: [Float] = [1]
        for gap in 1..<entries.count {
            add(gap - 1, -1, to: &behind, before, &second)
            add(gap - 1, 1, to: &before, behind, &first)
            if gap - 1 >= window { add(gap - 1 - window, -1, to: &before, behind, &first) }
            if gap - 1 + window < entries.count { add(gap - 1 + window, 1, to: &behind, before, &second) }
            likeness.append(dot / max(1e-6, max(0, first) * max(0, second)).squareRoot())
        }
        // How far the likeness falls from the hills on both sides.
        var left = likeness
        var right = likeness
        for gap in likeness.indices.dropFirst(2) where likeness[gap - 1] >= likeness[gap] {
            left[gap] = max(likeness[gap], left[gap - 1])
        }
        for gap in likeness.indices.dropLast().reversed() where likeness[gap + 1] >= likeness[gap] {
            right[gap] = max(likeness[gap], right[gap + 1])
        }
        let depths = likeness.indices.map { left[$0] + right[$0] - 2 * likeness[$0] }
        var distance = max(1, entries.count / (2 * count))
        var edges: [Int] = []
        while edges.count < count - 1 {
            for gap in (1..<entries.count).sorted(by: { (depths[$1], $0) < (depths[$0], $1) })
            where edges.count < count - 1 && gap >= distance && gap <= entries.count - distance
                && edges.allSatisfy({ abs($0 - gap) >= distance })
            {
                edges.append(gap)
            }
            guard distance > 1 else { break }
            distance /= 2
        }
        return edges.sorted()
    }
}

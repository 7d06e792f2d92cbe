import Documents

/// A stretch of a document as the model reads it, which knows where each byte came from.
public struct DocumentSection: Sendable {
    /// Where rendered bytes came from.
    struct Piece: Sendable, Equatable {
        var range: Range<Int>
        /// Address of the part; nil for header lines.
        var part: String?
        /// Offset in the part's text, or in the header lines.
        var start: Int
    }

    /// UTF-8.
    public var text: [UInt8] = []
    var pieces: [Piece] = []

    package init() {}

    /// The place of a range of ``text`` in the document; nil when it spans two parts.
    func span(_ range: Range<Int>) -> TextSpan? {
        guard
            let piece = pieces.first(where: {
                $0.range.lowerBound <= range.lowerBound && range.upperBound <= $0.range.upperBound
            })
        else { return nil }
        let start = piece.start + range.lowerBound - piece.range.lowerBound
        return TextSpan(part: piece.part, range: start..<start + range.count, text: Array(text[range]))
    }

    /// The text in two, cut as a document is; as one when a part would be shorter than `least`.
    func halves(leaving least: Int) -> [DocumentSection] {
        guard text.count >= 2 * least else { return [self] }
        let end = SectionCutter.cutPlace(text, text.count * 2 / 3)
        return [part(0..<end), part(end..<text.count)].filter { $0.text.contains { $0 > 0x20 } }
    }

    /// Paragraphs, short ones with the next, long ones cut.
    func paragraphs(shortest: Int = 60, longest: Int = 1000) -> [DocumentSection] {
        var ends: [Int] = []
        var (at, isBlank) = (0, true)
        for place in text.indices {
            if text[place] == 0x0A {
                // An empty line ends what is long enough.
                if isBlank, place - at >= shortest { (ends, at) = (ends + [place + 1], place + 1) }
                isBlank = true
            } else if text[place] > 0x20 {
                isBlank = false
            }
        }
        var result: [DocumentSection] = []
        for (start, end) in zip([0] + ends, ends + [text.count]) {
            var rest = part(start..<end)
            while rest.text.count > longest {
                let cut = SectionCutter.cutPlace(rest.text, longest)
                result.append(rest.part(0..<cut))
                rest = rest.part(cut..<rest.text.count)
            }
            result.append(rest)
        }
        return result.filter { $0.text.contains { $0 > 0x20 } }
    }

    /// Its lines, or the sentences of a single one.
    func lines() -> [DocumentSection] {
        var ranges: [Range<Int>] = []
        var start = 0
        for place in text.indices where text[place] == 0x0A || place == text.count - 1 {
            let range = TextStructure.trimmed(start..<place + 1, text)
            if !range.isEmpty { ranges.append(range) }
            start = place + 1
        }
        if ranges.count == 1 { ranges = SentenceSplitter.ranges(of: ranges[0], in: text) }
        return ranges.map { part($0) }
    }

    func part(_ range: Range<Int>) -> DocumentSection {
        var result = DocumentSection()
        result.text = Array(text[range])
        for piece in pieces {
            let low = max(piece.range.lowerBound, range.lowerBound)
            let high = min(piece.range.upperBound, range.upperBound)
            guard low < high else { continue }
            result.pieces.append(
                Piece(
                    range: low - range.lowerBound..<high - range.lowerBound, part: piece.part,
                    start: piece.start + low - piece.range.lowerBound))
        }
        return result
    }

    package mutating func append(_ bytes: some Collection<UInt8>, part: String?, start: Int) {
        let range = text.count..<text.count + bytes.count
        text += bytes
        if let last = pieces.last, last.part == part, last.range.upperBound == range.lowerBound,
            last.start + last.range.count == start
        {
            pieces[pieces.count - 1].range = last.range.lowerBound..<range.upperBound
        } else {
            pieces.append(Piece(range: range, part: part, start: start))
        }
    }
}

/// A slice of a document's text.
public struct TextSpan: Sendable, Equatable {
    /// Address of the part; nil for the header lines of a mail, as `DocumentRendering` writes them.
    public var part: String?
    /// Bytes of the decoded text of that part.
    public var range: Range<Int>
    /// The bytes.
    public var text: [UInt8]

    public init(part: String?, range: Range<Int>, text: [UInt8]) {
        self.part = part
        self.range = range
        self.text = text
    }
}

/// Cuts a document into sections at paragraphs, lines or words, event by event.
public struct SectionCutter: Sendable {
    /// Bytes of a section at most, about 1,100 tokens of English: the length that training used.
    public static let defaultBytes = 4500

    private let maximumBytes: Int
    private var rendering = DocumentRendering()
    private var open = DocumentSection()
    private var headerBytes = 0

    public init(maximumBytes: Int = Self.defaultBytes) { self.maximumBytes = max(64, maximumBytes) }

    /// Sections that an event completes.
    public mutating func append(_ event: DocumentEvent) -> [DocumentSection] {
        var bytes: [UInt8] = []
        rendering.append(event, to: &bytes)
        switch event {
        case .begin: open.append(bytes, part: nil, start: 0)
        case .text(let chunk):
            let gap = bytes.count - chunk.utf8.count
            open.text += bytes[..<gap]
            open.append(bytes[gap...], part: chunk.part, start: chunk.start)
        case .end:
            defer { open = DocumentSection() }
            return cut(all: true)
        }
        return cut(all: false)
    }

    private mutating func cut(all: Bool) -> [DocumentSection] {
        var result: [DocumentSection] = []
        while open.text.count > maximumBytes {
            let end = Self.cutPlace(open.text, maximumBytes)
            result.append(open.part(0..<end))
            open = open.part(end..<open.text.count)
        }
        if all, open.text.contains(where: { $0 > 0x20 }) { result.append(open) }
        return result
    }

    /// Behind the last paragraph, line, sentence or word that leaves half of a section full.
    static func cutPlace(_ text: [UInt8], _ maximum: Int) -> Int {
        let least = maximum / 2
        for mark in ["\n\n", "\n", ". ", " "] {
            let bytes = Array(mark.utf8)
            var at = maximum - bytes.count
            while at >= least {
                if text[at..<at + bytes.count].elementsEqual(bytes) { return at + bytes.count }
                at -= 1
            }
        }
        var at = maximum
        while at > least, text[at] & 0xC0 == 0x80 { at -= 1 }
        return at
    }
}

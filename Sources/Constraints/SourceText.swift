/// A text that strings must be copied from, letter by letter.
///
/// Matching is over a folded copy (runs of white space as one space; letters in lower case, if
/// asked for) spelled as the inside of a JSON string; each place knows the bytes of the original
/// it stands for, so that what comes out is always a slice of the original. A run that breaks the
/// line may be copied as `\n` too, one with a tab as `\t`: models write what they read, and one that
/// is refused its line break rather ends the string there.
///
/// A state is the list of places that a copy may have reached; there is no index to build, and
/// memory is a few bytes a byte of text. Copying begins and ends at the edges of words.
public final class SourceText {
    public struct Folding: Sendable, Equatable {
        /// Any run of white space matches any other.
        public var whitespace = true
        /// Upper and lower case match each other.
        public var letterCase = false
        /// A copy begins and ends where words do (Chinese, Japanese, Thai and the like: anywhere).
        public var wholeWords = true

        /// Bytes after which a copy ends at the next edge.
        public var longestCopy = Int.max

        public init() {}
    }

    /// Bytes of text that are taken at most.
    public static let maximumBytes = 16 << 20

    public let text: [UInt8]
    public let folding: Folding
    /// The folded copy.
    let folded: [UInt8]
    /// Offset in `text` of the character that a folded byte belongs to; one more for the end.
    private let origin: [Int32]
    /// See ``Edge``.
    private let edges: [UInt8]
    /// Before the first letter of a copy.
    let root: SourceState

    /// Bits of a folded byte.
    enum Edge {
        /// A copy may begin here.
        static let begin: UInt8 = 1
        /// It may end here.
        static let end: UInt8 = 2
        /// A folded run of white space that breaks the line, or has a tab.
        static let lineBreak: UInt8 = 4
        static let tab: UInt8 = 8
    }

    /// - Throws: ``ConstraintError/tooComplex(path:reason:)`` beyond ``maximumBytes``.
    public init(_ utf8: some Collection<UInt8>, folding: Folding = Folding()) throws(ConstraintError) {
        guard utf8.count <= Self.maximumBytes else {
            throw .tooComplex(
                path: "", reason: "a source of \(utf8.count) bytes; \(Self.maximumBytes) are the most")
        }
        text = Array(utf8)
        self.folding = folding
        var folded: [UInt8] = []
        var origin: [Int32] = []
        var edges: [UInt8] = []
        folded.reserveCapacity(text.count + 16)
        var kindBefore = Kind.other
        var pendingSpace = -1
        var spaceEdge: UInt8 = 0
        var isJoined = false
        func put(_ bytes: some Sequence<UInt8>, at offset: Int, _ kind: Kind) {
            let isEdge =
                kind != .joiner && !isJoined && (!folding.wholeWords || kind != .word || kindBefore != .word)
            var first = true
            for byte in bytes {
                folded.append(byte)
                origin.append(Int32(offset))
                // No copy begins with white space.
                edges.append(
                    first
                        ? (isEdge && kind != .space ? Edge.begin : 0)
                            | (isEdge && kindBefore != .space ? Edge.end : 0) : 0)
                first = false
            }
            if kind != .joiner { kindBefore = kind }
        }
        var hasOpenFlag = false
        var at = 0
        var decoder = UTF8()
        var iterator = text.makeIterator()
        decoding: while true {
            let scalar: Unicode.Scalar
            switch decoder.decode(&iterator) {
            case .scalarValue(let value): scalar = value
            case .emptyInput: break decoding
            case .error: throw .invalid(path: "", keyword: "source", reason: "not UTF-8 near byte \(at)")
            }
            let width = UTF8.width(scalar)
            defer { at += width }
            if scalar.properties.isWhitespace {
                if folding.whitespace {
                    if pendingSpace < 0 { pendingSpace = at }
                    switch scalar.value {
                    case 0x09: spaceEdge |= Edge.tab
                    case 0x0A...0x0D, 0x85, 0x2028, 0x2029: spaceEdge |= Edge.lineBreak
                    default: break
                    }
                } else {
                    put(Self.spelled(scalar), at: at, .space)
                }
                continue
            }
            if pendingSpace >= 0 {
                put([0x20], at: pendingSpace, .space)
                edges[edges.count - 1] |= spaceEdge
                (pendingSpace, spaceEdge) = (-1, 0)
            }
            var kind = Self.kind(of: scalar)
            // A flag is two letters.
            let isFlag = (0x1F1E6...0x1F1FF).contains(scalar.value)
            if isFlag, hasOpenFlag { kind = .joiner }
            hasOpenFlag = isFlag && !hasOpenFlag
            defer { isJoined = scalar.value == 0x200D }
            if folding.letterCase {
                let lower = scalar.properties.lowercaseMapping.unicodeScalars
                put(lower.flatMap { Self.spelled($0) }, at: at, kind)
            } else {
                put(Self.spelled(scalar), at: at, kind)
            }
        }
        origin.append(Int32(pendingSpace >= 0 ? pendingSpace : text.count))
        edges.append(Edge.end)
        self.folded = folded
        self.origin = origin
        self.edges = edges
        root = SourceState(folded: folded, edges: edges, places: nil, left: folding.longestCopy)
    }

    /// A joiner belongs to the character before it: a mark, a skin tone, the second half of a flag.
    private enum Kind { case word, space, other, joiner }

    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        let value = scalar.value
        // Scripts that set no space between words.
        if (0x0E00...0x0EFF).contains(value) || (0x1000...0x109F).contains(value)
            || (0x1780...0x17FF).contains(value)
            || (0x3040...0x30FF).contains(value) || (0x3400...0x9FFF).contains(value)
            || (0xF900...0xFAFF).contains(value)
            || (0x20000...0x3FFFF).contains(value)
        {
            return .other
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return .joiner
        default: break
        }
        if value == 0x200D || value == 0x200C || (0x1F3FB...0x1F3FF).contains(value) { return .joiner }
        if scalar.properties.isAlphabetic || scalar.properties.numericType != nil { return .word }
        return .other
    }

    /// A character as JSON's canonical spelling writes it in a string.
    static func spelled(_ scalar: Unicode.Scalar) -> [UInt8] {
        switch scalar.value {
        case 0x22: return Array("\\\"".utf8)
        case 0x5C: return Array("\\\\".utf8)
        case 0x08: return Array("\\b".utf8)
        case 0x09: return Array("\\t".utf8)
        case 0x0A: return Array("\\n".utf8)
        case 0x0C: return Array("\\f".utf8)
        case 0x0D: return Array("\\r".utf8)
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            return Array("\\u00".utf8) + [digits[Int(scalar.value >> 4)], digits[Int(scalar.value & 15)]]
        default: return Array(UTF8.encode(scalar)!)
        }
    }

    /// Where a string stands in ``text``, as byte ranges in order.
    ///
    /// - Parameter limit: Places that are listed at most.
    public func occurrences(of string: String, limit: Int = 64) -> [Range<Int>] {
        var state = root
        var length = 0
        var isInSpace = false
        for scalar in string.unicodeScalars {
            let isSpace = folding.whitespace && scalar.properties.isWhitespace
            defer { isInSpace = isSpace }
            if isSpace, isInSpace { continue }
            for byte in isSpace ? [0x20] : Self.spelled(scalar) {
                state = state.next(byte)
                length += 1
                if state.isDead { return [] }
            }
        }
        var result: [Range<Int>] = []
        for place in state.places ?? [] where place >= 0 && edges[Int(place)] & Edge.end != 0 {
            let start = Int(place) - length
            result.append(Int(origin[start])..<end(before: Int(place)))
            if result.count == limit { break }
        }
        return result
    }

    /// Where the character before a folded place ends in ``text``: runs of white space behind it
    /// are not part of it.
    private func end(before place: Int) -> Int {
        var at = Int(origin[place - 1]) + 1
        while at < text.count, text[at] & 0xC0 == 0x80 { at += 1 }
        return at
    }
}

/// Where a copy stands.
final class SourceState {
    private let folded: [UInt8]
    private let edges: [UInt8]
    /// The folded bytes that may come next; nil at the beginning, where any may. `~place` is behind
    /// the backslash of a white space that is copied as `\n` or `\t`.
    let places: [Int32]?
    /// The bytes that go on, ascending, and where each leads; most states have one.
    private var children: [(byte: UInt8, state: SourceState)]?
    /// Whether the copy may end here.
    let canEnd: Bool
    /// Bytes until it must, where it can.
    private let left: Int

    init(folded: [UInt8], edges: [UInt8], places: [Int32]?, left: Int) {
        self.left = left
        self.folded = folded
        self.edges = edges
        self.places = places
        canEnd = places?.contains { $0 >= 0 && edges[Int($0)] & SourceText.Edge.end != 0 } ?? false
    }

    var isDead: Bool { places?.isEmpty ?? false }

    var nextBytes: [UInt8] { grown().map(\.byte) }

    func next(_ byte: UInt8) -> SourceState {
        grown().first { $0.byte == byte }?.state
            ?? SourceState(folded: folded, edges: edges, places: [], left: 0)
    }

    private func grown() -> [(byte: UInt8, state: SourceState)] {
        if let children { return children }
        var lists: [(byte: UInt8, places: [Int32])] = []
        // Of each byte, where it is in `lists`.
        var slots = [Int16](repeating: -1, count: 256)
        func take(_ byte: UInt8, to next: Int32) {
            if slots[Int(byte)] < 0 {
                slots[Int(byte)] = Int16(lists.count)
                lists.append((byte, []))
            }
            lists[Int(slots[Int(byte)])].places.append(next)
        }
        func take(_ place: Int32) {
            guard place >= 0 else {
                let isBreak = edges[Int(~place)] & SourceText.Edge.lineBreak != 0
                return take(UInt8(ascii: isBreak ? "n" : "t"), to: ~place + 1)
            }
            guard Int(place) < folded.count else { return }
            take(folded[Int(place)], to: place + 1)
            if edges[Int(place)] & (SourceText.Edge.lineBreak | SourceText.Edge.tab) != 0 {
                take(0x5C, to: ~place)
            }
        }
        if left > 0 || !canEnd {
            if let places {
                for place in places { take(place) }
            } else {
                for place in folded.indices where edges[place] & SourceText.Edge.begin != 0 {
                    take(Int32(place))
                }
            }
        }
        lists.sort { $0.byte < $1.byte }
        let grown = lists.map {
            ($0.byte, SourceState(folded: folded, edges: edges, places: $0.places, left: left - 1))
        }
        children = grown
        return grown
    }
}

/// Cuts text into the words within which byte pairs merge.
///
/// The expression of GPT-2, `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
/// as a scanner over UTF-8, with the scalar classes of ``UnicodeClasses``; when digits are
/// isolated, each is a word of its own and ends the text for everything before it.
///
/// A word longer than ``maximumWordBytes`` is cut there, at the boundary of a scalar, so that
/// a run without end needs bounded memory. (Hugging Face does not cut: ids differ behind it.)
///
/// Kimi's pattern is ``KimiWordScanner``'s, under the same promises.
struct WordScanner: Sendable {
    enum Pattern: String, Sendable {
        case gpt2 = "byte-level plain"
        case gpt2Digits = "byte-level digits"
        case kimi = "kimi"
    }

    /// 64 KiB: a hundred times the longest word that means something.
    static let maximumWordBytes = 1 << 16
    /// How far a decision looks: a word, one scalar more and its predecessor.
    static let lookaheadBytes = maximumWordBytes + 8

    private static let letter: UInt8 = 1
    private static let space: UInt8 = 3
    private static let isolatedBit: UInt8 = 4

    private let classes: ClassTable
    private let kimi: KimiWordScanner?

    init(_ pattern: Pattern) {
        classes = pattern == .gpt2Digits ? .withDigits : .plain
        kimi = pattern == .kimi ? KimiWordScanner() : nil
    }

    /// The end of the word that begins at `start`.
    ///
    /// - Parameters:
    ///   - text: Valid UTF-8.
    ///   - start: Where a word begins, below `text.count`.
    ///   - isEnd: Whether the text ends where `text` does.
    /// - Returns: The offset behind the word, or nil when that depends on bytes yet to come.
    @inline(__always)
    func wordEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int, isEnd: Bool) -> Int? {
        if let kimi { return kimi.wordEnd(in: text, from: start, isEnd: isEnd) }
        let base = text.baseAddress.unsafelyUnwrapped
        let count = text.count
        var at = start
        var byte = base[at]
        var kind: UInt8
        if byte == 0x20 {
            guard start + 1 < count else { return isEnd ? count : nil }
            (kind, at) = classify(base, start + 1)
            if kind & Self.isolatedBit != 0 { return start + 1 }
            if kind == Self.space { return whitespaceEnd(base, count, start: start, isEnd: isEnd) }
        } else {
            if byte == 0x27 {  // '
                guard start + 1 < count else { return isEnd ? count : nil }
                byte = base[start + 1]
                switch byte {
                case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
                    return start + 2
                case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
                    if start + 2 < count {
                        let second = byte == UInt8(ascii: "l") ? UInt8(ascii: "l") : UInt8(ascii: "e")
                        if base[start + 2] == second { return start + 3 }
                    } else if !isEnd {
                        return nil
                    }
                default: break
                }
            }
            (kind, at) = classify(base, start)
            if kind & Self.isolatedBit != 0 { return at }
            if kind == Self.space { return whitespaceEnd(base, count, start: start, isEnd: isEnd) }
        }
        // A run of one class, `at` behind its first scalar.
        let limit = min(count, start + Self.maximumWordBytes)
        while at < limit {
            let (next, end) = classify(base, at)
            if next != kind { return at }
            if end > limit { break }
            at = end
        }
        if start + Self.maximumWordBytes <= count { return at }
        return isEnd ? count : nil
    }

    /// `\s+(?!\S)|\s+`: the last white space before a word belongs to what follows it.
    private func whitespaceEnd(
        _ base: UnsafePointer<UInt8>, _ count: Int, start: Int, isEnd: Bool
    ) -> Int? {
        let limit = min(count, start + Self.maximumWordBytes)
        var at = start
        var last = start
        while at < limit {
            let (next, end) = classify(base, at)
            if next != Self.space {
                if next & Self.isolatedBit != 0 || last == start { return at }
                return last
            }
            if end > limit { break }
            last = at
            at = end
        }
        if start + Self.maximumWordBytes <= count { return at }
        return isEnd ? count : nil
    }

    /// The class of the scalar at `at` and the offset behind it.
    @inline(__always)
    private func classify(_ base: UnsafePointer<UInt8>, _ at: Int) -> (kind: UInt8, end: Int) {
        let (scalar, end) = scalar(base, at)
        return (classes[scalar], end)
    }
}

/// One byte a scalar, made once from the runs of ``UnicodeClasses``.
private struct ClassTable: @unchecked Sendable {  // never written after it is made
    static let plain = ClassTable(isolatesDigits: false)
    static let withDigits = ClassTable(isolatesDigits: true)

    private let kinds: UnsafePointer<UInt8>

    private init(isolatesDigits: Bool) {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 0x110000)
        let runs = UnicodeClasses.runs
        for (index, run) in runs.enumerated() {
            let start = Int(run >> 3)
            let end = index + 1 < runs.count ? Int(runs[index + 1] >> 3) : 0x110000
            let kind = isolatesDigits ? UInt8(run & 7) : UInt8(run & 3)
            (table + start).initialize(repeating: kind, count: end - start)
        }
        kinds = UnsafePointer(table)
    }

    @inline(__always)
    subscript(scalar: UInt32) -> UInt8 { kinds[Int(scalar)] }
}

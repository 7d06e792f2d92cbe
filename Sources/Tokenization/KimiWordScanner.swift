/// Cuts text into words as Kimi's tokenizer does.
///
/// Alternatives of the pattern, the first that matches counts, with U = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
/// and L = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`, both without Han:
/// 1. `\p{Han}+`
/// 2. `[^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
/// 3. `[^\r\n\p{L}\p{N}]?U+L*(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
/// 4. `\p{N}{1,3}`
/// 5. ` ?[^\s\p{L}\p{N}]+[\r\n]*`
/// 6. `\s*[\r\n]+`
/// 7. `\s+(?!\S)`
/// 8. `\s+`
///
/// A scanner for a regular expression that backtracks: where U* has eaten the letter that L+ needs,
/// it gives back to the last one that is both. Checked against the `tiktoken` package, scalar by scalar
/// (Tests/TokenizationTests/Fixtures/make_kimi_fixtures.py).
struct KimiWordScanner: Sendable {
    private static let han: UInt8 = 1
    private static let letter: UInt8 = 2
    private static let number: UInt8 = 4
    private static let space: UInt8 = 8
    private static let upper: UInt8 = 16
    private static let lower: UInt8 = 32

    private let classes = KimiClassTable.shared

    /// The end of the word that begins at `start`; see ``WordScanner/wordEnd(in:from:isEnd:)``.
    func wordEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int, isEnd: Bool) -> Int? {
        let base = text.baseAddress.unsafelyUnwrapped
        var end = text.count
        var isEnd = isEnd
        if end - start >= WordScanner.maximumWordBytes {
            // The word is cut here at the latest, as if the text ended.
            end = start + WordScanner.maximumWordBytes
            while end < text.count, base[end] & 0xC0 == 0x80 { end -= 1 }
            isEnd = true
        }
        let scan = Scan(base: base, end: end, isEnd: isEnd, classes: classes)
        let (first, next) = scan.classify(start)
        if first & Self.han != 0 { return scan.run(from: next, of: Self.han) }
        let byte = base[start]
        let isNewline = byte == 0x0A || byte == 0x0D
        if first & (Self.letter | Self.number) == 0, !isNewline {
            if next == end, !isEnd { return nil }
            switch scan.letters(from: next) {
            case .open: return nil
            case .end(let end, let isUpperOnly):
                // A mark that stands first is tried as a letter before a run of capitals behind it.
                if !isUpperOnly || first & Self.upper == 0 { return end }
            case .none: break
            }
        }
        if first & (Self.upper | Self.lower) != 0 {
            switch scan.letters(from: start) {
            case .open: return nil
            case .end(let end, _): return end
            case .none: break
            }
        }
        if first & Self.number != 0 { return scan.numbers(from: next) }
        let behindSpace = byte == 0x20 ? next : start
        let others = scan.run(from: behindSpace, of: Self.space | Self.letter | Self.number, isNot: true)
        guard let others else { return nil }
        if others > behindSpace { return scan.newlines(from: others) }
        return scan.whitespace(from: start)
    }

    /// One look at a text whose word must end at `end`.
    private struct Scan {
        let base: UnsafePointer<UInt8>
        let end: Int
        /// Whether the text ends there; otherwise what touches `end` is undecided.
        let isEnd: Bool
        let classes: KimiClassTable

        enum Letters {
            /// Depends on bytes to come.
            case open
            case none
            case end(Int, isUpperOnly: Bool)
        }

        /// The end of the run of scalars that have one of `kinds` (or none of them).
        @inline(__always)
        func run(from start: Int, of kinds: UInt8, isNot: Bool = false) -> Int? {
            var at = start
            while at < end {
                let (kind, next) = classify(at)
                if (kind & kinds == 0) != isNot { return at }
                at = next
            }
            return isEnd ? at : nil
        }

        /// `U*L+` or `U+L*`, and a contraction behind it.
        @inline(__always)
        func letters(from start: Int) -> Letters {
            var at = start
            var lastLower = -1
            while at < end {
                let (kind, next) = classify(at)
                if kind & KimiWordScanner.upper == 0 {
                    guard kind & KimiWordScanner.lower != 0 else { break }
                    guard let behind = run(from: next, of: KimiWordScanner.lower) else { return .open }
                    return contraction(at: behind, isUpperOnly: false)
                }
                if kind & KimiWordScanner.lower != 0 { lastLower = next }
                at = next
            }
            if at == end, !isEnd { return .open }
            if lastLower > 0 { return contraction(at: lastLower, isUpperOnly: false) }
            return at > start ? contraction(at: at, isUpperOnly: true) : .none
        }

        /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`; folding case makes U+017F an s.
        private func contraction(at: Int, isUpperOnly: Bool) -> Letters {
            func found(_ length: Int) -> Letters { .end(at + length, isUpperOnly: isUpperOnly) }
            func byte(_ offset: Int) -> UInt8? { at + offset < end ? base[at + offset] : nil }
            guard let quote = byte(0) else { return isEnd ? found(0) : .open }
            guard quote == 0x27 else { return found(0) }
            guard let first = byte(1) else { return isEnd ? found(0) : .open }
            let second: UInt8
            switch first {
            case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"),
                UInt8(ascii: "S"), UInt8(ascii: "T"), UInt8(ascii: "M"), UInt8(ascii: "D"):
                return found(2)
            case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "R"), UInt8(ascii: "V"):
                second = UInt8(ascii: "e")
            case UInt8(ascii: "l"), UInt8(ascii: "L"): second = UInt8(ascii: "l")
            case 0xC5: return byte(2) == 0xBF ? found(3) : found(0)
            default: return found(0)
            }
            guard let last = byte(2) else { return isEnd ? found(0) : .open }
            return last | 0x20 == second ? found(3) : found(0)
        }

        /// `\p{N}{1,3}` behind its first number.
        func numbers(from start: Int) -> Int? {
            var at = start
            for _ in 0..<2 {
                guard at < end else { return isEnd ? at : nil }
                let (kind, next) = classify(at)
                if kind & KimiWordScanner.number == 0 { return at }
                at = next
            }
            return at
        }

        /// `[\r\n]*`.
        func newlines(from start: Int) -> Int? {
            var at = start
            while at < end {
                if base[at] != 0x0A && base[at] != 0x0D { return at }
                at += 1
            }
            return isEnd ? at : nil
        }

        /// A run of white space: up to its last newline; without one, all but what stands before a word.
        func whitespace(from start: Int) -> Int? {
            var at = start
            var last = start
            var behindNewline = -1
            while at < end {
                let (kind, next) = classify(at)
                if kind & KimiWordScanner.space == 0 { break }
                if base[at] == 0x0A || base[at] == 0x0D { behindNewline = next }
                last = at
                at = next
            }
            if at == end, !isEnd { return nil }
            if behindNewline > 0 { return behindNewline }
            return at == end || last == start ? at : last
        }

        /// The class of the scalar at `at` and the offset behind it.
        @inline(__always)
        func classify(_ at: Int) -> (kind: UInt8, end: Int) {
            let (scalar, end) = scalar(base, at)
            return (classes[scalar], end)
        }
    }
}

/// One byte a scalar, made once from the runs of ``KimiClasses``.
private struct KimiClassTable: @unchecked Sendable {  // never written after it is made
    static let shared = KimiClassTable()

    private let kinds: UnsafePointer<UInt8>

    private init() {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 0x110000)
        let runs = KimiClasses.runs
        for (index, run) in runs.enumerated() {
            let start = Int(run >> 8)
            let end = index + 1 < runs.count ? Int(runs[index + 1] >> 8) : 0x110000
            (table + start).initialize(repeating: UInt8(run & 0xFF), count: end - start)
        }
        kinds = UnsafePointer(table)
    }

    @inline(__always)
    subscript(scalar: UInt32) -> UInt8 { kinds[Int(scalar)] }
}

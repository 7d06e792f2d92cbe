/// A set of Unicode scalar values as sorted ranges, and its bytes.
struct CodePoints: Equatable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>]

    static let all = CodePoints([0...0x10FFFF])
    static let digits = CodePoints([0x30...0x39])
    static let wordCharacters = CodePoints([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    /// White space and line ends of ECMA-262.
    static let space = CodePoints([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    static let lineEnds = CodePoints([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

    init(_ list: [ClosedRange<UInt32>]) {
        ranges = []
        for range in list.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = ranges.last, range.lowerBound <= last.upperBound &+ 1 {
                ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    init(_ scalar: UInt32) { ranges = [scalar...scalar] }

    func union(_ other: CodePoints) -> CodePoints { CodePoints(ranges + other.ranges) }

    var inverted: CodePoints {
        var result: [ClosedRange<UInt32>] = []
        var at: UInt32 = 0
        for range in ranges {
            if range.lowerBound > at { result.append(at...range.lowerBound - 1) }
            at = range.upperBound + 1
        }
        if at <= 0x10FFFF { result.append(at...0x10FFFF) }
        return CodePoints(result)
    }

    func intersection(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
        ranges.compactMap {
            let low = max($0.lowerBound, range.lowerBound)
            let high = min($0.upperBound, range.upperBound)
            return low <= high ? low...high : nil
        }
    }

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    /// The scalars that have a property, found by asking each.
    static func having(_ test: (Unicode.Scalar.Properties) -> Bool) -> CodePoints {
        var list: [ClosedRange<UInt32>] = []
        var start: UInt32?
        for value in UInt32(0)...0x110000 {
            let isIn = Unicode.Scalar(value).map { test($0.properties) } ?? false
            if isIn, start == nil { start = value }
            if !isIn, let first = start {
                list.append(first...value - 1)
                start = nil
            }
        }
        return CodePoints(list)
    }
}

/// How a text is written as bytes.
enum TextForm: Hashable, Sendable {
    /// UTF-8.
    case plain
    /// The inside of a JSON string in its canonical spelling: UTF-8, with escapes only for
    /// quotes, backslashes and control characters.
    case json
}

extension RegexArena {
    /// One character of a set.
    func character(of set: CodePoints, _ form: TextForm) -> ID {
        var parts: [ID] = []
        let special: (UInt32) -> Bool = { form == .json && ($0 < 0x20 || $0 == 0x22 || $0 == 0x5C) }
        var ascii = ByteSet()
        for range in set.intersection(0...0x7F) {
            for value in range {
                if special(value) {
                    parts.append(escape(UInt8(value)))
                } else {
                    ascii.insert(UInt8(value))
                }
            }
        }
        parts.append(bytes(ascii))
        for window: ClosedRange<UInt32> in [
            0x80...0x7FF, 0x800...0xFFF, 0x1000...0xCFFF, 0xD000...0xD7FF, 0xE000...0xFFFF, 0x10000...0x3FFFF,
            0x40000...0xFFFFF, 0x100000...0x10FFFF,
        ] {
            for range in set.intersection(window) { parts.append(encoded(range)) }
        }
        return either(parts)
    }

    /// The escapes of an ASCII character in a JSON string.
    private func escape(_ byte: UInt8) -> ID {
        let short: [UInt8: String] = [
            0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: "\"", 0x5C: "\\",
        ]
        var forms: [ID] = []
        if let letter = short[byte] { forms.append(literal(Array("\\\(letter)".utf8))) }
        if byte < 0x20 {
            let digit = "0123456789abcdef".utf8.map { $0 }[Int(byte & 15)]
            var last = ByteSet([digit])
            if digit >= UInt8(ascii: "a") { last.insert(digit - 32) }
            forms.append(concat([literal(Array("\\u00\(byte >> 4)".utf8)), bytes(last)]))
        }
        return either(forms)
    }

    /// The UTF-8 of a range of scalars whose encodings have equal length.
    ///
    /// Source: Russ Cox, Regular Expression Matching in the Wild (2010), on compiling UTF-8.
    private func encoded(_ range: ClosedRange<UInt32>) -> ID {
        let low = Array(UTF8.encode(Unicode.Scalar(range.lowerBound)!)!)
        let high = Array(UTF8.encode(Unicode.Scalar(range.upperBound)!)!)
        return between(low[...], high[...])
    }

    private func between(_ low: ArraySlice<UInt8>, _ high: ArraySlice<UInt8>) -> ID {
        let a = low.first!
        let b = high.first!
        if low.count == 1 { return bytes(ByteSet(a...b)) }
        let minimum = ArraySlice([UInt8](repeating: 0x80, count: low.count - 1))
        let maximum = ArraySlice([UInt8](repeating: 0xBF, count: low.count - 1))
        if a == b { return concat(bytes(ByteSet([a])), between(low.dropFirst(), high.dropFirst())) }
        var parts: [ID] = []
        var first = a
        var last = b
        if !low.dropFirst().elementsEqual(minimum) {
            parts.append(concat(bytes(ByteSet([a])), between(low.dropFirst(), maximum)))
            first += 1
        }
        if !high.dropFirst().elementsEqual(maximum) {
            parts.append(concat(bytes(ByteSet([b])), between(minimum, high.dropFirst())))
            last -= 1
        }
        if first <= last {
            let tail = (1..<low.count).map { _ in bytes(ByteSet(0x80...0xBF)) }
            parts.append(concat([bytes(ByteSet(first...last))] + tail))
        }
        return either(parts)
    }
}

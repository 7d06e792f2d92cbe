/// A pattern as ECMA-262 writes it, without what no finite automaton can match.
indirect enum RegexSyntax: Equatable {
    case empty
    case set(CodePoints)
    case sequence([RegexSyntax])
    case choice([RegexSyntax])
    case repeated(RegexSyntax, Int, Int)
    case start
    case end

    /// - Throws: A reason: what is unsupported, or what is wrong.
    struct Failure: Error {
        var reason: String
        var isUnsupported = false
    }

    init(parsing pattern: String) throws(Failure) {
        var parser = Parser(scalars: Array(pattern.unicodeScalars.map(\.value)))
        self = try parser.choice(depth: 0)
        guard parser.at == parser.scalars.count else { throw Failure(reason: "`)` without `(`") }
    }
}

private struct Parser {
    typealias Failure = RegexSyntax.Failure
    let scalars: [UInt32]
    var at = 0

    private var next: UInt32? { at < scalars.count ? scalars[at] : nil }

    private func isNext(_ text: String) -> Bool {
        scalars[at...].starts(with: text.unicodeScalars.map(\.value))
    }

    private mutating func take(_ text: String) -> Bool {
        guard isNext(text) else { return false }
        at += text.unicodeScalars.count
        return true
    }

    mutating func choice(depth: Int) throws(Failure) -> RegexSyntax {
        guard depth < 200 else { throw Failure(reason: "groups nested deeper than 200") }
        var parts = [try sequence(depth)]
        while take("|") { parts.append(try sequence(depth)) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence(_ depth: Int) throws(Failure) -> RegexSyntax {
        var parts: [RegexSyntax] = []
        while let scalar = next, scalar != 0x7C, scalar != 0x29 { parts.append(try term(depth)) }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func term(_ depth: Int) throws(Failure) -> RegexSyntax {
        if take("^") { return .start }
        if take("$") { return .end }
        let atom = try atom(depth)
        return try quantified(atom)
    }

    private mutating func quantified(_ atom: RegexSyntax) throws(Failure) -> RegexSyntax {
        let bounds: (Int, Int)
        if take("*") {
            bounds = (0, .max)
        } else if take("+") {
            bounds = (1, .max)
        } else if take("?") {
            bounds = (0, 1)
        } else if let counted = count() {
            bounds = counted
        } else {
            return atom
        }
        _ = take("?")
        guard bounds.0 <= bounds.1 else { throw Failure(reason: "a quantifier counts down") }
        guard bounds.0 <= 100_000 else {
            throw Failure(reason: "more than 100000 repetitions", isUnsupported: true)
        }
        if let scalar = next, scalar == 0x2A || scalar == 0x2B || scalar == 0x3F {
            throw Failure(reason: "nothing to repeat at character \(at)")
        }
        return .repeated(atom, bounds.0, bounds.1)
    }

    /// `{n}`, `{n,}` or `{n,m}`; anything else is plain text, as in browsers.
    private mutating func count() -> (Int, Int)? {
        guard next == 0x7B else { return nil }
        var place = at + 1
        func digits() -> Int? {
            var value: Int?
            while place < scalars.count, (0x30...0x39).contains(scalars[place]) {
                value = min((value ?? 0) * 10 + Int(scalars[place] - 0x30), 1_000_000_000)
                place += 1
            }
            return value
        }
        guard let low = digits(), place < scalars.count else { return nil }
        var high = low
        if scalars[place] == 0x2C {
            place += 1
            high = digits() ?? .max
        }
        guard place < scalars.count, scalars[place] == 0x7D else { return nil }
        at = place + 1
        return (low, high)
    }

    private mutating func atom(_ depth: Int) throws(Failure) -> RegexSyntax {
        let scalar = scalars[at]
        switch scalar {
        case 0x2E:
            at += 1
            return .set(CodePoints.lineEnds.inverted)
        case 0x28: return try group(depth)
        case 0x5B: return .set(try bracket())
        case 0x5C:
            at += 1
            return .set(try escape(inBracket: false))
        case 0x2A, 0x2B, 0x3F: throw Failure(reason: "nothing to repeat at character \(at)")
        default:
            at += 1
            return .set(CodePoints(scalar))
        }
    }

    private mutating func group(_ depth: Int) throws(Failure) -> RegexSyntax {
        at += 1
        if isNext("?=") || isNext("?!") || isNext("?<=") || isNext("?<!") {
            throw Failure(reason: "look-around", isUnsupported: true)
        }
        if take("?<") {
            while let scalar = next, scalar != 0x3E {
                at += 1
                _ = scalar
            }
            guard take(">") else { throw Failure(reason: "a group's name has no end") }
        } else if isNext("?"), !take("?:") {
            throw Failure(reason: "a group with flags", isUnsupported: true)
        }
        let inner = try choice(depth: depth + 1)
        guard take(")") else { throw Failure(reason: "`(` without `)`") }
        return inner
    }

    private mutating func bracket() throws(Failure) -> CodePoints {
        at += 1
        let isInverted = take("^")
        var result = CodePoints([])
        while true {
            guard let scalar = next else { throw Failure(reason: "`[` without `]`") }
            if scalar == 0x5D { break }
            let low = try bracketAtom()
            if next == 0x2D, at + 1 < scalars.count, scalars[at + 1] != 0x5D {
                at += 1
                let high = try bracketAtom()
                guard let a = low.single, let b = high.single else {
                    result = result.union(low).union(high).union(CodePoints(0x2D))
                    continue
                }
                guard a <= b else { throw Failure(reason: "a range in [] runs backwards") }
                result = result.union(CodePoints([a...b]))
            } else {
                result = result.union(low)
            }
        }
        at += 1
        return isInverted ? result.inverted : result
    }

    private mutating func bracketAtom() throws(Failure) -> CodePoints {
        let scalar = scalars[at]
        at += 1
        return scalar == 0x5C ? try escape(inBracket: true) : CodePoints(scalar)
    }

    private mutating func escape(inBracket: Bool) throws(Failure) -> CodePoints {
        guard let scalar = next else { throw Failure(reason: "a backslash at the end") }
        at += 1
        switch scalar {
        case 0x64: return .digits
        case 0x44: return CodePoints.digits.inverted
        case 0x77: return .wordCharacters
        case 0x57: return CodePoints.wordCharacters.inverted
        case 0x73: return .space
        case 0x53: return CodePoints.space.inverted
        case 0x6E: return CodePoints(0x0A)
        case 0x72: return CodePoints(0x0D)
        case 0x74: return CodePoints(0x09)
        case 0x76: return CodePoints(0x0B)
        case 0x66: return CodePoints(0x0C)
        case 0x62 where inBracket: return CodePoints(0x08)
        case 0x62, 0x42: throw Failure(reason: "word boundaries", isUnsupported: true)
        case 0x30 where next.map { !(0x30...0x39).contains($0) } ?? true: return CodePoints(0)
        case 0x30...0x39:
            throw Failure(reason: inBracket ? "octal escapes" : "references to groups", isUnsupported: true)
        case 0x6B where isNext("<"): throw Failure(reason: "references to groups", isUnsupported: true)
        case 0x63:
            guard let letter = next, (0x41...0x5A).contains(letter & ~0x20) else {
                throw Failure(reason: "\\c without a letter")
            }
            at += 1
            return CodePoints(letter & 31)
        case 0x78: return CodePoints(try hex(2))
        case 0x75: return CodePoints(try unicode())
        case 0x70, 0x50: return try property(isInverted: scalar == 0x50)
        default:
            guard !(0x41...0x5A).contains(scalar & ~0x20) else {
                throw Failure(
                    reason: "the escape \\\(Character(Unicode.Scalar(scalar)!))", isUnsupported: true)
            }
            return CodePoints(scalar)
        }
    }

    private mutating func hex(_ count: Int) throws(Failure) -> UInt32 {
        guard at + count <= scalars.count else { throw Failure(reason: "a hexadecimal escape is cut off") }
        let text = String(
            String.UnicodeScalarView(scalars[at..<at + count].compactMap { Unicode.Scalar($0) }))
        guard text.first != "+", text.first != "-", let value = UInt32(text, radix: 16) else {
            throw Failure(reason: "a hexadecimal escape without digits")
        }
        at += count
        return value
    }

    private mutating func unicode() throws(Failure) -> UInt32 {
        if take("{") {
            var place = at
            while place < scalars.count, scalars[place] != 0x7D { place += 1 }
            let value = try hex(place - at)
            guard take("}"), value <= 0x10FFFF else { throw Failure(reason: "\\u{} beyond 10FFFF") }
            return value
        }
        let high = try hex(4)
        guard (0xD800..<0xDC00).contains(high), take("\\u") else { return high }
        let low = try hex(4)
        guard (0xDC00..<0xE000).contains(low) else { throw Failure(reason: "half of a surrogate pair") }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func property(isInverted: Bool) throws(Failure) -> CodePoints {
        guard take("{") else { throw Failure(reason: "\\p without {}") }
        var name = ""
        while let scalar = next, scalar != 0x7D {
            name.unicodeScalars.append(Unicode.Scalar(scalar) ?? "?")
            at += 1
        }
        guard take("}") else { throw Failure(reason: "\\p{ without }") }
        guard let set = CodePoints.property(name) else {
            throw Failure(reason: "\\p{\(name)}", isUnsupported: true)
        }
        return isInverted ? set.inverted : set
    }
}

extension CodePoints {
    fileprivate var single: UInt32? {
        ranges.count == 1 && ranges[0].count == 1 ? ranges[0].lowerBound : nil
    }

    /// General categories by their short and long names, and the three common binary properties.
    static func property(_ name: String) -> CodePoints? {
        var name = name
        for prefix in ["General_Category=", "gc="] where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
        }
        let categories: [String: [Unicode.GeneralCategory]] = [
            "L": [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter],
            "Lu": [.uppercaseLetter], "Ll": [.lowercaseLetter], "Lt": [.titlecaseLetter],
            "Lm": [.modifierLetter], "Lo": [.otherLetter],
            "M": [.nonspacingMark, .spacingMark, .enclosingMark], "Mn": [.nonspacingMark],
            "Mc": [.spacingMark],
            "Me": [.enclosingMark], "N": [.decimalNumber, .letterNumber, .otherNumber],
            "Nd": [.decimalNumber],
            "Nl": [.letterNumber], "No": [.otherNumber],
            "P": [
                .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
                .initialPunctuation, .finalPunctuation, .otherPunctuation,
            ],
            "Pd": [.dashPunctuation], "Ps": [.openPunctuation], "Pe": [.closePunctuation],
            "Pc": [.connectorPunctuation], "Po": [.otherPunctuation], "Pi": [.initialPunctuation],
            "Pf": [.finalPunctuation],
            "S": [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol], "Sm": [.mathSymbol],
            "Sc": [.currencySymbol], "Sk": [.modifierSymbol], "So": [.otherSymbol],
            "Z": [.spaceSeparator, .lineSeparator, .paragraphSeparator], "Zs": [.spaceSeparator],
            "Zl": [.lineSeparator], "Zp": [.paragraphSeparator], "Cc": [.control], "Cf": [.format],
        ]
        let long = [
            "Letter": "L", "Lowercase_Letter": "Ll", "Uppercase_Letter": "Lu", "Number": "N",
            "Decimal_Number": "Nd", "digit": "Nd", "Punctuation": "P", "punct": "P", "Symbol": "S",
            "Separator": "Z", "Mark": "M", "Control": "Cc", "cntrl": "Cc",
        ]
        if let list = categories[long[name] ?? name] { return having { list.contains($0.generalCategory) } }
        switch name {
        case "Alphabetic", "Alpha": return having { $0.isAlphabetic }
        case "Uppercase", "Upper": return having { $0.isUppercase }
        case "Lowercase", "Lower": return having { $0.isLowercase }
        case "White_Space", "space": return having { $0.isWhitespace }
        case "Any": return .all
        case "ASCII": return CodePoints([0...0x7F])
        default: return nil
        }
    }
}

import Documents

/// What libxml2's HTML parser gets to see: the same page without what it handles badly.
///
/// libxml2 2.9.14 needs quadratic time for a tag with many attributes, keeps comments and
/// attributes of any length in memory, and scans again and again for the ends of scripts.
/// So comments, scripts and styles are dropped here, tags keep the attributes that are
/// asked for, cut to a length, end tags of what was never opened fall away, and a `<` or
/// `&` that begins nothing is written as an entity. One pass, constant memory, any cuts.
struct HTMLTagFilter {
    static let maxValueBytes = 4096
    /// Open elements, those not counted that close by themselves.
    static let maxDepth = 1_500

    private enum State {
        case text
        case ampersand
        case opened
        case openedEnd
        case markup(dashes: Int)
        case comment(dashes: Int)
        case bogus
        case tagName
        case endName
        case endRest
        case beforeAttribute
        case attributeName
        case afterAttribute
        case beforeValue
        case value(quote: UInt8)
        /// Text of an element that holds no tags: up to its end tag.
        case raw(matched: Int)
    }

    private var state = State.text
    private var name: [UInt8] = []
    private var attribute: [UInt8] = []
    private var value: [UInt8] = []
    private var kept: [(name: [UInt8], value: [UInt8])] = []
    private var rawName: [UInt8] = []
    private var isRawDropped = false
    private var openCounts: [[UInt8]: Int] = [:]
    private var depth = 0

    /// Noncharacters in the place of a `<` and `&` that are text: as entities they would
    /// reach libxml2's slow path, one call each. `restored` makes them characters again.
    private static let less: [UInt8] = [0xEF, 0xB7, 0x90]
    private static let ampersand: [UInt8] = [0xEF, 0xB7, 0x91]

    /// Text from the parser with the characters back; nil if there is nothing to do.
    static func restored(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard var found = text.firstOffset(of: 0xEF) else { return nil }
        var result: [UInt8] = []
        var start = 0
        while true {
            if found + 2 < text.count, text[found + 1] == 0xB7,
                text[found + 2] == 0x90 || text[found + 2] == 0x91
            {
                result.append(contentsOf: text.slice(start..<found))
                result.append(text[found + 2] == 0x90 ? 0x3C : 0x26)
                start = found + 3
            }
            guard let next = text.firstOffset(of: 0xEF, from: found + 1) else { break }
            found = next
        }
        if start == 0 { return nil }
        result.append(contentsOf: text.slice(start..<text.count))
        return result
    }

    private static let wanted: [[UInt8]] = ["href", "alt", "style", "class", "hidden"].map { Array($0.utf8) }
    private enum Kind {
        case droppedRaw, keptRaw, void
        /// People leave out its end tag.
        case selfClosing
    }
    private static let kinds: [[UInt8]: Kind] = {
        var kinds: [[UInt8]: Kind] = [:]
        func add(_ kind: Kind, _ names: [String]) { for name in names { kinds[Array(name.utf8)] = kind } }
        add(.droppedRaw, ["script", "style", "iframe", "noembed"])
        add(.keptRaw, ["title", "textarea", "xmp"])
        add(
            .void,
            [
                "br", "img", "hr", "input", "meta", "link", "base", "col", "area", "wbr", "embed", "param",
                "source", "frame",
            ])
        add(
            .selfClosing,
            ["p", "li", "dt", "dd", "tr", "td", "th", "option", "tbody", "thead", "tfoot", "colgroup"])
        return kinds
    }()

    /// Filters what comes next.
    mutating func append(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch state {
            case .text:
                var end = index
                while end < bytes.count, bytes[end] != 0x3C, bytes[end] != 0x26, bytes[end] != 0 { end += 1 }
                if end > index { output.append(contentsOf: bytes.slice(index..<end)) }
                if end < bytes.count {
                    if bytes[end] == 0x3C {
                        state = .opened
                    } else if bytes[end] == 0x26 {
                        state = .ampersand
                    }
                    end += 1
                }
                index = end
                continue
            case .ampersand:
                let isName = (0x61...0x7A).contains(lowercaseASCII(byte)) || byte == 0x23
                output += isName ? [0x26] : Self.ampersand
                state = .text
                continue
            case .opened:
                if (0x61...0x7A).contains(lowercaseASCII(byte)) {
                    name.removeAll(keepingCapacity: true)
                    kept.removeAll(keepingCapacity: true)
                    state = .tagName
                    continue
                }
                switch byte {
                case 0x2F: state = .openedEnd
                case 0x21: state = .markup(dashes: 0)
                case 0x3F: state = .bogus
                default:
                    output += Self.less
                    state = .text
                    continue
                }
            case .openedEnd:
                name.removeAll(keepingCapacity: true)
                state = (0x61...0x7A).contains(lowercaseASCII(byte)) ? .endName : .bogus
                continue
            case .markup(let dashes):
                if byte == 0x2D {
                    state = dashes == 1 ? .comment(dashes: 0) : .markup(dashes: 1)
                } else {
                    state = .bogus
                    continue
                }
            case .comment(let dashes):
                switch byte {
                case 0x2D: state = .comment(dashes: min(dashes + 1, 2))
                case 0x3E where dashes == 2: state = .text
                default: state = .comment(dashes: 0)
                }
            case .bogus:
                if byte == 0x3E { state = .text }
            case .tagName:
                if isSpace(byte) || byte == 0x2F || byte == 0x3E {
                    state = .beforeAttribute
                    continue
                }
                if name.count < 64 { name.append(lowercaseASCII(byte)) }
            case .endName:
                if isSpace(byte) || byte == 0x2F || byte == 0x3E {
                    state = .endRest
                    continue
                }
                if name.count < 64 { name.append(lowercaseASCII(byte)) }
            case .endRest:
                if byte == 0x3E {
                    state = .text
                    writeEnd(into: &output)
                }
            case .beforeAttribute:
                if byte == 0x3E {
                    state = .text
                    writeStart(into: &output)
                } else if !isSpace(byte), byte != 0x2F {
                    attribute.removeAll(keepingCapacity: true)
                    value.removeAll(keepingCapacity: true)
                    state = .attributeName
                    continue
                }
            case .attributeName:
                if byte == 0x3D, !attribute.isEmpty {
                    state = .beforeValue
                } else if isSpace(byte) {
                    state = .afterAttribute
                } else if byte == 0x3E || byte == 0x2F {
                    keepAttribute()
                    state = .beforeAttribute
                    continue
                } else if attribute.count < 16 {
                    attribute.append(lowercaseASCII(byte))
                }
            case .afterAttribute:
                if byte == 0x3D {
                    state = .beforeValue
                } else if !isSpace(byte) {
                    keepAttribute()
                    state = .beforeAttribute
                    continue
                }
            case .beforeValue:
                if byte == 0x22 || byte == 0x27 {
                    state = .value(quote: byte)
                } else if byte == 0x3E {
                    keepAttribute()
                    state = .beforeAttribute
                    continue
                } else if !isSpace(byte) {
                    state = .value(quote: 0)
                    continue
                }
            case .value(let quote):
                let isEnd = quote == 0 ? isSpace(byte) || byte == 0x3E : byte == quote
                if isEnd {
                    keepAttribute()
                    state = .beforeAttribute
                    if byte == 0x3E, quote == 0 { continue }
                } else if value.count < Self.maxValueBytes, byte != 0 {
                    value.append(byte)
                }
            case .raw(let matched):
                let next = skipRaw(bytes, from: index, matched: matched, into: &output)
                index = next
                continue
            }
            index += 1
        }
    }

    /// Whether the end of a page leaves a byte unwritten that was held back.
    mutating func finish(into output: inout [UInt8]) {
        switch state {
        case .ampersand: output += Self.ampersand
        case .opened: output += Self.less
        default: break
        }
        state = .text
    }

    /// Passes over the text of a raw element; `</name` ends it.
    private mutating func skipRaw(
        _ bytes: UnsafeRawBufferPointer, from start: Int, matched: Int, into output: inout [UInt8]
    ) -> Int {
        var index = start
        var matched = matched
        while index < bytes.count {
            let byte = bytes[index]
            if matched == rawName.count + 2 {
                if isSpace(byte) || byte == 0x2F || byte == 0x3E {
                    name = rawName
                    state = .endRest
                    return index
                }
                giveUpMatch(matched, &output)
                matched = 0
                continue
            }
            let expected: UInt8 = matched == 0 ? 0x3C : matched == 1 ? 0x2F : rawName[matched - 2]
            if lowercaseASCII(byte) == expected {
                matched += 1
                index += 1
            } else if matched > 0 {
                giveUpMatch(matched, &output)
                matched = 0
            } else {
                var end = index
                while end < bytes.count, bytes[end] != 0x3C { end += 1 }
                if !isRawDropped {
                    for byte in bytes[index..<end] where byte != 0 { output.append(byte) }
                }
                index = end
            }
        }
        state = .raw(matched: matched)
        return index
    }

    private func giveUpMatch(_ matched: Int, _ output: inout [UInt8]) {
        if isRawDropped { return }
        output += Self.less
        if matched > 1 { output.append(0x2F) }
        if matched > 2 { output += rawName.prefix(matched - 2) }
    }

    private mutating func keepAttribute() {
        guard Self.wanted.contains(attribute), !kept.contains(where: { $0.name == attribute }) else { return }
        kept.append((attribute, value))
    }

    private mutating func writeStart(into output: inout [UInt8]) {
        let kind = Self.kinds[name]
        if kind == .droppedRaw {
            rawName = name
            isRawDropped = true
            state = .raw(matched: 0)
            return
        }
        if kind != .void {
            let closesItself = kind == .selfClosing
            if !closesItself, depth >= Self.maxDepth { return }
            guard openCounts[name] != nil || openCounts.count < 4096 else { return }
            openCounts[name, default: 0] += 1
            if !closesItself { depth += 1 }
        }
        output.append(0x3C)
        output += name
        for (name, value) in kept {
            output.append(0x20)
            output += name
            output += "=\"".utf8
            for byte in value {
                switch byte {
                case 0x22: output += "&quot;".utf8
                case 0x3C: output += "&lt;".utf8
                default: output.append(byte)
                }
            }
            output.append(0x22)
        }
        output.append(0x3E)
        if kind == .keptRaw {
            rawName = name
            isRawDropped = false
            state = .raw(matched: 0)
        }
    }

    private mutating func writeEnd(into output: inout [UInt8]) {
        if isRawDropped, name == rawName {
            isRawDropped = false
            rawName = []
            return
        }
        if name == Array("br".utf8) {
            output += "<br>".utf8
            return
        }
        guard let count = openCounts[name], count > 0 else { return }
        openCounts[name] = count - 1
        if Self.kinds[name] != .selfClosing { depth -= 1 }
        output += "</".utf8
        output += name
        output.append(0x3E)
    }
}

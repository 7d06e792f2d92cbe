/// What libxml2's XML parser gets to see: the same document without what holds no text and
/// what it handles badly.
///
/// libxml2 2.9.14 needs quadratic time for a tag with many attributes and ends at 10 MB of
/// one comment, attribute or CDATA section. So attributes, comments and processing
/// instructions are dropped here (none of them is text; `break="no"` alone is kept, which says that a word goes
/// on), and CDATA is written as text. A `]]>` in
/// text, which XML forbids, would cost it what its buffer held before: there `>` is written as a
/// reference. Behind anything that is broken it reads references by number only: `&amp;` and its
/// like are written so. The document type declaration passes as it is. One pass, constant memory,
/// any cuts.
struct XMLTagFilter {
    static let maxNameBytes = 1024
    /// Text between tags that is shorter goes along with them: a call of the parser costs as much.
    private static let longText = 64

    private enum State {
        case text
        case opened
        case name
        case attributes(quote: UInt8, isSlashBefore: Bool)
        /// After `<!`, with what is known of the word that follows.
        case declaration
        case comment(dashes: Int)
        case instruction(isQuestion: Bool)
        case cdata(brackets: Int)
        case documentType(quote: UInt8)
    }

    private var state = State.text
    private var held: [UInt8] = []
    private var wordBreak = WordBreak()
    private var nameBytes = 0
    private var brackets = 0
    /// How many `]` stood last in the text that the parser saw, at most two.
    private var closing = 0
    /// What came behind an `&` in text, while it may be a name of `numbers`.
    private var reference: [UInt8]?
    /// Comments and instructions inside a document type lead back to it.
    private var isInDocumentType = false

    private static let cdataStart = Array("[CDATA[".utf8)
    private static let inWord = Array(" break='no'".utf8)
    private static let ampersand = Array("&#38;".utf8)
    private static let less = Array("&#60;".utf8)
    private static let greater = Array("&#62;".utf8)
    /// References of XML's own by name, behind their `&`, and by number.
    private static let numbers: [(name: [UInt8], number: [UInt8])] = [
        (Array("amp;".utf8), Array("#38;".utf8)), (Array("lt;".utf8), Array("#60;".utf8)),
        (Array("gt;".utf8), Array("#62;".utf8)), (Array("quot;".utf8), Array("#34;".utf8)),
        (Array("apos;".utf8), Array("#39;".utf8)),
    ]

    /// Follows the attributes of a tag to one that is `break="no"`.
    private struct WordBreak {
        private static let name = Array("break".utf8)
        private static let value = Array("no".utf8)

        private enum Step {
            /// Bytes of the name that are there.
            case name(Int)
            case equals
            /// Bytes of the value that are there.
            case value(Int)
            /// In another attribute.
            case other
        }

        private var step = Step.name(0)
        private(set) var isFound = false

        /// - Parameter quote: What the value ends with that the byte stands in; 0 outside of one.
        mutating func take(_ byte: UInt8, quote: UInt8) {
            switch step {
            case .other:
                if quote == 0, isSpace(byte) { step = .name(0) }
            case .name(let count):
                if isSpace(byte) {
                    if count < Self.name.count { step = .name(0) }
                } else if count < Self.name.count {
                    step = byte == Self.name[count] ? .name(count + 1) : .other
                } else {
                    step = byte == 0x3D ? .equals : .other
                }
            case .equals:
                if byte == 0x22 || byte == 0x27 { step = .value(0) } else if !isSpace(byte) { step = .other }
            case .value(let count):
                if count == Self.value.count, byte == quote {
                    isFound = true
                    step = .other
                } else {
                    step = count < Self.value.count && byte == Self.value[count] ? .value(count + 1) : .other
                }
            }
        }
    }

    private var home: State { isInDocumentType ? .documentType(quote: 0) : .text }

    /// Filters from `index` on, as far as the next long stretch of text between two tags.
    ///
    /// - Returns: That stretch, which is not in the output; nil where the bytes ended before one.
    mutating func append(_ bytes: UnsafeRawBufferPointer, from index: inout Int, into output: inout [UInt8])
        -> Range<Int>?
    {
        while index < bytes.count {
            let byte = bytes[index]
            switch state {
            case .text:
                let end = bytes.firstOffset(of: 0x3C, from: index) ?? bytes.count
                let text = index..<end
                index = end
                if end < bytes.count {
                    state = .opened
                    index += 1
                }
                if text.count >= Self.longText { return text }
                append(text: bytes.slice(text), to: &output)
                if case .opened = state { closing = 0 }
                continue
            case .opened:
                endReference(into: &output)
                held.removeAll(keepingCapacity: true)
                switch byte {
                case 0x21: state = .declaration
                case 0x3F: state = .instruction(isQuestion: false)
                default:
                    if isInDocumentType {
                        output.append(0x3C)
                        state = .documentType(quote: 0)
                        continue
                    }
                    output.append(0x3C)
                    nameBytes = 0
                    state = .name
                    continue
                }
            case .name:
                if isSpace(byte) {
                    state = .attributes(quote: 0, isSlashBefore: false)
                    wordBreak = WordBreak()
                } else if byte == 0x3E {
                    output.append(byte)
                    state = .text
                } else {
                    var end = index + 1
                    while end < bytes.count, !isSpace(bytes[end]), bytes[end] != 0x3E { end += 1 }
                    appendName(bytes.slice(index..<end), into: &output)
                    index = end
                    continue
                }
            case .attributes(let quote, let isSlashBefore):
                wordBreak.take(byte, quote: quote)
                if quote != 0 {
                    if byte == quote { state = .attributes(quote: 0, isSlashBefore: false) }
                } else if byte == 0x22 || byte == 0x27 {
                    state = .attributes(quote: byte, isSlashBefore: false)
                } else if byte == 0x3E {
                    if wordBreak.isFound { output += Self.inWord }
                    if isSlashBefore { output.append(0x2F) }
                    output.append(byte)
                    state = .text
                } else {
                    state = .attributes(quote: 0, isSlashBefore: byte == 0x2F)
                }
            case .declaration:
                held.append(byte)
                if held.starts(with: [0x2D, 0x2D]) {
                    state = .comment(dashes: 0)
                } else if !isInDocumentType, held == Self.cdataStart {
                    state = .cdata(brackets: 0)
                } else if !(held == [0x2D] || (!isInDocumentType && Self.cdataStart.starts(with: held))) {
                    output += [0x3C, 0x21]
                    output += held.dropLast()
                    if !isInDocumentType {
                        isInDocumentType = true
                        brackets = 0
                    }
                    state = .documentType(quote: 0)
                    continue
                }
            case .comment(let dashes):
                switch byte {
                case 0x2D: state = .comment(dashes: min(dashes + 1, 2))
                case 0x3E where dashes == 2: state = home
                default: state = .comment(dashes: 0)
                }
            case .instruction(let isQuestion):
                if byte == 0x3E, isQuestion {
                    state = home
                } else {
                    state = .instruction(isQuestion: byte == 0x3F)
                }
            case .cdata(let brackets):
                switch byte {
                case 0x5D:
                    if brackets == 2 { output.append(0x5D) } else { state = .cdata(brackets: brackets + 1) }
                case 0x3E where brackets == 2:
                    state = .text
                    closing = 2  // as its text may end
                default:
                    for _ in 0..<brackets { output.append(0x5D) }
                    if brackets > 0 { state = .cdata(brackets: 0) }
                    switch byte {
                    case 0x26: output += Self.ampersand
                    case 0x3C: output += Self.less
                    case 0x3E: output += Self.greater
                    default: output.append(byte)
                    }
                }
            case .documentType(let quote):
                if quote != 0 {
                    if byte == quote { state = .documentType(quote: 0) }
                } else {
                    switch byte {
                    case 0x22, 0x27: state = .documentType(quote: byte)
                    case 0x5B: brackets += 1
                    case 0x5D: brackets -= 1
                    case 0x3C:
                        state = .opened
                        index += 1
                        continue
                    case 0x3E where brackets <= 0:
                        isInDocumentType = false
                        state = .text
                    default: break
                    }
                }
                output.append(byte)
            }
            index += 1
        }
        return nil
    }

    /// Text between tags as the parser should see it.
    mutating func append(text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var rest = takeReference(text, into: &output)
        while let mark = rest.firstOffset(of: 0x26) {
            append(plain: rest.slice(0..<mark + 1), to: &output)
            if let known = Self.numbers.first(where: { rest.begins(with: $0.name, at: mark + 1) }) {
                output += known.number
                rest = rest.slice(mark + 1 + known.name.count..<rest.count)
            } else {  // it may be cut
                reference = []
                rest = takeReference(rest.slice(mark + 1..<rest.count), into: &output)
            }
        }
        append(plain: rest, to: &output)
    }

    /// Goes on with a reference that may be one of `numbers`.
    ///
    /// - Returns: What stands behind it.
    private mutating func takeReference(_ text: UnsafeRawBufferPointer, into output: inout [UInt8])
        -> UnsafeRawBufferPointer
    {
        guard var name = reference else { return text }
        var index = 0
        while index < text.count {
            name.append(text[index])
            guard let known = Self.numbers.first(where: { $0.name.starts(with: name) }) else {
                endReference(into: &output)
                break
            }
            reference = name
            index += 1
            if known.name.count == name.count {
                output += known.number
                reference = nil
                break
            }
        }
        return text.slice(index..<text.count)
    }

    private mutating func endReference(into output: inout [UInt8]) {
        if let name = reference { output += name }
        reference = nil
    }

    private mutating func append(plain text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard !text.isEmpty else { return }
        var start = 0
        while let end = text.firstOffset(of: 0x3E, from: start) {
            output.append(contentsOf: text.slice(start..<end))
            let isMisplaced = closingBrackets(before: end, in: text) == 2
            output.append(contentsOf: isMisplaced ? Self.greater : [0x3E])
            closing = 0
            start = end + 1
        }
        output.append(contentsOf: text.slice(start..<text.count))
        closing = closingBrackets(before: text.count, in: text)
    }

    private func closingBrackets(before end: Int, in text: UnsafeRawBufferPointer) -> Int {
        var start = end
        while start > 0, end - start < 2, text[start - 1] == 0x5D { start -= 1 }
        return start == 0 ? min(2, closing + end) : end - start
    }

    /// Names only have to match: without prefixes there is none to be declared.
    private mutating func appendName(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        if nameBytes + bytes.count <= Self.maxNameBytes, bytes.firstOffset(of: 0x3A) == nil {
            nameBytes += bytes.count
            return output.append(contentsOf: bytes)
        }
        for byte in bytes {
            nameBytes += 1
            if nameBytes <= Self.maxNameBytes || byte == 0x2F { output.append(byte == 0x3A ? 0x2E : byte) }
        }
    }
}

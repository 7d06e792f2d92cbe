/// What libxml2's XML parser gets to see: the same document without what holds no text and
/// what it handles badly.
///
/// libxml2 2.9.14 needs quadratic time for a tag with many attributes and ends at 10 MB of
/// one comment, attribute or CDATA section. So attributes, comments and processing
/// instructions are dropped here (none of them is text), and CDATA is written as text. The
/// document type declaration passes as it is. One pass, constant memory, any cuts.
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
    private var nameBytes = 0
    private var brackets = 0
    /// Comments and instructions inside a document type lead back to it.
    private var isInDocumentType = false

    private static let cdataStart = Array("[CDATA[".utf8)
    private static let ampersand = Array("&amp;".utf8)
    private static let less = Array("&lt;".utf8)
    private static let greater = Array("&gt;".utf8)

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
                output.append(contentsOf: bytes.slice(text))
                continue
            case .opened:
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
                if quote != 0 {
                    if byte == quote { state = .attributes(quote: 0, isSlashBefore: false) }
                } else if byte == 0x22 || byte == 0x27 {
                    state = .attributes(quote: byte, isSlashBefore: false)
                } else if byte == 0x3E {
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
                case 0x3E where brackets == 2: state = .text
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

import Documents

/// RTF to text: what stands in the document's body, its notes, headers and footers.
///
/// Paragraphs are lines, cells are parted by tabs. Bytes are of the charset of their font,
/// or of the document's code page; `\u` characters are taken before their substitutes.
/// Hidden text is left out as Word shows it. HTML that Outlook packed into RTF comes out
/// again as HTML.
struct RTFText {
    private struct Group {
        var isSkipped = false
        /// `\v`: shown only where Word shows hidden text.
        var isHidden = false
        var codePage = 1252
        /// Bytes that stand for a `\u` character where it is not known.
        var substitutes = 1
        var isHTMLTag = false
        var isHiddenRTF = false
        var infoField: String?
    }

    /// Groups inside groups; deeper ones are passed over.
    private static let maxDepth = 1_000

    private(set) var output: [UInt8] = []
    private(set) var metadata: [MetadataField] = []
    /// Whether `output` is HTML.
    private(set) var isHTML = false
    /// Whether every group was closed.
    private(set) var isWhole = false
    private(set) var isTooDeep = false

    private var groups: [Group] = []
    private var group = Group()
    private var fonts: [Int: Int] = [:]
    private var fontBeingDefined: Int?
    private var documentCodePage = 1252
    private var pending: [UInt8] = []
    private var pendingCodePage = 1252
    private var infoValue: [UInt8] = []
    private var skippedSubstitutes = 0
    private var highSurrogate: UInt32?
    private var isStarred = false
    private var isFontTable = false

    init(_ bytes: UnsafeRawBufferPointer) {
        read(bytes)
        flush()
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case 0x7B:
                flush()
                index += 1
                isStarred = false
                if groups.count >= Self.maxDepth {
                    isTooDeep = true
                    return
                }
                groups.append(group)
            case 0x7D:
                flush()
                index += 1
                closeGroup()
                if groups.isEmpty {
                    isWhole = true
                    return
                }
            case 0x5C: index = control(bytes, at: index + 1)
            case 0x0A, 0x0D, 0: index += 1
            default:
                var end = index + 1
                while end < bytes.count, !Self.isSyntax(bytes[end]) { end += 1 }
                if skippedSubstitutes > 0 {
                    let skipped = min(skippedSubstitutes, end - index)
                    skippedSubstitutes -= skipped
                    index += skipped
                }
                for position in index..<end { add(bytes[position]) }
                index = end
            }
        }
    }

    private static func isSyntax(_ byte: UInt8) -> Bool {
        byte == 0x7B || byte == 0x7D || byte == 0x5C || byte == 0x0A || byte == 0x0D || byte == 0
    }

    private mutating func closeGroup() {
        if let field = group.infoField, groups.last?.infoField == "" {
            let text = String(decoding: HeaderText.collapse(infoValue), as: UTF8.self)
            if !text.isEmpty { metadata.append(MetadataField(name: field, value: text)) }
            infoValue = []
        }
        if let outer = groups.popLast() { group = outer }
        skippedSubstitutes = 0
    }

    // MARK: Control words

    private mutating func control(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        guard start < bytes.count else { return start }
        let first = lowercaseASCII(bytes[start])
        guard first >= 0x61, first <= 0x7A else { return symbol(bytes, at: start) }
        var end = start
        while end < bytes.count, (0x61...0x7A).contains(lowercaseASCII(bytes[end])), end - start < 40 {
            end += 1
        }
        let word = String(decoding: bytes[start..<end], as: UTF8.self)
        var number: Int?
        var isNegative = false
        if end < bytes.count, bytes[end] == 0x2D {
            isNegative = true
            end += 1
        }
        while end < bytes.count, (0x30...0x39).contains(bytes[end]) {
            number = min((number ?? 0) * 10 + Int(bytes[end] - 0x30), 1 << 40)
            end += 1
        }
        if isNegative { number = number.map { -$0 } }
        if end < bytes.count, bytes[end] == 0x20 { end += 1 }
        if word == "bin" { return min(bytes.count, end + max(0, number ?? 0)) }
        if skippedSubstitutes > 0 {
            skippedSubstitutes -= 1
            return end
        }
        apply(word, number)
        return end
    }

    private mutating func symbol(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        let byte = bytes[start]
        if byte == 0x27 {
            guard start + 2 < bytes.count, let high = Hex.value(bytes[start + 1]),
                let low = Hex.value(bytes[start + 2])
            else { return start + 1 }
            if skippedSubstitutes > 0 { skippedSubstitutes -= 1 } else { add(high << 4 | low) }
            return start + 3
        }
        if skippedSubstitutes > 0 {
            skippedSubstitutes -= 1
            return start + 1
        }
        switch byte {
        case 0x2A: isStarred = true
        case 0x7E: addText("\u{A0}")
        case 0x5F: addText("\u{2011}")
        case 0x2D: break
        case 0x5C, 0x7B, 0x7D: add(byte)
        case 0x0A, 0x0D: addText("\n")
        default: break
        }
        return start + 1
    }

    /// Groups whose content is no text of the document.
    private static let destinations: Set<String> = [
        "colortbl", "stylesheet", "pict", "object", "objdata", "fldinst", "listtable", "listoverridetable",
        "rsidtbl", "generator", "themedata", "colorschememapping", "datastore", "latentstyles", "xmlnstbl",
        "filetbl", "revtbl", "mmathPr", "nonshppict", "bkmkstart", "bkmkend", "pgdsctbl", "template",
        "private", "xe", "tc", "nextfile", "passwordhash", "objclass", "objname", "userprops", "listpicture",
        "shpinst", "sn", "sv", "sp", "atnid", "atrfstart", "atrfend", "atndate", "atnref", "picprop",
        "blipuid",
        "falt", "panose", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn", "keycode",
        "wgrffmtfilter",
    ]
    private static let readDestinations: Set<String> = [
        "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf", "footnote",
        "annotation", "fldrslt", "shptxt", "shprslt", "shp", "pntext", "listtext", "pn", "pnseclvl", "upr",
        "ud",
        "pntxtb", "pntxta", "result", "shppict", "formfield", "htmltag", "mhtmltag", "atnauthor",
    ]

    private mutating func apply(_ word: String, _ number: Int?) {
        let wasStarred = isStarred
        isStarred = false
        if wasStarred && !["htmltag", "shppict", "ud", "shpinst", "listtext", "pntext"].contains(word) {
            flush()
            group.isSkipped = true
            return
        }
        switch word {
        case "par", "line", "row", "sect", "page":
            if group.infoField == nil { addText("\n") }
        case "tab", "cell", "nestcell": addText("\t")
        case "nestrow": addText("\n")
        case "u": if let number { addUnicode(number) }
        case "uc": group.substitutes = min(max(number ?? 1, 0), 100)
        case "emdash": addText("\u{2014}")
        case "endash": addText("\u{2013}")
        case "lquote": addText("\u{2018}")
        case "rquote": addText("\u{2019}")
        case "ldblquote": addText("\u{201C}")
        case "rdblquote": addText("\u{201D}")
        case "bullet": addText("\u{2022}")
        case "emspace", "enspace", "qmspace": addText(" ")
        case "ansicpg":
            if let number, number > 0 {
                documentCodePage = number
                setCodePage(number)
            }
        case "mac": setDocument(10_000)
        case "pc": setDocument(437)
        case "pca": setDocument(850)
        case "fonttbl":
            flush()
            isFontTable = true
            group.isSkipped = true
            group.infoField = nil
        case "f":
            if group.isSkipped {
                fontBeingDefined = number
            } else if let number {
                setCodePage(fonts[number] ?? documentCodePage)
            }
        case "fcharset":
            if group.isSkipped, let font = fontBeingDefined, let number, fonts.count < 10_000 {
                if let page = Self.codePages[number] { fonts[font] = page }
            }
        case "plain": setCodePage(documentCodePage)
        case "title", "author", "subject", "company":
            if group.infoField == "" {
                group.infoField = word == "author" ? "from" : word
                infoValue = []
            }
        case "info":
            flush()
            group.infoField = ""
        case "fromhtml": isHTML = number != 0
        case "htmltag", "mhtmltag":
            flush()
            group.isHTMLTag = word == "htmltag"
            group.isSkipped = word == "mhtmltag"
        case "htmlrtf":
            flush()
            group.isHiddenRTF = number != 0
        case "v":
            flush()
            group.isHidden = number != 0
        default:
            if Self.destinations.contains(word) {
                flush()
                group.isSkipped = true
            } else if Self.readDestinations.contains(word), word.hasPrefix("foot") || word.hasPrefix("head") {
                addText("\n")
            }
        }
    }

    private mutating func setDocument(_ page: Int) {
        documentCodePage = page
        setCodePage(page)
    }

    private mutating func setCodePage(_ page: Int) {
        if page != group.codePage { flush() }
        group.codePage = page
    }

    private static let codePages: [Int: Int] = [
        0: 1252, 77: 10_000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254,
        163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
    ]

    // MARK: Characters

    private var isDropped: Bool {
        group.isSkipped || group.isHidden || group.infoField == "" || (isHTML && group.isHiddenRTF)
    }

    private mutating func add(_ byte: UInt8) {
        if isDropped { return }
        if pending.isEmpty { pendingCodePage = group.codePage }
        pending.append(byte)
    }

    private mutating func addText(_ text: String) {
        if isDropped { return }
        flush()
        var text = text
        if isHTML {
            // Layout belongs to the HTML; `\par` inside of it is a line break of its source.
            if group.isHTMLTag, text != "\n" && text != "\t" { text = "" }
        }
        put(Array(text.utf8))
    }

    private mutating func addUnicode(_ number: Int) {
        flush()
        skippedSubstitutes = group.substitutes
        if isDropped { return }
        let unit = UInt32(truncatingIfNeeded: number < 0 ? number + 65_536 : number)
        if (0xD800..<0xDC00).contains(unit) {
            highSurrogate = unit
            return
        }
        if (0xDC00..<0xE000).contains(unit), let high = highSurrogate {
            highSurrogate = nil
            let code = 0x10000 + (high - 0xD800) << 10 + (unit - 0xDC00)
            if let scalar = Unicode.Scalar(code) { put(Array(String(Character(scalar)).utf8)) }
            return
        }
        // Symbol fonts stand in the private area with their bytes.
        let code = (0xF020...0xF0FF).contains(unit) ? unit - 0xF000 : unit
        put(Array(String(Character(Unicode.Scalar(code) ?? "\u{FFFD}")).utf8))
    }

    private mutating func flush() {
        if pending.isEmpty { return }
        let bytes = pending
        pending = []
        if bytes.allSatisfy({ $0 < 0x80 }) { return put(bytes) }
        let name = pendingCodePage == 10_000 ? "MACINTOSH" : "CP\(pendingCodePage)"
        put(bytes.withUnsafeBytes { TextDecoder.decode($0, declared: name) })
    }

    private mutating func put(_ utf8: [UInt8]) {
        highSurrogate = nil
        if group.infoField != nil {
            if infoValue.count < 4096 { infoValue += utf8 }
        } else {
            output += utf8
        }
    }
}

/// A file in RTF, which is held in memory within the limit of one mail.
final class RTFReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool

    init(_ reader: ByteReader, address: String, isPlainFile: Bool) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
    }

    func step(_ context: StreamContext) -> Bool {
        let (bytes, isCut) = reader.readAll(limit: context.limits.maxMessageBytes)
        let writer = DocumentWriter(context, Document(address: address, kind: .rtf))
        var status = RTFReader.append(bytes, to: writer, options: context.options)
        if isCut {
            writer.warn("longer than \(context.limits.maxMessageBytes) bytes; the rest is not read")
            status = .partial(.limitBytes)
        }
        if let failure = reader.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil)
        return false
    }

    static func append(_ bytes: [UInt8], to writer: DocumentWriter, options: IngestOptions) -> ItemStatus {
        let rtf = bytes.withUnsafeBytes { RTFText($0) }
        for field in rtf.metadata where writer.document.first(field.name) == nil {
            writer.document.metadata.append(field)
        }
        if rtf.isHTML {
            let html = HTMLText(writer, options: options)
            rtf.output.withUnsafeBytes { html.append($0) }
            html.finish()
        } else {
            writer.append(rtf.output)
            if let last = rtf.output.last, last != 0x0A { writer.append("\n") }
        }
        if rtf.isTooDeep {
            writer.warn("groups are nested deeper than 1000; the inner ones are not read")
            return .partial(.limitDepth)
        }
        if !rtf.isWhole {
            writer.warn("the RTF ends inside a group")
            return .partial(.damaged)
        }
        return .ok
    }
}

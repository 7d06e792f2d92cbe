import CXML2
import Documents
import Glibc

/// HTML to readable text, a piece at a time, by libxml2's HTML SAX parser behind an
/// `HTMLTagFilter`.
///
/// - Blocks stand on lines of their own; paragraphs, headings, quotes and tables have an
///   empty line around them. White space runs are one space, outside of `pre`.
/// - List items begin with `- ` or their number, two spaces deeper for each list inside.
/// - Table cells of a row are parted by a tab.
/// - A link is its text; its target follows in parentheses where it says something else.
/// - An image is its `alt` text in brackets.
/// - Scripts, styles and templates are dropped. What a browser would not show
///   (`display:none`, `visibility:hidden`, `font-size:0`, `hidden`) is kept and marked
///   `.hidden`; quoted mail (`blockquote`, `gmail_quote`) is marked `.quoted`, a
///   `gmail_signature` `.signature`.
///
/// Nothing is ever fetched, and entities are the characters they stand for.
final class HTMLText {
    /// Elements inside elements that are followed; deeper ones are read as if they stood at
    /// this depth.
    static let maxDepth = 4_000

    private let writer: DocumentWriter
    private let options: IngestOptions
    private var parser: htmlParserCtxtPtr?
    private var filter = HTMLTagFilter()
    private var filtered: [UInt8] = []

    // What is waiting to be written before the next character.
    private var lineBreaks = 0
    private var writtenBreaks = 0
    private var isSpacePending = false
    private var isTabPending = false
    private var prefix = ""
    private var hasText = false
    private var isLineStart = true

    private var open: [OpenElement] = []
    private var dropDepth = 0
    private var preDepth = 0
    private var lists: [Int?] = []
    private var links: [Link] = []
    private var title: [UInt8]?
    private var hiddenDepth = 0
    private var quoteDepth = 0

    private struct OpenElement {
        var name: String
        var role: Role
        var isHidden = false
        var isQuote = false
        var isSignature = false
    }

    private struct Link {
        var target: String
        var text: [UInt8] = []
    }

    private enum Role {
        case inline, block, paragraph
        case list(ordered: Bool)
        case item, row, cell, pre, dropped, link, title, rule
        case void, document
    }

    init(_ writer: DocumentWriter, options: IngestOptions) {
        self.writer = writer
        self.options = options
        MarkupLibrary.prepare()
        var handler = htmlSAXHandler()
        handler.initialized = 1
        handler.startElement = { context, name, attributes in
            HTMLText.with(context) { $0.start(name, attributes) }
        }
        handler.endElement = { context, name in HTMLText.with(context) { $0.end(name) } }
        handler.characters = { context, bytes, count in
            HTMLText.with(context) { $0.characters(bytes, count) }
        }
        handler.cdataBlock = handler.characters
        handler.ignorableWhitespace = handler.characters
        parser = htmlCreatePushParserCtxt(
            &handler, Unmanaged.passUnretained(self).toOpaque(), nil, 0, nil, XML_CHAR_ENCODING_UTF8)
        let flags =
            HTML_PARSE_RECOVER.rawValue | HTML_PARSE_NOERROR.rawValue | HTML_PARSE_NOWARNING.rawValue
            | HTML_PARSE_NONET.rawValue | HTML_PARSE_IGNORE_ENC.rawValue | HTML_PARSE_COMPACT.rawValue
        htmlCtxtUseOptions(parser, Int32(flags))
    }

    deinit { release() }

    private func release() {
        guard let parser else { return }
        if let document = parser.pointee.myDoc {
            xmlFreeDoc(document)
            parser.pointee.myDoc = nil
        }
        htmlFreeParserCtxt(parser)
        self.parser = nil
    }

    /// Callbacks come while `parse` runs, which keeps the text alive: no counting of references.
    @inline(__always)
    private static func with(_ context: UnsafeMutableRawPointer?, _ body: (HTMLText) -> Void) {
        Unmanaged<HTMLText>.fromOpaque(context!)._withUnsafeGuaranteedRef(body)
    }

    /// Adds UTF-8, cut anywhere.
    func append(_ utf8: UnsafeRawBufferPointer) {
        var rest = utf8
        while !rest.isEmpty {  // small pieces keep the parser's buffer small
            let end = min(rest.count, 16 << 10)
            filter.append(rest.slice(0..<end), into: &filtered)
            parse()
            rest = rest.slice(end..<rest.count)
        }
    }

    private func parse() {
        guard let parser, !filtered.isEmpty else { return }
        filtered.withUnsafeBytes {
            _ = htmlParseChunk(
                parser, $0.baseAddress!.assumingMemoryBound(to: CChar.self), Int32($0.count), 0)
        }
        filtered.removeAll(keepingCapacity: true)
    }

    func finish() {
        filter.finish(into: &filtered)
        parse()
        if let parser { htmlParseChunk(parser, nil, 0, 1) }
        release()
        while !open.isEmpty { close() }
        if hasText { writer.append("\n") }
    }

    /// The charset that a page declares in its first kilobyte.
    static func declaredCharset(_ bytes: UnsafeRawBufferPointer) -> String? {
        let beginning = bytes.slice(0..<min(bytes.count, 2048)).map(lowercaseASCII)
        return beginning.withUnsafeBytes { bytes in
            guard let found = bytes.firstOffset(of: "charset=") ?? bytes.firstOffset(of: "encoding=") else {
                return nil
            }
            var start = bytes.firstOffset(of: 0x3D, from: found)! + 1
            while start < bytes.count, bytes[start] == 0x22 || bytes[start] == 0x27 || bytes[start] == 0x20 {
                start += 1
            }
            var end = start
            while end < bytes.count, end - start < 40, bytes[end] > 0x20, !"\"'>;/?".utf8.contains(bytes[end])
            {
                end += 1
            }
            let name = String(decoding: bytes[start..<end], as: UTF8.self)
            // A page that can be read as ASCII up to here is in no wide charset.
            return name.isEmpty ? nil : name.hasPrefix("utf-16") || name.hasPrefix("utf-32") ? "utf-8" : name
        }
    }

    // MARK: Elements

    private static let roles: [String: Role] = [
        "p": .paragraph, "h1": .paragraph, "h2": .paragraph, "h3": .paragraph, "h4": .paragraph,
        "h5": .paragraph, "h6": .paragraph, "blockquote": .paragraph, "table": .paragraph,
        "dl": .paragraph, "figure": .paragraph, "div": .block, "section": .block, "article": .block,
        "header": .block, "footer": .block, "nav": .block, "main": .block, "aside": .block,
        "address": .block, "center": .block, "form": .block, "fieldset": .block, "dt": .block, "dd": .block,
        "caption": .block, "figcaption": .block, "tr": .row, "td": .cell, "th": .cell, "tbody": .block,
        "thead": .block, "tfoot": .block, "ul": .list(ordered: false), "menu": .list(ordered: false),
        "dir": .list(ordered: false), "ol": .list(ordered: true), "li": .item, "pre": .pre,
        "listing": .pre, "xmp": .pre, "textarea": .pre, "script": .dropped, "style": .dropped,
        "template": .dropped, "noembed": .dropped, "object": .inline, "head": .document, "title": .title,
        "a": .link, "hr": .rule, "body": .document, "html": .document, "option": .block, "legend": .block,
        "details": .block, "summary": .block, "br": .void, "img": .void, "input": .void, "meta": .void,
        "link": .void, "base": .void, "col": .void, "area": .void, "wbr": .void, "embed": .void,
    ]

    private static let quoteClasses: [StaticString] = ["gmail_quote", "moz-cite-prefix"]
    private static let signatureClasses: [StaticString] = ["gmail_signature", "moz-signature"]

    private func start(
        _ rawName: UnsafePointer<xmlChar>?, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    ) {
        guard let rawName else { return }
        let name = Self.string(rawName)
        let role = Self.roles[name] ?? .inline
        if case .void = role {
            if dropDepth == 0 { writeVoid(name, attributes) }
            return
        }
        guard open.count < Self.maxDepth else { return }
        var element = OpenElement(name: name, role: role)
        defer { open.append(element) }
        if case .dropped = role { dropDepth += 1 }
        if dropDepth > 0 { return }
        switch role {
        case .block, .row: breakLine(1)
        case .paragraph: breakLine(2)
        case .pre:
            breakLine(2)
            preDepth += 1
        case .list(let ordered):
            breakLine(lists.isEmpty ? 2 : 1)
            lists.append(ordered ? 1 : nil)
        case .item:
            breakLine(1)
            prefix = String(repeating: "  ", count: max(0, min(lists.count, 20) - 1))
            if let last = lists.indices.last, let number = lists[last] {
                prefix += "\(number). "
                lists[last] = number + 1
            } else {
                prefix += "- "
            }
        case .cell: if !isLineStart || isTabPending { isTabPending = true }
        case .title: title = title ?? []
        case .link: links.append(Link(target: Self.attribute("href", attributes) ?? ""))
        case .rule: breakLine(2)
        case .inline, .void, .document, .dropped: break
        }
        if attributes != nil {
            if isHidden(attributes) {
                element.isHidden = true
                settle()
                if hiddenDepth == 0 { writer.beginMark(.hidden) }
                hiddenDepth += 1
            }
            if let classes = Self.attribute("class", attributes) {
                Array(classes.utf8).withUnsafeBytes { bytes in
                    element.isQuote = Self.quoteClasses.contains { bytes.firstOffset(of: $0) != nil }
                    element.isSignature = Self.signatureClasses.contains { bytes.firstOffset(of: $0) != nil }
                }
            }
        }
        if name == "blockquote" { element.isQuote = true }
        if element.isQuote {
            settle()
            if quoteDepth == 0 { writer.beginMark(.quoted) }
            quoteDepth += 1
        }
        if element.isSignature {
            settle()
            writer.beginMark(.signature)
        }
    }

    private func end(_ rawName: UnsafePointer<xmlChar>?) {
        guard let rawName else { return }
        let name = Self.string(rawName)
        guard open.last?.name == name else {
            // libxml2 closes in order; only elements beyond the depth limit are not here.
            return
        }
        close()
    }

    private func close() {
        let element = open.removeLast()
        if element.isHidden {
            hiddenDepth -= 1
            if hiddenDepth == 0 { writer.endMark(.hidden) }
        }
        if element.isQuote {
            quoteDepth -= 1
            if quoteDepth == 0 { writer.endMark(.quoted) }
        }
        if element.isSignature { writer.endMark(.signature) }
        if case .dropped = element.role {
            dropDepth -= 1
            return
        }
        if dropDepth > 0 { return }
        switch element.role {
        case .block, .row, .item: breakLine(1)
        case .paragraph: breakLine(2)
        case .pre:
            preDepth -= 1
            breakLine(2)
        case .list:
            _ = lists.popLast()
            breakLine(lists.isEmpty ? 2 : 1)
        case .link: closeLink()
        case .title:
            if let bytes = title, !bytes.isEmpty, writer.document.kind == .html {
                let text = String(decoding: HeaderText.collapse(bytes), as: UTF8.self)
                if !text.isEmpty, writer.document.first("title") == nil {
                    writer.document.metadata.append(MetadataField(name: "title", value: text))
                }
            }
            title = nil
            breakLine(2)
        case .inline, .cell, .dropped, .void, .document, .rule: break
        }
    }

    private func writeVoid(_ name: String, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?) {
        switch name {
        case "br":
            // A second break in a row is an empty line, a third no more than that.
            lineBreaks = min(lineBreaks + 1, 2)
            isSpacePending = false
            isTabPending = false
        case "img":
            if let alt = Self.attribute("alt", attributes), alt.utf8.contains(where: { !isSpace($0) }) {
                let text = "[" + String(decoding: HeaderText.collapse(Array(alt.utf8)), as: UTF8.self) + "]"
                write(Array(text.utf8))
            }
        default: break
        }
    }

    private func closeLink() {
        guard let link = links.popLast(), !link.target.isEmpty else { return }
        let target = String(decoding: HeaderText.collapse(Array(link.target.utf8)), as: UTF8.self)
        let lower = target.asciiLowercased
        guard ["http://", "https://", "mailto:", "ftp://", "tel:"].contains(where: { lower.hasPrefix($0) })
        else { return }
        let text = Self.comparable(String(decoding: link.text, as: UTF8.self))
        if text == Self.comparable(target) || text.isEmpty { return }
        if lower.hasPrefix("mailto:"), text == Self.comparable(String(target.prefix { $0 != "?" })) { return }
        write(Array(" (\(shortened(target)))".utf8))
    }

    /// A target without what differs between how it is written and how it is shown.
    private static func comparable(_ target: String) -> String {
        var text = Substring(target.asciiLowercased)
        for scheme in ["http://", "https://", "mailto:", "tel:"] where text.hasPrefix(scheme) {
            text = text.dropFirst(scheme.count)
        }
        if text.hasPrefix("www.") { text = text.dropFirst(4) }
        while let last = text.last, last == "/" || last == " " { text = text.dropLast() }
        // Of ASCII each byte is a character, or none that counts here; there is no need to look for them.
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            return String(decoding: text.utf8.filter { $0 != 0x20 }, as: UTF8.self)
        }
        return String(text.filter { $0 != " " })
    }

    private func shortened(_ target: String) -> String {
        if target.utf8.count <= options.maxLinkBytes { return target }
        var text = String(target.prefix { $0 != "?" && $0 != "#" })
        if text.utf8.count > options.maxLinkBytes {
            text = String(text.unicodeScalars.prefix(options.maxLinkBytes))
        }
        return text + "..."
    }

    private func isHidden(_ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?) -> Bool {
        if Self.has("hidden", attributes) { return true }
        guard let style = Self.attribute("style", attributes) else { return false }
        let rules = style.asciiLowercased.utf8.filter { !isSpace($0) }
        return rules.withUnsafeBytes { rules in
            let plain: [StaticString] = ["display:none", "visibility:hidden", "mso-hide:all"]
            if plain.contains(where: { rules.firstOffset(of: $0) != nil }) { return true }
            let zeros: [StaticString] = ["font-size:0", "max-height:0", "opacity:0"]
            for zero in zeros {
                guard let found = rules.firstOffset(of: zero) else { continue }
                let next = found + zero.utf8CodeUnitCount
                if next == rules.count || rules[next] != 0x2E { return true }
            }
            return false
        }
    }

    // MARK: Text

    private func characters(_ bytes: UnsafePointer<xmlChar>?, _ count: Int32) {
        guard let bytes, count > 0, dropDepth == 0 else { return }
        let text = UnsafeRawBufferPointer(start: bytes, count: Int(count))
        if let restored = HTMLTagFilter.restored(text) {
            restored.withUnsafeBytes { characters($0) }
        } else {
            characters(text)
        }
    }

    private func characters(_ text: UnsafeRawBufferPointer) {
        if title != nil {
            if title!.count < 4096 { title!.append(contentsOf: text) }
            if writer.document.kind != .mail { return }
        }
        if preDepth > 0 {
            writePreformatted(text)
        } else {
            writeFlowing(text)
        }
    }

    private func writeFlowing(_ text: UnsafeRawBufferPointer) {
        var index = 0
        while index < text.count {
            if isSpace(text[index]) {
                if !isLineStart, lineBreaks == 0 { isSpacePending = true }
                index += 1
                continue
            }
            if text[index] == 0xC2, index + 1 < text.count, text[index + 1] == 0xA0 {
                write([0x20])  // a space that does not break
                index += 2
                continue
            }
            var end = index
            while end < text.count, !isSpace(text[end]),
                !(text[end] == 0xC2 && end + 1 < text.count && text[end + 1] == 0xA0)
            {
                end += 1
            }
            write(text.slice(index..<end))
            index = end
        }
    }

    private func writePreformatted(_ text: UnsafeRawBufferPointer) {
        var start = 0
        while start < text.count {
            let end = text.firstOffset(of: 0x0A, from: start)
            if (end ?? text.count) > start { write(text.slice(start..<(end ?? text.count))) }
            guard let end else { return }
            if hasText { lineBreaks += 1 }
            start = end + 1
        }
    }

    private func breakLine(_ count: Int) {
        isSpacePending = false
        isTabPending = false
        prefix = prefix.isEmpty || !isLineStart || lineBreaks > 0 ? "" : prefix
        guard hasText else { return }
        lineBreaks = max(lineBreaks, count)
    }

    /// Writes the line breaks that wait, so that a mark begins behind them.
    private func settle() {
        if hasText, lineBreaks > writtenBreaks {
            writer.append(String(repeating: "\n", count: lineBreaks - writtenBreaks))
            writtenBreaks = lineBreaks
            isLineStart = true
        }
        lineBreaks = 0
    }

    private func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) {
        if lineBreaks > 0 {
            settle()
            isSpacePending = false
        }
        if isLineStart {
            isTabPending = false
            isSpacePending = false
            if !prefix.isEmpty {
                writer.append(prefix)
                prefix = ""
            }
        }
        if isTabPending {
            writer.append("\t")
        } else if isSpacePending {
            writer.append(" ")
        }
        isTabPending = false
        isSpacePending = false
        isLineStart = false
        writtenBreaks = 0
        hasText = true
        writer.append(bytes)
        if !links.isEmpty, links[links.count - 1].text.count < 1024 {
            links[links.count - 1].text.append(contentsOf: bytes)
        }
    }

    // MARK: libxml2's values

    private static func string(_ bytes: UnsafePointer<xmlChar>) -> String {
        String(cString: bytes).asciiLowercased
    }

    private static func has(_ name: String, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?)
        -> Bool
    {
        guard let attributes else { return false }
        var index = 0
        while let key = attributes[index] {
            if String(cString: key).asciiLowercased == name { return true }
            index += 2
        }
        return false
    }

    private static func attribute(
        _ name: String, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    ) -> String? {
        guard let attributes else { return nil }
        var index = 0
        while let key = attributes[index] {
            if strcasecmp(UnsafeRawPointer(key).assumingMemoryBound(to: CChar.self), name) == 0 {
                return attributes[index + 1].map { String(cString: $0) }
            }
            index += 2
        }
        return nil
    }
}

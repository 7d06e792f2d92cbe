import CXML2
import Documents
import Glibc

/// XML of any length to one document, or to one for each of its records (`XMLRules`): its
/// text, by libxml2's push parser behind an `XMLTagFilter`.
///
/// Elements that stand among other elements begin a line; elements inside running text do
/// not (`<p>a <b>c</b></p>`), nor do the pieces of a reference. White space runs are one space, or
/// one line break where they hold one. Attributes, comments and processing instructions are not text.
///
/// Nothing is fetched, no DTD or external entity is loaded. Entities of the internal
/// subset are expanded here and not by libxml2, so that what they grow to is counted:
/// beyond the ratio of the limits the document ends as `partial.limit.ratio`.
final class XMLReader: DocumentProducer {
    private let reader: ByteReader
    private unowned let context: StreamContext
    private let address: String
    /// Of the file, or of the record that is open.
    private var writer: DocumentWriter
    private let isPlainFile: Bool
    private let limits: IngestLimits
    private var parser: xmlParserCtxtPtr?
    private var decoder: CharsetDecoder?
    private var filter = XMLTagFilter()
    private var filtered: [UInt8] = []
    /// Text on its way to or past the parser.
    private var scratch: [UInt8] = []

    // Layout: for each open element whether it holds text of its own.
    private var holdsText: [Bool] = [false]
    private var isBreakPending = false
    private var isLineStart = true
    private var pendingSpace: UInt8?
    /// Whether an element that a space parts from the next has ended, and no text came after it.
    private var isBehindParted = false
    /// A milestone inside a word was the last thing; white space around it is none of the text.
    private var isInWord = false
    private var hasText = false

    // What the elements mean.
    private var rules: XMLRules?
    private var meanings: [ElementMeaning] = []
    private var names: [UnsafePointer<xmlChar>: Int] = [:]
    /// The names that came last, by the low bits of where libxml2 keeps them.
    private var recent = [(name: UnsafePointer<xmlChar>?, meaning: Int)](repeating: (nil, 0), count: 64)
    /// Open elements, as indices of `meanings`.
    private var path: [Int] = []
    private var skipDepth = 0
    private var preserveDepth = 0
    private var records = 0
    /// Elements around the record that is open, itself counted; 0 outside of records.
    private var recordDepth = 0
    /// Elements around the text, where the rules say which element holds it.
    private var textDepth = 0
    private var field: (depth: Int, name: String, value: [UInt8])?
    private var html: (depth: Int, source: [UInt8])?

    /// What one element name means under the rules.
    private struct ElementMeaning {
        let local: String
        let isSkipped: Bool
        let isPreserved: Bool
        let isParted: Bool
        let isMark: Bool
        let isBreak: Bool
        let isMilestone: Bool
        let isHTML: Bool
        let field: String?
        let isRecord: Bool
        let isText: Bool

        init(_ local: String, _ rules: XMLRules) {
            self.local = local
            isSkipped = rules.skipped.contains(local)
            isPreserved = rules.preserved.contains(local)
            isParted = rules.parted.contains(local)
            isMark = rules.marks.contains(local)
            isBreak = rules.breaks.contains(local)
            isMilestone = rules.milestones.contains(local)
            isHTML = rules.html.contains(local)
            field = rules.fields[local]
            isRecord = rules.record?.last == local
            isText = rules.text?.last == local
        }
    }

    // Entities.
    private var entities: [String: [UInt8]] = [:]
    private var expanded: [String: UnsafeMutablePointer<xmlEntity>] = [:]
    private var entityBytes = 0
    private var declaredBytes = 0

    private var stop: (status: ItemStatus, warning: String)?
    /// The first thing that is not well-formed.
    private var damage: String?
    private var undeclared = 0
    private var externalEntities = 0

    init(_ reader: ByteReader, address: String, isPlainFile: Bool, _ context: StreamContext) {
        self.reader = reader
        self.isPlainFile = isPlainFile
        self.context = context
        self.address = address
        limits = context.limits
        writer = DocumentWriter(context, Document(address: address, kind: .xml))
        MarkupLibrary.prepare()
        var handler = xmlSAXHandler()
        handler.initialized = UInt32(XML_SAX2_MAGIC)
        handler.startElementNs = { context, name, _, _, _, _, count, _, attributes in
            XMLReader.with(context) { $0.start(name, attributes, Int(count)) }
        }
        handler.endElementNs = { context, _, _, _ in XMLReader.with(context) { $0.end() } }
        handler.characters = { context, bytes, count in
            XMLReader.with(context) { $0.characters(bytes, count) }
        }
        handler.cdataBlock = handler.characters
        handler.ignorableWhitespace = handler.characters
        handler.getEntity = { context, name in XMLReader.with(context) { $0.entity(name) } }
        handler.entityDecl = { context, name, type, _, _, content in
            XMLReader.with(context) { $0.declare(name, type, content) }
        }
        handler.serror = { context, error in XMLReader.with(context) { $0.note(error) } }
        parser = xmlCreatePushParserCtxt(&handler, Unmanaged.passUnretained(self).toOpaque(), nil, 0, nil)
        // Recovery keeps the text that stands before and after what is broken.
        let flags =
            XML_PARSE_NONET.rawValue | XML_PARSE_RECOVER.rawValue | XML_PARSE_NOERROR.rawValue
            | XML_PARSE_NOWARNING.rawValue | XML_PARSE_IGNORE_ENC.rawValue
        xmlCtxtUseOptions(parser, Int32(flags))
    }

    deinit {
        if let parser {
            if let document = parser.pointee.myDoc { xmlFreeDoc(document) }
            parser.pointee.myDoc = nil
            xmlFreeParserCtxt(parser)
        }
        for entity in expanded.values {
            free(UnsafeMutableRawPointer(mutating: entity.pointee.name))
            free(entity.pointee.content)
            entity.deallocate()
        }
    }

    /// Callbacks come while `step` runs, which keeps the reader alive: no counting of references.
    @inline(__always)
    private static func with<Result>(_ context: UnsafeMutableRawPointer?, _ body: (XMLReader) -> Result)
        -> Result
    {
        Unmanaged<XMLReader>.fromOpaque(context!)._withUnsafeGuaranteedRef(body)
    }

    func step(_ context: StreamContext) -> Bool {
        guard let parser else { return false }
        if decoder == nil { chooseDecoder() }
        guard let decoder else { return false }
        let block = reader.look(ByteReader.capacity / 2)
        let isLast = block.isEmpty
        decoder.withDecoded(block, isLast: isLast) { parse($0, parser) }
        reader.consume(block.count)
        if isLast, stop == nil { xmlParseChunk(parser, nil, 0, 1) }
        if isLast || stop != nil || damage != nil && parser.pointee.disableSAX != 0 || isFull {
            finish(decoder)
            return false
        }
        return true
    }

    /// The parser gets UTF-8, whatever the document is in: a mark at its beginning, what it
    /// declares, or what its bytes look like.
    private func chooseDecoder() {
        let block = reader.look(ByteReader.capacity / 2)
        if let mark = Charset.byteOrderMark(block) {
            decoder = CharsetDecoder(mark.name)
            reader.consume(mark.length)
            return
        }
        if let wide = Charset.wideWithoutMark(block) {
            decoder = CharsetDecoder(wide)
            return
        }
        let declaration =
            block.begins(with: "<?xml") ? block.slice(0..<min(block.count, 200)) : block.slice(0..<0)
        let end = declaration.firstOffset(of: 0x3E) ?? 0
        if let declared = HTMLText.declaredCharset(declaration.slice(0..<end)) {
            decoder = CharsetDecoder(declared)
            if decoder == nil { writer.warn("charset \(declared) is unknown here; guessed from the bytes") }
            if decoder?.charset == "UTF-8" { decoder = nil }
        }
        if decoder == nil {
            let name = Charset.detect(block, isWhole: reader.isSourceExhausted)
            decoder = CharsetDecoder(name) ?? CharsetDecoder("WINDOWS-1252")
            if Charset.canonical(name) != "UTF-8" {
                writer.warn("no charset is declared that fits; read as \(name)")
            }
        }
    }

    /// Small pieces, so that the parser stops soon after it is told to.
    private func parse(_ utf8: UnsafeRawBufferPointer, _ parser: xmlParserCtxtPtr) {
        var rest = utf8
        while !rest.isEmpty, stop == nil, !isFull {
            var count = min(rest.count, 16 << 10)
            // Text that passes by the parser ends with a whole scalar: what comes next may go through it.
            while count < rest.count, rest[count] & 0xC0 == 0x80 { count -= 1 }
            let piece = rest.slice(0..<count)
            var bytes = filtered
            filtered = []
            var position = 0
            while position < count {
                bytes.removeAll(keepingCapacity: true)
                let text = filter.append(piece, from: &position, into: &bytes)
                bytes.withUnsafeBytes { push($0, parser) }
                if let text { takeText(piece.slice(text), parser) }
            }
            filtered = bytes
            rest = rest.slice(count..<rest.count)
        }
    }

    private func push(_ bytes: UnsafeRawBufferPointer, _ parser: xmlParserCtxtPtr) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        xmlParseChunk(parser, base.assumingMemoryBound(to: CChar.self), Int32(bytes.count), 0)
    }

    /// Takes text between two tags past the parser, which would look at each byte three times and give it back,
    /// and gives the parser what has to be looked at.
    private func takeText(_ text: UnsafeRawBufferPointer, _ parser: xmlParserCtxtPtr) {
        var rest = text
        while !rest.isEmpty, Self.isBetweenTags(parser) {
            var end = XMLText.withCharacters(rest, &scratch, take)
            parser.pointee.input.pointee.line += Int32(rest.slice(0..<end).lineFeeds)  // for its messages
            rest = rest.slice(end..<rest.count)
            if rest.isEmpty { return }
            end = XMLText.reference(rest) ?? rest.count
            pushText(rest.slice(0..<end), parser)
            rest = rest.slice(end..<rest.count)
        }
        pushText(rest, parser)
    }

    private func pushText(_ text: UnsafeRawBufferPointer, _ parser: xmlParserCtxtPtr) {
        scratch.removeAll(keepingCapacity: true)
        filter.append(text: text, to: &scratch)
        scratch.withUnsafeBytes { push($0, parser) }
    }

    /// Whether the parser has read all it was given, and would hand on text that comes next: it has met no damage,
    /// after which it leaves references out, and was not stopped.
    private static func isBetweenTags(_ parser: xmlParserCtxtPtr) -> Bool {
        guard parser.pointee.instate == XML_PARSER_CONTENT, parser.pointee.wellFormed != 0,
            parser.pointee.inputNr == 1, let input = parser.pointee.input
        else { return false }
        return input.pointee.cur == input.pointee.end
    }

    private func finish(_ decoder: CharsetDecoder) {
        if let page = html { writeHTML(page.source) }
        if decoder.repairs > 0 {
            writer.warn("\(decoder.repairs) invalid stretches of \(decoder.charset) replaced by U+FFFD")
        }
        if externalEntities > 0 {
            writer.warn("\(externalEntities) external entities are declared; none is loaded")
        }
        if undeclared > 0 {
            writer.warn("\(undeclared) references to entities that are not known here, left out")
        }
        var status = ItemStatus.ok
        if let stop {
            status = stop.status
            writer.warn(stop.warning)
        } else if let damage {
            status = .partial(.damaged)
            writer.warn(damage)
        }
        if let failure = reader.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        if rules?.record == nil {
            if hasText, !isLineStart { writer.append("\n") }
            return writer.finish(
                status, source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil)
        }
        if recordDepth > 0 {
            endRecord(status)
        } else if status != .ok {
            // The damage lies between records: it has a row of its own.
            let reason = stop?.status ?? status
            if case .partial(let why) = reason {
                context.emitFailure(
                    address, .failed(why),
                    (reader.failure?.message ?? stop?.warning ?? damage ?? "") + "; the rest is not read")
            }
        } else if records == 0 {
            let wanted = rules?.record?.joined(separator: "/") ?? ""
            context.emitFailure(address, .skipped(.empty), "no element \(wanted) in it")
        }
    }

    private var isFull: Bool { writer.isFull && recordDepth == 0 }

    private func note(_ error: UnsafePointer<xmlError>?) {
        guard let error = error?.pointee else { return }
        switch UInt32(error.code) {
        case XML_ERR_UNDECLARED_ENTITY.rawValue, XML_WAR_UNDECLARED_ENTITY.rawValue:
            undeclared += 1
        default:
            guard error.level == XML_ERR_FATAL, damage == nil, error.domain == Int32(XML_FROM_PARSER.rawValue)
            else {
                return
            }
            var message = error.message.map { String(cString: $0) } ?? "not well-formed"
            while message.last == "\n" { message.removeLast() }
            damage = "line \(error.line): \(message)"
        }
    }

    /// Ends the reading from inside a callback.
    private func halt(_ status: ItemStatus, _ warning: String) {
        guard stop == nil else { return }
        stop = (status, warning)
        xmlStopParser(parser)
    }

    // MARK: Layout

    /// The index of what a name means; libxml2 keeps each name in one place.
    private func meaning(_ name: UnsafePointer<xmlChar>) -> Int {
        let slot = (Int(bitPattern: name) >> 3) & 63
        if recent[slot].name == name { return recent[slot].meaning }
        let index: Int
        if let known = names[name] {
            index = known
        } else {
            let local = XMLRules.local(String(cString: name))
            if rules == nil { rules = XMLRules(root: local, options: context.options) }
            index = meanings.count
            meanings.append(ElementMeaning(local, rules!))
            names[name] = index
        }
        recent[slot] = (name, index)
        return index
    }

    /// Whether a milestone of TEI says that it parts no word: `break="no"`.
    ///
    /// - Parameter attributes: Five pointers each: name, prefix, namespace, the value's begin and end.
    private static func isInWord(
        _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?, _ count: Int
    ) -> Bool {
        guard let attributes else { return false }
        return (0..<count).contains { index in
            guard let name = attributes[5 * index], let value = attributes[5 * index + 3],
                let end = attributes[5 * index + 4]
            else { return false }
            return strcmp(name, "break") == 0
                && UnsafeRawBufferPointer(start: value, count: end - value).elementsEqual("no".utf8)
        }
    }

    private func start(
        _ name: UnsafePointer<xmlChar>?, _ attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?,
        _ count: Int
    ) {
        guard let name else { return }
        if holdsText.count > limits.maxXMLDepth {
            return halt(.partial(.limitDepth), "elements are nested deeper than \(limits.maxXMLDepth)")
        }
        let index = meaning(name)
        let meaning = meanings[index]
        path.append(index)
        if meaning.isRecord, recordDepth == 0, let record = rules?.record, path.count == record.count,
            ends(with: record)
        {
            beginRecord()
        }
        if meaning.isText, textDepth == 0, let text = rules?.text {
            // Without records a path of the text may begin at the root.
            let base = rules?.record == nil ? 0 : recordDepth
            let isThere = base + text.count == path.count || (base == 0 && text.count + 1 == path.count)
            if isThere, recordDepth > 0 || rules?.record == nil, ends(with: text) { textDepth = path.count }
        }
        if let wanted = meaning.field, field == nil, writer.document.first(wanted) == nil,
            recordDepth > 0 || rules?.record == nil
        {
            field = (path.count, wanted, [])
        }
        if skipDepth > 0 || meaning.isSkipped { skipDepth += 1 }
        if preserveDepth > 0 || meaning.isPreserved { preserveDepth += 1 }
        if html != nil {
            appendHTML("<\(meaning.local)>".utf8)
        } else if meaning.isHTML {
            html = (path.count, [])
        }
        // What a piece begins with begins no line either.
        let parent = path.count > 1 ? meanings[path[path.count - 2]] : nil
        let isInParted = parent?.isParted == true
        let goesOn = meaning.isMilestone && Self.isInWord(attributes, count)
        if goesOn || meaning.isMark && parent?.isMark == true {
            isBreakPending = false
        } else if isBehindParted, meaning.isParted || isInParted {
            (isBreakPending, pendingSpace) = (false, 0x20)
        } else {
            isBehindParted = false
            if !holdsText[holdsText.count - 1], isBreakPending || !isInParted { breakLine() }
        }
        if goesOn {
            (pendingSpace, isInWord) = (nil, true)
        } else if meaning.isBreak {
            pendingSpace = 0x0A
        }
        holdsText.append(false)
    }

    private func ends(with names: [String]) -> Bool {
        path.count >= names.count
            && zip(path.suffix(names.count), names).allSatisfy { meanings[$0].local == $1 }
    }

    private func end() {
        guard holdsText.count > 1 else { return }
        if let collected = field, collected.depth == path.count {
            let value = String(decoding: HeaderText.collapse(collected.value), as: UTF8.self)
            if !value.isEmpty {
                writer.document.metadata.append(MetadataField(name: collected.name, value: value))
            }
            field = nil
        }
        if let page = html, let last = path.last {
            if page.depth == path.count {
                writeHTML(page.source)
            } else if meanings[last].local != "br" {  // the one end tag that HTML takes for another start
                appendHTML("</\(meanings[last].local)>".utf8)
            }
        }
        holdsText.removeLast()
        if skipDepth > 0 { skipDepth -= 1 }
        if preserveDepth > 0 { preserveDepth -= 1 }
        let isMarkInMark = path.count > 1 && path.suffix(2).allSatisfy { meanings[$0].isMark }
        if !holdsText[holdsText.count - 1], !isMarkInMark { isBreakPending = true }
        isBehindParted = path.last.map { meanings[$0].isParted } ?? false
        if path.count == recordDepth { endRecord(.ok) }
        if path.count == textDepth { textDepth = 0 }
        _ = path.popLast()
    }

    /// Whether characters are text of the document.
    private var isInText: Bool {
        if skipDepth > 0 { return false }
        guard let rules else { return true }
        if rules.text != nil { return textDepth > 0 }
        return rules.record == nil || recordDepth > 0
    }

    private func beginRecord() {
        records += 1
        recordDepth = path.count
        writer = DocumentWriter(context, Document(address: "\(address)#\(records)", kind: .xml))
        (isBreakPending, isLineStart, pendingSpace, isBehindParted, hasText) = (
            false, true, nil, false, false
        )
    }

    private func endRecord(_ status: ItemStatus) {
        if hasText, !isLineStart { writer.append("\n") }
        writer.finish(status)
        recordDepth = 0
        textDepth = 0
        field = nil
        hasText = false
    }

    private func appendHTML(_ bytes: some Collection<UInt8>) {
        if html!.source.count < 16 << 20 { html!.source.append(contentsOf: bytes) }
    }

    /// HTML that stands in an element as its text or as elements, as feeds have it.
    private func writeHTML(_ source: [UInt8]) {
        html = nil
        guard source.contains(where: { !isSpace($0) }) else { return }
        breakLine()
        let text = HTMLText(writer, options: context.options)
        source.withUnsafeBytes { text.append($0) }
        text.finish()
        holdsText[holdsText.count - 1] = true
        hasText = false
        isLineStart = true
    }

    private func breakLine() {
        isBreakPending = false
        pendingSpace = nil
        if !isLineStart {
            writer.append("\n")
            isLineStart = true
        }
    }

    private func characters(_ bytes: UnsafePointer<xmlChar>?, _ count: Int32) {
        guard let bytes, count > 0, stop == nil else { return }
        UTF8Text.withRepaired(UnsafeRawBufferPointer(start: bytes, count: Int(count)), take)
    }

    private func take(_ text: UnsafeRawBufferPointer) {
        if field != nil, field!.value.count < limits.maxHeaderBytes { field!.value.append(contentsOf: text) }
        guard isInText else { return }
        if let page = html {
            // Text of the element itself is escaped HTML; in elements inside, of XHTML, it is text.
            if path.count == page.depth {
                appendHTML(text)
            } else {
                for byte in text {
                    switch byte {
                    case 0x26: appendHTML("&amp;".utf8)
                    case 0x3C: appendHTML("&lt;".utf8)
                    default: appendHTML(CollectionOfOne(byte))
                    }
                }
            }
        } else if preserveDepth > 0 {
            writePreserved(text)
        } else {
            write(text)
        }
    }

    /// Text whose lines and spaces stand as they are.
    private func writePreserved(_ text: UnsafeRawBufferPointer) {
        if isBreakPending { breakLine() }
        pendingSpace = nil
        isBehindParted = false
        holdsText[holdsText.count - 1] = true
        writer.append(text)
        isLineStart = text.last == 0x0A
        hasText = true
    }

    private func write(_ text: UnsafeRawBufferPointer) {
        var index = 0
        while index < text.count {
            let byte = text[index]
            if isSpace(byte) {
                index += 1
                if isInWord { continue }
                if byte == 0x0A { pendingSpace = 0x0A } else if pendingSpace == nil { pendingSpace = 0x20 }
                continue
            }
            if isBehindParted {
                isBehindParted = false
                // Signs of punctuation belong to what stands before.
                if pendingSpace == nil, Self.beginsWord(byte) { pendingSpace = 0x20 }
            }
            if isBreakPending {
                // Text right after an element is one line with it, unless lines part them.
                isBreakPending = false
                if pendingSpace == 0x0A { breakLine() }
            }
            holdsText[holdsText.count - 1] = true
            isInWord = false
            if let space = pendingSpace, !isLineStart { writer.append([space]) }
            pendingSpace = nil
            var end = index
            while end < text.count, !isSpace(text[end]) { end += 1 }
            // Runs with single spaces inside go out in one piece.
            while end < text.count, text[end] == 0x20, end + 1 < text.count, !isSpace(text[end + 1]) {
                end += 1
                while end < text.count, !isSpace(text[end]) { end += 1 }
            }
            writer.append(text.slice(index..<end))
            isLineStart = false
            hasText = true
            index = end
        }
    }

    /// Digits, letters of ASCII, and what letters of other alphabets that part words begin with in UTF-8.
    private static func beginsWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(lowercaseASCII(byte))
            || (0xC3...0xDF).contains(byte)
    }

    // MARK: Entities

    private func declare(_ name: UnsafePointer<xmlChar>?, _ type: Int32, _ content: UnsafePointer<xmlChar>?) {
        guard let name else { return }
        guard type == Int32(XML_INTERNAL_GENERAL_ENTITY.rawValue), let content else {
            if type != Int32(XML_INTERNAL_PARAMETER_ENTITY.rawValue) { externalEntities += 1 }
            return
        }
        let key = String(cString: name)
        if entities[key] != nil { return }
        let value = Array(
            UnsafeRawBufferPointer(
                start: content, count: strlen(UnsafeRawPointer(content).assumingMemoryBound(to: CChar.self))))
        declaredBytes += value.count
        if entities.count >= 10_000 || declaredBytes > 4 << 20 {
            return halt(.partial(.limitEntries), "too many entities are declared")
        }
        entities[key] = value
    }

    /// What libxml2 puts in the place of `&name;`: an entity as if it were predefined, with
    /// the text that we expanded. One that is not known is empty: told that there is none, libxml2
    /// would leave out all that come later, `&amp;` too.
    private func entity(_ rawName: UnsafePointer<xmlChar>?) -> xmlEntityPtr? {
        // While the declarations are read libxml2 asks only whether there is one already.
        guard let rawName, stop == nil, parser?.pointee.inSubset == 0 else { return nil }
        let name = String(cString: rawName)
        let result: UnsafeMutablePointer<xmlEntity>
        if let known = expanded[name] {
            result = known
        } else {
            var text: [UInt8] = []
            expand(name, into: &text, within: [])
            if stop != nil { return nil }
            text.append(0)
            result = .allocate(capacity: 1)
            result.initialize(to: xmlEntity())
            result.pointee.type = XML_ENTITY_DECL
            result.pointee.etype = XML_INTERNAL_PREDEFINED_ENTITY
            result.pointee.name = UnsafeRawPointer(strdup(name)!).assumingMemoryBound(to: xmlChar.self)
            let content = malloc(text.count)!
            text.withUnsafeBytes { content.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            result.pointee.content = content.assumingMemoryBound(to: xmlChar.self)
            result.pointee.length = Int32(text.count - 1)
            expanded[name] = result
        }
        if result.pointee.length == 0, entities[name] == nil { undeclared += 1 }
        count(Int(result.pointee.length))
        if stop != nil { return nil }
        // Behind damage libxml2 asks for entities, and leaves them out.
        if parser?.pointee.wellFormed == 0 { characters(result.pointee.content, result.pointee.length) }
        return result
    }

    private func count(_ bytes: Int) {
        entityBytes += bytes
        let allowed = max(1 << 20, (reader.offset + ByteReader.capacity) * limits.maxRatio / 100)
        if entityBytes > allowed {
            halt(.partial(.limitRatio), "entities grow to more than \(allowed) bytes of text")
        }
    }

    /// Replaces references in an entity's value; markup in it falls away.
    private func expand(_ name: String, into output: inout [UInt8], within parents: [String]) {
        guard stop == nil else { return }
        guard let value = entities[name] else {
            // A DTD that is not loaded may declare those of HTML.
            if let known = htmlEntityLookup(name), let scalar = Unicode.Scalar(known.pointee.value) {
                output += Array(String(Character(scalar)).utf8)
            }
            return
        }
        if parents.contains(name) || parents.count > 40 {
            return halt(.partial(.damaged), "the entity \(name) contains itself")
        }
        var isTag = false
        var index = 0
        while index < value.count {
            let byte = value[index]
            if isTag {
                isTag = byte != 0x3E
            } else if byte == 0x3C {
                isTag = true
            } else if byte == 0x26, let end = value[index...].prefix(200).firstIndex(of: 0x3B) {
                let reference = String(decoding: value[(index + 1)..<end], as: UTF8.self)
                if let text = Self.predefined(reference) {
                    output += text
                } else {
                    expand(reference, into: &output, within: parents + [name])
                }
                index = end
            } else {
                output.append(byte)
            }
            if output.count > 1 << 20 {
                return halt(.partial(.limitRatio), "the entity \(name) grows to more than 1 MiB of text")
            }
            if stop != nil { return }
            index += 1
        }
    }

    private static func predefined(_ reference: String) -> [UInt8]? {
        switch reference {
        case "lt": return [0x3C]
        case "gt": return [0x3E]
        case "amp": return [0x26]
        case "quot": return [0x22]
        case "apos": return [0x27]
        default:
            guard reference.hasPrefix("#") else { return nil }
            let digits = reference.dropFirst()
            let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            guard let code, let scalar = Unicode.Scalar(code), code != 0 else { return [] }
            return Array(String(Character(scalar)).utf8)
        }
    }
}

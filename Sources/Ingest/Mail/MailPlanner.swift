import CGMime
import Documents
import Glibc

/// A part of a mail whose text is read.
struct PlannedPart {
    var heading = ""
    var isForwarded = false
    var body: MailBody?
}

/// A text body: a slice of the message and how to read it.
struct MailBody {
    var range: Range<Int>
    var encoding: TextOrigin.Transfer
    var charset: String?
    var isHTML: Bool
    /// RFC 3676: whether lines are to be joined to paragraphs, and with or without their spaces.
    var flow = Flow.fixed

    enum Flow {
        case fixed, flowed, flowedWithoutSpaces
    }

    /// Gives on the bytes without their transfer encoding, where they lie if there is none.
    func withDecoded<Result>(
        _ message: UnsafeRawBufferPointer,
        _ body: (_ bytes: UnsafeRawBufferPointer, _ warnings: [String]) -> Result
    ) -> Result {
        let slice = message.slice(range)
        if encoding == .identity { return body(slice, []) }
        let (bytes, warnings) = Self.decode(slice, encoding)
        return bytes.withUnsafeBytes { body($0, warnings) }
    }

    private static func decode(_ slice: UnsafeRawBufferPointer, _ encoding: TextOrigin.Transfer) -> (
        [UInt8], warnings: [String]
    ) {
        switch encoding {
        case .identity: return (Array(slice), [])
        case .uuencode: return (UUEncoding.decode(slice), [])
        case .quotedPrintable:
            let (bytes, strays) = QuotedPrintable.decode(slice)
            return (
                bytes, strays > 0 ? ["\(strays) broken escapes in quoted-printable kept as they are"] : []
            )
        case .base64:
            let (bytes, damage) = Base64.decode(slice)
            var warnings: [String] = []
            if damage.strays > 0 {
                warnings.append("\(damage.strays) characters in base64 that are none, passed over")
            }
            if damage.isCut { warnings.append("base64 ends within a group of four") }
            return (bytes, warnings)
        }
    }

    /// Whether anything but white space would be read. A beginning tells nearly always.
    func hasText(_ message: UnsafeRawBufferPointer) -> Bool {
        for count in [min(range.count, 1024), range.count] {
            let piece = message.slice(range.lowerBound..<range.lowerBound + count)
            let isBlank =
                encoding == .identity
                ? piece.allSatisfy(isSpace) : Self.decode(piece, encoding).0.allSatisfy(isSpace)
            if !isBlank { return true }
        }
        return false
    }
}

/// An attachment whose bytes can be opened.
struct PlannedAttachment {
    var name: String
    var content: MailBody
}

/// Walks GMime's tree of a message and decides what is text, what is an attachment.
struct MailPlanner {
    let message: UnsafeRawBufferPointer
    /// Where the bytes begin that GMime was shown.
    private var start = 0
    let limits: IngestLimits
    private(set) var parts: [PlannedPart] = []
    private(set) var attachments: [Attachment] = []
    private(set) var openable: [PlannedAttachment] = []
    private(set) var metadata: [MetadataField] = []
    private(set) var warnings: [String] = []
    private var isEncrypted = false
    private var isTooDeep = false
    private var isTooMany = false
    private var partCount = 0
    /// The multiparts around the part that is walked.
    private var around: [MultipartText] = []

    init(message: UnsafeRawBufferPointer, limits: IngestLimits) {
        self.message = message
        self.limits = limits
    }

    var status: ItemStatus {
        if isTooDeep { return .partial(.limitDepth) }
        if isTooMany { return .partial(.limitEntries) }
        return isEncrypted ? .partial(.encrypted) : .ok
    }

    /// Takes the fields of a header that GMime is not asked for, and the text where nothing tells another structure.
    mutating func plan(_ header: MailHeader) {
        var found: [MetadataField] = []
        for field in header.fields {
            add(message.slice(field.name), message.slice(field.value), to: &found, report: true)
        }
        metadata = found
        noteMissingFields()
        if header.hasStructure { return }
        let range = header.bodyStart..<message.count
        parts = [
            PlannedPart(body: MailBody(range: range, encoding: .identity, charset: nil, isHTML: false))
        ]
    }

    /// Takes the fields of GMime's message and its parts.
    ///
    /// - Parameter own: How many of the bytes are the mail's own.
    mutating func plan(_ root: UnsafeMutablePointer<GMimeMessage>, own: Int) {
        metadata = fields(root, report: true)
        noteMissingFields()
        planParts(root, from: 0)
        if !parts.contains(where: { $0.body?.hasText(message) ?? true }), attachments.isEmpty,
            let text = MailHeader.textWithoutEmptyLine(message.slice(0..<own))
        {
            warnings.append(
                "no empty line ends the header; its text begins at the first line that is no field")
            parts = [
                PlannedPart(body: MailBody(range: text, encoding: .identity, charset: nil, isHTML: false))
            ]
        }
    }

    private mutating func noteMissingFields() {
        if metadata.isEmpty { warnings.append("no header field of mail was found") }
    }

    /// - Parameter start: Where the bytes begin that GMime was shown.
    mutating func planParts(_ root: UnsafeMutablePointer<GMimeMessage>, from start: Int) {
        self.start = start
        guard let part = g_mime_message_get_mime_part(root) else { return }
        walk(part, depth: 1)
        if isTooDeep {
            warnings.append(
                "parts are nested deeper than \(limits.maxMIMEDepth); the inner ones are not read")
        }
        if isTooMany { warnings.append("more than \(limits.maxMIMEParts) parts; the rest is not read") }
    }

    // MARK: Header fields

    private static let kept: [(bytes: StaticString, name: String)] = [
        ("from", "from"), ("to", "to"), ("cc", "cc"), ("subject", "subject"), ("date", "date"),
        ("message-id", "message-id"), ("reply-to", "reply-to"), ("list-id", "list-id"),
        ("in-reply-to", "in-reply-to"), ("sender", "sender"), ("references", "references"),
    ]

    /// The name of a field whose value is kept.
    private static func keptName(_ name: UnsafeRawBufferPointer) -> String? {
        for field in kept
        where field.bytes.utf8CodeUnitCount == name.count && name.beginsIgnoringCase(field.bytes) {
            return field.name
        }
        return nil
    }

    private mutating func fields(_ message: UnsafeMutablePointer<GMimeMessage>, report: Bool)
        -> [MetadataField]
    {
        var result: [MetadataField] = []
        for header in Self.headers(Self.object(message)) {
            guard let rawName = g_mime_header_get_name(header),
                let value = g_mime_header_get_raw_value(header)
            else { continue }
            add(
                UnsafeRawBufferPointer(start: rawName, count: strlen(rawName)),
                UnsafeRawBufferPointer(start: value, count: strlen(value)), to: &result, report: report)
        }
        return result
    }

    private mutating func add(
        _ rawName: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, to result: inout [MetadataField],
        report: Bool
    ) {
        guard let name = Self.keptName(rawName) else { return }
        let decoded = HeaderText.decode(value, limit: limits.maxHeaderBytes)
        if decoded.isCut, report {
            warnings.append("\(name) is longer than \(limits.maxHeaderBytes) bytes; cut")
        }
        // A field that may stand once is taken where it stands first.
        if result.contains(where: { $0.name == name }) {
            if name != "to" && name != "cc" { return }
            if result.count > 100 { return }
        }
        if !decoded.text.isEmpty { result.append(MetadataField(name: name, value: decoded.text)) }
    }

    // MARK: Structure

    private mutating func walk(_ object: UnsafeMutablePointer<GMimeObject>, depth: Int) {
        partCount += 1
        if partCount > limits.maxMIMEParts {
            isTooMany = true
            return
        }
        if depth > limits.maxMIMEDepth {
            isTooDeep = true
            return
        }
        if let multipart = Self.multipart(object) {
            walkMultipart(multipart, object, depth: depth)
        } else if let inner = Self.messagePart(object) {
            walkMessage(inner, object, depth: depth)
        } else if let leaf = Self.part(object) {
            walkLeaf(leaf, object)
        } else {
            list(object, bytes: nil)
        }
    }

    private mutating func walkMultipart(
        _ multipart: UnsafeMutablePointer<GMimeMultipart>, _ object: UnsafeMutablePointer<GMimeObject>,
        depth: Int
    ) {
        let count = Int(g_mime_multipart_get_count(multipart))
        let children = (0..<min(count, limits.maxMIMEParts + 1)).compactMap {
            g_mime_multipart_get_part(multipart, Int32($0))
        }
        if children.isEmpty { readUnsplit(multipart, object) }
        let boundary = g_mime_multipart_get_boundary(multipart).map { Array(String(cString: $0).utf8) } ?? []
        around.append(MultipartText(boundary: boundary))
        defer { around.removeLast() }
        switch Self.mediaType(object).subtype {
        case "alternative":
            let chosen = chooseAlternative(children, depth: depth)
            for (index, child) in children.enumerated() {
                if index == chosen {
                    walk(child, depth: depth + 1)
                } else if Self.mediaType(child).type != "text" && Self.multipart(child) == nil {
                    list(child, bytes: Self.part(child).flatMap(decodedBytes))
                }
            }
        case "signed":
            for (index, child) in children.enumerated() {
                if index == 0 {
                    walk(child, depth: depth + 1)
                } else {
                    list(child, bytes: Self.part(child).flatMap(decodedBytes))
                }
            }
        case "encrypted":
            isEncrypted = true
            warnings.append("the mail is encrypted (\(Self.mediaTypeText(object))); its body is not read")
            for child in children { list(child, bytes: Self.part(child).flatMap(decodedBytes)) }
        default:
            let end = around.lazy.compactMap(\.current).last?.upperBound ?? message.count
            let first = min(offset(Self.headers(object).last) ?? start, end)
            let all = around[around.count - 1].parts(
                of: message, in: first..<end, limit: limits.maxMIMEParts + 1)
            guard all.count(where: \.isMade) == children.count else {
                for child in children where !isTooMany { walk(child, depth: depth + 1) }
                return
            }
            var rest = children[...]
            for part in all where !isTooMany {
                let child = part.isMade ? rest.popFirst() : nil
                if part.hasEmptyLine || !readWithoutEmptyLine(part.range), let child {
                    around[around.count - 1].current = part.range
                    walk(child, depth: depth + 1)
                }
            }
        }
    }

    /// A part in which no empty line comes: text from the first line on that is no field of a part.
    ///
    /// - Returns: Whether there is any.
    private mutating func readWithoutEmptyLine(_ range: Range<Int>) -> Bool {
        let bytes = message.slice(range)
        var text = range
        if bytes.beginsIgnoringCase("content-") {
            guard let found = MailHeader.textWithoutEmptyLine(bytes) else { return false }
            text = range.lowerBound + found.lowerBound..<range.upperBound
        }
        if message.slice(text).allSatisfy(isSpace) { return false }
        warnings.append("no empty line ends the header of a part; it is read as text")
        let body = MailBody(range: text, encoding: .identity, charset: nil, isHTML: false)
        parts.append(PlannedPart(body: body))
        return true
    }

    /// A multipart without parts (no boundary, or one that never comes): what stands in it
    /// is text for whoever looks.
    private mutating func readUnsplit(
        _ multipart: UnsafeMutablePointer<GMimeMultipart>, _ object: UnsafeMutablePointer<GMimeObject>
    ) {
        warnings.append("a \(Self.mediaTypeText(object)) part has no parts inside")
        for text in [g_mime_multipart_get_prologue(multipart), g_mime_multipart_get_epilogue(multipart)] {
            guard let text else { continue }
            let bytes = UnsafeRawBufferPointer(start: text, count: strlen(text))
            if bytes.allSatisfy(isSpace) { continue }
            let utf8 = TextDecoder.decode(bytes, declared: nil)
            parts.append(PlannedPart(heading: String(decoding: utf8, as: UTF8.self)))
        }
    }

    private enum Alternative {
        case plain, html, otherText, none
    }

    /// Which child to read: plain text that says something, else HTML, else other text,
    /// else the last.
    private func chooseAlternative(_ children: [UnsafeMutablePointer<GMimeObject>], depth: Int) -> Int? {
        let kinds = children.map { alternative($0, depth: depth) }
        return kinds.firstIndex(of: .plain) ?? kinds.lastIndex(of: .html) ?? kinds.lastIndex(of: .otherText)
            ?? children.indices.last
    }

    private func alternative(_ object: UnsafeMutablePointer<GMimeObject>, depth: Int) -> Alternative {
        if depth > limits.maxMIMEDepth { return .none }
        if let multipart = Self.multipart(object) {
            // The first text inside tells what it is.
            for index in 0..<min(g_mime_multipart_get_count(multipart), 100) {
                guard let child = g_mime_multipart_get_part(multipart, index) else { continue }
                let kind = alternative(child, depth: depth + 1)
                if kind != .none { return kind }
            }
            return .none
        }
        guard let leaf = Self.part(object), let body = body(leaf, object) else { return .none }
        let subtype = Self.mediaType(object).subtype
        if body.isHTML { return .html }
        if subtype != "plain" { return subtype == "calendar" ? .none : .otherText }
        return body.hasText(message) ? .plain : .none
    }

    private mutating func walkMessage(
        _ inner: UnsafeMutablePointer<GMimeMessagePart>, _ object: UnsafeMutablePointer<GMimeObject>,
        depth: Int
    ) {
        let message = g_mime_message_part_get_message(inner)
        if let text = textOfNoMail(message, object) {
            warnings.append("a \(Self.mediaTypeText(object)) part is no mail; it is read as text")
            let body = MailBody(range: text, encoding: .identity, charset: nil, isHTML: false)
            return parts.append(PlannedPart(isForwarded: true, body: body))
        }
        guard let message else { return list(object, bytes: nil) }
        let fields = fields(message, report: false)
        var heading = ""
        for (name, label) in [
            ("from", "From"), ("to", "To"), ("cc", "Cc"), ("date", "Date"), ("subject", "Subject"),
        ] {
            if let field = fields.first(where: { $0.name == name }) {
                heading += "\(label): \(field.value)\n"
            }
        }
        if !heading.isEmpty { heading += "\n" }
        let first = parts.count
        if let part = g_mime_message_get_mime_part(message) { walk(part, depth: depth + 1) }
        if parts.count == first, !heading.isEmpty { parts.append(PlannedPart()) }
        if parts.count > first { parts[first].heading = heading + parts[first].heading }
        for index in first..<parts.count { parts[index].isForwarded = true }
    }

    /// Where the text stands that is said to be a mail and has no field of one: GMime takes its first lines for a
    /// header, and leaves them out.
    private func textOfNoMail(
        _ inner: UnsafeMutablePointer<GMimeMessage>?, _ object: UnsafeMutablePointer<GMimeObject>
    ) -> Range<Int>? {
        let isMail = (inner.map { Self.headers(Self.object($0)) } ?? []).contains { header in
            let name = g_mime_header_get_name(header).map { String(cString: $0) } ?? ""
            return Array("\(name):".utf8).withUnsafeBytes(ContentKind.isKnownMailField)
        }
        // In a digest a part need say nothing of itself: what stands in the place of its fields is its text.
        let hasFields = Self.headers(object).contains { header in
            g_mime_header_get_name(header).map { String(cString: $0).asciiLowercased.hasPrefix("content-") }
                ?? false
        }
        let known = around.last?.current
        guard !isMail, hasFields || known != nil,
            let part = known
                ?? offset(Self.headers(object).last).map({ first in
                    first..<around.reduce(message.count) { min($0, $1.end(message, from: first)) }
                })
        else { return nil }
        let bytes = message.slice(part)
        let isLed = bytes.first == 0x0A || bytes.begins(with: "\r\n")
        var text = part
        if hasFields || isLed {
            guard let begin = MultipartText.emptyLine(bytes) else { return nil }
            text = part.lowerBound + begin..<part.upperBound
        }
        return message.slice(text).allSatisfy(isSpace) ? nil : text
    }

    /// Where a field of GMime's stands in the message.
    private func offset(_ header: UnsafeMutablePointer<GMimeHeader>?) -> Int? {
        guard let header, case let offset = start + Int(g_mime_header_get_offset(header)), offset >= start,
            offset < message.count
        else { return nil }
        return offset
    }

    private static func headers(_ object: UnsafeMutablePointer<GMimeObject>) -> [UnsafeMutablePointer<
        GMimeHeader
    >] {
        guard let list = g_mime_object_get_header_list(object) else { return [] }
        return (0..<min(g_mime_header_list_get_count(list), 100_000)).compactMap {
            g_mime_header_list_get_header_at(list, $0)
        }
    }

    private mutating func walkLeaf(
        _ leaf: UnsafeMutablePointer<GMimePart>, _ object: UnsafeMutablePointer<GMimeObject>
    ) {
        let (type, subtype) = Self.mediaType(object)
        if type == "application", subtype == "pkcs7-mime" || subtype == "x-pkcs7-mime" {
            let kind = Self.parameter(object, "smime-type")?.asciiLowercased
            if kind != "signed-data" && kind != "certs-only" {
                isEncrypted = true
                warnings.append("an encrypted S/MIME part is not read")
            } else {
                warnings.append("an S/MIME part of type \(kind ?? "") is not opened")
            }
        }
        guard !isAttachment(object, leaf), let body = body(leaf, object) else {
            return list(object, bytes: decodedBytes(leaf))
        }
        if body.encoding == .identity, encoding(leaf, object) == .base64 {
            warnings.append("declared base64, but the part is none; it is read as it stands")
        }
        noteUnknownEncoding(object)
        parts.append(PlannedPart(body: body))
    }

    /// Text with a name and no wish to be shown is an attachment; so is text that is data.
    private func isAttachment(
        _ object: UnsafeMutablePointer<GMimeObject>, _ leaf: UnsafeMutablePointer<GMimePart>
    ) -> Bool {
        let disposition = g_mime_object_get_disposition(object).map { String(cString: $0).asciiLowercased }
        if disposition == "attachment" { return true }
        let (type, subtype) = Self.mediaType(object)
        if type != "text" { return false }
        let hasName = g_mime_part_get_filename(leaf) != nil
        return hasName && subtype != "plain" && subtype != "html"
    }

    /// How the text of a leaf is read; nil if it is none.
    private func body(_ leaf: UnsafeMutablePointer<GMimePart>, _ object: UnsafeMutablePointer<GMimeObject>)
        -> MailBody?
    {
        let (type, subtype) = Self.mediaType(object)
        let isText = type == "text" || (type == "message" && subtype != "external-body")
        guard isText, let range = contentRange(leaf) else { return nil }
        var flow = MailBody.Flow.fixed
        if type == "text", subtype == "plain",
            Self.parameter(object, "format")?.asciiLowercased == "flowed"
        {
            flow = Self.parameter(object, "delsp")?.asciiLowercased == "yes" ? .flowedWithoutSpaces : .flowed
        }
        var encoding = encoding(leaf, object)
        if encoding == .base64, Base64.isWords(message.slice(range)) { encoding = .identity }
        return MailBody(
            range: range, encoding: encoding, charset: Self.parameter(object, "charset"),
            isHTML: type == "text" && (subtype == "html" || subtype == "xhtml"), flow: flow)
    }

    private func encoding(
        _ leaf: UnsafeMutablePointer<GMimePart>, _ object: UnsafeMutablePointer<GMimeObject>
    ) -> TextOrigin.Transfer {
        switch g_mime_part_get_content_encoding(leaf) {
        case GMIME_CONTENT_ENCODING_BASE64: .base64
        case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE: .quotedPrintable
        case GMIME_CONTENT_ENCODING_UUENCODE: .uuencode
        default: .identity
        }
    }

    private mutating func noteUnknownEncoding(_ object: UnsafeMutablePointer<GMimeObject>) {
        guard let value = g_mime_object_get_header(object, "Content-Transfer-Encoding") else { return }
        let name = String(cString: value).asciiLowercased.split { " \t;\r\n\"".contains($0) }.first ?? ""
        let known = [
            "7bit", "8bit", "7-bit", "8-bit", "binary", "base64", "quoted-printable", "x-uuencode",
            "uuencode",
            "x-uue", "uue",
        ]
        if !name.isEmpty, !known.contains(String(name)) {
            warnings.append("transfer encoding \(name) is unknown; the part is read as it stands")
        }
    }

    // MARK: Attachments

    private mutating func list(_ object: UnsafeMutablePointer<GMimeObject>, bytes: Int?) {
        if attachments.count >= limits.maxMIMEParts { return }
        var name = ""
        if let leaf = Self.part(object), let filename = g_mime_part_get_filename(leaf) {
            let raw = UnsafeRawBufferPointer(start: filename, count: strlen(filename))
            name = HeaderText.decode(raw, limit: limits.maxHeaderBytes).text
        }
        attachments.append(Attachment(name: name, mediaType: Self.mediaTypeText(object), bytes: bytes))
        if let leaf = Self.part(object), let range = contentRange(leaf), !range.isEmpty {
            let content = MailBody(
                range: range, encoding: encoding(leaf, object), charset: nil, isHTML: false)
            openable.append(PlannedAttachment(name: name, content: content))
        }
    }

    private func decodedBytes(_ leaf: UnsafeMutablePointer<GMimePart>) -> Int? {
        guard let range = contentRange(leaf) else { return nil }
        let slice = message.slice(range)
        switch g_mime_part_get_content_encoding(leaf) {
        case GMIME_CONTENT_ENCODING_BASE64: return Base64.decodedCount(slice)
        case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE: return QuotedPrintable.decode(slice).bytes.count
        case GMIME_CONTENT_ENCODING_UUENCODE: return UUEncoding.decode(slice).count
        default: return slice.count
        }
    }

    /// Where the content of a leaf stands in the message.
    private func contentRange(_ leaf: UnsafeMutablePointer<GMimePart>) -> Range<Int>? {
        guard let content = g_mime_part_get_content(leaf),
            let stream = g_mime_data_wrapper_get_stream(content)
        else { return nil }
        let first = start + Int(stream.pointee.bound_start)
        let end = stream.pointee.bound_end < 0 ? message.count : start + Int(stream.pointee.bound_end)
        guard first >= 0, first <= end, end <= message.count else { return nil }
        return first..<end
    }

    // MARK: GMime's types

    private static func isA(_ object: UnsafeMutablePointer<GMimeObject>, _ type: GType) -> Bool {
        UnsafeMutableRawPointer(object).withMemoryRebound(to: GTypeInstance.self, capacity: 1) {
            g_type_check_instance_is_a($0, type) != 0
        }
    }

    private static func object<T>(_ pointer: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<GMimeObject> {
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: GMimeObject.self)
    }

    private static func multipart(_ object: UnsafeMutablePointer<GMimeObject>) -> UnsafeMutablePointer<
        GMimeMultipart
    >? {
        isA(object, g_mime_multipart_get_type())
            ? UnsafeMutableRawPointer(object).assumingMemoryBound(to: GMimeMultipart.self) : nil
    }

    private static func messagePart(
        _ object: UnsafeMutablePointer<GMimeObject>
    ) -> UnsafeMutablePointer<GMimeMessagePart>? {
        isA(object, g_mime_message_part_get_type())
            ? UnsafeMutableRawPointer(object).assumingMemoryBound(to: GMimeMessagePart.self) : nil
    }

    private static func part(_ object: UnsafeMutablePointer<GMimeObject>) -> UnsafeMutablePointer<GMimePart>?
    {
        isA(object, g_mime_part_get_type())
            ? UnsafeMutableRawPointer(object).assumingMemoryBound(to: GMimePart.self) : nil
    }

    private static func mediaType(_ object: UnsafeMutablePointer<GMimeObject>) -> (
        type: String, subtype: String
    ) {
        guard let type = g_mime_object_get_content_type(object) else { return ("text", "plain") }
        let main = g_mime_content_type_get_media_type(type).map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: strlen($0)), as: UTF8.self)
        }
        let sub = g_mime_content_type_get_media_subtype(type).map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: strlen($0)), as: UTF8.self)
        }
        if main == "application", sub == "octet-stream",
            isText(g_mime_object_get_header(object, "Content-Type"))
        {
            return ("text", "plain")
        }
        return ((main ?? "text").asciiLowercased, (sub ?? "plain").asciiLowercased)
    }

    /// Whether a Content-Type says "text" and not which; GMime takes what has no subtype for bytes.
    private static func isText(_ value: UnsafePointer<CChar>?) -> Bool {
        guard let value else { return false }
        let words = String(cString: value).prefix { $0 != ";" }.split(whereSeparator: \.isWhitespace)
        return words.count == 1 && String(words[0]).asciiLowercased == "text"
    }

    private static func mediaTypeText(_ object: UnsafeMutablePointer<GMimeObject>) -> String {
        let (type, subtype) = mediaType(object)
        return "\(type)/\(subtype)"
    }

    private static func parameter(_ object: UnsafeMutablePointer<GMimeObject>, _ name: String) -> String? {
        g_mime_object_get_content_type_parameter(object, name).map { String(cString: $0) }
    }
}

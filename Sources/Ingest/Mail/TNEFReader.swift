import Documents

/// Outlook's `winmail.dat` (TNEF, [MS-OXTNEF]): the body as the text of one document, then
/// the attachments, each opened like any other bytes where the options say so.
final class TNEFReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let isPlainFile: Bool
    private let budget: UnpackBudget?

    init(_ reader: ByteReader, address: String, depth: Int, isPlainFile: Bool, budget: UnpackBudget?) {
        self.reader = reader
        self.address = address
        self.depth = depth
        self.isPlainFile = isPlainFile
        self.budget = budget
    }

    func step(_ context: StreamContext) -> Bool {
        let (bytes, isCut) = reader.readAll(limit: context.limits.maxMessageBytes)
        let file = TNEFFile(bytes[...])
        let writer = DocumentWriter(context, Document(address: address, kind: .tnef))
        for (name, id) in Self.fields {
            if let value = file.properties.string(id) {
                writer.document.metadata.append(MetadataField(name: name, value: value))
            }
        }
        if let subject = file.subject, writer.document.first("subject") == nil {
            writer.document.metadata.append(MetadataField(name: "subject", value: subject))
        }
        if let date = file.properties.time(MAPIProperties.ID.sentAt) {
            writer.document.metadata.append(MetadataField(name: "date", value: date))
        }
        writer.document.attachments = file.attachments.map {
            Attachment(name: $0.name, mediaType: $0.mediaType, bytes: $0.bytes.count)
        }
        var status = ItemStatus.ok
        appendBody(file, writer, context)
        if file.isDamaged {
            writer.warn("the TNEF ends before its last attribute does")
            status = .partial(.damaged)
        }
        if isCut {
            writer.warn("longer than \(context.limits.maxMessageBytes) bytes; the rest is not read")
            status = .partial(.limitBytes)
        }
        if let failure = reader.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil)
        if context.options.opensAttachments, !file.attachments.isEmpty {
            if depth >= context.limits.maxDepth {
                context.emitFailure(
                    address, .failed(.limitDepth),
                    "containers are nested deeper than \(context.limits.maxDepth); attachments are not opened"
                )
            } else {
                context.push(
                    AttachmentsReader(
                        file.attachments.map { attachment in (attachment.name, { attachment.bytes }) },
                        address: address, depth: depth + 1,
                        budget: budget))
            }
        }
        return false
    }

    private static let fields = [
        ("subject", MAPIProperties.ID.subject), ("from", MAPIProperties.ID.senderName),
        ("to", MAPIProperties.ID.displayTo), ("cc", MAPIProperties.ID.displayCc),
        ("message-id", MAPIProperties.ID.messageID),
    ]

    /// Plain text first, as in mail; then HTML; then RTF.
    private func appendBody(_ file: TNEFFile, _ writer: DocumentWriter, _ context: StreamContext) {
        if let plain = file.body ?? file.properties.text(MAPIProperties.ID.body),
            plain.contains(where: { !isSpace($0) })
        {
            let text = plain.withUnsafeBytes { MailReader.withLineFeeds($0) }
            text.withUnsafeBytes { writer.append($0, marks: MailMarks.find($0)) }
        } else if let html = file.properties.bytes(MAPIProperties.ID.bodyHTML), !html.isEmpty {
            let page = file.properties.integer(MAPIProperties.ID.internetCodePage)
            let declared = page.map { $0 == 65_001 ? "utf-8" : "cp\($0)" }
            let utf8 = html.withUnsafeBytes {
                TextDecoder.decode($0, declared: HTMLText.declaredCharset($0) ?? declared)
            }
            let text = HTMLText(writer, options: context.options)
            utf8.withUnsafeBytes { text.append($0) }
            text.finish()
        } else if let packed = file.properties.bytes(MAPIProperties.ID.compressedRTF) {
            guard let rtf = CompressedRTF.unpack(packed) else {
                return writer.warn("the RTF body is damaged")
            }
            _ = RTFReader.append(rtf, to: writer, options: context.options)
        }
    }
}

/// The attributes of a TNEF stream.
struct TNEFFile {
    struct File {
        var name = ""
        var mediaType = "application/octet-stream"
        var bytes: [UInt8] = []
    }

    static let signature: [UInt8] = [0x78, 0x9F, 0x3E, 0x22]

    private(set) var properties = MAPIProperties()
    private(set) var body: [UInt8]?
    private(set) var subject: String?
    private(set) var attachments: [File] = []
    private(set) var isDamaged = false
    private var codePage = 1252

    private enum Attribute {
        static let subject = 0x8004
        static let body = 0x800C
        static let attachData = 0x800F
        static let attachTitle = 0x8010
        static let attachRendering = 0x9002
        static let messageProperties = 0x9003
        static let attachProperties = 0x9005
        static let codePage = 0x9007
    }

    init(_ bytes: ArraySlice<UInt8>) {
        var reader = LittleEndianReader(bytes)
        guard reader.skip(6) else {
            isDamaged = true
            return
        }
        // Fewer bytes than the head of an attribute are padding.
        while reader.left > 9 {
            guard let level = reader.uint8(), level == 1 || level == 2, let id = reader.uint32(),
                let length = reader.uint32(), let data = reader.take(length)
            else {
                isDamaged = true
                return
            }
            _ = reader.skip(2)  // a checksum that writers often get wrong
            take(id & 0xFFFF, data)
        }
    }

    private mutating func take(_ id: Int, _ data: ArraySlice<UInt8>) {
        switch id {
        case Attribute.codePage:
            var reader = LittleEndianReader(data)
            if let page = reader.uint32(), page > 0, page < 65_536 { codePage = page }
        case Attribute.subject: subject = String(decoding: HeaderText.collapse(text(data)), as: UTF8.self)
        case Attribute.body: body = text(data)
        case Attribute.messageProperties:
            properties = MAPIProperties(data)
            properties.codePage = codePage
            if properties.isDamaged { isDamaged = true }
        case Attribute.attachRendering: if attachments.count < 10_000 { attachments.append(File()) }
        case Attribute.attachTitle: change { if $0.name.isEmpty { $0.name = $1.fileName($2) } }
        case Attribute.attachData: change { file, _, _ in file.bytes = Array(data) }
        case Attribute.attachProperties: takeAttachment(data)
        default: break
        }

        func change(_ body: (inout File, TNEFFile, ArraySlice<UInt8>) -> Void) {
            if attachments.isEmpty { attachments.append(File()) }
            var file = attachments[attachments.count - 1]
            body(&file, self, data)
            attachments[attachments.count - 1] = file
        }
    }

    private mutating func takeAttachment(_ data: ArraySlice<UInt8>) {
        if attachments.isEmpty { attachments.append(File()) }
        var found = MAPIProperties(data)
        found.codePage = codePage
        if found.isDamaged { isDamaged = true }
        let last = attachments.count - 1
        let name =
            found.string(MAPIProperties.ID.attachLongFileName) ?? found.string(
                MAPIProperties.ID.attachFileName)
            ?? found.string(MAPIProperties.ID.displayName)
        if let name {
            attachments[last].name =
                name.split(whereSeparator: { "/\\".contains($0) }).last.map(String.init) ?? ""
        }
        if let type = found.string(MAPIProperties.ID.attachMIMEType) { attachments[last].mediaType = type }
        if attachments[last].bytes.isEmpty, let bytes = found.bytes(MAPIProperties.ID.attachData) {
            // An object begins with the 16 bytes of its interface; a message in it is TNEF again.
            let isObject = bytes.count > 20 && Array(bytes[16..<20]) == Self.signature
            attachments[last].bytes = isObject ? Array(bytes[16...]) : bytes
        }
    }

    private func fileName(_ data: ArraySlice<UInt8>) -> String {
        let name = String(decoding: HeaderText.collapse(text(data)), as: UTF8.self)
        return name.split(whereSeparator: { "/\\".contains($0) }).last.map(String.init) ?? ""
    }

    private func text(_ data: ArraySlice<UInt8>) -> [UInt8] {
        let bytes = Array(data.prefix { $0 != 0 })
        return bytes.withUnsafeBytes { TextDecoder.decode($0, declared: "CP\(codePage)") }
    }
}

/// RTF as MAPI packs it: LZ77 over a window that begins with words of RTF ([MS-OXRTFCP]).
enum CompressedRTF {
    private static let window = Array(
        (#"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "#
            + #"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"#
            + "\r\n" + #"\par \pard\plain\f0\fs20\b\i\u\tab\tx"#).utf8)
    private static let maxBytes = 64 << 20

    static func unpack(_ bytes: [UInt8]) -> [UInt8]? {
        var header = LittleEndianReader(bytes[...])
        guard header.uint32() != nil, let rawSize = header.uint32(), let magic = header.uint32(),
            header.skip(4), rawSize <= maxBytes
        else { return nil }
        if magic == 0x414C_454D { return Array(bytes.dropFirst(16).prefix(rawSize)) }
        guard magic == 0x7546_5A4C else { return nil }
        var ring = window + [UInt8](repeating: 0x20, count: 4096 - window.count)
        var at = window.count
        var output: [UInt8] = []
        output.reserveCapacity(min(rawSize, bytes.count * 8))
        var index = 16
        func put(_ byte: UInt8) {
            output.append(byte)
            ring[at] = byte
            at = (at + 1) & 4095
        }
        while index < bytes.count, output.count < rawSize {
            let flags = bytes[index]
            index += 1
            for bit in 0..<8 where output.count < rawSize {
                if flags & (1 << bit) == 0 {
                    guard index < bytes.count else { return output }
                    put(bytes[index])
                    index += 1
                } else {
                    guard index + 1 < bytes.count else { return output }
                    let token = Int(bytes[index]) << 8 | Int(bytes[index + 1])
                    index += 2
                    let start = token >> 4
                    if start == at { return output }
                    for offset in 0..<(token & 15) + 2 { put(ring[(start + offset) & 4095]) }
                }
            }
        }
        return output
    }
}

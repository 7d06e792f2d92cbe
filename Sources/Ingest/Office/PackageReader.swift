import Documents

/// A zip that is one document: OOXML (docx, pptx, xlsx), OpenDocument, EPUB.
///
/// Its parts are read in the order in which people read them, each as a part of the
/// document: the body, then notes, comments, headers and footers; each slide; each sheet;
/// each chapter. Other files inside are listed as attachments, and opened where the options
/// say so.
final class PackageReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let isPlainFile: Bool
    private let budget: UnpackBudget?

    init(
        _ reader: ByteReader, address: String, depth: Int, isPlainFile: Bool, budget: UnpackBudget?
    ) {
        self.reader = reader
        self.address = address
        self.depth = depth
        self.isPlainFile = isPlainFile
        self.budget = budget
    }

    func step(_ context: StreamContext) -> Bool {
        let parts = PackageParts.read(
            reader, budget: budget, limits: context.limits, passwords: context.options.passwords,
            keepsOthers: context.options.opensAttachments)
        if let failure = parts.failure, failure.reason == .encrypted || parts.files.isEmpty {
            context.emitFailure(address, .failed(failure.reason), failure.message)
            return false
        }
        let writer = DocumentWriter(context, Document(address: address, kind: .unknown))
        let text = PackageText(
            writer,
            allowedBytes: max(context.limits.ratioFloorBytes, parts.packedBytes * context.limits.maxRatio))
        writer.document.attachments = parts.others.map { Attachment(name: $0, mediaType: Self.mediaType($0)) }
        let isRead: Bool
        if let main = Self.mainPart(parts) {
            writer.document.kind = main.kind
            switch main.kind {
            case .docx: WordReader.read(parts, main: main.name, text)
            case .xlsx: SheetReader.read(parts, main: main.name, text)
            default: SlideReader.read(parts, main: main.name, text)
            }
            isRead = true
        } else if let kind = Self.openDocumentKind(parts) {
            writer.document.kind = kind
            if OpenDocumentReader.isEncrypted(parts) {
                context.emitFailure(
                    address, .failed(.encrypted), "the document is encrypted with a password")
                return false
            }
            isRead = OpenDocumentReader.read(parts, text)
        } else if parts["META-INF/container.xml"] != nil {
            writer.document.kind = .epub
            isRead = BookReader.read(parts, text, context)
        } else {
            isRead = false
        }
        guard isRead else {
            // What it says it is cannot be read as such: its files are named, and nothing is lost.
            let status: ItemStatus = parts.failure.map { .failed($0.reason) } ?? .skipped(.unsupported)
            context.emitFailure(
                address, status,
                parts.failure?.message
                    ?? "a package of \(parts.files.count) parts, but no Word, Excel, PowerPoint, "
                    + "OpenDocument or EPUB content among them")
            return false
        }
        finish(text, parts, writer)
        openEmbedded(parts, context)
        return false
    }

    private func finish(_ text: PackageText, _ parts: PackageParts, _ writer: DocumentWriter) {
        var status = ItemStatus.ok
        if text.damage != nil { status = .partial(.damaged) }
        if text.isBeyondRatio {
            status = .partial(.limitRatio)
            writer.warn("the text grows to more than \(text.allowedBytes) bytes from repeated content")
        }
        if let damage = text.damage { writer.warn(damage) }
        if let failure = parts.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil)
    }

    private func openEmbedded(_ parts: PackageParts, _ context: StreamContext) {
        guard context.options.opensAttachments, depth < context.limits.maxDepth else { return }
        let items = parts.others.compactMap { name in
            parts[name].map { bytes in (name: name, bytes: { bytes }) }
        }
        if !items.isEmpty {
            context.push(AttachmentsReader(items, address: address, depth: depth + 1, budget: budget))
        }
    }

    // MARK: Which kind

    private static func mainPart(_ parts: PackageParts) -> (name: String, kind: DocumentKind)? {
        for relation in parts.relations(of: "") where relation.kind == "officeDocument" {
            if let kind = kind(ofMain: relation.target), parts[relation.target] != nil {
                return (relation.target, kind)
            }
        }
        for name in ["word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"] where parts[name] != nil
        {
            return (name, kind(ofMain: name)!)
        }
        return nil
    }

    private static func kind(ofMain name: String) -> DocumentKind? {
        let lower = name.lowercased()
        if lower.hasPrefix("word/") { return .docx }
        if lower.hasPrefix("xl/") { return .xlsx }
        if lower.hasPrefix("ppt/") { return .pptx }
        return lower.hasSuffix("document.xml") ? .docx : nil
    }

    private static func openDocumentKind(_ parts: PackageParts) -> DocumentKind? {
        guard let bytes = parts["mimetype"] else { return nil }
        let type = String(decoding: bytes, as: UTF8.self)
        guard
            type.hasPrefix("application/vnd.oasis.opendocument.")
                || type.hasPrefix("application/vnd.sun.xml.")
        else { return nil }
        if type.contains("spreadsheet") || type.contains(".calc") { return .ods }
        if type.contains("presentation") || type.contains(".impress") { return .odp }
        return .odt
    }

    static func mediaType(_ name: String) -> String {
        let ending = name.split(separator: ".").last?.lowercased() ?? ""
        return mediaTypes[ending] ?? "application/octet-stream"
    }

    private static let mediaTypes = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "svg": "image/svg+xml", "emf": "image/emf", "wmf": "image/wmf", "css": "text/css",
        "pdf": "application/pdf", "txt": "text/plain", "ttf": "font/ttf", "otf": "font/otf",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ]
}

/// The text of a package on its way to the writer: parts with lines, counted against what
/// repeated content may grow to.
final class PackageText {
    let writer: DocumentWriter
    let allowedBytes: Int
    /// The first thing that is not well-formed.
    var damage: String?
    var isBeyondRatio: Bool { writer.textBytes > allowedBytes }

    init(_ writer: DocumentWriter, allowedBytes: Int) {
        self.writer = writer
        self.allowedBytes = allowedBytes
    }

    func beginPart() { writer.beginPart() }

    func line(_ bytes: [UInt8]) {
        if isBeyondRatio { return }
        writer.append(bytes)
        writer.append([0x0A])
    }

    func parse(_ bytes: [UInt8], _ handler: XMLEventHandler, name: String) {
        if let found = XMLEvents.parse(bytes, handler), damage == nil { damage = "\(name): \(found)" }
    }

    func addMetadata(_ name: String, _ value: [UInt8]) {
        let text = String(decoding: HeaderText.collapse(value), as: UTF8.self)
        if !text.isEmpty, writer.document.first(name) == nil {
            writer.document.metadata.append(MetadataField(name: name, value: text))
        }
    }

    /// Title, author and dates of Dublin Core, as OOXML, OpenDocument and EPUB keep them.
    func readCoreProperties(_ bytes: [UInt8]?) {
        guard let bytes else { return }
        final class Reader: XMLEventHandler {
            let text: PackageText
            var field: String?
            var value: [UInt8] = []
            init(_ text: PackageText) { self.text = text }
            static let fields = [
                "title": "title", "creator": "from", "initial-creator": "from", "subject": "subject",
                "created": "date", "creation-date": "date", "date": "date", "language": "language",
            ]
            func start(_ name: String, _ attributes: XMLAttributes) {
                field = Self.fields[name]
                value = []
            }
            func end(_ name: String) {
                if let field, value.count < 64 << 10 { text.addMetadata(field, value) }
                field = nil
            }
            func text(_ utf8: UnsafeRawBufferPointer) {
                if field != nil, value.count < 64 << 10 { value.append(contentsOf: utf8) }
            }
        }
        XMLEvents.parse(bytes, Reader(self))
    }
}

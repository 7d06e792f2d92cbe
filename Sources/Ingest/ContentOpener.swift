import Documents

/// Finds out what bytes are and pushes who reads them.
final class ContentOpener: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let isPlainFile: Bool
    private let budget: UnpackBudget?
    private let isAttachment: Bool

    /// - Parameters:
    ///   - depth: Containers around the bytes.
    ///   - isPlainFile: Whether offsets of the bytes are offsets of a file.
    ///   - budget: That of the outermost archive around the bytes, if there is one.
    ///   - isAttachment: Whether the bytes are named in the row of the document around them: then
    ///     kinds that are not read (pictures, say) get no row of their own.
    init(
        _ reader: ByteReader, address: String, depth: Int, isPlainFile: Bool, budget: UnpackBudget? = nil,
        isAttachment: Bool = false
    ) {
        self.budget = budget
        self.isAttachment = isAttachment
        self.reader = reader
        self.address = address
        self.depth = depth
        self.isPlainFile = isPlainFile
    }

    func step(_ context: StreamContext) -> Bool {
        context.voice?.note(address)
        let beginning = reader.look(ContentKind.sniffBytes)
        switch ContentKind(beginning) {
        case .empty:
            if let failure = reader.failure {
                context.emitFailure(address, .failed(failure.reason), failure.message)
            } else if !isAttachment {
                context.emitFailure(address, .skipped(.empty), nil)
            }
        case .unsupported(let name):
            if !isAttachment {
                context.emitFailure(address, .skipped(.unsupported), "\(name); not a kind that is read")
            }
        case .mbox:
            context.push(
                MboxReader(reader, address: address, isPlainFile: isPlainFile, depth: depth, budget: budget))
        case .mail, .appleMail:
            context.push(
                SingleMailReader(
                    reader, address: address, isPlainFile: isPlainFile,
                    isAppleMail: ContentKind(beginning) == .appleMail, depth: depth, budget: budget))
        case .html:
            context.push(HTMLReader(reader, address: address, isPlainFile: isPlainFile, context))
        case .xml:
            context.push(XMLReader(reader, address: address, isPlainFile: isPlainFile, context))
        case .rtf:
            context.push(RTFReader(reader, address: address, isPlainFile: isPlainFile))
        case .pdf:
            context.push(PDFReader(reader, address: address, isPlainFile: isPlainFile))
        case .text: openText(beginning, context)
        case .archive, .uuencoded, .package, .tnef, .ole, .outlookMailbox, .xar:
            openContainer(ContentKind(beginning), context)
        }
        return false
    }

    private func openText(_ beginning: UnsafeRawBufferPointer, _ context: StreamContext) {
        if let field = context.options.jsonTextField, JSONLinesReader.isObject(beginning) {
            context.push(JSONLinesReader(reader, address: address, isPlainFile: isPlainFile, field: field))
        } else if let column = context.options.csvTextColumn {
            context.push(CSVReader(reader, address: address, isPlainFile: isPlainFile, column: column))
        } else {
            context.push(PlainTextReader(reader, address: address, isPlainFile: isPlainFile, context))
        }
    }

    private func openContainer(_ kind: ContentKind, _ context: StreamContext) {
        if depth >= context.limits.maxDepth {
            return context.emitFailure(
                address, .failed(.limitDepth),
                "containers are nested deeper than \(context.limits.maxDepth); this one is not opened")
        }
        switch kind {
        case .package:
            context.push(
                PackageReader(
                    reader, address: address, depth: depth, isPlainFile: isPlainFile, budget: budget))
        case .tnef:
            context.push(
                TNEFReader(reader, address: address, depth: depth, isPlainFile: isPlainFile, budget: budget))
        case .ole:
            context.push(
                OLEReader(reader, address: address, depth: depth, isPlainFile: isPlainFile, budget: budget))
        case .uuencoded: context.push(UUReader(reader, address: address, depth: depth + 1, budget: budget))
        case .xar: context.push(XarReader(reader, address: address, depth: depth, budget: budget))
        case .outlookMailbox: context.push(OutlookMailboxReader(reader, address: address, depth: depth))
        default:
            context.push(
                ArchiveReader(
                    reader, address: address, depth: depth + 1, budget: budget, limits: context.limits))
        }
    }
}

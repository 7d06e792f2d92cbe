import Documents
import Glibc

/// The documents of some inputs, one event at a time.
///
/// Inputs are files, folders, archives of any of them, and `-` for the standard input;
/// what they are is told by their content. Nothing throws: whatever cannot be read is a
/// document whose end says why.
///
///     let stream = DocumentStream(inputs: ["inbox.mbox"])
///     while let event = stream.next() { ... }
///
/// Memory is bounded by the largest mail (see ``IngestLimits/maxMessageBytes``), never by
/// the size of an input. A stream belongs to one thread at a time.
public final class DocumentStream {
    private let context: StreamContext

    public init(inputs: [String], options: IngestOptions = .init()) {
        context = StreamContext(options: options)
        context.push(InputList(inputs))
    }

    /// Reads one document from bytes that a closure hands out: for other sources than
    /// files.
    ///
    /// - Parameter next: The next bytes, cut anywhere; nil at the end.
    public init(address: String, options: IngestOptions = .init(), next: @escaping () -> [UInt8]?) {
        context = StreamContext(options: options)
        context.push(
            ContentOpener(ByteReader(ClosureSource(next)), address: address, depth: 0, isPlainFile: true))
    }

    /// The next event; nil after the last.
    public func next() -> DocumentEvent? { context.nextEvent() }
}

/// The inputs as they were named.
private final class InputList: DocumentProducer {
    private var rest: ArraySlice<String>

    init(_ inputs: [String]) { rest = inputs[...] }

    func step(_ context: StreamContext) -> Bool {
        guard let input = rest.popFirst() else { return false }
        if input == "-" {
            let source = FileSource(descriptor: 0, closes: false, isRegular: false)
            context.push(ContentOpener(ByteReader(source), address: "-", depth: 0, isPlainFile: true))
        } else {
            PathOpener.open(Array(input.utf8), address: input, parents: [], walk: .init(), context)
        }
        return true
    }
}

/// Finds out what bytes are and pushes who reads them.
final class ContentOpener: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let isPlainFile: Bool
    private let budget: UnpackBudget?

    /// - Parameters:
    ///   - depth: Containers around the bytes.
    ///   - isPlainFile: Whether offsets of the bytes are offsets of a file.
    ///   - budget: That of the outermost archive around the bytes, if there is one.
    init(
        _ reader: ByteReader, address: String, depth: Int, isPlainFile: Bool, budget: UnpackBudget? = nil
    ) {
        self.budget = budget
        self.reader = reader
        self.address = address
        self.depth = depth
        self.isPlainFile = isPlainFile
    }

    func step(_ context: StreamContext) -> Bool {
        let beginning = reader.look(ContentKind.sniffBytes)
        switch ContentKind(beginning) {
        case .empty:
            if let failure = reader.failure {
                context.emitFailure(address, .failed(failure.reason), failure.message)
            } else {
                context.emitFailure(address, .skipped(.empty), nil)
            }
        case .unsupported(let name):
            context.emitFailure(address, .skipped(.unsupported), "\(name); not a kind that is read")
        case .mbox:
            context.push(MboxReader(reader, address: address, isPlainFile: isPlainFile))
        case .mail:
            context.push(SingleMailReader(reader, address: address, isPlainFile: isPlainFile))
        case .html:
            context.push(HTMLReader(reader, address: address, isPlainFile: isPlainFile, context))
        case .xml:
            context.push(XMLReader(reader, address: address, isPlainFile: isPlainFile, context))
        case .text:
            context.push(PlainTextReader(reader, address: address, isPlainFile: isPlainFile, context))
        case .archive:
            if depth >= context.limits.maxDepth {
                context.emitFailure(
                    address, .failed(.limitDepth),
                    "containers are nested deeper than \(context.limits.maxDepth); this one is not opened")
            } else {
                context.push(
                    ArchiveReader(
                        reader, address: address, depth: depth + 1, budget: budget, limits: context.limits))
            }
        }
        return false
    }
}

/// A file that is one mail.
private final class SingleMailReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool

    init(_ reader: ByteReader, address: String, isPlainFile: Bool) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
    }

    func step(_ context: StreamContext) -> Bool {
        var message: [UInt8] = []
        let limit = context.limits.maxMessageBytes
        while case let block = reader.look(), !block.isEmpty {
            message.append(contentsOf: block.slice(0..<max(0, min(block.count, limit - message.count))))
            reader.consume(block.count)
        }
        MailReader(context).read(
            &message, address: address,
            envelope: .init(
                source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil,
                missingBytes: max(0, reader.offset - limit), failure: reader.failure))
        return false
    }
}

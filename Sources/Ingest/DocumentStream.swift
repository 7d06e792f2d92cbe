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

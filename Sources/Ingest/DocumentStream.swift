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
    private enum Reader {
        case here(StreamContext)
        case elsewhere(ReaderProcess)
    }

    private let reader: Reader
    /// Looked at, and not given on yet.
    private var first: DocumentEvent?

    /// - Parameter findsPlaces: Whether ``place`` is wanted.
    public convenience init(inputs: [String], options: IngestOptions = .init(), findsPlaces: Bool = false) {
        self.init(inputs: inputs, options: options, findsPlaces: findsPlaces, program: ReaderProcess.program)
    }

    /// - Parameter program: A program that reads, as ``ReaderProcess/program``.
    package init(
        inputs: [String], options: IngestOptions = .init(), findsPlaces: Bool = false, program: [String]?
    ) {
        if let program {
            let request = ReaderRequest(inputs: inputs, options: options, findsPlaces: findsPlaces)
            reader = .elsewhere(ReaderProcess(program, request))
        } else {
            let context = StreamContext(options: options, findsPlaces: findsPlaces)
            context.push(InputList(inputs))
            reader = .here(context)
        }
    }

    /// Begins in the middle: from there on the events are those of a stream over the same inputs, with the same options,
    /// from their start.
    ///
    /// What stands before is not read, or, inside of packed files, unpacked and not looked at. That holds of archives
    /// (``StreamPlace/archive``) only where all documents in them could be read: limits on what an archive unpacks to
    /// are not kept, and libarchive may say something else of damage when it has not read what stands before it.
    ///
    /// - Parameter findsPlaces: Whether ``place`` is wanted.
    /// - Returns: Nil where the document of `place` does not stand there; the inputs are others then.
    public convenience init?(
        inputs: [String], options: IngestOptions = .init(), at place: StreamPlace, findsPlaces: Bool = false
    ) {
        self.init(
            inputs: inputs, options: options, at: place, findsPlaces: findsPlaces,
            program: ReaderProcess.program)
    }

    package init?(
        inputs: [String], options: IngestOptions = .init(), at place: StreamPlace, findsPlaces: Bool = false,
        program: [String]?
    ) {
        if let program {
            let request = ReaderRequest(
                inputs: inputs, options: options, findsPlaces: findsPlaces, steps: place.steps)
            let process = ReaderProcess(program, request)
            first = process.next()
            if process.isLost { return nil }
            reader = .elsewhere(process)
        } else {
            let context = StreamContext(options: options, findsPlaces: findsPlaces, from: place.steps)
            context.push(InputList(inputs))
            first = context.nextEvent()
            guard context.stepsLeft.isEmpty, !context.isLost else { return nil }
            reader = .here(context)
        }
        guard case .begin(let document)? = first, document.address == place.item else { return nil }
    }

    /// Reads one document from bytes that a closure hands out: for other sources than
    /// files.
    ///
    /// - Parameter next: The next bytes, cut anywhere; nil at the end.
    public init(address: String, options: IngestOptions = .init(), next: @escaping () -> [UInt8]?) {
        let context = StreamContext(options: options)
        context.push(
            ContentOpener(ByteReader(ClosureSource(next)), address: address, depth: 0, isPlainFile: true))
        reader = .here(context)
    }

    /// The next event; nil after the last.
    public func next() -> DocumentEvent? {
        if let event = first {
            first = nil
            return event
        }
        switch reader {
        case .here(let context): return context.nextEvent()
        case .elsewhere(let process): return process.next()
        }
    }

    /// Whether an archive has struck a limit since this was asked last: no stream may begin in it.
    public func hasStruckLimit() -> Bool {
        switch reader {
        case .here(let context): context.takeStruckLimit()
        case .elsewhere(let process): process.takeStruckLimit()
        }
    }

    /// Where the last document that began stands, when another stream could begin with it; nil also unless asked for.
    public var place: StreamPlace? {
        switch reader {
        case .here(let context): context.place
        case .elsewhere(let process): process.place
        }
    }
}

/// Where a document stands in some inputs, closely enough to begin a stream there.
public struct StreamPlace: Sendable, Equatable {
    /// For each container around it, the outermost first, numbers that its reader understands: one for the list of
    /// inputs and for archives, two for folders, three for mailboxes.
    public var steps: [[Int]]
    /// The document's address.
    public var item: String

    public init(steps: [[Int]], item: String) {
        self.steps = steps
        self.item = item
    }

    /// The steps to the outermost archive or packed file around the document; nil where there is none.
    public var archive: [[Int]]? {
        steps.indices.dropFirst().first { steps[$0].count == 1 }.map { Array(steps[..<$0]) }
    }
}

/// The inputs as they were named.
final class InputList: DocumentProducer {
    private var rest: ArraySlice<String>
    /// The number of the input.
    private(set) var place: [Int]?

    init(_ inputs: [String]) { rest = inputs[...] }

    func step(_ context: StreamContext) -> Bool {
        if place == nil, let step = context.takeStep() { rest = rest.dropFirst(max(0, step.first ?? 0)) }
        guard !rest.isEmpty else { return false }
        place = [rest.startIndex]
        let input = rest.removeFirst()
        guard context.enter(place!, input) else { return true }
        if input == "-" {
            let source = FileSource(descriptor: 0, closes: false, isRegular: false)
            context.push(ContentOpener(ByteReader(source), address: "-", depth: 0, isPlainFile: true))
        } else {
            PathOpener.open(Array(input.utf8), address: input, parents: [], walk: .init(), context)
        }
        return true
    }
}

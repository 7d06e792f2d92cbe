import Digests
import Documents

/// Something that gives documents one bounded step at a time.
protocol DocumentProducer: AnyObject {
    /// Emits events, pushes the producer of something inside, or both.
    ///
    /// - Returns: Whether there is more to come from this producer.
    func step(_ context: StreamContext) -> Bool
    /// What the last step gave, so that another reader of the same bytes can begin with it: numbers that this
    /// producer's first step finds in ``StreamContext/takeStep()``. Nil for a producer that is read from its start.
    var place: [Int]? { get }
}

extension DocumentProducer {
    var place: [Int]? { nil }
}

/// What the producers of one stream share: the queue of events and the stack of producers.
final class StreamContext {
    let options: IngestOptions
    var limits: IngestLimits { options.limits }
    private var events: [DocumentEvent] = []
    private var head = 0
    private(set) var stack: [DocumentProducer] = []
    /// Steps to a place to begin at that nobody has taken yet.
    private(set) var stepsLeft: ArraySlice<[Int]> = []
    /// Set by who finds something else at the place than it says.
    var isLost = false
    /// Set by an archive that is not unpacked any further.
    var hasStruckLimit = false
    /// What is said to the parent; in a reader process alone.
    var voice: ReaderVoice?
    private let findsPlaces: Bool
    private var lastSteps: [[Int]] = []
    private var pendingSteps: [[Int]]?
    /// That of the last document that began, where it has one.
    private(set) var place: StreamPlace?

    init(options: IngestOptions, findsPlaces: Bool = false, from steps: [[Int]] = []) {
        self.options = options
        self.findsPlaces = findsPlaces
        stepsLeft = steps[...]
    }

    /// Where the caller, from the outermost on, is to begin; nil for its start.
    func takeStep() -> [Int]? { stepsLeft.popFirst() }

    func emit(_ event: DocumentEvent) { events.append(event) }

    /// Reads `producer` to its end before the one that pushes it goes on.
    func push(_ producer: DocumentProducer) { stack.append(producer) }

    /// A row for something of which nothing can be read.
    func emitFailure(_ address: String, _ status: ItemStatus, _ warning: String?) {
        emit(.begin(Document(address: address, kind: .unknown)))
        let warnings = warning.map { [TerminalText.sanitized($0)] } ?? []
        emit(.end(DocumentEnd(status: status, contentDigest: "", textBytes: 0, warnings: warnings)))
    }

    func nextEvent() -> DocumentEvent? {
        while head == events.count {
            events.removeAll(keepingCapacity: events.count <= 64)
            head = 0
            guard let top = stack.last else { return nil }
            SharedTail.beat()
            let height = stack.count
            let goesOn = top.step(self)
            if findsPlaces { notePlace() }
            if !goesOn { stack.remove(at: height - 1) }
        }
        defer { head += 1 }
        let event = events[head]
        if findsPlaces, case .begin(let document) = event {
            place = pendingSteps.map { StreamPlace(steps: $0, item: document.address) }
            pendingSteps = nil
        }
        if case .text = event {  // the queue must not keep a second copy of what is passed on
            events[head] = .end(DocumentEnd(status: .ok, contentDigest: "", textBytes: 0))
        }
        return event
    }
}

extension StreamContext {
    func takeStruckLimit() -> Bool {
        defer { hasStruckLimit = false }
        return hasStruckLimit
    }

    /// Says, before an item is read, that it is, so that what ends a reader process is known to have been in it.
    ///
    /// - Parameter step: The `place` that the producer on top of the stack gives it.
    /// - Returns: Whether to read it; else it ended a process before, and is passed over.
    func enter(_ step: [Int], _ address: @autoclosure () -> String) -> Bool {
        guard let voice, stepsLeft.isEmpty else { return true }
        var steps: [[Int]] = []
        for producer in stack.dropLast() {
            guard let step = producer.place else {
                voice.note(address())
                return true
            }
            steps.append(step)
        }
        steps.append(step)
        return voice.enter(steps, address(), self)
    }

    private func notePlace() {
        var steps: [[Int]] = []
        for producer in stack {
            guard let step = producer.place else { break }
            steps.append(step)
        }
        if steps == lastSteps { return }
        // Someone inside has ended: what comes next from around it is not what its step began with.
        if lastSteps.starts(with: steps) {
            pendingSteps = nil
            return
        }
        lastSteps = steps
        pendingSteps = steps
    }
}

/// Takes the decoded text of one document and gives it on in chunks of a fixed size.
///
/// Where the text is cut into calls does not show in the events.
final class DocumentWriter {
    static let chunkBytes = 64 << 10
    static let maxWarnings = 50

    /// May be completed until the first chunk is full.
    var document: Document
    private(set) var textBytes = 0
    /// Set where the text reached its limit; later text is dropped.
    private(set) var isFull = false

    private let context: StreamContext
    private var hash: SHA256? = SHA256()
    private var hasBegun = false
    private var buffer: [UInt8] = []
    private var partCount = 0
    private var part: String
    private var partStart = 0
    /// Where the part begins in the file, while its text is a slice of it.
    private var sourceStart: Int?
    private var origins: [TextOrigin] = []
    private let maxBytes: Int
    private var marks: [TextMark] = []
    private var openMarks: [(kind: TextMark.Kind, start: Int)] = []
    private var warnings: [String] = []
    private var unlistedWarnings = 0

    init(_ context: StreamContext, _ document: Document) {
        self.context = context
        self.document = document
        part = document.address
        maxBytes = context.limits.maxDocumentBytes
    }

    /// Bytes of text in the current part so far.
    var partBytes: Int { partStart + buffer.count }

    /// Begins a part; the first has the address of the document.
    func beginPart() {
        flush(all: true)
        partCount += 1
        part = partCount == 1 ? document.address : "\(document.address)/part\(partCount)"
        partStart = 0
        sourceStart = nil
        origins = []
    }

    /// Says that the text of the current part is the bytes of the file from `offset` on, until
    /// ``endSlice()``.
    func beginSlice(at offset: Int) {
        if partCount == 0 { beginPart() }
        if partBytes == 0 { sourceStart = offset }
    }

    /// What comes next in this part is no slice of the file any more.
    func endSlice() {
        if sourceStart == nil { return }
        if partCount > 0 { flush(all: true) }
        sourceStart = nil
    }

    /// Says what the text was decoded from that is appended next, `count` bytes of it after
    /// `ahead` others.
    func addOrigin(_ origin: TextOrigin, count: Int, ahead: Int = 0) {
        if count == 0 { return }
        if partCount == 0 { beginPart() }
        var origin = origin
        let start = partBytes + ahead
        origin.range = start..<start + max(0, min(count, maxBytes - textBytes - ahead))
        if origin.range.isEmpty { return }
        // Blocks of a stream that go on where the last one ended are one stretch.
        if let last = origins.last, last.range.upperBound == origin.range.lowerBound,
            last.offset + last.range.count == origin.offset, last.bytes.start == origin.bytes.start,
            last.container == origin.container, last.charset == origin.charset,
            last.transfer == origin.transfer, last.foldsLineEnds == origin.foldsLineEnds
        {
            origins[origins.count - 1].range = last.range.lowerBound..<origin.range.upperBound
            origins[origins.count - 1].bytes.end = origin.bytes.end
        } else {
            origins.append(origin)
        }
    }

    /// Adds text of the current part.
    ///
    /// - Parameter utf8: Valid UTF-8 together with what came before and comes next.
    func append(_ utf8: UnsafeRawBufferPointer) {
        if isFull { return }
        if partCount == 0 { beginPart() }
        var rest = utf8
        let room = maxBytes - textBytes
        if rest.count > room {
            isFull = true
            var cut = room
            while cut > 0, rest[cut] & 0xC0 == 0x80 { cut -= 1 }
            rest = rest.slice(0..<cut)
        }
        textBytes += rest.count
        while !rest.isEmpty {
            // Four bytes more than a chunk show where its last scalar ends.
            let size = min(rest.count, Self.chunkBytes + 4 - buffer.count)
            buffer.append(contentsOf: rest.slice(0..<size))
            rest = rest.slice(size..<rest.count)
            if buffer.count >= Self.chunkBytes + 4 { flush(all: false) }
        }
    }

    func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Marks what is appended until the matching ``endMark(_:)``.
    func beginMark(_ kind: TextMark.Kind) {
        openMarks.append((kind, partBytes))
    }

    func endMark(_ kind: TextMark.Kind) {
        guard let index = openMarks.lastIndex(where: { $0.kind == kind }) else { return }
        let start = openMarks.remove(at: index).start
        if start < partBytes { marks.append(TextMark(kind: kind, range: start..<partBytes)) }
    }

    func warn(_ line: String) {
        if warnings.count < Self.maxWarnings {
            warnings.append(TerminalText.sanitized(line))
        } else {
            unlistedWarnings += 1
        }
    }

    /// Ends the document. A text that reached its limit makes it `partial.limit.bytes`.
    func finish(_ status: ItemStatus, source: SourceSpan? = nil) {
        flush(all: true)
        begin()
        if unlistedWarnings > 0 { warnings.append("and \(unlistedWarnings) warnings more") }
        let status = isFull && status == .ok ? .partial(.limitBytes) : status
        context.emit(
            .end(
                DocumentEnd(
                    status: status, contentDigest: hash.take()!.finalize().hex, textBytes: textBytes,
                    source: source, warnings: warnings)))
    }

    private func begin() {
        if hasBegun { return }
        hasBegun = true
        for name in Self.digestedFields {
            for field in document.metadata where field.name == name {
                hash?.update("\(name): \(field.value)\n".utf8)
            }
        }
        hash?.update("\n".utf8)
        context.emit(.begin(document))
    }

    private static let digestedFields = ["subject", "from", "to", "cc"]

    /// Emits full chunks; with `all`, also the rest of the part.
    private func flush(all: Bool) {
        if buffer.isEmpty { return }
        SharedTail.beat()
        begin()
        var cut = buffer.count
        if !all {
            cut = Self.chunkBytes
            while buffer[cut] & 0xC0 == 0x80 { cut -= 1 }
        }
        buffer.withUnsafeBytes { hash?.update(UnsafeRawBufferPointer(rebasing: $0[..<cut])) }
        let end = partStart + cut
        var kept: [TextMark] = []
        var chunkMarks: [TextMark] = []
        for mark in marks {
            if mark.range.lowerBound < end {
                chunkMarks.append(
                    TextMark(kind: mark.kind, range: mark.range.lowerBound..<min(mark.range.upperBound, end)))
            }
            if mark.range.upperBound > end {
                kept.append(
                    TextMark(kind: mark.kind, range: max(mark.range.lowerBound, end)..<mark.range.upperBound))
            }
        }
        for index in openMarks.indices where openMarks[index].start < end {
            chunkMarks.append(TextMark(kind: openMarks[index].kind, range: openMarks[index].start..<end))
            openMarks[index].start = end
        }
        chunkMarks.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        marks = kept
        let chunkOrigins = origins.filter { $0.range.lowerBound < end }.map {
            $0.clamped(to: partStart..<end)
        }
        origins = origins.filter { $0.range.upperBound > end }.map { $0.clamped(to: end..<Int.max) }
        var next: [UInt8] = []
        if cut < buffer.count {
            // A long text goes on: its next chunk grows in place.
            next.reserveCapacity(Self.chunkBytes + 4)
            next += buffer[cut...]
            buffer.removeSubrange(cut...)
        }
        let chunk = buffer
        buffer = next
        let source = sourceStart.map { SourceSpan(start: $0 + partStart, end: $0 + end) }
        context.emit(
            .text(
                TextChunk(
                    part: part, utf8: chunk, start: partStart, marks: chunkMarks, source: source,
                    origins: chunkOrigins)))
        partStart = end
    }
}

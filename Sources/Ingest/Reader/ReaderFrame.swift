import Documents

/// What a reader process says, in the order in which it happens.
enum ReaderFrame: Equatable {
    /// The first: whether the process stands where it was told to begin.
    case hello(isLost: Bool)
    /// An item of inputs, folder, mailbox or archive is about to be read, as all before it are.
    case enter(steps: [[Int]], address: String)
    /// Bytes inside of that item are about to be read.
    case note(address: String)
    /// An event, what `DocumentStream.hasStruckLimit()` says after it, and the place of a document that begins.
    case event(DocumentEvent, hasStruckLimit: Bool, place: StreamPlace?)
    case finished(hasStruckLimit: Bool)
    /// The process has done enough; another is to go on with this item.
    case retire(steps: [[Int]], address: String)

    /// The text of an event, which ends its frame: it is long, and copied as seldom as can be.
    var text: [UInt8] {
        if case .event(.text(let chunk), _, _) = self { chunk.utf8 } else { [] }
    }

    /// Writes all but the text.
    func append(to writer: inout FrameWriter) {
        switch self {
        case .hello(let isLost):
            writer.put(UInt8(1))
            writer.put(isLost)
        case .enter(let steps, let address):
            writer.put(UInt8(2))
            writer.put(steps)
            writer.put(address)
        case .note(let address):
            writer.put(UInt8(3))
            writer.put(address)
        case .event(let event, let hasStruckLimit, let place):
            switch event {
            case .begin: writer.put(UInt8(4))
            case .text: writer.put(UInt8(5))
            case .end: writer.put(UInt8(6))
            }
            writer.put(hasStruckLimit)
            switch event {
            case .begin(let document):
                writer.put(place) {
                    $0.put($1.steps)
                    $0.put($1.item)
                }
                writer.put(document)
            case .text(let chunk): writer.put(chunk)
            case .end(let end): writer.put(end)
            }
        case .finished(let hasStruckLimit):
            writer.put(UInt8(7))
            writer.put(hasStruckLimit)
        case .retire(let steps, let address):
            writer.put(UInt8(8))
            writer.put(steps)
            writer.put(address)
        }
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(MalformedFrame) {
        var reader = FrameReader(bytes)
        switch try reader.byte() {
        case 1: self = .hello(isLost: try reader.bool())
        case 2: self = .enter(steps: try reader.steps(), address: try reader.string())
        case 3: self = .note(address: try reader.string())
        case 4:
            let hasStruckLimit = try reader.bool()
            let place = try reader.optional { (reader) throws(MalformedFrame) in
                StreamPlace(steps: try reader.steps(), item: try reader.string())
            }
            self = .event(.begin(try reader.document()), hasStruckLimit: hasStruckLimit, place: place)
        case 5:
            let hasStruckLimit = try reader.bool()
            self = .event(.text(try reader.chunk()), hasStruckLimit: hasStruckLimit, place: nil)
        case 6:
            let hasStruckLimit = try reader.bool()
            self = .event(.end(try reader.end()), hasStruckLimit: hasStruckLimit, place: nil)
        case 7: self = .finished(hasStruckLimit: try reader.bool())
        case 8: self = .retire(steps: try reader.steps(), address: try reader.string())
        default: throw MalformedFrame()
        }
        guard reader.isAtEnd else { throw MalformedFrame() }
    }
}

extension FrameWriter {
    fileprivate mutating func put(_ span: SourceSpan?) {
        put(span) {
            $0.put($1.start)
            $0.put($1.end)
        }
    }

    fileprivate mutating func put(_ range: Range<Int>) {
        put(range.lowerBound)
        put(range.upperBound)
    }

    fileprivate mutating func put(_ document: Document) {
        put(document.address)
        put(document.kind.rawValue)
        put(document.metadata) {
            $0.put($1.name)
            $0.put($1.value)
        }
        put(document.attachments) {
            $0.put($1.name)
            $0.put($1.mediaType)
            $0.put($1.bytes) { $0.put($1) }
        }
    }

    fileprivate mutating func put(_ chunk: TextChunk) {
        put(chunk.part)
        put(chunk.start)
        put(chunk.marks) {
            $0.put($1.kind.rawValue)
            $0.put($1.range)
        }
        put(chunk.source)
        put(chunk.origins) {
            $0.put($1.range)
            $0.put($1.container)
            $0.put($1.bytes.start)
            $0.put($1.bytes.end)
            $0.put($1.transfer.rawValue)
            $0.put($1.charset)
            $0.put($1.foldsLineEnds)
            $0.put($1.offset)
        }
    }

    fileprivate mutating func put(_ end: DocumentEnd) {
        put(end.status.description)
        put(end.contentDigest)
        put(end.textBytes)
        put(end.source)
        put(end.warnings) { $0.put($1) }
    }
}

extension FrameReader {
    fileprivate mutating func span() throws(MalformedFrame) -> SourceSpan {
        SourceSpan(start: try int(), end: try int())
    }

    fileprivate mutating func range() throws(MalformedFrame) -> Range<Int> {
        let (lower, upper) = (try int(), try int())
        guard lower <= upper else { throw MalformedFrame() }
        return lower..<upper
    }

    fileprivate mutating func name<Name: RawRepresentable<String>>() throws(MalformedFrame) -> Name {
        guard let name = Name(rawValue: try string()) else { throw MalformedFrame() }
        return name
    }

    fileprivate mutating func document() throws(MalformedFrame) -> Document {
        Document(
            address: try string(), kind: try name(),
            metadata: try list { (reader) throws(MalformedFrame) in
                MetadataField(name: try reader.string(), value: try reader.string())
            },
            attachments: try list { (reader) throws(MalformedFrame) in
                Attachment(
                    name: try reader.string(), mediaType: try reader.string(),
                    bytes: try reader.optional { (reader) throws(MalformedFrame) in try reader.int() })
            })
    }

    fileprivate mutating func chunk() throws(MalformedFrame) -> TextChunk {
        var chunk = TextChunk(
            part: try string(), utf8: [], start: try int(),
            marks: try list { (reader) throws(MalformedFrame) in
                TextMark(kind: try reader.name(), range: try reader.range())
            },
            source: try optional { (reader) throws(MalformedFrame) in try reader.span() },
            origins: try list { (reader) throws(MalformedFrame) in
                TextOrigin(
                    range: try reader.range(), container: try reader.string(), bytes: try reader.span(),
                    transfer: try reader.name(), charset: try reader.string(),
                    foldsLineEnds: try reader.bool(), offset: try reader.int())
            })
        chunk.utf8 = rest()
        return chunk
    }

    fileprivate mutating func end() throws(MalformedFrame) -> DocumentEnd {
        guard let status = ItemStatus(try string()) else { throw MalformedFrame() }
        return DocumentEnd(
            status: status, contentDigest: try string(), textBytes: try int(),
            source: try optional { (reader) throws(MalformedFrame) in try reader.span() },
            warnings: try list { (reader) throws(MalformedFrame) in try reader.string() })
    }
}

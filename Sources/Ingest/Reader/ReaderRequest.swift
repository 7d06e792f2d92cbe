/// What a reader process is asked to read.
struct ReaderRequest: Equatable {
    var inputs: [String]
    var options: IngestOptions
    var findsPlaces = false
    /// Where to begin; none for the start.
    var steps: [[Int]] = []
    /// The address of the item there, where it is known.
    var address: String?
    /// Begin after the item, which ended a process.
    var passesOver = false

    var bytes: [UInt8] {
        var writer = FrameWriter()
        writer.put(inputs) { $0.put($1) }
        for path in Self.limits { writer.put(options.limits[keyPath: path]) }
        writer.put(options.includesHidden)
        writer.put(options.maxLinkBytes)
        writer.put(options.opensAttachments)
        writer.put(options.passwords) { $0.put($1) }
        for path in Self.texts { writer.put(options[keyPath: path]) { $0.put($1) } }
        writer.put(findsPlaces)
        writer.put(steps)
        writer.put(address) { $0.put($1) }
        writer.put(passesOver)
        return writer.bytes
    }

    init(inputs: [String], options: IngestOptions, findsPlaces: Bool = false, steps: [[Int]] = []) {
        self.inputs = inputs
        self.options = options
        self.findsPlaces = findsPlaces
        self.steps = steps
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(MalformedFrame) {
        var reader = FrameReader(bytes)
        let text: (inout FrameReader) throws(MalformedFrame) -> String = {
            (reader) throws(MalformedFrame) in try reader.string()
        }
        inputs = try reader.list(text)
        options = IngestOptions()
        for path in Self.limits { options.limits[keyPath: path] = try reader.int() }
        options.includesHidden = try reader.bool()
        options.maxLinkBytes = try reader.int()
        options.opensAttachments = try reader.bool()
        options.passwords = try reader.list(text)
        for path in Self.texts { options[keyPath: path] = try reader.optional(text) }
        findsPlaces = try reader.bool()
        steps = try reader.steps()
        address = try reader.optional(text)
        passesOver = try reader.bool()
        guard reader.isAtEnd else { throw MalformedFrame() }
    }

    private static var limits: [WritableKeyPath<IngestLimits, Int>] {
        [
            \.maxDepth, \.maxEntries, \.maxRatio, \.ratioFloorBytes, \.maxUnpackedBytes, \.maxDocumentBytes,
            \.maxMessageBytes, \.maxSpoolBytes, \.maxHeaderBytes, \.maxMIMEDepth, \.maxMIMEParts,
            \.maxXMLDepth, \.maxReaderBytes, \.maxSilentSeconds,
        ]
    }

    private static var texts: [WritableKeyPath<IngestOptions, String?>] {
        [\.xmlRecord, \.xmlText, \.jsonTextField, \.csvTextColumn]
    }
}

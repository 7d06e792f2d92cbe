import CGMime
import Documents

/// One mail in memory to one document.
///
/// GMime finds the structure: parts are slices of the message, never copies. What stands
/// in them is decoded here: charsets, transfer encodings and header words have rules of
/// their own for what is broken (`TextDecoder`, `Base64`, `HeaderText`).
struct MailReader {
    /// What is known of a mail from around it.
    struct Envelope {
        var source: SourceSpan?
        /// Where the bytes of the message begin in the file, where they are a slice of it.
        var bytesStart: Int?
        /// The bytes that the mail came in; nil for those that some program made up.
        var container: Container?
        var warnings: [String] = []
        /// Bytes of the mail that were beyond the limit and passed over.
        var missingBytes = 0
        /// Why the bytes of the mail ended early.
        var failure: SourceFailure?
    }

    /// Where the bytes of a message stand among those of its mailbox.
    struct Container {
        /// The mailbox, or the file of the mail.
        var address: String
        /// Offset of the first header field.
        var start: Int
        /// The mail itself, and the offsets of quoting marks that were taken out of it.
        var mail: String
        var dropped: [Int] = []
        /// Bytes of the header that were taken out of the message, all of them before what is asked for.
        var removed = 0

        /// Whose bytes, and which, a range of the message is.
        func place(_ range: Range<Int>) -> (container: String, bytes: SourceSpan) {
            let range = range.lowerBound + removed..<range.upperBound + removed
            // Each mark that was taken out before shifts what follows.
            var shift = 0
            for offset in dropped {
                if offset > range.lowerBound + shift {
                    if offset >= range.upperBound + shift { break }
                    return (mail, SourceSpan(start: range.lowerBound, end: range.upperBound))
                }
                shift += 1
            }
            return (
                address,
                SourceSpan(start: start + range.lowerBound + shift, end: start + range.upperBound + shift)
            )
        }
    }

    private static let isInitialized: Void = g_mime_init()

    let context: StreamContext
    private let depth: Int
    private let budget: UnpackBudget?

    /// - Parameters:
    ///   - depth: Containers around the mail.
    ///   - budget: That of the outermost archive around it, if there is one.
    init(_ context: StreamContext, depth: Int = 0, budget: UnpackBudget? = nil) {
        self.context = context
        self.depth = depth
        self.budget = budget
        Self.isInitialized
    }

    /// Reads one message and emits its document.
    ///
    /// - Parameter message: The bytes from the first header field on. May be given the end
    ///   of its header that it lacks.
    func read(_ message: inout [UInt8], address: String, envelope: Envelope) {
        let writer = DocumentWriter(context, Document(address: address, kind: .mail))
        for warning in envelope.warnings { writer.warn(warning) }
        var envelope = envelope
        let fields = LongFields.cut(&message, limit: 4 * context.limits.maxHeaderBytes)
        if fields.removed > 0 {
            writer.warn(
                "a header field of \(fields.longest) bytes; \(fields.removed) bytes of the header are left out"
            )
            envelope.bytesStart = envelope.bytesStart.map { $0 + fields.removed }
            envelope.container?.removed = fields.removed
        }
        var attachments: [PlannedAttachment] = []
        var found = message.withUnsafeMutableBytes { read($0, writer, envelope, &attachments) }
        if found == nil {
            // GMime makes nothing of a header that the message ends in.
            message += [0x0A, 0x0A]
            found = message.withUnsafeMutableBytes { read($0, added: 2, writer, envelope, &attachments) }
        }
        var status = found ?? .failed(.damaged)
        if envelope.missingBytes > 0 {
            writer.warn(
                "the mail has \(envelope.missingBytes) bytes more than the limit of "
                    + "\(context.limits.maxMessageBytes); they are not read")
            status = .partial(.limitBytes)
        }
        if let failure = envelope.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        writer.finish(status, source: envelope.source)
        open(attachments, of: message, address)
    }

    /// Opens what is attached, each like any other bytes, after the mail.
    private func open(_ attachments: [PlannedAttachment], of message: [UInt8], _ address: String) {
        guard context.options.opensAttachments, !attachments.isEmpty else { return }
        if depth >= context.limits.maxDepth {
            return context.emitFailure(
                address, .failed(.limitDepth),
                "containers are nested deeper than \(context.limits.maxDepth); attachments are not opened")
        }
        let items = attachments.map { attachment in
            (
                name: attachment.name,
                bytes: {
                    message.withUnsafeBytes {
                        attachment.content.withDecoded($0) { bytes, _ in Array(bytes) }
                    }
                }
            )
        }
        context.push(AttachmentsReader(items, address: address, depth: depth + 1, budget: budget))
    }

    /// - Parameter added: Bytes at the end that are not the mail's own.
    private func read(
        _ bytes: UnsafeMutableRawBufferPointer, added: Int = 0, _ writer: DocumentWriter,
        _ envelope: Envelope,
        _ attachments: inout [PlannedAttachment]
    ) -> ItemStatus? {
        let whole = UnsafeRawBufferPointer(bytes)
        guard let base = bytes.baseAddress, !whole.allSatisfy(isSpace) else { return .skipped(.empty) }
        var planner = MailPlanner(message: whole, limits: context.limits)
        if let header = MailHeader(whole) {
            planner.plan(header)
            if header.hasStructure {
                let start = header.gatherStructure(in: bytes)
                let isRead: Void? = Self.withMessage(base + start, bytes.count - start) {
                    planner.planParts($0, from: start)
                }
                if isRead == nil { return nil }
            }
        } else if Self.withMessage(base, bytes.count, { planner.plan($0, own: bytes.count - added) }) == nil {
            return nil
        }
        writer.document.metadata = planner.metadata
        writer.document.attachments = planner.attachments
        for warning in planner.warnings { writer.warn(warning) }
        for part in planner.parts { append(part, whole, writer, envelope) }
        attachments = planner.openable
        return planner.status
    }

    /// Has GMime make a message of bytes; nil where it makes none.
    private static func withMessage<Result>(
        _ base: UnsafeMutableRawPointer, _ count: Int, _ body: (UnsafeMutablePointer<GMimeMessage>) -> Result
    ) -> Result? {
        // The stream reads our bytes in place: it does not own the array it is given.
        var array = GByteArray(data: base.assumingMemoryBound(to: UInt8.self), len: guint(count))
        return withUnsafeMutablePointer(to: &array) { array in
            let stream = g_mime_stream_mem_new()!
            let memory = UnsafeMutableRawPointer(stream).assumingMemoryBound(to: GMimeStreamMem.self)
            g_mime_stream_mem_set_byte_array(memory, array)
            let parser = g_mime_parser_new_with_stream(stream)!
            defer {
                g_object_unref(parser)
                g_object_unref(stream)
            }
            guard let message = g_mime_parser_construct_message(parser, nil) else { return nil }
            defer { g_object_unref(message) }
            return body(message)
        }
    }

    private func append(
        _ part: PlannedPart, _ message: UnsafeRawBufferPointer, _ writer: DocumentWriter, _ envelope: Envelope
    ) {
        writer.beginPart()
        if part.isForwarded { writer.beginMark(.forwarded) }
        if !part.heading.isEmpty { writer.append(part.heading) }
        if let body = part.body {
            body.withDecoded(message) { bytes, warnings in
                for warning in warnings { writer.warn(warning) }
                if body.isHTML {
                    appendHTML(bytes, declared: body.charset, writer)
                } else {
                    appendPlain(bytes, body, isAlone: part.heading.isEmpty, writer, envelope)
                }
            }
        }
        if part.isForwarded { writer.endMark(.forwarded) }
    }

    /// - Parameter isAlone: Whether the part has no other text than this.
    private func appendPlain(
        _ bytes: UnsafeRawBufferPointer, _ body: MailBody, isAlone: Bool, _ writer: DocumentWriter,
        _ envelope: Envelope
    ) {
        TextDecoder.withDecoded(bytes, declared: body.charset) { utf8, choice in
            for warning in choice.warnings { writer.warn(warning) }
            let isFolded = utf8.firstOffset(of: "\r\n") != nil
            func append(_ decoded: UnsafeRawBufferPointer) {
                let stretches = Self.stretches(decoded, body.flow)
                if stretches != [0..<decoded.count] { writer.endSlice() }
                if let place = envelope.container?.place(body.range) {
                    // A byte order mark is no text: where it is encoded itself, its three bytes of
                    // UTF-8 stand before the text.
                    let isBare = body.encoding == .identity
                    var origin = TextOrigin(
                        container: place.container,
                        bytes: SourceSpan(
                            start: place.bytes.start + (isBare ? choice.markLength : 0),
                            end: place.bytes.end),
                        transfer: body.encoding, charset: CharsetDecoder(choice.charset)?.charset ?? "",
                        foldsLineEnds: isFolded)
                    var ahead = 0
                    for stretch in stretches {
                        origin.offset =
                            stretch.lowerBound + (!isBare && choice.markLength > 0 ? 3 : 0)
                        writer.addOrigin(origin, count: stretch.count, ahead: ahead)
                        ahead += stretch.count
                    }
                }
                if stretches.count == 1 {
                    let text = decoded.slice(stretches[0])
                    return writer.append(text, marks: MailMarks.find(text))
                }
                var joined: [UInt8] = []
                joined.reserveCapacity(decoded.count)
                for stretch in stretches { joined += decoded.slice(stretch) }
                joined.withUnsafeBytes { writer.append($0, marks: MailMarks.find($0)) }
            }
            if isFolded { return Self.withLineFeeds(utf8).withUnsafeBytes(append) }
            // Text of another charset may be ASCII all the same.
            let isSame = choice.isVerbatim || utf8.count == bytes.count && utf8.begins(with: bytes)
            if isAlone, body.encoding == .identity, isSame, choice.markLength == 0,
                let start = envelope.bytesStart
            {
                writer.beginSlice(at: start + body.range.lowerBound)
            }
            append(utf8)
        }
    }

    /// What of a text is given on: all of it, but for what broke its paragraphs into lines.
    private static func stretches(_ text: UnsafeRawBufferPointer, _ flow: MailBody.Flow) -> [Range<Int>] {
        if flow == .fixed || text.count > FlowedText.maxBytes { return [0..<text.count] }
        return FlowedText.stretches(text, deletesSpace: flow == .flowedWithoutSpaces)
    }

    private func appendHTML(_ bytes: UnsafeRawBufferPointer, declared: String?, _ writer: DocumentWriter) {
        TextDecoder.withDecoded(bytes, declared: declared ?? HTMLText.declaredCharset(bytes)) {
            utf8, choice in
            for warning in choice.warnings { writer.warn(warning) }
            let html = HTMLText(writer, options: context.options)
            html.append(utf8)
            html.finish()
        }
    }

    /// CRLF is how mail travels; its text has LF.
    static func withLineFeeds(_ utf8: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: utf8.count) { output, count in
            var start = 0
            while start < utf8.count {
                let found = utf8.firstOffset(of: "\r\n", from: start) ?? utf8.count
                if found > start {
                    UnsafeMutableRawBufferPointer(output)[count...].copyBytes(from: utf8[start..<found])
                    count += found - start
                }
                if found == utf8.count { break }
                output[count] = 0x0A
                count += 1
                start = found + 2
            }
        }
    }
}

extension DocumentWriter {
    /// Adds text with its marks, which are in offsets of this text, in order of their start.
    func append(_ utf8: UnsafeRawBufferPointer, marks: [TextMark]) {
        var edges: [(offset: Int, isEnd: Bool, kind: TextMark.Kind)] = []
        for mark in marks {
            edges.append((mark.range.lowerBound, false, mark.kind))
            edges.append((mark.range.upperBound, true, mark.kind))
        }
        edges.sort { ($0.offset, $0.isEnd ? 0 : 1) < ($1.offset, $1.isEnd ? 0 : 1) }
        var position = 0
        for edge in edges {
            append(utf8.slice(position..<edge.offset))
            position = edge.offset
            if edge.isEnd { endMark(edge.kind) } else { beginMark(edge.kind) }
        }
        append(utf8.slice(position..<utf8.count))
    }
}

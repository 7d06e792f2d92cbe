import Documents

/// A file that is one mail.
final class SingleMailReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool
    private let isAppleMail: Bool
    private let depth: Int
    private let budget: UnpackBudget?

    /// - Parameter isAppleMail: Whether the mail is an `.emlx`: its length in the first line,
    ///   properties of Apple's Mail after it.
    init(
        _ reader: ByteReader, address: String, isPlainFile: Bool, isAppleMail: Bool, depth: Int,
        budget: UnpackBudget?
    ) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
        self.isAppleMail = isAppleMail
        self.depth = depth
        self.budget = budget
    }

    func step(_ context: StreamContext) -> Bool {
        let limit = context.limits.maxMessageBytes
        var length: Int?
        if isAppleMail {
            let line = reader.look(64)
            let end = line.firstOffset(of: 0x0A) ?? 0
            length = Int(String(decoding: line[..<end].filter { !isSpace($0) }, as: UTF8.self))
            reader.consume(min(end + 1, line.count))
        }
        let start = reader.offset
        var (message, isCut) = reader.readAll(limit: limit)
        var failure = reader.failure
        if let length {
            if message.count > length {
                message.removeSubrange(length...)
                isCut = false
            } else if message.count < length, !isCut, failure == nil {
                failure = SourceFailure(
                    reason: .damaged,
                    message: "the file ends \(length - message.count) bytes before its mail does")
            }
        }
        let end = start + (length.map { min($0, reader.offset - start) } ?? reader.offset - start)
        MailReader(context, depth: depth, budget: budget).read(
            &message, address: address,
            envelope: .init(
                source: isPlainFile ? SourceSpan(start: start, end: end) : nil,
                bytesStart: isPlainFile ? start : nil,
                container: .init(address: reader.container(address), start: start, mail: address),
                missingBytes: isCut ? max(0, reader.offset - start - limit) : 0, failure: failure))
        return false
    }
}

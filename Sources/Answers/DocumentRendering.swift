import Documents

/// A document as the text that the model reads, event by event.
///
/// A mail is its header lines (From, To, Cc, Subject, Attachments; each only if it is there), an
/// empty line and its parts with an empty line between them; anything else is its parts.
/// There is no Date line: dates tell a collection's labels apart, and nothing else's.
/// `Training/render_mail.py` writes the same.
public struct DocumentRendering: Sendable {
    /// Code points of a header value; what is longer is cut.
    public static let maximumHeaderScalars = 256
    /// Code points of an attachment's name.
    public static let maximumAttachmentScalars = 128

    private let skipsQuoted: Bool
    private var part: String?

    /// - Parameter skipsQuoted: Leaves out stretches marked as quoted from earlier mails.
    public init(skipsQuoted: Bool = false) { self.skipsQuoted = skipsQuoted }

    /// Appends the UTF-8 that an event stands for. After an `end` the next document may follow.
    public mutating func append(_ event: DocumentEvent, to text: inout [UInt8]) {
        switch event {
        case .begin(let document):
            part = nil
            if document.kind == .mail { appendHeader(of: document, to: &text) }
        case .text(let chunk):
            if let part, part != chunk.part { text += "\n\n".utf8 }
            part = chunk.part
            if skipsQuoted {
                appendUnquoted(chunk, to: &text)
            } else {
                text += chunk.utf8
            }
        case .end: part = nil
        }
    }

    private func appendHeader(of document: Document, to text: inout [UInt8]) {
        for (name, title) in [("from", "From"), ("to", "To"), ("cc", "Cc"), ("subject", "Subject")] {
            let value = (document.first(name) ?? "").words.firstScalars(Self.maximumHeaderScalars)
            if !value.isEmpty { text += "\(title): \(value)\n".utf8 }
        }
        let named = document.attachments.filter { !$0.name.isEmpty }
        if !named.isEmpty {
            let list = named.map {
                "\($0.name.words.firstScalars(Self.maximumAttachmentScalars)) (\($0.mediaType))"
            }
            text += "Attachments: \(list.joined(separator: ", "))\n".utf8
        }
        text.append(0x0A)
    }

    private func appendUnquoted(_ chunk: TextChunk, to text: inout [UInt8]) {
        var at = chunk.start
        let end = chunk.start + chunk.utf8.count
        func take(until stop: Int) {
            if stop > at { text += chunk.utf8[at - chunk.start..<stop - chunk.start] }
        }
        let quoted = chunk.marks.filter { $0.kind == .quoted }.map(\.range).sorted {
            $0.lowerBound < $1.lowerBound
        }
        for range in quoted {
            take(until: min(max(range.lowerBound, at), end))
            at = min(max(at, range.upperBound), end)
        }
        take(until: end)
    }
}

extension String {
    fileprivate func firstScalars(_ limit: Int) -> String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(limit) { result.append(scalar) }
        return String(result)
    }
}

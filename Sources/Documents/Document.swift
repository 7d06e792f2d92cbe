/// One thing that gets one row: a mail, a file, a page.
///
/// A document arrives as events, so that neither a book nor a log has to fit into
/// memory: one `begin` with all that is known before the text, any number of `text`
/// events in reading order, one `end`.
public enum DocumentEvent: Sendable, Equatable {
    case begin(Document)
    case text(TextChunk)
    case end(DocumentEnd)
}

/// What is known of a document before its text is read.
public struct Document: Sendable, Equatable {
    /// Where it lies, through every container: `mail.zip!/inbox.mbox#17`.
    public var address: String
    /// What it was recognized as.
    public var kind: DocumentKind
    /// Decoded header fields in source order, names in lower case: `subject`, `from`,
    /// `to`, `cc`, `date`, `message-id`, `title`. White space runs are one space.
    public var metadata: [MetadataField]
    /// Parts that are listed but not read as text.
    public var attachments: [Attachment]

    public init(
        address: String, kind: DocumentKind, metadata: [MetadataField] = [], attachments: [Attachment] = []
    ) {
        self.address = address
        self.kind = kind
        self.metadata = metadata
        self.attachments = attachments
    }

    /// The first value of a metadata field.
    public func first(_ name: String) -> String? {
        metadata.first { $0.name == name }?.value
    }
}

/// What a document was recognized as, by content and never by its name alone.
public enum DocumentKind: String, Sendable, Codable {
    case mail, html, xml, text
    case docx, xlsx, pptx, odt, ods, odp, epub, rtf, pdf
    case doc, xls, ppt
    /// Outlook's `winmail.dat`.
    case tnef
    /// One line of JSON Lines, one row of a table in text.
    case json, csv
    /// Nothing could be read: the row carries the reason.
    case unknown
}

public struct MetadataField: Sendable, Equatable, Codable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A part that is named in the row but whose content is not read as text.
public struct Attachment: Sendable, Equatable, Codable {
    public var name: String
    /// As declared, for example `application/pdf`.
    public var mediaType: String
    /// Decoded size, where it is known.
    public var bytes: Int?

    public init(name: String, mediaType: String, bytes: Int? = nil) {
        self.name = name
        self.mediaType = mediaType
        self.bytes = bytes
    }
}

/// A run of decoded text of one part. Runs of a part are contiguous and in order, and
/// each holds whole Unicode scalars.
public struct TextChunk: Sendable, Equatable {
    /// Address of the part: the document's own, or `ADDRESS/part2`.
    public var part: String
    /// UTF-8, valid.
    public var utf8: [UInt8]
    /// Byte offset of the chunk's start in the decoded text of its part.
    public var start: Int
    /// What stretches of this chunk are, in offsets of the part. A stretch that crosses
    /// chunks is cut.
    public var marks: [TextMark]
    /// The bytes of the file that these are, where no transfer encoding, charset or container
    /// stands between: `source.start + n` holds byte `n` of the chunk.
    public var source: SourceSpan?
    /// What the chunk was decoded from, in order. A stretch that crosses chunks is cut; what
    /// stands in none was put there (the heading of a forwarded mail) or read out of markup.
    public var origins: [TextOrigin]

    public init(
        part: String, utf8: [UInt8], start: Int, marks: [TextMark] = [], source: SourceSpan? = nil,
        origins: [TextOrigin] = []
    ) {
        self.part = part
        self.utf8 = utf8
        self.start = start
        self.marks = marks
        self.source = source
        self.origins = origins
    }
}

/// A stretch of text with a meaning of its own; marked, never cut.
public struct TextMark: Sendable, Equatable {
    public enum Kind: String, Sendable, Codable {
        case quoted, signature, forwarded, hidden, disclaimer
    }

    public var kind: Kind
    /// Bytes of the decoded text of the part.
    public var range: Range<Int>

    public init(kind: Kind, range: Range<Int>) {
        self.kind = kind
        self.range = range
    }
}

/// How the reading of a document ended.
public struct DocumentEnd: Sendable, Equatable {
    public var status: ItemStatus
    /// SHA-256 over metadata and text, lower-case hex: equal for exact duplicates.
    public var contentDigest: String
    /// Bytes of decoded text over all parts.
    public var textBytes: Int
    /// Where the item stands in its file, when it is a plain slice of it.
    public var source: SourceSpan?
    /// One line each, fit for a terminal.
    public var warnings: [String]

    public init(
        status: ItemStatus, contentDigest: String, textBytes: Int, source: SourceSpan? = nil,
        warnings: [String] = []
    ) {
        self.status = status
        self.contentDigest = contentDigest
        self.textBytes = textBytes
        self.source = source
        self.warnings = warnings
    }
}

/// A slice of bytes of a source file.
public struct SourceSpan: Sendable, Equatable, Codable {
    public var start: Int
    public var end: Int

    public init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }
}

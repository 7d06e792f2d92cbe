/// What an input may cost. Every limit is finite, counts work and not time, and ends as a
/// typed status of the item it strikes, at the same place on every machine.
public struct IngestLimits: Sendable, Equatable {
    /// Containers inside containers, the outermost counted: `limit.depth`.
    public var maxDepth = 12
    /// Entries of one archive or folder: `limit.entries`.
    public var maxEntries = 1_000_000
    /// Unpacked bytes for each packed byte of an archive, once more than
    /// ``ratioFloorBytes`` were unpacked: `limit.ratio`. Also text grown from XML entities.
    public var maxRatio = 250
    /// Unpacked bytes below which no ratio is taken.
    public var ratioFloorBytes = 16 << 20
    /// Bytes unpacked from one archive, over all its entries: `limit.bytes`.
    public var maxUnpackedBytes = 64 << 30
    /// Decoded text of one document: `limit.bytes`.
    public var maxDocumentBytes = 256 << 30
    /// Bytes of one mail, which is held in memory; the rest of it is passed over:
    /// `limit.bytes`.
    public var maxMessageBytes = 64 << 20
    /// Bytes of an entry that is kept for a reader that must seek (7z in an archive):
    /// `limit.bytes`.
    public var maxSpoolBytes = 1 << 30
    /// Bytes of one decoded header field of a mail; the rest is left out with a warning.
    public var maxHeaderBytes = 64 << 10
    /// MIME parts inside parts: `limit.depth`.
    public var maxMIMEDepth = 64
    /// MIME parts of one mail: `limit.entries`.
    public var maxMIMEParts = 10_000
    /// XML elements inside elements: `limit.depth`.
    public var maxXMLDepth = 250
    /// Memory of a process that reads for another: `limit.memory`. It is at least eight times
    /// ``maxMessageBytes``.
    public var maxReaderBytes = 2 << 30
    /// Seconds without a sign of life from such a process, while its parent waits for it: `limit.time`, a watchdog.
    public var maxSilentSeconds = 10

    public init() {}
}

/// How to read.
public struct IngestOptions: Sendable, Equatable {
    public var limits = IngestLimits()
    /// Whether folders are read with the files whose name begins with a dot.
    public var includesHidden = true
    /// Longest link target that is printed in full, in bytes; a longer one loses its
    /// query, then its end.
    public var maxLinkBytes = 120
    /// Whether attachments of mails, and files inside documents, become documents after the one
    /// that holds them. Without this they are named in its row.
    public var opensAttachments = false
    /// Tried on what is encrypted, in this order.
    public var passwords: [String] = []
    /// The elements of XML that are documents, from the root: `mediawiki/page`.
    public var xmlRecord: String?
    /// Where the text stands in them, or in the file without them: `revision/text`.
    public var xmlText: String?
    /// Lines of JSON are documents; the name of the field that holds the text: `body.text`.
    public var jsonTextField: String?
    /// Rows of a table in text (CSV) are documents; the column that holds the text.
    public var csvTextColumn: String?

    public init(limits: IngestLimits = .init()) {
        self.limits = limits
    }

    var readerBytes: Int { max(limits.maxReaderBytes, 8 * limits.maxMessageBytes) }
}

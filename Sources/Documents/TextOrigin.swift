/// What a stretch of text was decoded from: bytes of a container, and how they became text.
///
/// The promise: `bytes` of `container`, freed of the transfer encoding, then of the charset, then
/// with CR LF made LF where ``foldsLineEnds`` says so, are text that holds the stretch at
/// ``offset``, byte for byte.
public struct TextOrigin: Sendable, Equatable {
    /// How mail carries bytes (RFC 2045), as its header says it.
    public enum Transfer: String, Sendable, Codable {
        case identity
        case quotedPrintable = "quoted-printable"
        case base64
        case uuencode
    }

    /// Bytes of the decoded text of the part.
    public var range: Range<Int>
    /// Whose bytes these are: a file, an entry of an archive, an attachment, a mailbox; or a mail
    /// of a mailbox, where quoted From lines in it were undone. `notes.txt.gz!` is what a packed
    /// file unpacks to.
    public var container: String
    /// The bytes of the container, before any decoding.
    public var bytes: SourceSpan
    public var transfer: Transfer
    /// As iconv spells it. What is not valid in it is U+FFFD in the text.
    public var charset: String
    /// Whether CR LF became LF.
    public var foldsLineEnds: Bool
    /// Where ``range`` begins in what ``bytes`` decode to.
    public var offset: Int

    public init(
        range: Range<Int> = 0..<0, container: String, bytes: SourceSpan, transfer: Transfer = .identity,
        charset: String, foldsLineEnds: Bool = false, offset: Int = 0
    ) {
        self.range = range
        self.container = container
        self.bytes = bytes
        self.transfer = transfer
        self.charset = charset
        self.foldsLineEnds = foldsLineEnds
        self.offset = offset
    }

    /// The same for a part of the stretch.
    public func clamped(to limits: Range<Int>) -> TextOrigin {
        var result = self
        result.range = range.clamped(to: limits)
        result.offset += result.range.lowerBound - range.lowerBound
        return result
    }
}

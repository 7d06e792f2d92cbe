import Digests

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Byte-level BPE as Hugging Face's `tokenizer.json` or Kimi's `tiktoken.model` describes it.
///
/// Immutable and shared by all threads. Text is always plain text: a document that contains
/// `<|im_end|>` contains some characters more and nothing else. Special tokens have ids that
/// only ``specialID(_:)``, ``encode(_:)-(ChatTemplate.Segment)`` and the caller's own ids put in.
///
/// Ids equal those of the `tokenizers` package (special tokens off) and of `tiktoken`
/// (`encode_ordinary`), except behind a word longer than 64 KiB, which is cut there. A byte without a token (the bundled vocabulary lacks six
/// control characters) is dropped, as that package does when `unk_token` is null.
public final class Tokenizer: Sendable {
    /// One more than the largest id.
    public let vocabularySize: Int
    /// SHA-256 over everything that changes an id, lower-case hex; JSON spelling does not count.
    public let fingerprint: String
    /// Names of the added tokens by id; none is ever produced from text.
    public let specialTokens: [Int32: String]

    /// How a conversation is written: told by the model's template, else by its special tokens.
    public let chatTemplate: ChatTemplate

    private let specialIDs: [String: Int32]
    private let tokens: [[UInt8]]
    package let core: EncoderCore

    /// Opens a tokenizer.json, or what lies in a model folder.
    ///
    /// - Throws: ``TokenizerError`` when the file is missing, damaged or asks for something
    ///   that is not implemented.
    public convenience init(contentsOf path: String) throws(TokenizerError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            let files = try TokenizerFiles(folder: path)
            guard !files.isEmpty else {
                throw .unreadable(path: path + "/tokenizer.json", reason: String(cString: strerror(ENOENT)))
            }
            try self.init(files: files)
        } else {
            try self.init(json: Self.read(path))
        }
    }

    /// Reads the content of a tokenizer.json.
    public convenience init(json bytes: [UInt8]) throws(TokenizerError) {
        try self.init(TokenizerFile(json: bytes), template: nil)
    }

    /// Reads a `tiktoken.model` with its `tokenizer_config.json`, or a `tokenizer.json`, and the chat
    /// template beside them.
    public convenience init(files: TokenizerFiles) throws(TokenizerError) {
        let template = files.chatTemplate.flatMap { ChatTemplate(jinja: $0) }
        if let ranks = files["tiktoken.model"] {
            let file = try TokenizerFile(ranks: ranks, config: files["tokenizer_config.json"])
            try self.init(file, template: template)
        } else if let json = files["tokenizer.json"] {
            try self.init(TokenizerFile(json: json), template: template)
        } else {
            throw .malformed(
                what: "there is neither tokenizer.json nor tiktoken.model", expected: "one of them")
        }
    }

    private init(_ file: TokenizerFile, template: ChatTemplate?) throws(TokenizerError) {
        tokens = file.tokens
        vocabularySize = file.tokens.count
        fingerprint = file.fingerprint
        specialTokens = Dictionary(file.added.map { (Int32($0.id), $0.name) }, uniquingKeysWith: { $1 })
        specialIDs = Dictionary(file.added.map { ($0.name, Int32($0.id)) }, uniquingKeysWith: { $1 })
        chatTemplate = template ?? (specialIDs["<|im_middle|>"] == nil ? .chatML : .kimi)
        core = EncoderCore(file)
        if let name = file.unknownToken,
            let byte = (0...255).first(where: { !core.merges.hasToken(for: UInt8($0)) })
        {
            throw .unsupported(
                field: "a vocabulary without the byte \(byte) and with the unk_token", found: "\"\(name)\"",
                expected: "unk_token null, so that no text becomes a special token")
        }
    }

    static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
        func failure() -> TokenizerError { .unreadable(path: path, reason: String(cString: strerror(errno))) }
        guard let file = fopen(path, "rb") else { throw failure() }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        let limit = 1 << 28
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                count = fread(buffer.baseAddress, 1, 1 << 20, file)
            }
            if ferror(file) != 0 { throw failure() }
            if piece.isEmpty { return bytes }
            bytes += piece
            guard bytes.count <= limit else {
                throw .malformed(what: "\(path) is larger than 256 MiB", expected: "a tokenizer.json")
            }
        }
    }

    /// The id of an added token such as `<|im_end|>`.
    public func specialID(_ name: String) -> Int32? { specialIDs[name] }

    /// The bytes that a token stands for; a special token's are its name. Empty for an id that
    /// the vocabulary does not assign.
    public func tokenBytes(_ id: Int32) -> [UInt8] {
        id >= 0 && id < Int32(tokens.count) ? tokens[Int(id)] : []
    }

    /// The ids of a text. Bytes that are not UTF-8 are read as U+FFFD.
    ///
    /// - Complexity: O(n log n) in the worst case, some 10 MB/s and more on ordinary text.
    public func encode(_ utf8: UnsafeRawBufferPointer) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(utf8.count / 3)
        utf8.withMemoryRebound(to: UInt8.self) { text in
            if core.repair.cleanPrefix(text) == text.count {
                core.encode(text, isEnd: true, into: &ids)
            } else {
                var repaired: [UInt8] = []
                _ = core.repair.repair(text, isEnd: true, into: &repaired)
                repaired.withUnsafeBufferPointer { _ = core.encode($0, isEnd: true, into: &ids) }
            }
        }
        return ids
    }

    public func encode(_ utf8: some Sequence<UInt8>) -> [Int32] {
        utf8.withContiguousStorageIfAvailable { encode(UnsafeRawBufferPointer($0)) }
            ?? Array(utf8).withUnsafeBytes { encode($0) }
    }

    public func encode(_ text: String) -> [Int32] { encode(text.utf8) }

    /// The ids of a text with the bytes of the text that each stands for.
    ///
    /// Ranges are in order. Together they cover the text, apart from bytes without a token; only
    /// the tokens of a replacement character overlap: each has the range of what was replaced.
    public func encodeWithRanges(_ utf8: some Sequence<UInt8>) -> [Token] {
        var text: [UInt8] = []
        var edits: [TextRepair.Edit] = []
        Array(utf8).withUnsafeBufferPointer { source in
            _ = core.repair.repair(source, isEnd: true, into: &text) { edits.append($0) }
        }
        var ids: [Int32] = []
        text.withUnsafeBufferPointer { _ = core.encode($0, isEnd: true, into: &ids) }

        var result: [Token] = []
        result.reserveCapacity(ids.count)
        var at = 0
        var edit = 0  // the first edit that does not end before the current token
        var shift = 0  // source minus repaired, behind the edits that do
        for id in ids {
            while !core.merges.hasToken(for: text[at]) { at += 1 }
            var end = at
            var rest = tokens[Int(id)].count
            while rest > 0 {
                if core.merges.hasToken(for: text[end]) { rest -= 1 }
                end += 1
            }
            while edit < edits.count, edits[edit].repaired.upperBound <= at {
                shift = edits[edit].source.upperBound - edits[edit].repaired.upperBound
                edit += 1
            }
            var start = at + shift
            if edit < edits.count, edits[edit].repaired.lowerBound < at {
                start = edits[edit].source.lowerBound
            }
            var stop = end + shift
            var ahead = edit
            while ahead < edits.count, edits[ahead].repaired.lowerBound < end {
                let inside = edits[ahead]
                stop = inside.source.upperBound + max(0, end - inside.repaired.upperBound)
                ahead += 1
            }
            result.append(Token(id: id, range: start..<stop))
            at = end
        }
        return result
    }

    /// The bytes of a sequence of tokens; special tokens appear as their names.
    public func decode(_ ids: some Sequence<Int32>) -> [UInt8] { ids.flatMap { tokenBytes($0) } }
}

/// A token of a text and the bytes that it stands for.
public struct Token: Sendable, Equatable {
    public var id: Int32
    /// Offsets in the text that was encoded.
    public var range: Range<Int>

    public init(id: Int32, range: Range<Int>) {
        self.id = id
        self.range = range
    }
}

/// What whole-text and streaming encoders share.
package struct EncoderCore: Sendable {
    let merges: BytePairMerges
    let scanner: WordScanner
    let repair = TextRepair()

    init(_ file: TokenizerFile) {
        let merges = BytePairMerges(file)
        self.merges = merges
        scanner = WordScanner(file.pattern)
    }

    /// Encodes the words of a repaired text, up to the first whose end is not yet known.
    ///
    /// - Returns: How many bytes were encoded: all when `isEnd`.
    @discardableResult
    func encode(_ text: UnsafeBufferPointer<UInt8>, isEnd: Bool, into ids: inout [Int32]) -> Int {
        guard let base = text.baseAddress else { return 0 }
        var at = 0
        while at < text.count, let end = scanner.wordEnd(in: text, from: at, isEnd: isEnd) {
            merges.encode(base + at, end - at, into: &ids)
            at = end
        }
        return at
    }
}

import JSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The files that describe a tokenizer, as a Hugging Face folder holds them.
///
/// A GGUF keeps the same in its metadata (see ``init(gguf:)``), a packed file has them attached.
public struct TokenizerFiles: Sendable {
    /// The names that count.
    public static let names = [
        "tiktoken.model", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    ]

    public private(set) var files: [(name: String, bytes: [UInt8])]

    /// Files by name; other names are left out.
    public init(_ files: [(name: String, bytes: [UInt8])]) {
        self.files = files.filter { Self.names.contains($0.name) }
    }

    /// Reads those that lie in `folder`.
    ///
    /// - Throws: ``TokenizerError/unreadable(path:reason:)`` for one that is there and cannot be read.
    public init(folder: String) throws(TokenizerError) {
        var files: [(name: String, bytes: [UInt8])] = []
        for name in Self.names {
            let path = folder + "/" + name
            guard access(path, F_OK) == 0 else { continue }
            files.append((name, try Tokenizer.read(path)))
        }
        self.files = files
    }

    /// Whether neither a `tiktoken.model` nor a `tokenizer.json` is among them.
    public var isEmpty: Bool { self["tiktoken.model"] == nil && self["tokenizer.json"] == nil }

    subscript(_ name: String) -> [UInt8]? { files.first { $0.name == name }?.bytes }

    /// The chat template's text, where there is one.
    var chatTemplate: String? {
        if let bytes = self["chat_template.jinja"] { return String(decoding: bytes, as: UTF8.self) }
        guard let config = self["tokenizer_config.json"], let json = try? JSONValue(parsing: config) else {
            return nil
        }
        return json["chat_template"]?.string
    }
}

/// A vocabulary as the metadata of a GGUF holds it (`tokenizer.ggml.*`).
public struct GGUFVocabulary: Sendable {
    /// `tokenizer.ggml.model` and `.pre`.
    public var model, pre: String
    /// `.tokens`, in the byte alphabet of GPT-2.
    public var tokens: [[UInt8]]
    /// `.token_type`: 1 normal, 3 control, 4 user-defined, 5 unused. Nil means all normal.
    public var types: [Int]?
    public var merges: [[UInt8]]
    /// `tokenizer.chat_template`.
    public var chatTemplate: String?

    public init(
        model: String, pre: String, tokens: [[UInt8]], types: [Int]?, merges: [[UInt8]], chatTemplate: String?
    ) {
        (self.model, self.pre, self.tokens, self.types) = (model, pre, tokens, types)
        (self.merges, self.chatTemplate) = (merges, chatTemplate)
    }
}

extension TokenizerFiles {
    /// The files that say the same as a GGUF: `tokenizer.json` for byte-level BPE with merges,
    /// `tiktoken.model` for Kimi's ranks (whose ids are their ranks; merges that a converter derived
    /// from them are not needed).
    ///
    /// - Throws: ``TokenizerError`` for a model, a splitter or a token that is not implemented.
    public init(gguf vocabulary: GGUFVocabulary) throws(TokenizerError) {
        guard vocabulary.model == "gpt2" else {
            throw .unsupported(
                field: "tokenizer.ggml.model", found: "\"\(vocabulary.model)\"", expected: "\"gpt2\"")
        }
        if let types = vocabulary.types, types.count != vocabulary.tokens.count {
            throw .malformed(
                what: "tokenizer.ggml.token_type has \(types.count) entries",
                expected: "\(vocabulary.tokens.count), one a token")
        }
        var files: [(name: String, bytes: [UInt8])] = []
        switch vocabulary.pre {
        case "kimi-k2":
            files = try Self.ranks(vocabulary)
        case "gpt-2", "smollm", "starcoder", "refact", "command-r":
            let isolatesDigits = vocabulary.pre != "gpt-2"
            files = [("tokenizer.json", try Self.json(vocabulary, isolatesDigits: isolatesDigits).bytes)]
        default:
            throw .unsupported(
                field: "tokenizer.ggml.pre", found: "\"\(vocabulary.pre)\"",
                expected: "kimi-k2, gpt-2, smollm, starcoder, refact, command-r")
        }
        if let template = vocabulary.chatTemplate {
            files.append(("chat_template.jinja", Array(template.utf8)))
        }
        self.files = files
    }

    private static func isNormal(_ vocabulary: GGUFVocabulary, _ id: Int) -> Bool {
        (vocabulary.types?[id] ?? 1) == 1
    }

    /// Control and user-defined tokens; unused ones have no name worth keeping.
    private static func isAdded(_ vocabulary: GGUFVocabulary, _ id: Int) -> Bool {
        [2, 3, 4].contains(vocabulary.types?[id] ?? 1)
    }

    private static func ranks(_ vocabulary: GGUFVocabulary) throws(TokenizerError) -> [(
        name: String, bytes: [UInt8]
    )] {
        let alphabet = ByteAlphabet()
        var text: [UInt8] = []
        var count = 0
        while count < vocabulary.tokens.count, isNormal(vocabulary, count) {
            guard let bytes = alphabet.bytes(of: vocabulary.tokens[count]) else {
                throw .unsupported(
                    field: "the token", found: "number \(count)",
                    expected: "tokens in the byte alphabet of GPT-2")
            }
            text += Base64.encode(bytes) + Array(" \(count)\n".utf8)
            count += 1
        }
        var added: [JSONMember] = []
        for id in count..<vocabulary.tokens.count where isAdded(vocabulary, id) {
            let name = String(decoding: vocabulary.tokens[id], as: UTF8.self)
            added.append(JSONMember("\(id)", .object([JSONMember("content", .string(name))])))
        }
        let config = JSONValue.object([JSONMember("added_tokens_decoder", .object(added))])
        return [("tiktoken.model", text), ("tokenizer_config.json", config.bytes)]
    }

    private static func json(_ vocabulary: GGUFVocabulary, isolatesDigits: Bool) throws(TokenizerError)
        -> JSONValue
    {
        func object(_ type: String, _ rest: [JSONMember]) -> JSONValue {
            .object([JSONMember("type", .string(type))] + rest)
        }
        let byteLevel = object(
            "ByteLevel", [JSONMember("add_prefix_space", .bool(false)), JSONMember("use_regex", .bool(true))])
        let digits = object("Digits", [JSONMember("individual_digits", .bool(true))])
        let names = vocabulary.tokens.map { String(decoding: $0, as: UTF8.self) }
        let ids = names.indices
        return .object([
            JSONMember(
                "added_tokens",
                .array(
                    ids.filter { isAdded(vocabulary, $0) }.map {
                        .object([
                            JSONMember("id", .integer($0)), JSONMember("content", .string(names[$0])),
                            JSONMember("special", .bool(true)),
                        ])
                    })),
            JSONMember("normalizer", .null),
            JSONMember(
                "pre_tokenizer",
                isolatesDigits
                    ? object("Sequence", [JSONMember("pretokenizers", .array([digits, byteLevel]))])
                    : byteLevel),
            JSONMember(
                "model",
                object(
                    "BPE",
                    [
                        JSONMember("unk_token", .null),
                        JSONMember(
                            "vocab",
                            .object(
                                ids.filter { isNormal(vocabulary, $0) || isAdded(vocabulary, $0) }
                                    .map { JSONMember(names[$0], .integer($0)) })),
                        JSONMember(
                            "merges",
                            .array(vocabulary.merges.map { .string(String(decoding: $0, as: UTF8.self)) })),
                    ])),
        ])
    }
}

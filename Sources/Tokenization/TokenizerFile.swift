import Digests
import Documents
import JSON

/// A vocabulary, checked: what it asks for is what ``Tokenizer`` does. Here from a tokenizer.json; from
/// Kimi's `tiktoken.model` in TokenizerFile+Ranks.swift.
///
/// The seam for other formats: whatever fills this gets the same encoder, as long as its words are
/// found by a ``WordScanner``.
struct TokenizerFile {
    /// Two neighbours that become one token; the lowest rank merges first.
    struct Merge {
        var left, right, merged: Int32
        var rank: UInt32
    }

    struct Added: Equatable {
        var id: Int
        var name: String
    }

    /// Bytes by id; ids that the file does not assign are empty.
    var tokens: [[UInt8]]
    /// In order of rank.
    var merges: [Merge]
    /// Every added token; none of them is ever produced from text.
    var added: [Added]
    /// How words are found.
    var pattern: WordScanner.Pattern
    /// Tokens that a whole word is compared with before anything merges; nil when words only merge.
    var wholeWords: TokenTable?
    /// What Hugging Face writes for a byte without a token.
    var unknownToken: String?

    init(json bytes: [UInt8]) throws(TokenizerError) {
        let root: JSONValue
        do {
            root = try JSONValue(parsing: bytes)
        } catch {
            throw .malformed(what: error.description, expected: "a JSON document")
        }
        guard case .object = root else {
            throw .malformed(what: "the document is \(root.summary)", expected: "an object")
        }
        guard let model = root["model"] else {
            throw .malformed(what: "there is no model", expected: "an object \"model\"")
        }
        try Self.refuseWhatIsNotDone(root, model)
        unknownToken = model["unk_token"]?.string
        pattern = try Self.preTokenizer(root["pre_tokenizer"] ?? .null)

        guard case .object(let vocabulary)? = model["vocab"] else {
            throw .malformed(what: "model.vocab is missing", expected: "an object of tokens and ids")
        }
        var added: [Added] = []
        if case .array(let entries)? = root["added_tokens"] {
            for entry in entries {
                guard let id = entry["id"]?.id, let name = entry["content"]?.string, !name.isEmpty else {
                    throw .malformed(
                        what: "an added token is \(entry.summary)", expected: "an object with id and content")
                }
                added.append(Added(id: id, name: name))
            }
        }
        self.added = added

        let isAdded = Set(added.map(\.id))
        let alphabet = ByteAlphabet()
        var byName: [[UInt8]: Int32] = [:]
        byName.reserveCapacity(vocabulary.count)
        var tokens: [[UInt8]] = Array(repeating: [], count: vocabulary.count)
        func assign(_ id: Int, _ value: [UInt8]) throws(TokenizerError) {
            guard id < 1 << 24 else {
                throw .malformed(what: "a token has id \(id)", expected: "ids below 16,777,216")
            }
            if id >= tokens.count { tokens += Array(repeating: [], count: id + 1 - tokens.count) }
            tokens[id] = value
        }
        for entry in vocabulary {
            let name = Array(entry.name.utf8)
            guard let id = entry.value.id else {
                throw .malformed(what: "a token has id \(entry.value.summary)", expected: "a whole number")
            }
            guard byName.updateValue(Int32(id), forKey: name) == nil else {
                throw .malformed(
                    what: "the token \(JSONValue.string(entry.name).summary) stands twice",
                    expected: "it once")
            }
            if isAdded.contains(id) { continue }
            guard let decoded = alphabet.bytes(of: name) else {
                throw .unsupported(
                    field: "the token", found: JSONValue.string(entry.name).summary,
                    expected: "tokens in the byte alphabet of GPT-2")
            }
            try assign(id, decoded)
        }
        for token in added { try assign(token.id, Array(token.name.utf8)) }
        self.tokens = tokens

        guard case .array(let pairs)? = model["merges"] else {
            throw .malformed(what: "model.merges is missing", expected: "an array of pairs")
        }
        var merges: [Merge] = []
        merges.reserveCapacity(pairs.count)
        for pair in pairs {
            let left: [UInt8]
            let right: [UInt8]
            switch pair {
            case .string(let text):
                let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw .malformed(what: "a merge is \(pair.summary)", expected: "two tokens and a space")
                }
                (left, right) = (Array(parts[0]), Array(parts[1]))
            case .array(let parts):
                guard parts.count == 2, case .string(let first) = parts[0],
                    case .string(let second) = parts[1]
                else { throw .malformed(what: "a merge is \(pair.summary)", expected: "two tokens") }
                (left, right) = (Array(first.utf8), Array(second.utf8))
            default: throw .malformed(what: "a merge is \(pair.summary)", expected: "two tokens")
            }
            guard let leftID = byName[left], let rightID = byName[right], let merged = byName[left + right]
            else {
                throw .malformed(
                    what: "the merge of \(quoted(left)) and "
                        + "\(quoted(right)) names a token outside the vocabulary",
                    expected: "tokens of model.vocab")
            }
            guard !isAdded.contains(Int(merged)) else {
                throw .unsupported(
                    field: "the merge that produces the added token",
                    found: quoted(left + right),
                    expected: "added tokens that text never becomes")
            }
            merges.append(
                Merge(left: leftID, right: rightID, merged: merged, rank: UInt32(merges.count)))
        }
        self.merges = merges
    }

    /// Settings of the file that would change ids and are not implemented.
    private static func refuseWhatIsNotDone(_ root: JSONValue, _ model: JSONValue) throws(TokenizerError) {
        func refuse(
            _ field: String, _ value: JSONValue?, unless allowed: (JSONValue) -> Bool, _ expected: String
        )
            throws(TokenizerError)
        {
            if let value, !allowed(value) {
                throw .unsupported(field: field, found: value.summary, expected: expected)
            }
        }
        // Old files have no model.type; their fields still say what they are.
        try refuse("model.type", model["type"], unless: { $0.string == "BPE" }, "\"BPE\"")
        try refuse("normalizer", root["normalizer"], unless: \.isNull, "null")
        try refuse("truncation", root["truncation"], unless: \.isNull, "null")
        try refuse("padding", root["padding"], unless: \.isNull, "null")
        try refuse("model.dropout", model["dropout"], unless: { $0.isNull || $0.id == 0 }, "null")
        let isOff = { (value: JSONValue) in if case .bool(false) = value { true } else { value.isNull } }
        let isEmpty = { (value: JSONValue) in value.isNull || value.string == "" }
        try refuse(
            "model.continuing_subword_prefix", model["continuing_subword_prefix"], unless: isEmpty, "null")
        try refuse("model.end_of_word_suffix", model["end_of_word_suffix"], unless: isEmpty, "null")
        try refuse("model.byte_fallback", model["byte_fallback"], unless: isOff, "false")
        try refuse("model.ignore_merges", model["ignore_merges"], unless: isOff, "false")
        try refuse(
            "decoder", root["decoder"], unless: { $0.isNull || $0["type"]?.string == "ByteLevel" },
            "ByteLevel")
    }

    private static func preTokenizer(_ value: JSONValue) throws(TokenizerError) -> WordScanner.Pattern {
        let expected =
            "ByteLevel with use_regex and without add_prefix_space, alone or after individual Digits"
        func isTrue(_ value: JSONValue?) -> Bool? {
            if case .bool(let flag)? = value { flag } else { nil }
        }
        func isByteLevel(_ value: JSONValue) -> Bool {
            value["type"]?.string == "ByteLevel" && isTrue(value["add_prefix_space"]) == false
                && isTrue(value["use_regex"]) != false
        }
        if isByteLevel(value) { return .gpt2 }
        if value["type"]?.string == "Sequence", case .array(let steps)? = value["pretokenizers"] {
            if steps.count == 2, steps[0]["type"]?.string == "Digits",
                isTrue(steps[0]["individual_digits"]) == true, isByteLevel(steps[1])
            {
                return .gpt2Digits
            }
            let found = steps.map { $0["type"]?.string ?? "?" }.joined(separator: ", ")
            throw .unsupported(field: "pre_tokenizer", found: "Sequence[\(found)]", expected: expected)
        }
        throw .unsupported(field: "pre_tokenizer", found: value.summary, expected: expected)
    }

    /// SHA-256 over everything that changes an id, independent of JSON spelling: lower-case hex.
    var fingerprint: String {
        var canonical = Array("lector tokenizer 1\n\(pattern.rawValue)\n".utf8)
        func append(_ number: Int) {
            withUnsafeBytes(of: UInt32(number).littleEndian) { canonical.append(contentsOf: $0) }
        }
        append(tokens.count)
        for token in tokens {
            append(token.count)
            canonical.append(contentsOf: token)
        }
        append(merges.count)
        for merge in merges {
            append(Int(merge.left))
            append(Int(merge.right))
            append(Int(merge.merged))
        }
        append(added.count)
        for token in added {
            append(token.id)
            append(token.name.utf8.count)
            canonical.append(contentsOf: token.name.utf8)
        }
        return SHA256.digest(of: canonical).hex
    }
}

/// The alphabet in which GPT-2 writes bytes as printable characters.
struct ByteAlphabet {
    private var byteOfScalar = [Int16](repeating: -1, count: 0x180)

    init() {
        var next = 256
        for byte in 0..<256 {
            let isPrintable = (33..<127).contains(byte) || (161..<173).contains(byte) || byte >= 174
            if isPrintable {
                byteOfScalar[byte] = Int16(byte)
            } else {
                byteOfScalar[next] = Int16(byte)
                next += 1
            }
        }
    }

    /// The bytes that a token's name stands for; nil when it uses another character.
    func bytes(of name: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(name.count)
        var at = 0
        while at < name.count {
            var code = Int(name[at])
            at += 1
            if code >= 0x80 {
                guard (0xC2...0xC5).contains(code), at < name.count else { return nil }
                code = (code & 0x1F) << 6 | Int(name[at] & 0x3F)
                at += 1
            }
            guard code < byteOfScalar.count, byteOfScalar[code] >= 0 else { return nil }
            result.append(UInt8(byteOfScalar[code]))
        }
        return result
    }
}

private func quoted(_ name: [UInt8]) -> String {
    JSONValue.string(String(decoding: name, as: UTF8.self)).summary
}

extension JSONValue {
    fileprivate var isNull: Bool { self == .null }

    /// The value when it is a whole number that a token id can be.
    fileprivate var id: Int? {
        guard let double, double >= 0, double < 1_073_741_824, double == double.rounded() else { return nil }
        return Int(double)
    }

    /// A short name of the value for a message.
    fileprivate var summary: String {
        switch self {
        case .null, .bool, .number: text
        case .string(let text): "\"\(TerminalText.sanitized(text, limit: 60))\""
        case .array(let values): "an array of \(values.count)"
        case .object: self["type"].map { "an object of type \($0.summary)" } ?? "an object"
        }
    }
}

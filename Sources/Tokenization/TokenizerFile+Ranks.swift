import JSON

/// Kimi's `tiktoken.model`: a line a token, its bytes in base64, a space, its rank, which is its id.
///
/// Source: `tokenization_kimi.py` of the published checkpoint. 256 ids behind the ranks are special;
/// `tokenizer_config.json` names some (`added_tokens_decoder`), the rest are reserved.
extension TokenizerFile {
    static let specialCount = 256

    /// - Parameters:
    ///   - ranks: The content of `tiktoken.model`.
    ///   - config: The content of `tokenizer_config.json`; nil takes the published names.
    init(ranks text: [UInt8], config: [UInt8]?) throws(TokenizerError) {
        var tokens: [[UInt8]] = []
        var line = 0
        for row in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
            line += 1
            if row.isEmpty { continue }
            let words = row.split(separator: 0x20, omittingEmptySubsequences: false)
            guard words.count == 2, let token = Base64.decode(words[0]), !token.isEmpty,
                let rank = Self.number(words[1].last == 0x0D ? words[1].dropLast() : words[1])
            else {
                throw .malformed(
                    what: "line \(line) of tiktoken.model is no token",
                    expected: "base64, a space and a rank")
            }
            guard rank < 1 << 24 else {
                throw .malformed(what: "a token has rank \(rank)", expected: "ranks below 16,777,216")
            }
            if rank >= tokens.count { tokens += Array(repeating: [], count: rank + 1 - tokens.count) }
            guard tokens[rank].isEmpty else {
                throw .malformed(what: "rank \(rank) of tiktoken.model stands twice", expected: "it once")
            }
            tokens[rank] = token
        }
        if let gap = tokens.firstIndex(of: []) {
            throw .malformed(what: "tiktoken.model lacks rank \(gap)", expected: "every rank from 0 on")
        }
        guard !tokens.isEmpty else { throw .malformed(what: "tiktoken.model is empty", expected: "tokens") }

        var table = TokenTable(count: tokens.count)
        for (id, token) in tokens.enumerated() where !table.insert(token, id: Int32(id)) {
            throw .malformed(what: "the token of rank \(id) stands twice", expected: "it once")
        }
        for byte in 0..<256 where Self.find([UInt8(byte)][...], in: table) == nil {
            throw .malformed(what: "tiktoken.model has no token of the byte \(byte)", expected: "all 256")
        }
        // Any two neighbours whose bytes together are a token may merge, at that token's rank.
        merges = []
        for (id, token) in tokens.enumerated() where token.count > 1 {
            for cut in 1..<token.count {
                guard let left = Self.find(token[..<cut], in: table),
                    let right = Self.find(token[cut...], in: table)
                else { continue }
                merges.append(Merge(left: left, right: right, merged: Int32(id), rank: UInt32(id)))
            }
        }
        wholeWords = table
        pattern = .kimi
        unknownToken = nil
        added = try Self.specials(behind: tokens.count, config: config)
        self.tokens = tokens + added.map { Array($0.name.utf8) }
    }

    private static func find(_ bytes: ArraySlice<UInt8>, in table: TokenTable) -> Int32? {
        bytes.withUnsafeBufferPointer { table.id(of: $0) }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count < 12, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Names by distance from the first special id, as the published `tokenizer_config.json` has them.
    private static let published = [
        0: "[BOS]", 1: "[EOS]", 2: "<|im_end|>", 3: "<|im_user|>", 4: "<|im_assistant|>",
        6: "<|start_header_id|>", 7: "<|end_header_id|>", 9: "[EOT]", 10: "<|im_system|>",
        11: "<|tool_calls_section_begin|>", 12: "<|tool_calls_section_end|>", 13: "<|tool_call_begin|>",
        14: "<|tool_call_argument_begin|>", 15: "<|tool_call_end|>", 17: "<|im_middle|>", 254: "[UNK]",
        255: "[PAD]",
    ]

    private static func specials(behind first: Int, config: [UInt8]?) throws(TokenizerError) -> [Added] {
        var names: [Int: String] = [:]
        if let config {
            let json: JSONValue
            do { json = try JSONValue(parsing: config) } catch {
                throw .malformed(
                    what: "tokenizer_config.json: \(error.description)", expected: "a JSON document")
            }
            for member in json["added_tokens_decoder"]?.members ?? [] {
                guard let id = Int(member.name), let name = member.value["content"]?.string, !name.isEmpty
                else {
                    throw .malformed(
                        what: "an added token of tokenizer_config.json is \(member.name)",
                        expected: "an id with its content")
                }
                guard id >= first else {
                    throw .malformed(
                        what: "the added token \(name) has the id \(id) of a rank",
                        expected: "\(first) and more")
                }
                names[id - first] = name  // what lies behind the 256 has no row in any embedding
            }
        }
        if names.isEmpty { names = published }
        var taken: Set<String> = []
        var added: [Added] = []
        for index in 0..<specialCount {
            let name = names[index] ?? "<|reserved_token_\(first + index)|>"
            guard taken.insert(name).inserted else {
                throw .malformed(what: "two added tokens are named \(name)", expected: "each name once")
            }
            added.append(Added(id: first + index, name: name))
        }
        return added
    }
}

/// RFC 4648, strict: padded, no white space.
package enum Base64 {
    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var at = text.startIndex
        while at < text.endIndex {
            var group: UInt32 = 0
            var padding = 0
            for offset in 0..<4 {
                let byte = text[at + offset]
                if byte == UInt8(ascii: "="), offset >= 2, at + 4 == text.endIndex {
                    padding += 1
                    group <<= 6
                    continue
                }
                guard padding == 0, let value = value(byte) else { return nil }
                group = group << 6 | value
            }
            out.append(UInt8(group >> 16 & 0xFF))
            if padding < 2 { out.append(UInt8(group >> 8 & 0xFF)) }
            if padding < 1 { out.append(UInt8(group & 0xFF)) }
            at += 4
        }
        return out
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = bytes.count - start
            let group =
                UInt32(bytes[start]) << 16 | (rest > 1 ? UInt32(bytes[start + 1]) << 8 : 0)
                | (rest > 2 ? UInt32(bytes[start + 2]) : 0)
            for index in 0..<4 {
                out.append(
                    index <= rest ? digits[Int(group >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return out
    }
}

import Testing
import Tokenization

/// The smallest tokenizer.json that works, with places to break it.
private func json(
    preTokenizer: String =
        #"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"#,
    model: String = #""type":"BPE","unk_token":null"#, vocab: String = #"{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4}"#,
    merges: String = #"["a b","Ġ ab"]"#, added: String = #"[{"id":5,"content":"<end>","special":true}]"#,
    extra: String = #""normalizer":null"#
) -> String {
    """
    {"version":"1.0","added_tokens":\(added),\(extra),"pre_tokenizer":\(preTokenizer),
     "model":{\(model),"vocab":\(vocab),"merges":\(merges)}}
    """
}

extension Tokenizer {
    fileprivate convenience init(json: String) throws(TokenizerError) {
        try self.init(json: Array(json.utf8))
    }
}

@Suite struct TokenizerFileTests {
    @Test("a small vocabulary merges by rank; bytes without a token are dropped")
    func small() throws {
        let tokenizer = try Tokenizer(json: json())
        #expect(tokenizer.vocabularySize == 6)
        #expect(tokenizer.encode("ab ab ba") == [2, 4, 3, 1, 0])
        #expect(tokenizer.encode("axb") == [2])
        #expect(tokenizer.encode("xyz") == [])
        #expect(tokenizer.encode("<end>") == [])
        #expect(tokenizer.decode([4, 5]) == Array(" ab<end>".utf8))
    }

    @Test("both spellings of merges, and any JSON spelling, give one fingerprint; other content another")
    func fingerprint() throws {
        let one = try Tokenizer(json: json()).fingerprint
        #expect(one.count == 64)
        #expect(try Tokenizer(json: json(merges: #"[ ["a","b"], ["\u0120", "ab"] ]"#)).fingerprint == one)
        #expect(
            try Tokenizer(json: json(vocab: #"{"Ġab":4,"\u0061":0,"b":1,"ab":2,"Ġ":3}"#)).fingerprint == one)
        #expect(try Tokenizer(json: json(merges: #"["a b"]"#)).fingerprint != one)
        #expect(
            try Tokenizer(json: json(added: #"[{"id":5,"content":"<eod>","special":true}]"#)).fingerprint
                != one)
    }

    @Test(
        "what is not implemented is refused by name",
        arguments: [
            ("pre_tokenizer", json(preTokenizer: #"{"type":"Metaspace","replacement":"_"}"#)),
            ("pre_tokenizer", json(preTokenizer: "null")),
            (
                "pre_tokenizer",
                json(preTokenizer: #"{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}"#)
            ),
            (
                "pre_tokenizer",
                json(
                    preTokenizer: """
                        {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"x"}},
                         {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}
                        """)
            ),
            ("normalizer", json(extra: #""normalizer":{"type":"NFC"}"#)),
            ("truncation", json(extra: #""truncation":{"max_length":512}"#)),
            ("decoder", json(extra: #""decoder":{"type":"WordPiece"}"#)),
            ("model.type", json(model: #""type":"Unigram""#)),
            ("model.ignore_merges", json(model: #""type":"BPE","ignore_merges":true"#)),
            ("model.byte_fallback", json(model: #""type":"BPE","byte_fallback":true"#)),
            ("model.dropout", json(model: #""type":"BPE","dropout":0.1"#)),
            ("unk_token", json(model: #""type":"BPE","unk_token":"<end>""#)),
            ("added token", json(added: #"[{"id":2,"content":"ab","special":true}]"#)),
            ("the token", json(vocab: #"{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4,"好":6}"#)),
        ])
    func refused(field: String, json: String) {
        #expect {
            try Tokenizer(json: json)
        } throws: { error in
            guard case .unsupported(let found, _, _)? = error as? TokenizerError else { return false }
            return found.contains(field)
        }
    }

    @Test(
        "a damaged file says so",
        arguments: [
            "", "{", "[]", "{}", String(json().dropLast(1)), json() + "}",
            json(vocab: #"{"a":-1}"#), json(vocab: #"{"a":0.5}"#), json(vocab: #"{"a":99999999}"#),
            json(vocab: "[]"),
            json(vocab: #"{"a":0,"a":1}"#), json(merges: #"["ab"]"#), json(merges: #"[["a","zz"]]"#),
            json(merges: "[[1,2]]"), json(merges: "null"), json(added: #"[{"content":"x"}]"#),
            String(repeating: "[", count: 100), #"{"model":"\x"}"#, #"{"model":"\u12"}"#,
            #"{"model":nul}"#,
        ])
    func damaged(json: String) {
        #expect {
            try Tokenizer(json: json)
        } throws: { error in
            guard case .malformed? = error as? TokenizerError else { return false }
            return true
        }
    }

    @Test("a file cut short or with a changed byte never crashes")
    func mutated() {
        let whole = Array(json().utf8)
        for end in whole.indices { _ = try? Tokenizer(json: Array(whole[..<end])) }
        for at in whole.indices {
            for byte in [0x00, 0x22, 0x5C, 0x7B, 0xFF] as [UInt8] {
                var changed = whole
                changed[at] = byte
                _ = try? Tokenizer(json: changed).encode("ab ab ba")
            }
        }
    }

    @Test("a missing file is named")
    func missing() {
        #expect {
            try Tokenizer(contentsOf: "/nonexistent/tokenizer.json")
        } throws: { error in "\(error)".contains("/nonexistent/tokenizer.json") }
    }
}

import Digests
import Foundation
import Testing
import Tokenization

/// The made ranks of Fixtures/make_kimi_fixtures.py under Kimi's pattern, loaded once.
private let kimi = try! Tokenizer(
    files: TokenizerFiles([("tiktoken.model", Array(fixture("tiktoken.model")))]))

private let ranks = 963

@Suite struct KimiTokenizerTests {
    static let blocks: Golden = try! JSONDecoder().decode(Golden.self, from: fixture("kimi_golden.json"))

    @Test("ids equal those of the tiktoken package with Kimi's pattern", arguments: blocks.blocks)
    func golden(block: Golden.Block) {
        expect(block, of: Self.blocks, by: kimi)
    }

    private func expect(_ block: Golden.Block, of golden: Golden, by tokenizer: Tokenizer) {
        let text = golden.text(block)
        #expect(text.count == block.bytes && SHA256.digest(of: text).hex == block.text)
        let ids = tokenizer.encode(text)
        #expect(Array(ids.prefix(8)) == block.start)
        #expect(ids.count == block.count && digest(ids) == block.ids)
    }

    static let realRanks = ProcessInfo.processInfo.environment["LECTOR_TIKTOKEN_RANKS"]

    /// LECTOR_TIKTOKEN_RANKS names a tiktoken file beside which `make_kimi_fixtures.py FILE` wrote
    /// FILE.golden.json; cl100k_base lies in the litellm wheel.
    @Test(
        "the same with the ranks of a real vocabulary",
        .enabled(if: realRanks != nil, "LECTOR_TIKTOKEN_RANKS names no tiktoken file"))
    func realVocabulary() throws {
        let path = try #require(Self.realRanks)
        let golden = try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: URL(filePath: path + ".golden.json")))
        let bytes = try Data(contentsOf: URL(filePath: path))
        let tokenizer = try Tokenizer(files: TokenizerFiles([("tiktoken.model", Array(bytes))]))
        for block in golden.blocks { expect(block, of: golden, by: tokenizer) }
    }

    @Test("any cut of a text into calls gives the ids of the whole", arguments: 1...40 as ClosedRange<UInt64>)
    func anyCut(seed: UInt64) {
        var rng = SplitMix64(state: seed &* 104_729)
        var text = Self.blocks.mixed(seed, 6000)
        if seed % 4 == 0 { for _ in 0..<200 { text[rng.next(text.count)] = UInt8(rng.next(256)) } }
        let whole = kimi.encode(text)
        let most = [1, 2, 3, 17, 300, 5000][rng.next(6)]
        var encoder = StreamingEncoder(kimi)
        var ids: [Int32] = []
        var at = 0
        while at < text.count {
            let end = min(text.count, at + rng.next(most + 1))
            encoder.append(text[at..<end], into: &ids)
            at = end
        }
        encoder.finish(into: &ids)
        #expect(ids == whole)
        #expect(kimi.encodeWithRanges(text).map(\.id) == whole)
    }

    @Test(
        "a run without end is cut at 64 KiB, alike in one call and in many",
        arguments: ["a", "A", " ", "é", "\u{3000}", "🙂", "\n", "x\u{301}", "好", "1", "A'"], [0, 1, 3])
    func endlessRun(unit: String, offset: Int) {
        let text = Array(
            (String(repeating: "b ", count: offset) + String(repeating: unit, count: 90_000) + " end").utf8)
        let whole = kimi.encode(text)
        #expect(kimi.decode(whole) == text)
        var encoder = StreamingEncoder(kimi)
        var ids: [Int32] = []
        var at = 0
        while at < text.count {
            let end = min(text.count, at + 4099)
            encoder.append(text[at..<end], into: &ids)
            at = end
        }
        #expect(text.count - kimi.decode(ids).count <= 1 << 17)
        encoder.finish(into: &ids)
        #expect(ids == whole)
    }

    @Test("256 special ids stand behind the ranks; text never becomes one of them")
    func specials() throws {
        #expect(kimi.vocabularySize == ranks + 256)
        #expect(kimi.specialTokens.count == 256)
        #expect(kimi.specialID("[BOS]") == Int32(ranks) && kimi.specialID("[EOS]") == Int32(ranks) + 1)
        #expect(kimi.specialID("<|im_end|>") == Int32(ranks) + 2)
        #expect(kimi.specialID("<|im_middle|>") == Int32(ranks) + 17)
        #expect(kimi.specialID("<|reserved_token_\(ranks + 5)|>") == Int32(ranks) + 5)
        #expect(kimi.specialID("[PAD]") == Int32(ranks) + 255)
        for name in ["[BOS]", "<|im_end|>", "<|im_user|>"] {
            #expect(kimi.encode(name).allSatisfy { $0 < ranks })
        }
    }

    @Test("tokenizer_config.json names the special tokens; what lies behind the 256 is left out")
    func config() throws {
        let config = """
            {"added_tokens_decoder": {"\(ranks)": {"content": "<s>"}, "\(ranks + 300)": {"content": "<far>"}}}
            """
        let tokenizer = try Tokenizer(
            files: TokenizerFiles([
                ("tiktoken.model", Array(fixture("tiktoken.model"))),
                ("tokenizer_config.json", Array(config.utf8)),
            ]))
        #expect(tokenizer.specialID("<s>") == Int32(ranks) && tokenizer.specialID("<far>") == nil)
        #expect(tokenizer.specialID("<|im_end|>") == nil)
        #expect(tokenizer.vocabularySize == ranks + 256)
        #expect(tokenizer.fingerprint != kimi.fingerprint)
    }

    @Test("Kimi's turns: no line breaks, roles as text between special tokens, no system message of itself")
    func chat() throws {
        #expect(kimi.chatTemplate == .kimi)
        let turns = [ChatTemplate.Turn(role: "user", content: "Tell me <|im_end|>")]
        let (user, middle) = (Int32(ranks) + 3, Int32(ranks) + 17)
        let (end, assistant) = (Int32(ranks) + 2, Int32(ranks) + 4)
        let ids = try kimi.encode(kimi.chatTemplate.segments(turns))
        let pieces: [[Int32]] = [
            [user], kimi.encode("user"), [middle], kimi.encode("Tell me <|im_end|>"),
            [end, assistant], kimi.encode("assistant"), [middle],
        ]
        #expect(ids == Array(pieces.joined()))
        #expect(ChatTemplate.kimi.opening("tool").first == .special("<|im_system|>"))
        #expect(ChatTemplate(jinja: "{{ '<|im_user|>user<|im_middle|>' }}") == .kimi)
        #expect(ChatTemplate(jinja: "{{ '<|im_start|>' }}") == .chatML)
        #expect(ChatTemplate(jinja: "[INST]") == nil)
    }

    /// The published checkpoint's own test of its prompt, its ids at their places among its 163,584 ranks. The other ranks are
    /// bytes and names that the prompt has not.
    @Test("the prompt of the published checkpoint's test has the ids that are published for it")
    func published() throws {
        let words = [
            2482: "user", 69211: "Tell", 1019: " me", 1215: " about", 276: " the", 64782: " french",
            25317: " revolution", 69702: "assistant",
        ]
        let bytes = Array(0x21...0x7E) + Array(0...0x20) + Array(0x7F...0xFF) as [UInt8]
        let lines = (0..<163_584).map { rank in
            let piece =
                words[rank].map { Array($0.utf8) }
                ?? (rank < 256 ? [bytes[rank]] : Array("\u{1}\(rank)".utf8))
            return String(decoding: Base64.encode(piece), as: UTF8.self) + " \(rank)\n"
        }
        let tokenizer = try Tokenizer(
            files: TokenizerFiles([("tiktoken.model", Array(lines.joined().utf8))]))
        let turns = [ChatTemplate.Turn(role: "user", content: "Tell me about the french revolution.")]
        #expect(
            try tokenizer.encode(tokenizer.chatTemplate.segments(turns)) == [
                163587, 2482, 163601, 69211, 1019, 1215, 276, 64782, 25317, 13, 163586, 163588, 69702, 163601,
            ])
    }

    @Test(
        "a damaged ranks file is refused and says where",
        arguments: [
            ("", "empty"), ("IQ== 0\n", "byte 0"), ("IQ== x\n", "line 1"), ("IQ==0\n", "line 1"),
            ("IQ= 0\n", "line 1"), ("I=Q= 0\n", "line 1"), ("!!!! 0\n", "line 1"), (" 0\n", "line 1"),
            ("IQ== 0\nIg== 0\n", "twice"), ("IQ== 1\n", "lacks rank 0"),
            ("IQ== 99999999999\n", "99999999999"),
            ("IQ== 99999999999999999999\n", "line 1"), ("IQ== -1\n", "line 1"), ("IQ== 0\nIQ== 1\n", "twice"),
        ])
    func damaged(text: String, says: String) {
        #expect(
            performing: { try Tokenizer(files: TokenizerFiles([("tiktoken.model", Array(text.utf8))])) },
            throws: {
                guard case .malformed(let what, _)? = $0 as? TokenizerError else { return false }
                return what.contains(says)
            })
    }

    @Test("base64 is read as it is written, and nothing else", arguments: 0...40)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8(($0 &* 151 &+ 7) & 0xFF) }
        let text = Base64.encode(bytes)
        #expect(Base64.decode(text[...]) == bytes)
        #expect(Data(bytes).base64EncodedString() == String(decoding: text, as: UTF8.self))
    }

    @Test("a GGUF's vocabulary gives the tokenizer that it was made from, ranks or merges")
    func gguf() throws {
        let alphabet = ByteNames()
        let names = (0..<Int32(kimi.vocabularySize)).map { id in
            kimi.specialTokens[id].map { Array($0.utf8) } ?? alphabet.name(of: kimi.tokenBytes(id))
        }
        var vocabulary = GGUFVocabulary(
            model: "gpt2", pre: "kimi-k2", tokens: names, types: names.indices.map { $0 < ranks ? 1 : 3 },
            merges: [], chatTemplate: "<|im_middle|>")
        let files = try TokenizerFiles(gguf: vocabulary)
        let same = try Tokenizer(files: files)
        #expect(same.fingerprint == kimi.fingerprint && same.chatTemplate == .kimi)
        vocabulary.types?.removeLast()
        #expect(throws: TokenizerError.self) { try TokenizerFiles(gguf: vocabulary) }
        vocabulary.types = nil
        vocabulary.pre = "llama-bpe"
        #expect(
            performing: { try TokenizerFiles(gguf: vocabulary) },
            throws: { "\($0)".contains("llama-bpe") && "\($0)".contains("kimi-k2") })
        vocabulary.model = "llama"
        #expect(throws: TokenizerError.self) { try TokenizerFiles(gguf: vocabulary) }

        // Merges: the smallest vocabulary, with and without individual digits.
        let small = GGUFVocabulary(
            model: "gpt2", pre: "gpt-2",
            tokens: ["a", "b", "ab", "Ġ", "Ġab", "<end>", "1", "11"].map { Array($0.utf8) },
            types: [1, 1, 1, 1, 1, 3, 1, 1], merges: ["a b", "Ġ ab", "1 1"].map { Array($0.utf8) },
            chatTemplate: nil)
        let plain = try Tokenizer(files: TokenizerFiles(gguf: small))
        #expect(plain.encode("ab ab11") == [2, 4, 7] && plain.specialID("<end>") == 5)
        var digits = small
        digits.pre = "smollm"
        #expect(try Tokenizer(files: TokenizerFiles(gguf: digits)).encode("ab ab11") == [2, 4, 6, 6])
    }

    /// GPT-2's byte alphabet, turned round.
    private struct ByteNames {
        private var scalars: [String] = []

        init() {
            var next = 256
            for byte in 0..<256 {
                let isPrintable = (33..<127).contains(byte) || (161..<173).contains(byte) || byte >= 174
                scalars.append(String(Unicode.Scalar(UInt32(isPrintable ? byte : next))!))
                if !isPrintable { next += 1 }
            }
        }

        func name(of bytes: [UInt8]) -> [UInt8] { Array(bytes.map { scalars[Int($0)] }.joined().utf8) }
    }
}

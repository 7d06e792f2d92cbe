import Digests
import Foundation
import Testing
import Tokenization

/// The bundled tokenizer, loaded once.
let bundled: Tokenizer = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try! Tokenizer(contentsOf: root.path + "/Sources/BundledModel/Resources/tokenizer.json")
}()

func fixture(_ name: String) throws -> Data {
    try Data(
        contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)"))
}

/// The generator that make_tokenizer_golden.py uses too.
struct SplitMix64 {
    var state: UInt64

    mutating func next(_ below: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(below))
    }
}

/// What make_tokenizer_golden.py wrote, and its texts made again.
struct Golden: Decodable, Sendable {
    struct Block: Decodable, Sendable, CustomTestStringConvertible {
        var kind: String
        var seed: UInt64?
        var size: Int?
        var first: Int?
        var last: Int?
        var behind: String?
        var bytes: Int
        var text: String
        var count: Int
        var start: [Int32]
        var ids: String

        var testDescription: String {
            "\(kind) \(seed.map { "\($0)" } ?? "\(first!)...\(last!) \(behind!)")"
        }
    }

    var kinds: [String]
    var pieces: [String: [String]]
    var repeated: [String]
    var blocks: [Block]

    static let shared: Golden = try! JSONDecoder().decode(Golden.self, from: fixture("tokenizer_golden.json"))

    func text(_ block: Block) -> [UInt8] {
        switch block.kind {
        case "mixed": return mixed(block.seed!, block.size!)
        case "bytes":
            var rng = SplitMix64(state: block.seed!)
            return (0..<block.size!).map { _ in
                UInt8(rng.next(2) == 1 ? rng.next(256) : 0x80 + rng.next(0x78))
            }
        default:
            let behind = Array(block.behind!.utf8)
            return (block.first!..<block.last!).compactMap { Unicode.Scalar(UInt32($0)) }
                .flatMap { Array(String($0).utf8) + behind }
        }
    }

    func mixed(_ seed: UInt64, _ size: Int) -> [UInt8] {
        var rng = SplitMix64(state: seed)
        var out: [UInt8] = []
        let favourite = rng.next(kinds.count + 1)
        while out.count < size {
            let roll = rng.next(100)
            switch roll {
            case 0..<10:
                let piece = Array(repeated[rng.next(repeated.count)].utf8)
                for _ in 0..<1 + rng.next(roll < 1 ? 4000 : 12) { out += piece }
            case 10..<20: out += String(rng.next(1 << 30)).utf8
            case 20..<30:
                out.append(0x20)
                for _ in 0..<1 + rng.next(60) { out.append(UInt8(97 + rng.next(26))) }
            default:
                let kind = favourite < kinds.count && roll < 75 ? favourite : rng.next(kinds.count)
                let list = pieces[kinds[kind]]!
                out += list[rng.next(list.count)].utf8
            }
        }
        return out
    }
}

func digest(_ ids: [Int32]) -> String {
    SHA256.digest(of: ids.flatMap { id in withUnsafeBytes(of: id.littleEndian) { Array($0) } }).hex
}

@Suite struct TokenizerTests {
    @Test("ids equal those of the tokenizers package", arguments: Golden.shared.blocks)
    func golden(block: Golden.Block) {
        let text = Golden.shared.text(block)
        #expect(text.count == block.bytes)
        #expect(SHA256.digest(of: text).hex == block.text)
        let ids = bundled.encode(text)
        #expect(Array(ids.prefix(8)) == block.start)
        #expect(ids.count == block.count)
        #expect(digest(ids) == block.ids)
    }

    @Test("prompts have the ids that training saw")
    func prompts() throws {
        struct Row: Decodable {
            var labels: [[String: String]]
            var document: String
            var order: String
            var prefix: [Int32]
            var documentIDs: [Int32]
            var question: [Int32]
            var answers: [[Int32]]

            enum CodingKeys: String, CodingKey {
                case labels, document, order, prefix, question, answers
                case documentIDs = "document_ids"
            }
        }
        let lines = try fixture("prompts.jsonl").split(separator: 0x0A)
        #expect(lines.count >= 100)
        for line in lines {
            let row = try JSONDecoder().decode(Row.self, from: Data(line))
            #expect(bundled.encode(row.document) == row.documentIDs)
            for (label, answer) in zip(row.labels, row.answers) {
                #expect(bundled.encode(" " + label["name"]!) + [2] == answer)
            }
        }
    }

    @Test("any cut of a text into calls gives the ids of the whole", arguments: 1...40 as ClosedRange<UInt64>)
    func anyCut(seed: UInt64) {
        var rng = SplitMix64(state: seed &* 7919)
        var text = Golden.shared.mixed(seed, 6000)
        if seed % 4 == 0 { for _ in 0..<200 { text[rng.next(text.count)] = UInt8(rng.next(256)) } }
        let whole = bundled.encode(text)
        let most = [1, 2, 3, 17, 300, 5000][rng.next(6)]
        var encoder = StreamingEncoder(bundled)
        var ids: [Int32] = []
        var at = 0
        while at < text.count {
            let end = min(text.count, at + rng.next(most + 1))
            encoder.append(text[at..<end], into: &ids)
            at = end
        }
        encoder.finish(into: &ids)
        #expect(ids == whole)
        // The encoder is as new.
        ids = []
        encoder.append(text, into: &ids)
        encoder.finish(into: &ids)
        #expect(ids == whole)
    }

    @Test(
        "a run without end is cut at 64 KiB, alike in one call and in many",
        arguments: ["a", " ", "é", "\u{3000}", "🙂", "\n", "x\u{301}", "好"], [0, 1, 3])
    func endlessRun(unit: String, offset: Int) {
        let text = Array(
            (String(repeating: "b ", count: offset) + String(repeating: unit, count: 90_000) + " end").utf8)
        let whole = bundled.encode(text)
        #expect(bundled.decode(whole) == text)
        var encoder = StreamingEncoder(bundled)
        var ids: [Int32] = []
        var at = 0
        while at < text.count {
            let end = min(text.count, at + 4099)
            encoder.append(text[at..<end], into: &ids)
            at = end
        }
        // Nothing but the last word is held back.
        #expect(text.count - bundled.decode(ids).count <= 1 << 17)
        encoder.finish(into: &ids)
        #expect(ids == whole)
    }

    @Test("a run of a megabyte takes no more than linear time", arguments: ["a", " ", "=", "é"])
    func longRun(unit: String) {
        let text = Array(repeating: Array(unit.utf8), count: 1 << 20).flatMap { $0 }
        let time = ContinuousClock().measure { #expect(!bundled.encode(text).isEmpty) }
        #expect(time < .seconds(5))  // quadratic would be hours
    }

    @Test("ranges cover the text and hold each token's bytes", arguments: 1...20 as ClosedRange<UInt64>)
    func ranges(seed: UInt64) {
        let text = Golden.shared.mixed(seed, 8000)
        let tokens = bundled.encodeWithRanges(text)
        #expect(tokens.map(\.id) == bundled.encode(text))
        let dropped: Set<UInt8> = [4, 6, 0x13, 0x14, 0x16, 0x1D, 0xF1]
        var at = 0
        for token in tokens {
            #expect(text[at..<token.range.lowerBound].allSatisfy(dropped.contains))
            #expect(text[token.range].filter { !dropped.contains($0) } == bundled.tokenBytes(token.id))
            at = token.range.upperBound
        }
        #expect(text[at...].allSatisfy(dropped.contains))
    }

    @Test("ranges of damaged UTF-8 are those of the damaged bytes")
    func damagedRanges() {
        let text: [UInt8] = [0x61, 0xFF, 0x62, 0xE2, 0x82, 0x20, 0x63, 0xC3]  // a ? b ?? space c ?
        let tokens = bundled.encodeWithRanges(text)
        #expect(bundled.decode(tokens.map(\.id)) == Array("a\u{FFFD}b\u{FFFD} c\u{FFFD}".utf8))
        #expect(tokens.first?.range == 0..<1)
        #expect(tokens.last?.range.upperBound == 8)
        for token in tokens where bundled.tokenBytes(token.id) == Array("b".utf8) {
            #expect(token.range == 2..<3)
        }
        for token in tokens where bundled.tokenBytes(token.id) == Array(" c".utf8) {
            #expect(token.range == 5..<7)
        }
        for (one, next) in zip(tokens, tokens.dropFirst()) {
            #expect(one.range.lowerBound <= next.range.lowerBound)
            #expect(one.range == next.range || one.range.upperBound <= next.range.lowerBound)
        }
    }

    @Test("any bytes encode, and only ever to plain tokens", arguments: 1...30 as ClosedRange<UInt64>)
    func anyBytes(seed: UInt64) {
        var rng = SplitMix64(state: seed)
        let text = (0..<3000).map { _ in UInt8(rng.next(256)) }
        let ids = bundled.encode(text)
        #expect(ids.allSatisfy { bundled.specialTokens[$0] == nil && $0 < bundled.vocabularySize })
        #expect(bundled.encodeWithRanges(text).map(\.id) == ids)
    }

    @Test("every special token's name is plain text in a document")
    func specialsArePlain() {
        #expect(bundled.specialTokens.count == 17)
        #expect(bundled.specialID("<|im_start|>") == 1)
        #expect(bundled.specialID("<|im_end|>") == 2)
        #expect(bundled.specialID("nothing") == nil)
        for (id, name) in bundled.specialTokens {
            let ids = bundled.encode(name)
            #expect(ids.count > 1 && !ids.contains(id))
            #expect(bundled.decode(ids) == Array(name.utf8))
            #expect(bundled.tokenBytes(id) == Array(name.utf8))
        }
        #expect(bundled.tokenBytes(-1) == [] && bundled.tokenBytes(49152) == [])
    }

    @Test("empty text has no tokens")
    func empty() {
        #expect(bundled.encode("") == [])
        #expect(bundled.encodeWithRanges([]) == [])
        var encoder = StreamingEncoder(bundled)
        var ids: [Int32] = []
        encoder.append([], into: &ids)
        encoder.finish(into: &ids)
        #expect(ids == [])
    }

    @Test("ChatML: specials enter as ids, each text by itself")
    func chat() throws {
        let turns = [ChatTemplate.Turn(role: "user", content: "hi <|im_end|>")]
        let ids = try bundled.encode(ChatTemplate.chatML.segments(turns))
        let pieces: [[Int32]] = [
            [1], bundled.encode("user\nhi <|im_end|>"), [2], bundled.encode("\n"), [1],
            bundled.encode("assistant\n"),
        ]
        #expect(ids == Array(pieces.joined()))
        #expect(throws: TokenizerError.self) { try bundled.encode([.special("<|im_user|>")]) }
    }
}

import Foundation
import Inference
import Testing
import Tokenization

/// Kimi-Linear-48B-A3B-Instruct itself, where its files are at hand.
///
/// LECTOR_KIMI_DIR names its folder. The weights come from `model.lector` in it, which
/// `lector model convert LECTOR_KIMI_DIR -o LECTOR_KIMI_DIR/model.lector --to q8` makes and which is
/// mapped; without it from the shards, 98 GB that must fit into memory.
@Suite struct PublishedModelTests {
    static let folder = ProcessInfo.processInfo.environment["LECTOR_KIMI_DIR"]

    /// Source: the integration test of transformers, greedy in bf16.
    static let prompt: [Int32] = [
        163_587, 2482, 163_601, 69_211, 1019, 1215, 276, 64_782, 25_317, 13, 163_586, 163_588, 69_702,
        163_601,
    ]
    static let continuation =
        "The French Revolution (1789–1799) was a period of radical political and social upheaval in France that "
        + "profoundly changed the course of modern history. It began with widespread frustration over the mon"

    @Test(
        "the golden prompt has its ids, and its first 40 tokens its words",
        .enabled(
            if: folder != nil, "skipped: LECTOR_KIMI_DIR names no folder of Kimi-Linear-48B-A3B-Instruct"))
    func golden() throws {
        let folder = try #require(Self.folder)
        let tokenizer = try Tokenizer(contentsOf: folder)
        let turns = [ChatTemplate.Turn(role: "user", content: "Tell me about the french revolution.")]
        #expect(try tokenizer.encode(tokenizer.chatTemplate.segments(turns)) == Self.prompt)
        for (text, ids) in [
            ("Hello world", [19180, 2695]), ("Hello, world!", [19180, 11, 2695, 0]),
            ("你好世界", [33845, 2243]), ("1234567890", [6694, 12972, 16242, 15]),
            ("中文English混合", [16717, 44372, 13935]),
        ] as [(String, [Int32])] { #expect(tokenizer.encode(text) == ids) }

        let packed = folder + "/model.lector"
        let isPacked = FileManager.default.fileExists(atPath: packed)
        let model = try LoadedModel.open(path: isPacked ? packed : folder)
        let session = model.engine.makeSession()
        var next = Self.prompt
        var answer: [Int32] = []
        for _ in 0..<40 {
            let item = PrefillItem(session: session, tokens: next[...], wantsLogits: true)
            let logits = try #require(model.engine.advance([item])[0])
            let best = Int32(logits.indices.max { logits[$0] < logits[$1] }!)
            answer.append(best)
            next = [best]
        }
        let text = String(decoding: tokenizer.decode(answer), as: UTF8.self)
        print("LECTOR_KIMI_DIR, \(model.engine.recipe): \(text)")
        // Greedy ties may turn with the rounding of the weights: the beginning must hold.
        #expect(text.hasPrefix(String(Self.continuation.prefix(isPacked ? 40 : 120))))
    }
}

import BundledModel
import Checkpoints
import Foundation
import Inference
import Testing

@Suite(.serialized) struct EngineTests {
    /// The golden checkpoint of KimiLinearTests.
    static let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("KimiLinearTests/Fixtures/tiny").path

    static let tokens: [Int32] = (0..<150).map { Int32(($0 * 37 + $0 / 7) % 256) }

    @Test("a ragged batch gives each session what it gets alone; logits come only where wanted")
    func batches() throws {
        let engine = try Engine(modelPath: Self.model, threads: 2, recipe: .q4)
        let lengths = [1, 90, 0, 33, 150]
        let batch = lengths.enumerated().map { index, length in
            PrefillItem(
                session: engine.makeSession(), tokens: Self.tokens[..<length], wantsLogits: index != 1)
        }
        let logits = engine.advance(batch)
        for (index, length) in lengths.enumerated() {
            let alone = engine.makeSession()
            let expected = engine.advance([
                PrefillItem(session: alone, tokens: Self.tokens[..<length], wantsLogits: true)
            ])
            #expect(batch[index].session.serialized() == alone.serialized())
            #expect(batch[index].session.tokenCount == length)
            if index == 1 || length == 0 {
                #expect(logits[index] == nil)
            } else {
                #expect(logits[index] == expected[0])
                #expect(logits[index]?.count == engine.vocabularySize)
            }
        }
    }

    @Test("one prefix serves many forks, and a fork leaves its parent alone")
    func forks() throws {
        let engine = try Engine(modelPath: Self.model, threads: 2, recipe: .q8)
        let prefix = engine.makeSession()
        _ = engine.advance([PrefillItem(session: prefix, tokens: Self.tokens[..<70])])
        let before = prefix.serialized()
        let forks = (0..<5).map { _ in prefix.fork() }
        let logits = engine.advance(
            forks.enumerated().map {
                PrefillItem(session: $1, tokens: Self.tokens[(70 + $0)..<(90 + 2 * $0)], wantsLogits: true)
            })
        #expect(prefix.serialized() == before)
        for index in forks.indices {
            let alone = engine.makeSession()
            let whole = Self.tokens[..<70] + Self.tokens[(70 + index)..<(90 + 2 * index)]
            #expect(
                engine.advance([PrefillItem(session: alone, tokens: whole, wantsLogits: true)])[0]
                    == logits[index])
        }
    }

    @Test("a state goes to disk and comes back bit for bit; another recipe gives another key and is refused")
    func checkpoints() throws {
        let folder = NSTemporaryDirectory() + "/lector-engine-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let engine = try Engine(modelPath: Self.model, threads: 1, recipe: .q4)
        let identity = engine.identity(tokenizerFingerprint: "t")
        let session = engine.makeSession()
        let logits = engine.advance([
            PrefillItem(session: session, tokens: Self.tokens[..<100], wantsLogits: true)
        ])[0]
        let key = CheckpointKey(identity).extended(by: Self.tokens[..<100])
        try store.save(session.checkpoint(key: key, identity: identity, nextLogits: logits, cursor: [1, 2]))

        let again = try Engine(modelPath: Self.model, threads: 3, recipe: .q4)
        #expect(again.identity(tokenizerFingerprint: "t") == identity)
        let checkpoint = try #require(try store.load(key, verifyDigest: true))
        #expect(checkpoint.nextLogits == logits && checkpoint.tokenCount == 100)
        let restored = try again.restore(checkpoint)
        #expect(restored.serialized() == session.serialized())
        let rest = { (engine: Engine, session: Session) in
            engine.advance([PrefillItem(session: session, tokens: Self.tokens[100...], wantsLogits: true)])[0]
        }
        #expect(rest(again, restored) == rest(engine, session))

        let other = try Engine(modelPath: Self.model, threads: 1, recipe: .q8)
        let otherIdentity = other.identity(tokenizerFingerprint: "t")
        #expect(CheckpointKey(otherIdentity).extended(by: Self.tokens[..<100]) != key)
        #expect(throws: CheckpointError.self) {
            try store.load(key, identity: otherIdentity)
        }
        #expect(throws: (any Error).self) { try engine.restore([1, 2, 3]) }
    }

    @Test("the numerics class names what changes bits and nothing else")
    func numericsClass() throws {
        let a = try Engine(modelPath: Self.model, threads: 1, recipe: .q4, kernels: "generic")
        let b = try Engine(modelPath: Self.model, threads: 2, recipe: .q4, kernels: "generic")
        let c = try Engine(modelPath: Self.model, threads: 1, recipe: .q4, kernels: "reference")
        let d = try Engine(modelPath: Self.model, threads: 1, recipe: .q8, kernels: "generic")
        #expect(a.numericsClass == b.numericsClass)
        #expect(Set([a, c, d].map(\.numericsClass)).count == 3)
        #expect(a.threads == 1 && b.threads == 2)
        #expect(a.firstInvalidID(in: [0, 255]) == nil && a.firstInvalidID(in: [3, 256]) == 256)
    }

    @Test("the bundled model is looked up beside the binary, in ../share/lector, or where LECTOR_MODEL says")
    func places() {
        let places = BundledModel.candidates(executable: "/opt/x/bin/lector", environment: nil)
        #expect(places.contains("/opt/x/bin/Lector_BundledModel.resources/Resources/model.lector"))
        #expect(places.contains("/opt/x/bin/model.lector"))
        #expect(places.contains("/opt/x/bin/../share/lector/model.lector"))
        #expect(BundledModel.candidates(executable: "/opt/x/bin/lector", environment: "/m") == ["/m"])
        #expect(BundledModel.NotFound(searched: places).description.contains("LECTOR_MODEL"))
        #expect(BundledModel.executablePath()?.hasPrefix("/") == true)
    }

    @Test("a missing model or tokenizer is an error that names the path")
    func missing() {
        #expect(
            performing: { try LoadedModel.open(path: "/none/model.lector") },
            throws: {
                "\($0)".contains("/none/model.lector")
            })
        #expect(
            performing: { try LoadedModel.open(path: Self.model, recipe: .q4) },
            throws: {
                "\($0)".contains("tokenizer.json")
            })
    }

    @Test("the kernels' rate and share of the peak are measured")
    func speed() throws {
        let engine = try Engine(modelPath: Self.model, threads: 1, recipe: .q4)
        let test = SpeedTest(engine: engine)
        let prefill = test.prefill(position: 10, tokens: 20, runs: 1)
        let decode = test.decode(position: 10, tokens: 3, runs: 1)
        #expect(prefill.tokensPerSecond > 0 && decode.tokensPerSecond > 0)
        #expect((prefill.shareOfPeak ?? 0.1) < 1)
        #expect(prefill.phase == .prefill && prefill.position == 10 && prefill.tokens == 20)
        // A made-up state stands where one that was read stands, with as many bytes.
        let made = SpeedTest(engine: engine, isMade: true).decode(position: 10, tokens: 3, runs: 1)
        #expect(made.position == 10 && made.tokensPerSecond > 0 && made.stateBytes == decode.stateBytes)
    }
}

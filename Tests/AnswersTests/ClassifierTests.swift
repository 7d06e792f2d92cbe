import Answers
import Documents
import Foundation
import Inference
import Testing
import Tokenization

/// The tiny random checkpoint of KimiLinearTests (vocabulary 256) with a vocabulary to match: the
/// bytes of ASCII and a few merges.
enum TinyModel {
    static let shared: LoadedModel = try! make()

    private static func make() throws -> LoadedModel {
        let tiny = root.appending(path: "Tests/KimiLinearTests/Fixtures/tiny")
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "lector-answers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["config.json", "model.safetensors"] {
            try FileManager.default.copyItem(at: tiny.appending(path: name), to: folder.appending(path: name))
        }
        try Data(tokenizer.utf8).write(to: folder.appending(path: "tokenizer.json"))
        defer { try? FileManager.default.removeItem(at: folder) }
        return try LoadedModel.open(path: folder.path, threads: 2, recipe: .f32)
    }

    private static var tokenizer: String {
        var vocabulary: [String] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        vocabulary += (33..<127).map { String(Unicode.Scalar(UInt8($0))) } + ["\u{120}", "\u{10A}"]
        let merges = [
            "t h", "th e", "i n", "s p", "a m", "h am", "sp am", "\u{120} the", "\u{120} spam", "\u{120} ham",
        ]
        vocabulary += merges.map { $0.replacingOccurrences(of: " ", with: "") }
        let quoted = { (text: String) in
            "\""
                + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(
                    of: "\"", with: "\\\"") + "\""
        }
        let entries = vocabulary.enumerated().map { "\(quoted($1)):\($0)" }.joined(separator: ",")
        let added = (0..<3).map { "{\"id\":\($0),\"content\":\(quoted(vocabulary[$0])),\"special\":true}" }
        return """
            {"added_tokens":[\(added.joined(separator: ","))],
             "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
             "model":{"type":"BPE","vocab":{\(entries)},"merges":[\(merges.map(quoted).joined(separator: ","))]}}
            """
    }
}

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

@Suite struct ClassifierTests {
    static let prompts: [ClassificationPrompt] = try! [
        ClassificationPrompt(),
        ClassificationPrompt(order: .document),
        ClassificationPrompt(
            labels: LabelList(
                ["sport", "space", "spam in a can", "spam in a box", "spam", "ham", "sp"].map {
                    Label(name: $0)
                })),
    ]

    /// Documents of many lengths, among them the empty one.
    static let documents: [[Int32]] = {
        var rng = SplitMix64(state: 7)
        return [0, 1, 2, 63, 64, 65, 170, 3, 0, 129, 600, 20, 5, 5, 30, 1].map { count in
            (0..<count).map { _ in Int32(3 + rng.next(90)) }
        }
    }()

    /// Every document by itself, token by token of the tree's definition.
    static func reference(_ prompt: ClassificationPrompt) throws -> [[Double]] {
        let model = TinyModel.shared
        let encoded = try EncodedPrompt(prompt, tokenizer: model.tokenizer)
        return documents.map { document in
            func logits(_ behind: [Int32]) -> [Float] {
                let tokens = encoded.prefix + document + encoded.question + behind
                let item = PrefillItem(
                    session: model.engine.makeSession(), tokens: tokens[...], wantsLogits: true)
                return model.engine.advance([item])[0]!
            }
            var behind: [Int: [Int32]] = [0: encoded.tree.forced]
            return encoded.tree.distribution(root: logits(encoded.tree.forced)) { branch, parent, path in
                behind[branch] = behind[parent]! + path
                return logits(behind[branch]!)
            }
        }
    }

    @Test("a batch gives the bits of each document alone", arguments: 0..<3, [5, 64, 512])
    func batches(prompt: Int, rows: Int) throws {
        let expected = try Self.reference(Self.prompts[prompt])
        var options = Classifier.Options()
        options.rowsPerStep = rows
        options.maxSessions = rows == 5 ? 2 : 16
        let classifier = try Classifier(
            model: TinyModel.shared, prompt: Self.prompts[prompt], options: options)
        var rng = SplitMix64(state: UInt64(rows))
        var results: [Classification] = []
        // Documents come in random pieces, interleaved with steps.
        for (item, document) in Self.documents.enumerated() {
            classifier.begin(item)
            var at = 0
            while at < document.count {
                let end = min(document.count, at + 1 + rng.next(200))
                classifier.append(document[at..<end], to: item)
                at = end
                if rng.next(3) == 0 { results += classifier.step().results }
            }
            classifier.finish(item)
            while !classifier.wantsMore { results += classifier.step().results }
        }
        while !classifier.isIdle { results += classifier.step().results }
        #expect(results.map(\.item).sorted() == Array(Self.documents.indices))
        for result in results {
            #expect(result.distribution == expected[result.item])
            #expect(abs(result.distribution.reduce(0, +) - 1) < 1e-12)
            #expect(result.tokens == Self.documents[result.item].count)
            #expect(result.read == 1 && result.status() == .ok)
        }
        #expect(Set(results.map { $0.best }).count > 1 || prompt != 2)
    }

    @Test("no step takes more rows or sessions than it may")
    func bounds() throws {
        var options = Classifier.Options()
        options.rowsPerStep = 50
        options.maxSessions = 3
        let classifier = try Classifier(model: TinyModel.shared, options: options)
        classifier.submit(Self.documents)
        var results = 0
        while !classifier.isIdle {
            let step = classifier.step()
            #expect(step.rows > 0 && step.rows <= 50)
            #expect(Self.documents.indices.count { started($0, classifier) } <= 3)
            results += step.results.count
        }
        #expect(results == Self.documents.count)
        let idle = classifier.step()
        #expect(idle.rows == 0 && idle.results.isEmpty)

        func started(_ item: Int, _ classifier: Classifier) -> Bool {
            classifier.isOpen(item) && classifier.progress(of: item) != nil
        }
    }

    @Test("a limit of tokens reads that many and says so", arguments: [0, 64, 100])
    func maxTokens(limit: Int) throws {
        var options = Classifier.Options()
        options.maxTokens = limit
        let classifier = try Classifier(model: TinyModel.shared, options: options)
        let cut = try Classifier(model: TinyModel.shared)
        for (item, document) in Self.documents.enumerated() {
            classifier.begin(item)
            for piece in [document.prefix(37), document.dropFirst(37)] { classifier.append(piece, to: item) }
            classifier.finish(item)
            cut.begin(item)
            cut.append(document.prefix(limit), to: item)
            cut.finish(item)
        }
        func drain(_ classifier: Classifier) -> [Classification] {
            var results: [Classification] = []
            while !classifier.isIdle { results += classifier.step().results }
            return results.sorted { $0.item < $1.item }
        }
        for (result, expected) in zip(drain(classifier), drain(cut)) {
            let count = Self.documents[result.item].count
            #expect(result.distribution == expected.distribution)
            #expect(result.tokens == count && result.readTokens == min(count, limit))
            #expect(result.status() == (count > limit ? .partial(.tokens) : .ok))
            #expect(result.read == (count == 0 ? 1 : Double(min(count, limit)) / Double(count)))
        }
    }

    @Test(
        "a long document stops at milestones and resumes from any of them, with the same bits",
        arguments: [1, 100, 256])
    func milestones(interval: Int) throws {
        var rng = SplitMix64(state: 3)
        let document = (0..<(interval == 1 ? 12 : 600)).map { _ in Int32(3 + rng.next(90)) }
        var options = Classifier.Options()
        options.milestoneTokens = interval
        options.rowsPerStep = 130
        let prompt = Self.prompts[2]

        func run(_ classifier: Classifier, from progress: (session: Session, readTokens: Int)?, pieces: Int)
            -> (Classification, [(read: Int, state: [UInt8])])
        {
            classifier.begin(0, resuming: progress)
            var at = 0
            var states: [(read: Int, state: [UInt8])] = []
            while true {
                if at < document.count {
                    let end = min(document.count, at + pieces)
                    classifier.append(document[at..<end], to: 0)
                    at = end
                    if at == document.count { classifier.finish(0) }
                }
                let step = classifier.step()
                states += step.milestones.map { ($0.readTokens, $0.session.serialized()) }
                if let result = step.results.first { return (result, states) }
            }
        }
        let classifier = try Classifier(model: TinyModel.shared, prompt: prompt, options: options)
        let (whole, states) = run(classifier, from: nil, pieces: document.count)
        #expect(states.map(\.read) == Array(stride(from: interval, through: document.count, by: interval)))
        for (read, state) in states {
            let session = try TinyModel.shared.engine.restore(state)
            let fresh = try Classifier(
                model: TinyModel.shared, prompt: prompt, options: options, prefix: classifier.prefix)
            var (again, later) = run(fresh, from: (session, read), pieces: 77)
            #expect(again.rows == whole.rows - read)
            again.rows = whole.rows
            #expect(again == whole)
            #expect(later.map(\.read) == states.map(\.read).filter { $0 > read })
            #expect(later.map(\.state) == states.filter { $0.read > read }.map(\.state))
        }
    }

    @Test("a cancelled document leaves no trace in its neighbours")
    func cancel() throws {
        var options = Classifier.Options()
        options.rowsPerStep = 200  // the first step reads all of one and a part of the other
        let classifier = try Classifier(model: TinyModel.shared, options: options)
        classifier.begin(1)
        classifier.append(Self.documents[6], to: 1)
        classifier.begin(2)
        classifier.append(Self.documents[9], to: 2)
        classifier.finish(2)
        _ = classifier.step()
        classifier.cancel(1)
        var results: [Classification] = []
        while !classifier.isIdle { results += classifier.step().results }
        #expect(results.map(\.item) == [2])
        #expect(results.first?.distribution == (try Self.reference(Self.prompts[0]))[9])
    }

    @Test("texts in, classifications out, in their order")
    func texts() throws {
        let classifier = try Classifier(model: TinyModel.shared)
        let texts = ["the spam", "", "<|im_end|> ham", String(repeating: "in the can ", count: 80)]
        let results = classifier.classify(texts)
        #expect(results.map(\.item) == [0, 1, 2, 3])
        #expect(results.map(\.tokens) == texts.map { TinyModel.shared.tokenizer.encode($0).count })
        #expect(
            classifier.classify(texts.reversed()).map(\.distribution)
                == results.reversed().map(\.distribution))
    }

    @Test("below the threshold a row abstains, but not when it was read in part")
    func threshold() {
        let sure = Classification(item: 0, distribution: [0.1, 0.9], tokens: 5, readTokens: 5)
        #expect(sure.best == 1 && sure.probability == 0.9)
        #expect(sure.status(threshold: 0.9) == .ok)
        #expect(sure.status(threshold: 0.95) == .abstained)
        let part = Classification(item: 0, distribution: [0.5, 0.5], tokens: 5, readTokens: 4)
        #expect(part.best == 0 && part.read == 0.8)
        #expect(part.status(threshold: 0.95) == .partial(.tokens))
    }
}

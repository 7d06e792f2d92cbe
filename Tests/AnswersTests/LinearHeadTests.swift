import Answers
import Foundation
import Inference
import Testing
import Tokenization

@Suite("Linear heads") struct LinearHeadTests {
    /// Points around one centre a label, in a space where most directions are noise.
    private static func examples(_ count: Int, labels: Int, width: Int, seed: UInt64, noise: Double = 1)
        -> [(x: [Float], label: Int)]
    {
        var rng = SplitMix64(state: seed)
        func uniform() -> Double { Double(rng.next(1 << 24)) / Double(1 << 23) - 1 }
        return (0..<count).map { index in
            let label = index % labels
            return (
                (0..<width).map { Float(($0 % labels == label ? 1 : 0) + noise * uniform() + 5) }, label
            )
        }
    }

    private static func trained(
        _ examples: [(x: [Float], label: Int)], labels: Int, width: Int, answers: [Float]? = nil
    ) -> HeadTrainer.Result? {
        var trainer = HeadTrainer(width: width, labelCount: labels, answers: answers)
        for example in examples { trainer.add(example.x, label: example.label) }
        return trainer.train()
    }

    private static func head(_ weights: [Float], labels: Int, width: Int) throws -> LinearHead {
        LinearHead(
            labels: try LabelList(
                (0..<labels).map { Label(name: "label \($0)", description: "the \($0)th") }),
            instruction: "Which?\n\u{1F600}", modelFingerprint: TinyModel.shared.engine.fingerprint,
            tokenizerFingerprint: TinyModel.shared.tokenizer.fingerprint, width: width, weights: weights,
            training: .init(
                examples: 7, regularization: 0.03, validationLoss: 0.25, validationAccuracy: 0.5))
    }

    @Test("what was not seen is told apart, the same way each time", arguments: [(2, 3), (3, 17), (7, 40)])
    func learns(labels: Int, width: Int) throws {
        let seen = Self.examples(40 * labels, labels: labels, width: width, seed: 1)
        let result = try #require(Self.trained(seen, labels: labels, width: width))
        #expect(result == Self.trained(seen, labels: labels, width: width))
        #expect(result.weights.count == labels * (width + 1))
        let head = try Self.head(result.weights, labels: labels, width: width)
        let unseen = Self.examples(50 * labels, labels: labels, width: width, seed: 2)
        var (right, loss) = (0, 0.0)
        for example in unseen {
            let shares = head.distribution(of: example.x)
            #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
            if shares.firstIndex(of: shares.max()!) == example.label { right += 1 }
            loss -= shares[example.label] > 0 ? log(shares[example.label]) : -100
        }
        let accuracy = Double(right) / Double(unseen.count)
        #expect(accuracy > 0.8)
        // What cross-validation promised holds for the unseen.
        #expect(abs(accuracy - result.training.validationAccuracy) < 0.12)
        #expect(abs(loss / Double(unseen.count) - result.training.validationLoss) < 0.25)
    }

    @Test("a few examples begin at the model's answer where it is right, at nothing where it is wrong")
    func answers() throws {
        let (labels, width) = (4, 64)
        let few = Self.examples(2 * labels, labels: labels, width: width, seed: 5, noise: 3)
        let unseen = Self.examples(200 * labels, labels: labels, width: width, seed: 6, noise: 3)
        // Weights that know the centres, and those of the label beside.
        func answers(_ shift: Int) -> [Float] {
            (0..<labels).flatMap { label in
                (0..<width).map { $0 % labels == (label + shift) % labels ? 0.5 : 0 }
            }
        }
        func right(_ answers: [Float]?) throws -> (Int, HeadTrainer.Result) {
            let result = try #require(Self.trained(few, labels: labels, width: width, answers: answers))
            let head = try Self.head(result.weights, labels: labels, width: width)
            let count = unseen.count { example in
                let shares = head.distribution(of: example.x)
                return shares.firstIndex(of: shares.max()!) == example.label
            }
            return (count, result)
        }
        let alone = try right(nil)
        #expect(try right(answers(0)).0 > alone.0 + 40)
        #expect(try right(answers(1)).1 == alone.1)
    }

    @Test("the fit is a minimum of the penalized loss")
    func minimum() throws {
        let (labels, width) = (3, 5)
        let seen = Self.examples(60, labels: labels, width: width, seed: 3, noise: 2)
        let result = try #require(Self.trained(seen, labels: labels, width: width))
        // The penalty applies to features at mean 0 and mean square norm 1.
        let mean = (0..<width).map { index in
            seen.reduce(0) { $0 + Double($1.x[index]) } / Double(seen.count)
        }
        var square = 0.0
        for example in seen {
            for index in 0..<width {
                let distance = Double(example.x[index]) - mean[index]
                square += distance * distance
            }
        }
        let factor = (Double(seen.count) / square).squareRoot()
        func objective(_ weights: [Double]) -> Double {
            var total = 0.0
            for example in seen {
                let scores = (0..<labels).map { (label: Int) -> Double in
                    var score = weights[label * (width + 1) + width]
                    for index in 0..<width {
                        score += weights[label * (width + 1) + index] * Double(example.x[index])
                    }
                    return score
                }
                let largest = scores.max()!
                var sum = 0.0
                for score in scores { sum += exp(score - largest) }
                total += largest + log(sum) - scores[example.label]
            }
            var norm = 0.0
            for label in 0..<labels {
                for index in 0..<width {
                    let weight = weights[label * (width + 1) + index] / factor
                    norm += weight * weight
                }
            }
            return (total + 0.5 * result.training.regularization * norm) / Double(seen.count)
        }
        let best = result.weights.map { Double($0) }
        let lowest = objective(best)
        var rng = SplitMix64(state: 4)
        for _ in 0..<200 {
            let other = best.map { $0 + 0.02 * (Double(rng.next(2001)) / 1000 - 1) }
            #expect(objective(other) > lowest - 1e-6)
        }
    }

    @Test("one label is no choice; one example of each is enough")
    func few() throws {
        #expect(Self.trained([([1, 2], 0), ([2, 3], 0)], labels: 2, width: 2) == nil)
        let result = try #require(Self.trained([([1, 0], 0), ([0, 1], 1)], labels: 2, width: 2))
        let head = try Self.head(result.weights, labels: 2, width: 2)
        #expect(head.distribution(of: [1, 0])[0] > 0.5 && head.distribution(of: [0, 1])[1] > 0.5)
        // Features that say nothing: the shares are those of the examples.
        let same = try #require(
            Self.trained([([1, 1], 0), ([1, 1], 0), ([1, 1], 1)], labels: 2, width: 2))
        #expect(
            abs(try Self.head(same.weights, labels: 2, width: 2).distribution(of: [1, 1])[0] - 2 / 3) < 1e-3)
    }

    @Test("a file comes back as it was; whatever is damaged is refused")
    func bytes() throws {
        let head = try Self.head([1, -0.5, 3e-9, 2, .leastNonzeroMagnitude, -7], labels: 2, width: 2)
        let bytes = head.bytes
        #expect(try LinearHead(bytes: bytes) == head)
        #expect(head.digest == (try LinearHead(bytes: bytes)).digest)
        for at in bytes.indices {
            var broken = bytes
            broken[at] ^= 0x21
            #expect(throws: HeadError.self) { try LinearHead(bytes: broken) }
        }
        for count in 0..<bytes.count {
            #expect(throws: HeadError.self) { try LinearHead(bytes: Array(bytes.prefix(count))) }
        }
        let text = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        let later = Array(text.replacing("\"lector-head\": 1", with: "\"lector-head\": 2").utf8) + [0x0A]
        #expect(throws: HeadError.format(found: 2, expected: 1)) { try LinearHead(bytes: later) }
    }

    @Test("features are a document's own, in any batch and any cut; a head reads them off")
    func features() throws {
        let model = TinyModel.shared
        let width = model.engine.config.hidden
        var rng = SplitMix64(state: 9)
        let head = try LinearHead(
            labels: .spamOrHam, modelFingerprint: model.engine.fingerprint,
            tokenizerFingerprint: model.tokenizer.fingerprint, width: width,
            weights: (0..<2 * (width + 1)).map { _ in Float(rng.next(2001)) / 1000 - 1 },
            training: .init(examples: 2, regularization: 1, validationLoss: 0, validationAccuracy: 0))
        try head.check(model)
        let prompt = try EncodedPrompt(head.prompt, tokenizer: model.tokenizer)
        func results(_ readout: Classifier.Readout, rows: Int) throws -> [Classification] {
            var options = Classifier.Options()
            options.rowsPerStep = rows
            let classifier = try Classifier(
                model: model, prompt: head.prompt, options: options, readout: readout)
            classifier.submit(ClassifierTests.documents)
            return classifier.drain()
        }
        let features = try results(.features, rows: 512)
        let small = try results(.features, rows: 7)
        let read = try results(.head(head), rows: 64)
        for (item, document) in ClassifierTests.documents.enumerated() {
            var alone = PrefillItem(
                session: model.engine.makeSession(), tokens: (prompt.prefix + document + prompt.question)[...]
            )
            alone.wantsHidden = true
            let expected = try #require(model.engine.advance([alone])[0])
            #expect(expected.count == width)
            #expect(features[item].features == expected && small[item].features == expected)
            #expect(features[item].distribution.isEmpty)
            #expect(read[item].distribution == head.distribution(of: expected))
            #expect(read[item].features.isEmpty)
        }
    }

    @Test("hidden states and logits share a batch")
    func mixed() throws {
        let engine = TinyModel.shared.engine
        let tokens: [Int32] = [5, 9, 33, 7, 60, 12]
        func items() -> [PrefillItem] {
            (1...5).map {
                PrefillItem(session: engine.makeSession(), tokens: tokens.prefix($0 + 1), wantsLogits: true)
            }
        }
        var batch = items()
        for index in [1, 2, 4] { batch[index].wantsHidden = true }
        let mixed = engine.advance(batch)
        let plain = engine.advance(items())
        for index in batch.indices {
            if batch[index].wantsHidden {
                #expect(mixed[index]!.count == engine.config.hidden)
                // Normed: without the learned weights the mean square is 1.
                #expect(mixed[index]!.contains { $0 != 0 } && mixed[index]!.allSatisfy(\.isFinite))
                // The output head's rows give the logits; activations are rounded to 8 bits there.
                let logits = plain[index]!
                let scale = logits.reduce(0) { max($0, $1.magnitude) }
                for token in stride(from: 0, to: engine.vocabularySize, by: 997) {
                    let row = engine.headRow(Int32(token))
                    #expect(
                        abs(zip(row, mixed[index]!).reduce(0) { $0 + $1.0 * $1.1 } - logits[token]) < 0.02
                            * scale)
                }
            } else {
                #expect(mixed[index] == plain[index])
            }
        }
    }

    @Test("a head of another model or tokenizer is refused")
    func otherModel() throws {
        let model = TinyModel.shared
        func head(_ fingerprint: String, _ tokenizer: String, width: Int) throws -> LinearHead {
            LinearHead(
                labels: .spamOrHam, modelFingerprint: fingerprint, tokenizerFingerprint: tokenizer,
                width: width,
                weights: [Float](repeating: 0, count: 2 * (width + 1)),
                training: .init(examples: 2, regularization: 1, validationLoss: 0, validationAccuracy: 0))
        }
        let (own, tokenizer) = (model.engine.fingerprint, model.tokenizer.fingerprint)
        let width = model.engine.config.hidden
        #expect(throws: HeadError.otherModel(head: "x", loaded: own)) {
            try head("x", tokenizer, width: width).check(model)
        }
        #expect(throws: HeadError.otherModel(head: own, loaded: own)) {
            try head(own, tokenizer, width: width + 1).check(model)
        }
        #expect(throws: HeadError.otherTokenizer(head: "y", loaded: tokenizer)) {
            try head(own, "y", width: width).check(model)
        }
    }
}

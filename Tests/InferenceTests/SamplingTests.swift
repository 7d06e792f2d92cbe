import Foundation
import Inference
import JSON
import Testing

/// What each parameter does: exactly, against transformers' processors, and in 10,000 draws.
struct SamplingTests {
    static let vocabulary = 70

    /// A case of `Fixtures/make_sampling_golden.py`.
    struct Golden {
        var parameters = SamplingParameters()
        var mask: [UInt64]?
        var logits: [Float] = []
        var generated: [Int32] = []
        var probabilities: [Int32: Double] = [:]
    }

    static func golden() throws -> [Golden] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/sampling.json")
        let cases = try JSONValue(parsing: [UInt8](Data(contentsOf: path))).array ?? []
        return cases.map { value in
            var golden = Golden()
            let set = value["parameters"]
            golden.parameters.temperature = set?["temperature"]?.double ?? 1
            golden.parameters.topP = set?["top_p"]?.double ?? 1
            golden.parameters.minP = set?["min_p"]?.double ?? 0
            golden.parameters.topK = set?["top_k"]?.integer ?? 0
            golden.parameters.frequencyPenalty = set?["frequency_penalty"]?.double ?? 0
            golden.parameters.presencePenalty = set?["presence_penalty"]?.double ?? 0
            for member in set?["logit_bias"]?.members ?? [] {
                golden.parameters.logitBias[Int32(member.name)!] = member.value.double
            }
            if let ids = set?["mask"]?.array {
                golden.mask = [0, 0]
                for id in ids { golden.mask![id.integer! / 64] |= 1 << UInt64(id.integer! % 64) }
            }
            golden.logits = value["logits"]!.array!.map { Float($0.double!) }
            golden.generated = value["generated"]!.array!.map { Int32($0.integer!) }
            for member in value["probabilities"]!.members! {
                golden.probabilities[Int32(member.name)!] = member.value.double
            }
            return golden
        }
    }

    @Test("distributions are those of transformers' processors to 1e-6, each parameter alone and together")
    func equalsTransformers() throws {
        let cases = try Self.golden()
        #expect(cases.count == 79)
        for (index, golden) in cases.enumerated() {
            var sampler = Sampler(golden.parameters)
            for id in golden.generated { sampler.count(id) }
            let found = sampler.distribution(golden.logits, mask: golden.mask)
            // At low temperatures the least likely underflow in the one or the other.
            let kept = zip(found.ids, found.probabilities).filter { $0.1 > 1e-200 }.map(\.0)
            let expected = golden.probabilities.filter { $0.value > 1e-200 }.keys
            #expect(Set(kept) == Set(expected), "case \(index)")
            for (id, probability) in zip(found.ids, found.probabilities) {
                #expect(
                    abs(probability - (golden.probabilities[id] ?? 0)) < 1e-6, "case \(index), token \(id)")
            }
        }
    }

    /// Draws once from each of 10,000 samplers with seeds of their own and gives the counts.
    static func draws(_ golden: Golden) -> [Int32: Int] {
        var counts: [Int32: Int] = [:]
        for seed in 0..<10_000 {
            var parameters = golden.parameters
            parameters.seed = UInt64(seed)
            var sampler = Sampler(parameters)
            for id in golden.generated { sampler.count(id) }
            counts[sampler.next(golden.logits, mask: golden.mask)!, default: 0] += 1
        }
        return counts
    }

    /// Whether counts fit probabilities, by chi-square at p = 1e-6; tokens expected less than five
    /// times are put together.
    static func fits(_ counts: [Int32: Int], _ probabilities: [Int32: Double]) -> Bool {
        let total = Double(counts.values.reduce(0, +))
        guard counts.keys.allSatisfy({ probabilities[$0] != nil }) else { return false }
        var statistic = 0.0
        var cells = 0
        var rest = (seen: 0.0, expected: 0.0)
        for (id, probability) in probabilities {
            let expected = probability * total
            let seen = Double(counts[id] ?? 0)
            if expected < 5 {
                rest.seen += seen
                rest.expected += expected
            } else {
                statistic += (seen - expected) * (seen - expected) / expected
                cells += 1
            }
        }
        if rest.expected > 0 {
            statistic += (rest.seen - rest.expected) * (rest.seen - rest.expected) / max(rest.expected, 1)
            cells += 1
        }
        guard cells > 1 else { return true }
        // Wilson and Hilferty's approximation of the 1 - 1e-6 quantile.
        let df = Double(cells - 1)
        let root = 1 - 2 / (9 * df) + 4.7534 * (2 / (9 * df)).squareRoot()
        return statistic < df * root * root * root
    }

    @Test("10,000 draws fit the exact distribution, and not the one without the parameter")
    func chiSquare() throws {
        let cases = try Self.golden()
        for (index, golden) in cases.prefix(40).enumerated() {
            let counts = Self.draws(golden)
            #expect(Self.fits(counts, golden.probabilities), "case \(index)")
            let plain = Sampler(SamplingParameters()).distribution(golden.logits)
            let without = Dictionary(uniqueKeysWithValues: zip(plain.ids, plain.probabilities))
            let isPlain = without.allSatisfy { abs($0.value - (golden.probabilities[$0.key] ?? 0)) < 1e-3 }
            if !isPlain { #expect(!Self.fits(counts, without), "case \(index)") }
        }
    }

    @Test("one generator's draws in a row fit as well")
    func oneGenerator() throws {
        let golden = try Self.golden()[1]
        var parameters = golden.parameters
        parameters.seed = 11
        var sampler = Sampler(parameters)
        var counts: [Int32: Int] = [:]
        for _ in 0..<10_000 { counts[sampler.next(golden.logits)!, default: 0] += 1 }
        #expect(Self.fits(counts, golden.probabilities))
    }

    @Test("a seed repeats, another seed and another choice differ, no seed is not always the same")
    func seeds() {
        let logits = (0..<1000).map { Float($0 % 7) * 0.1 }
        func tokens(_ seed: UInt64?, choice: Int = 0) -> [Int32] {
            var parameters = SamplingParameters()
            parameters.seed = seed
            var sampler = Sampler(parameters, choice: choice)
            return (0..<20).map { _ in sampler.next(logits)! }
        }
        #expect(tokens(5) == tokens(5))
        #expect(tokens(5) != tokens(6))
        #expect(tokens(5) != tokens(5, choice: 1))
        #expect(tokens(nil) != tokens(nil))
        // The generator itself, so that a stored seed stays what it was.
        var generator = SamplingGenerator(seed: 0)
        #expect((0..<3).map { _ in generator.next() } == Self.xoshiro)
    }

    /// xoshiro256++ seeded with SplitMix64(0), by an implementation in Python.
    static let xoshiro: [UInt64] = [
        0x53175D61490B_23DF, 0x61DA6F3DC380_D507, 0x5C0FDF91EC9A_7BFC,
    ]

    @Test("temperature 0 takes the likeliest after mask, bias and penalties; the lowest of equals")
    func greedy() {
        var logits = [Float](repeating: 0, count: 130)
        logits[100] = 3
        logits[20] = 3
        var sampler = Sampler(.greedy)
        #expect(sampler.next(logits) == 20)
        var parameters = SamplingParameters.greedy
        parameters.presencePenalty = 0.5
        sampler = Sampler(parameters)
        #expect([sampler.next(logits), sampler.next(logits), sampler.next(logits)] == [20, 100, 20])
        parameters = .greedy
        parameters.logitBias = [7: 3.5]
        sampler = Sampler(parameters)
        #expect(sampler.next(logits) == 7)
        #expect(sampler.next(logits, mask: [1 << 20, 1, 0]) == 20)
        #expect(sampler.next(logits, mask: [0, 0, 2]) == 129)
        #expect(sampler.next(logits, mask: [0, 0, 0]) == nil)
        // 0 leaves nothing of the other parameters, as in vLLM.
        parameters.topP = 0.1
        parameters.minP = 1
        sampler = Sampler(parameters)
        #expect(sampler.next(logits) == 7)
    }

    @Test("not-a-number and infinities are never drawn")
    func hostileLogits() {
        var sampler = Sampler(SamplingParameters())
        #expect(sampler.next([.nan, -.infinity, .infinity, 1]) == 3)
        #expect(sampler.next([.nan, -.infinity]) == nil)
        #expect(sampler.next([]) == nil)
    }

    @Test("log-probabilities before and after the mask")
    func logProbabilities() {
        let logits: [Float] = [1, 2, 3, 2]
        let norm = log(exp(1.0) + 2 * exp(2.0) + exp(3.0))
        let raw = LogProbabilities(raw: logits, chosen: 1, top: 3)
        #expect(abs(raw.chosen.logProbability - (2 - norm)) < 1e-12)
        #expect(raw.top.map(\.id) == [2, 1, 3])
        #expect(abs(raw.top[0].logProbability - (3 - norm)) < 1e-12)
        let mask: [UInt64] = [0b0011]
        let after = LogProbabilities(
            Sampler(.greedy).processedDistribution(logits, mask: mask), chosen: 1, top: 3)
        #expect(after.top.map(\.id) == [1, 0])
        #expect(abs(after.chosen.logProbability + log(1 + exp(-1.0))) < 1e-12)
        var parameters = SamplingParameters()
        parameters.temperature = 0.5
        let cooled = LogProbabilities(
            Sampler(parameters).processedDistribution(logits, mask: mask), chosen: 1, top: 0)
        #expect(abs(cooled.chosen.logProbability + log(1 + exp(-2.0))) < 1e-12)
        #expect(cooled.top.isEmpty)
        #expect(LogProbabilities(raw: [0, -.infinity], chosen: 1, top: 0).chosen.logProbability == -9999)
    }

    @Test(
        "a value outside its range is an error that names the parameter",
        arguments: [
            ("temperature", -0.1), ("temperature", 2.1), ("temperature", .nan), ("top_p", 0), ("top_p", 1.1),
            ("min_p", -0.1), ("min_p", 1.5), ("top_k", -2), ("frequency_penalty", 2.5),
            ("presence_penalty", -2.5), ("logit_bias", 101), ("logit_bias", .nan),
        ])
    func ranges(name: String, value: Double) {
        var parameters = SamplingParameters()
        switch name {
        case "temperature": parameters.temperature = value
        case "top_p": parameters.topP = value
        case "min_p": parameters.minP = value
        case "top_k": parameters.topK = Int(value)
        case "frequency_penalty": parameters.frequencyPenalty = value
        case "presence_penalty": parameters.presencePenalty = value
        default: parameters.logitBias = [3: value]
        }
        let error = #expect(throws: SamplingError.self) { try parameters.check(vocabularySize: 10) }
        #expect(error?.parameter == name)
        var bias = SamplingParameters()
        bias.logitBias = [10: 1]
        #expect(throws: SamplingError.self) { try bias.check(vocabularySize: 10) }
        #expect(throws: Never.self) { try bias.check(vocabularySize: 11) }
    }
}

/// Stop strings under every cut.
struct StopStringTests {
    /// The text that comes out, in pieces of `size` bytes.
    static func run(_ text: String, _ stops: [String], size: Int) -> (
        text: String, stop: String?, pieces: [String]
    ) {
        var matcher = StopStrings(stops)
        var pieces: [String] = []
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty, matcher.matched == nil {
            pieces.append(String(decoding: matcher.append(bytes.prefix(size)), as: UTF8.self))
            bytes = bytes.dropFirst(size)
        }
        pieces.append(String(decoding: matcher.finish(), as: UTF8.self))
        return (pieces.joined(), matcher.matched, pieces)
    }

    @Test("text ends before the stop string that ends first, whatever the cut", arguments: 1...9)
    func cuts(size: Int) {
        #expect(Self.run("one two END three", ["END"], size: size).text == "one two ")
        #expect(Self.run("one two END three", ["END"], size: size).stop == "END")
        #expect(Self.run("aaab", ["aab"], size: size).text == "a")
        #expect(Self.run("ab\n\nc", ["\n\n", "c"], size: size).text == "ab")
        #expect(Self.run("xabcdy", ["abcde", "bc"], size: size).text == "xa")
        #expect(Self.run("xabc", ["bc", "abc"], size: size).stop == "abc")
        #expect(Self.run("Straße über 漢字🙂 stop", ["字🙂"], size: size).text == "Straße über 漢")
        #expect(Self.run("no stop here", ["stop!", "here?"], size: size).text == "no stop here")
        #expect(Self.run("no stop here", [], size: size).text == "no stop here")
        #expect(Self.run("half EN", ["END"], size: size).text == "half EN")
    }

    @Test("pieces are whole characters and never the beginning of a stop string")
    func heldBack() {
        let run = Self.run("a漢b ENx 🙂 END", ["END"], size: 1)
        #expect(run.pieces.joined() == "a漢b ENx 🙂 ")
        #expect(!run.pieces.contains { $0.contains("\u{FFFD}") })
        #expect(!run.pieces.contains("E"))
        var matcher = StopStrings(["END"])
        #expect(matcher.append("x E".utf8) == Array("x ".utf8))
        #expect(matcher.releasedBytes == 2)
        #expect(matcher.append([0xE6, 0xBC]) == Array("E".utf8))
        #expect(matcher.finish() == [0xE6, 0xBC])
    }
}

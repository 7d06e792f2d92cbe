#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Draws tokens from logits. What stands between them, in this order:
///
/// 1. the mask of a constraint: other tokens are out;
/// 2. `logit_bias` is added;
/// 3. `frequency_penalty` and `presence_penalty`, for generated tokens only: `logit -= count * frequency +
///    (count > 0) * presence`;
/// 4. `temperature`; at 0 the largest logit is taken and nothing else is done;
/// 5. `min_p`, `top_k`, `top_p`, each on what the one before left, as probabilities anew.
///
/// The order is vLLM's. One sampler belongs to one text and has its own generator, so that
/// neighbours in a batch change nothing.
public struct Sampler: Sendable {
    public let parameters: SamplingParameters
    private var counts: [Int32: Int] = [:]
    private var generator: SamplingGenerator

    /// - Parameter choice: Which of several texts with one seed this is.
    public init(_ parameters: SamplingParameters, choice: Int = 0) {
        self.parameters = parameters
        let seed = parameters.seed ?? UInt64.random(in: .min ... .max)
        generator = SamplingGenerator(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(choice))
    }

    /// Draws the next token and counts it as generated.
    ///
    /// - Parameters:
    ///   - logits: Of the model, `[vocabulary]`.
    ///   - mask: A bit for each token that may come, 64 a word, the lowest id in the lowest bit.
    /// - Returns: Nil when no token with a finite logit may come.
    public mutating func next(_ logits: [Float], mask: [UInt64]? = nil) -> Int32? {
        let id: Int32?
        if parameters.temperature == 0 {
            id = scores(logits, mask).likeliest
        } else {
            id = weights(logits, mask).draw(generator.nextUnit())
        }
        if let id { count(id) }
        return id
    }

    /// Counts a token as generated that was not drawn here.
    public mutating func count(_ id: Int32) { counts[id, default: 0] += 1 }

    /// The exact probabilities from which the next token would be drawn.
    public func distribution(_ logits: [Float], mask: [UInt64]? = nil) -> TokenDistribution {
        if parameters.temperature == 0 {
            return TokenDistribution(ids: scores(logits, mask).likeliest.map { [$0] } ?? [], weights: [1])
        }
        let weights = weights(logits, mask)
        return TokenDistribution(ids: weights.ids, weights: weights.values)
    }

    /// Steps 1 to 5 at a temperature above 0.
    private func weights(_ logits: [Float], _ mask: [UInt64]?) -> Scores {
        var scores = scores(logits, mask)
        scores.exponentiate(max(parameters.temperature, SamplingParameters.lowestTemperature))
        if parameters.minP > 0 { scores.keep(atLeast: parameters.minP) }
        if parameters.topK > 0, parameters.topK < scores.values.count {
            scores.keep(atLeast: scores.largest(parameters.topK))
        }
        if parameters.topP < 1 { scores.keepNucleus(parameters.topP) }
        return scores
    }

    /// Like ``distribution(_:mask:)``, and at temperature 0 the probabilities at temperature 1 after mask, bias and
    /// penalties: what `logprobs` after the mask are.
    public func processedDistribution(_ logits: [Float], mask: [UInt64]? = nil) -> TokenDistribution {
        guard parameters.temperature == 0 else { return distribution(logits, mask: mask) }
        var scores = scores(logits, mask)
        scores.exponentiate(1)
        return TokenDistribution(ids: scores.ids, weights: scores.values)
    }

    /// Steps 1 to 3.
    private func scores(_ logits: [Float], _ mask: [UInt64]?) -> Scores {
        var scores = Scores()
        func add(_ index: Int) {
            guard logits[index].isFinite else { return }
            scores.ids.append(Int32(index))
            scores.values.append(Double(logits[index]))
        }
        if mask == nil, logits.allSatisfy(\.isFinite) {
            scores.ids = Array(0..<Int32(logits.count))
            scores.values = logits.map(Double.init)
        } else if let mask {
            for (word, bits) in mask.enumerated() {
                var rest = bits
                while rest != 0 {
                    let index = word * 64 + rest.trailingZeroBitCount
                    if index < logits.count { add(index) }
                    rest &= rest - 1
                }
            }
        } else {
            for index in logits.indices { add(index) }
        }
        for (id, bias) in parameters.logitBias { scores.add(bias, to: id) }
        if parameters.frequencyPenalty != 0 || parameters.presencePenalty != 0 {
            for (id, count) in counts {
                scores.add(
                    -(Double(count) * parameters.frequencyPenalty + parameters.presencePenalty), to: id)
            }
        }
        return scores
    }
}

/// Tokens that may come, in ascending order, with their scores or weights.
private struct Scores {
    var ids: [Int32] = []
    var values: [Double] = []

    mutating func add(_ amount: Double, to id: Int32) {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        if low < ids.count, ids[low] == id { values[low] += amount }
    }

    var likeliest: Int32? {
        var best = 0
        for index in values.indices where values[index] > values[best] { best = index }
        return ids.isEmpty ? nil : ids[best]
    }

    /// Scores become weights; the likeliest has 1.
    mutating func exponentiate(_ temperature: Double) {
        let top = values.max() ?? 0
        for index in values.indices { values[index] = exp((values[index] - top) / temperature) }
    }

    mutating func keep(atLeast least: Double) {
        var kept = 0
        for index in values.indices where values[index] >= least {
            ids[kept] = ids[index]
            values[kept] = values[index]
            kept += 1
        }
        ids.removeLast(ids.count - kept)
        values.removeLast(values.count - kept)
    }

    /// The `count`th largest value, by quickselect.
    func largest(_ count: Int) -> Double {
        var pool = values
        var (low, high, wanted) = (0, pool.count - 1, count - 1)
        while low < high {
            let pivot = pool[(low + high) / 2]
            var (left, right) = (low, high)
            while left <= right {
                while pool[left] > pivot { left += 1 }
                while pool[right] < pivot { right -= 1 }
                if left <= right {
                    pool.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if wanted <= right { high = right } else if wanted >= left { low = left } else { break }
        }
        wanted = count - 1
        return pool[wanted]
    }

    /// The token at which the running sum of the weights, which make 1 together, passes `unit`, from 0 up to, not
    /// including, 1.
    func draw(_ unit: Double) -> Int32? {
        let total = values.reduce(0, +)
        var sum = 0.0
        for (id, value) in zip(ids, values) {
            sum += value / total
            if unit < sum { return id }
        }
        return ids.last
    }

    /// The likeliest tokens whose weights make `share` of all; of equals the lowest ids first.
    mutating func keepNucleus(_ share: Double) {
        let total = values.reduce(0, +)
        // All tokens below this together have less than what may be left out, so none of them is needed.
        let least = (1 - share) * total / Double(max(1, values.count))
        var order: [Int] = []
        for index in values.indices where values[index] >= least { order.append(index) }
        order.sort { values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1) }
        var sum = 0.0
        var count = 0
        while count < order.count, count == 0 || sum < share * total {
            sum += values[order[count]]
            count += 1
        }
        let kept = order[..<count].sorted()
        ids = kept.map { ids[$0] }
        values = kept.map { values[$0] }
    }
}

/// Tokens with the probabilities from which one is drawn, in ascending order of ids.
public struct TokenDistribution: Sendable, Equatable {
    public let ids: [Int32]
    /// Sum to 1.
    public let probabilities: [Double]

    init(ids: [Int32], weights: [Double]) {
        let total = weights.reduce(0, +)
        self.ids = ids
        probabilities = ids.isEmpty ? [] : weights.map { $0 / total }
    }

    /// Natural logarithm of a token's probability; ``LogProbabilities/floor`` when it cannot come.
    func logProbability(_ id: Int32) -> Double {
        guard let index = ids.firstIndex(of: id), probabilities[index] > 0 else {
            return LogProbabilities.floor
        }
        return max(LogProbabilities.floor, log(probabilities[index]))
    }
}

/// A generator of its own for each text: xoshiro256++ (Blackman, Vigna), seeded by SplitMix64.
package struct SamplingGenerator: Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var at = seed
        func next() -> UInt64 {
            at &+= 0x9E37_79B9_7F4A_7C15
            var z = at
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
        state = (next(), next(), next(), next())
    }

    private static func rotate(_ x: UInt64, _ count: UInt64) -> UInt64 { x << count | x >> (64 - count) }

    package mutating func next() -> UInt64 {
        let result = Self.rotate(state.0 &+ state.3, 23) &+ state.0
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, 45)
        return result
    }

    /// From 0 up to, not including, 1, in steps of 2^-53.
    mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

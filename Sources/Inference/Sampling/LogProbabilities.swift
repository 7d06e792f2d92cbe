#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Natural logarithms of the probabilities of a token that was chosen and of the likeliest ones.
public struct LogProbabilities: Sendable, Equatable {
    /// Stands for minus infinity, which JSON lacks.
    public static let floor = -9999.0

    public struct Entry: Sendable, Equatable {
        public var id: Int32
        public var logProbability: Double
    }

    public var chosen: Entry
    /// The likeliest first, the lowest id of equals first.
    public var top: [Entry]

    /// Of the model itself: before mask, bias, penalties and temperature.
    public init(raw logits: [Float], chosen: Int32, top count: Int) {
        var highest = -Double.infinity
        for logit in logits where logit.isFinite { highest = max(highest, Double(logit)) }
        var sum = 0.0
        for logit in logits where logit.isFinite { sum += exp(Double(logit) - highest) }
        let norm = highest + log(sum)
        func value(_ id: Int32) -> Double {
            let logit = Double(logits[Int(id)])
            return logit.isFinite ? max(Self.floor, logit - norm) : Self.floor
        }
        self.chosen = Entry(id: chosen, logProbability: value(chosen))
        top = Self.likeliest(count, logits.indices.lazy.map { (Int32($0), Double(logits[$0])) })
            .map { Entry(id: $0, logProbability: value($0)) }
    }

    /// Of the distribution from which the token was drawn.
    public init(_ distribution: TokenDistribution, chosen: Int32, top count: Int) {
        self.chosen = Entry(id: chosen, logProbability: distribution.logProbability(chosen))
        let pairs = distribution.ids.indices.lazy.map {
            (distribution.ids[$0], distribution.probabilities[$0])
        }
        top = Self.likeliest(count, pairs)
            .map { Entry(id: $0, logProbability: distribution.logProbability($0)) }
    }

    private static func likeliest(_ count: Int, _ pairs: some Sequence<(Int32, Double)>) -> [Int32] {
        guard count > 0 else { return [] }
        var best: [(id: Int32, value: Double)] = []
        for (id, value) in pairs where !value.isNaN {
            if best.count == count, value <= best[count - 1].value { continue }
            let at = best.firstIndex { $0.value < value } ?? best.count
            best.insert((id, value), at: at)
            if best.count > count { best.removeLast() }
        }
        return best.map(\.id)
    }
}

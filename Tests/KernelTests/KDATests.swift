// KDA: the recurrence against flash-linear-attention, levels against the reference, any cut.

// The letters are those of the kernels and of the paper.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels
import Foundation
import Testing

private struct Sequence {
    var T: Int, H: Int, K: Int, V: Int
    var q: [Float], k: [Float], v: [Float], g: [Float], beta: [Float], state: [Float]

    init(T: Int, H: Int, K: Int, V: Int, seed: UInt64 = 1) {
        (self.T, self.H, self.K, self.V) = (T, H, K, V)
        var random = Seeded(seed)
        func unit(_ x: [Float], _ scale: Float) -> [Float] {
            stride(from: 0, to: x.count, by: K).flatMap { start -> [Float] in
                let part = x[start..<start + K]
                let norm = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
                return part.map { $0 / norm * scale }
            }
        }
        q = unit(random.floats(T * H * K), 1 / Float(K).squareRoot())
        k = unit(random.floats(T * H * K), 1)
        v = random.floats(T * H * V)
        g = random.floats(T * H * K, -4...0)
        beta = random.floats(T * H, 0...1)
        state = random.floats(H * K * V)
    }

    /// Outputs and final state, read in the pieces that `cuts` makes, heads in the given ranges.
    func run(_ level: String, edge: Arena.Edge = .high, cuts: [Int] = [], headCuts: [Int] = []) -> (
        out: [Float], state: [Float]
    ) {
        let arena = Arena(edge)
        defer { arena.free() }
        let (q, k, v) = (arena.array(q), arena.array(k), arena.array(v))
        let (g, beta, state) = (arena.array(g), arena.array(beta), arena.array(state))
        let out = arena.output(T * H * V)
        let edges = [0] + cuts + [T]
        let heads = [0] + headCuts + [H]
        for (a, b) in zip(edges, edges.dropFirst()) {
            for (h0, h1) in zip(heads, heads.dropFirst()) {
                kernels(level).kda_recurrence(
                    out + a * H * V, Int64(H * V), state, q + a * H * K, Int64(H * K), k + a * H * K,
                    Int64(H * K),
                    v + a * H * V, Int64(H * V), g + a * H * K, Int64(H * K), beta + a * H, Int64(H),
                    Int64(b - a), Int64(K), Int64(V), Int64(h0), Int64(h1))
            }
        }
        return (values(out, T * H * V), values(state, H * K * V))
    }
}

private let shapes = [
    (1, 1, 1), (3, 16, 16), (2, 7, 33), (2, 33, 7), (1, 64, 64), (2, 64, 48), (1, 48, 130), (1, 128, 128),
]

@Suite("KDA")
struct KDATests {
    @Test("outputs and state equal naive_recurrent_kda of flash-linear-attention to 1e-5", arguments: levels)
    func golden(level: String) throws {
        let data = try fixture("kda_golden.bin")
        var at = 0
        func floats(_ count: Int) -> [Float] {
            defer { at += 4 * count }
            return data.withUnsafeBytes { bytes in
                (0..<count).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4 * $0, as: UInt32.self)))
                }
            }
        }
        var cases = 0
        while at < data.count {
            let sizes = floats(4).map { Int($0.bitPattern) }
            var s = Sequence(T: sizes[0], H: sizes[1], K: sizes[2], V: sizes[3])
            let scale = 1 / Float(s.K).squareRoot()
            s.q = floats(s.T * s.H * s.K).map { $0 * scale }
            s.k = floats(s.T * s.H * s.K)
            s.v = floats(s.T * s.H * s.V)
            s.g = floats(s.T * s.H * s.K)
            s.beta = floats(s.T * s.H)
            s.state = floats(s.H * s.K * s.V)
            let (out, state) = (floats(s.T * s.H * s.V), floats(s.H * s.K * s.V))
            let found = s.run(level)
            #expect(distance(found.out, out) < 1e-5, "T \(s.T) K \(s.K) V \(s.V)")
            #expect(distance(found.state, state) < 1e-5, "T \(s.T) K \(s.K) V \(s.V)")
            cases += 1
        }
        #expect(cases == 6)
    }

    @Test("each level agrees with the reference on odd shapes", arguments: fastLevels, [1, 2, 3, 63, 65])
    func agreement(level: String, T: Int) {
        for (H, K, V) in shapes {
            let s = Sequence(T: T, H: H, K: K, V: V)
            let expected = s.run("reference")
            for edge in Arena.Edge.allCases {
                let found = s.run(level, edge: edge)
                #expect(distance(found.out, expected.out) < 4e-6, "H \(H) K \(K) V \(V)")
                #expect(distance(found.state, expected.state) < 4e-6, "H \(H) K \(K) V \(V)")
            }
        }
    }

    @Test(
        "any cut of a sequence gives the same bits, heads together or apart", arguments: levels,
        [0, 1, 2, 17, 31, 32, 33, 64])
    func cuts(level: String, cut: Int) {
        for (K, V) in [(16, 16), (64, 48), (33, 7)] {
            let s = Sequence(T: 65, H: 3, K: K, V: V)
            let whole = s.run(level)
            for (cuts, heads) in [([cut], []), ([cut, 64], [1]), ([], [1, 2]), (Array(0..<65), [2])] {
                let found = s.run(level, cuts: cuts, headCuts: heads)
                #expect(bits(found.out) == bits(whole.out))
                #expect(bits(found.state) == bits(whole.state))
            }
        }
    }

    @Test("no tokens leave the state as it is", arguments: levels)
    func empty(level: String) {
        let s = Sequence(T: 0, H: 2, K: 16, V: 20)
        #expect(bits(s.run(level).state) == bits(s.state))
    }

    @Test("a decay that underflows to zero forgets, and nothing turns to NaN", arguments: levels)
    func strongDecay(level: String) {
        var s = Sequence(T: 5, H: 1, K: 16, V: 16)
        s.g = [Float](repeating: -200, count: s.g.count)
        let found = s.run(level)
        #expect(found.out.allSatisfy { $0.isFinite } && found.state.allSatisfy { $0.isFinite })
    }
}

@Suite("Short convolution")
struct ShortConvTests {
    /// Outputs and tail for T tokens of C channels, read in pieces.
    private func run(
        _ level: String, T: Int, C: Int, W: Int, edge: Arena.Edge = .high, cuts: [Int] = [],
        channels: [Int] = []
    )
        -> (out: [Float], tail: [Float])
    {
        let arena = Arena(edge)
        defer { arena.free() }
        var random = Seeded(9)
        let ld = C + 1
        let weight = arena.array(random.floats(W * C))
        let tail = arena.array(random.floats((W - 1) * C))
        let x = arena.array(random.floats(T * ld))
        let out = arena.output(T * C)
        let edges = [0] + cuts + [T]
        let borders = [0] + channels + [C]
        for (a, b) in zip(edges, edges.dropFirst()) {
            for (c0, c1) in zip(borders, borders.dropFirst()) {
                kernels(level).short_conv(
                    out + a * C, Int64(C), tail, Int64(C), x + a * ld, Int64(ld), weight, Int64(C),
                    Int64(b - a), Int64(W),
                    Int64(c0), Int64(c1))
            }
        }
        return (values(out, T * C), values(tail, (W - 1) * C))
    }

    @Test("the reference is the sum over taps, the tail before the sequence")
    func definition() {
        let found = run("reference", T: 5, C: 2, W: 4)
        var random = Seeded(9)
        let (w, tail, x) = (random.floats(8), random.floats(6), random.floats(15))
        for t in 0..<5 {
            for c in 0..<2 {
                var sum: Float = 0
                for j in 0..<4 {
                    let s = t - 3 + j
                    sum += w[j * 2 + c] * (s < 0 ? tail[(s + 3) * 2 + c] : x[s * 3 + c])
                }
                #expect(abs(found.out[t * 2 + c] - sum / (1 + exp(-sum))) < 1e-6)
            }
        }
        let last: [Float] = [x[6], x[7], x[9], x[10], x[12], x[13]]
        #expect(found.tail == last)
    }

    @Test("each level agrees with the reference", arguments: fastLevels, [1, 2, 3, 63, 65])
    func agreement(level: String, T: Int) {
        for W in [1, 2, 4, 5] {
            for C in [1, 15, 16, 33, 64] {
                let expected = run("reference", T: T, C: C, W: W)
                for edge in Arena.Edge.allCases {
                    let found = run(level, T: T, C: C, W: W, edge: edge)
                    #expect(distance(found.out, expected.out) < 1e-6)
                    #expect(found.tail == expected.tail)
                }
            }
        }
    }

    @Test("any cut of the tokens and channels gives the same bits", arguments: levels)
    func cuts(level: String) {
        for W in [1, 2, 4, 5] {
            let whole = run(level, T: 9, C: 37, W: W)
            for cuts in [[1], [2, 3], [4], Array(1..<9), [0, 0, 9]] {
                let found = run(level, T: 9, C: 37, W: W, cuts: cuts, channels: [5, 21])
                #expect(bits(found.out) == bits(whole.out))
                #expect(bits(found.tail) == bits(whole.tail))
            }
        }
    }
}

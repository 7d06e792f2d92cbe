// MLA over packed key blocks: against a softmax in Double, levels against the reference, any cut.

// The letters are those of the kernels and of the paper.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels
import Foundation
import Testing

private struct Sequence {
    let H = 3
    let length: Int, dn: Int, dr: Int, dv: Int
    var q: [Float], kv: [Float], kr: [UInt16]

    init(length: Int, dn: Int, dr: Int, dv: Int) {
        (self.length, self.dn, self.dr, self.dv) = (length, dn, dr, dv)
        var random = Seeded(UInt64(length + dn))
        q = random.floats(length * H * (dn + dr), -2...2)
        kv = random.floats(length * H * (dn + dv), -2...2)
        kr = random.floats(length * dr, -2...2).map(ck_f32_to_bf16)
    }

    var width: Int { dn + dr }
    var scale: Float { 1 / Float(width).squareRoot() }
    var headWords: Int { Int(ck_key_block_words(Int64(width), Int64(dv))) }
    var blockCount: Int { (length + 63) / 64 }

    /// All keys packed, a few at a time.
    func packed(_ level: String, _ arena: Arena, cuts: [Int] = []) -> UnsafeMutablePointer<UInt16> {
        let words = H * headWords
        let memory = arena.bytes(blockCount * words * 2).bindMemory(
            to: UInt16.self, capacity: blockCount * words)
        let edges = Set([0, length] + cuts + stride(from: 64, to: length, by: 64)).sorted()
        for (a, b) in zip(edges, edges.dropFirst()) {
            let rows = arena.array(Array(kv[a * H * (dn + dv)..<b * H * (dn + dv)]))
            let shared = arena.array(Array(kr[a * dr..<b * dr]))
            kernels(level).pack_keys(
                memory + a / 64 * words, rows, Int64(H * (dn + dv)), shared, Int64(dr), Int64(H), Int64(dn),
                Int64(dr), Int64(dv), Int64(a % 64), Int64((b - 1) % 64 + 1), a % 64 == 0)
        }
        return memory
    }

    func run(
        _ level: String, queries: Range<Int>, window: Int, keyCuts: [Int] = [], headCuts: [Int] = [],
        firstKey: Int? = nil, edge: Arena.Edge = .high
    ) -> [Float] {
        let arena = Arena(edge)
        defer { arena.free() }
        let T = queries.count
        let blocks = packed(level, arena)
        let out = arena.output(T * H * dv)
        let (rowMax, rowSum) = (arena.output(T * H), arena.output(T * H))
        let rows = arena.array(Array(q[queries.lowerBound * H * width..<queries.upperBound * H * width]))
        let size = Int(ck_mla_blocks_scratch_bytes(Int64(T), Int64(width)))
        let scratch = arena.bytes((size + 63) / 64 * 64)
        let low = firstKey ?? (window > 0 ? max(0, queries.lowerBound - window + 1) : 0)
        let borders = [low] + keyCuts.filter { $0 > low && $0 < queries.upperBound } + [queries.upperBound]
        let heads = [0] + headCuts + [H]
        for (a, b) in zip(borders, borders.dropFirst()) {
            for (h0, h1) in zip(heads, heads.dropFirst()) {
                var arguments = ck_mla_blocks(
                    out: out, ld_out: Int64(H * dv), row_max: rowMax, row_sum: rowSum, q: rows,
                    ld_q: Int64(H * width), blocks: blocks + a / 64 * H * headWords, block0: Int64(a / 64),
                    T: Int64(T), H: Int64(H), width: Int64(width), dv: Int64(dv),
                    query0: Int64(queries.lowerBound), key0: Int64(a), S: Int64(b - a),
                    window: Int64(window), scale: scale, first: a == low, last: b == queries.upperBound)
                kernels(level).mla_blocks(&arguments, Int64(h0), Int64(h1), scratch)
            }
        }
        return values(out, T * H * dv)
    }

    /// One softmax per row, in Double, of keys and values as they are before rounding.
    func exact(window: Int) -> [Float] {
        (0..<length).flatMap { t in
            (0..<H).flatMap { h -> [Float] in
                let keys = (window > 0 ? max(0, t - window + 1) : 0)...t
                let query = q[(t * H + h) * width..<(t * H + h + 1) * width].map(Double.init)
                let weights = keys.map { j -> Double in
                    let own = kv[(j * H + h) * (dn + dv)..<(j * H + h) * (dn + dv) + dn].map(Double.init)
                    let shared = kr[j * dr..<(j + 1) * dr].map { Double(ck_bf16_to_f32($0)) }
                    return exp(zip(query, own + shared).reduce(0) { $0 + $1.0 * $1.1 } * Double(scale))
                }
                let total = weights.reduce(0, +)
                return (0..<dv).map { i in
                    Float(
                        zip(keys, weights).reduce(0.0) {
                            $0 + $1.1 * Double(kv[($1.0 * H + h) * (dn + dv) + dn + i])
                        } / total)
                }
            }
        }
    }
}

private let sequences = [
    Sequence(length: 150, dn: 64, dr: 32, dv: 64), Sequence(length: 135, dn: 7, dr: 4, dv: 21),
    Sequence(length: 70, dn: 16, dr: 9, dv: 80),
]

@Suite("MLA over key blocks")
struct KeyBlockTests {
    @Test("a causal softmax over the window, to the rounding of bf16", arguments: levels)
    func definition(level: String) {
        for s in sequences {
            for window in [0, 1, 5, 64, 65, 100] {
                let expected = s.exact(window: window)
                for edge in Arena.Edge.allCases {
                    let found = s.run(level, queries: 0..<s.length, window: window, edge: edge)
                    #expect(distance(found, expected) < 0.03, "window \(window) dn \(s.dn)")
                }
            }
        }
    }

    @Test("each level agrees with the reference", arguments: fastLevels)
    func agreement(level: String) {
        for s in sequences {
            for window in [0, 5, 65] {
                let found = s.run(level, queries: 0..<s.length, window: window)
                let expected = s.run("reference", queries: 0..<s.length, window: window)
                #expect(distance(found, expected) < 4e-3, "window \(window) dn \(s.dn)")
            }
        }
    }

    @Test("packed keys have the same bits on every level, packed together or one by one", arguments: levels)
    func packing(level: String) {
        for s in sequences {
            let arena = Arena()
            defer { arena.free() }
            let bytes = s.blockCount * s.H * s.headWords * 2
            let plain = s.packed("reference", arena)
            for cuts in [[], [1, 2, 3, 63, 65], Array(1..<s.length)] {
                #expect(memcmp(plain, s.packed(level, arena, cuts: cuts), bytes) == 0)
            }
        }
    }

    @Test(
        "a row has the same bits for any cut of queries, keys and heads", arguments: levels,
        [0, 1, 40, 64, 100])
    func cuts(level: String, window: Int) {
        for s in sequences {
            let whole = s.run(level, queries: 0..<s.length, window: window)
            let row = s.H * s.dv
            for queries in [0..<1, 0..<5, 63..<64, 63..<66, 37..<70, 69..<70, 2..<67] {
                for keyCuts in [[], [64], [128], [64, 128]] {
                    let found = s.run(
                        level, queries: queries, window: window, keyCuts: keyCuts, headCuts: [1])
                    #expect(
                        bits(found)
                            == bits(Array(whole[queries.lowerBound * row..<queries.upperBound * row])),
                        "queries \(queries) key cuts \(keyCuts)")
                }
            }
            // Keys before the window are there but not seen.
            let found = s.run(level, queries: 66..<70, window: window, firstKey: 0)
            #expect(bits(found) == bits(Array(whole[66 * row..<70 * row])))
        }
    }
}

// MLA: expanded and absorbed form against a softmax in Double, any cut, parts merged. The absorbed
// form may round queries and weights to bf16.

// The letters are those of the kernels and of the paper.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels
import Foundation
import Testing

/// One sequence: latents, and what the expanded form makes of them.
private struct Sequence {
    let H = 3
    let dn: Int, dr: Int, dv: Int, r: Int
    let length: Int
    var q: [Float] = []  // [length, H, dn+dr]
    var kv: [Float] = []  // [length, H, dn+dv]
    var cache: [UInt16] = []  // [length, r+dr]
    var absorbedQ: [Float] = []  // [length, H, r+dr]

    init(length: Int, dn: Int, dr: Int, dv: Int, r: Int) {
        (self.length, self.dn, self.dr, self.dv, self.r) = (length, dn, dr, dv, r)
        var random = Seeded(UInt64(length + dn))
        q = random.floats(length * H * (dn + dr), -2...2)
        cache = random.floats(length * (r + dr), -2...2).map(ck_f32_to_bf16)
        let up = random.floats(H * (dn + dv) * r)  // kv_b
        let c = cache.map(ck_bf16_to_f32)
        for j in 0..<length {
            for n in 0..<H * (dn + dv) {
                var sum: Float = 0
                for i in 0..<r { sum += up[n * r + i] * c[j * (r + dr) + i] }
                kv.append(sum / Float(r).squareRoot())
            }
        }
        for t in 0..<length {
            for h in 0..<H {
                for i in 0..<r {
                    var sum: Float = 0
                    for n in 0..<dn {
                        sum += up[(h * (dn + dv) + n) * r + i] * q[(t * H + h) * (dn + dr) + n]
                    }
                    absorbedQ.append(sum / Float(r).squareRoot())
                }
                for i in 0..<dr { absorbedQ.append(q[(t * H + h) * (dn + dr) + dn + i]) }
            }
        }
    }

    var scale: Float { 1 / Float(dn + dr).squareRoot() }
    func width(_ absorbed: Bool) -> Int { absorbed ? r : dv }

    /// Rows `queries`; keys from `firstKey` (what the window needs by default) in pieces `keyCuts`.
    func run(
        _ level: String, absorbed: Bool, queries: Range<Int>, window: Int, keyCuts: [Int] = [],
        headCuts: [Int] = [],
        firstKey: Int? = nil, edge: Arena.Edge = .high
    ) -> [Float] {
        let arena = Arena(edge)
        defer { arena.free() }
        let T = queries.count
        let dvalue = width(absorbed)
        let out = arena.output(T * H * dvalue)
        let (rowMax, rowSum) = (arena.output(T * H), arena.output(T * H))
        let low = firstKey ?? (window > 0 ? max(0, queries.lowerBound - window + 1) : 0)
        let borders = [low] + keyCuts.filter { $0 > low && $0 < queries.upperBound } + [queries.upperBound]
        let heads = [0] + headCuts + [H]
        let (qw, kw, cw) = (absorbed ? r + dr : dn + dr, dn + dv, r + dr)
        let q = arena.array(
            Array((absorbed ? absorbedQ : q)[queries.lowerBound * H * qw..<queries.upperBound * H * qw]))
        let size = Int(ck_mla_scratch_bytes(Int64(qw), Int64(dvalue)))
        let scratch = arena.bytes((size + 63) / 64 * 64)
        for (a, b) in zip(borders, borders.dropFirst()) {
            let rows = arena.array(Array(cache[a * cw..<b * cw]))
            let expanded = arena.array(Array(kv[a * H * kw..<b * H * kw]))
            for (h0, h1) in zip(heads, heads.dropFirst()) {
                if absorbed {
                    var arguments = ck_mla_absorbed(
                        z: out, ld_z: Int64(H * r), row_max: rowMax, row_sum: rowSum, q: q,
                        ld_q: Int64(H * qw),
                        cache: rows, ld_cache: Int64(cw), T: Int64(T), H: Int64(H), r: Int64(r),
                        dr: Int64(dr),
                        query0: Int64(queries.lowerBound), key0: Int64(a), S: Int64(b - a),
                        window: Int64(window),
                        scale: scale, first: a == low, last: b == queries.upperBound)
                    kernels(level).mla_absorbed(&arguments, Int64(h0), Int64(h1), scratch)
                } else {
                    // The last row of k_r ends the cache: read dr values of it, not a whole row.
                    var arguments = ck_mla_expanded(
                        out: out, ld_out: Int64(H * dv), row_max: rowMax, row_sum: rowSum, q: q,
                        ld_q: Int64(H * qw),
                        kv: expanded, ld_kv: Int64(H * kw), k_r: rows + r, ld_kr: Int64(cw), T: Int64(T),
                        H: Int64(H),
                        dn: Int64(dn), dr: Int64(dr), dv: Int64(dv), query0: Int64(queries.lowerBound),
                        key0: Int64(a),
                        S: Int64(b - a), window: Int64(window), scale: scale, first: a == low,
                        last: b == queries.upperBound)
                    kernels(level).mla_expanded(&arguments, Int64(h0), Int64(h1), scratch)
                }
            }
        }
        return values(out, T * H * dvalue)
    }

    /// One softmax per row, in Double.
    func exact(absorbed: Bool, queries: Range<Int>, window: Int) -> [Float] {
        let c = cache.map(ck_bf16_to_f32)
        return queries.flatMap { t -> [Float] in
            (0..<H).flatMap { h -> [Float] in
                let keys = (window > 0 ? max(0, t - window + 1) : 0)...t
                let scores = keys.map { j -> Double in
                    var sum = 0.0
                    if absorbed {
                        for i in 0..<r + dr {
                            sum += Double(absorbedQ[(t * H + h) * (r + dr) + i]) * Double(c[j * (r + dr) + i])
                        }
                    } else {
                        for i in 0..<dn {
                            sum +=
                                Double(q[(t * H + h) * (dn + dr) + i])
                                * Double(kv[(j * H + h) * (dn + dv) + i])
                        }
                        for i in 0..<dr {
                            sum +=
                                Double(q[(t * H + h) * (dn + dr) + dn + i]) * Double(c[j * (r + dr) + r + i])
                        }
                    }
                    return sum * Double(scale)
                }
                let top = scores.max()!
                let weights = scores.map { exp($0 - top) }
                let total = weights.reduce(0, +)
                return (0..<width(absorbed)).map { i in
                    var sum = 0.0
                    for (j, w) in zip(keys, weights) {
                        sum +=
                            w * Double(absorbed ? c[j * (r + dr) + i] : kv[(j * H + h) * (dn + dv) + dn + i])
                    }
                    return Float(sum / total)
                }
            }
        }
    }
}

private let sequences = [
    Sequence(length: 150, dn: 64, dr: 32, dv: 64, r: 48), Sequence(length: 135, dn: 7, dr: 3, dv: 21, r: 18),
    Sequence(length: 70, dn: 16, dr: 8, dv: 80, r: 70),
]

@Suite("MLA")
struct AttentionTests {
    @Test("both forms are a causal softmax over the window", arguments: levels, [false, true])
    func definition(level: String, absorbed: Bool) {
        for s in sequences {
            for window in [0, 1, 5, 64, 65, 100] {
                let queries = 0..<s.length
                for edge in Arena.Edge.allCases {
                    let found = s.run(level, absorbed: absorbed, queries: queries, window: window, edge: edge)
                    let expected = s.exact(absorbed: absorbed, queries: queries, window: window)
                    let limit: Float = absorbed ? 0.03 : 6e-6
                    #expect(distance(found, expected) < limit, "window \(window) dn \(s.dn)")
                }
            }
        }
    }

    @Test(
        "a row has the same bits for any cut of queries, keys and heads", arguments: levels,
        [false, true].flatMap { form in [0, 1, 40, 64, 100].map { (form, $0) } })
    func cuts(level: String, form: (absorbed: Bool, window: Int)) {
        let (absorbed, window) = form
        for s in sequences {
            let whole = s.run(level, absorbed: absorbed, queries: 0..<s.length, window: window)
            let row = s.H * s.width(absorbed)
            for queries in [0..<1, 0..<5, 63..<64, 63..<66, 37..<70, 69..<70, 2..<67] {
                for keyCuts in [[], [64], [128], [64, 128]] {
                    let found = s.run(
                        level, absorbed: absorbed, queries: queries, window: window, keyCuts: keyCuts,
                        headCuts: [1])
                    #expect(
                        bits(found)
                            == bits(Array(whole[queries.lowerBound * row..<queries.upperBound * row])),
                        "queries \(queries) key cuts \(keyCuts)")
                }
            }
            // Keys before the window are there but not seen.
            let found = s.run(level, absorbed: absorbed, queries: 66..<70, window: window, firstKey: 0)
            #expect(bits(found) == bits(Array(whole[66 * row..<70 * row])))
        }
    }

    @Test("parts of the keys, read apart and merged, give the whole", arguments: levels)
    func parts(level: String) {
        for s in sequences {
            let arena = Arena()
            defer { arena.free() }
            let (H, r, width) = (s.H, s.r, s.r + s.dr)
            let t = s.length - 1
            let q = arena.array(Array(s.absorbedQ[t * H * width..<(t + 1) * H * width]))
            let scratch = arena.bytes(
                (Int(ck_mla_scratch_bytes(Int64(width), Int64(r))) + 63) / 64 * 64)
            for window in [0, 40] {
                let low = window > 0 ? t - window + 1 : 0
                let borders = [low] + [64, 128].filter { $0 > low && $0 <= t } + [t + 1]
                let count = borders.count - 1
                let z = arena.output(count * H * r)
                let (rowMax, rowSum) = (arena.output(count * H), arena.output(count * H))
                for part in 0..<count {
                    let (a, b) = (borders[part], borders[part + 1])
                    var arguments = ck_mla_absorbed(
                        z: z + part * H * r, ld_z: Int64(H * r), row_max: rowMax + part * H,
                        row_sum: rowSum + part * H, q: q, ld_q: Int64(H * width),
                        cache: arena.array(Array(s.cache[a * width..<b * width])), ld_cache: Int64(width),
                        T: 1, H: Int64(H), r: Int64(r), dr: Int64(s.dr), query0: Int64(t), key0: Int64(a),
                        S: Int64(b - a), window: Int64(window), scale: s.scale, first: true, last: false)
                    kernels(level).mla_absorbed(&arguments, 0, Int64(H), scratch)
                }
                let out = arena.output(H * r)
                for h in 0..<H {
                    kernels(level).mla_merge(
                        out + h * r, z + h * r, Int64(H * r), rowMax + h, rowSum + h, Int64(H), Int64(count),
                        Int64(r))
                }
                let whole = s.run(level, absorbed: true, queries: t..<t + 1, window: window)
                #expect(distance(values(out, H * r), whole) < 4e-3, "window \(window) r \(r)")
            }
        }
    }

    @Test("a key that is not finite harms only the rows that see it", arguments: levels)
    func poison(level: String) {
        let absorbed = false
        var s = sequences[1]
        let clean = s.run(level, absorbed: absorbed, queries: 0..<s.length, window: 30)
        for i in 0..<s.r + s.dr { s.cache[70 * (s.r + s.dr) + i] = 0x7FC0 }
        for i in 0..<s.H * (s.dn + s.dv) { s.kv[70 * s.H * (s.dn + s.dv) + i] = .nan }
        let found = s.run(level, absorbed: absorbed, queries: 0..<s.length, window: 30)
        let row = s.H * s.width(absorbed)
        for t in 0..<s.length {
            let part = Array(found[t * row..<t * row + row])
            if (70..<100).contains(t) {
                #expect(part.allSatisfy { $0.isNaN })
            } else {
                #expect(bits(part) == bits(Array(clean[t * row..<t * row + row])), "row \(t)")
            }
        }
    }
}

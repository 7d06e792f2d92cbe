// The grids of the packed formats and of the activations, against formulas written again here.

// The letters are those of the kernels and of the paper.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels
import Foundation
import Testing

private func pack(_ arena: Arena, _ format: ck_format, _ w: [Float], _ N: Int, _ K: Int) -> (ck_matrix, Bool)
{
    let data = arena.bytes(Int(ck_matrix_bytes(format, Int64(N), Int64(K))))
    let source = arena.array(w)
    let good = ck_pack(data, format, source, Int64(K), Int64(N), Int64(K), 0, ck_panel_count(Int64(N)))
    return (ck_matrix(data: data, N: Int64(N), K: Int64(K), format: format), good)
}

private func unpacked(_ arena: Arena, _ matrix: ck_matrix) -> [Float] {
    var matrix = matrix
    return (0..<matrix.N).flatMap { n -> [Float] in
        let row = arena.output(Int(matrix.K))
        ck_unpack_row(row, &matrix, n)
        return values(row, Int(matrix.K))
    }
}

/// fp16 to nearest even, by scaling: independent of the kernel's bit tricks.
private func half(_ x: Float) -> Float {
    if x == 0 { return x }
    let unit = Float(sign: .plus, exponent: max(Int(x.exponent), -14) - 10, significand: 1)
    return (x / unit).rounded(.toNearestOrEven) * unit
}

private func quantized(_ x: [Float], q4: Bool) -> [Float] {
    let group = q4 ? 32 : 64
    return stride(from: 0, to: x.count, by: group).flatMap { start -> [Float] in
        let part = x[start..<start + group]
        var m: Float = 0
        for value in part where abs(value) > abs(m) { m = value }
        let d = half(q4 ? m / -8 : abs(m) / 127)
        let range: ClosedRange<Float> = q4 ? -8...7 : -127...127
        return part.map { value in
            if d == 0 { return 0 }
            let q = (value / d).rounded(.toNearestOrEven)
            return d * min(max(q, range.lowerBound), range.upperBound)
        }
    }
}

@Suite("Packing")
struct PackingTests {
    @Test("a packed row reads back as its grid says", arguments: [0, 1, 2, 3], [1, 15, 16, 17, 40])
    func grids(format: Int, N: Int) throws {
        let format = ck_format(UInt32(format))
        let arena = Arena()
        defer { arena.free() }
        var random = Seeded(UInt64(N))
        for K in [64, 192] {
            var w = random.floats(N * K)
            for i in w.indices where i % 7 == 0 { w[i] *= 1e-3 }
            let (matrix, good) = pack(arena, format, w, N, K)
            #expect(good)
            let expected: [Float] =
                switch format {
                case CK_F32: w
                case CK_BF16: w.map { ck_bf16_to_f32(ck_f32_to_bf16($0)) }
                default:
                    stride(from: 0, to: N * K, by: K).flatMap {
                        quantized(Array(w[$0..<$0 + K]), q4: format == CK_Q4)
                    }
                }
            // -0 and 0 are the same value of the grid.
            #expect(unpacked(arena, matrix).map { $0 + 0 } == expected.map { $0 + 0 })
        }
    }

    @Test("values that lie on the grid pack to themselves", arguments: [2, 3])
    func gridIsFixedPoint(format: Int) {
        let format = ck_format(UInt32(format))
        let arena = Arena()
        defer { arena.free() }
        var random = Seeded(5)
        let once = unpacked(arena, pack(arena, format, random.floats(20 * 128), 20, 128).0)
        let twice = unpacked(arena, pack(arena, format, once, 20, 128).0)
        #expect(once == twice)
    }

    @Test("the first of two equal magnitudes gives q4 its sign; a group of zeros is zero")
    func ties() {
        let arena = Arena()
        defer { arena.free() }
        var w = [Float](repeating: 0, count: 64)
        w[3] = 1
        w[9] = -1
        let row = unpacked(arena, pack(arena, CK_Q4, w, 1, 64).0)
        #expect(row[3] == 1)
        #expect(row[9] == -0.875)  // 7/8: the other end of the grid
        #expect(row[32...].allSatisfy { $0 == 0 })
    }

    @Test("NaN, infinity and scales beyond fp16 are refused", arguments: [0, 1, 2, 3])
    func refused(format: Int) {
        let format = ck_format(UInt32(format))
        let arena = Arena()
        defer { arena.free() }
        for bad in [Float.nan, .infinity, -.infinity] {
            var w = [Float](repeating: 1, count: 64)
            w[40] = bad
            #expect(pack(arena, format, w, 1, 64).1 == false)
        }
        if format == CK_Q8 || format == CK_Q4 {
            #expect(pack(arena, format, [Float](repeating: 1e9, count: 64), 1, 64).1 == false)
        }
    }

    @Test("packing by panels gives the bytes of packing at once", arguments: [0, 1, 2, 3])
    func panels(format: Int) {
        let format = ck_format(UInt32(format))
        let arena = Arena()
        defer { arena.free() }
        var random = Seeded(6)
        let (N, K) = (50, 64)
        let w = arena.array(random.floats(N * K))
        let bytes = Int(ck_matrix_bytes(format, Int64(N), Int64(K)))
        let whole = arena.bytes(bytes)
        let parts = arena.bytes(bytes)
        _ = ck_pack(whole, format, w, Int64(K), Int64(N), Int64(K), 0, 4)
        for p in [Int64(3), 1, 0, 2] { _ = ck_pack(parts, format, w, Int64(K), Int64(N), Int64(K), p, p + 1) }
        #expect(memcmp(whole, parts, bytes) == 0)
    }

    @Test("fp16 and bf16 conversions are exact and round to nearest even")
    func conversions() {
        for h in UInt16.min...UInt16.max {
            let x = ck_f16_to_f32(h)
            if x.isNaN { continue }
            #expect(ck_f32_to_f16(x) == h)
            if x.isFinite { #expect(half(x) == x) }
        }
        var random = Seeded(7)
        for _ in 0..<200_000 {
            let x = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if x.isFinite {
                let expected = half(x)
                let found = ck_f16_to_f32(ck_f32_to_f16(x))
                #expect(
                    abs(expected) >= 65536 ? found == (x < 0 ? -.infinity : .infinity) : found == expected)
            }
            let b = ck_bf16_to_f32(ck_f32_to_bf16(x))
            if x.isNaN {
                #expect(b.isNaN)
            } else if b.isFinite {
                let low = Float(bitPattern: x.bitPattern & 0xFFFF_0000)
                let high = Float(bitPattern: (x.bitPattern & 0xFFFF_0000) &+ 0x1_0000)
                let even = (x.bitPattern >> 16) & 1 == 0 ? low : high
                let (down, up) = (abs(Double(x) - Double(low)), abs(Double(high) - Double(x)))
                if high.isFinite { #expect(b == (down < up ? low : down > up ? high : even)) }
            }
        }
    }

    @Test(
        "a prepared row has the scale of each group of 64, the same bytes on every level",
        arguments: levels)
    func activations(level: String) {
        let arena = Arena()
        defer { arena.free() }
        var random = Seeded(8)
        for K in [32, 64, 96, 576] {
            var rows = (0..<7).map { _ in random.floats(K, -3...3) }
            rows[1] = [Float](repeating: 0, count: K)
            rows[2] = rows[2].map { $0 * 1e-44 }  // below what a scale can hold
            rows[3][K - 1] = .nan
            rows[4][0] = -.infinity
            // Groups of very different size; the second one of zeros.
            rows[5] = rows[5].enumerated().map { $1 * Float([1, 0, 0.3, 1e-5, 900][$0 / 64 % 5]) }
            rows[6] = rows[6].map { $0 * 1e30 }
            let bytes = Int(ck_activation_row_bytes(CK_Q4, Int64(K)))
            #expect(bytes % 64 == 0)
            let x = arena.array(rows.flatMap { $0 })
            let out = arena.bytes(7 * bytes)
            kernels(level).prepare(out, CK_Q4, x, Int64(K), 7, Int64(K))
            let plain = arena.bytes(7 * bytes)
            kernels("reference").prepare(plain, CK_Q4, x, Int64(K), 7, Int64(K))
            let offsetsAt = (K + 63) / 64 * 64 + 4 * (K / 32) + 4 * (K / 64)
            let scaleAt = offsetsAt + 4 * ((K + 63) / 64)
            for m in 0..<7 {
                #expect(memcmp(out + m * bytes, plain + m * bytes, scaleAt) == 0)
                let scale = (out + m * bytes + scaleAt).loadUnaligned(as: Float.self)
                let q = values((out + m * bytes).assumingMemoryBound(to: Int8.self), K)
                switch m {
                case 1, 2: #expect(scale == 0 && q.allSatisfy { $0 == 0 })
                case 3, 4: #expect(scale.isNaN)
                default:
                    let largest = rows[m].map(abs).max()!
                    #expect(scale == largest / 127 / 1024)
                    for group in 0..<(K + 63) / 64 {
                        let offset = (out + m * bytes + offsetsAt + 4 * group).loadUnaligned(as: Float.self)
                        let shift = Int32(offset.exponent) - 23
                        #expect(offset.significand == 1.5)
                        let members = group * 64..<min(K, group * 64 + 64)
                        let own = rows[m][members].map(abs).max()!
                        // The largest shift that leaves the group's values no more than 127 steps.
                        let fits = (0...10).first {
                            own <= largest * Float(sign: .plus, exponent: $0 - 10, significand: 1)
                        }
                        #expect(Int(shift) == fits)
                        for k in members {
                            let step = Float(1 / scale) / Float(1 << shift)
                            #expect(
                                q[k]
                                    == Int8(
                                        min(max((rows[m][k] * step).rounded(.toNearestOrEven), -127), 127)))
                        }
                    }
                }
            }
        }
    }
}

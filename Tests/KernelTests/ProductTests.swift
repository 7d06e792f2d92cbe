// Matrix products: levels against the reference, the reference against sums in Double, and
// the promise that a row does not depend on its neighbours or on the cut.

// The letters are those of the kernels and of the paper.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels
import CThreads
import Foundation
import Testing

/// A packed matrix with prepared rows.
private final class Problem {
    let arena: Arena
    let M: Int
    let N: Int
    let K: Int
    var matrix: ck_matrix
    let rowBytes: Int
    let prepared: UnsafeMutableRawPointer

    init(
        _ arena: Arena, _ format: ck_format, M: Int, N: Int, K: Int, level: String = "reference",
        seed: UInt64 = 1
    ) {
        (self.arena, self.M, self.N, self.K) = (arena, M, N, K)
        var random = Seeded(seed)
        let w = arena.array(random.floats(N * K))
        let x = arena.array(random.floats(M * K, -2...2))
        let data = arena.bytes(Int(ck_matrix_bytes(format, Int64(N), Int64(K))))
        let good = ck_pack(data, format, w, Int64(K), Int64(N), Int64(K), 0, ck_panel_count(Int64(N)))
        precondition(good)
        matrix = ck_matrix(data: data, N: Int64(N), K: Int64(K), format: format)
        rowBytes = Int(ck_activation_row_bytes(format, Int64(K)))
        if format == CK_F32 {
            prepared = UnsafeMutableRawPointer(x)
        } else {
            prepared = arena.bytes(M * rowBytes)
            kernels(level).prepare(prepared, format, x, Int64(K), Int64(M), Int64(K))
        }
    }

    var panels: Int64 { ck_panel_count(Int64(N)) }

    /// y [M][N] through rows of N+3 floats, whose gaps must stay as they were.
    func product(_ level: String, rows: Range<Int>? = nil, cuts: [Int64] = []) -> [Float] {
        let rows = rows ?? 0..<M
        let ldy = N + 3
        let y = arena.output(rows.count * ldy - 3)
        let edges = [0] + cuts + [panels]
        for (p0, p1) in zip(edges, edges.dropFirst()) {
            kernels(level).gemm(
                y, Int64(ldy), prepared + rows.lowerBound * rowBytes, Int64(rowBytes), Int64(rows.count),
                &matrix, p0, p1)
        }
        for m in 0..<rows.count - 1 {
            for gap in N..<ldy where !y[m * ldy + gap].isNaN {
                Issue.record("row \(m) was written past its end")
            }
        }
        return (0..<rows.count).flatMap { values(y + $0 * ldy, N) }
    }

    /// What the product stands for, in Double.
    func exact() -> [Double] {
        var weights: [[Float]] = []
        for n in 0..<N {
            let row = arena.output(K)
            ck_unpack_row(row, &matrix, Int64(n))
            weights.append(values(row, K))
        }
        return (0..<M).flatMap { m -> [Double] in
            let row = prepared + m * rowBytes
            let x: [Double]
            switch matrix.format {
            case CK_F32: x = values(row.assumingMemoryBound(to: Float.self), K).map(Double.init)
            case CK_BF16:
                x = values(row.assumingMemoryBound(to: UInt16.self), K).map { Double(ck_bf16_to_f32($0)) }
            default:
                let offsets = row + (K + 63) / 64 * 64 + 4 * (K / 32) + 4 * (K / 64)
                let scale = Double((offsets + 4 * ((K + 63) / 64)).loadUnaligned(as: Float.self))
                x = values(row.assumingMemoryBound(to: Int8.self), K).enumerated().map { k, q in
                    let shift = (offsets + 4 * (k / 64)).loadUnaligned(as: Float.self).exponent - 23
                    return Double(q) * Double(1 << shift) * scale
                }
            }
            return weights.map { zip($0, x).reduce(0) { $0 + Double($1.0) * $1.1 } }
        }
    }
}

private let formats = [0, 1, 2, 3]

private func widths(_ format: ck_format) -> [Int] {
    switch format {
    case CK_F32: [1, 7, 96]
    case CK_BF16: [2, 34, 96]
    case CK_Q8: [64, 192]
    default: [32, 96, 192]
    }
}

@Suite("Matrix products")
struct ProductTests {
    @Test("the reference is the product of what is stored", arguments: formats)
    func reference(format: Int) {
        let arena = Arena()
        defer { arena.free() }
        for K in widths(ck_format(UInt32(format))) {
            let problem = Problem(arena, ck_format(UInt32(format)), M: 3, N: 21, K: K)
            #expect(distance(problem.product("reference"), problem.exact().map(Float.init)) < 2e-6)
        }
    }

    @Test("each level agrees with the reference on odd shapes", arguments: fastLevels, formats)
    func agreement(level: String, format: Int) {
        let format = ck_format(UInt32(format))
        for edge in Arena.Edge.allCases {
            for M in [1, 2, 5, 17, 64, 100] {
                let arena = Arena(edge)
                defer { arena.free() }
                for (N, K) in zip([1, 37, 16, 100, 81], widths(format) + widths(format)) {
                    let problem = Problem(arena, format, M: M, N: N, K: K, level: level)
                    let (found, expected) = (problem.product(level), problem.product("reference"))
                    if format == CK_Q8 || format == CK_Q4 {
                        #expect(bits(found) == bits(expected), "M \(M) N \(N) K \(K)")
                    } else {
                        #expect(distance(found, expected) < 5e-6, "M \(M) N \(N) K \(K)")
                    }
                }
            }
        }
    }

    @Test(
        "a row alone has the bits of the row among others, for any cut of the panels", arguments: levels,
        formats)
    func invariance(level: String, format: Int) {
        let arena = Arena()
        defer { arena.free() }
        let problem = Problem(arena, ck_format(UInt32(format)), M: 27, N: 100, K: 192, level: level)
        let whole = problem.product(level)
        for cuts in [[1], [6], [2, 3, 5], [1, 2, 3, 4, 5, 6]] as [[Int64]] {
            #expect(bits(problem.product(level, cuts: cuts)) == bits(whole))
        }
        for rows in [0..<1, 26..<27, 3..<9, 10..<23, 5..<25] {
            #expect(
                bits(problem.product(level, rows: rows))
                    == bits(Array(whole[rows.lowerBound * 100..<rows.upperBound * 100])))
        }
        for m in 0..<27 {
            #expect(
                bits(problem.product(level, rows: m..<m + 1)) == bits(Array(whole[m * 100..<m * 100 + 100])))
        }
    }

    @Test("many rows over wide matrices, more than one pass of the row block", arguments: fastLevels, [2, 3])
    func manyRows(level: String, format: Int) {
        let arena = Arena()
        defer { arena.free() }
        let problem = Problem(arena, ck_format(UInt32(format)), M: 131, N: 17, K: 4096, level: level)
        #expect(bits(problem.product(level)) == bits(problem.product("reference")))
    }

    @Test("one and more threads of the pool give the same bits", arguments: levels, formats)
    func threads(level: String, format: Int) {
        let arena = Arena()
        defer { arena.free() }
        let problem = Problem(arena, ck_format(UInt32(format)), M: 9, N: 200, K: 192, level: level)
        let whole = problem.product(level)

        struct Work {
            var table: ck_kernels
            var y: UnsafeMutablePointer<Float>
            var x: UnsafeMutableRawPointer
            var rowBytes: Int64
            var matrix: ck_matrix
        }
        for threads in [1, 2, 3] as [Int32] {
            let pool = ct_pool_create(threads)!
            defer { ct_pool_destroy(pool) }
            for grain in [1, 3, 13] as [Int64] {
                let y = arena.output(9 * 200)
                var work = Work(
                    table: kernels(level), y: y, x: problem.prepared, rowBytes: Int64(problem.rowBytes),
                    matrix: problem.matrix)
                ct_pool_run(
                    pool,
                    { context, begin, end, _ in
                        let work = context!.assumingMemoryBound(to: Work.self)
                        work.pointee.table.gemm(
                            work.pointee.y, 200, work.pointee.x, work.pointee.rowBytes, 9,
                            &work.pointee.matrix,
                            begin, end)
                    }, &work, problem.panels, grain)
                #expect(bits(values(y, 9 * 200)) == bits(whole))
            }
        }
    }

    @Test("a row with NaN gives NaN and leaves its neighbours alone", arguments: levels, [2, 3])
    func poison(level: String, format: Int) {
        let arena = Arena()
        defer { arena.free() }
        let format = ck_format(UInt32(format))
        let problem = Problem(arena, format, M: 3, N: 20, K: 64, level: level)
        let clean = problem.product(level)
        var random = Seeded(1)
        _ = random.floats(20 * 64)
        var x = random.floats(3 * 64, -2...2)
        x[64 + 5] = .nan
        kernels(level).prepare(problem.prepared, format, arena.array(x), 64, 3, 64)
        let found = problem.product(level)
        #expect(found[20..<40].allSatisfy { $0.isNaN })
        #expect(bits(Array(found[..<20])) == bits(Array(clean[..<20])))
        #expect(bits(Array(found[40...])) == bits(Array(clean[40...])))
    }
}

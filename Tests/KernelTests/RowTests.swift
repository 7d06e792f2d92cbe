// Norms, gates, activations and conversions, row by row.

// The letters are those of the kernels and of the paper.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CKernels
import Foundation
import Testing

private let counts = [0, 1, 2, 15, 16, 17, 31, 33, 64, 100]

/// Runs an element-wise kernel on `x` placed at a guard page.
private func mapped(
    _ edge: Arena.Edge, _ x: [Float], _ body: (UnsafeMutablePointer<Float>, UnsafePointer<Float>) -> Void
)
    -> [Float]
{
    let arena = Arena(edge)
    defer { arena.free() }
    let input = arena.array(x)
    let out = arena.output(x.count)
    body(out, input)
    return values(out, x.count)
}

@Suite("Rows")
struct RowTests {
    @Test("exp is within 2 units in the last place of the true value", arguments: levels)
    func exponential(level: String) {
        let table = kernels(level)
        let x = (0..<40_000).map { Float($0) / 40_000 * 175.4 - 86.8 } + [0, -0.0, 1e-30, -1e-8]
        let found = mapped(.high, x) { table.exp($0, $1, Int64(x.count)) }
        var worst = 0.0
        for (a, b) in zip(x, found) {
            let exact = Foundation.exp(Double(a))
            worst = max(worst, abs(Double(b) - exact) / Double(Float(exact).ulp))
        }
        #expect(worst <= 2)
        let ends = mapped(.high, [-88.8, -104, -1000, -.infinity, .nan]) { table.exp($0, $1, 5) }
        #expect(ends[0] >= 0 && ends[0] < 1.2e-38)
        #expect(ends[1] >= 0 && ends[1] < 1.2e-38)
        #expect(ends[2] == 0)
        #expect(ends[3] == 0)
        #expect(ends[4].isNaN)
    }

    @Test("an element's bits do not depend on its place in the vector", arguments: levels)
    func places(level: String) {
        let table = kernels(level)
        var random = Seeded(2)
        let x = random.floats(80, -20...20)
        let operations: [(UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int64) -> Void] = [
            { table.exp($0, $1, $2) },
            { table.sigmoid($0, $2, $1, $2, 1, $2) },
            { table.silu_multiply($0, $2, $1, $2, $1, $2, 1, $2) },
            { table.kda_gate($0, 1, $1, 1, [0.3], [0.1], $2, 1, 1) },
        ]
        for operation in operations {
            let whole = mapped(.high, x) { operation($0, $1, 80) }
            for start in 0..<20 {
                for count in [1, 3, 16, 40] {
                    let part = Array(x[start..<start + count])
                    let found = mapped(.low, part) { operation($0, $1, Int64(count)) }
                    #expect(bits(found) == bits(Array(whole[start..<start + count])))
                }
            }
        }
    }

    @Test(
        "element-wise kernels agree with the reference at every width", arguments: fastLevels,
        Arena.Edge.allCases)
    func elements(level: String, edge: Arena.Edge) {
        let (fast, plain) = (kernels(level), kernels("reference"))
        for n in counts {
            var random = Seeded(UInt64(n))
            let M = 3
            let (ld, n64) = (n + 2, Int64(n))
            let arena = Arena(edge)
            defer { arena.free() }
            let a = arena.array(random.floats(M * ld, -9...9))
            let b = arena.array(random.floats(M * ld, -9...9))
            func both(_ body: (ck_kernels, UnsafeMutablePointer<Float>) -> Void, _ tolerance: Float = 1e-6) {
                let outputs = [fast, plain].map { table -> [Float] in
                    let out = arena.output(M * ld)
                    body(table, out)
                    for m in 0..<M {
                        for i in n..<ld where !out[m * ld + i].isNaN { Issue.record("written past the row") }
                    }
                    return (0..<M).flatMap { values(out + $0 * ld, n) }
                }
                #expect(distance(outputs[0], outputs[1]) <= tolerance, "width \(n)")
            }
            let l = Int64(ld)
            both({ $0.sigmoid($1, l, a, l, 3, n64) })
            both({ $0.silu_multiply($1, l, a, l, b, l, 3, n64) })
            if n > 0 { both({ $0.rms_norm($1, l, a, l, b, 3, n64, 1e-5) }) }
            both(
                { table, out in
                    for m in 0..<M {
                        out.advanced(by: m * ld).update(from: a + m * ld, count: n)
                        table.add(out + m * ld, b + m * ld, n64)
                    }
                }, 0)
            if n > 0 {
                both({ table, out in for m in 0..<M { table.log_softmax(out + m * ld, a + m * ld, n64) } })
            }
            let rounded = [fast, plain].map { table -> [UInt16] in
                let out = arena.array([UInt16](repeating: 0xFFFF, count: n))
                table.to_bf16(out, n64, a, l, 1, n64)
                let back = arena.output(n)
                table.from_bf16(back, n64, out, n64, 1, n64)
                #expect(values(back, n) == values(out, n).map(ck_bf16_to_f32))
                return values(out, n)
            }
            #expect(rounded[0] == rounded[1])
        }
    }

    @Test("bf16 rounding equals the scalar one, subnormals, infinities and NaN included", arguments: levels)
    func bf16(level: String) {
        var random = Seeded(4)
        let x =
            (0..<5000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
            + [.nan, .infinity, -.infinity, 1e-40, -1e-45, .greatestFiniteMagnitude]
        let arena = Arena()
        defer { arena.free() }
        let out = arena.array([UInt16](repeating: 0, count: x.count))
        kernels(level).to_bf16(out, 0, arena.array(x), 0, 1, Int64(x.count))
        #expect(values(out, x.count) == x.map(ck_f32_to_bf16))
    }

    @Test("in place is allowed where the header says so", arguments: levels)
    func inPlace(level: String) {
        let table = kernels(level)
        var random = Seeded(3)
        let (x, y, w) = (random.floats(66), random.floats(66), random.floats(33))
        func check(
            _ body: (
                UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
            ) -> Void
        ) {
            let arena = Arena()
            defer { arena.free() }
            let (other, weight) = (arena.array(y), arena.array(w))
            let fresh = arena.output(66)
            body(fresh, arena.array(x), other, weight)
            let same = arena.array(x)
            body(same, same, other, weight)
            #expect(bits(values(fresh, 66)) == bits(values(same, 66)))
        }
        check { out, x, _, w in table.rms_norm(out, 33, x, 33, w, 2, 33, 1e-5) }
        check { out, x, _, _ in table.sigmoid(out, 33, x, 33, 2, 33) }
        check { out, x, y, _ in table.silu_multiply(out, 33, x, 33, y, 33, 2, 33) }
        check { out, x, y, _ in table.silu_multiply(out, 33, y, 33, x, 33, 2, 33) }
        check { out, x, _, _ in table.exp(out, x, 66) }
        check { out, x, _, _ in table.log_softmax(out, x, 66) }
        check { out, x, _, w in table.kda_gate(out, 33, x, 33, w, w, 2, 3, 11) }
        check { out, x, y, w in table.gated_rms_norm(out, 33, x, 33, y, 33, w, 2, 3, 11, 1e-5) }
    }

    @Test(
        "norms and gates of the heads agree with the reference", arguments: fastLevels, [1, 11, 16, 40, 64])
    func heads(level: String, width: Int) {
        var random = Seeded(UInt64(width))
        let (T, H) = (5, 3)
        let ld = H * width + 1
        let arena = Arena()
        defer { arena.free() }
        let x = random.floats(T * ld, -4...4)
        let gate = arena.array(random.floats(T * ld, -30...30))
        let weight = arena.array(random.floats(H * width))
        let A_log = arena.array(random.floats(H, 0...2.7))
        func results(_ table: ck_kernels) -> [[Float]] {
            let (l, t, h, k) = (Int64(ld), Int64(T), Int64(H), Int64(width))
            let normed = arena.array(x)
            table.l2_norm(normed, l, t, h, k, 1e-6, 0.125)
            let g = arena.array(x)
            table.kda_gate(g, l, gate, l, A_log, weight, t, h, k)
            let gated = arena.array(x)
            table.gated_rms_norm(gated, l, arena.array(x), l, gate, l, weight, t, h, k, 1e-5)
            return [values(normed, T * ld), values(g, T * ld), values(gated, T * ld)]
        }
        for (found, expected) in zip(results(kernels(level)), results(kernels("reference"))) {
            #expect(distance(found, expected) < 2e-6)
        }
    }

    @Test("the decay gate is -exp(A) softplus(z + bias), small and large", arguments: levels)
    func gate(level: String) {
        let z: [Float] = [-80, -30, -20, -5, -1, -1e-3, 0, 1e-3, 1, 5, 19.9, 20.1, 30, 80]
        let out = mapped(.high, z) {
            kernels(level).kda_gate($0, 14, $1, 14, [0.5], [Float](repeating: 0, count: 14), 1, 1, 14)
        }
        for (a, b) in zip(z, out) {
            let exact = -exp(0.5) * log1p(exp(Double(a)))
            #expect(abs(Double(b) - exact) <= 4e-7 * abs(exact) + 1e-37, "z \(a)")
        }
    }

    @Test("argmax takes the first of equals and refuses NaN", arguments: levels)
    func argmax(level: String) {
        #expect(kernels(level).argmax([1, 3, 3, 2], 4) == 1)
        #expect(kernels(level).argmax([-.infinity, -.infinity], 2) == 0)
        #expect(kernels(level).argmax([1, .nan, 3], 3) == -1)
    }

    @Test(
        "the router takes the largest biased scores, lower index on ties, and weights without bias",
        arguments: levels)
    func router(level: String) {
        var index = [Int32](repeating: -1, count: 3)
        var weight = [Float](repeating: .nan, count: 3)
        let logits: [Float] = [0, 2, -1, 2, 0, 5]
        kernels(level).moe_route(&index, &weight, logits, 6, nil, 1, 6, 3, 1, 1, true, 2)
        #expect(index == [5, 1, 3])
        let s = logits.map { 1 / (1 + exp(-$0)) }
        let sum = s[5] + s[1] + s[3]
        #expect(distance(weight, [s[5], s[1], s[3]].map { 2 * $0 / sum }) < 1e-6)

        kernels(level).moe_route(&index, &weight, logits, 6, [1, 0, 0, 0, 1, 0], 1, 6, 3, 1, 1, false, 1)
        #expect(index == [0, 4, 5])
        #expect(distance(weight, [s[0], s[4], s[5]]) < 1e-6)

        // Three groups of two: scores 1.38, 1.15, 1.49; the middle group is out.
        kernels(level).moe_route(&index, &weight, logits, 6, nil, 1, 6, 3, 3, 2, false, 1)
        #expect(index == [5, 1, 0])
    }
}

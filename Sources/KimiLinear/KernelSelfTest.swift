import CKernels

/// A fast kernel level against the plain reference, on odd sizes and fixed random numbers.
public enum KernelSelfTest {
    /// One kernel's check.
    public struct Result: Sendable {
        public let kernel: String
        /// Largest difference relative to the largest value of the reference.
        public let difference: Double
        public let limit: Double
        public var passed: Bool { difference <= limit }
    }

    /// Runs all checks of a level; some milliseconds.
    public static func run(_ level: KernelLevel) -> [Result] {
        guard let plain = ck_kernels_get("reference") else { return [] }
        var checks = Checks(fast: level.table.pointee, plain: plain.pointee)
        return checks.all()
    }
}

private struct Checks {
    let fast, plain: ck_kernels
    var state: UInt64 = 0x1EC7_0E12

    init(fast: ck_kernels, plain: ck_kernels) {
        self.fast = fast
        self.plain = plain
    }

    /// Numbers in -1 ..< 1.
    private mutating func random(_ count: Int) -> [Float] {
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        }
    }

    private func compare(_ kernel: String, limit: Double, _ found: [Float], _ expected: [Float])
        -> KernelSelfTest.Result
    {
        var largest = 1e-30
        var difference = 0.0
        for (a, b) in zip(found, expected) {
            largest = max(largest, Double(abs(b)))
            difference = max(difference, a.isFinite && b.isFinite ? Double(abs(a - b)) : .infinity)
        }
        return .init(kernel: kernel, difference: difference / largest, limit: limit)
    }

    mutating func all() -> [KernelSelfTest.Result] {
        var results: [KernelSelfTest.Result] = []
        let formats: [(String, ck_format, Double)] = [
            ("gemm f32", CK_F32, 1e-5), ("gemm bf16", CK_BF16, 1e-5), ("gemm q8", CK_Q8, 0),
            ("gemm q4", CK_Q4, 0),
        ]
        for (name, format, limit) in formats { results.append(gemm(name, format, limit)) }
        results += rows()
        results.append(convolution())
        results.append(recurrence())
        results.append(attention())
        return results
    }

    private mutating func gemm(_ name: String, _ format: ck_format, _ limit: Double) -> KernelSelfTest.Result
    {
        let (m, n, k) = (19, 37, 192)
        let x = random(m * k)
        let values = random(n * k)
        let packed = AlignedBytes(Int(ck_matrix_bytes(format, Int64(n), Int64(k))))
        _ = ck_pack(packed.pointer, format, values, Int64(k), Int64(n), Int64(k), 0, ck_panel_count(Int64(n)))
        var matrix = ck_matrix(data: packed.pointer, N: Int64(n), K: Int64(k), format: format)
        func product(_ kernels: ck_kernels) -> [Float] {
            var y = [Float](repeating: .nan, count: m * n)
            let panels = ck_panel_count(Int64(n))
            if format == CK_F32 {
                kernels.gemm(&y, Int64(n), x, Int64(4 * k), Int64(m), &matrix, 0, panels)
            } else {
                let rowBytes = ck_activation_row_bytes(format, Int64(k))
                let prepared = AlignedBytes(m * Int(rowBytes))
                kernels.prepare(prepared.pointer, format, x, Int64(k), Int64(m), Int64(k))
                kernels.gemm(&y, Int64(n), prepared.pointer, rowBytes, Int64(m), &matrix, 0, panels)
            }
            return y
        }
        return compare(name, limit: limit, product(fast), product(plain))
    }

    private mutating func rows() -> [KernelSelfTest.Result] {
        let (m, n) = (3, 77)
        let x = random(m * n).map { $0 * 4 }
        let y = random(m * n)
        let weight = random(n)
        func both(_ name: String, _ body: (ck_kernels, UnsafeMutablePointer<Float>) -> Void)
            -> KernelSelfTest.Result
        {
            func run(_ kernels: ck_kernels) -> [Float] {
                var out = [Float](repeating: .nan, count: m * n)
                out.withUnsafeMutableBufferPointer { body(kernels, $0.baseAddress!) }
                return out
            }
            return compare(name, limit: 1e-5, run(fast), run(plain))
        }
        let width = Int64(n)
        return [
            both("rms_norm") { $0.rms_norm($1, width, x, width, weight, Int64(m), width, 1e-5) },
            both("silu_multiply") { $0.silu_multiply($1, width, x, width, y, width, Int64(m), width) },
            both("kda_gate") { $0.kda_gate($1, width, x, width, weight, weight, Int64(m), 7, 11) },
            both("gated_rms_norm") {
                $0.gated_rms_norm($1, width, x, width, y, width, weight, Int64(m), 7, 11, 1e-5)
            },
        ]
    }

    private mutating func convolution() -> KernelSelfTest.Result {
        let (t, c, taps) = (5, 35, 4)
        let x = random(t * c)
        let weight = random(taps * c)
        let start = random((taps - 1) * c)
        func run(_ kernels: ck_kernels) -> [Float] {
            var out = [Float](repeating: .nan, count: t * c)
            var tail = start
            let width = Int64(c)
            kernels.short_conv(
                &out, width, &tail, width, x, width, weight, width, Int64(t), Int64(taps), 0, width)
            return out + tail
        }
        return compare("short_conv", limit: 1e-5, run(fast), run(plain))
    }

    private mutating func recurrence() -> KernelSelfTest.Result {
        let (t, h, k) = (9, 3, 64)
        let width = Int64(h * k)
        let q = random(t * h * k).map { $0 * 0.1 }
        let key = random(t * h * k).map { $0 * 0.2 }
        let v = random(t * h * k)
        let g = random(t * h * k).map { -abs($0) }
        let beta = random(t * h).map { abs($0) }
        let start = random(h * k * k)
        func run(_ kernels: ck_kernels) -> [Float] {
            var out = [Float](repeating: .nan, count: t * h * k)
            var state = start
            kernels.kda_recurrence(
                &out, width, &state, q, width, key, width, v, width, g, width, beta, Int64(h), Int64(t),
                Int64(k),
                Int64(k), 0, Int64(h))
            return out + state
        }
        return compare("kda_recurrence", limit: 1e-5, run(fast), run(plain))
    }

    private mutating func attention() -> KernelSelfTest.Result {
        let (t, s, h, dn, dr, dv) = (7, 133, 2, 24, 8, 20)
        let q = random(t * h * (dn + dr))
        let kv = random(s * h * (dn + dv))
        let kr = random(s * dr).map { ck_f32_to_bf16($0) }
        let scratch = AlignedBytes(Int(ck_mla_scratch_bytes(Int64(dn + dr), Int64(dv))))
        func run(_ kernels: ck_kernels) -> [Float] {
            var out = [Float](repeating: .nan, count: t * h * dv)
            var rowMax = [Float](repeating: .nan, count: t * h)
            var rowSum = rowMax
            out.withUnsafeMutableBufferPointer { out in
                rowMax.withUnsafeMutableBufferPointer { rowMax in
                    rowSum.withUnsafeMutableBufferPointer { rowSum in
                        q.withUnsafeBufferPointer { q in
                            kv.withUnsafeBufferPointer { kv in
                                kr.withUnsafeBufferPointer { kr in
                                    var arguments = ck_mla_expanded(
                                        out: out.baseAddress!, ld_out: Int64(h * dv),
                                        row_max: rowMax.baseAddress!,
                                        row_sum: rowSum.baseAddress!, q: q.baseAddress!,
                                        ld_q: Int64(h * (dn + dr)), kv: kv.baseAddress!,
                                        ld_kv: Int64(h * (dn + dv)), k_r: kr.baseAddress!, ld_kr: Int64(dr),
                                        T: Int64(t), H: Int64(h), dn: Int64(dn), dr: Int64(dr), dv: Int64(dv),
                                        query0: Int64(s - t), key0: 0, S: Int64(s), window: 70, scale: 0.3,
                                        first: true, last: true)
                                    kernels.mla_expanded(&arguments, 0, Int64(h), scratch.pointer)
                                }
                            }
                        }
                    }
                }
            }
            return out
        }
        return compare("mla_expanded", limit: 1e-5, run(fast), run(plain))
    }
}

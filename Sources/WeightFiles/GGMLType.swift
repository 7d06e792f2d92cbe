/// How a tensor of a GGUF file is stored.
///
/// Source: ggml's block layouts; checked against the `gguf` package's dequantizers
/// (Tests/WeightFilesTests/Fixtures/make_gguf_blocks.py). Types that are only named here are
/// refused by name when a tensor that the model needs has one.
// The cases are named as ggml names them.
// swift-format-ignore: AlwaysUseLowerCamelCase
public enum GGMLType: UInt32, Sendable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q8_1 = 9
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case q8_K = 15
    case iq2_xxs = 16
    case iq2_xs = 17
    case iq3_xxs = 18
    case iq1_s = 19
    case iq4_nl = 20
    case iq3_s = 21
    case iq2_s = 22
    case iq4_xs = 23
    case i8 = 24
    case i16 = 25
    case i32 = 26
    case i64 = 27
    case f64 = 28
    case iq1_m = 29
    case bf16 = 30
    case tq1_0 = 34
    case tq2_0 = 35
    case mxfp4 = 39
    case nvfp4 = 40
    case q1_0 = 41

    /// As ggml writes it: `Q4_K`, `IQ4_XS`.
    public var name: String {
        let name = "\(self)"
        return name.hasSuffix("_K") ? name.prefix(1).uppercased() + name.dropFirst() : name.uppercased()
    }

    /// Elements of a block, and the bytes that hold them.
    public var block: (elements: Int, bytes: Int) {
        switch self {
        case .f32, .i32: (1, 4)
        case .f16, .bf16, .i16: (1, 2)
        case .i8: (1, 1)
        case .i64, .f64: (1, 8)
        case .q4_0, .iq4_nl: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .q8_1: (32, 40)
        case .q2_K: (256, 84)
        case .q3_K, .iq3_s: (256, 110)
        case .q4_K: (256, 144)
        case .q5_K: (256, 176)
        case .q6_K: (256, 210)
        case .q8_K: (256, 292)
        case .iq2_xxs, .tq2_0: (256, 66)
        case .iq2_xs: (256, 74)
        case .iq3_xxs: (256, 98)
        case .iq1_s: (256, 50)
        case .iq2_s: (256, 82)
        case .iq4_xs: (256, 136)
        case .iq1_m: (256, 56)
        case .tq1_0: (256, 54)
        case .mxfp4: (32, 17)
        case .nvfp4: (64, 36)
        case .q1_0: (128, 18)
        }
    }

    /// The types that ``dequantize(_:count:into:)`` knows.
    public static let readable: [GGMLType] = [.f32, .f16, .bf16, .q8_0, .q4_0, .q5_0, .q4_K, .q5_K, .q6_K]

    /// Converts `count` elements, whole blocks that lie dense at `source`, to Float32.
    ///
    /// - Returns: False, with nothing written, for a type that is not ``readable``.
    public func dequantize(
        _ source: UnsafeRawPointer, count: Int, into out: UnsafeMutablePointer<Float>
    ) -> Bool {
        let (elements, bytes) = block
        precondition(count % elements == 0)
        let convert: (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
        switch self {
        case .f32:
            UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: count * 4)
            return true
        case .f16:
            for i in 0..<count { out[i] = float(f16: source.half(i * 2)) }
            return true
        case .bf16:
            for i in 0..<count { out[i] = float(bf16: source.half(i * 2)) }
            return true
        case .q8_0: convert = Self.blockQ8_0
        case .q4_0: convert = Self.blockQ4_0
        case .q5_0: convert = Self.blockQ5_0
        case .q4_K: convert = Self.blockQ4_K
        case .q5_K: convert = Self.blockQ5_K
        case .q6_K: convert = Self.blockQ6_K
        default: return false
        }
        for index in 0..<count / elements { convert(source + index * bytes, out + index * elements) }
        return true
    }

    /// fp16 d; 32 int8.
    private static func blockQ8_0(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let d = float(f16: block.half(0))
        for i in 0..<32 { out[i] = d * Float(block.load(fromByteOffset: 2 + i, as: Int8.self)) }
    }

    /// fp16 d; 16 bytes: element i in the low nibble of byte i, i + 16 in the high one, each plus 8.
    private static func blockQ4_0(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let d = float(f16: block.half(0))
        for i in 0..<16 {
            let byte = Int(block.byte(2 + i))
            out[i] = d * Float(byte & 15 - 8)
            out[i + 16] = d * Float(byte >> 4 - 8)
        }
    }

    /// fp16 d; 32 fifth bits; 16 bytes as in Q4_0, each value plus 16.
    private static func blockQ5_0(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let d = float(f16: block.half(0))
        let high = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        for i in 0..<16 {
            let byte = Int(block.byte(6 + i))
            out[i] = d * Float((byte & 15 | Int(high >> UInt32(i) & 1) << 4) - 16)
            out[i + 16] = d * Float((byte >> 4 | Int(high >> UInt32(i + 16) & 1) << 4) - 16)
        }
    }

    /// Scale and minimum of sub-block `j` of eight: 6 bits each in 12 bytes.
    @inline(__always)
    private static func scaleAndMinimum(_ scales: UnsafeRawPointer, _ j: Int) -> (Float, Float) {
        if j < 4 { return (Float(scales.byte(j) & 63), Float(scales.byte(j + 4) & 63)) }
        let scale = scales.byte(j + 4) & 15 | (scales.byte(j - 4) >> 6) << 4
        let minimum = scales.byte(j + 4) >> 4 | (scales.byte(j) >> 6) << 4
        return (Float(scale), Float(minimum))
    }

    /// fp16 d, dmin; 12 bytes of scales; 128 bytes of nibbles. x = d * scale * q - dmin * minimum.
    private static func blockQ4_K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let d = float(f16: block.half(0))
        let dmin = float(f16: block.half(2))
        for j in 0..<8 {
            let (scale, minimum) = scaleAndMinimum(block + 4, j)
            let (step, base) = (d * scale, dmin * minimum)
            let quants = block + 16 + j / 2 * 32
            let shift = UInt8(j % 2 * 4)
            for i in 0..<32 { out[j * 32 + i] = step * Float(quants.byte(i) >> shift & 15) - base }
        }
    }

    /// Q4_K with a fifth bit: 32 bytes of them stand before the nibbles, bit j for sub-block j.
    private static func blockQ5_K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let d = float(f16: block.half(0))
        let dmin = float(f16: block.half(2))
        for j in 0..<8 {
            let (scale, minimum) = scaleAndMinimum(block + 4, j)
            let (step, base) = (d * scale, dmin * minimum)
            let quants = block + 48 + j / 2 * 32
            let shift = UInt8(j % 2 * 4)
            for i in 0..<32 {
                let high = block.byte(16 + i) >> UInt8(j) & 1
                out[j * 32 + i] = step * Float(quants.byte(i) >> shift & 15 | high << 4) - base
            }
        }
    }

    /// 128 bytes of nibbles, 64 of upper pairs, 16 int8 scales, fp16 d. x = d * scale * (q - 32).
    private static func blockQ6_K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let d = float(f16: block.half(208))
        for group in 0..<8 {  // 32 elements each, four to a half
            let half = group / 4
            let quarter = group % 4
            let low = block + half * 64 + quarter % 2 * 32
            let high = block + 128 + half * 32
            let lowShift = UInt8(quarter / 2 * 4)
            let highShift = UInt8(quarter * 2)
            for i in 0..<32 {
                let scale = block.load(fromByteOffset: 192 + group * 2 + i / 16, as: Int8.self)
                let q = low.byte(i) >> lowShift & 15 | (high.byte(i) >> highShift & 3) << 4
                out[group * 32 + i] = d * Float(scale) * Float(Int(q) - 32)
            }
        }
    }
}

extension UnsafeRawPointer {
    @inline(__always)
    fileprivate func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }

    @inline(__always)
    fileprivate func half(_ offset: Int) -> UInt16 {
        UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
}

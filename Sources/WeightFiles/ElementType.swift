/// An element type of safetensors that Lector converts to Float32.
public enum ElementType: String, Sendable {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"

    /// Bytes of one element.
    public var byteCount: Int { self == .f32 ? 4 : 2 }
}

/// The Float32 of a bfloat16's bits; exact.
@inline(__always)
public func float(bf16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

/// `value` rounded to bfloat16, to nearest, ties to even; NaN stays NaN.
@inline(__always)
public func bf16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    let odd = bits >> 16 & 1
    return UInt16((bits &+ 0x7fff &+ odd) >> 16)
}

/// The Float32 of an IEEE half's bits; exact.
@inline(__always)
public func float(f16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 31
    let fraction = UInt32(bits) & 0x3ff
    switch exponent {
    case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    case 0:
        let magnitude = Float(fraction) * 0x1p-24
        return sign == 0 ? magnitude : -magnitude
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}

/// `value` rounded to an IEEE half, to nearest, ties to even; beyond the range, infinity.
@inline(__always)
public func f16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 }
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }  // 65520 and more
    if magnitude < 0x3880_0000 {  // below the smallest normal half: multiples of 2^-24
        let units = (Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven)
        return sign | UInt16(units)
    }
    let rounded = magnitude &+ 0xfff &+ (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- (112 << 23)) >> 13)
}

import Checkpoints

/// In which numbers a checkpoint keeps the recurrent matrices; see docs/decisions/0029-states-measured.md.
public enum StatePrecision: String, Sendable, CaseIterable {
    /// As they are: what is restored goes on bit for bit.
    case f32
    /// Rounded, in half the bytes: what is restored is near. Such states have keys of their own, so that
    /// neither kind is ever taken for the other.
    case bf16

    /// The section in this precision. Only recurrent matrices change; latents are bf16 already, and the rest is small.
    func packed(_ section: Checkpoint.Section) -> Checkpoint.Section {
        guard self == .bf16, section.name.hasPrefix("kda."), section.type.hasPrefix("f32 ") else {
            return section
        }
        var out = section
        out.type = "bf16 " + section.type.dropFirst(4)
        out.bytes = []
        out.bytes.reserveCapacity(section.bytes.count / 2)
        section.bytes.withUnsafeBytes { bytes in
            for at in stride(from: 0, to: bytes.count, by: 4) {
                let value = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                withUnsafeBytes(of: Self.rounded(value).littleEndian) { out.bytes += $0 }
            }
        }
        return out
    }

    /// The bytes of a section as a session has them.
    static func unpacked(_ section: Checkpoint.Section) -> [UInt8] {
        guard section.name.hasPrefix("kda."), section.type.hasPrefix("bf16 ") else { return section.bytes }
        var out: [UInt8] = []
        out.reserveCapacity(section.bytes.count * 2)
        for at in stride(from: 0, to: section.bytes.count / 2 * 2, by: 2) {
            out += [0, 0, section.bytes[at], section.bytes[at + 1]]
        }
        return out
    }

    /// The upper half of a Float32's bits, to the nearest, ties to even. No number becomes infinite that was not, for
    /// states are far from the largest; a NaN stays one.
    private static func rounded(_ bits: UInt32) -> UInt16 {
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(bits >> 16) | 0x40 }
        return UInt16((UInt64(bits) + 0x7FFF + UInt64(bits >> 16 & 1)) >> 16 & 0xFFFF)
    }
}

// Digests: SHA-256 for identity, CRC-32C for damage.
//
// Owns nothing but the two functions. SHA-256 is Nettle's, which libarchive brings along
// anyway; see docs/decisions/0018-speed-of-ingestion.md for the measurement.

import CNettle

/// An incremental SHA-256 (FIPS 180-4), by Nettle.
public struct SHA256: ~Copyable {
    private var state = sha256_ctx()

    public init() {
        nettle_sha256_init(&state)
    }

    /// Adds bytes; where a text is cut into calls does not change the digest.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        nettle_sha256_update(&state, bytes.count, base.assumingMemoryBound(to: UInt8.self))
    }

    public mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The digest's 32 bytes; the value is used up.
    public consuming func finalize() -> [UInt8] {
        var last = state
        return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            nettle_sha256_digest(&last, 32, buffer.baseAddress!)
            count = 32
        }
    }

    /// The digest of one run of bytes.
    public static func digest(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }

    public static func digest(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal, two digits a byte.
    public var hex: String {
        let bytes = Array(self)
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
        return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            for (index, byte) in bytes.enumerated() {
                text[index * 2] = digit(byte >> 4)
                text[index * 2 + 1] = digit(byte & 15)
            }
            return bytes.count * 2
        }
    }
}

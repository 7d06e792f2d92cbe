// Digests: SHA-256 for identity, CRC-32C for damage.
//
// Owns nothing but the two functions. SHA-256 is GLib's GChecksum, which GMime
// brings along anyway; see docs/decisions/0002-digests.md for the measurement.

import CGLib

/// An incremental SHA-256 (FIPS 180-4), by GLib's `GChecksum`.
public struct SHA256: ~Copyable {
    private let checksum: OpaquePointer

    public init() {
        checksum = g_checksum_new(G_CHECKSUM_SHA256)
    }

    deinit { g_checksum_free(checksum) }

    /// Adds bytes; where a text is cut into calls does not change the digest.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {  // gssize lengths are signed; a gigabyte a call is far below the limit
            let piece = rest.prefix(1 << 30)
            let base = UnsafeRawBufferPointer(rebasing: piece).baseAddress!
            g_checksum_update(checksum, base.assumingMemoryBound(to: UInt8.self), piece.count)
            rest = rest.dropFirst(piece.count)
        }
    }

    public mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The digest's 32 bytes; the value is used up.
    public consuming func finalize() -> [UInt8] {
        var length: gsize = 32
        return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            g_checksum_get_digest(checksum, buffer.baseAddress!, &length)
            count = Int(length)
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
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

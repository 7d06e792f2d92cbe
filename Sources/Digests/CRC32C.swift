import CCRC32C

/// CRC-32C of `bytes`, continuing from `seed` (0 at the start). Source: RFC 3720, B.4.
public func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    lector_crc32c(seed, bytes.baseAddress, bytes.count)
}

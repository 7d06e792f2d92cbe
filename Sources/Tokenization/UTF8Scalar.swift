/// The scalar at `at` of well-formed UTF-8, and the offset behind it.
@inline(__always)
func scalar(_ base: UnsafePointer<UInt8>, _ at: Int) -> (scalar: UInt32, end: Int) {
    let first = UInt32(base[at])
    if first < 0x80 { return (first, at + 1) }
    let second = UInt32(base[at + 1] & 0x3F)
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, at + 2) }
    let third = UInt32(base[at + 2] & 0x3F)
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, at + 3) }
    let fourth = UInt32(base[at + 3] & 0x3F)
    return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, at + 4)
}

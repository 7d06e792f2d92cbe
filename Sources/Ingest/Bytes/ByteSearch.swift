import Glibc

extension UnsafeRawBufferPointer {
    /// Offset of the first `byte` at or after `from`.
    func firstOffset(of byte: UInt8, from: Int = 0) -> Int? {
        guard from < count, let base = baseAddress,
            let found = memchr(base + from, Int32(byte), count - from)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Offset of the first occurrence of `needle`, short and not empty, at or after `from`.
    func firstOffset(of needle: StaticString, from: Int = 0) -> Int? {
        let length = needle.utf8CodeUnitCount
        guard let base = baseAddress, from + length <= count else { return nil }
        // The rarest byte of the needle leads: a capital, or what is neither white space nor a
        // lower-case letter.
        var anchor = 0
        var rarity = 0
        for index in 0..<length {
            let byte = needle.utf8Start[index]
            let rank = byte >= 0x41 && byte <= 0x5A ? 2 : byte > 0x20 && byte < 0x61 ? 1 : 0
            if rank > rarity { (anchor, rarity) = (index, rank) }
        }
        var position = from + anchor
        let end = count - length + anchor
        while position <= end,
            let found = memchr(base + position, Int32(needle.utf8Start[anchor]), end - position + 1)
        {
            let start = UnsafeRawPointer(found) - base - anchor
            if memcmp(base + start, needle.utf8Start, length) == 0 { return start }
            position = start + anchor + 1
        }
        return nil
    }

    func begins(with prefix: StaticString, at offset: Int = 0) -> Bool {
        count - offset >= prefix.utf8CodeUnitCount
            && memcmp(baseAddress! + offset, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
    }

    func begins(with prefix: [UInt8], at offset: Int = 0) -> Bool {
        count - offset >= prefix.count
            && prefix.withUnsafeBytes { memcmp(baseAddress! + offset, $0.baseAddress!, prefix.count) == 0 }
    }

    func begins(with prefix: UnsafeRawBufferPointer) -> Bool {
        guard let base = baseAddress, let other = prefix.baseAddress else { return prefix.isEmpty }
        return count >= prefix.count && memcmp(base, other, prefix.count) == 0
    }

    /// As `begins(with:at:)` for a lower-case ASCII prefix, ignoring the case of these bytes.
    func beginsIgnoringCase(_ prefix: StaticString, at offset: Int = 0) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard count - offset >= length else { return false }
        for index in 0..<length where lowercaseASCII(self[offset + index]) != prefix.utf8Start[index] {
            return false
        }
        return true
    }

    var lineFeeds: Int {
        var total = 0
        var index = 0
        while index < count {
            // As many as a byte can count: this becomes vectors.
            let end = Swift.min(count, index + 255)
            var found: UInt8 = 0
            while index < end {
                found &+= self[index] == 0x0A ? 1 : 0
                index &+= 1
            }
            total += Int(found)
        }
        return total
    }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }
}

/// ASCII letters in lower case, everything else as it is.
func lowercaseASCII(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
}

/// Space, tab, LF, VT, FF, CR.
func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (byte >= 0x09 && byte <= 0x0D)
}

extension StringProtocol {
    /// ASCII letters in lower case; other scripts keep their case.
    var asciiLowercased: String {
        if !utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) { return String(self) }
        return String(decoding: utf8.map(lowercaseASCII), as: UTF8.self)
    }
}

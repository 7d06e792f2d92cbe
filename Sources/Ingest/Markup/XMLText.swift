/// Text between two tags of an XML document, as far as no parser is needed for it.
enum XMLText {
    /// Gives on the characters that a text begins with, where they lie if each stands for itself.
    ///
    /// - Parameters:
    ///   - text: Valid UTF-8 without `<`.
    ///   - scratch: For characters that do not lie side by side.
    /// - Returns: Bytes of the text that were read: all of them, or as many as stand before something that an XML parser
    ///   has to look at.
    static func withCharacters(
        _ text: UnsafeRawBufferPointer, _ scratch: inout [UInt8], _ body: (UnsafeRawBufferPointer) -> Void
    ) -> Int {
        var end = plainEnd(text, from: 0)
        guard end < text.count, replacement(text, at: end) != nil else {
            if end > 0 { body(text.slice(0..<end)) }
            return end
        }
        scratch.removeAll(keepingCapacity: true)
        var start = 0
        while true {
            scratch.append(contentsOf: text.slice(start..<end))
            guard end < text.count, let (length, character) = replacement(text, at: end) else { break }
            scratch.append(character)
            start = end + length
            end = plainEnd(text, from: start)
        }
        scratch.withUnsafeBytes(body)
        return end
    }

    /// Where the first byte stands, at or after `start`, that does not stand for itself or has to be looked at: the beginning
    /// of a reference, of a line end that becomes another, or of a character that XML does not allow.
    private static func plainEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index < text.count {
            while index + 32 <= text.count {
                // No step depends on the one before: this becomes vectors.
                var found: UInt8 = 0
                for step in 0..<32 { found |= special(text[index &+ step]) }
                if found != 0 { break }
                index += 32
            }
            while index < text.count, special(text[index]) == 0 { index += 1 }
            guard index < text.count else { break }
            switch text[index] {
            case 0xEF:
                if text.begins(with: [0xEF, 0xBF, 0xBE], at: index)
                    || text.begins(with: [0xEF, 0xBF, 0xBF], at: index)
                {
                    return index
                }
            default: return index
            }
            index += 1
        }
        return index
    }

    /// 1 for `&`, what U+FFFE begins with, and control characters but tab and line feed; without a branch.
    @inline(__always)
    private static func special(_ byte: UInt8) -> UInt8 {
        let control: UInt8 = (byte < 0x20 ? 1 : 0) & (byte != 0x0A ? 1 : 0) & (byte != 0x09 ? 1 : 0)
        return control | (byte == 0x26 ? 1 : 0) | (byte == 0xEF ? 1 : 0)
    }

    /// The character that a reference stands for that needs no declaration, or the line feed that CR LF is.
    private static func replacement(
        _ text: UnsafeRawBufferPointer, at index: Int
    ) -> (length: Int, character: UInt8)? {
        if text[index] == 0x0D { return text.begins(with: "\r\n", at: index) ? (2, 0x0A) : nil }
        guard text[index] == 0x26 else { return nil }
        for (reference, character) in predefined where text.begins(with: reference, at: index) {
            return (reference.utf8CodeUnitCount, character)
        }
        return nil
    }

    private static let predefined: [(reference: StaticString, character: UInt8)] = [
        ("&lt;", 0x3C), ("&gt;", 0x3E), ("&amp;", 0x26), ("&quot;", 0x22), ("&apos;", 0x27),
    ]

    /// The length of the reference that a text begins with.
    static func reference(_ text: UnsafeRawBufferPointer) -> Int? {
        guard text.first == 0x26 else { return nil }
        return text.slice(0..<min(text.count, 64)).firstOffset(of: 0x3B).map { $0 + 1 }
    }
}

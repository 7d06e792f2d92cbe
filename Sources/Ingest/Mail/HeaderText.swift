import Documents

/// Values of header fields: unfolded, RFC 2047 words decoded, always UTF-8.
enum HeaderText {
    /// The text of a raw field value.
    ///
    /// Words in a row are joined before their charset is decoded, so that a character that
    /// is cut between two of them is whole. A word that cannot be decoded stays as it is.
    ///
    /// - Parameter limit: Bytes of the result after which the rest is left out.
    static func decode(_ raw: UnsafeRawBufferPointer, limit: Int) -> (text: String, isCut: Bool) {
        if raw.count <= limit, UTF8Text.asciiEnd(raw) == raw.count, raw.firstOffset(of: "=?") == nil {
            return (plainText(raw), false)
        }
        var bytes = raw
        var isCut = false
        if bytes.count > limit * 2 {
            bytes = bytes.slice(0..<limit * 2)
            isCut = true
        }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var plainStart = 0
        var position = 0
        var run: (charset: String, bytes: [UInt8])?
        func flushRun() {
            guard let words = run else { return }
            words.bytes.withUnsafeBytes { output += TextDecoder.decode($0, declared: words.charset) }
            run = nil
        }
        func flushPlain(to end: Int) {
            if end > plainStart { output += plain(bytes.slice(plainStart..<end)) }
        }
        while let start = bytes.firstOffset(of: "=?", from: position) {
            guard let word = EncodedWord(bytes, at: start) else {
                position = start + 2
                continue
            }
            let gap = bytes.slice(plainStart..<start)
            if run != nil, gap.allSatisfy(isSpace) {
                // White space between two encoded words is none.
                if run!.charset == word.charset {
                    run!.bytes += word.content
                } else {
                    flushRun()
                    run = (word.charset, word.content)
                }
            } else {
                flushRun()
                flushPlain(to: start)
                run = (word.charset, word.content)
            }
            position = word.end
            plainStart = word.end
        }
        flushRun()
        flushPlain(to: bytes.count)
        var folded = collapse(output)
        if folded.count > limit {
            var cut = limit
            while cut > 0, folded[cut] & 0xC0 == 0x80 { cut -= 1 }
            folded.removeSubrange(cut...)
            isCut = true
        }
        return (String(decoding: folded, as: UTF8.self), isCut)
    }

    /// ASCII, its runs of white space made one space.
    private static func plainText(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: bytes.count) { output in
            var count = 0
            var isPending = false
            for byte in bytes {
                if isSpace(byte) {
                    isPending = count > 0
                    continue
                }
                if isPending {
                    output[count] = 0x20
                    count += 1
                    isPending = false
                }
                output[count] = byte
                count += 1
            }
            return count
        }
    }

    /// Raw bytes of a header: UTF-8, or what they look like.
    private static func plain(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        if UTF8Text.asciiEnd(bytes) == bytes.count { return Array(bytes) }
        return TextDecoder.decode(bytes, declared: nil)
    }

    /// Runs of white space become one space, those at both ends none.
    static func collapse(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var isPending = false
        for byte in bytes {
            if isSpace(byte) {
                isPending = !result.isEmpty
            } else {
                if isPending { result.append(0x20) }
                isPending = false
                result.append(byte)
            }
        }
        return result
    }
}

/// `=?charset?Q?...?=` or `=?charset*language?B?...?=`.
private struct EncodedWord {
    var charset: String
    var content: [UInt8]
    /// Offset after the word.
    var end: Int

    init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        let nameStart = start + 2
        guard
            let nameEnd = bytes.slice(0..<min(bytes.count, nameStart + 64)).firstOffset(
                of: 0x3F, from: nameStart),
            nameEnd > nameStart, nameEnd + 3 <= bytes.count, bytes[nameEnd + 2] == 0x3F
        else { return nil }
        var name = bytes.slice(nameStart..<nameEnd)
        guard name.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        if let star = name.firstOffset(of: 0x2A) { name = name.slice(0..<star) }
        let textStart = nameEnd + 3
        guard let textEnd = Self.end(bytes, from: textStart) else { return nil }
        let text = bytes.slice(textStart..<textEnd)
        switch lowercaseASCII(bytes[nameEnd + 1]) {
        case 0x71: content = Self.quoted(text)
        case 0x62: content = Base64.decode(text).bytes
        default: return nil
        }
        charset = String(decoding: name, as: UTF8.self)
        end = textEnd + 2
    }

    /// Where `?=` stands; spaces inside, which the rule forbids, are seen in the wild.
    private static func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var position = start
        while let found = bytes.firstOffset(of: 0x3F, from: position) {
            if found + 1 < bytes.count, bytes[found + 1] == 0x3D { return found }
            if found - start > 4096 { return nil }
            position = found + 1
        }
        return nil
    }

    private static func quoted(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == 0x5F {
                result.append(0x20)
            } else if byte == 0x3D, index + 2 < text.count, let high = Hex.value(text[index + 1]),
                let low = Hex.value(text[index + 2])
            {
                result.append(high << 4 | low)
                index += 2
            } else {
                result.append(byte)
            }
            index += 1
        }
        return result
    }
}

enum Hex {
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

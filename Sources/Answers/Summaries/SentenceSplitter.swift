/// Sentences of a text by rule, in any script; every byte offset is that of the text.
enum SentenceSplitter {
    /// Ranges of sentences, white space around them left off, in order.
    static func ranges(in text: [UInt8]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        var at = 0
        func close(_ end: Int) {
            var low = start
            var high = end
            while low < high, text[low] <= 0x20 { low += 1 }
            while high > low, text[high - 1] <= 0x20 { high -= 1 }
            if low < high { result.append(low..<high) }
            start = end
        }
        while at < text.count {
            let byte = text[at]
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"):
                var end = at + 1
                while end < text.count, ".!?\"')]".utf8.contains(text[end]) { end += 1 }
                if end == text.count
                    || (text[end] <= 0x20 && !isAbbreviation(text, start, at) && beginsAfter(end, text))
                {
                    close(end)
                }
                at = end
            case 0x0A:
                // A paragraph, a list item or a turn of a conversation ends; a wrapped line does not.
                var next = at + 1
                while next < text.count, text[next] == 0x20 || text[next] == 0x0D || text[next] == 0x09 {
                    next += 1
                }
                let isBlank = next < text.count && text[next] == 0x0A
                let isItem = next < text.count && ("-*#>|".utf8.contains(text[next]) || isTurn(text, next))
                if isBlank || isItem { close(at) }
                at += 1
            case 0xE3 where at + 2 < text.count && text[at + 1] == 0x80 && text[at + 2] == 0x82:  // 。
                at += 3
                close(at)
            case 0xEF
            where at + 2 < text.count && text[at + 1] == 0xBC
                && (text[at + 2] == 0x81 || text[at + 2] == 0x9F):  // ！？
                at += 3
                close(at)
            case 0xE0 where at + 2 < text.count && text[at + 1] == 0xA5 && text[at + 2] == 0xA4:  // danda
                at += 3
                close(at)
            case 0xD8 where at + 1 < text.count && text[at + 1] == 0x9F:  // Arabic question mark
                at += 2
                close(at)
            default: at += 1
            }
        }
        close(text.count)
        return result
    }

    /// Whether what follows white space looks like a beginning: no lower-case letter.
    private static func beginsAfter(_ end: Int, _ text: [UInt8]) -> Bool {
        var at = end
        while at < text.count, text[at] <= 0x20 { at += 1 }
        return at == text.count || !(0x61...0x7A).contains(text[at])
    }

    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "inc", "ltd", "co", "fig",
        "al", "jr", "sr",
        "eq", "sec", "cf", "approx",
    ]

    private static func isAbbreviation(_ text: [UInt8], _ start: Int, _ dot: Int) -> Bool {
        var low = dot
        while low > start, text[low - 1] > 0x20, dot - low < 8 { low -= 1 }
        let word = text[low..<dot]
        if word.count == 1, let letter = word.first { return (0x41...0x5A).contains(letter) }
        return abbreviations.contains(String(decoding: word, as: UTF8.self).lowercased())
    }

    /// `Name:` at the beginning of a line.
    private static func isTurn(_ text: [UInt8], _ start: Int) -> Bool {
        var at = start
        while at < text.count, at - start < 32, text[at] != 0x0A {
            if text[at] == UInt8(ascii: ":") { return at > start }
            at += 1
        }
        return false
    }

    /// The words of a sentence in lower case; scripts without spaces by pairs of letters.
    static func words(_ utf8: ArraySlice<UInt8>) -> [String] {
        var result: [String] = []
        var word = String.UnicodeScalarView()
        var before: Unicode.Scalar?
        func end() {
            if !word.isEmpty { result.append(String(word).lowercased()) }
            word = String.UnicodeScalarView()
        }
        for scalar in String(decoding: utf8, as: UTF8.self).unicodeScalars {
            if (0x3040...0x30FF).contains(scalar.value) || (0x3400...0x9FFF).contains(scalar.value) {
                end()
                if let before { result.append("\(before)\(scalar)") }
                before = scalar
                continue
            }
            before = nil
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "'"
                || scalar.properties.generalCategory == .nonspacingMark
                || scalar.properties.generalCategory == .spacingMark
            {
                word.append(scalar)
            } else {
                end()
            }
        }
        end()
        return result
    }
}

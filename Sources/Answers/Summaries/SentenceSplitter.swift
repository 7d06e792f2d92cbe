/// Sentences of a text by rule, in any script; every byte offset is that of the text.
package enum SentenceSplitter {
    /// Bytes after which the end of a line is the end of a sentence: a list or a log, not prose.
    private static let longest = 2000

    /// Ranges of the sentences of a paragraph, white space around them left off, in order.
    static func ranges(of paragraph: Range<Int>, in text: [UInt8]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = paragraph.lowerBound
        var at = start
        func close(_ end: Int) {
            let range = TextStructure.trimmed(start..<end, text)
            if range.count <= longest {
                if !range.isEmpty { result.append(range) }
            } else {
                var line = range.lowerBound
                for place in range where text[place] == 0x0A || place == range.upperBound - 1 {
                    let part = TextStructure.trimmed(line..<place + 1, text)
                    if !part.isEmpty { result.append(part) }
                    line = place + 1
                }
            }
            start = end
        }
        while at < paragraph.upperBound {
            let byte = text[at]
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"):
                var end = at + 1
                while end < paragraph.upperBound {
                    if ".!?\"')]".utf8.contains(text[end]) {
                        end += 1
                    } else if let quote = Self.quotes.first(where: { text[end...].starts(with: $0) }) {
                        end += quote.count
                    } else {
                        break
                    }
                }
                if end == paragraph.upperBound
                    || (text[end] <= 0x20 && !isAbbreviation(text, start, at) && beginsAfter(end, text))
                {
                    close(end)
                }
                at = end
            default:
                // Stops of other scripts need no space behind them.
                if let length = Self.stops.first(where: { text[at...].starts(with: $0) })?.count {
                    at += length
                    close(at)
                } else {
                    at += 1
                }
            }
        }
        close(paragraph.upperBound)
        return result
    }

    private static let quotes = ["”", "’", "»"].map { Array($0.utf8) }
    /// Chinese and Japanese, Devanagari, Arabic.
    private static let stops = ["。", "！", "？", "।", "؟"].map { Array($0.utf8) }

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
        return isAbbreviation(text[low..<dot])
    }

    /// Whether a full stop behind this word ends no sentence: a title and its like, or an initial.
    static func isAbbreviation(_ word: some Collection<UInt8>) -> Bool {
        if word.count == 1, let letter = word.first { return (0x41...0x5A).contains(letter) }
        return abbreviations.contains(String(decoding: word, as: UTF8.self).lowercased())
    }

    /// The words of a sentence in lower case; scripts without spaces by pairs of letters.
    package static func words(_ utf8: ArraySlice<UInt8>) -> [String] {
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

/// What a text is made of besides sentences: headings, lists, tables, code, quotations.
///
/// Rules of Markdown (CommonMark 0.31: fences, headings of both kinds, lists, tables of GFM) and of plain
/// text (`CHAPTER IX`, `2.1 Methods`, a short line alone). Every range is that of the text. Code, tables and
/// rules between lines have no sentences. A text comes in pieces; a fence stays open between them.
struct TextStructure {
    enum Kind: Equatable {
        /// Lines of running text, an item of a list without its mark, or a turn of a conversation.
        case prose
        /// Level 1 is the highest.
        case heading(level: Int)
        /// A quotation, a short line alone, an item of a word or two: taken only where there is nothing else.
        case aside
    }

    struct Block: Equatable {
        var range: Range<Int>
        var kind: Kind
    }

    /// The fence that is open: its letter and length.
    private var fence: (mark: UInt8, count: Int)?
    private var hasFences = false
    /// A fence or a heading with `#` was there, so that four spaces mean code.
    private var isMarkdown = false

    /// Blocks of the next piece, in order.
    mutating func blocks(in text: [UInt8]) -> [Block] {
        let lines = Self.lines(text)
        var result: [Block] = []
        var open: Range<Int>?
        var isList = false
        func close() {
            if let range = open { result.append(Block(range: range, kind: .prose)) }
            open = nil
        }
        var at = 0
        while at < lines.count {
            let line = lines[at]
            at += 1
            let content = Self.trimmed(line, text)
            if let mark = fence {
                if Self.closes(mark, content, text) { fence = nil }
                continue
            }
            if content.isEmpty {
                close()
                continue
            }
            let indent = Self.indent(line, text)
            let isAfterBlank = open == nil
            let isBeforeBlank = at == lines.count || Self.trimmed(lines[at], text).isEmpty
            if isAfterBlank, indent == 0 { isList = false }
            if let mark = Self.fence(content, text), indent < 4 || isList {
                close()
                let isClosed = lines[at...].contains { Self.closes(mark, Self.trimmed($0, text), text) }
                // A line of tildes alone may also be there for its looks.
                guard isClosed || hasFences || mark.count < content.count else { continue }
                (fence, hasFences, isMarkdown) = (mark, true, true)
                continue
            }
            if Self.isRule(content, text) {
                // Under one line of text it makes that line a heading.
                let first = text[content.lowerBound]
                if let range = open, first == UInt8(ascii: "=") || first == UInt8(ascii: "-"),
                    !text[range].contains(0x0A), Self.wordCount(range, text) <= 14
                {
                    result.append(
                        Block(range: range, kind: .heading(level: first == UInt8(ascii: "=") ? 1 : 2)))
                    open = nil
                }
                close()
                continue
            }
            if Self.isTable(content, text) {
                close()
                continue
            }
            // A header row without bars at its ends stands above `---|---`.
            if at < lines.count, text[content].contains(UInt8(ascii: "|")),
                Self.isDelimiterRow(Self.trimmed(lines[at], text), text)
            {
                close()
                while at < lines.count, text[Self.trimmed(lines[at], text)].contains(UInt8(ascii: "|")) {
                    at += 1
                }
                continue
            }
            if let heading = Self.numberSigns(content, text), indent < 4 {
                close()
                isMarkdown = true
                if !heading.range.isEmpty {
                    result.append(Block(range: heading.range, kind: .heading(level: heading.level)))
                }
                continue
            }
            if text[content.lowerBound] == UInt8(ascii: ">") {
                close()
                let inner = Self.trimmed(content.lowerBound + 1..<content.upperBound, text)
                if !inner.isEmpty { result.append(Block(range: inner, kind: .aside)) }
                continue
            }
            if isAfterBlank, isBeforeBlank, (0x30...0x39).contains(text[content.lowerBound]),
                let kind = Self.loneLine(content, text), kind != .aside
            {
                result.append(Block(range: content, kind: kind))
                continue
            }
            if let item = Self.item(content, text) {
                close()
                isList = true
                open = item
                continue
            }
            if isAfterBlank {
                if isMarkdown, indent >= 4, !isList { continue }
                if isBeforeBlank, let kind = Self.loneLine(content, text) {
                    result.append(Block(range: content, kind: kind))
                    continue
                }
            } else if Self.isTurn(content, text) {
                close()
            }
            open = (open?.lowerBound ?? content.lowerBound)..<content.upperBound
        }
        close()
        return result.map { Self.settled($0, text) }
    }

    /// An item of a word or two is no sentence.
    private static func settled(_ block: Block, _ text: [UInt8]) -> Block {
        guard block.kind == .prose, wordCount(block.range, text) < 3,
            !text[block.range].contains(where: { ".!?".utf8.contains($0) || $0 >= 0x80 })
        else { return block }
        return Block(range: block.range, kind: .aside)
    }

    // MARK: Lines

    private static func lines(_ text: [UInt8]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        for at in text.indices where text[at] == 0x0A {
            result.append(start..<at)
            start = at + 1
        }
        if start < text.count { result.append(start..<text.count) }
        return result
    }

    static func trimmed(_ range: Range<Int>, _ text: [UInt8]) -> Range<Int> {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high, text[low] <= 0x20 { low += 1 }
        while high > low, text[high - 1] <= 0x20 { high -= 1 }
        return low..<high
    }

    private static func indent(_ line: Range<Int>, _ text: [UInt8]) -> Int {
        var count = 0
        for at in line {
            if text[at] == 0x20 {
                count += 1
            } else if text[at] == 0x09 {
                count += 4
            } else {
                break
            }
        }
        return count
    }

    private static func wordCount(_ range: Range<Int>, _ text: [UInt8]) -> Int {
        text[range].split(whereSeparator: { $0 <= 0x20 }).count
    }

    private static func fence(_ content: Range<Int>, _ text: [UInt8]) -> (mark: UInt8, count: Int)? {
        let mark = text[content.lowerBound]
        guard mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else { return nil }
        let count = text[content].prefix { $0 == mark }.count
        guard count >= 3, mark != UInt8(ascii: "`") || !text[content].dropFirst(count).contains(mark) else {
            return nil
        }
        return (mark, count)
    }

    private static func closes(
        _ fence: (mark: UInt8, count: Int), _ content: Range<Int>, _ text: [UInt8]
    ) -> Bool {
        content.count >= fence.count && text[content].allSatisfy { $0 == fence.mark }
    }

    /// A line of nothing but `-`, `*`, `_`, `=`, `~`, `+`, `#`.
    private static func isRule(_ content: Range<Int>, _ text: [UInt8]) -> Bool {
        content.count >= 3 && text[content].allSatisfy { "-*_=~+#. ".utf8.contains($0) }
    }

    private static func isTable(_ content: Range<Int>, _ text: [UInt8]) -> Bool {
        text[content.lowerBound] == UInt8(ascii: "|") && text[content].dropFirst().contains(UInt8(ascii: "|"))
    }

    private static func isDelimiterRow(_ content: Range<Int>, _ text: [UInt8]) -> Bool {
        content.count >= 3 && text[content].contains(UInt8(ascii: "|"))
            && text[content].contains(UInt8(ascii: "-"))
            && text[content].allSatisfy { "|-: \t".utf8.contains($0) }
    }

    private static func numberSigns(_ content: Range<Int>, _ text: [UInt8])
        -> (range: Range<Int>, level: Int)?
    {
        let level = text[content].prefix { $0 == UInt8(ascii: "#") }.count
        guard 1...6 ~= level, content.count == level || text[content.lowerBound + level] <= 0x20 else {
            return nil
        }
        var end = content.upperBound
        while end > content.lowerBound + level,
            text[end - 1] == UInt8(ascii: "#") || text[end - 1] <= 0x20
        {
            end -= 1
        }
        return (trimmed(content.lowerBound + level..<end, text), level)
    }

    /// The text of an item of a list, its mark left off: `- `, `* `, `+ `, a bullet, `3. `, `3) `.
    private static func item(_ content: Range<Int>, _ text: [UInt8]) -> Range<Int>? {
        var at = content.lowerBound
        if "-*+".utf8.contains(text[at]) {
            at += 1
        } else if text[content].starts(with: "•".utf8) || text[content].starts(with: "–".utf8) {
            at += 3
        } else {
            let digits = text[content].prefix { (0x30...0x39).contains($0) }.count
            guard 1...3 ~= digits, content.count > digits, ".)".utf8.contains(text[at + digits]) else {
                return nil
            }
            at += digits + 1
        }
        guard at < content.upperBound, text[at] <= 0x20 else { return nil }
        return trimmed(at..<content.upperBound, text)
    }

    /// `Name:` at the beginning of a line.
    private static func isTurn(_ content: Range<Int>, _ text: [UInt8]) -> Bool {
        guard let colon = text[content].prefix(32).firstIndex(of: UInt8(ascii: ":")) else { return false }
        return colon > content.lowerBound && !(0x61...0x7A).contains(text[content.lowerBound])
    }

    private static let parts: Set<String> = [
        "chapter", "part", "book", "section", "article", "appendix", "act", "scene", "volume", "canto",
        "letter",
        "prologue", "epilogue", "preface", "introduction", "conclusion", "abstract", "references", "contents",
        "kapitel", "teil", "chapitre", "capítulo", "capitolo",
    ]

    /// What a short line is that stands alone; nil for a sentence.
    private static func loneLine(_ content: Range<Int>, _ text: [UInt8]) -> Kind? {
        guard content.count <= 100, wordCount(content, text) <= 10 else { return nil }
        let line = String(decoding: text[content], as: UTF8.self)
        let words = line.split(separator: " ")
        guard let first = words.first else { return nil }
        let name = String(first.lowercased().trimming(".:"))
        let numeral = first.trimming(".")
        let isRoman = !numeral.isEmpty && numeral.allSatisfy { "IVXLC".contains($0) }
        let isNumber = first.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        if parts.contains(name), words.count == 1 || words[1].first.map({ !$0.isLowercase }) == true {
            return .heading(level: ["book", "part", "volume", "teil"].contains(name) ? 1 : 2)
        }
        let isEnded = ".!?,;:\"')”’…".contains(line.last!)
        if isRoman, words.count == 1 || !isEnded && (first.last == "." || words[1].first?.isUppercase == true)
        {
            return .heading(level: 2)
        }
        if isNumber, words.count > 1, words[1].first?.isUppercase == true, !".,;:!?".contains(line.last!) {
            return .heading(level: min(6, 1 + first.split(separator: ".").count))
        }
        let letters = line.unicodeScalars.filter(\.properties.isAlphabetic)
        if letters.count >= 4, !line.contains(":"), letters.allSatisfy({ $0.properties.isUppercase }) {
            return .heading(level: 2)
        }
        // Scripts without capitals end sentences with their own stops, and may leave them off.
        guard letters.contains(where: { $0.properties.isUppercase || $0.properties.isLowercase }) else {
            return nil
        }
        return isEnded ? nil : .aside
    }
}

extension StringProtocol {
    fileprivate func trimming(_ letters: String) -> Substring {
        var rest = Substring(self)
        while let last = rest.last, letters.contains(last) { rest.removeLast() }
        return rest
    }
}

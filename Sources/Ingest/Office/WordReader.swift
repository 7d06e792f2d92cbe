import Documents

/// WordprocessingML: the body, then footnotes, endnotes, comments, headers and footers.
///
/// A paragraph is a line, cells of a row are parted by tabs, list items begin with their
/// number or `- `. Deleted text and field codes are not text.
final class WordReader: XMLEventHandler {
    static func read(_ parts: PackageParts, main: String, _ text: PackageText) {
        text.readCoreProperties(parts["docProps/core.xml"])
        let relations = parts.relations(of: main)
        let lists = WordLists(parts[relations.first { $0.kind == "numbering" }?.target ?? ""])
        var names = [main]
        for kind in ["footnotes", "endnotes", "comments", "header", "footer"] {
            for relation in relations where relation.kind == kind && !names.contains(relation.target) {
                names.append(relation.target)
            }
        }
        for name in names {
            guard let bytes = parts[name] else { continue }
            text.beginPart()
            let reader = WordReader(text, lists)
            text.parse(bytes, reader, name: name)
            reader.finish()
        }
    }

    private let text: PackageText
    private let lists: WordLists
    private var line: [UInt8] = []
    private var outerLines: [[UInt8]] = []
    private var isText = false
    private var runDepth = 0
    private var skipDepth = 0
    private var rows: [[[UInt8]]] = []
    private var cells: [[UInt8]] = []
    private var list: (id: String, level: Int)?
    private var isListProperty = false

    private init(_ text: PackageText, _ lists: WordLists) {
        self.text = text
        self.lists = lists
    }

    func start(_ name: String, _ attributes: XMLAttributes) {
        if skipDepth > 0 || Self.skipped.contains(name) {
            skipDepth += 1
            return
        }
        switch name {
        case "footnote", "endnote":
            // The lines that part notes from text are notes, too.
            if let type = attributes["type"], type != "normal" { skipDepth = 1 }
        case "p":
            outerLines.append(line)
            line = []
            list = nil
        case "r": runDepth += 1
        case "t": isText = true
        case "tab" where runDepth > 0: line.append(0x09)
        case "br", "cr": if runDepth > 0 { line.append(0x0A) }
        case "noBreakHyphen": line += "\u{2011}".utf8
        case "sym":
            if let code = attributes["char"].flatMap({ UInt32($0, radix: 16) }),
                code < 0xE000 || code > 0xF8FF,
                let scalar = Unicode.Scalar(code)
            {
                line += String(Character(scalar)).utf8
            }
        case "footnoteReference", "endnoteReference":
            if let id = attributes["id"] { line += "[\(id)]".utf8 }
        case "numPr": isListProperty = true
        case "ilvl": if isListProperty { list = (list?.id ?? "", attributes["val"].flatMap { Int($0) } ?? 0) }
        case "numId": if isListProperty { list = (attributes["val"] ?? "", list?.level ?? 0) }
        case "tbl": rows.append([])
        case "tc": cells.append([])
        default: break
        }
    }

    /// Fallbacks repeat what stands before them; moved and deleted text stands elsewhere or no more.
    private static let skipped: Set<String> = ["Fallback", "del", "moveFrom", "instrText", "delText"]

    func end(_ name: String) {
        if skipDepth > 0 {
            skipDepth -= 1
            return
        }
        switch name {
        case "p":
            let done = line
            line = outerLines.popLast() ?? []
            if let list, !list.id.isEmpty, list.id != "0", !done.isEmpty {
                put(lists.prefix(list.id, list.level) + done)
            } else {
                put(done)
            }
            list = nil
        case "r": runDepth = max(0, runDepth - 1)
        case "t": isText = false
        case "numPr": isListProperty = false
        case "tc":
            var cell = cells.popLast() ?? []
            while cell.last == 0x0A { cell.removeLast() }
            if !rows.isEmpty { rows[rows.count - 1].append(cell) }
        case "tr":
            guard !rows.isEmpty else { break }
            let row = Array(rows[rows.count - 1].joined(separator: [0x09]))
            rows[rows.count - 1] = []
            put(row)
        case "tbl": _ = rows.popLast()
        default: break
        }
    }

    func text(_ utf8: UnsafeRawBufferPointer) {
        if isText, skipDepth == 0 { line.append(contentsOf: utf8) }
    }

    private func put(_ line: [UInt8]) {
        if cells.isEmpty {
            text.line(line)
        } else {
            cells[cells.count - 1] += line
            cells[cells.count - 1].append(0x0A)
        }
    }

    private func finish() {
        if !line.isEmpty { text.line(line) }
    }
}

/// Numbers of list items.
private final class WordLists: XMLEventHandler {
    private struct Level {
        var format = "decimal"
        var pattern = ""
        var start = 1
    }

    private var abstract: [String: [Int: Level]] = [:]
    private var concrete: [String: String] = [:]
    private var counters: [String: [Int: Int]] = [:]
    private var current: (list: String, level: Int)?
    private var number: String?

    init(_ bytes: [UInt8]?) {
        if let bytes { XMLEvents.parse(bytes, self) }
    }

    func start(_ name: String, _ attributes: XMLAttributes) {
        let value = attributes["val"]
        switch name {
        case "abstractNum": current = (attributes["abstractNumId"] ?? "", 0)
        case "lvl": current?.level = attributes["ilvl"].flatMap { Int($0) } ?? 0
        case "numFmt": change { $0.format = value ?? "" }
        case "lvlText": change { $0.pattern = value ?? "" }
        case "start": change { $0.start = value.flatMap { Int($0) } ?? 1 }
        case "num":
            current = nil
            number = attributes["numId"]
        case "abstractNumId": if let number { concrete[number] = value ?? "" }
        default: break
        }
    }

    private func change(_ body: (inout Level) -> Void) {
        guard let current, abstract.count < 10_000, (0..<10).contains(current.level) else { return }
        body(&abstract[current.list, default: [:]][current.level, default: Level()])
    }

    func prefix(_ id: String, _ level: Int) -> [UInt8] {
        let level = min(max(level, 0), 9)
        let indent = String(repeating: "  ", count: level)
        guard let key = concrete[id], let levels = abstract[key], let rule = levels[level] else {
            return Array("\(indent)- ".utf8)
        }
        if rule.format == "none" { return Array(indent.utf8) }
        if rule.format == "bullet" { return Array("\(indent)- ".utf8) }
        var counts = counters[id] ?? [:]
        counts[level] = (counts[level] ?? rule.start - 1) &+ 1
        for deeper in level + 1..<11 { counts[deeper] = nil }
        counters[id] = counts
        var label = rule.pattern.isEmpty ? "%\(level + 1)." : rule.pattern
        for outer in 0...level {
            let other = levels[outer] ?? Level()
            label = label.replacingPlaceholder(
                "%\(outer + 1)", with: Self.text(counts[outer] ?? other.start, other.format))
        }
        return Array("\(indent)\(label) ".utf8)
    }

    private static func text(_ number: Int, _ format: String) -> String {
        switch format {
        case "lowerLetter", "upperLetter":
            guard number > 0, number < 10_000 else { return String(number) }
            let letter = String(UnicodeScalar(UInt8(0x61 + (number - 1) % 26)))
            let text = String(repeating: letter, count: (number - 1) / 26 + 1)
            return format == "upperLetter" ? text.uppercased() : text
        case "lowerRoman", "upperRoman":
            guard number > 0, number < 4000 else { return String(number) }
            let values = [
                (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
                (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
            ]
            var rest = number
            var text = ""
            for (value, letters) in values {
                while rest >= value {
                    text += letters
                    rest -= value
                }
            }
            return format == "upperRoman" ? text.uppercased() : text
        default: return String(number)
        }
    }
}

extension String {
    fileprivate func replacingPlaceholder(_ placeholder: String, with text: String) -> String {
        guard let range = firstRange(of: placeholder) else { return self }
        return replacingCharacters(in: range, with: text)
    }

    private func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}

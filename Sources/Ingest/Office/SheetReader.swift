import Documents

/// SpreadsheetML: each sheet a part, its name in the first line, rows as lines, cells parted
/// by tabs as they stand in their columns. Numbers keep their digits; those that a format
/// shows as dates are dates.
final class SheetReader: XMLEventHandler {
    /// Empty cells between two cells that are shown as tabs.
    private static let maxGap = 30

    static func read(_ parts: PackageParts, main: String, _ text: PackageText) {
        text.readCoreProperties(parts["docProps/core.xml"])
        let relations = parts.relations(of: main)
        func target(_ kind: String) -> [UInt8]? {
            relations.first { $0.kind == kind }.flatMap { parts[$0.target] }
        }
        let strings = SharedStrings(target("sharedStrings"))
        let styles = SheetStyles(target("styles"))
        let book = Workbook()
        text.parse(parts[main] ?? [], book, name: main)
        for sheet in book.sheets {
            guard let name = relations.first(where: { $0.id == sheet.id })?.target, let bytes = parts[name]
            else { continue }
            text.beginPart()
            text.line(Array(sheet.name.utf8))
            text.parse(bytes, SheetReader(text, strings, styles, epoch: book.epoch), name: name)
            for relation in parts.relations(of: name) where relation.kind == "comments" {
                guard let bytes = parts[relation.target] else { continue }
                let comments = SharedStrings(bytes, item: "comment")
                for index in 0..<comments.count { text.line(comments[index]) }
            }
        }
    }

    private final class Workbook: XMLEventHandler {
        var sheets: [(name: String, id: String)] = []
        /// Day 0 of dates as days from 1970-01-01.
        var epoch = -25_569

        func start(_ name: String, _ attributes: XMLAttributes) {
            if name == "sheet", let id = attributes["id", namespaceSuffix: "relationships"] {
                sheets.append((attributes["name"] ?? "", id))
            } else if name == "workbookPr", let is1904 = attributes["date1904"], is1904 != "0",
                is1904 != "false"
            {
                epoch = -24_107
            }
        }
    }

    private let text: PackageText
    private let strings: SharedStrings
    private let styles: SheetStyles
    private let epoch: Int
    private var row: [UInt8] = []
    private var column = 0
    private var cellColumn = 0
    private var nextColumn = 0
    private var type = ""
    private var style = 0
    private var value: [UInt8] = []
    private var isValue = false
    private var skipDepth = 0

    private init(_ text: PackageText, _ strings: SharedStrings, _ styles: SheetStyles, epoch: Int) {
        self.text = text
        self.strings = strings
        self.styles = styles
        self.epoch = epoch
    }

    func start(_ name: String, _ attributes: XMLAttributes) {
        switch name {
        case "row":
            row = []
            column = 0
            nextColumn = 0
        case "c":
            type = attributes["t"] ?? "n"
            style = attributes["s"].flatMap { Int($0) } ?? 0
            cellColumn = attributes["r"].flatMap(Self.column) ?? nextColumn
            nextColumn = cellColumn + 1
            value = []
        case "v", "t": isValue = skipDepth == 0
        case "rPh": skipDepth += 1
        default: break
        }
    }

    func end(_ name: String) {
        switch name {
        case "v", "t": isValue = false
        case "rPh": skipDepth = max(0, skipDepth - 1)
        case "c":
            let shown = shownValue()
            if shown.isEmpty { break }
            let gap = cellColumn - column
            if column > 0 || gap > 0 {
                row += [UInt8](repeating: 0x09, count: max(row.isEmpty ? 0 : 1, min(gap, Self.maxGap)))
            }
            row += shown
            column = cellColumn
        case "row": if !row.isEmpty { text.line(row) }
        default: break
        }
    }

    func text(_ utf8: UnsafeRawBufferPointer) {
        if isValue { value.append(contentsOf: utf8) }
    }

    private func shownValue() -> [UInt8] {
        switch type {
        case "s":
            guard let index = Int(String(decoding: value, as: UTF8.self)), (0..<strings.count).contains(index)
            else { return [] }
            return strings[index]
        case "b": return Array((value == [0x31] ? "TRUE" : "FALSE").utf8)
        case "n":
            guard styles.isDate(style), let number = Double(String(decoding: value, as: UTF8.self)),
                let date = SheetDate.text(number, epoch: epoch)
            else { return value }
            return Array(date.utf8)
        default: return value
        }
    }

    /// `AB12` is column 27.
    private static func column(_ reference: String) -> Int? {
        var column = 0
        for byte in reference.utf8 {
            guard (0x41...0x5A).contains(byte) else { break }
            column = column * 26 + Int(byte - 0x40)
            if column > 20_000 { return nil }
        }
        return column > 0 ? column - 1 : nil
    }
}

/// Strings that cells share, in one run of bytes.
private final class SharedStrings: XMLEventHandler {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var isText = false
    private var phoneticDepth = 0
    private let item: String

    init(_ part: [UInt8]?, item: String = "si") {
        self.item = item
        if let part { XMLEvents.parse(part, self) }
    }

    var count: Int { ends.count }

    subscript(_ index: Int) -> [UInt8] { Array(bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]) }

    func start(_ name: String, _ attributes: XMLAttributes) {
        if name == "rPh" { phoneticDepth += 1 }
        isText = name == "t" && phoneticDepth == 0
    }

    func end(_ name: String) {
        if name == "rPh" { phoneticDepth = max(0, phoneticDepth - 1) }
        isText = false
        if name == item { ends.append(bytes.count) }
    }

    func text(_ utf8: UnsafeRawBufferPointer) {
        if isText { bytes.append(contentsOf: utf8) }
    }
}

/// Which cell formats are dates.
private final class SheetStyles: XMLEventHandler {
    private var dateFormats: Set<Int> = Set(14...22).union(27...36).union(45...47).union(50...58)
    private var formats: [Int] = []
    private var isCellFormats = false

    init(_ part: [UInt8]?) {
        if let part { XMLEvents.parse(part, self) }
    }

    func isDate(_ style: Int) -> Bool {
        formats.indices.contains(style) && dateFormats.contains(formats[style])
    }

    func start(_ name: String, _ attributes: XMLAttributes) {
        switch name {
        case "numFmt":
            guard let id = attributes["numFmtId"].flatMap({ Int($0) }), let code = attributes["formatCode"]
            else { return }
            var plain = ""
            var isQuoted = false
            var isBracketed = false
            for character in code.lowercased() {
                if character == "\"" { isQuoted.toggle() }
                if character == "[" { isBracketed = true }
                if !isQuoted, !isBracketed { plain.append(character) }
                if character == "]" { isBracketed = false }
            }
            let isDate =
                plain.contains("yy") || plain.contains("d") || plain.contains("h:") || plain.contains("mm")
            if isDate && !plain.contains("0.0") { dateFormats.insert(id) }
        case "cellXfs": isCellFormats = true
        case "xf": if isCellFormats { formats.append(attributes["numFmtId"].flatMap { Int($0) } ?? 0) }
        default: break
        }
    }

    func end(_ name: String) {
        if name == "cellXfs" { isCellFormats = false }
    }
}

/// Days since an epoch as a date.
private enum SheetDate {
    static func text(_ number: Double, epoch: Int) -> String? {
        guard number >= 0, number < 3_000_000 else { return nil }
        let seconds = Int((number * 86_400).rounded())
        let time = seconds % 86_400
        let clock =
            "\(two(time / 3600)):\(two(time / 60 % 60))" + (time % 60 == 0 ? "" : ":\(two(time % 60))")
        if number < 1 { return clock }
        // Days to a date of the civil calendar (Howard Hinnant, days_from_civil inverted).
        let days = seconds / 86_400 + epoch + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(two(month))-\(two(day))" + (time == 0 ? "" : " \(clock)")
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

import Documents

/// OpenDocument text, sheets and slides: `content.xml`, then what headers and footers of
/// `styles.xml` say.
///
/// Paragraphs are lines, list items begin with `- `, cells are parted by tabs, each page of a
/// presentation and each sheet is a part. Deleted text of tracked changes is not text.
final class OpenDocumentReader: XMLEventHandler {
    /// Times that a repeated cell with text, or a space, is repeated at most.
    private static let maxRepeats = 100

    /// - Returns: Whether there is content to read.
    static func read(_ parts: PackageParts, _ text: PackageText) -> Bool {
        guard let content = parts["content.xml"] else { return false }
        text.readCoreProperties(parts["meta.xml"])
        text.beginPart()
        let body = OpenDocumentReader(text, startsInside: "body")
        text.parse(content, body, name: "content.xml")
        body.flush()
        if let styles = parts["styles.xml"] {
            let masters = OpenDocumentReader(text, startsInside: "master-styles")
            masters.isPartPending = true
            text.parse(styles, masters, name: "styles.xml")
            masters.flush()
        }
        for name in parts.files.keys.sorted() where name.hasSuffix("/content.xml") {
            // Objects inside: formulas, charts, documents.
            let object = OpenDocumentReader(text, startsInside: "body")
            object.isPartPending = true
            text.parse(parts[name] ?? [], object, name: name)
            object.flush()
        }
        return true
    }

    static func isEncrypted(_ parts: PackageParts) -> Bool {
        guard let manifest = parts["META-INF/manifest.xml"] else { return false }
        return manifest.withUnsafeBytes { $0.firstOffset(of: "encryption-data") != nil }
    }

    private let text: PackageText
    private let root: String
    private var rootDepth = 0
    private var skipDepth = 0
    private var line: [UInt8] = []
    private var outerLines: [[UInt8]] = []
    private var paragraphDepth = 0
    private var listDepth = 0
    private var isItemStart = false
    private var cellStack: [[UInt8]] = []
    private var rowStack: [[UInt8]] = []
    private var cellRepeats: [Int] = []
    private var pendingSpace = false
    private var isPartPending = false
    private var pages = 0

    private init(_ text: PackageText, startsInside root: String) {
        self.text = text
        self.root = root
    }

    private static let skipped: Set<String> = [
        "tracked-changes", "forms", "event-listeners", "script", "scripts", "tracked-change",
    ]

    func start(_ name: String, _ attributes: XMLAttributes) {
        if rootDepth == 0 {
            if name == root { rootDepth = 1 }
            return
        }
        rootDepth += 1
        if skipDepth > 0 || Self.skipped.contains(name) {
            skipDepth += 1
            return
        }
        switch name {
        case "p", "h":
            outerLines.append(line)
            line = []
            paragraphDepth += 1
            pendingSpace = false
        case "s":
            let count = min(max(attributes["c"].flatMap { Int($0) } ?? 1, 1), Self.maxRepeats)
            line += [UInt8](repeating: 0x20, count: count)
            pendingSpace = false
        case "tab":
            line.append(0x09)
            pendingSpace = false
        case "line-break":
            line.append(0x0A)
            pendingSpace = false
        case "list": listDepth += 1
        case "list-item": isItemStart = true
        case "table-row": rowStack.append([])
        case "table-cell", "covered-table-cell":
            cellStack.append([])
            cellRepeats.append(
                min(max(attributes["number-columns-repeated"].flatMap { Int($0) } ?? 1, 1), Self.maxRepeats))
        case "table":
            if let name = attributes["name"], text.writer.document.kind == .ods {
                page()
                text.line(Array(name.utf8))
            }
        case "page": page()
        default: break
        }
    }

    private func page() {
        pages += 1
        if pages > 1 { text.beginPart() }
    }

    func end(_ name: String) {
        if rootDepth == 0 { return }
        rootDepth -= 1
        if skipDepth > 0 {
            skipDepth -= 1
            return
        }
        switch name {
        case "p", "h":
            let done = line
            line = outerLines.popLast() ?? []
            paragraphDepth = max(0, paragraphDepth - 1)
            pendingSpace = false
            let prefix =
                isItemStart && listDepth > 0 && !done.isEmpty
                ? String(repeating: "  ", count: min(listDepth, 20) - 1) + "- " : ""
            if !done.isEmpty { isItemStart = false }
            put(Array(prefix.utf8) + done)
        case "list": listDepth = max(0, listDepth - 1)
        case "table-cell", "covered-table-cell":
            var cell = cellStack.popLast() ?? []
            let repeats = cellRepeats.popLast() ?? 1
            while cell.last == 0x0A { cell.removeLast() }
            guard !rowStack.isEmpty else { break }
            for _ in 0..<repeats {
                rowStack[rowStack.count - 1] += cell
                rowStack[rowStack.count - 1].append(0x09)
            }
        case "table-row":
            var row = rowStack.popLast() ?? []
            while row.last == 0x09 { row.removeLast() }
            if !row.isEmpty { put(row) }
        default: break
        }
    }

    func text(_ utf8: UnsafeRawBufferPointer) {
        guard paragraphDepth > 0, skipDepth == 0 else { return }
        // White space runs of the file are one space; other spaces are elements.
        var index = 0
        while index < utf8.count {
            if isSpace(utf8[index]) {
                pendingSpace = true
                index += 1
                continue
            }
            if pendingSpace, !line.isEmpty { line.append(0x20) }
            pendingSpace = false
            var end = index
            while end < utf8.count, !isSpace(utf8[end]) { end += 1 }
            line.append(contentsOf: utf8.slice(index..<end))
            index = end
        }
    }

    private func put(_ line: [UInt8]) {
        if !cellStack.isEmpty {
            cellStack[cellStack.count - 1] += line
            cellStack[cellStack.count - 1].append(0x0A)
            return
        }
        if isPartPending {
            if line.isEmpty { return }
            text.beginPart()
            isPartPending = false
        }
        text.line(line)
    }

    private func flush() {
        if !line.isEmpty { put(line) }
    }
}

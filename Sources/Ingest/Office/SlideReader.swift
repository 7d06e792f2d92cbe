import Documents

/// PresentationML: each slide a part, in the order of the show, with its speaker's notes and
/// comments below.
final class SlideReader: XMLEventHandler {
    static func read(_ parts: PackageParts, main: String, _ text: PackageText) {
        text.readCoreProperties(parts["docProps/core.xml"])
        let relations = parts.relations(of: main)
        for id in order(parts[main] ?? [], text, main) {
            guard let slide = relations.first(where: { $0.id == id })?.target, let bytes = parts[slide] else {
                continue
            }
            text.beginPart()
            text.parse(bytes, SlideReader(text), name: slide)
            let inner = parts.relations(of: slide)
            for kind in ["diagramData", "notesSlide", "comments"] {
                for relation in inner where relation.kind == kind {
                    guard let bytes = parts[relation.target] else { continue }
                    text.parse(bytes, SlideReader(text), name: relation.target)
                }
            }
        }
    }

    private static func order(_ bytes: [UInt8], _ text: PackageText, _ name: String) -> [String] {
        final class Reader: XMLEventHandler {
            var ids: [String] = []
            func start(_ name: String, _ attributes: XMLAttributes) {
                guard name == "sldId", let id = attributes["id", namespaceSuffix: "relationships"] else {
                    return
                }
                ids.append(id)
            }
        }
        let reader = Reader()
        text.parse(bytes, reader, name: name)
        return reader.ids
    }

    private let text: PackageText
    private var line: [UInt8] = []
    private var isText = false
    private var skipDepth = 0
    private var row: [[UInt8]] = []
    private var cell: [UInt8]?

    private init(_ text: PackageText) { self.text = text }

    func start(_ name: String, _ attributes: XMLAttributes) {
        let isNumber = name == "fld" && attributes["type"] == "slidenum"
        if skipDepth > 0 || name == "Fallback" || isNumber {
            skipDepth += 1
            return
        }
        switch name {
        case "t", "text": isText = true
        case "br": line.append(0x0A)
        case "tab": break
        case "tr": row = []
        case "tc": cell = []
        default: break
        }
    }

    func end(_ name: String) {
        if skipDepth > 0 {
            skipDepth -= 1
            return
        }
        switch name {
        case "t": isText = false
        case "p", "text":
            if name == "text" { isText = false }
            if line.isEmpty { break }
            if cell != nil {
                cell! += (cell!.isEmpty ? [] : [0x0A]) + line
            } else {
                text.line(line)
            }
            line = []
        case "tc":
            row.append(cell ?? [])
            cell = nil
        case "tr":
            text.line(Array(row.joined(separator: [0x09])))
            row = []
        default: break
        }
    }

    func text(_ utf8: UnsafeRawBufferPointer) {
        if isText, skipDepth == 0 { line.append(contentsOf: utf8) }
    }
}

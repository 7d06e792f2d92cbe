import Documents
import Evaluation
import JSON

/// Rows as RFC 4180, for spreadsheets: a cell is text and never a formula.
package final class CSVWriter: ResultWriter {
    private let file: AtomicFile
    private let labels: [String]

    /// - Parameter multi: Whether rows have any number of labels, which then stand in one cell.
    package init(_ path: String, labels: [String], multi: Bool) throws(PipelineError) {
        file = try AtomicFile(path, mode: 0o666)
        self.labels = labels
        let names =
            ["item", "status", multi ? "labels" : "label", "probability"] + labels.map { "p(\($0))" } + [
                "tokens", "read", "duplicate_of", "subject", "from", "date", "warnings", "model",
            ]
        try file.write(Self.line(names.map { Self.cell($0) }))
    }

    package func write(_ json: JSONValue) throws {
        func text(_ name: String) -> String { Self.cell(json[name]?.string ?? "") }
        func number(_ value: JSONValue?) -> String {
            guard case .number(let digits) = value else { return "" }
            return digits
        }
        let metadata = json["metadata"]
        let given = Self.cell(ClassificationRow.given(json).joined(separator: ", "))
        var cells = [text("item"), text("status"), given, number(json["probability"])]
        cells += labels.map { number(json["distribution"]?[$0]) }
        cells += [number(json["tokens"]), number(json["read"]), text("duplicate_of")]
        cells += ["subject", "from", "date"].map { Self.cell(metadata?[$0]?.string ?? "") }
        let warnings = (json["warnings"]?.array ?? []).compactMap(\.string).joined(separator: "; ")
        cells += [Self.cell(warnings), text("model")]
        try file.write(Self.line(cells))
    }

    package func finish() throws { try file.commit() }

    private static func line(_ cells: [String]) -> String { cells.joined(separator: ",") + "\r\n" }

    /// `text` as a cell: a leading apostrophe keeps a spreadsheet from taking it for a
    /// formula, controls but line breaks and tabs become U+FFFD, and quotes stand around
    /// whatever needs them.
    package static func cell(_ text: String) -> String {
        var safe = ""
        if let first = text.unicodeScalars.first,
            "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains(first)
        {
            safe = "'"
        }
        var needsQuotes = false
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22:
                safe += "\"\""
                needsQuotes = true
            case 0x0A, 0x0D, 0x2C, 0x3B, 0x09:
                safe.unicodeScalars.append(scalar)
                needsQuotes = true
            case 0..<0x20, 0x7F..<0xA0: safe += "\u{FFFD}"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        if safe.hasPrefix(" ") || safe.hasSuffix(" ") { needsQuotes = true }
        return needsQuotes ? "\"\(safe)\"" : safe
    }
}

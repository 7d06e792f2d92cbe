import Documents
import Evaluation
import JSON

/// Rows of extract, summarize and ask for spreadsheets.
///
/// Extraction has a line for each record, with a column for each field and one for its probability; a document
/// without a record has a line of its own. Summaries and questions have a line each.
final class AnswerCSV: ResultWriter {
    private let file: AtomicFile
    private let kind: ReviewKind
    private let fields: [String]

    init(_ path: String, kind: ReviewKind, fields: [String]) throws(PipelineError) {
        file = try AtomicFile(path, mode: 0o666)
        self.kind = kind
        self.fields = fields
        let names =
            switch kind {
            case .extract: ["item", "status", "record"] + fields + fields.map { "p(\($0))" } + Self.common
            case .summarize: ["item", "status", "summary", "words", "style"] + Self.common
            case .ask: ["id", "question", "status", "answer", "probability", "from", "part", "start", "end"]
            case .classify: preconditionFailure("classify has a writer of its own")
            }
        try write(names)
    }

    private static let common = ["subject", "from", "date", "warnings", "model"]

    private func write(_ cells: [String]) throws(PipelineError) {
        try file.write(cells.map { CSVWriter.cell($0) }.joined(separator: ",") + "\r\n")
    }

    func write(_ json: JSONValue) throws {
        func text(_ name: String) -> String { Self.text(json[name] ?? .null) }
        let metadata = json["metadata"]
        let warnings = (json["warnings"]?.array ?? []).compactMap(\.string).joined(separator: "; ")
        let common =
            ["subject", "from", "date"].map { metadata?[$0]?.string ?? "" } + [warnings, text("model")]
        switch kind {
        case .extract:
            let data = json["data"] ?? .null
            let records = data.array ?? (data.members == nil ? [] : [data])
            if records.isEmpty {
                let empty = [String](repeating: "", count: 2 * fields.count + 1)
                try write([text("item"), text("status")] + empty + common)
            }
            for (index, record) in records.enumerated() {
                let prefix = data.array == nil ? "" : "/\(index)"
                try write(
                    [text("item"), text("status"), "\(index + 1)"]
                        + fields.map { Self.text(record[$0] ?? .null) }
                        + fields.map { Self.probability(of: "\(prefix)/\($0)", in: json) } + common)
            }
        case .summarize:
            try write(["item", "status", "summary", "words", "style"].map(text) + common)
        case .ask:
            let span = json["spans"]?.array?.first
            try write(
                ["id", "question", "status", "answer", "probability", "from"].map(text)
                    + ["part", "start", "end"].map { Self.text(span?[$0] ?? .null) })
        case .classify: break
        }
    }

    func finish() throws { try file.commit() }

    /// A list as its members with `; ` between them, an object as JSON.
    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        case .array(let list): list.map { text($0) }.joined(separator: "; ")
        default: value.text
        }
    }

    /// The least probable value of a field.
    private static func probability(of pointer: String, in row: JSONValue) -> String {
        let inner = (row["fields"]?.array ?? []).filter { field in
            let name = field["field"]?.string ?? ""
            return name == pointer || name.hasPrefix(pointer + "/")
        }
        let least = inner.compactMap { $0["probability"] }.min { ($0.double ?? 0) < ($1.double ?? 0) }
        return least.map { text($0) } ?? ""
    }
}

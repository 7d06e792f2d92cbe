import Documents
import Evaluation
import JSON

/// How rows are written; the ending of the file's name decides.
package enum ResultFormat: String, Sendable {
    case jsonLines, csv, sqlite, html
    /// Lines as google/langextract writes and shows them.
    case langextract

    /// - Throws: `.usage` for an ending that stands for no format.
    package init(path: String) throws(PipelineError) {
        let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        // A device such as /dev/null takes lines.
        if path.hasPrefix("/dev/") {
            self = .jsonLines
            return
        }
        switch name.split(separator: ".", omittingEmptySubsequences: false).last.map(String.init) ?? "" {
        case "jsonl", "ndjson": self = name.hasSuffix(".langextract.jsonl") ? .langextract : .jsonLines
        case "csv": self = .csv
        case "sqlite", "sqlite3", "db": self = .sqlite
        case "html", "htm": self = .html
        default:
            throw .usage(
                "\(TerminalText.sanitized(path)): the ending decides the format; "
                    + "it can be .jsonl, .csv, .sqlite or .html")
        }
    }
}

/// Where rows go. Rows come in the order of the input.
package protocol ResultWriter: AnyObject {
    /// - Parameter json: The row, as `ClassificationRow.json` made it.
    func write(_ json: JSONValue) throws
    /// Puts the file in its place; nothing is there before.
    func finish() throws
}

/// What the writers need to know of a run before the first row.
package struct ResultContext: Sendable {
    package var title: String
    package var configuration: RunConfiguration
    package var inputs: DocumentInputs
    /// One sentence for the report, for example that this is a sample.
    package var note: String?

    package init(
        title: String, configuration: RunConfiguration, inputs: DocumentInputs = .init([]),
        note: String? = nil
    ) {
        self.title = title
        self.configuration = configuration
        self.inputs = inputs
        self.note = note
    }

    package var labels: [String] { configuration.labels.map(\.name) }

    package func writer(_ path: String) throws -> any ResultWriter {
        switch try ResultFormat(path: path) {
        case .jsonLines: try JSONLinesWriter(path)
        case .langextract:
            throw PipelineError.usage(
                "\(TerminalText.sanitized(path)): rows of extract are written as .langextract.jsonl, labels are not"
            )
        case .csv: try CSVWriter(path, labels: labels, multi: configuration.multi)
        case .sqlite: try SQLiteWriter(path, context: self)
        case .html:
            try ReviewWriter(
                path,
                .init(
                    title: title, kind: .classify, labels: labels, model: configuration.modelText, note: note),
                texts: .inputs(inputs))
        }
    }
}

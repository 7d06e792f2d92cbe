import Documents
import JSON

/// Where rows of extract and summarize go.
package enum AnswerWriter {
    /// - Throws: `.usage` for an ending that stands for no format.
    package static func make(_ path: String) throws -> any ResultWriter {
        switch try ResultFormat(path: path) {
        case .jsonLines: return try JSONLinesWriter(path)
        case .html, .csv, .sqlite:
            throw PipelineError.usage(
                "\(TerminalText.sanitized(path)): rows of this verb are written as .jsonl")
        }
    }
}

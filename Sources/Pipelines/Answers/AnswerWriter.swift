import Documents
import Evaluation
import JSON

/// What the writers of extract, summarize and ask need to know before the first row.
package struct AnswerContext {
    /// The verb: not `classify`.
    package var kind: ReviewKind
    package var title: String
    package var model: String
    /// Names of a record's fields, in the order of the schema; extract alone has them.
    package var fields: [String]
    package var texts: ReviewWriter.Texts

    package init(
        kind: ReviewKind, title: String, model: String = "", fields: [String] = [],
        texts: ReviewWriter.Texts
    ) {
        self.kind = kind
        self.title = title
        self.model = model
        self.fields = fields
        self.texts = texts
    }

    /// Refuses an ending that stands for no format of this verb, before anything is read.
    package static func check(_ path: String, _ kind: ReviewKind) throws(PipelineError) {
        if try ResultFormat(path: path) == .langextract, kind != .extract {
            throw .usage(
                "\(TerminalText.sanitized(path)): rows of extract are written as .langextract.jsonl, "
                    + "those of \(kind.rawValue) are not")
        }
    }

    /// - Throws: `.usage` for an ending that stands for no format.
    package func writer(_ path: String) throws -> any ResultWriter {
        try Self.check(path, kind)
        switch try ResultFormat(path: path) {
        case .jsonLines: return try JSONLinesWriter(path)
        case .csv: return try AnswerCSV(path, kind: kind, fields: fields)
        case .sqlite: return try AnswerDatabase.make(path, context: self)
        case .html:
            return try ReviewWriter(path, .init(title: title, kind: kind, model: model), texts: texts)
        case .langextract:
            guard case .inputs(let inputs) = texts else { preconditionFailure("extract reads inputs") }
            return try LangextractWriter(path, inputs: inputs)
        }
    }
}

import Answers
import Documents
import JSON

/// Rows of `lector summarize`.
package final class SummaryRows: AnswerRun.RowMaker {
    private let options: ExtractiveSummary.Options
    private var document: Document?
    private var cutter = SectionCutter(maximumBytes: 1 << 16)
    private var summary: ExtractiveSummary
    /// Nothing is read by a model.
    package let rows = 0

    package init(options: ExtractiveSummary.Options) {
        self.options = options
        summary = ExtractiveSummary(options: options)
    }

    package func begin(_ document: Document) {
        self.document = document
        cutter = SectionCutter(maximumBytes: 1 << 16)
        summary = ExtractiveSummary(options: options)
    }

    package func append(_ event: DocumentEvent) {
        for section in cutter.append(event) { summary.append(section) }
    }

    package func finish(_ end: DocumentEnd) -> JSONValue {
        guard let document else { preconditionFailure("no document was begun") }
        self.document = nil
        let result = summary.finish()
        var status = end.status
        if status == .ok, result.sentences.isEmpty { status = .skipped(.empty) }
        func json(_ sentence: ExtractiveSummary.Sentence) -> JSONValue {
            .object([
                JSONMember("score", .decimal(sentence.score)), JSONMember("words", .integer(sentence.words)),
                JSONMember("span", SpanRow.json(sentence.span, document, end)),
            ])
        }
        let text = result.sentences.map { Self.line($0.span.text) }.joined(separator: " ")
        var row = [
            JSONMember("item", .string(document.address)), JSONMember("status", .string(status.description)),
            JSONMember("summary", result.sentences.isEmpty ? .null : .string(text)),
            JSONMember("words", .integer(result.words)), JSONMember("style", .string("extractive")),
            JSONMember("sentences", .array(result.sentences.map(json))),
        ]
        if options.outline > 0 { row.append(JSONMember("outline", .array(result.outline.map(json)))) }
        row += [
            JSONMember("sentences_read", .integer(result.count)),
            JSONMember("read", .decimal(result.count > 0 ? 1 : 0)),
            JSONMember("metadata", .object(document.metadata.map { JSONMember($0.name, .string($0.value)) })),
        ]
        if !end.warnings.isEmpty {
            row.append(JSONMember("warnings", .array(end.warnings.map { .string($0) })))
        }
        return .object(row)
    }

    /// A sentence on one line; its span keeps the line breaks.
    private static func line(_ utf8: [UInt8]) -> String {
        var out: [UInt8] = []
        for byte in utf8 {
            if byte == 0x20 || (0x09...0x0D).contains(byte) {
                if out.last != 0x20 { out.append(0x20) }
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

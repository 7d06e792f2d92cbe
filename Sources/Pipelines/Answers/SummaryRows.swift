import Answers
import Documents
import Inference
import JSON

/// Rows of `lector summarize`: one a document, a thread, a folder, or one of everything.
package final class SummaryRows: AnswerRun.RowMaker {
    private let task: SummaryTask
    private let title: String
    private let writer: AbstractiveSummary?
    private let modelText: String?
    private var earlier: [String: SummarySubject.Earlier] = [:]
    private var subjects: [String: SummarySubject] = [:]
    private var order: [String] = []
    private var open: SummarySubject?
    /// Keys of threads by the identity of each of their mails.
    private var threads: [String: String] = [:]
    package private(set) var rows = 0

    /// - Parameters:
    ///   - title: What all documents together are called.
    ///   - model: Needed for sentences that are written.
    /// - Throws: `.data` for an earlier result that is none.
    package init(task: SummaryTask, title: String, model: LoadedModel?) throws {
        self.task = task
        self.title = title
        writer = try task.style == .abstractive ? model.map { try AbstractiveSummary(model: $0) } : nil
        modelText = writer == nil ? nil : model.map { AnswerTask.text(of: $0) }
        for (index, line) in task.earlier.split(separator: 0x0A).enumerated() {
            guard let row = try? JSONValue(parsing: line), let item = row["item"]?.string else {
                throw PipelineError.data("line \(index + 1) of the earlier result is no row of summarize")
            }
            guard let bytes = row["text_bytes"]?.integer, let digest = row["text_digest"]?.string else {
                throw PipelineError.data(
                    "line \(index + 1) of the earlier result does not say which text it is of (text_digest); "
                        + "rows of this version do: summarize once without --since")
            }
            let sentences = (row["sentences"]?.array ?? []).flatMap { sentence in
                (sentence["spans"]?.array ?? [sentence["span"] ?? .null]).compactMap(Self.span)
            }
            earlier[item] = .init(bytes: bytes, digest: digest, sentences: sentences)
        }
    }

    private static func span(_ json: JSONValue) -> TextSpan? {
        guard let part = json["part"]?.string, let start = json["start"]?.integer,
            let end = json["end"]?.integer, 0 <= start, start <= end, let text = json["text"]?.string
        else { return nil }
        return TextSpan(part: part, range: start..<end, text: Array(text.utf8))
    }

    /// Whether rows come at the end alone.
    package var isGrouped: Bool { task.subject != .document }

    package func takePart() -> JSONValue? { nil }

    package func begin(_ document: Document, after parts: [JSONValue]) {
        let (key, item) = subject(of: document)
        if let known = subjects[key] {
            open = known
        } else {
            let new = SummarySubject(
                item: item,
                metadata: task.subject == .document || task.subject == .thread ? document.metadata : [],
                options: task.options, earlier: earlier[item])
            open = new
            if isGrouped {
                subjects[key] = new
                order.append(key)
            }
        }
        open?.append(.begin(document))
    }

    /// Under which name documents are put together, and what that is called.
    private func subject(of document: Document) -> (key: String, item: String) {
        switch task.subject {
        case .document: return (document.address, document.address)
        case .all: return ("", title)
        case .folder:
            let address = document.address
            let cut = address.lastIndex { $0 == "#" } ?? address.lastIndex { $0 == "/" }
            let folder = cut.map { String(address[..<$0]) } ?? address
            return (folder, folder)
        case .thread: return (thread(of: document), document.address)
        }
    }

    /// A mail belongs to the thread of the mails that it names, else to that of its subject.
    private func thread(of document: Document) -> String {
        var names: [String] = []
        for field in ["message-id", "in-reply-to", "references"] {
            names += (document.first(field) ?? "").split(whereSeparator: { " \t,".contains($0) }).map(
                String.init)
        }
        let key = names.lazy.compactMap { self.threads[$0] }.first
        let isAnswer = document.first("in-reply-to") != nil || document.first("references") != nil
        let subject = "subject " + Self.bareSubject(document.first("subject") ?? "")
        let chosen = key ?? (isAnswer ? threads[subject] : nil) ?? document.address
        for name in names where threads[name] == nil { threads[name] = chosen }
        if threads[subject] == nil { threads[subject] = chosen }
        return chosen
    }

    /// A subject without `Re:`, `Fwd:` and the like.
    static func bareSubject(_ subject: String) -> String {
        var rest = subject.lowercased()[...]
        while let colon = rest.firstIndex(of: ":"),
            rest[..<colon].allSatisfy({ $0.isLetter || " []0123456789".contains($0) }),
            ["re", "fw", "fwd", "aw", "wg", "sv", "antw", "tr", "rv"].contains(
                rest[..<colon].filter(\.isLetter))
        {
            rest = rest[rest.index(after: colon)...].drop { $0 == " " }
        }
        return String(rest)
    }

    package func append(_ event: DocumentEvent) { if case .text = event { open?.append(event) } }

    package func finish(_ end: DocumentEnd) throws -> JSONValue? {
        guard let subject = open else { preconditionFailure("no document was begun") }
        open = nil
        subject.append(.end(end))
        return isGrouped ? nil : try row(subject)
    }

    package func close() throws -> [JSONValue] {
        defer { (subjects, order) = ([:], []) }
        return try order.map { try row(subjects[$0]!) }
    }

    // MARK: The row

    private func row(_ subject: SummarySubject) throws -> JSONValue {
        let result = subject.summary.finish()
        var status = subject.status ?? .ok
        if status == .ok, result.sentences.isEmpty { status = .skipped(.empty) }
        var sentences = result.sentences.map { json($0, subject) }
        var text = result.sentences.map { Self.line($0.span.text) }.joined(separator: " ")
        var words = result.words
        var style = SummaryTask.Style.extractive
        var warnings = subject.warnings
        var dropped: Int?
        if let writer, !result.sentences.isEmpty {
            let written = try writer.write(subject.summary, least: task.leastSupport)
            rows += written.rows
            dropped = written.dropped
            if written.sentences.isEmpty {
                warnings.append("no sentence that the model wrote is borne out by the text; these are copied")
            } else {
                style = .abstractive
                sentences = written.sentences.map { json($0, subject) }
                text = written.sentences.map(\.text).joined(separator: " ")
                words = written.sentences.reduce(0) { $0 + $1.words }
            }
        }
        var row = [
            JSONMember("item", .string(subject.item)), JSONMember("status", .string(status.description)),
            JSONMember("summary", sentences.isEmpty ? .null : .string(text)),
            JSONMember("words", .integer(words)), JSONMember("style", .string(style.rawValue)),
            JSONMember("sentences", .array(sentences)),
        ]
        if let dropped { row.append(JSONMember("dropped", .integer(dropped))) }
        if task.options.outline > 0 {
            row.append(JSONMember("outline", .array(result.outline.map { json($0, subject) })))
        }
        if let growth = subject.growth { row.append(JSONMember("update", update(growth, subject))) }
        if isGrouped { row.append(JSONMember("documents", .integer(subject.documents))) }
        row += [
            JSONMember("sentences_read", .integer(result.count)),
            JSONMember("read", .decimal(result.count > 0 ? 1 : 0)),
            JSONMember("text_bytes", .integer(subject.textBytes)),
            JSONMember("text_digest", .string(subject.digestText)),
            JSONMember("metadata", .object(subject.metadata.map { JSONMember($0.name, .string($0.value)) })),
        ]
        if !warnings.isEmpty { row.append(JSONMember("warnings", .array(warnings.map { .string($0) }))) }
        if let modelText { row.append(JSONMember("model", .string(modelText))) }
        return .object(row)
    }

    private func json(_ sentence: ExtractiveSummary.Sentence, _ subject: SummarySubject) -> JSONValue {
        .object([
            JSONMember("score", .decimal(sentence.score)), JSONMember("words", .integer(sentence.words)),
            JSONMember("span", subject.json(sentence.span)),
        ])
    }

    private func json(_ sentence: AbstractiveSummary.Sentence, _ subject: SummarySubject) -> JSONValue {
        .object([
            JSONMember("text", .string(sentence.text)), JSONMember("words", .integer(sentence.words)),
            JSONMember("support", .decimal(sentence.support)),
            JSONMember("probability", .decimal(sentence.probability)),
            JSONMember("confidence", .string("words in common")),
            JSONMember("spans", .array(sentence.spans.map { subject.json($0) })),
        ])
    }

    private func json(_ entry: OutlineEntry, _ subject: SummarySubject) -> JSONValue {
        .object([
            JSONMember("heading", entry.heading.map { .string(Self.line($0.text)) } ?? .null),
            JSONMember("level", .integer(entry.level)), JSONMember("sentences", .integer(entry.sentences)),
            JSONMember("heading_span", entry.heading.map { subject.json($0) } ?? .null),
            JSONMember("score", .decimal(entry.sentence.score)),
            JSONMember("words", .integer(entry.sentence.words)),
            JSONMember("span", subject.json(entry.sentence.span)),
        ])
    }

    private func update(
        _ growth: (first: Int, older: [ExtractiveSummary.Sentence]), _ subject: SummarySubject
    ) -> JSONValue {
        let sentences = subject.summary.update(since: growth.first, older: growth.older)
        return .object([
            JSONMember(
                "summary",
                sentences.isEmpty
                    ? .null : .string(sentences.map { Self.line($0.span.text) }.joined(separator: " "))),
            JSONMember("sentences_added", .integer(subject.summary.count - growth.first)),
            JSONMember("sentences", .array(sentences.map { json($0, subject) })),
        ])
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

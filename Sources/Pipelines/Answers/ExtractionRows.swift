import Answers
import Documents
import JSON

/// Rows of `lector extract`.
package final class ExtractionRows: AnswerRun.RowMaker {
    private let extractor: Extractor
    private let threshold: Double
    private let modelText: String
    private var document: Document?
    private var cutter = SectionCutter()
    private var waiting: [DocumentSection] = []
    private var found: [Finding] = []
    /// What a stopped process found in the sections that come next, a step each.
    private var known: ArraySlice<JSONValue> = []
    private var part: JSONValue?
    private var places: DocumentPlaces
    private var sections = 0
    private var unfinished = 0
    private var tokens = 0
    package private(set) var rows = 0

    /// - Parameter threshold: Values less probable than this stay out of `data`; `fields` has them, marked.
    package init(extractor: Extractor, threshold: Double = 0, modelText: String) {
        self.extractor = extractor
        self.threshold = threshold
        self.modelText = modelText
        places = DocumentPlaces(options: extractor.options)
    }

    package func begin(_ document: Document, after parts: [JSONValue]) {
        self.document = document
        known = parts[...]
        part = nil
        cutter = SectionCutter()
        waiting = []
        found = []
        places = DocumentPlaces(options: extractor.options)
        (sections, unfinished, tokens) = (0, 0, 0)
    }

    package func append(_ event: DocumentEvent) throws {
        waiting += cutter.append(event)
        if waiting.count >= extractor.options.sectionsPerStep { try read() }
    }

    /// - Parameter isEnd: Whether the document ends with what waits.
    private func read(isEnd: Bool = false) throws {
        let results: [Extractor.Result]
        if !isEnd, let step = takeKnown() {
            results = step
        } else {
            let isWhole = isEnd && sections + waiting.count == 1
            results = try extractor.extract(waiting, isWhole: isWhole)
            rows += results.reduce(0) { $0 + $1.rows }
            if !isEnd { part = .array(results.map(\.stored)) }
        }
        for (section, result) in zip(waiting, results) {
            sections += 1
            tokens += result.tokens
            if !result.isComplete { unfinished += 1 }
            if let finding = result.finding { found.append(finding) }
            places.append(section)
        }
        waiting = []
    }

    /// What a stopped process found in the sections that wait; nil where there is nothing of that length.
    private func takeKnown() -> [Extractor.Result]? {
        guard let step = known.popFirst() else { return nil }
        let results = (step.array ?? []).compactMap { Extractor.Result(stored: $0) }
        guard results.count == waiting.count else {
            known = []
            return nil
        }
        return results
    }

    package func takePart() -> JSONValue? {
        defer { part = nil }
        return part
    }

    package let isGrouped = false

    package func close() -> [JSONValue] { [] }

    package func finish(_ end: DocumentEnd) throws -> JSONValue? {
        try read(isEnd: true)
        guard let document else { preconditionFailure("no document was begun") }
        let found = Finding.merged(found).map { places.placed(extractor.schema.limited($0)) }
        var status = end.status
        if status == .ok, sections == 0 { status = .skipped(.empty) }
        if status == .ok, unfinished > 0 { status = .partial(.tokens) }
        var row = [
            JSONMember("item", .string(document.address)), JSONMember("status", .string(status.description)),
            JSONMember("data", found.map { data($0, extractor.schema.json) } ?? .null),
        ]
        var fields: [JSONValue] = []
        var (shown, withheld) = (0, 0)
        found?.forEachLeaf { pointer, leaf in
            if !leaf.value.isNull { if isWithheld(leaf) { withheld += 1 } else { shown += 1 } }
            fields.append(field(pointer, leaf, document, end))
        }
        if status == .ok, shown == 0, withheld > 0 {
            row[1] = JSONMember("status", .string(ItemStatus.abstained.description))
        }
        row.append(JSONMember("fields", .array(fields)))
        let missing = found.map { extractor.schema.missing(in: $0.json) } ?? []
        if !missing.isEmpty { row.append(JSONMember("missing", .array(missing.map { .string($0) }))) }
        if unfinished > 0 { row.append(JSONMember("unfinished_sections", .integer(unfinished))) }
        row += [
            JSONMember("tokens", .integer(tokens)), JSONMember("read", .decimal(sections > 0 ? 1 : 0)),
            JSONMember(
                "metadata", .object(document.metadata.map { JSONMember($0.name, .string($0.value)) })),
        ]
        if !end.warnings.isEmpty {
            row.append(JSONMember("warnings", .array(end.warnings.map { .string($0) })))
        }
        row.append(JSONMember("model", .string(modelText)))
        self.document = nil
        return .object(row)
    }

    private func isWithheld(_ leaf: Finding.Leaf) -> Bool {
        !leaf.value.isNull && leaf.probability < threshold
    }

    /// The values without those that are held back and the nulls that the schema, as it was given, does not know.
    private func data(_ finding: Finding, _ schema: JSONValue) -> JSONValue {
        switch finding {
        case .value(let leaf): return isWithheld(leaf) ? .null : leaf.value
        case .list(let list):
            let shown = list.filter { if case .value(let leaf) = $0 { !isWithheld(leaf) } else { true } }
            let inner = schema["items"] ?? .bool(true)
            // A record that lost what it requires is no record.
            let required = (inner["required"]?.array ?? []).compactMap(\.string)
            return .array(
                shown.map { data($0, inner) }.filter { value in
                    guard let members = value.members else { return true }
                    return !members.isEmpty && required.allSatisfy { value[$0] != nil }
                })
        case .object(let members):
            return .object(
                members.compactMap { member in
                    let inner = schema["properties"]?[member.name] ?? .bool(true)
                    let value = data(member.finding, inner)
                    return value.isNull && !ExtractionSchema.mayBeNull(inner)
                        ? nil : JSONMember(member.name, value)
                })
        }
    }

    private func field(
        _ pointer: String, _ leaf: Finding.Leaf, _ document: Document, _ end: DocumentEnd
    ) -> JSONValue {
        var members = [
            JSONMember("field", .string(pointer)), JSONMember("value", leaf.value),
            JSONMember("probability", .decimal(leaf.probability)),
            JSONMember("null_probability", .decimal(leaf.nullProbability)),
            JSONMember("confidence", .string("tokens")),
        ]
        if isWithheld(leaf) { members.append(JSONMember("withheld", .bool(true))) }
        if leaf.value.string != nil { members.append(JSONMember("grounded", .bool(leaf.isVerbatim))) }
        if leaf.isAmbiguous { members.append(JSONMember("ambiguous", .bool(true))) }
        if !leaf.spans.isEmpty {
            members.append(JSONMember("spans", .array(leaf.spans.map { SpanRow.json($0, document, end) })))
        }
        return .object(members)
    }
}

/// A span as rows carry it.
enum SpanRow {
    /// Offsets are UTF-8 bytes of the decoded text of the part, as `documents --text` prints it, or of
    /// the header lines of a mail (`part` ends in `#header`).
    static func json(_ span: TextSpan, _ document: Document, _ end: DocumentEnd) -> JSONValue {
        var source = JSONValue.null
        // A plain text whose file is as long as its text is its text.
        if document.kind == .text, let slice = end.source, slice.end - slice.start == end.textBytes,
            span.part != nil
        {
            source = .object([
                JSONMember("start", .integer(slice.start + span.range.lowerBound)),
                JSONMember("end", .integer(slice.start + span.range.upperBound)),
            ])
        }
        return .object([
            JSONMember("part", .string(span.part ?? document.address + "#header")),
            JSONMember("start", .integer(span.range.lowerBound)),
            JSONMember("end", .integer(span.range.upperBound)),
            JSONMember("text", .string(String(decoding: span.text, as: UTF8.self))),
            JSONMember("source", source),
        ])
    }
}

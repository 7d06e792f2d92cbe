import Answers
import Documents
import Glibc
import Ingest
import JSON

/// Rows of extract as google/langextract writes annotated documents, so that its viewer and its users' tools read them.
///
/// A line is `{"extractions": [...], "text": ..., "document_id": ADDRESS}`. `char_interval` counts code points of
/// `text`; it is null for what is not copied from the text, as there. Byte offsets, part and probability are attributes,
/// which are texts there. Texts are read once more from the inputs when all rows are there.
///
/// Source: langextract/data.py and data_lib.py.
final class LangextractWriter: ResultWriter {
    private let file: AtomicFile
    private let inputs: DocumentInputs
    /// Rows as lines, in a file that has no name any more.
    private let spool: Int32
    private let spoolPath: String

    init(_ path: String, inputs: DocumentInputs) throws(PipelineError) {
        file = try AtomicFile(path, mode: 0o666)
        self.inputs = inputs
        spoolPath = path + ".rows"
        spool = open(spoolPath, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard spool >= 0 else { throw FileSystem.error("write", spoolPath) }
        unlink(spoolPath)
    }

    deinit { close(spool) }

    func write(_ json: JSONValue) throws {
        try FileSystem.write(json.bytes + [0x0A], to: spool, path: spoolPath)
    }

    func finish() throws {
        lseek(spool, 0, SEEK_SET)
        var rows = try LineReader("/proc/self/fd/\(spool)")
        if inputs.includesStandardInput { StandardInput.rewind() }
        let stream = inputs.documents()
        while let line = try rows.next() {
            let row = try JSONValue(parsing: line.bytes)
            let text = Self.nextText(stream)
            // A document that changed since its row was made has no text to point into.
            let known = text.flatMap { $0.address == row["item"]?.string ? $0 : nil }
            try file.write(Self.document(row, known).bytes + [0x0A])
        }
        try file.commit()
    }

    /// A document's text with the places of its parts.
    struct Text {
        var address = ""
        var utf8: [UInt8] = []
        /// Where runs of parts begin in `utf8`.
        var runs: [(part: String, start: Int, at: Int, count: Int)] = []

        /// Where bytes of a part lie in `utf8`.
        func place(part: String, _ range: Range<Int>) -> Range<Int>? {
            for run in runs
            where run.part == part && run.start <= range.lowerBound
                && range.lowerBound < run.start + run.count
            {
                let start = run.at + range.lowerBound - run.start
                return start + range.count <= utf8.count ? start..<start + range.count : nil
            }
            return nil
        }
    }

    private static func nextText(_ stream: DocumentStream) -> Text? {
        var text = Text()
        var rendering = DocumentRendering()
        while let event = stream.next() {
            let before = text.utf8.count
            rendering.append(event, to: &text.utf8)
            switch event {
            case .begin(let document):
                text.address = document.address
                text.runs.append((document.address + "#header", 0, 0, text.utf8.count))
            case .text(let chunk):
                let gap = text.utf8.count - before - chunk.utf8.count
                text.runs.append((chunk.part, chunk.start, before + gap, chunk.utf8.count))
            case .end: return text
            }
        }
        return nil
    }

    static func document(_ row: JSONValue, _ text: Text?) -> JSONValue {
        let fields = (row["fields"]?.array ?? []).filter { $0["value"]?.isNull == false }
        let places = fields.map { field -> Range<Int>? in
            guard let span = field["spans"]?.array?.first, let part = span["part"]?.string,
                let start = span["start"]?.integer, let end = span["end"]?.integer, start < end
            else { return nil }
            return text?.place(part: part, start..<end)
        }
        let edges = Set(places.compactMap { $0 }.flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        let points = codePoints(before: edges, in: text?.utf8 ?? [])
        var extractions: [JSONValue] = []
        for (index, (field, place)) in zip(fields, places).enumerated() {
            let steps = (field["field"]?.string ?? "").split(separator: "/")
            let value = field["value"] ?? .null
            var attributes: [JSONMember] = []
            for name in ["probability", "null_probability"] {
                if let number = field[name] { attributes.append(JSONMember(name, .string(number.text))) }
            }
            if let span = field["spans"]?.array?.first {
                for name in ["part", "start", "end"] {
                    attributes.append(
                        JSONMember(name, .string(span[name]?.string ?? span[name]?.text ?? "")))
                }
            }
            extractions.append(
                .object([
                    JSONMember(
                        "extraction_class", .string(steps.filter { Int($0) == nil }.joined(separator: "/"))),
                    JSONMember("extraction_text", .string(value.string ?? value.text)),
                    JSONMember(
                        "char_interval",
                        place.map {
                            .object([
                                JSONMember("start_pos", .integer(points[$0.lowerBound]!)),
                                JSONMember("end_pos", .integer(points[$0.upperBound]!)),
                            ])
                        } ?? .null),
                    JSONMember("alignment_status", place == nil ? .null : .string("match_exact")),
                    JSONMember("extraction_index", .integer(index + 1)),
                    JSONMember("group_index", .integer(steps.compactMap { Int($0) }.first ?? 0)),
                    JSONMember("description", .null), JSONMember("attributes", .object(attributes)),
                ]))
        }
        return .object([
            JSONMember("extractions", .array(extractions)),
            JSONMember("text", text.map { .string(String(decoding: $0.utf8, as: UTF8.self)) } ?? .null),
            JSONMember("document_id", .string(row["item"]?.string ?? "")),
        ])
    }

    /// How many code points stand before each of some bytes, which ascend.
    private static func codePoints(before edges: [Int], in utf8: [UInt8]) -> [Int: Int] {
        var result: [Int: Int] = [:]
        var (at, count) = (0, 0)
        for edge in edges {
            while at < edge {
                if utf8[at] & 0xC0 != 0x80 { count += 1 }
                at += 1
            }
            result[edge] = count
        }
        return result
    }
}

import Answers
import Evaluation
import GRDB
import Glibc
import JSON
import Pipelines
import Testing

@Suite("Results of extract, summarize and ask")
struct AnswerWriterTests {
    private static let text = "Häuser: 田中😀 owes =7 €.\nAda signs.\n"

    private static func span(_ words: String, _ part: String) -> JSONValue {
        let low = text.firstRange(of: words)!.lowerBound
        let start = text.utf8.distance(from: text.startIndex, to: low)
        return .object([
            JSONMember("part", .string(part)), JSONMember("start", .integer(start)),
            JSONMember("end", .integer(start + words.utf8.count)), JSONMember("text", .string(words)),
            JSONMember("source", .null),
        ])
    }

    private static func field(_ name: String, _ words: String?, _ part: String) -> JSONValue {
        .object([
            JSONMember("field", .string(name)), JSONMember("value", .optional(words)),
            JSONMember("probability", .decimal(0.5)), JSONMember("null_probability", .decimal(0.25)),
            JSONMember("confidence", .string("tokens")), JSONMember("grounded", .bool(words != "free")),
            JSONMember("spans", .array(words == nil || words == "free" ? [] : [span(words!, part)])),
        ])
    }

    /// Two records, one of them with a value that is not copied.
    private static func extraction(_ item: String) -> JSONValue {
        .object([
            JSONMember("item", .string(item)), JSONMember("status", .string("ok")),
            JSONMember(
                "data",
                .array([
                    .object([JSONMember("who", .string("田中😀")), JSONMember("sum", .string("=7 €"))]),
                    .object([JSONMember("who", .string("Ada")), JSONMember("sum", .string("free"))]),
                ])),
            JSONMember(
                "fields",
                .array([
                    field("/0/who", "田中😀", item), field("/0/sum", "=7 €", item), field("/1/who", "Ada", item),
                    field("/1/sum", "free", item), field("/1/note", nil, item),
                ])),
            JSONMember("tokens", .integer(20)), JSONMember("read", .decimal(1)),
            JSONMember("metadata", .object([JSONMember("subject", .string("Geld"))])),
            JSONMember("model", .string("m")),
        ])
    }

    private func write(
        _ name: String, _ kind: ReviewKind, _ rows: [JSONValue], inputs: [String], _ folder: TemporaryFolder
    ) throws -> String {
        let context = AnswerContext(
            kind: kind, title: "t", model: "m", fields: kind == .extract ? ["who", "sum"] : [],
            texts: .inputs(DocumentInputs(inputs)))
        let writer = try context.writer(folder.file(name))
        for row in rows { try writer.write(row) }
        #expect(!FileSystem.exists(folder.file(name)), "nothing is there before the end")
        try writer.finish()
        return String(decoding: try FileSystem.read(folder.file(name)), as: UTF8.self)
    }

    @Test("extraction as CSV: a line a record, no cell a formula, a line for a document without a record")
    func extractionCSV() throws {
        let folder = TemporaryFolder()
        let path = folder.write(Self.text, to: "a.txt")
        let empty = JSONValue.object([
            JSONMember("item", .string("b")), JSONMember("status", .string("skipped.empty")),
            JSONMember("data", .null), JSONMember("fields", .array([])), JSONMember("model", .string("m")),
        ])
        let csv = try write("r.csv", .extract, [Self.extraction(path), empty], inputs: [path], folder)
        #expect(
            csv == """
                item,status,record,who,sum,p(who),p(sum),subject,from,date,warnings,model\r
                \(path),ok,1,田中😀,'=7 €,0.5,0.5,Geld,,,,m\r
                \(path),ok,2,Ada,free,0.5,0.5,Geld,,,,m\r
                b,skipped.empty,,,,,,,,,,m\r

                """)
    }

    @Test("extraction as SQLite: values, their places, the view, and the same bytes twice")
    func extractionDatabase() throws {
        let folder = TemporaryFolder()
        let path = folder.write(Self.text, to: "a.txt")
        _ = try write("r.sqlite", .extract, [Self.extraction(path)], inputs: [path], folder)
        _ = try write("s.sqlite", .extract, [Self.extraction(path)], inputs: [path], folder)
        #expect(try FileSystem.read(folder.file("r.sqlite")) == FileSystem.read(folder.file("s.sqlite")))
        let bytes = Array(Self.text.utf8)
        try DatabaseQueue(path: folder.file("r.sqlite")).read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM extracted ORDER BY id")
            #expect(rows.map { $0["name"] as String } == ["who", "sum", "who", "sum", "note"])
            #expect(rows.map { $0["record"] as Int? } == [1, 1, 2, 2, 2])
            #expect(rows.map { $0["value"] as String? } == ["田中😀", "=7 €", "Ada", "free", nil])
            for row in rows.prefix(3) {
                let (start, end): (Int, Int) = (row["start"], row["end"])
                #expect(String(decoding: bytes[start..<end], as: UTF8.self) == row["value"] as String)
            }
            #expect(rows[3]["start"] as Int? == nil && rows[3]["grounded"] as Bool == false)
        }
    }

    @Test(
        "langextract's form: characters are code points, null where nothing is copied; a changed text has none"
    )
    func langextract() throws {
        let folder = TemporaryFolder()
        let path = folder.write(Self.text, to: "a.txt")
        let gone = folder.file("gone.txt")
        let lines = try write(
            "r.langextract.jsonl", .extract, [Self.extraction(path), Self.extraction(gone)], inputs: [path],
            folder
        ).split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.count == 2)
        #expect(lines[0]["text"]?.string == Self.text && lines[0]["document_id"]?.string == path)
        #expect(lines[1]["text"] == .null)
        let scalars = Array(Self.text.unicodeScalars)
        let found = lines[0]["extractions"]?.array ?? []
        #expect(found.map { $0["extraction_class"]?.string } == ["who", "sum", "who", "sum"])
        #expect(found.map { $0["group_index"]?.integer } == [0, 0, 1, 1])
        for extraction in found.prefix(3) {
            let start = try #require(extraction["char_interval"]?["start_pos"]?.integer)
            let end = try #require(extraction["char_interval"]?["end_pos"]?.integer)
            var words = String.UnicodeScalarView()
            words.append(contentsOf: scalars[start..<end])
            #expect(String(words) == extraction["extraction_text"]?.string)
            #expect(extraction["alignment_status"]?.string == "match_exact")
        }
        #expect(found[3]["char_interval"] == .null && found[3]["alignment_status"] == .null)
        #expect((lines[1]["extractions"]?.array ?? []).allSatisfy { $0["char_interval"] == .null })
        #expect(throws: PipelineError.self) { try AnswerContext.check("a.langextract.jsonl", .ask) }
    }

    @Test("summaries and questions as CSV and SQLite")
    func others() throws {
        let folder = TemporaryFolder()
        let summary = JSONValue.object([
            JSONMember("item", .string("a")), JSONMember("status", .string("ok")),
            JSONMember("summary", .string("Ada signs.")), JSONMember("words", .integer(2)),
            JSONMember("style", .string("extractive")),
            JSONMember(
                "sentences",
                .array([
                    .object([
                        JSONMember("score", .decimal(0.5)), JSONMember("words", .integer(2)),
                        JSONMember("span", Self.span("Ada signs.", "a")),
                    ])
                ])),
        ])
        #expect(
            try write("s.csv", .summarize, [summary], inputs: [], folder)
                == "item,status,summary,words,style,subject,from,date,warnings,model\r\na,ok,Ada signs.,2,extractive,,,,,\r\n"
        )
        _ = try write("s.sqlite", .summarize, [summary], inputs: [], folder)
        try DatabaseQueue(path: folder.file("s.sqlite")).read { database in
            let row = try #require(try Row.fetchOne(database, sql: "SELECT * FROM sentences"))
            #expect(row["text"] as String == "Ada signs." && row["kind"] as String == "summary")
            #expect(try String.fetchOne(database, sql: "SELECT summary FROM summarized") == "Ada signs.")
        }
        let answer = JSONValue.object([
            JSONMember("id", .integer(7)), JSONMember("question", .string("Who?")),
            JSONMember("status", .string("ok")), JSONMember("answer", .string("Ada")),
            JSONMember("from", .string("reread")), JSONMember("probability", .decimal(0.75)),
            JSONMember("spans", .array([Self.span("Ada", "a")])),
            JSONMember("passages", .array([Self.span("Ada signs.", "a")])),
        ])
        let csv = try write("q.csv", .ask, [answer], inputs: [], folder)
        #expect(csv.hasSuffix("\r\n7,Who?,ok,Ada,0.75,reread,a,33,36\r\n"), "\(csv)")
        _ = try write("q.sqlite", .ask, [answer], inputs: [], folder)
        try DatabaseQueue(path: folder.file("q.sqlite")).read { database in
            let row = try #require(try Row.fetchOne(database, sql: "SELECT * FROM answered"))
            #expect(row["name"] as String == "7" && row["start"] as Int == 33)
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM spans") == 2)
        }
    }

    @Test("the documented tables are those that are written")
    func documentation() throws {
        let folder = TemporaryFolder()
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        let page = String(
            decoding: try FileSystem.read(
                root + "/Sources/Pipelines/Documentation.docc/ResultsStore.md"), as: UTF8.self)
        func words(_ text: String) -> String {
            text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        let known = words(page)
        for kind in [ReviewKind.extract, .summarize, .ask] {
            _ = try write("\(kind).sqlite", kind, [], inputs: [], folder)
            try DatabaseQueue(path: folder.file("\(kind).sqlite")).read { database in
                let made = try String.fetchAll(
                    database, sql: "SELECT sql FROM sqlite_master WHERE type IN ('table', 'view')")
                #expect(made.count >= 4)
                for sql in made { #expect(known.contains(words(sql)), "not in ResultsStore.md: \(sql)") }
            }
        }
        let context = ResultContext(title: "t", configuration: RunConfiguration(labels: .spamOrHam))
        let writer = try context.writer(folder.file("c.sqlite"))
        try writer.finish()
        try DatabaseQueue(path: folder.file("c.sqlite")).read { database in
            let made = try String.fetchAll(
                database, sql: "SELECT sql FROM sqlite_master WHERE type IN ('table', 'view')")
            for sql in made { #expect(known.contains(words(sql)), "not in ResultsStore.md: \(sql)") }
        }
    }
}

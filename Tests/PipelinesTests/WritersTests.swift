import Answers
import Documents
import Evaluation
import GRDB
import Glibc
import Pipelines
import Testing

@Suite("Results files")
struct WritersTests {
    private let context = ResultContext(
        title: "t",
        configuration: RunConfiguration(labels: try! LabelList([Label(name: "spam"), Label(name: "=ham")])))

    private let rows = [
        ClassificationRow(
            item: "a.mbox#0", status: .ok, label: "spam", probability: 0.75,
            distribution: [
                .init(label: "spam", probability: 0.75), .init(label: "=ham", probability: 0.25),
            ],
            tokens: 12, read: 1,
            metadata: [
                MetadataField(name: "subject", value: "=HYPERLINK(\"http://x\",\"y\")\u{1B}[2J"),
                MetadataField(name: "from", value: "\"Ä, B\" <a@b>"),
            ], model: "m"),
        ClassificationRow(item: "-b", status: .failed(.damaged), warnings: ["one", "two"], model: "m"),
    ]

    @Test(
        "no cell of a CSV file is a formula",
        arguments: [
            ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""), ("\u{FF1D}1", "'\u{FF1D}1"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""), ("a", "a"), ("", ""), ("a\u{1B}[0m\u{9B}", "a\u{FFFD}[0m\u{FFFD}"),
            ("=a,b", "\"'=a,b\""),
        ])
    func cells(text: String, cell: String) { #expect(CSVWriter.cell(text) == cell) }

    private func write(_ path: String) throws {
        let writer = try context.writer(path)
        for row in rows { try writer.write(row.json) }
        #expect(!FileSystem.exists(path), "nothing is there before the end")
        try writer.finish()
    }

    @Test("CSV: a header, a line each, numbers as numbers")
    func csv() throws {
        let folder = TemporaryFolder()
        try write(folder.file("r.csv"))
        let text = String(decoding: try FileSystem.read(folder.file("r.csv")), as: UTF8.self)
        #expect(
            text == """
                item,status,label,probability,p(spam),p(=ham),tokens,read,duplicate_of,subject,from,date,warnings,model\r
                a.mbox#0,ok,spam,0.75,0.75,0.25,12,1.0,,"'=HYPERLINK(""http://x"",""y"")\u{FFFD}[2J",\"""Ä, B"" <a@b>",,,m\r
                '-b,failed.damaged,,,,,0,0.0,,,,,"one; two",m\r

                """)
    }

    @Test("JSON lines read back as the rows")
    func jsonLines() throws {
        let folder = TemporaryFolder()
        try write(folder.file("r.jsonl"))
        var seen: [ClassificationRow] = []
        try ResultsReader.readLines(folder.file("r.jsonl")) { seen.append($0) }
        #expect(seen == rows)
    }

    @Test("SQLite: tables, the view, and the same bytes twice")
    func sqlite() throws {
        let folder = TemporaryFolder()
        try write(folder.file("r.sqlite"))
        try write(folder.file("s.sqlite"))
        #expect(try FileSystem.read(folder.file("r.sqlite")) == FileSystem.read(folder.file("s.sqlite")))
        let queue = try DatabaseQueue(path: folder.file("r.sqlite"))
        try queue.read { database in
            #expect(try String.fetchOne(database, sql: "PRAGMA integrity_check") == "ok")
            let row = try #require(try Row.fetchOne(database, sql: "SELECT * FROM classified WHERE id = 1"))
            let label: String? = row["label"]
            let probability: Double? = row["probability"]
            let sender: String? = row["sender"]
            #expect(label == "spam")
            #expect(probability == 0.75)
            #expect(sender == "\"Ä, B\" <a@b>")
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM distribution") == 2)
            #expect(
                try String.fetchOne(database, sql: "SELECT status FROM results WHERE item_id = 2")
                    == "failed.damaged")
        }
    }

    @Test("a report is written", arguments: ["r.html", "r.HTM"])
    func report(name: String) throws {
        let folder = TemporaryFolder()
        try write(folder.file(name))
        let text = String(decoding: try FileSystem.read(folder.file(name)), as: UTF8.self)
        #expect(text.contains("<html") && text.contains("failed.damaged"))
    }

    @Test("endings that stand for nothing", arguments: ["r.txt", "r", "r.json", "dir.csv/x"])
    func endings(path: String) {
        do {
            _ = try ResultFormat(path: path)
            Issue.record("it was taken")
        } catch { #expect(error.exitStatus == 64) }
    }

    @Test("a file that cannot be written leaves the one before; a folder is no file")
    func atomic() throws {
        let folder = TemporaryFolder()
        folder.write("before", to: "r.csv")
        do {
            let writer = try context.writer(folder.file("r.csv"))
            try writer.write(rows[0].json)
        }
        #expect(try FileSystem.read(folder.file("r.csv")) == Array("before".utf8))
        #expect(!FileSystem.exists(folder.file("r.csv.part")))
        #expect(throws: PipelineError.self) { try context.writer(folder.path + "/none/r.csv") }
        mkdir(folder.file("d.csv"), 0o700)
        #expect(throws: PipelineError.self) { try context.writer(folder.file("d.csv")) }
        mkdir(folder.file("d.sqlite"), 0o700)
        #expect(throws: PipelineError.self) { try context.writer(folder.file("d.sqlite")) }
    }
}

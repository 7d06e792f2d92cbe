import Glibc
import JSON
import Testing

/// extract and summarize as people run them.
@Suite struct AnswerCommandTests {
    private static let schema =
        #"{"type": "object", "properties": {"name": {"type": "string"}, "date": {"type": "string"}}}"#

    @Test("rows come one a document, odd ones with their reason, and a killed run goes on to the same bytes")
    func extract() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(Self.schema, to: "schema.json")
        mkdir(lector.work.file("in"), 0o700)
        lector.work.write("Ada Lovelace wrote to Bob on 3 March 2024.", to: "in/1.txt")
        lector.work.write("", to: "in/2.txt")
        lector.work.write("x", to: "in/3.txt")
        lector.work.write(
            (0..<400).map { "Note \($0): Carl met Dora on day \($0).\n" }.joined(), to: "in/4.txt")
        let arguments = ["extract", "in", "--schema", "schema.json", "-o", "rows.jsonl", "-q"]
        let time = ContinuousClock().measure { #expect(lector.run(arguments).status == 1) }
        let rows = lector.text("rows.jsonl")
        let parsed = try rows.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(parsed.map { $0["status"]?.string } == ["ok", "skipped.empty", "ok", "ok"])
        for row in parsed {
            for field in row["fields"]?.array ?? [] where field["value"]?.string != nil {
                #expect(field["grounded"]?.bool == true)
                #expect(field["spans"]?.array?.first?["text"] == field["value"])
            }
        }
        // Killed somewhere in the long document, then run again.
        let pid = lector.start(["extract", "in", "--schema", "schema.json", "-o", "again.jsonl", "-q"])
        usleep(UInt32(time / .microseconds(2)))
        kill(pid, SIGKILL)
        _ = lector.wait(pid)
        #expect(
            lector.run(["extract", "in", "--schema", "schema.json", "-o", "again.jsonl", "-q"]).status == 1)
        #expect(lector.text("again.jsonl") == rows)
    }

    @Test(
        "a long document of which a killed run had read a part is gone on with behind that part, to the same bytes"
    )
    func longDocument() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(
            #"{"type": "object", "properties": {"names": {"type": "array", "items": {"type": "string"}, "maxItems": 3}, "day": {"type": "string"}}}"#,
            to: "schema.json")
        lector.work.write("A short one about Ada.", to: "a.txt")
        let filler = String(repeating: "It rained on the house on the hill, and on the barn. ", count: 70)
        lector.work.write(
            (0..<22).map { "Note \($0): Carl \"the \($0)th\" met Dora on 3 March.\n\n\(filler)\n\n" }
                .joined(),
            to: "b.txt")
        let flags = ["extract", "a.txt", "b.txt", "--schema", "schema.json", "-q", "-o"]
        /// Tokens that were read and written.
        func tokens(_ output: String) throws -> Int {
            let result = lector.run(flags + [output, "--json"])
            #expect(result.status == 0)
            return try #require(try JSONValue(parsing: result.out)["tokens"]?.integer)
        }
        let whole = try tokens("rows.jsonl")
        let pid = lector.start(flags + ["again.jsonl"])
        let folder = lector.work.file("state/lector/answers")
        func journal() throws -> (path: String, text: String)? {
            let name = try FileSystemNames.of(folder).first
            return name.map { ("state/lector/answers/\($0)", lector.text("state/lector/answers/\($0)")) }
        }
        for _ in 0..<6000 where (try? journal()?.text.contains("\n{\"part\": ")) != true { usleep(50_000) }
        kill(pid, SIGKILL)
        _ = lector.wait(pid)
        let left = try #require(try journal())
        #expect(left.text.split(separator: "\n").count == 2, "a row, and what was found behind it")
        #expect(try tokens("again.jsonl") < whole / 2, "most of it had been read")
        #expect(lector.text("again.jsonl") == lector.text("rows.jsonl"))
        // A part that is none, as of a damaged disk, is read again.
        let row = left.text.split(separator: "\n")[0]
        lector.work.write("\(row)\n" + #"{"part": [[1, 2, true, {"value": 3}]]}"# + "\n", to: left.path)
        #expect(try tokens("third.jsonl") > whole / 2)
        #expect(lector.text("third.jsonl") == lector.text("rows.jsonl"))
    }

    @Test("a schema that cannot be enforced is 65, with keyword and place; an unknown ending is 64")
    func errors() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write("Ada", to: "a.txt")
        lector.work.write(#"{"properties": {"a": {"type": "array", "uniqueItems": true}}}"#, to: "bad.json")
        let refused = lector.run(["extract", "a.txt", "--schema", "bad.json"])
        #expect(refused.status == 65)
        #expect(refused.err.contains("uniqueItems"))
        #expect(refused.err.contains("/properties/a"))
        lector.work.write(Self.schema, to: "good.json")
        #expect(lector.run(["extract", "a.txt", "--schema", "good.json", "-o", "x.docx"]).status == 64)
        #expect(lector.run(["summarize", "a.txt", "--style", "poem"]).status == 64)
        #expect(lector.run(["summarize", "a.txt", "--by", "author"]).status == 64)
        #expect(lector.run(["extract", "a.txt", "--schema", "good.json", "--threshold", "2"]).status == 64)
        #expect(lector.run(["summarize", "a.txt", "--since", "good.json"]).status == 65)
    }

    @Test("standard input is read as a file is, killed or not; every form of result is written in one run")
    func standardInput() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(Self.schema, to: "schema.json")
        let text = lector.work.write("Ada Lovelace wrote to Bob on 3 March 2024.", to: "a.txt")
        let outputs = ["r.jsonl", "r.csv", "r.sqlite", "r.html", "r.langextract.jsonl"]
        let flags = ["--schema", "schema.json", "-q"] + outputs.flatMap { ["-o", $0] }
        #expect(lector.run(["extract", "-"] + flags, input: text).status == 0)
        let piped = try JSONValue(parsing: lector.text("r.jsonl"))
        #expect(piped["item"]?.string == "-")
        #expect(lector.text("r.html").contains("Ada Lovelace wrote"))
        let line = try JSONValue(parsing: lector.text("r.langextract.jsonl"))
        #expect(line["text"]?.string == "Ada Lovelace wrote to Bob on 3 March 2024.")
        #expect(lector.text("r.csv").hasPrefix("item,status,record,name,date,"))
        #expect(lector.text("r.sqlite").hasPrefix("SQLite format 3"))
        #expect(lector.run(["extract", "a.txt"] + flags).status == 0)
        #expect(try JSONValue(parsing: lector.text("r.jsonl"))["data"] == piped["data"])
        let left = try FileSystemNames.of(lector.work.file("state/lector/answers"))
        #expect(left.isEmpty, "neither rows nor the copy of standard input are left: \(left)")
        // A sample is a part of the rows; a dry run needs no output.
        mkdir(lector.work.file("in"), 0o700)
        for index in 0..<9 { lector.work.write("Note \(index) of Carl.", to: "in/\(index).txt") }
        let all = lector.run(["summarize", "in", "-q"]).out.split(separator: "\n")
        let some = lector.run(["summarize", "in", "-q", "--sample", "4"]).out.split(separator: "\n")
        #expect(all.count == 9 && some.count == 4 && Set(some).isSubset(of: Set(all)))
        let dry = lector.run(["summarize", "in", "--dry-run"])
        #expect(
            dry.status == 0 && dry.out.contains("documents   9") && dry.out.contains("no model is needed"))
        #expect(lector.run(["summarize", "in", "-o", "x.langextract.jsonl"]).status == 64)
    }

    @Test("a summary is scored against gold by eval")
    func summarize() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(
            "The bridge was closed. Engineers found cracks in the bridge. A cat slept.", to: "a.txt")
        #expect(lector.run(["summarize", "a.txt", "--words", "8", "-o", "s.jsonl", "-q"]).status == 0)
        lector.work.write(
            #"{"item": "a.txt", "summary": "Cracks in the bridge were found by engineers."}"# + "\n",
            to: "gold.jsonl")
        let result = lector.run(["eval", "s.jsonl", "--gold", "gold.jsonl", "--json"])
        #expect(result.status == 0)
        let score = try JSONValue(parsing: result.out)["rouge-1"]?["value"]?.double
        #expect((score ?? 0) > 0.3)
    }

    private static func rows(_ lector: LectorBinary, _ arguments: [String]) throws -> [JSONValue] {
        let result = lector.run(arguments + ["--quiet"])
        return try result.out.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    private static let mails = [
        ("1", "Bridge works", "", "The bridge was closed on Monday. Engineers found cracks in two pillars."),
        ("2", "Lunch", "", "The canteen serves soup on Tuesday. Bring a spoon of your own."),
        (
            "3", "Re: Bridge works", "<1@x>",
            "The repairs of the pillars take three weeks. Buses go another way."
        ),
    ].map { id, subject, answers, text in
        "From ada@x Mon Jan  1 00:00:00 2024\nFrom: ada@x\nSubject: \(subject)\nMessage-ID: <\(id)@x>\n"
            + (answers.isEmpty ? "" : "In-Reply-To: \(answers)\n") + "\n\(text)\n\n"
    }

    @Test("mails of a thread, of a mailbox, or everything can be one subject; every sentence knows its mail")
    func together() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(Self.mails.joined(), to: "in.mbox")
        let threads = try Self.rows(lector, ["summarize", "in.mbox", "--by", "thread", "--words", "60"])
        #expect(threads.map { $0["documents"]?.integer } == [2, 1])
        #expect(threads[0]["metadata"]?["subject"]?.string == "Bridge works")
        for sentence in threads[0]["sentences"]?.array ?? [] {
            let text = try #require(sentence["span"]?["text"]?.string)
            let part = try #require(sentence["span"]?["part"]?.string)
            #expect(
                part.contains(text.contains("repairs") || text.contains("Buses") ? "#3" : "#1"), "\(part)")
        }
        let folder = try Self.rows(lector, ["summarize", "in.mbox", "--by", "folder"])
        #expect(folder.map { $0["item"]?.string } == ["in.mbox"])
        lector.work.write("A note lies beside the mailbox.", to: "note.txt")
        let all = try Self.rows(lector, ["summarize", "in.mbox", "note.txt", "--by", "all"])
        #expect(
            all.count == 1 && all[0]["documents"]?.integer == 4
                && all[0]["item"]?.string == "in.mbox note.txt")
        let page = lector.run([
            "summarize", "in.mbox", "--by", "thread", "-o", "t.html", "-o", "t.sqlite", "-q",
        ])
        #expect(page.status == 0 && lector.text("t.html").contains("Engineers found cracks"))
    }

    @Test("of a text that grew, what is new is summarized by itself; one that changed has no such part")
    func growth() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(Self.mails[0] + Self.mails[1], to: "in.mbox")
        let before = ["summarize", "in.mbox", "--by", "all", "-o", "before.jsonl", "-q"]
        #expect(lector.run(before).status == 0)
        let again = ["summarize", "in.mbox", "--by", "all", "--since", "before.jsonl"]
        #expect(try Self.rows(lector, again)[0]["update"]?["sentences_added"]?.integer == 0)
        lector.work.write(Self.mails.joined(), to: "in.mbox")
        let grown = try Self.rows(lector, again)[0]
        #expect(grown["update"]?["sentences_added"]?.integer == 2)
        #expect(grown["update"]?["summary"]?.string?.contains("three weeks") == true)
        #expect(grown["update"]?["summary"]?.string?.contains("closed") == false)
        lector.work.write(Self.mails.reversed().joined(), to: "in.mbox")
        #expect(try Self.rows(lector, again)[0]["update"] == nil)
    }

    @Test("a written summary has the sentences that bear each of its own out, or says that none does")
    func abstractive() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        let text = (0..<30).map { "On day \($0) Ada Lovelace sold \($0 * 7 + 3) gears to the mill in York." }
        lector.work.write(text.joined(separator: " "), to: "a.txt")
        let arguments = ["summarize", "a.txt", "--style", "abstractive", "--words", "70"]
        for least in ["0", "0.5", "1"] {
            let row = try Self.rows(lector, arguments + ["--support", least])[0]
            #expect(row["status"]?.string == "ok")
            guard row["style"]?.string == "abstractive" else {
                #expect(row["warnings"]?.text.contains("borne out") == true && row["dropped"]?.integer != 0)
                continue
            }
            for sentence in row["sentences"]?.array ?? [] {
                #expect((sentence["support"]?.double ?? -1) >= Double(least)!)
                for span in sentence["spans"]?.array ?? [] {
                    let (start, end) = (span["start"]?.integer ?? 0, span["end"]?.integer ?? 0)
                    let bytes = Array(lector.bytes("a.txt")[start..<end])
                    #expect(String(decoding: bytes, as: UTF8.self) == span["text"]?.string)
                }
            }
        }
    }

    @Test("values below the threshold stay out of the data and are marked; nothing left is an abstention")
    func threshold() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(
            Self.schema.replacing("}}}", with: #"}}, "required": ["name"]}"#), to: "schema.json")
        lector.work.write("Ada Lovelace wrote to Bob on 3 March 2024.", to: "a.txt")
        let extract = ["extract", "a.txt", "--schema", "schema.json"]
        let all = try Self.rows(lector, extract)[0]
        #expect(all["status"]?.string == "ok" && all["data"]?["name"]?.string != nil)
        let none = try Self.rows(lector, extract + ["--threshold", "1"])[0]
        #expect(none["status"]?.string == "abstained")
        #expect(none["data"]?["name"]?.string == nil)
        let field = try #require(none["fields"]?.array?.first { $0["field"]?.string == "/name" })
        #expect(field["withheld"]?.bool == true)
        #expect(field["value"] == all["data"]?["name"], "what was held back is still in the row")
    }

    @Test("two runs are compared item by item, as text, JSON and a page")
    func against() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        var (gold, good, bad) = ("", "", "")
        for index in 0..<30 {
            gold +=
                #"{"item": "\#(index)", "data": {"name": "Ada \#(index)"}, "spans": {"name": [[0, 5]]}}"#
                + "\n"
            let row = { (name: String, end: Int) in
                #"{"item": "\#(index)", "status": "ok", "data": {"name": "\#(name)"}, "fields": [{"field": "/name", "value": "\#(name)", "probability": 0.8, "grounded": true, "spans": [{"part": "p", "start": 0, "end": \#(end), "text": "\#(name)"}]}]}"#
                    + "\n"
            }
            good += row("Ada \(index)", 5)
            bad += row(index < 15 ? "Ada \(index)" : "Bob", index < 15 ? 5 : 3)
        }
        lector.work.write(gold, to: "gold.jsonl")
        lector.work.write(good, to: "good.jsonl")
        lector.work.write(bad, to: "bad.jsonl")
        let arguments = ["eval", "bad.jsonl", "--gold", "gold.jsonl", "--against", "good.jsonl"]
        let result = lector.run(arguments + ["--json", "-o", "r.html"])
        #expect(result.status == 0, "\(result.err)")
        let json = try JSONValue(parsing: result.out)
        #expect(json["exact f1"]?["value"]?.double == 0.5)
        #expect(json["span f1"]?["value"]?.double == 0.5 && json["span overlap f1"]?["value"]?.double == 1)
        #expect(abs((json["expectedCalibrationError"]?.double ?? 0) - 0.3) < 1e-6)
        let test = try #require(json["paired"]?.array?.first)
        #expect(test["first"]?.double == 0.5 && test["second"]?.double == 1)
        #expect((test["p"]?.double ?? 1) < 0.01)
        #expect(lector.text("r.html").contains("<h2>Against good.jsonl</h2>"))
        #expect(lector.run(arguments).out.contains("difference"))
        // The same run twice differs by nothing.
        let same = lector.run([
            "eval", "bad.jsonl", "--gold", "gold.jsonl", "--against", "bad.jsonl", "--json",
        ])
        #expect(try JSONValue(parsing: same.out)["paired"]?.array?.first?["p"]?.double == 1)
    }

    @Test(
        "documents of nothing, of white space, of one token, of another language: a row each, and the rest as alone"
    )
    func odd() throws {
        try #require(LectorBinary.path != nil)
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(Self.schema, to: "schema.json")
        mkdir(lector.work.file("in"), 0o700)
        let normal = "Ada Lovelace wrote to Bob on 3 March 2024. Bob did not answer her letter."
        let documents = [
            ("1.txt", ""), ("2.txt", " \n\t\n "), ("3.txt", "x"), ("4.txt", normal),
            ("5.txt", "橋は月曜日に閉鎖された。修理は三週間かかる。"), ("6.txt", "وقعت شركة النور عقدًا مع أحمد علي."),
            ("7.txt", String(repeating: "a", count: 20_000)), ("8.txt", "👩‍👩‍👧‍👦"),
        ]
        for (name, text) in documents { lector.work.write(text, to: "in/" + name) }
        let statuses = ["skipped.empty", "skipped.empty"]
        for verb in [["extract", "--schema", "schema.json"], ["summarize", "--outline"]] {
            let rows = try Self.rows(lector, [verb[0], "in"] + verb.dropFirst())
            #expect(rows.map { $0["item"]?.string } == documents.map { "in/" + $0.0 })
            #expect(rows.prefix(2).map { $0["status"]?.string } == statuses)
            #expect(rows[3]["status"]?.string == "ok")
            for (row, document) in zip(rows, documents).dropFirst(2) {
                let status = try #require(row["status"]?.string)
                #expect(
                    ["ok", "skipped.empty", "partial.tokens"].contains(status), "\(document.0) \(status)")
                let spans =
                    (row["fields"]?.array ?? []).flatMap { $0["spans"]?.array ?? [] }
                    + (row["sentences"]?.array ?? []).compactMap { $0["span"] }
                let bytes = Array(document.1.utf8)
                for span in spans {
                    let range = (span["start"]?.integer ?? 0)..<(span["end"]?.integer ?? 0)
                    #expect(String(decoding: bytes[range], as: UTF8.self) == span["text"]?.string)
                }
            }
            lector.work.write(normal, to: "alone.txt")
            let alone = try Self.rows(lector, [verb[0], "alone.txt"] + verb.dropFirst())[0]
            for name in ["data", "summary"] { #expect(rows[3][name] == alone[name]) }
        }
        // classify: one label each, or the reason why there is none.
        let labelled = try Self.rows(lector, ["classify", "in", "--labels", "letter,report"])
        #expect(labelled.map { $0["item"]?.string } == documents.map { "in/" + $0.0 })
        #expect(labelled.prefix(2).map { $0["status"]?.string } == statuses)
        for row in labelled.dropFirst(2) {
            #expect(row["status"]?.string == "ok" && ["letter", "report"].contains(row["label"]?.string))
        }
        let label = try Self.rows(lector, ["classify", "alone.txt", "--labels", "letter,report"])[0]
        #expect(labelled[3]["distribution"] == label["distribution"])
        // ask: a quote of the text, or that it does not tell.
        for (name, text) in documents.dropFirst(2) {
            let result = lector.run(["ask", "in/\(name)", "-q", "Who wrote to Bob?", "--json"])
            #expect(result.status == 0, "\(name): \(result.err)")
            let row = try JSONValue(parsing: result.out)
            for span in row["spans"]?.array ?? [] {
                let range = (span["start"]?.integer ?? 0)..<(span["end"]?.integer ?? 0)
                #expect(String(decoding: Array(text.utf8)[range], as: UTF8.self) == span["text"]?.string)
            }
            let isAnswered = row["answer"]?.string != nil
            #expect(row["status"]?.string == (isAnswered ? "ok" : "abstained"), "\(name): \(result.out)")
        }
        // Nothing to find an answer in, and a question that the text does not answer.
        let questions = [
            "ask", "in/4.txt", "-q", "Which colour has the submarine?", "-q", "Who wrote to Bob?", "--json",
        ]
        let answers = try Self.rows(lector, questions)
        #expect(answers.count == 2)
        for row in answers {
            if let answer = row["answer"]?.string {
                #expect(row["status"]?.string == "ok" && normal.contains(answer))
            } else {
                #expect(row["status"]?.string == "abstained")
            }
        }
        #expect(lector.run(["ask", "in/1.txt", "-q", "Who?", "--json"]).status != 70)
    }
}

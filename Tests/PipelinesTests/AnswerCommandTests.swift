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
        #expect(lector.run(arguments).status == 1)
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
        usleep(400_000)
        kill(pid, SIGKILL)
        _ = lector.wait(pid)
        #expect(
            lector.run(["extract", "in", "--schema", "schema.json", "-o", "again.jsonl", "-q"]).status == 1)
        #expect(lector.text("again.jsonl") == rows)
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
        #expect(lector.run(["summarize", "a.txt", "--style", "abstractive"]).status == 64)
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
}

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

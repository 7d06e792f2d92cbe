import Evaluation
import JSON
import Testing

@Suite struct AnswerScoresTests {
    @Test("ROUGE of small texts, counted by hand")
    func rouge() {
        let scores = Rouge(summary: "the cat sat on the mat", reference: "The cat lay on a mat.")
        #expect(abs(scores.one - 2 * 4.0 / 12) < 1e-12)  // the cat on mat
        #expect(abs(scores.two - 2 * 1.0 / 10) < 1e-12)  // the cat
        #expect(abs(scores.longest - 2 * 4.0 / 12) < 1e-12)
        #expect(Rouge(summary: "", reference: "a").one == 0)
        #expect(Rouge(summary: "a b", references: ["x", "a b"]).longest == 1)
    }

    @Test("exact and partial values are counted over all documents, missing rows as empty")
    func extraction() throws {
        let gold = """
            {"item": "a.txt", "data": {"name": "Ada  Lovelace", "tags": ["x", "y"]}}
            {"item": "b.txt", "data": {"name": "Bob", "tags": []}}
            {"item": "c.txt", "data": {"name": null}}
            """
        #expect(AnswerScores.fits(gold.utf8))
        #expect(!AnswerScores.fits(#"{"item": "a", "label": "spam"}"#.utf8))
        var scores = try AnswerScores(jsonLines: gold.utf8)
        scores.add(
            try JSONValue(
                parsing:
                    #"{"item": "in/a.txt", "data": {"name": "ada lovelace", "tags": ["y", "z"]}, "fields": [{"value": "ada lovelace", "grounded": true, "spans": [{"text": "ada lovelace"}]}, {"value": "z", "grounded": false}]}"#
            ))
        scores.add(try JSONValue(parsing: #"{"item": "c.txt", "data": {}}"#))
        scores.finish()
        let values = Dictionary(uniqueKeysWithValues: scores.scores.map { ($0.name, $0.score) })
        #expect(scores.documents == 3)
        // Expected 4 values, given 3, exact 2 ("ada lovelace", "y").
        #expect(abs(values["exact f1"]!.value - 4.0 / 7) < 1e-12)
        #expect(abs(values["exact recall"]!.value - 0.5) < 1e-12)
        #expect(abs(values["strings that are their span"]!.value - 0.5) < 1e-12)
        #expect(values["exact f1"]!.low <= values["exact f1"]!.value)
        #expect(values["exact f1"]!.high >= values["exact f1"]!.value)
    }

    @Test("a gold line that is neither is an error with its number")
    func errors() {
        #expect(throws: RowError.self) { _ = try AnswerScores(jsonLines: "{\"data\": {}}\n{\"x\": 1}".utf8) }
        #expect(throws: RowError.self) { _ = try AnswerScores(jsonLines: "{".utf8) }
    }

    @Test("places are compared exactly and by overlap, each once, and in the same part alone")
    func spans() throws {
        let gold =
            #"{"data": {"n": ["a", "b", "c"]}, "spans": {"n": [{"start": 0, "end": 4}, {"part": "p", "start": 10, "end": 14}, {"part": "q", "start": 20, "end": 24}]}}"#
        var scores = try AnswerScores(jsonLines: gold.utf8)
        scores.add(
            try JSONValue(
                parsing:
                    #"{"item": "x", "data": {"n": ["a", "b", "c"]}, "fields": [{"field": "/n/0", "value": "a", "spans": [{"part": "p", "start": 0, "end": 4}]}, {"field": "/n/1", "value": "b", "spans": [{"part": "p", "start": 11, "end": 14}]}, {"field": "/n/2", "value": "c", "spans": [{"part": "p", "start": 20, "end": 24}]}]}"#
            ))
        scores.finish()
        let values = Dictionary(uniqueKeysWithValues: scores.scores.map { ($0.name, $0.score.value) })
        #expect(abs(values["span f1"]! - 1.0 / 3) < 1e-12)
        #expect(abs(values["span overlap f1"]! - 2.0 / 3) < 1e-12)
        #expect(values["exact f1"] == 1)
        let page = scores.report(title: "</h1><script>")
        #expect(!page.contains("<script>") && page.contains("span f1"))
    }

    @Test("McNemar's exact test of small tables, counted by hand")
    func mcnemar() {
        func test(_ own: Int, _ others: Int, both: Int) -> PairedTest {
            PairedTest(
                accuracyOf: [Bool](repeating: true, count: own + both)
                    + [Bool](repeating: false, count: others),
                [Bool](repeating: false, count: own) + [Bool](repeating: true, count: both + others))
        }
        #expect(abs(test(5, 0, both: 9).p - 2 * 1.0 / 32) < 1e-12)
        #expect(abs(test(1, 4, both: 0).p - 2 * 6.0 / 32) < 1e-12)
        #expect(test(0, 0, both: 3).p == 1 && test(3, 3, both: 1).p == 1)
        #expect(test(5, 0, both: 9).alone! == (5, 0))
    }
}

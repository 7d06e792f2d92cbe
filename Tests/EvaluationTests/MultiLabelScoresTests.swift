import Documents
import Evaluation
import JSON
import Testing

@Suite("Lists of labels against gold lists")
struct MultiLabelScoresTests {
    private func scores(_ gold: String, _ rows: [ClassificationRow]) throws -> MultiLabelScores {
        var scores = MultiLabelScores(gold: try GoldLabels(jsonLines: gold.utf8))
        for row in rows { scores.add(row) }
        scores.finish()
        return scores
    }

    private func row(_ item: String, _ labels: [String], _ shares: [(String, Double)] = [])
        -> ClassificationRow
    {
        ClassificationRow(
            item: item, status: .ok, labels: labels,
            distribution: shares.map { .init(label: $0.0, probability: $0.1) }, model: "m")
    }

    /// Four documents, a, b and c: 5 gold labels, 5 given, 3 of them right.
    static let gold = """
        {"item": "1", "labels": ["a", "b"]}
        {"item": "2", "labels": ["b"]}
        {"item": "3", "labels": []}
        {"item": "4", "labels": ["a", "c"]}
        """

    private func example() throws -> MultiLabelScores {
        try scores(
            Self.gold,
            [
                row("1", ["a", "b"], [("a", 0.9), ("b", 0.6), ("c", 0.2)]),
                row("2", ["c"], [("a", 0.1), ("b", 0.4), ("c", 0.7)]),
                row("3", [], [("a", 0.3), ("b", 0.2), ("c", 0.1)]),
                row("4", ["a", "b"], [("a", 0.8), ("b", 0.9), ("c", 0.4)]),
            ])
    }

    @Test("micro and macro F1, whole lists and each label, by hand")
    func byHand() throws {
        let scores = try example()
        let values = Dictionary(uniqueKeysWithValues: scores.scores.map { ($0.name, $0.score) })
        func value(_ name: String, _ expected: Double) {
            #expect(abs((values[name]?.value ?? -1) - expected) < 1e-12, "\(name)")
        }
        value("microF1", 2 * 3 / 10)
        value("microPrecision", 3 / 5)
        value("microRecall", 3 / 5)
        // a: 2 of 2 and 2; b: 1 of 2 and 2; c: 0 of 1 and 1.
        value("macroF1", (1 + 0.5 + 0) / 3)
        value("exactMatch", 2 / 4)
        let labels = scores.labelScores
        #expect(labels.map(\.label) == ["a", "b", "c"])
        #expect(labels.map(\.gold) == [2, 2, 1] && labels.map(\.predicted) == [2, 2, 1])
        #expect(labels.map(\.correct) == [2, 1, 0])
        #expect(labels[1].precision == 0.5 && labels[1].recall == 0.5 && labels[1].f1 == 0.5)
        for (_, score) in scores.scores {
            #expect(score.low <= score.value && score.value <= score.high && score.low < score.high)
        }
        #expect(try example().json == scores.json, "resamples are the same every time")
    }

    @Test("a threshold curve over all decisions")
    func thresholds() throws {
        let curve = try example().thresholdCurve
        // From 0.4 on: 0.9 0.6 | 0.4 0.7 | | 0.8 0.9 0.4 are given, right are a b | b | | a c.
        let point = try #require(curve.first { abs($0.threshold - 0.4) < 1e-9 })
        #expect(abs(point.precision - 5 / 7) < 1e-12 && point.recall == 1)
        #expect(abs(point.f1 - 2 * 5 / 12) < 1e-12)
        // Nothing lies between 0.35 and 0.4, and the lowest of equals is the best.
        let best = try example().bestThreshold
        #expect(abs(best.threshold - 0.35) < 1e-9 && best.f1 == point.f1)
        #expect(curve[0].recall == 1 && abs(curve[0].precision - 5 / 12) < 1e-12)
        #expect(curve.last!.f1 == 0)
    }

    @Test("documents without a row are in no score, those that could not be read have an empty list")
    func unread() throws {
        var failed = row("4", [])
        failed.status = .failed(.damaged)
        let scores = try scores(Self.gold, [row("1", ["a", "b"]), failed, row("9", ["a"])])
        #expect(scores.missing == ["2", "3"] && scores.extra == ["9"] && scores.extraCount == 1)
        let values = Dictionary(uniqueKeysWithValues: scores.scores.map { ($0.name, $0.score.value) })
        #expect(values["exactMatch"] == 0.5 && values["microRecall"] == 0.5 && values["microPrecision"] == 1)
        #expect(scores.statuses == ["ok": 1, "failed.damaged": 1])
        #expect(scores.table(clean: { $0 }).contains("no row: 2"))
    }

    @Test("rows with one label count as lists of one; a label that no gold line has counts against them")
    func single() throws {
        let rows = ["1", "2", "3", "4"].map {
            ClassificationRow(item: $0, status: .ok, label: $0 == "3" ? "other" : "b", probability: 0.9)
        }
        let scores = try scores(Self.gold, rows)
        #expect(scores.labels == ["a", "b", "c", "other"])
        let values = Dictionary(uniqueKeysWithValues: scores.scores.map { ($0.name, $0.score.value) })
        #expect(abs(values["microF1"]! - 2 * 2 / 9) < 1e-12 && values["exactMatch"] == 0.25)
        // a, b and c occur in the gold file, b alone is found: 2 of 2 and 3.
        #expect(abs(values["macroF1"]! - 0.8 / 3) < 1e-12)
    }

    @Test("two runs item by item: nothing between a run and itself, whole lists by McNemar")
    func paired() throws {
        let (one, other) = (try example(), try scores(Self.gold, [row("1", ["a"])]))
        let same = one.compared(with: one)
        #expect(same.map(\.name) == ["microF1", "exactMatch"] && same.allSatisfy { $0.p == 1 })
        let tests = one.compared(with: other)
        #expect(tests[1].alone?.first == 1 && tests[1].alone?.second == 0)
        #expect(abs(tests[0].second - 2.0 / 6) < 1e-12, "items without a row have an empty list")
    }

    @Test("a gold file has labels or lists of them throughout")
    func goldFiles() throws {
        let gold = try GoldLabels(jsonLines: #"{"labels": ["a", "b", "a"]}"#.utf8)
        #expect(gold.isMulti && gold.sets == [["a", "b"]])
        for text in ["{\"labels\": []}\n{\"label\": \"a\"}", "{\"labels\": []}\n{\"labels\": [1]}"] {
            do {
                _ = try GoldLabels(jsonLines: text.utf8)
                Issue.record("it was read")
            } catch { #expect(error.message.contains("line 2")) }
        }
    }

    @Test(
        "a row with several labels survives its JSON, and so does one with none",
        arguments: [["a", "x, y"], []])
    func rows(labels: [String]) throws {
        let row = ClassificationRow(
            item: "i", status: .ok, labels: labels, probability: 0.75,
            distribution: [.init(label: "a", probability: 0.75), .init(label: "x, y", probability: 0.8)],
            tokens: 3, read: 1, model: "m")
        #expect(row.json["label"] == nil && row.json["labels"]?.array?.count == labels.count)
        #expect(try ClassificationRow(json: JSONValue(parsing: row.json.text)) == row)
        #expect(row.given == labels)
    }

    @Test("the report is inert and names what is missing and too much")
    func report() throws {
        let nasty = "</td><script>alert(1)</script>"
        let scores = try scores(Self.gold, [row("1", ["a", nasty]), row(nasty, [])])
        let page = scores.report(title: nasty, against: scores.compared(with: scores), other: nasty)
        #expect(!page.contains("<script") && page.contains("micro F1") && page.contains("exact match"))
        #expect(page.contains("<td class=\"label\">a</td><td class=\"label\">b</td>"))
    }
}

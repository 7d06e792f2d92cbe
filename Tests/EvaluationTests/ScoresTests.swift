import Documents
import Evaluation
import JSON
import Testing

@Suite("Scores against gold labels")
struct ScoresTests {
    @Test("the textbook example: counts, precision, recall, F1, confusion")
    func counts() {
        var scores = ClassificationScores(labels: ["spam", "ham"])
        for _ in 0..<8 { scores.add(gold: "spam", predicted: "spam", probability: 0.9) }
        for _ in 0..<2 { scores.add(gold: "spam", predicted: "ham", probability: 0.6) }
        for _ in 0..<9 { scores.add(gold: "ham", predicted: "ham", probability: 0.9) }
        scores.add(gold: "ham", predicted: nil, probability: 0.55, candidate: "ham")
        #expect(scores.items == 20 && scores.answered == 19 && scores.correct == 17)
        #expect(scores.confusion == [[8, 2, 0], [0, 9, 1]])
        let spam = scores.labelScores[0]
        #expect(spam.precision == 1 && spam.recall == 0.8)
        #expect(abs(spam.f1 - 16.0 / 18) < 1e-12)
        #expect(scores.accuracy == 0.85)
        #expect(abs(scores.accuracyOfAnswered - 17.0 / 19) < 1e-12)
        #expect(scores.thresholdCurve[0].coverage == 1)
        #expect(scores.thresholdCurve[0].accuracy == 0.9)
        #expect(scores.thresholdCurve[18].coverage == 0.85)
        #expect(scores.thresholdCurve[18].accuracy == 1)
    }

    @Test("a label that turns up late gets a row and a column of its own")
    func lateLabel() {
        var scores = ClassificationScores(labels: ["a"])
        scores.add(gold: "a", predicted: nil, probability: nil)
        scores.add(gold: "a", predicted: "b", probability: 1)
        scores.add(gold: "b", predicted: "a", probability: 1)
        #expect(scores.labels == ["a", "b"])
        #expect(scores.confusion == [[0, 1, 1], [1, 0, 0]])
    }

    @Test("Wilson interval: values from the paper's formula, and its ends")
    func wilson() {
        let interval = ClassificationScores.wilson(81, of: 263)
        #expect(abs(interval.lowerBound - 0.25527) < 1e-4)
        #expect(abs(interval.upperBound - 0.36621) < 1e-4)
        #expect(ClassificationScores.wilson(0, of: 0) == 0...1)
        #expect(ClassificationScores.wilson(0, of: 10).lowerBound == 0)
        #expect(ClassificationScores.wilson(10, of: 10).upperBound > 0.999999)
    }

    @Test("calibration error is nothing when the stated share is right, and the gap when not")
    func calibration() {
        var good = ClassificationScores()
        for index in 0..<10 { good.add(gold: "a", predicted: index < 8 ? "a" : "b", probability: 0.8) }
        #expect(good.expectedCalibrationError < 1e-12)
        var proud = ClassificationScores()
        for index in 0..<10 { proud.add(gold: "a", predicted: index < 5 ? "a" : "b", probability: 1) }
        #expect(abs(proud.expectedCalibrationError - 0.5) < 1e-12)
    }

    @Test("gold by item matches wherever the mailbox lies; missing and extra are counted")
    func goldByItem() throws {
        let gold = try GoldLabels(
            jsonLines: Array(
                """
                {"item": "Examples/mailbox.mbox#0", "label": "ham"}
                {"item": "mailbox.mbox#1", "label": "spam"}

                {"item": "mailbox.mbox#9", "label": "spam"}
                """.utf8))
        var result = EvaluationResult(gold: gold)
        for index in 0..<3 {
            result.add(
                ClassificationRow(
                    item: "/home/x/mailbox.mbox#\(index)", status: .ok, label: "ham", probability: 0.7))
        }
        result.finish()
        #expect(result.scores.items == 2 && result.scores.correct == 1)
        #expect(result.missing == ["mailbox.mbox#9"])
        #expect(result.extra == ["/home/x/mailbox.mbox#2"])
    }

    @Test("gold by index and by order")
    func goldByIndex() throws {
        var byIndex = try GoldLabels(jsonLines: Array(#"{"index": 2, "label": "a", "path": "p"}"#.utf8))
        #expect(byIndex.take(item: "x", index: 0) == nil)
        #expect(byIndex.take(item: "x", index: 2) == "a")
        #expect(byIndex.missing.isEmpty)
        var byOrder = try GoldLabels(jsonLines: Array("{\"label\": \"a\"}\n{\"label\": \"b\"}\n".utf8))
        #expect(byOrder.take(item: "x", index: 1) == "b")
        #expect(byOrder.missing == ["row 0"])
    }

    @Test(
        "a gold file that is none names the line",
        arguments: [
            "{\"label\": \"a\"}\nx", "{\"label\": \"a\"}\n{\"item\": \"b\"}",
            "{\"label\": \"a\"}\n{\"item\": \"b\", \"label\": \"a\"}",
        ])
    func badGold(text: String) {
        do {
            _ = try GoldLabels(jsonLines: Array(text.utf8))
            Issue.record("it was read")
        } catch { #expect(error.message.contains("line 2")) }
    }

    @Test("a row survives its JSON")
    func rows() throws {
        let row = ClassificationRow(
            item: "a.mbox#1", status: .partial(.tokens), label: "x,y", probability: 0.75,
            distribution: [.init(label: "x,y", probability: 0.75), .init(label: "z", probability: 0.25)],
            tokens: 12, read: 0.5, duplicateOf: "a.mbox#0",
            metadata: [MetadataField(name: "subject", value: "\u{1B}[2J<b>")],
            attachments: [Attachment(name: "f", mediaType: "a/b", bytes: nil)], warnings: ["w"], model: "m")
        #expect(try ClassificationRow(json: JSONValue(parsing: row.json.text)) == row)
    }
}

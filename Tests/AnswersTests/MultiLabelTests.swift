import Answers
import Inference
import Testing
import Tokenization

@Suite("Each label by itself")
struct MultiLabelTests {
    /// Names that share beginnings with each other and with the other answer, one with a description.
    static let labels = try! LabelList([
        Label(name: "spam"), Label(name: "spam in a can"), Label(name: "none", description: "not one ham"),
        Label(name: "x"), Label(name: "none of the spam"),
    ])
    static let prompt = ClassificationPrompt(labels: labels, instruction: "Does it fit?")

    private func run(
        _ classifier: Classifier, _ documents: [[Int32]] = ClassifierTests.documents
    ) -> [Classification] {
        classifier.submit(documents)
        return classifier.drain()
    }

    @Test("one question a label, behind the text, with the label and none of these")
    func prompts() throws {
        let labels = try LabelList([
            Label(name: "refund", description: "wants money back"), Label(name: "why"),
        ])
        let prompts = try ClassificationPrompt(labels: labels).forEachLabel()
        #expect(prompts.map { $0.labels.names } == [["refund", "none of these"], ["why", "none of these"]])
        let text: [ChatTemplate.Segment] = [
            .special("<|im_start|>"), .text("user\nText:\n"),
            .text(
                "\n\nWhich label fits the text best?\n\nLabels:\n- refund: wants money back\n- none of these"),
            .special("<|im_end|>"), .text("\n"), .special("<|im_start|>"), .text("assistant\n"),
            .text("Label:"),
        ]
        func joined(_ segments: [ChatTemplate.Segment]) -> String {
            segments.map {
                switch $0 {
                case .special(let text), .text(let text): text
                }
            }.joined()
        }
        #expect(joined(prompts[0].prefix + prompts[0].question) == joined(text))
        #expect(joined(prompts[1].question).contains("Labels:\n- why\n- none of these<|im_end|>"))
        #expect(prompts[0].prefix == prompts[1].prefix)
    }

    @Test(
        "a label for no label is refused, with what to do", arguments: ["none of these", " None  of THESE"])
    func reserved(name: String) throws {
        let labels = try LabelList([Label(name: "a"), Label(name: name)])
        do {
            _ = try ClassificationPrompt(labels: labels).forEachLabel()
            Issue.record("it was taken")
        } catch {
            #expect(error == .isNone(position: 2))
            #expect(error.description.contains("Label 2") && error.description.contains("Remove it"))
        }
        #expect(throws: LabelError.isNone(position: 2)) {
            try Classifier(
                model: TinyModel.shared, prompt: ClassificationPrompt(labels: labels), readout: .eachLabel)
        }
    }

    /// What a classifier says that has one label and none of these to choose from.
    private func alone(_ label: Label, calibrates: Bool) throws -> [Classification] {
        let list = try LabelList([label, Label(name: "none of these")])
        var options = Classifier.Options()
        options.calibrates = calibrates
        return run(
            try Classifier(
                model: TinyModel.shared,
                prompt: ClassificationPrompt(labels: list, instruction: "Does it fit?", order: .document),
                options: options))
    }

    @Test(
        "a label's probability has the bits of that label against none of these alone, in any batch",
        arguments: [5, 64, 512], [false, true])
    func probabilities(rows: Int, calibrates: Bool) throws {
        var options = Classifier.Options()
        options.rowsPerStep = rows
        options.maxSessions = rows == 5 ? 2 : 16
        options.calibrates = calibrates
        let results = run(
            try Classifier(
                model: TinyModel.shared, prompt: Self.prompt, options: options, readout: .eachLabel))
        #expect(results.count == ClassifierTests.documents.count)
        var different = Set<Double>()
        for (place, label) in Self.labels.enumerated() {
            for (result, expected) in zip(results, try alone(label, calibrates: calibrates)) {
                #expect(result.distribution[place] == expected.distribution[0])
                #expect(result.tokens == expected.tokens && result.readTokens == expected.readTokens)
                different.insert(result.distribution[place])
            }
        }
        #expect(different.count > 30, "documents and labels differ")
    }

    @Test("one label may be asked for by itself", arguments: [false, true])
    func oneLabel(calibrates: Bool) throws {
        let label = Self.labels[0]
        var options = Classifier.Options()
        options.calibrates = calibrates
        let prompt = ClassificationPrompt(
            labels: try LabelList([label], least: 1), instruction: "Does it fit?", order: .document)
        let results = run(
            try Classifier(model: TinyModel.shared, prompt: prompt, options: options, readout: .eachLabel))
        let expected = try alone(label, calibrates: calibrates)
        #expect(results.count == ClassifierTests.documents.count)
        #expect(results.map(\.distribution) == expected.map { [$0.distribution[0]] })
        #expect(results.map(\.readTokens) == expected.map(\.readTokens))
        #expect(throws: LabelError.tooFew(found: [label.name])) { try LabelList([label]) }
    }

    @Test("a text is read once, and what questions have in common once for each text")
    func rows() throws {
        let classifier = try Classifier(model: TinyModel.shared, prompt: Self.prompt, readout: .eachLabel)
        let questions = classifier.questions
        let whole = questions.prompts.map { $0.question + $0.tree.forced }
        #expect(questions.tail.count > 20, "the instruction is in it")
        for (rest, question) in zip(questions.rests, whole) {
            #expect(questions.tail + rest == question && !rest.isEmpty)
        }
        for (result, document) in zip(run(classifier), ClassifierTests.documents) {
            #expect(result.rows == document.count + questions.tokenCount)
        }
    }

    @Test("no step takes more rows than it may")
    func bounds() throws {
        var options = Classifier.Options()
        options.rowsPerStep = 50
        options.maxSessions = 3
        let classifier = try Classifier(
            model: TinyModel.shared, prompt: Self.prompt, options: options, readout: .eachLabel)
        classifier.submit(ClassifierTests.documents)
        var results = 0
        while !classifier.isIdle {
            let step = classifier.step()
            #expect(step.rows > 0 && step.rows <= 50)
            results += step.results.count
        }
        #expect(results == ClassifierTests.documents.count)
    }

    @Test("stopped between any two steps, also while questions are asked, and gone on with: the same bits")
    func resumed() throws {
        let document = ClassifierTests.documents[10]
        var options = Classifier.Options()
        options.rowsPerStep = 90
        func make(_ prefix: Session?) throws -> Classifier {
            try Classifier(
                model: TinyModel.shared, prompt: Self.prompt, options: options, readout: .eachLabel,
                prefix: prefix)
        }
        let classifier = try make(nil)
        classifier.begin(0)
        classifier.append(document, to: 0)
        classifier.finish(0)
        var stops: [(read: Int, state: [UInt8])] = []
        var whole: Classification?
        while whole == nil {
            whole = classifier.step().results.first
            if whole == nil, let now = classifier.progress(of: 0) {
                stops.append((now.readTokens, now.session.serialized()))
            }
        }
        #expect(stops.count { $0.read == document.count } > 1, "questions take several steps")
        for stop in stops {
            let again = try make(classifier.prefix)
            again.begin(0, resuming: (try TinyModel.shared.engine.restore(stop.state), stop.read))
            again.append(document, to: 0)
            again.finish(0)
            var result: Classification?
            while result == nil { result = again.step().results.first }
            #expect(result?.distribution == whole?.distribution && result?.readTokens == document.count)
            #expect(result!.rows == whole!.rows - stop.read)
        }
    }

    @Test("a document that is given up while it is asked about leaves no trace")
    func cancelled() throws {
        var options = Classifier.Options()
        options.rowsPerStep = 40
        let classifier = try Classifier(
            model: TinyModel.shared, prompt: Self.prompt, options: options, readout: .eachLabel)
        let documents = [ClassifierTests.documents[7], ClassifierTests.documents[11]]
        let expected = run(classifier, documents)
        classifier.submit(documents)
        for _ in 0..<3 { #expect(classifier.step().results.isEmpty) }
        classifier.cancel(0)
        let results = classifier.drain()
        #expect(results.map(\.item) == [1] && results[0].distribution == expected[1].distribution)
    }

    @Test("a label applies from the threshold on; none may, and that is an answer")
    func thresholds() {
        let result = Classification(item: 0, distribution: [0.9, 0.5, 0.49, 0.1], tokens: 5, readTokens: 5)
        #expect(result.labels() == [0, 1])
        #expect(result.labels(threshold: 0.1) == [0, 1, 2, 3])
        #expect(result.labels(threshold: 0.95).isEmpty)
        #expect(result.status() == .ok)
        #expect(result.leastProbability() == 0.5)
        #expect(abs(result.leastProbability(threshold: 0.8) - 0.5) < 1e-12)
        #expect(abs(result.leastProbability(threshold: 0.95) - 0.1) < 1e-12)
        let part = Classification(item: 0, distribution: [0.2, 0.7], tokens: 5, readTokens: 4)
        #expect(part.labels() == [1] && part.status() == .partial(.tokens))
    }
}

import Documents
import Glibc
import Inference
import JSON
import Pipelines
import Testing

/// Reading once and asking many times, in this process, with a random model: what it answers means nothing, that it
/// quotes and repeats exactly does.
@Suite(.serialized) struct LongTextTests {
    let folder = TemporaryFolder()

    private func model() throws -> LoadedModel {
        TinyModel.write(to: folder.file("model"))
        return try LoadedModel.open(path: folder.file("model"), threads: 2)
    }

    private func read(_ inputs: [String], _ model: LoadedModel, interval: Int = 65_536) throws
        -> TextReading.Text
    {
        var options = TextReading.Options(inputs: DocumentInputs(inputs), folder: folder.file("states"))
        options.reading.intervalTokens = interval
        options.reading.intervalSeconds = 3600
        let meter = ProgressMeter(style: .none, noColor: true, isQuiet: true)
        guard case .finished(let text) = try TextReading(options, model: model, progress: meter).run() else {
            throw PipelineError.busy("stopped")
        }
        return text
    }

    static func story(_ lines: Int) -> String {
        (0..<lines).map { line in
            "On day \(line) the keeper of lamp \(line * 7919 % 1009) saw \(line * 31 % 97) ships and wrote Zürich \(line).\n"
                + (line % 9 == 8 ? "\n" : "")
        }.joined()
    }

    @Test("passages cover the text in order, cut between words, wherever the stream was cut")
    func passages() throws {
        let text =
            Self.story(120) + String(repeating: "x", count: 3000) + " é" + String(repeating: "ü", count: 900)
        let bytes = Array(text.utf8)
        func cut(_ size: Int) throws -> [Passage] {
            var passages: [Passage] = []
            var cutter = PassageCutter { passages.append($0) }
            try cutter.append(.begin(Document(address: "a", kind: .text)))
            var at = 0
            while at < bytes.count {
                var end = min(bytes.count, at + size)
                while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
                try cutter.append(.text(TextChunk(part: "a", utf8: Array(bytes[at..<end]), start: at)))
                at = end
            }
            try cutter.append(
                .end(DocumentEnd(status: .ok, contentDigest: "", textBytes: bytes.count)))
            return passages
        }
        let whole = try cut(bytes.count)
        #expect(whole.count > 10)
        #expect(try cut(1) == whole && cut(777) == whole)
        var end = 0
        for passage in whole {
            #expect(passage.range.lowerBound >= end && passage.range.count <= 1200)
            #expect(bytes[end..<passage.range.lowerBound].allSatisfy { $0 == 0x20 || $0 == 0x0A })
            #expect(Array(passage.text.utf8) == Array(bytes[passage.range]))
            end = passage.range.upperBound
        }
        #expect(end == bytes.count)
    }

    @Test("the best passages of a question are found by its telling words; nothing is found without any")
    func search() throws {
        folder.write(Self.story(400), to: "story.txt")
        let text = try read([folder.file("story.txt")], try model())
        let hits = try text.index.search("What did the keeper of lamp 947 write on that day?", limit: 3)
        #expect(hits.count == 3)
        #expect(hits.contains { $0.passage.text.contains("lamp 947 ") })
        #expect(hits.map(\.passage.range.lowerBound) == hits.map(\.passage.range.lowerBound).sorted())
        #expect(try text.index.search("Quetzalcoatl?", limit: 3).isEmpty)
        #expect(try text.index.search("\" OR NEAR( * ^", limit: 3).isEmpty == true)
        #expect(try text.index.search("?!", limit: 3).isEmpty)
        let found = try #require(try text.index.find("Zürich 77"))
        #expect(Array(found.passage.text.utf8)[found.range].elementsEqual("Zürich 77".utf8))
        #expect(try text.index.find("ürich 77") == nil && text.index.find("zürich 77") == nil)
    }

    @Test("a name that stands nowhere in the text is told from one that does, and from what is no name")
    func missingNames() throws {
        let prose = """
            The keeper went down to the harbour with Mary and her brother, who had never seen the sea. They asked
            old Captain Harville whether the Lady Anne would sail before the storm, and he said that nobody could tell
            but the wind. In the evening the lamps of Lyme were lit again, one after the other, along the wall.
            """
        folder.write(prose, to: "story.txt")
        let index = try read([folder.file("story.txt")], try model()).index
        func missing(_ question: String) throws -> [String] {
            try index.missingNames(question, hits: index.search(question, limit: 1))
        }
        #expect(try missing("Who went to the harbour with Zumibo?") == ["Zumibo"])
        #expect(
            try missing("Did Mary's brother know Wentworth, or Captain Benwick, at the harbour?") == [
                "Wentworth"
            ])
        #expect(try missing("Where did Mary Lennox see the lamps of Lyme in January?") == [])
        #expect(try missing("Zumibo's lamps, who lit them?") == [])
        #expect(try missing("What did I or the CEO say of HARVILLE and the U.S. storm on Monday?") == [])
        #expect(try missing("Did Élodie and Harvilles ask about the storm?") == ["Élodie"])

        // Every noun has a capital: none tells a name.
        let german = """
            Der alte Wärter ging mit dem Bruder zum Hafen hinunter, wo die Schiffe vor dem Sturm lagen. Niemand wusste,
            ob das Boot vor der Nacht noch auslaufen würde, und der Kapitän sagte, nur der Wind könne das sagen. Am Abend
            brannten die Lampen der Stadt wieder, eine nach der anderen, an der Mauer des Hafens entlang.
            """
        folder.write(german, to: "german.txt")
        let other = try read([folder.file("german.txt")], try model()).index
        let asked = "Wer ging mit dem Bruder zum Anleger hinunter?"
        #expect(try other.missingNames(asked, hits: other.search(asked, limit: 1)) == [])
    }

    @Test("a question after a name that the text has not is declined without a token, and says so")
    func declinesMissingNames() throws {
        let model = try model()
        folder.write(Self.story(300), to: "story.txt")
        let text = try read([folder.file("story.txt")], model)
        let asker = try TextQuestions(text, model: model)
        let row = try asker.answer(
            AskedQuestion(text: "What did the keeper of the lamp say to Zumibo on that day?"))
        #expect(row["status"]?.string == "abstained" && row["answer"] == .null)
        #expect(row["read_tokens"]?.integer == 0 && asker.declined == 1)
        #expect(row["warning"]?.string == "the text has no Zumibo")
        let memory = try TextQuestions(
            text, model: model,
            options: {
                var options = TextQuestions.Options()
                options.source = .memory
                return options
            }())
        #expect(try memory.answer(AskedQuestion(text: "Who is Zumibo to the keeper?"))["warning"] == nil)
    }

    @Test("rows quote the file's bytes; a batch is its single questions; the same again runs no token")
    func questions() throws {
        let model = try model()
        folder.write(Self.story(300), to: "story.txt")
        let bytes = Array(Self.story(300).utf8)
        let text = try read([folder.file("story.txt")], model)
        let asked = (0..<60).map {
            AskedQuestion(id: .integer($0), text: "What of lamp \($0 * 13) and day \($0)?")
        }
        for source in TextQuestions.Source.allCases {
            var options = TextQuestions.Options()
            options.source = source
            options.asker.answerTokens = 12
            func rows(_ questions: [AskedQuestion], keeps: Bool) throws -> [JSONValue] {
                options.keepsAnswers = keeps
                let asker = try TextQuestions(text, model: model, options: options)
                var rest = questions[...]
                var rows: [JSONValue] = []
                #expect(try asker.answer(next: { rest.popFirst() }, row: { rows.append($0) }))
                return rows
            }
            let batch = try rows(asked, keeps: true)
            #expect(batch.map { $0["id"]?.integer } == asked.map { $0.id?.integer })
            for (question, row) in zip(asked, batch).prefix(12) {
                #expect(try rows([question], keeps: false) == [row])
            }
            for row in batch {
                #expect(row["from"]?.string == source.rawValue && (row["read_tokens"]?.integer ?? 0) > 10)
                for span in row["spans"]?.array ?? [] {
                    let range = (span["start"]?.integer ?? 0)..<(span["end"]?.integer ?? 0)
                    #expect(Array((span["text"]?.string ?? "").utf8) == Array(bytes[range]))
                    #expect(row["answer"] == span["text"])
                }
                // What is reread is quoted or declined, never made up.
                if source == .reread {
                    #expect((row["answer"]?.string == nil) == (row["spans"]?.array?.isEmpty == true))
                }
            }
            // The same again: no token, and otherwise the same rows.
            for (old, new) in zip(batch, try rows(asked, keeps: true)) {
                #expect(new["read_tokens"]?.integer == 0)
                #expect(new["answer"] == old["answer"] && new["spans"] == old["spans"])
                #expect(new["probability"] == old["probability"])
            }
        }
        // By key alone, without the input.
        unlink(folder.file("story.txt"))
        let again = try TextReading.open(
            String(text.state.key.description.prefix(10)), folder: folder.file("states"), model: model)
        #expect(again.state.session.serialized() == text.state.session.serialized())
    }

    @Test("a log that grew, a mailbox with new mail and a folder with a new file are read on")
    func growth() throws {
        let model = try model()
        func grows(_ name: String, _ first: String, _ second: String) throws {
            folder.write(first, to: name)
            let before = try read([folder.file(name)], model)
            folder.write(second, to: name)
            let after = try read([folder.file(name)], model)
            let new = after.state.tokens - before.state.tokens
            #expect(after.state.cachedTokens >= before.state.tokens - 3, "\(name): \(after.state.miss!)")
            #expect(after.state.readTokens <= new + 3)
            #expect(try after.index.find("Zürich 205") != nil && before.index.find("Zürich 205") == nil)
        }
        try grows("a.log", Self.story(200), Self.story(210))
        // The last line was not finished.
        try grows("b.log", String(Self.story(199).dropLast(9)), Self.story(207))
        func mailbox(_ count: Int) -> String {
            (0..<count).map {
                "From a@example.org Mon Mar  2 09:41:30 2026\nSubject: No. \($0)\n\nThe keeper wrote Zürich \($0).\n\n"
            }.joined()
        }
        try grows("c.mbox", mailbox(150), mailbox(206))
        mkdir(folder.file("d"), 0o700)
        folder.write(Self.story(50), to: "d/1.txt")
        let one = try read([folder.file("d")], model)
        folder.write("Another text.", to: "d/2.txt")
        let two = try read([folder.file("d")], model)
        #expect(two.state.cachedTokens == one.state.tokens && two.documents == 2)
    }

    @Test("a state that is not there, or ambiguous, says what to do; a bad line of questions is a row")
    func refusals() throws {
        let model = try model()
        folder.write(Self.story(20), to: "s.txt")
        let text = try read([folder.file("s.txt")], model)
        #expect(throws: PipelineError.self) {
            try TextReading.open("feedbeef", folder: folder.file("states"), model: model)
        }
        folder.write(
            "{\"question\": 7}\n\nWhat  is\tthis?\n{\"id\": \"x\", \"question\": \"Why?\"}\n", to: "q.jsonl")
        var file = try QuestionFile(folder.file("q.jsonl"))
        var questions: [AskedQuestion] = []
        while let question = try file.next() { questions.append(question) }
        #expect(questions.map(\.text) == ["", "What is this?", "Why?"])
        #expect(questions[0].problem != nil && questions[2].id == .string("x"))
        let asker = try TextQuestions(text, model: model)
        var rest = questions[...]
        var rows: [JSONValue] = []
        try asker.answer(next: { rest.popFirst() }, row: { rows.append($0) })
        #expect(rows.count == 3 && rows[0]["status"]?.string == "failed.damaged" && asker.failed == 1)
    }
}

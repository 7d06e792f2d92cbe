import Answers
import Constraints
import Documents
import Testing

@Suite struct SummaryTests {
    private func summary(_ text: String, _ options: ExtractiveSummary.Options) -> ExtractiveSummary.Result {
        var cutter = SectionCutter(maximumBytes: 1 << 12)
        var summary = ExtractiveSummary(options: options)
        let bytes = Array(text.utf8)
        let events: [DocumentEvent] = [
            .begin(Document(address: "doc", kind: .text)),
            .text(TextChunk(part: "doc", utf8: bytes, start: 0)),
            .end(DocumentEnd(status: .ok, contentDigest: "", textBytes: bytes.count)),
        ]
        for event in events { for section in cutter.append(event) { summary.append(section) } }
        return summary.finish()
    }

    static let text =
        "The bridge over the river was closed on Monday. Engineers found cracks in two pillars of the bridge. "
        + "Dr. Weber of the city said that repairs would take three weeks. The weather was mild. "
        + "Engineers found cracks in two pillars of the bridge. Buses take another way until the repairs are done.\n\n"
        + "A cat slept."

    @Test(
        "every sentence is a slice of the text, in its order and within the budget",
        arguments: [2, 5, 12, 30, 500])
    func slices(_ words: Int) {
        var options = ExtractiveSummary.Options()
        options.words = words
        let result = summary(Self.text, options)
        let bytes = Array(Self.text.utf8)
        #expect(!result.sentences.isEmpty)
        // The shortest has three words.
        #expect(result.words <= words || (words < 3 && result.sentences.count == 1))
        for sentence in result.sentences { #expect(Array(bytes[sentence.span.range]) == sentence.span.text) }
        let starts = result.sentences.map(\.span.range.lowerBound)
        #expect(starts == starts.sorted())
        #expect(Set(starts).count == starts.count)
    }

    @Test("what was said is not said again")
    func redundancy() {
        var options = ExtractiveSummary.Options()
        options.words = 34
        let texts = summary(Self.text, options).sentences.map {
            String(decoding: $0.span.text, as: UTF8.self)
        }
        #expect(Set(texts).count == texts.count)
    }

    @Test("a focus draws its sentences in")
    func focus() {
        var options = ExtractiveSummary.Options()
        options.words = 12
        options.focus = "buses"
        let texts = summary(Self.text, options).sentences.map {
            String(decoding: $0.span.text, as: UTF8.self)
        }
        #expect(texts.contains("Buses take another way until the repairs are done."))
    }

    @Test("abbreviations do not end sentences; other scripts have their own ends")
    func splitting() {
        var options = ExtractiveSummary.Options()
        options.words = 1000
        let english = summary(Self.text, options).sentences.map {
            String(decoding: $0.span.text, as: UTF8.self)
        }
        #expect(english.contains("Dr. Weber of the city said that repairs would take three weeks."))
        let japanese = summary("橋は月曜日に閉鎖された。技師は柱に亀裂を見つけた。修理は三週間かかる。", options)
        #expect(japanese.count == 3)
        #expect(summary("", options).sentences.isEmpty)
        #expect(summary("one two", options).sentences.count == 1)
    }

    @Test("without headings the outline has one entry a stretch, in order", arguments: [1, 2, 3, 7, 20])
    func outline(_ count: Int) {
        var options = ExtractiveSummary.Options()
        options.outline = count
        let entries = summary(Self.text, options).outline
        #expect(entries.count == min(count, 7))
        let starts = entries.map(\.sentence.span.range.lowerBound)
        #expect(starts == starts.sorted())
        #expect(entries.reduce(0) { $0 + $1.sentences } == 7)
    }

    @Test("a stretch ends where the words change")
    func tiles() {
        let one =
            "The bees leave the hive for nectar. A bee dances in the hive for other bees. Bees make honey. "
        let two = "The train was late at the station. A train waits for no station. Trains run on rails."
        var options = ExtractiveSummary.Options()
        options.outline = 2
        let entries = summary(one + two, options).outline
        #expect(entries.map(\.sentences) == [3, 3])
    }

    private func texts(_ text: String) -> [String] {
        var options = ExtractiveSummary.Options()
        options.words = 10_000
        return summary(text, options).sentences.map { String(decoding: $0.span.text, as: UTF8.self) }
    }

    private static let markdown = """
        # Setting up the reader

        Reading a mailbox needs one command. It takes a minute.

        ```swift
        let reader = Reader.init(mailbox: path). Then run it. This is code. Not prose.
        ```

        ## What it costs

        | verb | time a mail | memory a mail |
        | --- | --- | --- |
        | classify. Yes. | 4 ms a mail. | 30 MB a mail. |

        - **Memory** stays the same however long the text is.
        - fast
        1. The first step opens the file.

        name | place
        --- | ---
        Ada Lovelace. | London is here.

            sudo make install. It is code, too.

        > Somebody else said this in a quotation.

        Notes and thanks
        ----------------
        Nobody was harmed in the making of this page.
        """

    @Test(
        "code, tables, headings and quotations of Markdown are no sentences; items of lists are, without their mark"
    )
    func markdown() {
        #expect(
            texts(Self.markdown) == [
                "Reading a mailbox needs one command.", "It takes a minute.",
                "**Memory** stays the same however long the text is.", "The first step opens the file.",
                "Nobody was harmed in the making of this page.",
            ])
        #expect(texts("> Only a quotation is here.\n> And one more.").count == 2, "nothing else is there")
    }

    @Test("the sections of an outline are those of the headings, whatever kind they are of")
    func sections() {
        var options = ExtractiveSummary.Options()
        options.outline = 12
        func headings(_ text: String) -> [String?] {
            summary(text, options).outline.map {
                $0.heading.map { String(decoding: $0.text, as: UTF8.self) }
            }
        }
        #expect(headings(Self.markdown) == ["Setting up the reader", "What it costs", "Notes and thanks"])
        let book = (1...3).map { "CHAPTER \($0)\n\nIt was day \($0) of the journey. The sea was calm.\n\n" }
            .joined()
        #expect(
            headings("A preface comes first.\n\n" + book) == [nil, "CHAPTER 1", "CHAPTER 2", "CHAPTER 3"])
        #expect(
            headings("1. Scope\n\nThis part says what is meant.\n\n2.1 Terms\n\nA term is a word.\n")
                == ["1. Scope", "2.1 Terms"])
    }

    @Test("an open fence goes on in the next section of a long document, and tildes alone open none")
    func fences() {
        let code = (0..<400).map { "call number \($0) of many. And again.\n" }.joined()
        let long =
            "Before the code there is prose.\n\n```text\n\(code)```\n\nBehind the code there is prose, too.\n"
        #expect(texts(long) == ["Before the code there is prose.", "Behind the code there is prose, too."])
        #expect(texts("One sentence is here.\n\n~~~~~~~~~~\n\nAnother one is here.").count == 2)
    }

    @Test("sentences end behind typographic quotes; lines of a log are its sentences")
    func ends() {
        #expect(texts("“It is late.” “So it is,” he said. «Oui, oui.» Then they left.").count == 4)
        let log = (0..<60).map { "worker \($0) took the job of worker \($0 + 1) without a word about it" }
        #expect(texts(log.joined(separator: "\n")).count == 60)
    }

    @Test("what was added to a text is summarized without what was said before")
    func update() {
        var options = ExtractiveSummary.Options()
        options.words = 12
        var summary = ExtractiveSummary(options: options)
        var section = DocumentSection()
        let old = "The bridge was closed on Monday. "
        let text = old + "The bridge was closed on Monday. Divers found a car below it."
        section.append(Array(text.utf8), part: "doc", start: 0)
        summary.append(section)
        let first = summary.firstSentence { $0.range.lowerBound >= old.utf8.count }
        #expect(first == 1)
        let older = TextSpan(part: "doc", range: 0..<32, text: Array(old.utf8.dropLast()))
        let added = summary.update(since: first, older: [.init(span: older, words: 6, score: 1)])
        #expect(
            added.map { String(decoding: $0.span.text, as: UTF8.self) }.contains(
                "Divers found a car below it."))
        #expect(summary.update(since: 3, older: []).isEmpty)
    }

    @Test("support is what two sentences have of the words together, and falls when one side denies")
    func support() {
        let spans = [
            "The committee approved the budget in March.", "The mayor did not sign the contract.",
            "It rained.",
        ].map { TextSpan(part: "doc", range: 0..<$0.utf8.count, text: Array($0.utf8)) }
        func support(_ text: String) -> (Double, [TextSpan]) {
            AbstractiveSummary.support(of: SentenceSplitter.words(Array(text.utf8)[...]), among: spans)
        }
        #expect(support("The committee approved the budget.").0 == 1)
        #expect(support("The committee approved the budget.").1 == [spans[0]])
        #expect(support("The mayor did not sign the contract.").0 == 1)
        #expect(support("The mayor signed the contract.").0 == 0.5, "it was not signed")
        #expect(support("The committee approved the contract.").0 < 1)
        #expect(support("Penguins swim.").0 == 0)
        #expect(support("").1.isEmpty)
        #expect(AbstractiveSummary.repeats(["a", "b", "c", "a", "b", "c"]))
        #expect(!AbstractiveSummary.repeats(["a", "b", "c", "b", "c"]))
    }

    @Test("what a model may write of a text has its words and function words alone")
    func pattern() throws {
        let compiler = ConstraintCompiler(trie: TokenTrie(tokens: (0..<256).map { [UInt8($0)] }))
        let constraint = try compiler.constraint(
            regex: AbstractiveSummary.pattern(
                "Ada Lovelace paid Mr. Jones £1,234.50 (in cash) to Bob O'Brien."))
        func accepts(_ text: String) -> Bool {
            var matcher = constraint.makeMatcher()
            return matcher.advance(text.utf8) && matcher.isComplete
        }
        #expect(accepts("Ada paid £1,234.50 to Bob."))
        #expect(accepts("The cash, in all, was for O'Brien."))
        #expect(!accepts("Ada paid £1,235.50 to Bob."), "another number")
        #expect(!accepts("Ada paid in gold to Bob."), "another word")
        #expect(!accepts("Ada paid Bob"))
        #expect(accepts("Ada paid Mr. Jones."))
        #expect(!accepts("Bob paid Ada and Mr."), "an abbreviation")
        #expect(!accepts("Bob O'Brien paid the."), "a function word")
    }
}

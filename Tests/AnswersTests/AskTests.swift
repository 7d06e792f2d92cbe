import Answers
import Inference
import Testing
import Tokenization

@Suite struct AskPromptTests {
    static let tokenizerPath =
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        + "/Sources/BundledModel/Resources/tokenizer.json"

    @Test("the words around a text are these, each tokenized by itself")
    func words() throws {
        let tokenizer = try Tokenizer(contentsOf: Self.tokenizerPath)
        let document = ClassificationPrompt(order: .document)
        #expect(try tokenizer.encode(AskPrompt.prefix()) == tokenizer.encode(document.prefix))
        let turn =
            try tokenizer.encode("\n\nQuestion: Who?") + [2] + tokenizer.encode("\n") + [1]
            + tokenizer.encode("assistant\nAnswer:")
        #expect(try AskPrompt(question: "Who?").encoded(by: tokenizer) == turn)
        let passages = ["One.\n", "Two."]
        let before =
            tokenizer.encode("\n\nPassages:\n") + tokenizer.encode(passages[0]) + tokenizer.encode("\n\n")
            + tokenizer.encode(passages[1])
        #expect(
            try AskPrompt(question: "Who?", passages: passages).encoded(by: tokenizer) == before + turn)
    }

    @Test("a model of other turns is asked in its own")
    func kimi() {
        var prompt = AskPrompt(question: "Who?")
        prompt.template = .kimi
        #expect(AskPrompt.prefix(.kimi).first == .special("<|im_user|>"))
        #expect(
            prompt.turn == [
                .text("\n\nQuestion: Who?"), .special("<|im_end|>"), .special("<|im_assistant|>"),
                .text("assistant"), .special("<|im_middle|>"), .text("Answer:"),
            ])
    }
}

@Suite struct PassageQuoteTests {
    private static let tokenizer = Result {
        try Tokenizer(contentsOf: AskPromptTests.tokenizerPath)
    }

    private static let passages = [
        "The \"Nautilus\" sank at 5:40, near the coast.\nCaptain Nemo—of all people—said: Übermut!",
        "Nothing here.\n\n日本語のテキスト and a naïve café; e-mail me@example.org, won't you?", "x",
    ]

    @Test("whatever path is taken, an answer is the passage's bytes from word to word, or declines")
    func walks() throws {
        let tokenizer = try Self.tokenizer.get()
        let end: Int32 = 2
        var state: UInt64 = 7
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        func isWord(_ byte: UInt8) -> Bool {
            byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        }
        var declined = 0
        var starts: Set<Int> = []
        for _ in 0..<800 {
            var quote = PassageQuote(
                passages: Self.passages, decline: AskPrompt.unanswerable, end: end, tokenizer: tokenizer)
            var ids: [Int32] = []
            while true {
                let allowed = quote.allowed
                #expect(
                    !allowed.isEmpty && allowed == allowed.sorted() && Set(allowed).count == allowed.count)
                #expect(!ids.isEmpty || !allowed.contains(end))
                // A long walk is rare unless the end is.
                let others = allowed.filter { $0 != end }
                let id =
                    others.isEmpty || (allowed.contains(end) && random(4) == 0)
                    ? end : others[random(others.count)]
                if id == end { break }
                ids.append(id)
                quote.append(id)
            }
            let place = try #require(quote.place)
            let said = String(decoding: tokenizer.decode(ids), as: UTF8.self)
            guard let passage = place.passage else {
                declined += 1
                #expect(said == " " + AskPrompt.unanswerable)
                continue
            }
            let bytes = Array(Self.passages[passage].utf8)
            let text = String(decoding: bytes[place.range], as: UTF8.self)
            #expect(said.hasSuffix(text) && said.utf8.count <= text.utf8.count + 1, "\(said) / \(text)")
            let (low, high) = (place.range.lowerBound, place.range.upperBound)
            #expect(
                low == 0 || !isWord(bytes[low]) || !isWord(bytes[low - 1]) || bytes[low] >= 0x80, "\(text)")
            #expect(
                high == bytes.count || !isWord(bytes[high]) || !isWord(bytes[high - 1]) || bytes[high] >= 0x80
            )
            if passage == 0 { starts.insert(low) }
        }
        #expect(declined > 0 && starts.count > 8)
        // A word that opens the passage, with no space before it, can be quoted as well.
        #expect(starts.contains(0))
    }

    @Test(
        "what a passage says can be quoted: numbers, whose digits stand apart from the space, and what opens a line"
    )
    func numbers() throws {
        let tokenizer = try Self.tokenizer.get()
        let passage = "7312345 is\n1887. Paid: $40 (12 March), zkqvx.\nZkqvx paid in 1902\n日本語 1"
        for text in [
            "7312345", "1887", "$40", "40", "12 March", "12", "zkqvx", "Zkqvx paid", "1902", "in 1902",
        ] {
            var quote = PassageQuote(
                passages: [passage], decline: AskPrompt.unanswerable, end: 2, tokenizer: tokenizer)
            for id in tokenizer.encode(" " + text) {
                try #require(quote.allowed.contains(id), "\(text)")
                quote.append(id)
            }
            #expect(quote.allowed.contains(2), "\(text)")
            let range = try #require(quote.place).range
            #expect(String(decoding: Array(passage.utf8)[range], as: UTF8.self) == text)
        }
        // Its first token may end inside the first character, which no encoder makes behind a space.
        var quote = PassageQuote(
            passages: [passage], decline: AskPrompt.unanswerable, end: 2, tokenizer: tokenizer)
        for id in tokenizer.encode(" ") + tokenizer.encode("日本語") {
            try #require(quote.allowed.contains(id))
            quote.append(id)
        }
        let range = try #require(quote.place).range
        #expect(String(decoding: Array(passage.utf8)[range], as: UTF8.self) == "日本語")
    }

    @Test("without passages only the words that decline are left")
    func empty() throws {
        let tokenizer = try Self.tokenizer.get()
        var quote = PassageQuote(passages: [], decline: AskPrompt.unanswerable, end: 2, tokenizer: tokenizer)
        for id in tokenizer.encode(" " + AskPrompt.unanswerable) {
            #expect(quote.allowed == [id])
            quote.append(id)
        }
        #expect(quote.allowed == [2] && quote.place?.passage == nil)
    }
}

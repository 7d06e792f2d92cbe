import Constraints
import JSON
import Testing

@Suite struct MaskTests {
    @Test("a token is in the mask exactly when its bytes fit", arguments: SchemaTests.cases)
    func masksAgreeWithBytes(_ one: Case) throws {
        let constraint = try Vocabulary.schema(one.schema)
        for (number, text) in one.good.enumerated() {
            var random = Seeded(state: UInt64(number))
            var matcher = constraint.makeMatcher()
            var rest = Array(text.utf8)[...]
            while true {
                let mask = matcher.mask()
                for (id, bytes) in Vocabulary.tokens.enumerated() {
                    var copy = matcher
                    let fits = copy.advance(bytes)
                    #expect(
                        mask.contains(Int32(id)) == fits,
                        "\(String(decoding: bytes, as: UTF8.self)) before \(rest.count) bytes")
                }
                guard
                    let token = Vocabulary.tokens.filter({ rest.starts(with: $0) }).randomElement(
                        using: &random)
                else { break }
                do {
                    let fits = matcher.advance(token)
                    #expect(fits)
                }
                rest = rest.dropFirst(token.count)
            }
            #expect(rest.isEmpty)
            #expect(matcher.isComplete)
        }
    }

    @Test("random walks through masks always end in a valid text", arguments: 0..<40)
    func walks(_ seed: Int) throws {
        var random = Seeded(state: UInt64(seed))
        let one = SchemaTests.cases.randomElement(using: &random)!
        let constraint = try Vocabulary.schema(one.schema)
        var matcher = constraint.makeMatcher()
        var text: [UInt8] = []
        while text.count < 400 {
            let choices = matcher.mask().tokens
            if matcher.isComplete, choices.isEmpty || Int.random(in: 0..<4, using: &random) == 0 { break }
            // No dead end: whatever was chosen, something follows.
            let token = try #require(choices.randomElement(using: &random))
            text += Vocabulary.tokens[Int(token)]
            do {
                let fits = matcher.advance(Vocabulary.tokens[Int(token)])
                #expect(fits)
            }
        }
        if matcher.isComplete { _ = try JSONValue(parsing: text) }
    }

    @Test("forced bytes are found, and stop where there is a choice")
    func forced() throws {
        let constraint = try Vocabulary.schema(
            #"{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false}"#
        )
        var matcher = constraint.makeMatcher()
        #expect(String(decoding: matcher.forcedBytes(), as: UTF8.self) == "{\"name\": \"")
        do {
            let fits = matcher.advance("{\"name\": \"x\"".utf8)
            #expect(fits)
        }
        #expect(String(decoding: matcher.forcedBytes(), as: UTF8.self) == "}")
        let before = constraint.makeMatcher()
        let greedy: ([UInt8]) -> [Int32] = { text in
            var ids: [Int32] = []
            var rest = text[...]
            while !rest.isEmpty {
                let best = Vocabulary.tokens.indices.filter { rest.starts(with: Vocabulary.tokens[$0]) }
                    .max { Vocabulary.tokens[$0].count < Vocabulary.tokens[$1].count }!
                ids.append(Int32(best))
                rest = rest.dropFirst(Vocabulary.tokens[best].count)
            }
            return ids
        }
        let tokens = before.forcedTokens(greedy) { Vocabulary.tokens[Int($0)] }
        #expect(
            tokens.map { String(decoding: Vocabulary.tokens[Int($0)], as: UTF8.self) } == [
                "{\"", "name", "\": \"",
            ])
    }

    @Test("regular expressions and choices")
    func plain() throws {
        let compiler = Vocabulary.compiler()
        let regex = try compiler.constraint(regex: "[A-Z]{2}\\d+(é|😀)?")
        #expect(accepts(regex, "AB12é"))
        #expect(accepts(regex, "AB1"))
        #expect(!accepts(regex, "A1"))
        #expect(!accepts(regex, "AB"))
        let choice = try compiler.constraint(choice: ["spam", "ham", "hammer"])
        #expect(accepts(choice, "ham"))
        #expect(accepts(choice, "hammer"))
        #expect(!accepts(choice, "hamm"))
        #expect(throws: ConstraintError.self) { _ = try compiler.constraint(regex: "a(?!b)") }
        #expect(throws: ConstraintError.self) { _ = try compiler.constraint(regex: "[b-a]") }
        #expect(throws: ConstraintError.self) { _ = try compiler.constraint(choice: []) }
    }

    @Test("a mask sets every other logit to minus infinity")
    func logits() {
        var mask = TokenMask(vocabularySize: 70)
        mask.insert(3)
        mask.insert(69)
        var logits = [Float](repeating: 1, count: 72)
        mask.apply(to: &logits)
        #expect(logits.indices.filter { logits[$0] == 1 } == [3, 69])
        #expect(mask.tokens == [3, 69])
        #expect(mask.onlyToken == nil)
    }
}

import Constraints
import JSON
import Testing

@Suite struct SourceTests {
    private func constraint(
        _ text: String, _ schema: String = #"{"type": "string"}"#, _ folding: SourceText.Folding = .init()
    )
        throws -> (Constraint, SourceText)
    {
        let source = try SourceText(text.utf8, folding: folding)
        return (try Vocabulary.schema(schema, .init(source: source) { _, _ in true }), source)
    }

    private func slices(_ source: SourceText, _ string: String) -> [String] {
        source.occurrences(of: string).map { String(decoding: source.text[$0], as: UTF8.self) }
    }

    @Test(
        "a verbatim string is a slice of the source, in any script",
        arguments: [
            ("The parties, Müller & Söhne and ACME, agree.", "Müller & Söhne", "Muller"),
            ("合同由甲方和乙方签订。", "甲方", "丙方"), ("契約は東京で締結されました。", "東京", "大阪"),
            ("وقع العقد في القاهرة يوم الأحد", "القاهرة", "دمشق"), ("अनुबंध दिल्ली में हुआ था", "दिल्ली", "मुंबई"),
            ("family 👨‍👩‍👧 and flag 🇩🇪 here", "👨‍👩‍👧", "👨"), ("two flags 🇩🇪🇫🇷", "🇫🇷", "🇪🇫"),
            ("quoted \"text\" and back\\slash", "\"text\" and back\\slash", "text\" or"),
            ("e\u{301}cole", "e\u{301}cole", "e"),
        ])
    func scripts(_ text: String, _ good: String, _ bad: String) throws {
        let (constraint, source) = try constraint(text)
        #expect(accepts(constraint, JSONValue.string(good).text))
        #expect(!accepts(constraint, JSONValue.string(bad).text))
        #expect(slices(source, good) == [good])
        #expect(source.occurrences(of: bad).isEmpty)
    }

    @Test("words are not cut, and white space matches white space")
    func words() throws {
        let (constraint, source) = try constraint("John\n  Doe met Johnson.")
        #expect(accepts(constraint, "\"John Doe\""))
        #expect(!accepts(constraint, "\"ohn\""))
        #expect(!accepts(constraint, "\"Johns\""))
        #expect(!accepts(constraint, "\" Doe\""))
        #expect(!accepts(constraint, "\"\""))
        #expect(slices(source, "John Doe") == ["John\n  Doe"])
        #expect(slices(source, "John") == ["John"])
        #expect(accepts(constraint, "\"Johnson.\""))
        #expect(accepts(constraint, "\"Johnson\""))
    }

    @Test("a line break may be copied as what it is, where there is one")
    func lineBreaks() throws {
        let (constraint, source) = try constraint("12 Mill Road,\r\n  York\tUK. Call\nus \\now")
        #expect(accepts(constraint, #""12 Mill Road,\nYork""#))
        #expect(accepts(constraint, #""12 Mill Road, York""#))
        #expect(accepts(constraint, #""12 Mill Road,\nYork\tUK. Call us""#))
        #expect(accepts(constraint, #""Call\nus \\now""#))
        for bad in [
            #""12\nMill""#, #""York\nUK""#, #""York\t\tUK""#, #""Road,\n""#, #""\nYork""#, #""Call\tus""#,
            #""us\n\\now""#, #""us \now""#,
        ] {
            #expect(!accepts(constraint, bad), "\(bad)")
        }
        #expect(slices(source, "Road,\nYork") == ["Road,\r\n  York"])
        #expect(slices(source, "Road,\n \nYork\tUK") == ["Road,\r\n  York\tUK"])
        #expect(slices(source, "\nYork").isEmpty)
    }

    @Test("letter case folds only when asked to, and the slice keeps the source's")
    func letterCase() throws {
        var folding = SourceText.Folding()
        folding.letterCase = true
        let (constraint, source) = try constraint("TOTAL Due: ÄRGER", #"{"type": "string"}"#, folding)
        #expect(accepts(constraint, "\"total due: ärger\""))
        #expect(slices(source, "total due") == ["TOTAL Due"])
        let (strict, _) = try self.constraint("TOTAL Due")
        #expect(!accepts(strict, "\"total\""))
    }

    @Test("every occurrence is listed, in order and up to the limit")
    func occurrences() throws {
        let source = try SourceText("Ada met Bob. Ada left. Ada\tslept.".utf8)
        #expect(source.occurrences(of: "Ada").map(\.lowerBound) == [0, 13, 23])
        #expect(source.occurrences(of: "Ada", limit: 2).count == 2)
        #expect(source.occurrences(of: "").isEmpty)
    }

    @Test("a pattern and a length hold as well as the source")
    func together() throws {
        let text = "Order 12345 of 2024-03-01, total 99.50"
        let (constraint, _) = try constraint(
            text, #"{"type": "string", "pattern": "^[0-9-]+$", "maxLength": 5}"#)
        #expect(accepts(constraint, "\"12345\""))
        #expect(accepts(constraint, "\"2024\""))
        #expect(!accepts(constraint, "\"2024-03-01\""))
        #expect(!accepts(constraint, "\"total\""))
        #expect(!accepts(constraint, "\"54321\""))
    }

    @Test("masks of a source agree with its bytes, from everywhere in a copy", arguments: 0..<20)
    func masks(_ seed: Int) throws {
        var random = Seeded(state: UInt64(seed))
        let words = ["John", "Doe", "name", "日本語", "abc", "null", "12", "123", "é", "\"", "\n"]
        let text = (0..<30).map { _ in words.randomElement(using: &random)! }.joined(separator: " ")
        let (constraint, source) = try constraint(
            text,
            #"{"type": "object", "properties": {"name": {"type": "string"}, "abc": {"type": ["string", "null"]}}, "required": ["name", "abc"], "additionalProperties": false}"#
        )
        var matcher = constraint.makeMatcher()
        var out: [UInt8] = []
        while !matcher.isComplete, out.count < 600 {
            let mask = matcher.mask()
            for (id, bytes) in Vocabulary.tokens.enumerated() {
                var copy = matcher
                let fits = copy.advance(bytes)
                #expect(mask.contains(Int32(id)) == fits)
            }
            let token = try #require(mask.tokens.randomElement(using: &random))
            out += Vocabulary.tokens[Int(token)]
            do {
                let fits = matcher.advance(Vocabulary.tokens[Int(token)])
                #expect(fits)
            }
        }
        guard matcher.isComplete else { return }
        let value = try JSONValue(parsing: out)
        for member in value.members! where member.value.string != nil {
            #expect(!source.occurrences(of: member.value.string!).isEmpty)
        }
    }

    @Test("text that is not UTF-8 and text that is too long are errors")
    func errors() {
        #expect(throws: ConstraintError.self) { _ = try SourceText([0x61, 0xFF, 0x62]) }
        #expect(throws: ConstraintError.self) {
            _ = try SourceText([UInt8](repeating: 0x61, count: SourceText.maximumBytes + 1))
        }
    }
}

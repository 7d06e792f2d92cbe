import Answers
import Constraints
import Documents
import Foundation
import Inference
import JSON
import Testing

@Suite struct ExtractionTests {
    /// The shipped weights, as users have them.
    static let model: LoadedModel? = try? LoadedModel.open(threads: 1)

    private func document(
        _ parts: [(String, String)], kind: DocumentKind = .text, metadata: [MetadataField] = [],
        chunk: Int = .max
    )
        -> [DocumentEvent]
    {
        var events: [DocumentEvent] = [
            .begin(Document(address: "doc", kind: kind, metadata: metadata))
        ]
        for (part, text) in parts {
            let bytes = Array(text.utf8)
            var at = 0
            while at < bytes.count {
                var end = min(bytes.count, at + min(chunk, bytes.count))
                while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
                events.append(.text(TextChunk(part: part, utf8: Array(bytes[at..<end]), start: at)))
                at = end
            }
        }
        events.append(
            .end(
                DocumentEnd(
                    status: .ok, contentDigest: "", textBytes: parts.reduce(0) { $0 + $1.1.utf8.count })))
        return events
    }

    private func sections(_ events: [DocumentEvent], bytes: Int = SectionCutter.defaultBytes)
        -> [DocumentSection]
    {
        var cutter = SectionCutter(maximumBytes: bytes)
        return events.flatMap { cutter.append($0) }
    }

    @Test("the prompt is the one that training writes")
    func prompt() {
        let prompt = ExtractionPrompt(fields: ["buyer", "total"])
        #expect(
            prompt.prefix == [
                .special("<|im_start|>"), .text("user\n"),
                .text("Extract these fields from the text as JSON: buyer, total.\n\nText:\n"),
            ])
        #expect(
            prompt.question == [
                .special("<|im_end|>"), .text("\n"), .special("<|im_start|>"), .text("assistant\n"),
            ])
    }

    @Test(
        "sections hold the whole text, whatever the chunks, and know their places", arguments: [1, 7, 1000])
    func cutting(_ chunk: Int) {
        let text = (0..<60).map {
            "Line \($0): Müller 東京 👩‍🚀 paid \($0 * 7) euros.\n" + ($0 % 5 == 0 ? "\n" : "")
        }.joined()
        let whole = sections(document([("doc", text)]), bytes: 300)
        let cut = sections(document([("doc", text)], chunk: chunk), bytes: 300)
        #expect(whole.map(\.text) == cut.map(\.text))
        #expect(whole.flatMap(\.text) == Array(text.utf8))
        #expect(whole.count > 5)
        #expect(
            whole.allSatisfy { $0.text.count <= 300 && String(validating: $0.text, as: UTF8.self) != nil })
    }

    @Test(
        "every extracted string is the bytes of its span: the offset bugs of langextract (#151, #201, #289, #334), all scripts",
        arguments: [
            "患者张伟，男，45岁，于2024年3月1日入院，诊断为高血压。主治医生：李娜。",
            "田中太郎は東京都の株式会社山田製作所に勤めています。電話は03-1234-5678です。",
            "وقعت شركة النور عقدًا مع أحمد علي في القاهرة بتاريخ ٣ مارس ٢٠٢٤.",
            "राम शर्मा ने दिल्ली में ३ मार्च २०२४ को अनुबंध पर हस्ताक्षर किए।",
            "Team 👩‍👩‍👧‍👦 & 🇩🇪 ordered 3 🍎 from Zoë Müller—née O'Brien—on 3 March.",
            "Naïve café: \"Ada\\Lovelace\"\n\t paid  £1,234.50 to\r\nBob & Sons.",
        ])
    func offsets(_ text: String) throws {
        let model = try #require(Self.model)
        let schema = try ExtractionSchema(
            JSONValue(
                parsing:
                    #"{"type": "object", "properties": {"person": {"type": "string"}, "place": {"type": "string"}, "date": {"type": "string"}, "all": {"type": "array", "items": {"type": "string"}, "maxItems": 4}}, "required": ["person", "date"]}"#
            ))
        let extractor = try Extractor(model: model, schema: schema)
        let results = try extractor.extract(sections(document([("doc", text)])))
        let bytes = Array(text.utf8)
        var strings = 0
        for result in results {
            result.finding?.forEachLeaf { _, leaf in
                guard let value = leaf.value.string else { return }
                strings += 1
                #expect(!leaf.spans.isEmpty, "\(value)")
                for span in leaf.spans {
                    #expect(Array(bytes[span.range]) == span.text)
                    #expect(span.part == "doc")
                }
                #expect(leaf.spans.first.map { String(decoding: $0.text, as: UTF8.self) } == value)
                #expect((0...1.0001).contains(leaf.probability))
                #expect((0...1.0001).contains(leaf.nullProbability))
            }
        }
        #expect(strings >= 2)
    }

    @Test("what an answer says fits the schema, and neighbours change nothing")
    func validity() throws {
        let model = try #require(Self.model)
        let json = try JSONValue(
            parsing:
                #"{"type": "object", "properties": {"kind": {"enum": ["invoice", "letter"]}, "count": {"type": "integer", "minimum": 0, "maximum": 20}, "names": {"type": "array", "items": {"type": "string"}, "maxItems": 3}}, "required": ["kind", "count", "names"]}"#
        )
        let extractor = try Extractor(model: model, schema: ExtractionSchema(json))
        let texts = [
            "Invoice for Ada Lovelace: 3 gears.", "x", "Dear Bob, see you in Paris. Yours, Carl", "1 2 3 4 5",
        ]
        let parts = texts.flatMap { sections(document([("doc", $0)])) }
        let together = try extractor.extract(parts)
        let constraint = try ConstraintCompiler(trie: TokenTrie(model.tokenizer)).constraint(schema: json)
        for (part, result) in zip(parts, together) {
            #expect(result.isComplete)
            let value = try #require(result.finding?.json)
            var matcher = constraint.makeMatcher()
            let fits = matcher.advance(value.text.utf8)
            #expect(fits && matcher.isComplete, "\(value.text)")
            let alone = try extractor.extract([part])
            #expect(alone[0].finding?.json == value)
        }
    }

    @Test("what sections say is joined: lists without repeats, places of all, the likelier of two values")
    func merging() {
        func leaf(_ text: String?, _ probability: Double, at start: Int = 0) -> Finding {
            var leaf = Finding.Leaf(
                value: text.map { .string($0) } ?? .null, probability: probability,
                nullProbability: text == nil ? probability : 0)
            if let text {
                leaf.spans = [
                    TextSpan(part: "doc", range: start..<start + text.utf8.count, text: Array(text.utf8))
                ]
            }
            return .value(leaf)
        }
        let one = Finding.object([
            ("a", leaf(nil, 0.9)), ("b", leaf("x", 0.4)), ("l", .list([leaf("p", 1, at: 3)])),
        ])
        let two = Finding.object([
            ("a", leaf("y", 0.5)), ("b", leaf("z", 0.6)), ("l", .list([leaf("p", 1, at: 90), leaf("q", 1)])),
        ])
        let both = one.merged(with: two)
        #expect(both.json.text == #"{"a": "y", "b": "z", "l": ["p", "q"]}"#)
        var places: [Int] = []
        both.forEachLeaf { pointer, leaf in
            if pointer == "/l/0" { places = leaf.spans.map(\.range.lowerBound) }
        }
        #expect(places == [3, 90])
    }

    @Test(
        "a schema without fields, with a keyword that cannot be enforced, or with an unknown name is refused")
    func schemas() throws {
        #expect(throws: ConstraintError.self) {
            _ = try ExtractionSchema(JSONValue(parsing: #"{"type": "string"}"#))
        }
        #expect(throws: ConstraintError.self) {
            _ = try ExtractionSchema(
                JSONValue(parsing: #"{"properties": {"a": {"type": "string"}}}"#), verbatim: .fields(["b"]))
        }
        let model = try #require(Self.model)
        let unique = try ExtractionSchema(
            JSONValue(parsing: #"{"properties": {"a": {"type": "array", "uniqueItems": true}}}"#))
        #expect(throws: ConstraintError.self) { _ = try Extractor(model: model, schema: unique) }
    }
}

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

    private func leaf(_ text: String?, _ probability: Double = 1, null: Double = 0, at starts: [Int] = [])
        -> Finding
    {
        var leaf = Finding.Leaf(
            value: text.map { .string($0) } ?? .null, probability: probability,
            nullProbability: text == nil ? probability : null)
        leaf.isVerbatim = text != nil
        leaf.spans = starts.map {
            TextSpan(part: "doc", range: $0..<$0 + text!.utf8.count, text: Array(text!.utf8))
        }
        return .value(leaf)
    }

    private func record(_ name: Finding, _ date: Finding) -> Finding {
        .object([("name", name), ("date", date)])
    }

    @Test(
        "records of many sections: each once with all its places, in the order of the text, empty ones left out"
    )
    func records() throws {
        var sections: [Finding] = []
        for index in 0..<50 {
            sections.append(
                .object([
                    ("title", leaf(index == 7 ? "Minutes" : nil, 0.9 - Double(index) / 100)),
                    (
                        "people",
                        .list([
                            record(leaf("Ada \(index % 40)", at: [100 * index]), leaf(nil, 0.8)),
                            record(leaf(nil, 0.9), leaf(nil, 0.9)),
                            record(
                                leaf("Bob\n  \(index % 40)", at: [100 * index + 50]),
                                leaf("May", at: [100 * index + 60])),
                        ])
                    ),
                ]))
        }
        // Written in one line the second time it is the same name.
        sections.append(
            .object([
                ("title", leaf(nil, 0.95)),
                ("people", .list([record(leaf("Bob 3", at: [9000]), leaf("May", at: [9010]))])),
            ]))
        let all = try #require(Finding.merged(sections))
        let people = try #require(all.json["people"]?.array)
        #expect(people.count == 80)
        #expect(people.prefix(2).map { $0["name"]?.string } == ["Ada 0", "Bob\n  0"])
        #expect(people.last?["name"]?.string == "Bob\n  39")
        #expect(all.json["title"]?.string == "Minutes")
        var places: [String: [Int]] = [:]
        var chances: [String: [Double]] = [:]
        all.forEachLeaf { pointer, leaf in
            places[pointer] = leaf.spans.map(\.range.lowerBound)
            chances[pointer] = [leaf.probability, leaf.nullProbability]
        }
        #expect(places["/people/0/name"] == [0, 4000])
        #expect(places["/people/7/name"] == [350, 4350, 9000])
        #expect(places["/people/7/date"] == [360, 4360, 9010])
        #expect(chances["/people/0/date"] == [0.8, 0.8])
        // Of a document in which nothing is found, the likeliest section decides how sure that is.
        let nothing = Finding.merged([leaf(nil, 0.9), leaf(nil, 0.3), leaf(nil, 0.7)])
        nothing?.forEachLeaf { _, leaf in #expect(leaf.probability == 0.3 && leaf.nullProbability == 0.3) }
        // Numbers may stand twice in a list, and a list may be all that there is.
        let numbers = { (list: [Int]) -> Finding in
            .list(list.map { .value(.init(value: .integer($0), probability: 1, nullProbability: 0)) })
        }
        #expect(Finding.merged([numbers([3, 3, 4]), numbers([4, 5])])?.json.text == "[3, 3, 4, 5]")
        #expect(Finding.merged([]) == nil)
    }

    @Test("a value's places are looked for in the whole document, its own section first, up to the limit")
    func places() throws {
        let text = (0..<60).map {
            "Page \($0). Ada\nLovelace met Mr. \($0 % 3 == 0 ? "Babbage" : "Babbages") in 東京 👩‍🚀.\n\n"
                + String(repeating: "Nothing else happened. ", count: 8) + "\n\n"
        }.joined()
        let bytes = Array(text.utf8)
        let cut = sections(document([("doc", text)]), bytes: 250)
        #expect(cut.count > 50)
        var options = Extractor.Options()
        options.maximumSpans = 25
        var document = DocumentPlaces(options: options)
        for section in cut { document.append(section) }
        func spans(_ value: String, at start: Int) -> [TextSpan] {
            var result: [TextSpan] = []
            document.placed(leaf(value, at: [start])).forEachLeaf { _, leaf in
                result = leaf.spans
                #expect(leaf.isAmbiguous)
            }
            return result
        }
        func start(_ words: String, after page: Int) -> Int {
            let from = text.firstRange(of: "Page \(page).")!.lowerBound
            return text.utf8.distance(
                from: text.startIndex, to: text[from...].firstRange(of: words)!.lowerBound)
        }
        let own = start("Babbage", after: 30)
        let found = spans("Babbage", at: own)
        #expect(found.count == 20, "not in Babbages")
        #expect(found.map(\.range.lowerBound) == [own] + found.dropFirst().map(\.range.lowerBound).sorted())
        #expect(found.allSatisfy { Array(bytes[$0.range]) == $0.text && $0.part == "doc" })
        #expect(spans("東京", at: start("東京", after: 0)).count == 25)
        #expect(spans("Ada\nLovelace", at: start("Ada", after: 59)).count == 25)
        #expect(spans("👩‍🚀", at: start("👩‍🚀", after: 2)).allSatisfy { Array(bytes[$0.range]) == Array("👩‍🚀".utf8) })
    }

    @Test(
        "records of 44 bookings in 30 sections and more: one after the other, copied, a second mention merged, the rest as alone"
    )
    func bookings() throws {
        let model = try #require(Self.model)
        let names = ["Ada", "Bob", "Carl", "Dora", "Emil"]
        let last = [
            "Lovelace", "Babbage", "Fischer", "Moreau", "Tanaka", "Novak", "Rossi", "Okafor", "Haddad",
        ]
        let filler = String(
            repeating: "It rained for most of the afternoon, and nobody came to the house on the hill.\n\n",
            count: 3)
        var text = ""
        for index in 0..<44 {
            let of = index == 30 ? 11 : index
            text +=
                filler
                + "Booking: guest \(names[of % 5]) \(last[of / 5]), city Lima, paid \(100 + of).50 euros.\n\n"
        }
        let json =
            #"{"type": "object", "properties": {"bookings": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "city": {"type": "string"}, "amount": {"type": "string"}}, "required": ["name", "amount"]}}}}"#
        let extractor = try Extractor(model: model, schema: ExtractionSchema(JSONValue(parsing: json)))
        let parts = sections(document([("doc", text)]), bytes: 400)
        #expect(parts.count > 30)
        let results = try extractor.extract(parts, isWhole: false)
        let bytes = Array(text.utf8)
        var found: [Finding] = []
        for (part, result) in zip(parts, results) {
            #expect(result.isComplete)
            let finding = try #require(result.finding)
            for record in finding.json["bookings"]?.array ?? [] {
                #expect(record["name"]?.string != nil && record["amount"]?.string != nil)
            }
            finding.forEachLeaf { _, leaf in
                for span in leaf.spans {
                    #expect(Array(bytes[span.range]) == span.text)
                    #expect(part.text.firstRange(of: span.text) != nil)
                }
            }
            found.append(finding)
        }
        let alone = try extractor.extract([parts[9]], isWhole: false)[0].finding?.json
        #expect(alone == results[9].finding?.json)
        let all = try #require(Finding.merged(found)?.json["bookings"]?.array)
        #expect(Set(all.map(\.text)).count == all.count)
        #expect(all.count >= 30, "records that the model found: \(all.count)")
        #expect(all.count { $0["amount"]?.string?.hasPrefix("111.50") == true } <= 1)
    }

    @Test(
        "in a section of a longer document what it requires may be missing; what a section has is as before")
    func requirements() throws {
        let model = try #require(Self.model)
        let schema = try ExtractionSchema(
            JSONValue(
                parsing:
                    #"{"type": "object", "properties": {"buyer": {"type": "string"}, "kind": {"enum": ["letter", "order"]}, "lines": {"type": "array", "minItems": 1, "items": {"type": "string"}}}, "required": ["buyer", "kind", "lines"]}"#
            ))
        let extractor = try Extractor(model: model, schema: schema)
        let parts = sections(document([("doc", "1 2 3 4 5")]))
        let whole = try #require(try extractor.extract(parts)[0].finding).json
        #expect(
            whole["buyer"]?.string != nil && whole["kind"]?.string != nil
                && whole["lines"]?.array?.isEmpty == false)
        #expect(schema.missing(in: whole).isEmpty)
        let part = try #require(try extractor.extract(parts, isWhole: false)[0].finding).json
        #expect(part["kind"]?.string != nil)
        #expect(part["lines"]?.array != nil)
        let nothing = try JSONValue(parsing: #"{"buyer": null, "kind": "order", "lines": []}"#)
        #expect(schema.missing(in: nothing) == ["/buyer", "/lines"])
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
        // Of a list of records as well, which is not written at once.
        let record = #""items": {"type": "object", "properties": {"a": {"type": "string"}}}"#
        for list in [
            #"{"type": "array", "uniqueItems": true, \#(record)}"#,
            #"{"properties": {"l": {"type": "array", "contains": {"minProperties": 1}, \#(record)}}}"#,
        ] {
            let schema = try ExtractionSchema(JSONValue(parsing: list))
            #expect(throws: ConstraintError.self) { _ = try Extractor(model: model, schema: schema) }
        }
    }
}

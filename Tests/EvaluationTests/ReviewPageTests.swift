import Documents
import Evaluation
import JSON
import Testing

@Suite("Review pages are inert, exact and bounded")
struct ReviewPageTests {
    static let nasty =
        "</script><script>alert(1)</script><img src=x onerror=alert(2)><!--\u{1B}[31m\u{202E}'\"&"

    private func row(_ item: String, status: String = "ok", label: String? = "spam") -> JSONValue {
        .object([
            JSONMember("item", .string(item)), JSONMember("status", .string(status)),
            JSONMember("label", .optional(label)), JSONMember("probability", .decimal(0.9)),
            JSONMember(
                "distribution",
                .object([JSONMember(Self.nasty, .decimal(0.9)), JSONMember("ham", .decimal(0.1))])),
            JSONMember("tokens", .integer(5)), JSONMember("read", .decimal(1)),
            JSONMember("duplicate_of", .string(Self.nasty)),
            JSONMember(
                "metadata",
                .object([JSONMember("subject", .string(Self.nasty)), JSONMember("from", .string(Self.nasty))])
            ),
            JSONMember("warnings", .array([.string(Self.nasty)])), JSONMember("model", .string(Self.nasty)),
        ])
    }

    private func page(_ rows: [JSONValue], mostRows: Int = ReviewPage.mostRows) throws -> String {
        var out = ""
        try withUnsafeMutablePointer(to: &out) { pointer in
            var page = ReviewPage(
                .init(title: Self.nasty, kind: .classify, labels: ["spam", Self.nasty], note: Self.nasty),
                mostRows: mostRows
            ) { pointer.pointee += $0 }
            for row in rows { try page.add(row) }
            try page.begin()
            for index in page.rows.indices {
                var excerpts = ReviewExcerpts(evidence: page.rows[index].evidence, beginning: 1000)
                excerpts.append(part: Self.nasty, start: 0, utf8: Array(Self.nasty.utf8))
                try page.write(text: excerpts.finish(), of: index)
            }
            try page.finish()
        }
        return out
    }

    @Test("text of documents cannot leave its element; controls and reordering are shown")
    func escapes() throws {
        let page = try page([
            row(Self.nasty, label: Self.nasty), row("b", status: "failed.damaged", label: nil),
        ])
        #expect(page.components(of: "<script") == 3, "data twice, and the page's own")
        #expect(page.components(of: "</script>") == 3)
        #expect(!page.contains("<img") && !page.contains("<!--"))
        #expect(!page.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E })
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(page.contains("\u{241B}[31m[U+202E]"))
        #expect(page.contains("script-src 'sha256-\(ReportPage.reviewScriptDigest)';"))
        #expect(page.contains("default-src 'none'") && !page.contains("unsafe-inline"))
        #expect(!page.contains(" style=") && !page.contains("http://") && !page.contains("https://"))
    }

    @Test("the same rows give the same page; rows that need a look are kept when there are too many")
    func bounded() throws {
        let rows = (0..<100).map { row("item-\($0)-", status: $0 >= 95 ? "failed.damaged" : "ok") }
        let small = try page(rows, mostRows: 20)
        #expect(try small == page(rows, mostRows: 20))
        for index in Array(0..<16) + Array(95..<99) { #expect(small.contains("item-\(index)-")) }
        #expect(!small.contains("item-16-") && !small.contains("item-99-"))
        #expect(small.contains("20 of 100 rows"))
        #expect(small.contains("<b>100</b><span>documents</span>"), "counts are over all rows")
    }

    @Test(
        "an offset lies where a script counts it, in any script and behind what is made visible",
        arguments: [
            "plain", "日本語の文。", "مرحبا بالعالم", "नमस्ते दुनिया", "a😀👩‍👩‍👧b", "x\u{1B}[0m\u{202E}y\r\nz\u{200B}w",
        ])
    func offsets(text: String) {
        let bytes = Array(text.utf8)
        let edges =
            text.unicodeScalars.indices.map {
                $0.utf16Offset(in: text) == 0
                    ? 0
                    : text.utf8.distance(
                        from: text.startIndex, to: $0)
            } + [bytes.count]
        let (shown, places) = ReviewText.visible(bytes, offsets: edges)
        let units = Array(shown.utf16)
        #expect(places.count == edges.count && places.last == units.count)
        for (index, place) in places.enumerated().dropLast() {
            // What stands from here is what this scalar and all behind it look like by themselves.
            let rest = ReviewText.visible(bytes[edges[index]...]).text
            let behind = String(decoding: units[place...], as: UTF16.self)
            #expect(behind == rest || text.unicodeScalars.contains { $0.value == 0x200D })
        }
    }

    @Test("excerpts are the same however the text is cut, hold the evidence, and are whole scalars")
    func excerpts() {
        let text = (0..<4000).map { "Satz \($0) über 日本 😀. " }.joined()
        let bytes = Array(text.utf8)
        let range = bytes.count / 2..<bytes.count / 2 + 40
        func taken(_ step: Int) -> [ReviewExcerpts.Excerpt] {
            var excerpts = ReviewExcerpts(
                evidence: [
                    ("p", range), ("p", range.upperBound + 700..<range.upperBound + 720), ("q", 3..<5),
                ],
                beginning: 1001)
            var at = 0
            while at < bytes.count {
                let end = min(bytes.count, at + step)
                excerpts.append(part: "p", start: at, utf8: Array(bytes[at..<end]))
                at = end
            }
            excerpts.append(part: "q", start: 0, utf8: Array("short".utf8))
            return excerpts.finish()
        }
        let whole = taken(bytes.count)
        #expect(whole.count == 3)
        #expect(whole[0].start == 0 && whole[0].isCut && whole[1].isCut)
        #expect(whole[2] == .init(part: "q", start: 0, utf8: Array("short".utf8)))
        #expect(whole[1].start <= range.lowerBound)
        for excerpt in whole {
            #expect(String(validating: excerpt.utf8, as: UTF8.self) != nil)
            if excerpt.part == "p" {
                #expect(excerpt.utf8 == Array(bytes[excerpt.start...].prefix(excerpt.utf8.count)))
            }
        }
        for step in [1, 7, 600, 4096] { #expect(taken(step) == whole) }
    }

    @Test("marks of a row are the words of its spans, between visible controls and wide letters")
    func marks() throws {
        let text = "\u{1B}Absender: 田中😀 schrieb Ada."
        let bytes = Array(text.utf8)
        func span(_ words: String) throws -> JSONValue {
            let low = try #require(text.range(of: words)).lowerBound
            let start = text.utf8.distance(from: text.startIndex, to: low)
            return .object([
                JSONMember("part", .string("a")), JSONMember("start", .integer(start)),
                JSONMember("end", .integer(start + words.utf8.count)),
            ])
        }
        let words = ["田中😀", "Ada", "schrieb Ada"]
        let fields = try words.enumerated().map { index, word in
            JSONValue.object([
                JSONMember("field", .string("/f\(index)")), JSONMember("value", .string(word)),
                JSONMember("probability", .decimal(0.5)), JSONMember("spans", .array([try span(word)])),
            ])
        }
        let row = try ReviewRow(
            .object([
                JSONMember("item", .string("a")), JSONMember("status", .string("ok")),
                JSONMember("fields", .array(fields)),
            ]), kind: .extract)
        let details = row.details([.init(part: "a", start: 0, utf8: bytes)])
        let excerpt = try #require(details["x"]?.array?.first)
        let shown = Array((excerpt["t"]?.string ?? "").utf16)
        for mark in excerpt["m"]?.array ?? [] {
            let numbers = mark.array!.map { $0.integer! }
            #expect(String(decoding: shown[numbers[0]..<numbers[1]], as: UTF16.self) == words[numbers[2]])
        }
        #expect(excerpt["m"]?.array?.count == 3)
    }
}

extension String {
    func components(of needle: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: needle) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }

    fileprivate func range(of needle: String) -> Range<Index>? { firstRange(of: needle) }
}

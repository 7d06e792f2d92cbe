import Answers
import Documents
import Testing

private func render(_ events: [DocumentEvent], skipsQuoted: Bool = false) -> String {
    var rendering = DocumentRendering(skipsQuoted: skipsQuoted)
    var text: [UInt8] = []
    for event in events { rendering.append(event, to: &text) }
    return String(decoding: text, as: UTF8.self)
}

private func mail(_ fields: [(String, String)], _ attachments: [Documents.Attachment] = []) -> DocumentEvent {
    .begin(
        Document(
            address: "m", kind: .mail, metadata: fields.map { MetadataField(name: $0.0, value: $0.1) },
            attachments: attachments))
}

private func text(_ part: String, _ text: String, at start: Int = 0, marks: [TextMark] = []) -> DocumentEvent
{
    .text(TextChunk(part: part, utf8: Array(text.utf8), start: start, marks: marks))
}

@Suite struct DocumentRenderingTests {
    @Test("a mail is its header lines, an empty line and its parts")
    func whole() {
        let events = [
            mail(
                [
                    ("date", "Tue, 3 Oct 2025"), ("subject", "Minutes \t of\u{A0}Tuesday "),
                    ("from", "Ada <ada@example.org>"),
                    ("to", "team@example.org"), ("cc", "  "),
                ],
                [
                    Documents.Attachment(name: "minutes.pdf", mediaType: "application/pdf"),
                    Documents.Attachment(name: "", mediaType: "image/png"),
                    Documents.Attachment(name: "a\nb.txt", mediaType: "text/plain"),
                ]),
            text("m/part1", "Hello\n"), text("m/part1", "all\n", at: 6), text("m/part2", "more"),
        ]
        #expect(
            render(events) == """
                From: Ada <ada@example.org>
                To: team@example.org
                Subject: Minutes of Tuesday
                Attachments: minutes.pdf (application/pdf), a b.txt (text/plain)

                Hello
                all


                more
                """)
    }

    @Test("header values are cut at 256 code points, and no header leaves one empty line")
    func cut() {
        let long = String(repeating: "é", count: 300)
        #expect(render([mail([("subject", long)])]) == "Subject: \(String(repeating: "é", count: 256))\n\n")
        #expect(render([mail([]), text("m", "x")]) == "\nx")
    }

    @Test("any other document is its text")
    func plain() {
        let begin = DocumentEvent.begin(
            Document(address: "f", kind: .text, metadata: [MetadataField(name: "title", value: "T")]))
        #expect(render([begin, text("f", " as it is \n")]) == " as it is \n")
    }

    @Test("quoted stretches can be left out, wherever chunks are cut")
    func quoted() {
        let body = "new\n> old\n> older\nend"
        let marks = [TextMark(kind: .quoted, range: 4..<18), TextMark(kind: .signature, range: 18..<21)]
        let begin = DocumentEvent.begin(Document(address: "f", kind: .text))
        #expect(render([begin, text("f", body, marks: marks)], skipsQuoted: true) == "new\nend")
        #expect(render([begin, text("f", body, marks: marks)]) == body)
        for cut in 0...body.utf8.count {
            let bytes = Array(body.utf8)
            let events = [(0, cut), (cut, bytes.count)].map { start, end in
                DocumentEvent.text(
                    TextChunk(
                        part: "f", utf8: Array(bytes[start..<end]), start: start,
                        marks: marks.compactMap { mark in
                            let range = mark.range.clamped(to: start..<end)
                            return range.isEmpty ? nil : TextMark(kind: mark.kind, range: range)
                        }))
            }
            #expect(render([begin] + events, skipsQuoted: true) == "new\nend")
        }
    }
}

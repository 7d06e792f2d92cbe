import Documents
import Ingest
import Testing

@Suite struct RichTextTests {
    private func rtf(_ body: String) -> ReadDocument { read("{\\rtf1\\ansi\\ansicpg1252\\deff0 \(body)}")[0] }

    @Test(
        "what is written is what is read",
        arguments: [
            ("one\\par two\\tab three\\line four", "one\ntwo\tthree\nfour\n"),
            ("caf\\'e9 \\u8364? \\u-10179?\\u-8694? \\emdash", "café € \u{1F60A} \u{2014}\n"),
            ("{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Times;}}a {\\f1 \\'ef\\'f0\\'e8}b", "a приb\n"),
            ("{\\info{\\title A title}{\\author Ann}}body", "body\n"),
            ("x{\\*\\generator none}{\\pict\\wmetafile8 0102ff}y", "xy\n"),
            (
                "{\\v hidden}shown{\\field{\\*\\fldinst HYPERLINK \"http://a.example\"}{\\fldrslt link}}",
                "shownlink\n"
            ),
            ("\\uc2\\u233\\'c3\\'a9!", "é!\n"), ("a\\{b\\}\\\\c\\~d", "a{b}\\c\u{A0}d\n"),
            ("{\\trowd one\\cell two\\cell\\row}", "one\ttwo\t\n"), ("\\bin3 }}}after", "after\n"),
        ])
    func text(source: String, expected: String) {
        let found = rtf(source)
        #expect(found.text == expected && found.status == .ok && found.document.kind == .rtf)
    }

    @Test("title and author are metadata")
    func metadata() {
        let found = rtf("{\\info{\\title A title}{\\author Ann}}body")
        #expect(found.document.first("title") == "A title" && found.document.first("from") == "Ann")
    }

    @Test("HTML that Outlook packed into RTF comes out as HTML")
    func encapsulated() {
        let found = rtf(
            "\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf {\\f0 \\htmlrtf0 Hello {\\*\\htmltag84 <b>}you{\\*\\htmltag92 </b>}\\htmlrtf }\\par\\htmlrtf0 {\\*\\htmltag72 </p>}"
        )
        #expect(found.text == "Hello you\n")
    }

    @Test("a file that ends inside a group is damaged, one with too many groups is limited")
    func damaged() {
        #expect(read("{\\rtf1 words {more")[0].status == .partial(.damaged))
        #expect(read("{\\rtf1 words {more")[0].text == "words more\n")
        let deep = read("{\\rtf1 words " + String(repeating: "{", count: 100_000))[0]
        #expect(deep.status == .partial(.limitDepth) && deep.text == "words \n")
    }
}

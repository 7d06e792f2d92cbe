import Documents
import Foundation
import Ingest
import Testing

@Suite struct HTMLTests {
    private func text(_ html: String) -> String {
        let found = read("<!DOCTYPE html><html><body>" + html + "</body></html>")
        #expect(found.count == 1 && found[0].document.kind == .html)
        return found[0].text
    }

    @Test(
        "blocks, lists, tables, links and entities read well",
        arguments: [
            ("<p>One\n two</p><p>Three</p>", "One two\n\nThree\n"),
            ("a<br>b<br><br><br>c", "a\nb\n\nc\n"),
            ("<div>a</div><div>b</div>", "a\nb\n"),
            ("<ul><li>a<li>b<ol><li>c<li>d</ol></ul>e", "- a\n- b\n  1. c\n  2. d\n\ne\n"),
            ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td\n"),
            ("<a href='https://x.example/y'>here</a>.", "here (https://x.example/y).\n"),
            ("<a href='https://www.x.example/'>x.example</a>", "x.example\n"),
            ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example\n"),
            ("<a href='#top'>top</a>", "top\n"),
            ("a &amp; b &lt;c&gt; &eacute;&#8364;&nbsp;d &unknown; x&y", "a & b <c> é€ d &unknown; x&y\n"),
            ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2\n"),
            ("<img src=x alt='a picture'> <img src=y>", "[a picture]\n"),
            ("<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc\n"),
            ("a<script>if (a<b) '</b>'</script><style>p{}</style>b", "ab\n"),
            ("a<!-- <p>not</p> -- -->b<!>c", "abc\n"),
            ("<p title='a > b'>x</p>", "x\n"),
            ("<p>a</p></div></p></b>b", "a\n\nb\n"),
        ])
    func reading(html: String, expected: String) {
        #expect(text(html) == expected)
    }

    @Test("the title is metadata; a long link loses its query")
    func title() {
        let link = "https://x.example/p?" + String(repeating: "q", count: 500)
        let found = read(
            "<html><head><title> A  page </title></head><body><a href='\(link)'>go</a></body></html>")
        #expect(found[0].document.first("title") == "A page")
        #expect(found[0].text == "go (https://x.example/p...)\n")
    }

    @Test(
        "what a browser hides is kept and marked",
        arguments: [
            "<p style='display: none'>secret</p>", "<span hidden>secret</span>",
            "<div style=\"FONT-SIZE:0px\">secret</div>", "<div style='visibility:hidden'><b>secret</b></div>",
        ])
    func hidden(html: String) {
        let found = read("<html><body>shown " + html + " shown</body></html>")
        #expect(found[0].marked(.hidden).map { $0.filter { !$0.isWhitespace } } == ["secret"])
        #expect(found[0].text.hasPrefix("shown") && found[0].text.contains("secret"))
    }

    @Test("quotes in HTML mail are marked")
    func quotes() {
        let mail =
            "From: a@b\nSubject: s\nContent-Type: text/html\n\n<p>mine</p><blockquote><p>theirs</p></blockquote>"
        #expect(read(mail)[0].marked(.quoted) == ["theirs"])
    }

    @Test("the declared charset counts, and one that does not fit is guessed")
    func charset() {
        let latin =
            Array("<html><head><meta charset=iso-8859-1></head><body>caf".utf8) + [0xE9]
            + Array("</body>".utf8)
        #expect(read(latin)[0].text == "café\n")
    }

    private static let attributes: String = (0..<200_000).map { "a\($0)=1" }.joined(separator: " ")
    private static let ends = String(repeating: "</p></b></table>", count: 100_000)

    private static let slowPages: [String] = [
        "<p \(attributes)>x",
        String(repeating: "<div>", count: 300_000) + "x",
        String(repeating: "<div>", count: 3000) + ends + "x",
        "x<!--" + String(repeating: "-", count: 5_000_000),
        "x<script>" + String(repeating: "</scrip", count: 500_000),
        String(repeating: "<", count: 2_000_000),
        "x<p title=\"" + String(repeating: "y", count: 5_000_000),
        String(repeating: "&", count: 2_000_000),
    ]

    @Test("pages made to be slow are not", arguments: slowPages)
    func slow(html: String) {
        let clock = ContinuousClock()
        let start = clock.now
        #expect(read("<html><body>" + html).map(\.status) == [.ok])
        #expect(clock.now - start < .seconds(5))
    }
}

@Suite struct XMLTests {
    private let declaration = "<?xml version=\"1.0\"?>\n"

    @Test(
        "elements among elements begin lines, elements in text do not",
        arguments: [
            ("<r><a>one</a><b>two</b></r>", "one\ntwo\n"),
            ("<r><p>some <i>in</i>line <b>text</b></p><p>next</p></r>", "some inline text\nnext\n"),
            (
                "<r><p>as <b><i>shown</i></b><xref><sup>1</sup><sub>a</sub></xref>\nto all</p></r>",
                "as shown1a\nto all\n"
            ),
            ("<r>\n  <a x='1'>one</a>\n  <b>two\n   lines</b>\n</r>", "one\ntwo\nlines\n"),
            ("<r><![CDATA[a <b> & c]]> &lt;&amp;&#8364;</r>", "a <b> & c <&€\n"),
            ("<r><!-- no --><?pi no?>text</r>", "text\n"),
            ("<x:r xmlns:x='u'><x:a>one</x:a></x:r>", "one\n"),
            ("<!DOCTYPE r [<!ENTITY a \"&b;!\"><!ENTITY b \"later\">]><r>&a;</r>", "later!\n"),
            ("<!DOCTYPE r [<!-- it's > --><!ENTITY e \"<b>in</b>&#33;\">]><r>&e; &e;</r>", "in! in!\n"),
        ])
    func layout(xml: String, expected: String) {
        let found = read(declaration + xml)
        #expect(found[0].document.kind == .xml && found[0].status == .ok, "\(found[0].end.warnings)")
        #expect(found[0].text == expected)
    }

    @Test("entities that grow end at the ratio limit")
    func laughs() {
        var xml = declaration + "<!DOCTYPE l [<!ENTITY a0 \"lol\">"
        for level in 1..<10 {
            xml += "<!ENTITY a\(level) \"" + String(repeating: "&a\(level - 1);", count: 10) + "\">"
        }
        #expect(read(xml + "]><l>before &a9; after</l>")[0].status == .partial(.limitRatio))
        let long = String(repeating: "x", count: 100_000)
        let uses = String(repeating: "&a;", count: 10_000)
        #expect(
            read(declaration + "<!DOCTYPE l [<!ENTITY a \"\(long)\">]><l>\(uses)</l>")[0].status
                == .partial(.limitRatio))
        #expect(
            read(declaration + "<!DOCTYPE l [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]><l>&a;</l>")[0].status
                == .partial(.damaged))
    }

    @Test("external entities are named and never read")
    func external() {
        let found = read(
            declaration
                + "<!DOCTYPE l SYSTEM \"file:///etc/passwd\" [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><l>a &x; b</l>"
        )
        #expect(found[0].text == "a b\n")
        #expect(
            found[0].end.warnings.contains { $0.contains("external entities are declared; none is loaded") })
    }

    @Test("broken XML gives the text so far")
    func damaged() {
        let cut = read(declaration + "<r><a>first</a><b>sec")
        #expect(cut[0].text == "first\nsec\n" && cut[0].status == .partial(.damaged))
        #expect(read(declaration + "<r><a>first</b></r>")[0].status == .partial(.damaged))
        #expect(
            read(declaration + String(repeating: "<a>", count: 10_000))[0].status == .partial(.limitDepth))
    }

    @Test("what libxml2 passes on behind damage in wide text is made UTF-8")
    func damagedWide() {
        let items = (0..<12).map {
            "<item><title>Number \($0) of the list</title><url>http://example.org/a/\($0)/\($0 * 7)</url></item>\n"
        }
        let whole = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<list>\(items.joined())</list>"
        let wide = whole.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        var random = SeededGenerator(state: 7)
        for _ in 0..<250 {
            var bytes = wide
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 80..<bytes.count - 20, using: &random)
                bytes.removeSubrange(at..<at + [1, 1, 3].randomElement(using: &random)!)
            }
            var pieces = [bytes]
            let stream = DocumentStream(address: "input") { pieces.popLast() }
            while let event = stream.next() {
                guard case .text(let chunk) = event else { continue }
                #expect(String(validating: chunk.utf8, as: UTF8.self) != nil)
            }
        }
    }

    @Test(
        "text that passes by libxml2 is what libxml2 makes of it",
        arguments: [
            "one &lt;two&gt; three &amp;&amp; &quot;four&quot; &apos;five&apos; [[six]] &ampx; seven",
            "Windows\r\nlines\r\n\r\nand a lone\r one", "&#8364;&#x20AC; &#10;&#13; &#0; more",
            "wide é € 漢字 \u{1F600} \u{FFFD} \u{FEFF}", "a misplaced ]]> end, &lt;then&gt; more", "]]&gt;",
            "no character \u{FFFE} of XML", "\u{FFFF}", "a bell \u{7} rings &lt;", "\u{7F}",
            "an &unknown; one &lt;then&gt; more", "an & alone", "&lt", "tab\t\t, spaces   \n  .",
        ])
    func passingBy(odd: String) {
        let filler = String(repeating: "filler with words and more\n", count: 10)
        func dump(_ text: String) -> String {
            "<mediawiki>\n<page>\n<title>\(text)</title><revision><text>\(text)\(odd)\(text)</text></revision>"
                + "</page><page><title>\(odd)\(text)</title>\n<revision><text>\(text)</b>\(text)"
        }
        let long = read(dump(filler))
        // Comments are taken out, and leave stretches that are too short to pass by.
        let short = read(dump(filler.replacingOccurrences(of: "words", with: "w<!-- -->ords")))
        #expect(long == short && long.count == 2)
    }

    @Test("behind damage references stand for their characters, wherever they are cut")
    func referencesBehindDamage() {
        let document =
            "<!DOCTYPE r [<!ENTITY own \"of its own\">]><r><p>one & two</p><p>a &amp; b &lt;c&gt; &quot;d&apos; &eacute; &own; &#8364;</p>"
        let long = String(repeating: "filler with words and more\n", count: 10)
        for filler in ["", long] {
            let bytes = Array((document + "<p>\(filler)AT&amp;T, x &lt; y&amp;amp;\(filler)</p></r>").utf8)
            let whole = read(bytes)
            #expect(whole.map(\.status) == [.partial(.damaged)])
            #expect(whole[0].text.contains("a & b <c> \"d' é of its own €\n"), "\(whole[0].text)")
            #expect(whole[0].text.contains("AT&T, x < y&amp;"), "\(whole[0].text)")
            #expect(read(bytes, cuts: [1]) == whole)
        }
        // The parser is given pieces of 16 KiB.
        for shift in 0..<8 {
            let start = "<r><p>" + (shift.isMultiple(of: 2) ? "one & two" : "") + "</p><p>"
            let size = (16 << 10) - start.utf8.count - shift
            let tags =
                String(repeating: "<i>words</i> ", count: size / 13)
                + String(repeating: "x", count: size % 13)
            let found = read(start + tags + "&amp;&lt; and &am<b>more</b> &am")
            #expect(found[0].text.contains("&< and"), "\(shift)")
        }
    }

    @Test("the pieces of a reference are parted, and stay one line")
    func references() {
        let names =
            "<person-group><name><surname>Roe</surname><given-names>J</given-names></name><name><surname>Poe</surname>"
            + "<given-names>E A</given-names></name></person-group>"
        let bytes = Array(
            """
            <article><front><article-meta><volume>7</volume><issue>2</issue><abstract><p>Some text<xref>1</xref>.</p></abstract></article-meta></front>
            <back><ref-list><ref><label>1</label><element-citation>\(names)<year>2001</year><article-title><i>What</i> is it?</article-title>
            <source>Some Journal</source><volume>12</volume><issue>3</issue><fpage>4</fpage><lpage>9</lpage><pub-id>10.1/x</pub-id></element-citation></ref>
            <ref><label>2</label><mixed-citation>Roe J (<year>2001</year>). <source>Some Journal</source><volume>12</volume>: <fpage>4</fpage>–<lpage>9</lpage>. <comment><ext-link>Ep</ext-link></comment><pub-id>9</pub-id></mixed-citation></ref>
            <ref><mixed-citation><label>3</label>Poe. In print.</mixed-citation></ref></ref-list></back></article>
            """.utf8)
        let found = read(bytes)
        #expect(
            found[0].text == """
                7 2
                Some text1.
                1 Roe J Poe E A 2001 What is it? Some Journal 12 3 4 9 10.1/x
                2 Roe J (2001). Some Journal 12: 4–9. Ep 9
                3 Poe. In print.

                """)
        #expect(found[0].status == .ok && found[0].document.first("title") == "What is it?")
        #expect(read(bytes, cuts: [1]) == found)
    }

    @Test(
        "the break of a line parts words",
        arguments: [
            "<TEI><text><p>one<lb/>two</p></text></TEI>",
            "<article><body><p>one<break/>two</p></body></article>",
            "<notes><note>one <br/> two</note></notes>",
        ])
    func lineBreaks(xml: String) {
        #expect(read(declaration + xml)[0].text == "one\ntwo\n")
    }

    @Test(
        "a milestone that stands inside a word leaves it whole, white space around it and all",
        arguments: [
            "a con<lb break='no'/>tent b", "a con\n<lb n='2' break=\"no\"/>tent b",
            "a con<pb n='break=' break = 'no' facs='x'/>\n  tent b", "a con <hi><cb break='no'/></hi> tent b",
        ])
    func breaksInWords(xml: String) {
        let others = #"c <pb xbreak='no' break='now'/> d <pb n=' break="no" '/> <pb break='yes'/>e"#
        let bytes = Array("<TEI><text><p>\(xml)</p><p>\(others)</p></text></TEI>".utf8)
        let whole = read(bytes)
        #expect(whole[0].text == "a content b\nc d e\n")
        #expect(read(bytes, cuts: [1]) == whole)
    }

    @Test("]]> in text is text, wherever it is cut, behind damage as before it")
    func misplacedEnd() {
        let filler = String(repeating: "filler with words and more\n", count: 10)
        #expect(read("<r>a<![CDATA[b]]]]>></r>").map(\.text) == ["ab]]>\n"])
        for text in ["short ]]> text", "\(filler)]]>\(filler)", "a > b &gt; c ]]]>", "&lt;]]>]]>"] {
            let shown = text.replacingOccurrences(of: "&gt;", with: ">")
                .replacingOccurrences(of: "&lt;", with: "<")
            let words = shown.split(whereSeparator: \.isWhitespace)
            let sound = read("<r><p>before</p><p>\(text)</p></r>")
            #expect(sound.map(\.status) == [.ok])
            #expect(sound[0].text.split(whereSeparator: \.isWhitespace) == ["before"] + words)
            let broken = Array("<r><p>one & two</p><p>\(text)</p></r>".utf8)
            let whole = read(broken)
            #expect(whole[0].status == .partial(.damaged))
            #expect(whole[0].text.contains("]]>"))
            #expect(read(broken, cuts: [1]) == whole)
        }
    }

    @Test("any charset")
    func charsets() {
        let latin =
            Array("<?xml version='1.0' encoding='iso-8859-1'?><r>caf".utf8) + [0xE9] + Array("</r>".utf8)
        #expect(read(latin)[0].text == "café\n")
        let wide = "<?xml version=\"1.0\" encoding=\"utf-16\"?><r>café</r>".utf16.flatMap {
            [UInt8($0 & 255), UInt8($0 >> 8)]
        }
        #expect(read([0xFF, 0xFE] + wide)[0].text == "café\n")
    }

    @Test("a tag with 200,000 attributes takes no time")
    func attributes() {
        let clock = ContinuousClock()
        let start = clock.now
        let attributes = (0..<200_000).map { "a\($0)='1'" }.joined(separator: " ")
        #expect(read(declaration + "<r \(attributes)>x</r>")[0].text == "x\n")
        #expect(clock.now - start < .seconds(5))
    }
}

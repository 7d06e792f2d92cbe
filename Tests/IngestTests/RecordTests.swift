import Documents
import Ingest
import Testing

@Suite struct RecordTests {
    @Test("lines of JSON are documents where a field is named")
    func jsonLines() {
        let lines = """
            {"id": 7, "body": {"text": "first\\nletter"}, "lang": "de"}

            {"body": {"text": ["a", "b"]}}
            {"body": 1}
            {broken
            """
        var options = IngestOptions()
        options.jsonTextField = "body.text"
        let found = read(lines, address: "x.jsonl", options: options)
        #expect(found.map(\.document.address) == ["x.jsonl#1", "x.jsonl#2", "x.jsonl#3", "x.jsonl#4"])
        #expect(found.map(\.status) == [.ok, .ok, .failed(.damaged), .failed(.damaged)])
        #expect(found[0].text == "first\nletter" && found[1].text == "a\nb")
        #expect(found[0].document.first("id") == "7" && found[0].document.first("lang") == "de")
        #expect(found[0].end.source == SourceSpan(start: 0, end: 58))
        #expect(read(lines).map(\.text) == [lines])
    }

    @Test("rows of CSV are documents where a column is named")
    func csv() {
        let table = "\u{FEFF}id;text;note\r\n1;\"a; \"\"b\"\"\nc\";x\r\n2;plain;\r\n3\r\n"
        var options = IngestOptions()
        options.csvTextColumn = "text"
        let found = read(table, address: "t.csv", options: options)
        #expect(found.map(\.status) == [.ok, .ok, .failed(.damaged)])
        #expect(found[0].text == "a; \"b\"\nc" && found[1].text == "plain")
        #expect(found[0].document.first("id") == "1" && found[0].document.first("note") == "x")
        options.csvTextColumn = "body"
        #expect(read(table, options: options).map(\.status) == [.failed(.damaged)])
    }

    @Test("each page of a MediaWiki dump is a document, its text as it stands")
    func mediaWiki() {
        let dump = """
            <mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo><sitename>W</sitename></siteinfo>
            <page><title>One</title><id>1</id><revision><timestamp>2026-03-02T09:41:30Z</timestamp>
            <text bytes="9" xml:space="preserve">== A ==

              * b &amp; c</text></revision></page>
            <page><title>Two</title><revision><text>second
            </text></revision></page></mediawiki>
            """
        let found = read(dump, address: "w.xml")
        #expect(found.map(\.document.address) == ["w.xml#1", "w.xml#2"])
        #expect(found.map(\.text) == ["== A ==\n\n  * b & c\n", "second\n"])
        #expect(found.map { $0.document.first("title") } == ["One", "Two"])
        #expect(found[0].document.first("date") == "2026-03-02T09:41:30Z")
        let cut = read(String(dump.dropLast(60)), address: "w.xml")
        #expect(cut.first?.status == .ok && cut.last?.status == .partial(.damaged))
    }

    @Test("records and their text by path")
    func paths() {
        var options = IngestOptions()
        options.xmlRecord = "list/entry"
        options.xmlText = "body"
        let file =
            "<list><x>no</x><entry><title>t</title><body>first <b>one</b></body></entry><entry><body>second</body></entry></list>"
        let found = read(file, address: "r.xml", options: options)
        #expect(found.map(\.text) == ["first one\n", "second\n"] && found[0].document.first("title") == "t")
        options.xmlRecord = "list/none"
        #expect(read(file, options: options).map(\.status) == [.skipped(.empty)])
        options.xmlRecord = nil
        options.xmlText = "list/entry/title"
        #expect(read(file, options: options).map(\.text) == ["t\n"])
    }

    @Test("what is known of kinds of XML")
    func kinds() {
        let tei = read(
            "<TEI><teiHeader><title>A Novel</title><p>about</p></teiHeader><text><p>Once.</p></text></TEI>")[
                0]
        #expect(tei.text == "Once.\n" && tei.document.first("title") == "A Novel")
        let feed = read(
            "<rss><channel><title>News</title><item><title>One</title><description>&lt;p&gt;Hello &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>"
        )[0]
        #expect(feed.text == "News\nOne\nHello you\n" && feed.document.first("title") == "News")
        let svg = read("<svg xmlns='x'><style>p {}</style><title>T</title><g><text>shown</text></g></svg>")[0]
        #expect(svg.text == "T\nshown\n")
        let book = read(
            "<book><title>B</title><para>a <indexterm>x</indexterm>b</para><programlisting>if x\n  y</programlisting></book>"
        )[0]
        #expect(book.text == "B\na b\nif x\n  y\n")
    }

    @Test("references to entities that no DTD here declares: those of HTML are known, others left out alone")
    func unknownEntities() {
        for (file, text) in [
            ("<doc><p>caf&eacute;&nosuch; &amp; a&nbsp;b &lt;c&gt;</p></doc>", "caf\u{E9} & a\u{A0}b <c>\n"),
            (
                "<rss><channel><item><description>caf&eacute; &amp; tea &lt;b&gt;bold&lt;/b&gt; &nosuch;last</description></item></channel></rss>",
                "caf\u{E9} & tea bold last\n"
            ),
        ] {
            let whole = read(file)
            #expect(whole.map(\.text) == [text] && whole[0].status == .ok)
            #expect(whole[0].end.warnings == ["1 references to entities that are not known here, left out"])
            #expect(read(Array(file.utf8), cuts: [1]) == whole)
        }
    }

    @Test("elements of XHTML in a feed part words as HTML does, and what is escaped in them is text")
    func xhtmlInFeeds() {
        let file =
            "<feed><entry><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>one</p><p>two</p>four<br/>five 3 &lt;b and more"
            + "<ul><li>six</li></ul></div></content></entry></feed>"
        let whole = read(file)
        #expect(
            whole[0].text.split(whereSeparator: \.isWhitespace)
                == ["one", "two", "four", "five", "3", "<b", "and", "more", "-", "six"])
        #expect(whole[0].status == .ok && read(Array(file.utf8), cuts: [1]) == whole)
    }

    @Test("HTML that the file ends in is not lost")
    func cutHTML() {
        let file = "<rss><channel><title>N</title><item><description>Rolling &lt;i&gt;Stone&lt;/i&gt;, BBC"
        let whole = read(file)
        #expect(whole.map(\.text) == ["N\nRolling Stone, BBC\n"] && whole[0].status == .partial(.damaged))
        #expect(read(Array(file.utf8), cuts: [1]) == whole)
    }
}

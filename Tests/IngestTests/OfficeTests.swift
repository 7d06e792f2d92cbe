import Documents
import Foundation
import Ingest
import Testing

@Suite struct OfficeTests {
    private func open(_ name: String, _ options: IngestOptions = .init()) -> [ReadDocument] {
        read(Fixtures.bytes(name), address: name, options: options)
    }

    @Test("a Word document: lines, lists, tables, notes, and no deleted text")
    func word() {
        let found = open("letter.docx")
        #expect(found.count == 1 && found[0].status == .ok && found[0].document.kind == .docx)
        #expect(
            found[0].parts.map(\.text) == [
                "First & foremost: Grüße.\none\ttwo\nthree[2]\n1. alpha\n2. beta\n  2a) inner\n- bullet\n"
                    + "a1\tb1\na2\tb2\nboxed\n\nLast.\n", "A note.\n",
            ])
        #expect(found[0].parts.map(\.address) == ["letter.docx", "letter.docx/part2"])
        #expect(
            found[0].document.first("title") == "The title" && found[0].document.first("from") == "An Author")
        #expect(
            found[0].document.attachments.map(\.name) == [
                "word/media/image1.png", "word/embeddings/inner.txt",
            ])
    }

    @Test("files inside a document are documents where they are asked for")
    func embedded() {
        var options = IngestOptions()
        options.opensAttachments = true
        let found = open("letter.docx", options)
        #expect(found.map(\.document.address) == ["letter.docx", "letter.docx!/word/embeddings/inner.txt"])
        #expect(found.last?.text == "inside\n")
    }

    @Test("a workbook: sheets in their order, cells in their columns, dates as dates")
    func workbook() {
        let found = open("table.xlsx")
        #expect(found.map(\.status) == [.ok])
        #expect(
            found[0].parts.map(\.text) == [
                "Second\ninline\tformula\n",
                "First\nshared\t\trich text\n1.50\tTRUE\t2026-03-02\t2026-03-02 12:00\n",
            ])
    }

    @Test("slides in the order of the show, notes below")
    func slides() {
        let found = open("show.pptx")
        #expect(found.map(\.document.kind) == [.pptx])
        #expect(found[0].parts.map(\.text) == ["Shown first\nwith two lines\nSay this.\n", "Shown second\n"])
    }

    @Test("OpenDocument: spaces as they count, lists, tables, the footer, no tracked changes")
    func openDocument() {
        let found = open("letter.odt")
        #expect(found.map(\.status) == [.ok])
        #expect(
            found[0].parts.map(\.text) == [
                "Heading\none two   x\ty\nz\n- item\n  - deep\na\tb\tb\n", "The footer\n",
            ])
        #expect(found[0].document.first("title") == "An open title")
    }

    @Test("a book: chapters in the order of the spine")
    func book() {
        let found = open("book.epub")
        #expect(found.map(\.document.kind) == [.epub])
        #expect(found[0].parts.map(\.text) == ["One\n\nChapter one.\n", "Chapter two.\n"])
        #expect(found[0].document.first("title") == "A Book")
    }

    @Test(
        "cut anywhere, a document ends with a typed status and what could be read",
        arguments: ["letter.docx", "table.xlsx", "show.pptx", "letter.odt", "book.epub", "winmail.dat"])
    func cut(name: String) {
        let bytes = Fixtures.bytes(name)
        for length in stride(from: 40, to: bytes.count, by: max(1, bytes.count / 40)) {
            let found = read(Array(bytes[..<length]), address: name)
            #expect(!found.isEmpty && found.allSatisfy { $0.status != .abstained })
        }
    }

    @Test("winmail.dat: body, sender, attachments under their long names")
    func tnef() {
        var options = IngestOptions()
        options.opensAttachments = true
        let found = open("winmail.dat", options)
        #expect(found.map(\.status) == [.ok, .ok])
        #expect(found[0].text == "Dear Jürgen,\nhello.\n" && found[0].document.kind == .tnef)
        #expect(
            found[0].document.first("subject") == "A subject"
                && found[0].document.first("from") == "Ann Writer")
        #expect(found[1].document.address == "winmail.dat!/note €.txt" && found[1].text == "attached words\n")
    }
}

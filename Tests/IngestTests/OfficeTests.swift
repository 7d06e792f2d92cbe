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

    @Test("a part whose checksum is wrong is read, and those behind it")
    func checksum() {
        var bytes = Fixtures.bytes("letter.docx")
        // The sum stands in front of the part, and in the list at the end.
        let name = Array("word/document.xml".utf8)
        for index in 46..<bytes.count - name.count where Array(bytes[index..<index + name.count]) == name {
            let isInList = bytes[index - 46..<index].starts(with: Array("PK\u{1}\u{2}".utf8))
            bytes[index - (isInList ? 30 : 16)] ^= 1
        }
        let sound = open("letter.docx")
        let found = read(bytes, address: "letter.docx")
        #expect(found.map(\.status) == [.partial(.damaged)])
        #expect(found[0].parts.map(\.text) == sound[0].parts.map(\.text))
        #expect(found[0].end.warnings.contains { $0.contains("CRC") }, "\(found[0].end.warnings)")
    }

    @Test(
        "an old document without text is empty",
        .enabled(if: access("/usr/bin/catdoc", X_OK) == 0 && access("/usr/bin/xls2csv", X_OK) == 0),
        arguments: ["empty.doc", "empty.xls"])
    func emptyOld(name: String) {
        #expect(open(name).map(\.status) == [.skipped(.empty)])
        let stream = name.hasSuffix("doc") ? "WordDocument" : "Workbook"
        #expect(read(Self.compound(stream, [])).map(\.status) == [.failed(.damaged)])
    }

    /// What an old file is told by, and nothing that can be read.
    private static func compound(_ stream: String, _ content: [UInt8]) -> [UInt8] {
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]
            + stream.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            + content + [UInt8](repeating: 0, count: 900)
    }

    @Test("an old show that is encrypted says so")
    func encryptedShow() {
        // CurrentUserAtom: version, type, length; then its size and the token.
        let user: [UInt8] = [0, 0, 0xF6, 0x0F, 0x1E, 0, 0, 0, 0x14, 0, 0, 0, 0xDF, 0xC4, 0xD1, 0xF3]
        #expect(read(Self.compound("PowerPoint Document", user)).map(\.status) == [.failed(.encrypted)])
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

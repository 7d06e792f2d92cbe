import Documents
import Ingest
import Testing

@Suite struct MboxTests {
    private static let twoMails = """
        From jane@example.org Mon Mar  2 09:41:30 2026
        From: Jane <jane@example.org>
        Subject: first

        Body one.
        >From here on quoted.
        >>From twice.

        From joe@example.org Tue Mar  3 10:00:00 2026
        Subject: second

        Body two.

        """

    @Test("every mail of a mailbox is a document with its slice of the file")
    func mailbox() throws {
        let mails = read(Self.twoMails, address: "inbox.mbox")
        #expect(mails.map(\.document.address) == ["inbox.mbox#1", "inbox.mbox#2"])
        #expect(mails.map { $0.document.first("subject") } == ["first", "second"])
        #expect(mails[0].text == "Body one.\nFrom here on quoted.\n>From twice.\n")
        #expect(mails[1].text == "Body two.\n")
        let bytes = Array(Self.twoMails.utf8)
        let first = try #require(mails[0].end.source)
        let second = try #require(mails[1].end.source)
        #expect(first.start == 0 && first.end == second.start && second.end == bytes.count)
        #expect(bytes[second.start...].starts(with: "From joe@".utf8))
    }

    @Test("quoted From lines lose their mark in an archive, too")
    func quotedInArchive() {
        func field(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: width - text.utf8.count)
        }
        let size = field(String(Self.twoMails.utf8.count), 10)
        let padding = Self.twoMails.utf8.count % 2 == 1 ? "\n" : ""
        let header = field("inbox.mbox/", 16) + field("0", 12) + field("0", 6) + field("0", 6)
        let mails = read(
            "!<arch>\n\(header)\(field("100644", 8))\(size)`\n\(Self.twoMails)\(padding)", address: "a.ar")
        #expect(mails.map(\.document.address) == ["a.ar!/inbox.mbox#1", "a.ar!/inbox.mbox#2"])
        #expect(mails.map(\.text) == read(Self.twoMails).map(\.text))
    }

    @Test(
        "a From line inside a body splits only with signs of an envelope, and doubt is named",
        arguments: [
            ("\nFrom what I hear, it rains.\n", 1, "no date and no header after it; kept in the body"),
            ("text\nFrom what I hear\n", 1, ""),
            ("\nFrom nobody at all\nSubject: x\n\n", 2, "no date, but a header after it"),
            (
                "text\nFrom a@b Mon Mar  2 09:41:30 2026\nSubject: x\n\n", 2,
                "no empty line before it; the mail ends"
            ),
            ("text\nFrom a@b Mon Mar  2 09:41:30 2026\nmore text\n", 1, "no empty line before it; kept"),
            ("\nFrom a@b Mon Mar  2 09:41:30 2026\nno header at all\n", 2, "a date, but no header after it"),
        ])
    func doubt(insertion: String, count: Int, warning: String) {
        let mails = read("From a@b Mon Mar  2 09:41:30 2026\nSubject: s\n\nbody\n" + insertion + "end\n")
        #expect(mails.count == count)
        if warning.isEmpty {
            #expect(mails[0].end.warnings.isEmpty)
        } else {
            #expect(mails[0].end.warnings.contains { $0.contains(warning) && $0.contains("line ") })
        }
    }

    @Test("a mailbox that is not one is text")
    func prose() {
        let found = read("From the window one saw the sea.\nIt was calm.\n", address: "inbox.mbox")
        #expect(found.map(\.document.kind) == [.text])
    }
}

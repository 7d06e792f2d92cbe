import Documents
import Foundation
import Ingest
import Testing

@Suite struct AttachmentTests {
    private static let opening: IngestOptions = {
        var options = IngestOptions()
        options.opensAttachments = true
        return options
    }()

    private static func mail(_ attachments: [(name: String, bytes: [UInt8])]) -> String {
        var text =
            "From: a@b.example\nSubject: files\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee inside.\n"
        for attachment in attachments {
            text += "--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
            text += "Content-Disposition: attachment; filename=\"\(attachment.name)\"\n\n"
            text += Data(attachment.bytes).base64EncodedString(options: .lineLength76Characters) + "\n"
        }
        return text + "--b--\n"
    }

    @Test("attachments are documents after their mail, archives in them too; pictures are only named")
    func opened() {
        let letter = Self.mail([
            ("nested.zip", Fixtures.bytes("nested.zip")), ("a.txt", Array("words\n".utf8)),
            ("a.txt", Array("others\n".utf8)), ("p.png", [0x89, 0x50, 0x4E, 0x47, 1]),
            ("winmail.dat", Fixtures.bytes("winmail.dat")),
        ])
        let found = read(letter, address: "l.eml", options: Self.opening)
        #expect(
            found.map(\.document.address) == [
                "l.eml", "l.eml!/nested.zip!/b.tar.xz!/inbox.mbox#1",
                "l.eml!/nested.zip!/b.tar.xz!/inbox.mbox#2",
                "l.eml!/nested.zip!/b.tar.xz!/inbox.mbox#3", "l.eml!/nested.zip!/b.tar.xz!/note.txt",
                "l.eml!/nested.zip!/last.txt", "l.eml!/a.txt", "l.eml!/3:a.txt", "l.eml!/winmail.dat",
                "l.eml!/winmail.dat!/note €.txt",
            ])
        #expect(found.allSatisfy { $0.status == .ok })
        #expect(found[6].text == "words\n" && found[7].text == "others\n")
        #expect(read(letter, address: "l.eml").count == 1)
        #expect(read(letter, address: "l.eml") == Array(found.prefix(1)))
    }

    @Test("in a mailbox they come before the next mail, and limits of depth hold")
    func mailbox() {
        let letter = Self.mail([("a.txt", Array("words\n".utf8))])
        let box =
            "From a@b Mon Mar  2 09:41:30 2026\n\(letter)\nFrom a@b Mon Mar  2 09:41:31 2026\nSubject: two\nFrom: x@y\n\nend\n"
        let found = read(box, address: "i.mbox", options: Self.opening)
        #expect(found.map(\.document.address) == ["i.mbox#1", "i.mbox#1!/a.txt", "i.mbox#2"])
        var inner = Array(letter.utf8)
        for _ in 0..<14 { inner = Array(Self.mail([("m.eml", inner)]).utf8) }
        let deep = read(inner, options: Self.opening)
        #expect(deep.last?.status == .failed(.limitDepth))
    }

    @Test("an .emlx is the mail whose length it names")
    func appleMail() {
        let mail = "From: a@b.example\nSubject: from Apple\n\nHello.\n"
        let file = "\(mail.utf8.count)  \n\(mail)<?xml version=\"1.0\"?><plist><dict/></plist>"
        let found = read(file)
        #expect(found.map(\.text) == ["Hello.\n"] && found[0].document.kind == .mail)
        #expect(found[0].end.source == SourceSpan(start: 5, end: 5 + mail.utf8.count))
        #expect(read(String(file.prefix(40))).map(\.status) == [.partial(.damaged)])
    }

    @Test("a mail that says how long it is keeps lines that look like dividers")
    func contentLength() {
        let body = "one\n\nFrom a@b Mon Mar  2 09:41:30 2026\nSubject: not a mail\n\ntwo\n"
        func box(_ length: Int) -> String {
            "From a@b Mon Mar  2 09:41:30 2026\nSubject: one\nContent-Length: \(length)\n\n\(body)\nFrom a@b Mon Mar  2 09:41:31 2026\nSubject: next\n\nend\n"
        }
        let right = read(box(body.utf8.count))
        #expect(right.map(\.text) == [body, "end\n"] && right[0].end.warnings.count == 1)
        #expect(read(box(body.utf8.count + 7)).count == 3)
        #expect(read(box(99_999)).count == 3)
    }

    @Test(
        "closing legal words are marked",
        arguments: [
            "This e-mail and any attachments are confidential.",
            "THIS EMAIL (and any attachments) is private.",
            "This message and any attachments are for you.", "Confidentiality notice: read no further.",
            "It is intended solely for the use of the individual named.",
            "It is intended only for the person or entity named.",
            "If you are not the intended recipient, stop.",
            "If you have received this email in error, tell us.", "Diese E-Mail enthält Vertrauliches.",
            "Ce message et toutes les pièces jointes", "Este mensaje y cualquier archivo",
            "Der Inhalt dieser E-Mail ist vertraulich.",
        ])
    func disclaimer(beginning: String) {
        let words = "\(beginning)\nIf it is not for you, delete it.\n"
        let found = read("From: a@b.example\nSubject: s\n\nHello.\n\nBye\n\n\(words)")[0]
        #expect(found.marked(.disclaimer) == [words])
    }

    @Test("text that is a slice of the file says which")
    func slices() {
        let mail = "From: a@b.example\nSubject: s\n\nGrüße an alle.\n"
        let box = "From a@b Mon Mar  2 09:41:30 2026\n\(mail)\nFrom a@b Mon Mar  2 09:41:31 2026\n\(mail)"
        let bytes = Array(box.utf8)
        var spans: [[UInt8]] = []
        var position = 0
        let stream = DocumentStream(address: "i.mbox") {
            defer { position = bytes.count }
            return position < bytes.count ? Array(bytes[position...]) : nil
        }
        while let event = stream.next() {
            if case .text(let chunk) = event, let source = chunk.source {
                #expect(Array(bytes[source.start..<source.end]) == chunk.utf8)
                spans.append(chunk.utf8)
            }
        }
        #expect(
            spans.map { String(decoding: $0, as: UTF8.self) } == ["Grüße an alle.\n", "Grüße an alle.\n"])
    }
}

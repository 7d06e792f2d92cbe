import Documents
import Foundation
import Ingest
import Testing

@Suite struct MailTests {
    private func mail(_ text: String) throws -> ReadDocument {
        let found = read(text, address: "a.eml")
        #expect(found.count == 1)
        let mail = try #require(found.first)
        #expect(mail.document.kind == .mail)
        return mail
    }

    @Test(
        "header fields are decoded and their white space is folded",
        arguments: [
            ("=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?b?IEvDtmxu?=", "Grüße aus Köln"),
            ("=?utf-8?q?=C3?=\n =?utf-8?q?=A4?= is cut in two", "ä is cut in two"),
            ("=?iso-8859-1*de?q?=E4?=", "ä"),
            ("=?iso-2022-jp?b?GyRCJDMkcxsoQg==?=", "こん"),
            ("=?no-such-charset?q?plain?=", "plain"),
            ("=?utf-8?x?what?= stays", "=?utf-8?x?what?= stays"),
            ("=?utf-8?q?no end", "=?utf-8?q?no end"),
            ("folded\n\tover   lines ", "folded over lines"),
        ])
    func headerWords(raw: String, decoded: String) throws {
        #expect(try mail("From: a@b.example\nSubject: \(raw)\n\nx\n").document.first("subject") == decoded)
    }

    @Test("raw bytes in a header are UTF-8 or guessed")
    func rawHeader() {
        let utf8 = read("From: Jürgen <j@b.example>\nSubject: naïve\n\nx\n")
        #expect(utf8[0].document.first("from") == "Jürgen <j@b.example>")
        let latin = Array("From: J".utf8) + [0xFC] + Array("rgen <j@b.example>\nSubject: x\n\nx\n".utf8)
        #expect(read(latin)[0].document.first("from") == "Jürgen <j@b.example>")
    }

    @Test("fields of the metadata keep their order; unknown ones are left out")
    func metadata() throws {
        let found = try mail(
            """
            Received: by x
            Message-ID: <1@b>
            From: a@b.example
            To: c@d.example
            To: e@f.example
            Reply-To: r@b.example
            List-Id: <l.b>
            X-Spam: yes
            Date: Mon, 2 Mar 2026 09:41:30 +0100

            x

            """)
        #expect(
            found.document.metadata.map(\.name) == [
                "message-id", "from", "to", "to", "reply-to", "list-id", "date",
            ])
    }

    @Test("of alternatives plain text is read, unless it says nothing", arguments: [true, false])
    func alternative(hasPlain: Bool) throws {
        let found = try mail(
            """
            From: a@b.example
            Subject: s
            Content-Type: multipart/alternative; boundary=b

            --b
            Content-Type: text/plain

            \(hasPlain ? "plain words" : " ")
            --b
            Content-Type: text/html

            <p>rich <b>words</b></p>
            --b--

            """)
        #expect(found.text.contains(hasPlain ? "plain words" : "rich words"))
        #expect(found.parts.count == 1 && found.parts[0].address == "a.eml")
        #expect(found.document.attachments.isEmpty)
    }

    @Test("attachments are listed with their decoded size, inline texts are parts")
    func attachments() throws {
        let found = try mail(
            """
            From: a@b.example
            Subject: s
            Content-Type: multipart/mixed; boundary=b

            --b

            first
            --b
            Content-Type: application/pdf
            Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf
            Content-Transfer-Encoding: base64

            QUJDREVGRw==
            --b
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            sec=C3=B6nd=
             line
            --b
            Content-Type: text/plain; name=log.txt
            Content-Disposition: attachment; filename="log.txt"

            not read
            --b--

            """)
        #expect(found.parts.map(\.address) == ["a.eml", "a.eml/part2"])
        #expect(found.parts.map(\.text) == ["first", "secönd line"])
        #expect(
            found.document.attachments == [
                Attachment(name: "résumé.pdf", mediaType: "application/pdf", bytes: 7),
                Attachment(name: "log.txt", mediaType: "text/plain", bytes: 8),
            ])
    }

    /// The beginning of a mail with two parts, up to the fields of the second.
    private static let outer = """
        From: a@b.example
        Subject: outer
        Content-Type: multipart/mixed; boundary=b

        --b

        see below
        --b
        Content-Type: message/rfc822

        """

    @Test("a mail inside a mail is a part with its own short header, marked as forwarded")
    func innerMail() throws {
        let found = try mail(
            Self.outer + """

                From: inner@b.example
                Subject: inner
                X-Other: not shown

                inner body
                --b--

                """)
        #expect(
            found.parts.map(\.text) == ["see below", "From: inner@b.example\nSubject: inner\n\ninner body"])
        #expect(found.marked(.forwarded) == [found.parts[1].text])
    }

    @Test(
        "what is said to be a mail inside a mail and is none is text",
        arguments: [
            "no mail at all, sorry!", "no mail, sorry!\nanother line\n\n-- \na last one",
            "Note: no mail\nanother line",
            "--c\n--bb",
        ], ["\n", "\r\n"])
    func innerText(inner: String, lineEnd: String) throws {
        let text =
            Self.outer + """
                Content-Disposition: attachment; filename="x.eml"

                \(inner)
                --b

                the end
                --b--

                """
        let found = try mail(text.replacingOccurrences(of: "\n", with: lineEnd))
        #expect(found.parts.map(\.text) == ["see below", inner, "the end"])
        #expect(found.marked(.forwarded) == [inner])
        #expect(found.end.warnings == ["a message/rfc822 part is no mail; it is read as text"])
    }

    @Test(
        "what stands in a digest and is no mail is text, wherever its fields would stand",
        arguments: [
            "no field at all\nanother line\n\n-- \na last one", "Note: no mail\nanother line", "one line",
            "--bb\n: none", "Remember this: no name of a field\n\nmore", "a: b",
        ], ["\n", "\r\n"])
    func digestText(inner: String, lineEnd: String) throws {
        for lead in ["", "\n"] {
            let text = """
                From: a@b.example
                Subject: s
                Content-Type: multipart/digest; boundary="b"

                --b

                From: inner@b.example
                Subject: inner

                inner body
                --b
                \(lead)\(inner)
                --b
                Content-Type: multipart/digest; boundary="c"

                --c

                \(inner)
                --c--
                --b

                From: last@b.example

                the end
                --b--

                """
            let found = try mail(text.replacingOccurrences(of: "\n", with: lineEnd))
            let wanted = inner.replacingOccurrences(of: "\n", with: lineEnd)
            #expect(
                found.parts.map { $0.text.replacingOccurrences(of: "\r\n", with: "\n") } == [
                    "From: inner@b.example\nSubject: inner\n\ninner body", inner, inner,
                    "From: last@b.example\n\nthe end",
                ], "\(wanted)")
            #expect(found.end.warnings.count == 2)
        }
    }

    @Test("a part in which no empty line comes is text, between the others", arguments: ["\n", "\r\n"])
    func partsWithoutEmptyLine(lineEnd: String) throws {
        let text = """
            From: a@b.example
            Subject: s
            Content-Type: multipart/mixed; boundary=b

            --b
            first, without a field
            two lines
            --b

            second
            --b
            Content-Type: text/plain
            third, behind a field
            --b
            Content-Type: text/html

            <p>fourth</p>
            --b
            Content-Type: text/plain
            --b
            fifth
             goes: on
            --b
            Note: the last of them
            --b--

            """
        let found = try mail(text.replacingOccurrences(of: "\n", with: lineEnd))
        #expect(
            found.parts.map { $0.text.replacingOccurrences(of: "\r\n", with: "\n") } == [
                "first, without a field\ntwo lines", "second", "third, behind a field", "fourth\n",
                "fifth\n goes: on", "Note: the last of them",
            ])
        #expect(
            found.end.warnings
                == Array(repeating: "no empty line ends the header of a part; it is read as text", count: 4))
    }

    @Test("a part of fields alone is listed; inside alternatives no text is lost or taken for another")
    func partsOfAlternatives() throws {
        let fields = try mail(
            """
            From: a@b.example
            Content-Type: multipart/mixed; boundary=b

            --b

            text
            --b
            Content-Type: application/pdf; name="x.pdf"
            Content-Disposition: attachment
            --b--

            """)
        #expect(fields.parts.map(\.text) == ["text"])
        #expect(fields.document.attachments.map(\.name) == ["x.pdf"])
        let nested = try mail(
            """
            From: a@b.example
            Content-Type: multipart/alternative; boundary=a

            --a
            Content-Type: text/html

            <p>other</p>
            --a
            Content-Type: multipart/mixed; boundary=b

            --b

            one
            --b
            two
            --b--
            --a--

            """)
        #expect(nested.parts.map(\.text) == ["one", "two"])
        let message = try mail(
            """
            From: a@b.example
            Content-Type: multipart/alternative; boundary=a

            --a
            Content-Type: image/png

            picture
            --a
            Content-Type: message/rfc822

            no mail
            --a--

            """)
        #expect(message.parts.map(\.text) == ["no mail"])
    }

    @Test("a text that says of no kind is plain", arguments: ["text", "Text ; charset=utf-8"])
    func textOfNoKind(type: String) throws {
        let found = try mail("From: a@b.example\nSubject: s\nContent-Type: \(type)\n\nGrüße.\n")
        #expect(found.text == "Grüße.\n" && found.document.attachments.isEmpty)
        let bytes = try mail("From: a@b.example\nSubject: s\nContent-Type: application\n\nGrüße.\n")
        #expect(bytes.text.isEmpty && bytes.document.attachments.count == 1)
    }

    @Test("words that are declared base64 are read as they stand, and damaged base64 is decoded")
    func noBase64() throws {
        let head = "From: a@b.example\nSubject: s\nContent-Transfer-Encoding: base64\n"
        for words in [
            "several plain words that someone forgot to encode\nand another line of them\n",
            "Grüße, und noch ein paar Worte mehr.\n", "this is no base64, sorry!\n",
        ] {
            let found = try mail(head + "Content-Type: text/plain; charset=utf-8\n\n" + words)
            #expect(found.text == words)
            #expect(found.end.warnings == ["declared base64, but the part is none; it is read as it stands"])
        }
        let page = try mail(
            head + "Content-Type: text/html\n\n<p>a page in plain sight, not <b>encoded</b></p>\n")
        #expect(page.text == "a page in plain sight, not encoded\n")
        let text = String(repeating: "Ein Text mit Umlauten, wie man sie schätzt.\n", count: 12)
        let lines = Data(text.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithLineFeed,
        ])
        let latin = Data(text.unicodeScalars.map { UInt8($0.value) }).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithLineFeed,
        ])
        for (body, charset) in [
            (lines, "utf-8"), (latin, "iso-8859-1"),
            (lines.replacingOccurrences(of: "\n", with: " "), "utf-8"),
            (latin.replacingOccurrences(of: "\n", with: " \n "), "iso-8859-1"),
            (
                lines.replacingOccurrences(of: "dGVy", with: "dG!Vy").replacingOccurrences(
                    of: "\n", with: "!\n"), "utf-8"
            ),
            (latin + "\n_______\nA list of some kind: list@b.example\n", "iso-8859-1"),
        ] {
            let found = try mail(head + "Content-Type: text/plain; charset=\(charset)\n\n" + body)
            #expect(found.text.hasPrefix(text), "\(found.text)")
        }
    }

    @Test("an encrypted mail says so and keeps what is readable")
    func encrypted() throws {
        let found = try mail(
            """
            From: a@b.example
            Subject: secret
            Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b

            --b
            Content-Type: application/pgp-encrypted

            Version: 1
            --b
            Content-Type: application/octet-stream; name=encrypted.asc

            -----BEGIN PGP MESSAGE-----
            --b--

            """)
        #expect(found.status == .partial(.encrypted))
        #expect(found.document.first("subject") == "secret")
        #expect(
            found.document.attachments.map(\.mediaType) == [
                "application/pgp-encrypted", "application/octet-stream",
            ])
    }

    @Test(
        "broken parts are read as far as they go, with a warning",
        arguments: [
            (
                "Content-Type: text/plain; charset=x-klingon", "caf\u{E9}", "charset x-klingon is unknown",
                "caf\u{E9}"
            ),
            (
                "Content-Transfer-Encoding: base64", "aGVsbG8gd29ybGQhI!!CMj", "none, passed over",
                "hello world! ##"
            ),
            ("Content-Transfer-Encoding: base64", "aGVsbG8gd29ybGQhI", "ends within a group", "hello world!"),
            (
                "Content-Transfer-Encoding: x-strange", "as it stands", "x-strange is unknown",
                "as it stands\n"
            ),
            ("Content-Transfer-Encoding: quoted-printable", "a=ZZb", "broken escapes", "a=ZZb\n"),
            ("Content-Type: multipart/mixed", "no boundary", "has no parts inside", "no boundary\n"),
            (
                "Content-Type: multipart/mixed; boundary=b", "never comes", "has no parts inside",
                "never comes\n"
            ),
        ])
    func broken(header: String, body: String, warning: String, text: String) throws {
        let found = try mail("From: a@b.example\nSubject: s\n\(header)\n\n\(body)\n")
        #expect(found.end.warnings.contains { $0.contains(warning) }, "\(found.end.warnings)")
        #expect(found.text.hasPrefix(text.trimmingSuffix("\n")))
    }

    @Test("bytes that are not in the declared charset are read by a guess")
    func wrongCharset() {
        let bytes =
            Array("From: a@b\nSubject: s\nContent-Type: text/plain; charset=utf-8\n\ncaf".utf8) + [
                0xE9, 0x0A,
            ]
        let found = read(bytes)
        #expect(found[0].text == "café\n")
        #expect(found[0].end.warnings.contains { $0.contains("declared utf-8") })
    }

    @Test("in a mailbox a mail without header fields is still a mail")
    func noHeader() {
        let found = read(
            "From a@b Mon Mar  2 09:41:30 2026\n\njust a body\n\nFrom a@b Mon Mar  2 09:41:30 2026\n\n")
        #expect(found.map(\.text) == ["just a body\n", ""])
        #expect(found[0].end.warnings == ["no header field of mail was found"])
        #expect(found[1].status == .skipped(.empty))
    }

    @Test("a header without an end or a broken line in it is a header")
    func oddHeaders() throws {
        #expect(try mail("From: a@b.example\nSubject: s").document.first("subject") == "s")
        let found = read("From: a@b.example\nthis is no field\nSubject: s\n\nbody\n")
        #expect(found.map(\.document.kind) == [.mail])
    }

    @Test(
        "text right behind the fields is text, when no empty line comes at all",
        arguments: [
            ("they forgot the line", "they forgot the line"),
            (
                "they forgot the line\nand: this is text, too\n",
                "they forgot the line\nand: this is text, too\n"
            ),
            ("two\r\nlines\r\n", "two\nlines\n"), (": no name\n", ": no name\n"),
            (" a field goes on\nbut not here\n", "but not here\n"),
        ])
    func noEmptyLine(behind: String, text: String) throws {
        let found = try mail("From: a@b.example\nSubject: s\n" + behind)
        #expect(found.text == text && found.status == .ok)
        #expect(found.document.first("subject")?.hasPrefix("s") == true)
        #expect(
            found.end.warnings == [
                "no empty line ends the header; its text begins at the first line that is no field"
            ])
    }

    @Test(
        "a header that GMime need not see whole reads as GMime reads it",
        arguments: [
            "From: a@b.example\n|Subject: s\n\nbody\n", "X-Other: x\n|\nbody\n",
            "Subject:\n|From:a@b.example\n \n\n\nbody\n", "From: a@b.example\n|Subject: caf\u{E9}\n\n\n",
            "FROM: a@b.example\n|to: c@d.example\nTo: e@f.example\nSubject: one\n\ttwo\n  three\nSubject: four\n\n> body",
            "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\n|Subject: s\nContent-Length: 5\n\nbody\n",
            "Content-Type: text/html\n|Subject: s\ncontent-transfer-encoding: quoted-printable\n\n<p>a=3Db</p>\n",
            """
            Subject: s
            |content-type: multipart/mixed;
             boundary=x
            From: a@b.example

            before
            --x

            one
            --x
            Content-Type: text/plain; name=a.txt
            Content-Disposition: attachment; filename=a.txt

            two
            --x
            Content-Type: message/rfc822

            From: inner@b.example
            Subject: inner

            three
            --x--

            """,
        ], ["\n", "\r\n"])
    func headers(mail: String, lineEnd: String) throws {
        var options = IngestOptions()
        options.opensAttachments = true
        // GMime passes over a line that is no field, and is shown all of a header with such a one.
        let found = ["", "no field\n"].map { line in
            let mail = mail.replacingOccurrences(of: "|", with: line)
            return read(
                "From a@b Mon Mar  2 09:41:30 2026\n" + mail.replacingOccurrences(of: "\n", with: lineEnd),
                options: options)
        }
        #expect(!found[0].isEmpty && found[0].map(\.document) == found[1].map(\.document))
        #expect(
            found[0].map(\.text) == found[1].map(\.text) && found[0].map(\.marks) == found[1].map(\.marks))
        #expect(found[0].map(\.status) == found[1].map(\.status))
        #expect(found[0].map(\.end.warnings) == found[1].map(\.end.warnings))
        #expect(found[0].map(\.end.contentDigest) == found[1].map(\.end.contentDigest))
    }

    @Test("CRLF and zero bytes")
    func lineEnds() throws {
        #expect(try mail("From: a@b.example\r\nSubject: s\r\n\r\none\r\ntwo\r\n").text == "one\ntwo\n")
        #expect(try mail("From: a@b.example\nSubject: s\n\na\u{0}b\n").text == "a\u{0}b\n")
    }

    @Test("quotes, the line that announces them and signatures are marked and kept")
    func marks() throws {
        let body = """
            I agree.

            On Mon, 2 Mar 2026, Jane Doe
            <jane@example.org> wrote:

            > first
            >> deeper
            >
            > last

            More of mine.
            --\(" ")
            Joe
            +44 1

            """
        let found = try mail("From: a@b.example\nSubject: s\n\n" + body)
        #expect(found.text == body)
        #expect(
            found.marked(.quoted) == [
                "On Mon, 2 Mar 2026, Jane Doe\n<jane@example.org> wrote:\n\n> first\n>> deeper\n>\n> last\n"
            ])
        #expect(found.marked(.signature) == ["-- \nJoe\n+44 1\n"])
    }

    @Test("what stands under a forward or an original message is marked to the end")
    func dividers() throws {
        let forward = try mail(
            "From: a@b\nSubject: s\n\nfyi\n\n---------- Forwarded message ---------\nFrom: x\n\nhi\n")
        #expect(forward.marked(.forwarded) == ["---------- Forwarded message ---------\nFrom: x\n\nhi\n"])
        let original = try mail("From: a@b\nSubject: s\n\nok\n\n-----Original Message-----\nFrom: x\n\nhi\n")
        #expect(original.marked(.quoted) == ["-----Original Message-----\nFrom: x\n\nhi\n"])
    }

    @Test(
        "10,000 nested parts end at the depth limit, and soon",
        arguments: ["multipart/mixed; boundary=b", "multipart/mixed; boundary=b#", "message/rfc822"])
    func nesting(type: String) throws {
        var text = "From: a@b.example\nSubject: deep\n"
        for level in 0..<10_000 {
            let unique = type.replacing("#", with: "\(level)")
            text += "Content-Type: \(unique)\n\n"
            text +=
                type.hasPrefix("multipart") ? "--\(unique.split(separator: "=")[1])\n" : "From: a@b.example\n"
        }
        let clock = ContinuousClock()
        let start = clock.now
        let found = try mail(text + "\ninner\n")
        #expect(found.status == .partial(.limitDepth))
        #expect(found.end.warnings.contains { $0.contains("nested deeper than 64") })
        #expect(clock.now - start < .seconds(10))
    }

    @Test("too many parts and too long mails end at their limit")
    func manyParts() throws {
        var options = IngestOptions()
        options.limits.maxMIMEParts = 10
        options.limits.maxMessageBytes = 1000
        let part = "--b\n\nx\n"
        let head = "From: a@b.example\nSubject: s\nContent-Type: multipart/mixed; boundary=b\n\n"
        let many = read(head + String(repeating: part, count: 50), options: options)
        #expect(many[0].status == .partial(.limitEntries) && many[0].parts.count == 9)
        let long = read(
            "From: a@b.example\nSubject: s\n\n" + String(repeating: "x", count: 2000), options: options)
        #expect(long[0].status == .partial(.limitBytes))
        #expect(long[0].end.warnings.contains { $0.contains("1030 bytes more than the limit") })
    }

    @Test("a header field that nobody reads whole is cut, and the text's bytes are named where they stand")
    func longField() throws {
        let long =
            String(repeating: "a", count: 300_000) + "\n\t"
            + String(repeating: "b", count: 262_143 - 300_000 % 7)
        let header = "From: a@b.example\r\nTo: \(long)\nX-Long: \(long)\nSubject: s\n\n"
        for (start, name) in [("", "input"), ("From a@b Mon Mar  2 09:41:30 2026\n", "input#1")] {
            let bytes = Array((start + header + "the body\n>From quoted\nend\n").utf8)
            var chunks: [TextChunk] = []
            var position = 0
            let stream = DocumentStream(address: "input") {
                if position == bytes.count { return nil }
                defer { position = bytes.count }
                return bytes
            }
            while let event = stream.next() {
                switch event {
                case .begin(let document):
                    #expect(document.address == name && document.first("subject") == "s")
                    #expect(document.first("to")?.utf8.count == 64 << 10)
                case .text(let chunk): chunks.append(chunk)
                case .end(let end):
                    #expect(end.status == .ok)
                    #expect(end.warnings.contains { $0.contains("bytes of the header are left out") })
                }
            }
            let chunk = try #require(chunks.first)
            #expect(chunks.count == 1 && chunk.origins.count == 1)
            let origin = try #require(chunk.origins.first)
            if name == "input" {
                let source = try #require(chunk.source)
                #expect(Array(bytes[source.start..<source.end]) == chunk.utf8)
                #expect(Array(bytes[origin.bytes.start..<origin.bytes.end]) == chunk.utf8)
            } else {
                // Of the mail, since a quoting mark was taken out of it.
                #expect(origin.container == name && origin.bytes.start == header.utf8.count)
            }
        }
    }

    @Test("a line of 50 MB is a line")
    func longLine() throws {
        let found = try mail("From: a@b.example\nSubject: s\n\n" + String(repeating: "x", count: 50_000_000))
        #expect(found.status == .ok && found.end.textBytes == 50_000_000)
    }

    @Test("the digest is equal for equal content and differs in subject or text")
    func digest() throws {
        let one = try mail("From: a@b\nSubject: s\nReceived: x\n\nbody\n")
        let same = try mail("Received: y\nSubject: s\nFrom: a@b\n\nbody\n")
        let other = try mail("From: a@b\nSubject: t\n\nbody\n")
        #expect(
            one.end.contentDigest == same.end.contentDigest
                && one.end.contentDigest != other.end.contentDigest)
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

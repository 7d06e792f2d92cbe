import Documents
import Ingest
import Testing

/// Every stretch of text names the bytes that it was decoded from.
@Suite struct OriginTests {
    /// The chunks of one input, each origin held against the reference, and how much of the text has one.
    private func check(_ bytes: [UInt8], cuts: Int = .max) -> (origins: [TextOrigin], covered: Int, all: Int)
    {
        var position = 0
        let stream = DocumentStream(address: "input") {
            guard position < bytes.count else { return nil }
            defer { position = min(bytes.count, position + min(cuts, bytes.count)) }
            return Array(bytes[position..<min(bytes.count, position + min(cuts, bytes.count))])
        }
        var found: [TextOrigin] = []
        var all = 0
        while let event = stream.next() {
            guard case .text(let chunk) = event else { continue }
            all += chunk.utf8.count
            for origin in chunk.origins {
                if origin.container == "input" {
                    #expect(OriginReference.holds(origin, chunk, bytes), "\(origin)")
                }
            }
            found += chunk.origins
        }
        return (found, found.reduce(0) { $0 + $1.range.count }, all)
    }

    private func mail(_ charset: String, _ transfer: String, _ body: [UInt8]) -> [UInt8] {
        Array(
            "From: a@b.example\nContent-Type: text/plain; charset=\(charset)\nContent-Transfer-Encoding: \(transfer)\n\n"
                .utf8) + body
    }

    @Test("quoted-printable, base64 and 8 bits in several scripts, folded line ends")
    func transfers() {
        let cases: [(String, String, [UInt8], TextOrigin.Transfer)] = [
            (
                "iso-8859-1", "quoted-printable", Array("caf=E9 =\r\nau lait=0D=0A\r\n=C3 =zz\n".utf8),
                .quotedPrintable
            ),
            ("koi8-r", "base64", Array("8NLJ18XUIM3J0iE=\n".utf8), .base64),
            ("utf-8", "base64", Array("77u/44GT44KT44Gr44Gh44GvIPCfmYI=\n".utf8), .base64),
            ("shift_jis", "8bit", [0x82, 0xB1, 0x82, 0xF1, 0x0D, 0x0A, 0x82, 0xC9, 0x0D, 0x0A], .identity),
            ("windows-1255", "8bit", [0xF9, 0xD1, 0xEC, 0xE5, 0xED, 0x0A], .identity),
            ("utf-8", "8bit", [0x61, 0xFF, 0xC3, 0xA9, 0xE2, 0x82, 0x0A], .identity),
        ]
        for (charset, transfer, body, expected) in cases {
            let result = check(mail(charset, transfer, body))
            #expect(result.origins.map(\.transfer) == [expected], "\(charset)")
            #expect(result.covered == result.all && result.all > 0, "\(charset)")
        }
    }

    @Test("mails of a mailbox are placed in it, behind quoted From lines, and in themselves around one")
    func mailbox() {
        let envelope = "From a@b Mon Mar  2 09:41:30 2026\nFrom: a@b.example\n"
        let parts = """
            Content-Type: multipart/mixed; boundary=b

            --b

            one
            >From two
            --b
            Content-Transfer-Encoding: quoted-printable

            caf=C3=A9
            --b--

            """
        let result = check(Array((envelope + "\nfirst\n\n" + envelope + parts).utf8))
        #expect(result.origins.map(\.container) == ["input", "input#2", "input"])
        #expect(result.covered == result.all)
    }

    @Test("what a packed file unpacks to is another container than the file")
    func packed() {
        let result = check(Fixtures.bytes("inbox.mbox.gz"))
        #expect(result.origins.map(\.container) == ["input!", "input!", "input!"])
    }

    @Test(
        "long texts in charsets with and without state, in blocks",
        arguments: ["CP1251", "ISO-2022-JP", "UTF-16LE"])
    func blocks(charset: String) {
        let line: [UInt8] =
            switch charset {
            case "CP1251": [0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2, 0x2C, 0x20, 0xEC, 0xE8, 0xF0, 0x21, 0x0A]
            case "ISO-2022-JP": [0x1B, 0x24, 0x42, 0x24, 0x33, 0x24, 0x73, 0x1B, 0x28, 0x42, 0x61, 0x0A]
            default: Array("wide é 🙂 text\n".utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            }
        let start: [UInt8] = charset == "UTF-16LE" ? [0xFF, 0xFE] : []
        let bytes = start + Array(repeatElement(line, count: 30_000).joined())
        for cuts in [Int.max, 777] {
            let result = check(bytes, cuts: cuts)
            #expect(result.covered == result.all && result.origins.count > 1)
        }
    }
}

import Documents
import Foundation
import Ingest
import Testing

@Suite struct PropertyTests {
    private static let mail = """
        From: =?utf-8?q?J=C3=BCrgen?= <j@b.example>
        Subject: a letter
        Content-Type: multipart/mixed; boundary=b

        --b
        Content-Type: text/html; charset=utf-8

        <p>Hello <b>you</b> &amp; <a href="https://x.example/y">me</a></p><blockquote>quoted</blockquote>
        --b
        Content-Type: text/plain; charset=iso-8859-1
        Content-Transfer-Encoding: quoted-printable

        caf=E9
        > quoted
        --b
        Content-Type: message/rfc822

        From: inner@b.example

        inner
        --b
        Content-Type: image/png; name=x.png
        Content-Transfer-Encoding: base64

        aGVsbG8gd29ybGQ=
        --b--

        """

    private static let utf16: [UInt8] = {
        var bytes: [UInt8] = [0xFF, 0xFE]
        for unit in "wide é 🙂 text\n".utf16 { bytes += [UInt8(unit & 255), UInt8(unit >> 8)] }
        return bytes
    }()

    private static let fixtures: [(name: String, bytes: [UInt8])] = [
        ("mail", Array(mail.utf8)),
        (
            "mbox",
            Array(
                ("From a@b Mon Mar  2 09:41:30 2026\n" + mail
                    + "\nFrom a@b Mon Mar  2 09:41:30 2026\nSubject: two\n\n>From x\n\nFrom what I hear\n")
                    .utf8)
        ),
        (
            "html",
            Array(
                "<html><head><title>t</title></head><body><ul><li>a<li>b &lt; &euro; é</ul><!-- no --><p hidden>x</p><script>1<2</script><table><tr><td>1<td>2</table> 1 < 2 & 3"
                    .utf8)
        ),
        (
            "xml",
            Array(
                "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY e \"text\">]><r a='1'><p>a <i>b</i> &e;</p><!-- c --><q><![CDATA[<x>]]]]></q></r>"
                    .utf8)
        ),
        ("text", Array(String(repeating: "line é\n", count: 30_000).utf8)),
        ("latin", "une journée très longue\n".unicodeScalars.map { UInt8($0.value) }),
        ("utf16", utf16),
        ("nested.zip", Fixtures.bytes("nested.zip")), ("inbox.mbox.gz", Fixtures.bytes("inbox.mbox.gz")),
        ("many.tar", Fixtures.bytes("many.tar")), ("truncated.txt.gz", Fixtures.bytes("truncated.txt.gz")),
    ]

    @Test(
        "whole, byte by byte and cut at random the same bytes give the same documents",
        arguments: fixtures.map(\.name))
    func cuts(name: String) {
        let bytes = Self.fixtures.first { $0.name == name }!.bytes
        let whole = read(bytes)
        #expect(!whole.isEmpty)
        #expect(read(bytes, cuts: [1]) == whole)
        var generator = SeededGenerator(state: 7)
        for _ in 0..<5 {
            let cuts = (0..<50).map { _ in Int.random(in: 1...100, using: &generator) }
            #expect(read(bytes, cuts: cuts) == whole)
        }
    }

    @Test("changed at random, everything still ends, in order and in UTF-8", arguments: fixtures.map(\.name))
    func mutations(name: String) {
        let bytes = Self.fixtures.first { $0.name == name }!.bytes
        var generator = SeededGenerator(state: 11)
        let rounds = bytes.count > 100_000 ? 20 : 150
        for _ in 0..<rounds {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let position = Int.random(in: 0..<changed.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: changed[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: changed.remove(at: position)
                case 2: changed.insert(contentsOf: changed[position...].prefix(40), at: position)
                default: changed.removeSubrange(position..<min(changed.count, position + 60))
                }
                if changed.isEmpty { changed = [0x3C] }
            }
            #expect(!read(changed).isEmpty)
        }
    }
}

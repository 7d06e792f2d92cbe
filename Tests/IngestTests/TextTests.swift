import Documents
import Glibc
import Ingest
import Testing

@Suite struct TextTests {
    private func encoded(_ text: String, _ charset: String) -> [UInt8] {
        let handle = iconv_open(charset, "UTF-8")
        defer { iconv_close(handle) }
        var input = text.utf8.map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: input.count)
        let length = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var source = input.baseAddress
                var target = output.baseAddress
                var left = input.count
                var room = output.count
                #expect(iconv(handle, &source, &left, &target, &room) == 0)
                return output.count - room
            }
        }
        return output[..<length].map { UInt8(bitPattern: $0) }
    }

    @Test(
        "UTF-8 passes byte for byte",
        arguments: [
            "plain\r\nlines\n", "no\u{FEFF}mark\n", "日本語 🙂\n", "a\u{1B}[31mred\u{1B}[0m\n", "no end",
            "~{ tilde ~}\n", "\n\n",
            String(repeating: "0123456789é\n", count: 100_000),
        ])
    func identity(text: String) {
        let found = read(text)
        #expect(found[0].text == text && found[0].status == .ok && found[0].end.warnings.isEmpty)
        #expect(found[0].end.source == SourceSpan(start: 0, end: text.utf8.count))
    }

    @Test("a byte order mark is no text, and the text is the rest of the file")
    func mark() {
        let found = read("\u{FEFF}with a mark\n")
        #expect(found[0].text == "with a mark\n" && found[0].status == .ok && found[0].end.warnings.isEmpty)
        #expect(found[0].end.source == SourceSpan(start: 0, end: 15))
        var pieces: [[UInt8]] = [Array("\u{FEFF}with a mark\n".utf8)]
        let stream = DocumentStream(address: "input") { pieces.popLast() }
        var sources: [SourceSpan?] = []
        while let event = stream.next() { if case .text(let chunk) = event { sources.append(chunk.source) } }
        #expect(sources == [SourceSpan(start: 3, end: 15)])
    }

    @Test(
        "what glibc's converters let through is made UTF-8, in any cut",
        arguments: [
            ("UT&F-8", [0x61, 0xF6, 0xA9, 0x86, 0x80, 0x62] as [UInt8]),
            ("UCS-4", [0, 0, 0, 0x61, 0x00, 0x22, 0x33, 0x44, 0, 0, 0, 0x62]),
        ])
    func beyondUnicode(charset: String, body: [UInt8]) {
        let mail =
            Array("From: a@b\nSubject: s\nContent-Type: text/plain; charset=\(charset)\n\n".utf8) + body
        let found = read(mail)  // checks that chunks are UTF-8
        #expect(found.count == 1 && found[0].text.hasPrefix("a\u{FFFD}") && found[0].text.hasSuffix("b"))
        #expect(found[0].end.warnings.contains { $0.hasSuffix("replaced by U+FFFD") })
        var index = 0
        let stream = DocumentStream(address: "input") {
            defer { index += 1 }
            return index < mail.count ? [mail[index]] : nil
        }
        #expect(readAll(stream)[0].text == found[0].text)
    }

    @Test("wide text with and without a mark", arguments: [true, false], [true, false])
    func wide(hasMark: Bool, isLittle: Bool) {
        let text = "Some lines of text,\nwide ones: é €\nand more of them.\n"
        var bytes = (hasMark ? "\u{FEFF}" + text : text).utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        if isLittle {
            for index in stride(from: 0, to: bytes.count, by: 2) { bytes.swapAt(index, index + 1) }
        }
        #expect(read(bytes)[0].text == text)
    }

    @Test("other charsets are guessed, and the guess is named")
    func guessed() {
        let cyrillic: [UInt8] = [
            0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2, 0x2C, 0x20, 0xEC, 0xE8, 0xF0, 0x21, 0x20,
        ]
        let found = read(Array([[UInt8]](repeating: cyrillic, count: 20).joined()))
        #expect(found[0].text.hasPrefix("Привет, мир!"))
        #expect(found[0].end.warnings == ["no charset is declared; read as WINDOWS-1251"])
    }

    @Test(
        "a guess that the bytes speak against is corrected",
        arguments: [
            // Quotation marks of Windows are control characters in ISO-8859-7, uchardet's guess.
            (
                "He said, \u{201C}The names Bond.\u{201D}\nto be \u{201C}me\u{201D}\n\u{2013} served \u{2014}\n",
                "WINDOWS-1252"
            ),
            ("Nous avons reçu votre lettre du mois", "WINDOWS-1252"),  // IBM852
            ("Зустріч перенесено на наступний тиждень, тому побачимося в понеділок.", "KOI8-U"),  // KOI8-R
            ("Зустріч перенесено на наступни", "WINDOWS-1251"),  // MAC-CYRILLIC
        ])
    func corrected(text: String, charset: String) {
        #expect(read(encoded(text, charset))[0].text == text)
    }

    @Test(
        "Greek of ISO and of Windows are told apart, where a letter or a quotation mark does",
        arguments: [
            ("Άλλη μια φορά, είπε, δεν ήταν εκεί. Άρα δεν ξέρουμε ποιος το έγραψε.", "ISO-8859-7"),
            ("Άλλη μια φορά, είπε, δεν ήταν εκεί. Άρα δεν ξέρουμε ποιος το έγραψε.", "WINDOWS-1253"),
            ("Το ‘νησί’ απ’ όπου ήρθαν δεν είναι μακριά, και σ’αυτό γύρισαν ξανά.", "ISO-8859-7"),
            ("Το «νησί» απ’ όπου ήρθαν δεν είναι μακριά – και εκεί γύρισαν ξανά.", "WINDOWS-1253"),
            ("Η επόμενη συνάντηση θα γίνει την Τρίτη, και όλοι είναι ευπρόσδεκτοι.", "ISO-8859-7"),
        ])
    func greek(text: String, charset: String) {
        #expect(read(encoded(text, charset))[0].text == text)
    }

    @Test("a broken stretch in UTF-8 is repaired, not read as Latin")
    func repair() {
        let bytes = Array("äöüäöüäöü".utf8) + [0xFF, 0xC3] + Array(" end".utf8)
        #expect(read(bytes)[0].text == "äöüäöüäöü\u{FFFD}\u{FFFD} end")
    }

    @Test("one Latin line far inside ASCII is read as what it is")
    func lateLatin() {
        let head = String(repeating: "ascii only, line after line\n", count: 20_000)
        let line: [UInt8] = Array("une journ".utf8) + [0xE9, 0x65, 0x20, 0x0A]
        let found = read(Array(head.utf8) + line)
        #expect(found[0].text.hasPrefix(head))
        #expect(!found[0].text.contains("\u{FFFD}"))
    }

    @Test("binary data is skipped, and named", arguments: ["\u{7F}ELF\u{2}", "OggS", "GIF89a"])
    func binary(magic: String) {
        let found = read(Array(magic.utf8) + [UInt8](repeating: 0, count: 100))
        #expect(found[0].status == .skipped(.unsupported) && !found[0].end.warnings.isEmpty)
    }

    @Test("the text limit ends a document with a whole scalar")
    func limit() {
        var options = IngestOptions()
        options.limits.maxDocumentBytes = 100_001
        let found = read(String(repeating: "é", count: 100_000), options: options)
        #expect(found[0].status == .partial(.limitBytes) && found[0].end.textBytes == 100_000)
    }

    @Test("an empty input has one row")
    func empty() {
        #expect(read([]).map(\.status) == [.skipped(.empty)])
    }
}

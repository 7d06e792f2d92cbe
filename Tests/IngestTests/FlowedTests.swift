import Documents
import Ingest
import Testing

/// `format=flowed` (RFC 3676).
@Suite struct FlowedTests {
    private func text(_ body: String, _ parameters: String = "format=flowed", encoding: String = "7bit")
        -> String
    {
        let mail =
            "From: a@b.example\nSubject: s\nContent-Type: text/plain; charset=utf-8; \(parameters)\n"
            + "Content-Transfer-Encoding: \(encoding)\n\n\(body)"
        let found = read(Array(mail.utf8))
        for cut in [1, 7] { #expect(read(Array(mail.utf8), cuts: [cut]) == found) }
        return found[0].text
    }

    @Test("lines that end in a space go on in the next one")
    func joins() {
        #expect(text("One \ntwo \nthree.\nFour\n") == "One two three.\nFour\n")
        #expect(text("One \ntwo\n", "format=fixed") == "One \ntwo\n")
        #expect(text("One \ntwo\n", "x=y") == "One \ntwo\n")
        #expect(text("One \r\ntwo\r\n") == "One two\n")
        #expect(text("One=20\ntwo\n", encoding: "quoted-printable") == "One two\n")
        #expect(text("One ") == "One ")
        #expect(text("One \n") == "One \n")
    }

    @Test("DelSp takes the space, too: for writing without spaces")
    func deletes() {
        #expect(text("日本 \n語の \n文。\n", "format=flowed; delsp=yes") == "日本語の文。\n")
        #expect(text("日本 \n語。\n", "format=Flowed; DelSp=No") == "日本 語。\n")
    }

    @Test("quotes are joined within their depth; a signature line is none that flows")
    func quotes() {
        #expect(text("> One \n> two\n>> deep \n>> er\nmine \nown\n") == "> One two\n>> deep er\nmine own\n")
        #expect(text("> One \nmine\n") == "> One \nmine\n")
        #expect(text("Bye \n-- \nAnn\n") == "Bye \n-- \nAnn\n")
        let marked = read(
            Array(
                "From: a@b.example\nContent-Type: text/plain; format=flowed\n\nYes \nindeed.\n> He \n> said\n"
                    .utf8))[0]
        #expect(marked.text == "Yes indeed.\n> He said\n")
        #expect(marked.marked(.quoted) == ["> He said\n"])
    }

    @Test("the space that protects a line's start goes, where the line stays what it is")
    func stuffing() {
        #expect(text(" From here\n  two\n >not a quote\n") == "From here\n two\n >not a quote\n")
        #expect(text("One \n  two\n") == "One  two\n")
    }
}

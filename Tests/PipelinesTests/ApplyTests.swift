import Documents
import Evaluation
import Glibc
import JSON
import Testing

@Suite("Acting on labels", .serialized, .enabled(if: LectorBinary.path != nil))
struct ApplyTests {
    private static let letter =
        "From: E <e@example.org>\r\nSubject: of its own\r\n\r\nFrom here on.\r\n>From there.\r\n"

    private func prepare() throws -> (LectorBinary, [ClassificationRow]) {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        mkdir(lector.work.file("mail"), 0o700)
        lector.work.write(CommandTests.mailbox, to: "mail/in.mbox")
        lector.work.write(Self.letter, to: "mail/letter.eml")
        lector.work.write("just a note", to: "mail/note.txt")
        lector.run([
            "classify", "mail", "--labels", "a/b,c d", "--model", "model", "--run", "r", "-o", "r.jsonl",
        ])
        let rows = try lector.text("r.jsonl").split(separator: "\n").map {
            try ClassificationRow(json: JSONValue(parsing: String($0)))
        }
        #expect(rows.count == 6)
        return (lector, rows)
    }

    /// The mails of `CommandTests.mailbox` as they stand there.
    private let slices: [String] = {
        var out: [String] = []
        for line in CommandTests.mailbox.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("From a@b") { out.append("") }
            out[out.count - 1] += line + "\n"
        }
        return out
    }()

    private func file(_ label: String?) -> String { label == "a/b" ? "a_b" : "c d" }

    @Test("mbox-per-label: the very bytes of each mail in the mailbox of its label; a letter is quoted")
    func mailboxes() throws {
        let (lector, rows) = try prepare()
        let before = (lector.bytes("mail/in.mbox"), lector.bytes("mail/letter.eml"))
        let result = lector.run(["apply", "r", "--to", "mbox-per-label", "-o", "sorted"])
        #expect(result.status == 1 && result.err.contains("note.txt: no mail (text)"), "\(result.err)")
        var expected = ["a_b": "", "c d": ""]
        for (row, slice) in zip(rows, slices) { expected[file(row.label)]! += slice }
        expected[file(rows[4].label)]! +=
            "From lector@localhost Thu Jan  1 00:00:00 1970\n"
            + "From: E <e@example.org>\r\nSubject: of its own\r\n\r\n>From here on.\r\n>>From there.\r\n\r\n"
        for (name, text) in expected { #expect(lector.text("sorted/\(name).mbox") == text) }
        #expect(lector.bytes("mail/in.mbox") == before.0 && lector.bytes("mail/letter.eml") == before.1)
        let again = lector.run(["apply", "r", "--to", "mbox-per-label", "-o", "sorted"])
        #expect(again.status == 64 && again.err.contains("there already"))
    }

    @Test("maildir: each mail as it was sent, one `>` off quoted lines")
    func maildir() throws {
        let (lector, rows) = try prepare()
        #expect(lector.run(["apply", "r", "--to", "maildir", "-o", "boxes"]).status == 1)
        var count = 0
        for label in ["a_b", "c d"] {
            let names = (try? FileSystemNames.of(lector.work.file("boxes/\(label)/new"))) ?? []
            for name in names {
                count += 1
                let text = lector.text("boxes/\(label)/new/\(name)")
                let index = Int(name.prefix(9))!
                #expect(file(rows[index].label) == label)
                if index == 4 {
                    #expect(text == Self.letter)
                } else {
                    let lines = slices[index].split(separator: "\n", omittingEmptySubsequences: false)
                    let sent = lines.dropFirst().dropLast(2).map {
                        $0.hasPrefix(">From ") ? $0.dropFirst() : $0
                    }
                    #expect(text == sent.joined(separator: "\n") + "\n")
                }
            }
        }
        #expect(count == 5)
    }

    @Test("x-header: copies that say the label; a sender's own X-Lector field is taken out")
    func headers() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        let start = "From a@b Mon Mar  2 09:41:30 2026\n"
        let rest = "From: A <a@example.org>\nSubject: x\n\nX-Lector-Label: stays\n"
        lector.work.write(
            start + "x-lector-LABEL: ham\n folded\n" + rest + "\n" + start + rest, to: "in.mbox")
        lector.run([
            "classify", "in.mbox", "--model", "model", "--run", "r", "--labels", "é,c", "-o", "r.jsonl",
        ])
        let row = try ClassificationRow(
            json: JSONValue(parsing: String(lector.text("r.jsonl").split(separator: "\n")[0])))
        #expect(lector.run(["apply", "r", "--to", "x-header", "-o", "marked"]).status == 0)
        let label = row.label == "c" ? "c" : "=?utf-8?B?w6k=?="
        let fields =
            "X-Lector-Label: \(label)\nX-Lector-Status: ok\n"
            + "X-Lector-Probability: \(JSONValue.decimal(row.probability!).text)\n"
        let text = lector.text("marked/in.mbox")
        #expect(text.hasPrefix(start + fields + rest + "\n" + start + "X-Lector-Label:"), "\(text)")
        #expect(text.hasSuffix(rest + "\n"))
    }

    @Test("an input that changed since the run: refused, nothing written, exit status 65")
    func changed() throws {
        let (lector, _) = try prepare()
        lector.work.write(
            CommandTests.mailbox.replacing("second mail", with: "SECOND mail"), to: "mail/in.mbox")
        let result = lector.run(["apply", "r", "--to", "maildir", "-o", "boxes"])
        #expect(result.status == 65 && result.err.contains("mail/in.mbox#2"), "\(result.err)")
        #expect(!FileSystemNames.has(lector.work.file("boxes")))
        #expect(!FileSystemNames.has(lector.work.file("boxes.part")))
    }

    @Test("a run that is not finished, and a target that is none")
    func refused() throws {
        let (lector, _) = try prepare()
        unlink(lector.work.file("r/summary.json"))
        let result = lector.run(["apply", "r", "--to", "maildir", "-o", "boxes"])
        #expect(result.status == 78 && result.err.contains("lector resume"))
        #expect(lector.run(["apply", "r", "--to", "cloud", "-o", "boxes"]).status == 64)
    }
}

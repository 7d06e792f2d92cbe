import Evaluation
import Glibc
import JSON
import Testing

/// `refine`, through the built binary.
@Suite("Refined rows on the command line", .serialized, .enabled(if: LectorBinary.path != nil))
struct RefineCommandTests {
    private let refine = [
        "refine", "in.jsonl", "--json-text", "text", "--rows", "rows.jsonl", "--model", "model", "--progress",
        "none",
    ]

    /// Forty documents of two kinds; the rows call every eighth the other kind.
    private func prepare() throws -> (lector: LectorBinary, rows: [ClassificationRow]) {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        var lines = ""
        for number in 0..<40 {
            let text =
                number % 2 == 0
                ? "The ship left harbour \(number) with sails and a captain"
                : "Bread from oven \(number): flour, yeast and salt"
            lines += "{\"text\": \"\(text)\"}\n"
        }
        lector.work.write(lines, to: "in.jsonl")
        let listed = lector.run(["documents", "in.jsonl", "--json-text", "text"])
        #expect(listed.status == 0, "\(listed.err)")
        let rows = try listed.out.split(separator: "\n").enumerated().map { number, line in
            let said = (number % 2 == 1) != (number % 8 == 5) ? "bread" : "ships"
            return ClassificationRow(
                item: try JSONValue(parsing: String(line))["item"]!.string!, status: .ok, label: said,
                probability: 0.8,
                distribution: ["bread", "ships"].map {
                    .init(label: $0, probability: $0 == said ? 0.8 : 0.2)
                },
                tokens: 12, read: 1, metadata: [.init(name: "number", value: "\(number)")], model: "a@1")
        }
        #expect(rows.count == 40)
        return (lector, rows)
    }

    private func write(_ rows: [ClassificationRow], to lector: LectorBinary) {
        lector.work.write(rows.map { $0.json.text + "\n" }.joined(), to: "rows.jsonl")
    }

    private func rows(_ text: String) throws -> [ClassificationRow] {
        try text.split(separator: "\n").map { try ClassificationRow(json: JSONValue(parsing: String($0))) }
    }

    private func names(_ lector: LectorBinary) -> [String] {
        (try? FileSystemNames.of(lector.work.file(".")).sorted()) ?? []
    }

    @Test("wrong labels are put right, everything else in a row stays, and the same bytes come out again")
    func refined() throws {
        let (lector, before) = try prepare()
        write(before, to: lector)
        let result = lector.run(refine + ["-o", "out.jsonl", "--json"])
        #expect(result.status == 0, "\(result.err)")
        let after = try rows(lector.text("out.jsonl"))
        #expect(after.map(\.item) == before.map(\.item))
        for (number, row) in after.enumerated() {
            #expect(row.label == (number % 2 == 1 ? "bread" : "ships") && row.source == "refine")
            #expect(row.metadata == before[number].metadata && row.tokens == 12 && row.model == "a@1")
            #expect(abs(row.distribution.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
            #expect(row.probability == row.distribution.map(\.probability).max())
        }
        let summary = try JSONValue(parsing: result.out)
        #expect(
            summary["changed"]?.integer == 5 && summary["refined"]?.integer == 40
                && summary["rows"]?.integer == 40)
        #expect(summary["before"]?["bread"]?.integer == 15 && summary["after"]?["bread"]?.integer == 20)
        #expect(result.err.contains("5 of 40 labels are others"), "\(result.err)")
        let bytes = lector.bytes("out.jsonl")
        #expect(lector.run(refine + ["-o", "out.jsonl"]).status == 0)
        #expect(lector.bytes("out.jsonl") == bytes)

        let sheet = lector.run(refine + ["-o", "out.csv", "--threshold", "1"])
        #expect(sheet.status == 0, "\(sheet.err)")
        #expect(lector.text("out.csv").split(separator: "\r\n").count == 41)
        // No probability of a softmax is 1.
        #expect(!lector.text("out.csv").contains(",ok,bread,"))
    }

    @Test("--dry-run says what would change and writes nothing")
    func dryRun() throws {
        let (lector, before) = try prepare()
        write(before, to: lector)
        let names = names(lector)
        let result = lector.run(refine + ["--dry-run"])
        #expect(result.status == 0 && result.err.contains("5 of 40 labels would be others"), "\(result.err)")
        #expect(result.err.contains("bread 15 -> 20") && self.names(lector) == names)
    }

    @Test("rows without an answer or without a document stay as they are, and are counted")
    func leftAlone() throws {
        var (lector, before) = try prepare()
        before[3] = ClassificationRow(item: before[3].item, status: .failed(.damaged))
        before[4].item = "elsewhere.jsonl#5"
        before.remove(at: 39)
        write(before, to: lector)
        let result = lector.run(refine + ["-o", "out.jsonl", "--json"])
        #expect(result.status == 1, "\(result.err)")
        let after = try rows(lector.text("out.jsonl"))
        #expect(
            after.count == 39 && after[3] == before[3] && after[4] == before[4] && after[5].label == "bread")
        let summary = try JSONValue(parsing: result.out)
        #expect(
            summary["unanswered"]?.integer == 1 && summary["missing"]?.integer == 1
                && summary["unasked"]?.integer == 2)
    }

    @Test("what cannot be refined is refused with what was found and expected; nothing is written")
    func refused() throws {
        let (lector, before) = try prepare()
        func says(_ status: Int32, _ part: String, _ options: [String] = ["-o", "out.jsonl"]) {
            let result = lector.run(refine + options)
            #expect(result.status == status && result.err.contains(part), "\(result.status) \(result.err)")
            #expect(!names(lector).contains("out.jsonl"))
        }
        says(74, "rows.jsonl")
        write([], to: lector)
        says(65, "expected rows of `lector classify`")
        write(
            before.map {
                var row = $0
                row.item = "x/" + row.item
                return row
            }, to: lector)
        says(65, "no document of the input has a row")
        write([before[0], before[1], before[0]], to: lector)
        says(65, "row 3 is about in.jsonl")
        var other = before[2]
        other.distribution.reverse()
        write([before[0], other], to: lector)
        says(65, "row 2 chooses among other labels")
        var multi = before[1]
        multi.labels = ["bread"]
        write([before[0], multi], to: lector)
        says(65, "row 2 has a list of labels")
        lector.work.write("{\"item\": 3}\n", to: "rows.jsonl")
        says(65, "line 1 is no row of classify")
        write(before, to: lector)
        says(64, "--dry-run", [])
        says(64, "--dry-run", ["-o", "out.jsonl", "--dry-run"])
        says(64, ".jsonl or .csv", ["-o", "out.html"])
        says(64, "--threshold 1.5", ["-o", "out.jsonl", "--threshold", "1.5"])
    }

    @Test("of mails, who writes often counts")
    func senders() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        func mailbox(_ sender: (Int) -> String) -> String {
            (0..<30).map { number in
                let text = number % 2 == 0 ? "Cheap watches, order today" : "The minutes of our meeting"
                return """
                    From x Mon Mar  2 09:41:30 2026
                    From: \(sender(number))
                    Subject: \(number)

                    \(text) \(number / 3)


                    """
            }.joined()
        }
        func probability(of rows: String) throws -> [Double] {
            lector.work.write(rows, to: "in.mbox")
            let items = (1...30).map { "in.mbox#\($0)" }
            write(
                items.enumerated().map { number, item in
                    ClassificationRow(
                        item: item, status: .ok, label: number % 2 == 0 ? "spam" : "ham", probability: 0.6,
                        distribution: ["spam", "ham"].map {
                            .init(label: $0, probability: ($0 == "spam") == (number % 2 == 0) ? 0.6 : 0.4)
                        },
                        tokens: 12, read: 1, metadata: [], model: "a@1")
                }, to: lector)
            let run = lector.run([
                "refine", "in.mbox", "--rows", "rows.jsonl", "-o", "out.jsonl", "--model", "model", "--quiet",
            ])
            #expect(run.status == 0, "\(run.err)")
            return try self.rows(lector.text("out.jsonl")).map { $0.probability ?? 0 }
        }
        let strangers = try probability(of: mailbox { "Number \($0) <n\($0)@example.org>" })
        let known = try probability(
            of: mailbox { $0 % 2 == 0 ? "n\($0)@example.org" : "Anna \($0) <ANNA@example.org>" })
        #expect(zip(strangers, known).contains { abs($0 - $1) > 0.001 })
        #expect(zip(strangers, known).allSatisfy { $1 > $0 - 0.001 })
        // Nothing but the address counts, and no letter's case: with another address each time all are strangers.
        let named = try probability(
            of: mailbox { $0 % 2 == 0 ? "n\($0)@example.org" : "Anna <anna\($0)@example.org>" })
        #expect(known != named)
        for number in stride(from: 1, to: 30, by: 2) { #expect(known[number] > named[number]) }
        let same = try probability(of: mailbox { $0 % 2 == 0 ? "n\($0)@example.org" : "anna@example.org" })
        #expect(zip(known, same).allSatisfy { abs($0 - $1) < 0.2 })
    }
}

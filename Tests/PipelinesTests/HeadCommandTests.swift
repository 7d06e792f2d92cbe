import Evaluation
import Glibc
import JSON
import Testing

/// `train-head` and `classify --head`, through the built binary.
@Suite("Heads on the command line", .serialized, .enabled(if: LectorBinary.path != nil))
struct HeadCommandTests {
    private func prepare() -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        lector.work.write(CommandTests.mailbox, to: "in.mbox")
        var lines = ""
        for number in 0..<24 {
            let isShip = number % 2 == 0
            lines +=
                "{\"text\": \"\(isShip ? "A ship at sea, number" : "Bread from the oven:") \(number)\", "
                + "\"label\": \"\(isShip ? "ships" : "bread")\"}\n"
        }
        lector.work.write(lines, to: "examples.jsonl")
        return lector
    }

    private let train = [
        "train-head", "examples.jsonl", "-o", "a.lhd", "--model", "model", "--progress", "none",
    ]
    private let classify = [
        "classify", "in.mbox", "--model", "model", "--progress", "none", "--head", "a.lhd",
    ]

    private func rows(_ text: String) throws -> [ClassificationRow] {
        try text.split(separator: "\n").map { try ClassificationRow(json: JSONValue(parsing: String($0))) }
    }

    @Test("a head is learned, the same bytes each time, and labels a mailbox; a resumed run too")
    func roundTrip() throws {
        let lector = prepare()
        let trained = lector.run(train + ["--json"])
        #expect(trained.status == 0, "\(trained.err)")
        let summary = try JSONValue(parsing: trained.out)
        #expect(summary["examples"]?.integer == 24 && summary["labels"]?["bread"]?.integer == 12)
        #expect((summary["validationAccuracy"]?.double ?? 0) > 0.9)
        let bytes = lector.bytes("a.lhd")
        #expect(lector.run(train + ["--threads", "2"]).status == 0)
        #expect(lector.bytes("a.lhd") == bytes)

        let result = lector.run(classify + ["--run", "r"])
        #expect(result.status == 0, "\(result.err)")
        let rows = try rows(result.out)
        #expect(rows.count == 4 && rows.allSatisfy { $0.source == "head" && $0.status == .ok })
        #expect(rows.allSatisfy { $0.distribution.map(\.label) == ["bread", "ships"] })
        #expect(rows.allSatisfy { abs($0.distribution.reduce(0) { $0 + $1.probability } - 1) < 1e-5 })
        // The run has its own copy: the head may go.
        unlink(lector.work.file("a.lhd"))
        #expect(lector.run(["resume", "r", "--progress", "none"]).out == result.out)
        // Shards give the same rows.
        lector.work.write("", to: "empty")
        #expect(lector.run(train).status == 0)
        let plan = lector.run(
            [
                "plan", "in.mbox", "--model", "model", "--progress", "none", "--head", "a.lhd", "--run", "s",
                "--shards", "2", "-o", "merged.jsonl",
            ])
        #expect(plan.status == 0, "\(plan.err)")
        let work = lector.run(["work", "s", "--progress", "none"])
        #expect(work.status == 0, "\(work.err)")
        #expect(lector.run(["merge", "s"]).status == 0)
        #expect(lector.text("merged.jsonl") == result.out)
    }

    @Test("labels of a mailbox come from a gold file; what has none is counted")
    func gold() throws {
        let lector = prepare()
        lector.work.write(
            """
            {"item": "in.mbox#1", "label": "one"}
            {"item": "in.mbox#2", "label": "two"}
            {"item": "in.mbox#4", "label": "two"}

            """, to: "gold.jsonl")
        let result = lector.run([
            "train-head", "in.mbox", "--gold", "gold.jsonl", "-o", "m.lhd", "--model", "model", "--json",
            "--progress", "none",
        ])
        #expect(result.status == 1, "\(result.err)")
        let summary = try JSONValue(parsing: result.out)
        #expect(summary["documents"]?.integer == 4 && summary["unlabelled"]?.integer == 1)
        #expect(summary["examples"]?.integer == 3)
    }

    @Test("what does not fit is refused by name, and writes nothing")
    func refusals() throws {
        let lector = prepare()
        #expect(lector.run(train).status == 0)

        let labels = lector.run(classify + ["--labels", "spam,ham"])
        #expect(labels.status == 64 && labels.err.contains("knows the labels bread, ships"), "\(labels.err)")
        #expect(lector.run(classify + ["--labels", "ships,bread"]).status == 0)

        TinyModel.write(to: lector.work.file("other"), seed: 2)
        var other = classify
        other[3] = "other"
        let model = lector.run(other)
        #expect(model.status == 78 && model.err.contains("was trained on model"), "\(model.err)")

        var bytes = lector.bytes("a.lhd")
        bytes[bytes.count / 2] ^= 1
        lector.work.write(String(decoding: bytes.prefix(40), as: UTF8.self), to: "cut.lhd")
        let cut = lector.run(["classify", "in.mbox", "--model", "model", "--head", "cut.lhd"])
        #expect(cut.status == 65 && cut.err.contains("no whole head"), "\(cut.err)")
        let none = lector.run(["classify", "in.mbox", "--model", "model", "--head", "none.lhd"])
        #expect(none.status == 74, "\(none.err)")

        // Another head on the same run folder is another run.
        #expect(lector.run(classify + ["--run", "r"]).status == 0)
        let plain = lector.run([
            "classify", "in.mbox", "--model", "model", "--labels", "bread,ships", "--run", "r",
        ])
        #expect(plain.status == 78 && plain.err.contains("--head was"), "\(plain.err)")

        lector.work.write("{\"text\": \"x\", \"label\": \"only\"}\n", to: "one.jsonl")
        let one = lector.run(["train-head", "one.jsonl", "-o", "b.lhd", "--model", "model"])
        #expect(one.status == 65 && one.err.contains("two or more"), "\(one.err)")
        lector.work.write("{\"text\": \"x\"}\n", to: "bare.jsonl")
        let bare = lector.run(["train-head", "bare.jsonl", "-o", "b.lhd", "--model", "model"])
        #expect(bare.status == 65 && bare.err.contains("no document has a label"), "\(bare.err)")
        let unknown = lector.run(train.map { $0 == "a.lhd" ? "b.lhd" : $0 } + ["--labels", "ships,cake"])
        #expect(unknown.status == 65 && unknown.err.contains("not among the labels given"), "\(unknown.err)")
        #expect(lector.bytes("b.lhd").isEmpty)
    }
}

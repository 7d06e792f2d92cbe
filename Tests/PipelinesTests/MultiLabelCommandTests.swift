import Documents
import Evaluation
import GRDB
import Glibc
import JSON
import Testing

/// `classify --multi`, through the built binary.
@Suite("Zero, one or several labels", .serialized, .enabled(if: LectorBinary.path != nil))
struct MultiLabelCommandTests {
    static let labels = "urgent,refund,praise,=odd"
    private let base = [
        "classify", "in.mbox", "--model", "model", "--progress", "none", "--labels", labels, "--multi",
    ]

    private func prepare() -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        lector.work.write(CommandTests.mailbox, to: "in.mbox")
        return lector
    }

    private func rows(_ text: String) throws -> [ClassificationRow] {
        try text.split(separator: "\n").map { try ClassificationRow(json: JSONValue(parsing: String($0))) }
    }

    @Test("a row lists the labels from the threshold on, in the order given, and never abstains")
    func rowsOut() throws {
        let lector = prepare()
        let result = lector.run(base + ["--run", "r"])
        #expect(result.status == 0, "\(result.err)")
        let found = try rows(result.out)
        #expect(found.count == 4 && found[2].duplicateOf == "in.mbox#1")
        #expect(found[2].distribution == found[0].distribution && found[2].labels == found[0].labels)
        for row in found {
            #expect(row.status == .ok && row.label == nil && row.read == 1)
            #expect(row.distribution.map(\.label) == ["urgent", "refund", "praise", "=odd"])
            let given = row.distribution.filter { $0.probability >= 0.5 }.map(\.label)
            #expect(row.labels == given)
            let least = row.distribution.map { max($0.probability, 1 - $0.probability) }.min()!
            #expect(abs(row.probability! - least) < 1e-9)
        }
        for (threshold, names) in [("0", 4), ("1", 0)] {
            let moved = try rows(lector.run(base + ["--threshold", threshold]).out)
            #expect(moved.map(\.distribution) == found.map(\.distribution))
            #expect(moved.allSatisfy { $0.labels?.count == names && $0.status == .ok })
        }
        // The default said aloud is the same run.
        #expect(lector.run(base + ["--run", "r", "--threshold", "0.5"]).out == result.out)
    }

    @Test("one label may apply or not, as among others; a choice needs two")
    func oneLabel() throws {
        let lector = prepare()
        let among = try rows(lector.run(base).out)
        let one = base.map { $0 == Self.labels ? "refund" : $0 }
        for run in ["first", "again"] {  // a finished run is its rows
            let alone = try rows(lector.run(one + ["--run", "one", "--threshold", "0"]).out)
            #expect(alone.map(\.labels) == among.map { _ in ["refund"] }, "\(run)")
            #expect(
                alone.map { $0.distribution.map(\.probability) }
                    == among.map { $0.distribution.filter { $0.label == "refund" }.map(\.probability) })
        }
        lector.work.write("version: 1\ntask: classify\nmulti: true\nlabels: [refund]\n", to: "one.yaml")
        #expect(lector.run(["pipeline", "check", "one.yaml"]).status == 0)
        lector.work.write("version: 1\ntask: classify\nlabels: [refund]\n", to: "choice.yaml")
        let refused = lector.run(["pipeline", "check", "choice.yaml"])
        #expect(refused.status == 78 && refused.err.contains("line 3") && refused.err.contains("two or more"))
        #expect(lector.run(["classify", "in.mbox", "--model", "model", "--labels", "refund"]).status == 64)
    }

    @Test("documents that cannot be read or are read in part have their status; the summary counts labels")
    func summary() throws {
        let lector = prepare()
        lector.work.write("", to: "empty.txt")
        let result = lector.run(
            ["classify", "nowhere", "empty.txt"] + base.dropFirst() + [
                "--max-tokens", "20", "--threshold", "0", "-o", "r.jsonl", "--json",
            ])
        #expect(result.status == 1)
        let found = try rows(lector.text("r.jsonl"))
        #expect(found[0].status == .failed(.missing) && found[0].labels == [])
        #expect(found[1].status == .skipped(.empty) && found[1].labels == [])
        #expect(found[5].status == .partial(.tokens) && found[5].labels?.count == 4)
        let summary = try JSONValue(parsing: result.out)
        #expect(summary["labels"]?["=odd"]?.integer == 4 && summary["none"]?.integer == 0)
        let none = lector.run(base + ["--threshold", "1", "-o", "n.jsonl", "--json"])
        #expect(try JSONValue(parsing: none.out)["none"]?.integer == 4)
        #expect(none.err.contains("4 none of these"), "\(none.err)")
    }

    @Test("CSV joins the labels, SQLite finds documents by each, the page knows all of them")
    func files() throws {
        let lector = prepare()
        let files = ["-o", "r.csv", "-o", "r.sqlite", "-o", "r.jsonl", "--report", "r.html"]
        #expect(lector.run(base + ["--threshold", "0"] + files).status == 0)
        let lines = lector.text("r.csv").split(separator: "\r\n")
        #expect(lines[0].hasPrefix("item,status,labels,probability,p(urgent),p(refund),p(praise),p(=odd),"))
        #expect(lines[1].hasPrefix("in.mbox#1,ok,\"urgent, refund, praise, =odd\",0"))
        func number(_ file: String, _ sql: String) throws -> Int? {
            try DatabaseQueue(path: lector.work.file(file)).read { try Int.fetchOne($0, sql: sql) }
        }
        #expect(try number("r.sqlite", "SELECT multi FROM run") == 1)
        #expect(try number("r.sqlite", "SELECT count(*) FROM labelled WHERE label = '=odd'") == 4)
        let joined = "SELECT count(*) FROM classified WHERE label = 'urgent, refund, praise, =odd'"
        #expect(try number("r.sqlite", joined) == 4)
        #expect(lector.text("r.html").contains(#""l": ["urgent", "refund", "praise", "=odd"]"#))
        #expect(lector.text("r.html").contains(#"["labels", "urgent, refund, praise, =odd"]"#))
        #expect(lector.run(base + ["--threshold", "1", "--report", "n.html", "-o", "n.sqlite"]).status == 0)
        #expect(lector.text("n.html").contains(#""l": ["none of these"]"#))
        #expect(lector.text("n.html").contains("<b>0</b><span>labelled</span>"))
        #expect(try number("n.sqlite", "SELECT count(*) FROM labelled") == 0)
        #expect(try number("n.sqlite", "SELECT count(*) FROM distribution") == 16)
    }

    @Test("--dry-run counts the questions: just the tokens that go through the model")
    func dryRun() throws {
        let lector = prepare()
        let estimate = try JSONValue(parsing: lector.run(base + ["--dry-run", "--json"]).out)
        let run = lector.run(base + ["-o", "r.jsonl"])
        let words = try #require(run.err.firstRange(of: " tokens in "))
        let read = run.err[..<words.lowerBound].reversed().prefix { $0.isNumber }.reversed()
        #expect(estimate["tokens"]?.integer == Int(String(read)), "\(run.err)")
    }

    @Test("killed at many moments, also within a document's questions: the same bytes, little read again")
    func killed() throws {
        let lector = prepare()
        lector.work.write(KillTests.mailbox(count: 12), to: "in.mbox")
        lector.work.write((0..<3000).map { "word\($0 * 7919 % 1000) " }.joined(), to: "long.txt")
        let many = (0..<20).map { "label \($0)" }.joined(separator: ",")
        func classify(_ name: String) -> [String] {
            [
                "classify", "in.mbox", "long.txt", "--model", "model", "--progress", "none", "--labels", many,
                "--multi", "--run", name, "--checkpoint-tokens", "1024", "-o", name + ".jsonl", "--report",
                name + ".html",
            ]
        }
        let whole = lector.run(classify("whole"))
        #expect(whole.status <= 1, "\(whole.err)")
        var kills = 0
        for step in 0..<40 {
            let child = lector.start(classify("killed"))
            let before = lector.rows("killed")
            var status: Int32 = 0
            while lector.rows("killed") == before, waitpid(child, &status, WNOHANG) == 0 { usleep(300) }
            usleep(useconds_t(step % 7 * 1_500))
            kill(child, SIGKILL)
            if lector.wait(child).status == 137 { kills += 1 }
            if let range = lector.text("stderr").firstRange(of: "read again: ") {
                let again = Int(lector.text("stderr")[range.upperBound...].prefix { $0.isNumber }) ?? .max
                #expect(again <= 1024)
            }
            if FileSystemNames.has(lector.work.file("killed/summary.json")) { break }
        }
        #expect(kills >= 8, "\(kills)")
        #expect(lector.run(["resume", "killed"]).status == whole.status)
        for ending in [".jsonl", ".html"] {
            #expect(lector.bytes("killed" + ending) == lector.bytes("whole" + ending))
        }
    }

    @Test("a run of the other mode is refused by name, in both directions")
    func otherMode() {
        let lector = prepare()
        let single = Array(base.dropLast())
        lector.run(base + ["--run", "m"])
        lector.run(single + ["--run", "s"])
        for (arguments, run, words) in [
            (single, "m", "--multi was on, and is now off"), (base, "s", "--multi was off, and is now on"),
        ] {
            let result = lector.run(arguments + ["--run", run])
            #expect(result.status == 78 && result.err.contains(words), "\(result.err)")
        }
    }

    @Test("shards, and a pipeline file, make the bytes of the flags")
    func sameBytes() {
        let lector = prepare()
        #expect(lector.run(base + ["--threshold", "0.4", "-o", "f.jsonl", "-o", "f.csv"]).status == 0)
        lector.work.write(
            "version: 1\ntask: classify\nmulti: true\nlabels: [urgent, refund, praise, =odd]\nthreshold: 0.4\n"
                + "outputs: [p.jsonl, p.csv]\n", to: "p.yaml")
        #expect(lector.run(["run", "p.yaml", "in.mbox", "--model", "model"]).status == 0)
        let plan = ["plan"] + base.dropFirst() + ["--threshold", "0.4", "--shards", "3", "--run", "s"]
        #expect(lector.run(plan + ["-o", "s.jsonl", "-o", "s.csv"]).status == 0)
        #expect(lector.run(["work", "s", "-q"]).status == 0)
        #expect(lector.run(["merge", "s"]).status == 0)
        for ending in [".jsonl", ".csv"] {
            #expect(!lector.bytes("f" + ending).isEmpty)
            #expect(lector.bytes("p" + ending) == lector.bytes("f" + ending))
            #expect(lector.bytes("s" + ending) == lector.bytes("f" + ending))
        }
        #expect(
            lector.run(["pipeline", "check", "p.yaml"]).out
                == "p.yaml: sound, classifies by 4 labels, any number of them\n")
    }

    @Test(
        "what cannot be asked is refused: why, and what to do",
        arguments: [
            (["--labels", "a,none of these", "--multi"], 64, "Remove it"),
            (["--multi"], 64, "--labels a,b,c or --labels-file FILE"),
            (["--labels", "a,b", "--multi", "--head", "h.lhd"], 64, "one label"),
            (["--labels", "a,b", "--multi", "--threshold", "2"], 64, "from 0 to 1"),
        ] as [([String], Int32, String)])
    func refusals(arguments: [String], status: Int32, words: String) {
        let result = prepare().run(["classify", "in.mbox", "--model", "model"] + arguments)
        #expect(result.status == status && result.err.contains(words), "\(result.err)")
        #expect(result.out.isEmpty)
    }

    @Test("a pipeline of several labels names its mistakes with their line")
    func pipelineMistakes() {
        let lector = prepare()
        for (text, words) in [
            ("multi: true", "`multi` needs `labels`"), ("multi: perhaps\nlabels: [a, b]", "true or false"),
            ("multi: true\nlabels:\n  - a\n  - None of these", "line 6"),
        ] {
            lector.work.write("version: 1\ntask: classify\n\(text)\n", to: "p.yaml")
            let result = lector.run(["pipeline", "check", "p.yaml"])
            #expect(result.status == 78 && result.err.contains(words), "\(result.err)")
        }
        lector.work.write("version: 1\ntask: summarize\nmulti: true\n", to: "p.yaml")
        #expect(lector.run(["pipeline", "check", "p.yaml"]).err.contains("belongs to the task classify"))
    }

    @Test("eval: gold lists for lists; one label a line is refused; heads learn no lists")
    func eval() throws {
        let lector = prepare()
        lector.run(base + ["--run", "r", "-o", "r.jsonl"])
        let found = try rows(lector.text("r.jsonl"))
        func line(_ row: ClassificationRow, _ labels: [String]) -> String {
            let names = JSONValue.array(labels.map { .string($0) }).text
            return "{\"item\": \"\(row.item)\", \"labels\": \(names)}"
        }
        var gold = found.map { line($0, $0.labels!) }
        gold[1] = line(found[1], found[1].labels! + ["missed"])
        lector.work.write(gold.joined(separator: "\n"), to: "g.jsonl")
        let result = lector.run(["eval", "r", "--gold", "g.jsonl", "--json", "-o", "e.html"])
        let json = try JSONValue(parsing: result.out)
        #expect(json["exactMatch"]?["value"]?.double == 0.75)
        #expect(json["microPrecision"]?["value"]?.double == (found.contains { $0.labels != [] } ? 1 : 0))
        #expect(lector.text("e.html").contains("exact match"))
        let table = lector.run(["eval", "r.jsonl", "--gold", "g.jsonl", "--against", "r.jsonl"])
        #expect(table.out.contains("exact match  75.00 %") && table.out.contains("microF1"), "\(table.out)")
        lector.work.write("{\"label\": \"a\"}\n", to: "one.jsonl")
        let one = lector.run(["eval", "r.jsonl", "--gold", "one.jsonl"])
        #expect(one.status == 65 && one.err.contains("\"labels\""), "\(one.err)")
        let head = lector.run([
            "train-head", "in.mbox", "--gold", "g.jsonl", "--model", "model", "-o", "h.lhd",
        ])
        #expect(head.status == 65 && head.err.contains("one label"), "\(head.err)")
    }

    @Test("apply: a mail goes to each of its labels, or to none, and its header says them all")
    func apply() {
        let lector = prepare()
        lector.run(base + ["--threshold", "0", "--run", "all"])
        lector.run(base + ["--threshold", "1", "--run", "none"])
        #expect(lector.run(["apply", "all", "--to", "mbox-per-label", "-o", "boxes"]).status == 0)
        for name in ["urgent", "refund", "praise", "_odd"] {
            #expect(lector.text("boxes/\(name).mbox").contains("The second mail."))
        }
        #expect(lector.bytes("boxes/urgent.mbox") == lector.bytes("boxes/_odd.mbox"))
        #expect(lector.run(["apply", "none", "--to", "maildir", "-o", "dirs"]).status == 0)
        #expect((try? FileSystemNames.of(lector.work.file("dirs")))?.sorted() == ["_none"])
        #expect((try? FileSystemNames.of(lector.work.file("dirs/_none/new")))?.count == 4)
        #expect(lector.run(["apply", "all", "--to", "x-header", "-o", "marked"]).status == 0)
        let lines = lector.text("marked/in.mbox").split(separator: "\n")
        #expect(lines.count { $0 == "X-Lector-Label: refund" } == 4)
        #expect(lines.count { $0.hasPrefix("X-Lector-Label: ") } == 16)
    }

    @Test("the bundled model: what a text says weighs more than what it does not")
    func bundled() throws {
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(
            "I want a refund: the blender broke after two days. Give me my money back.", to: "a.txt")
        lector.work.write("What a lovely hotel, we enjoyed every minute. Thank you all!", to: "b.txt")
        let result = lector.run([
            "classify", "a.txt", "b.txt", "--labels", "refund,praise", "--multi", "--progress", "none",
        ])
        #expect(result.status == 0, "\(result.err)")
        let found = try rows(result.out)
        func share(_ row: Int, _ label: String) -> Double {
            found[row].distribution.first { $0.label == label }!.probability
        }
        #expect(share(0, "refund") > share(1, "refund"))
        #expect(share(1, "praise") > share(0, "praise"))
    }
}

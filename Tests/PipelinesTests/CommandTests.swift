import Documents
import Evaluation
import Glibc
import JSON
import Testing

/// What the verbs promise, through the built binary.
@Suite("The command line", .serialized, .enabled(if: LectorBinary.path != nil))
struct CommandTests {
    private func prepare(_ mailbox: String? = nil) -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        lector.work.write(mailbox ?? Self.mailbox, to: "in.mbox")
        return lector
    }

    static let mailbox = """
        From a@b Mon Mar  2 09:41:30 2026
        From: A <a@example.org>
        Subject: =SUM(A1)\u{1B}]0;owned\u{7}

        The first mail.
        >From a quoted line.

        From a@b Mon Mar  2 09:41:31 2026
        From: B <b@example.org>
        Subject: second

        The second mail.

        From a@b Mon Mar  2 09:41:32 2026
        From: A <a@example.org>
        Subject: =SUM(A1)\u{1B}]0;owned\u{7}

        The first mail.
        >From a quoted line.

        From a@b Mon Mar  2 09:41:33 2026
        From: C <c@example.org>
        Subject: third

        The third mail is a little longer than the others are, so that it can be cut.


        """

    private func rows(_ text: String) throws -> [ClassificationRow] {
        try text.split(separator: "\n").map { try ClassificationRow(json: JSONValue(parsing: String($0))) }
    }

    private let base = ["classify", "in.mbox", "--model", "model", "--progress", "none"]

    @Test("rows on standard output, talk on stderr, nothing of a subject reaches the terminal")
    func rowsOut() throws {
        let lector = prepare()
        let result = lector.run(base)
        #expect(result.status == 0, "\(result.err)")
        let rows = try rows(result.out)
        #expect(rows.map(\.item) == ["in.mbox#1", "in.mbox#2", "in.mbox#3", "in.mbox#4"])
        #expect(rows[2].duplicateOf == "in.mbox#1")
        #expect(rows[2].distribution == rows[0].distribution && rows[2].tokens == rows[0].tokens)
        #expect(rows.allSatisfy { $0.status == .ok && $0.read == 1 && $0.tokens > 0 })
        #expect(rows.allSatisfy { $0.distribution.map(\.label) == ["spam", "ham"] })
        #expect(result.err.contains("labels: spam, ham. For others: --labels"))
        for text in [result.out, result.err] {
            #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x07 })
        }
        // Again: the same bytes, and nothing is read.
        let again = lector.run(base)
        #expect(again.out == result.out && again.status == 0)
    }

    @Test("--unordered, --threads and --checkpoint-tokens change no row")
    func sameRows() throws {
        let lector = prepare()
        let first = lector.run(base + ["--run", "a"]).out
        let second = lector.run(base + ["--run", "b", "--threads", "2", "--checkpoint-tokens", "64"]).out
        #expect(first == second)
        let third = lector.run(base + ["--run", "c", "--unordered"]).out
        #expect(first.split(separator: "\n").sorted() == third.split(separator: "\n").sorted())
    }

    @Test("--threshold abstains and keeps the distribution; --max-tokens reads in part and says so")
    func abstainAndPartial() throws {
        let lector = prepare()
        let abstained = lector.run(base + ["--threshold", "1"])
        #expect(abstained.status == 0)
        for row in try rows(abstained.out) {
            #expect(row.status == .abstained && row.label == nil && row.distribution.count == 2)
        }
        let partial = lector.run(base + ["--max-tokens", "20"])
        #expect(partial.status == 1)
        let row = try rows(partial.out)[3]
        #expect(row.status == .partial(.tokens) && row.tokens == 20 && row.read < 1 && row.label != nil)
    }

    @Test("--sample: the same documents each time, and the output says that it is a sample")
    func sample() throws {
        let lector = prepare()
        let first = lector.run(base + ["--sample", "2", "--run", "a", "-o", "a.csv", "-o", "a.html"])
        #expect(first.status == 0 && first.err.contains("a sample of 2 from 4"), "\(first.err)")
        lector.run(base + ["--sample", "2", "--run", "b", "-o", "b.csv", "-o", "b.html"])
        #expect(lector.text("a.csv") == lector.text("b.csv"))
        #expect(lector.text("a.csv").split(separator: "\r\n").count == 3)
        #expect(lector.text("a.html").contains("A sample of 2 from 4 documents"))
        #expect(lector.text("a.html") == lector.text("b.html"))
    }

    @Test("--dry-run counts with the real tokenizer and writes nothing")
    func dryRun() throws {
        let lector = prepare()
        let result = lector.run(base + ["--dry-run", "--json", "-o", "rows.jsonl"])
        #expect(result.status == 0)
        let json = try JSONValue(parsing: result.out)
        #expect(json["documents"]?.integer == 4 && json["duplicates"]?.integer == 1)
        let read = try rows(lector.run(base).out).filter { $0.duplicateOf == nil }
        #expect(json["longest"]?.integer == read.map(\.tokens).max())
        #expect(!FileSystemNames.has(lector.work.file("rows.jsonl")))
    }

    @Test("standard input is an input like any other, and can be gone on with")
    func standardInput() throws {
        let lector = prepare()
        let arguments = [
            "classify", "-", "--model", "model", "--progress", "none", "--run", "r", "-o", "r.jsonl",
        ]
        let result = lector.run(arguments, input: lector.work.file("in.mbox"))
        #expect(result.status == 0, "\(result.err)")
        let rows = try rows(lector.text("r.jsonl"))
        #expect(rows.map(\.item) == ["-#1", "-#2", "-#3", "-#4"])
        unlink(lector.work.file("r.jsonl"))
        #expect(lector.run(["resume", "r"]).status == 0)
        #expect(try self.rows(lector.text("r.jsonl")) == rows)
    }

    @Test("another configuration on the same folder: refused, the difference named, exit status 78")
    func refused() {
        let lector = prepare()
        lector.run(base + ["--run", "r"])
        let labels = lector.run(base + ["--run", "r", "--labels", "a,b"])
        #expect(
            labels.status == 78 && labels.err.contains("spam,ham") && labels.err.contains("a,b"),
            "\(labels.err)")
        lector.work.write(Self.mailbox + "x\n", to: "in.mbox")
        let input = lector.run(base + ["--run", "r"])
        #expect(input.status == 78 && input.err.contains("in.mbox"))
        let resumed = lector.run(["resume", "r"])
        #expect(resumed.status == 78 && resumed.err.contains("in.mbox"))
    }

    @Test("a disk that fills up: cause, place and the way on, exit status 74; then it goes on")
    func fullDisk() {
        let lector = prepare()
        let full = lector.run(base + ["--run", "r", "-o", "/dev/full"])
        #expect(full.status == 74)
        #expect(full.err.contains("/dev/full") && full.err.contains("no space is left"), "\(full.err)")
        #expect(full.err.contains("lector resume r"))
        let onward = lector.run(base + ["--run", "r", "-o", "rows.jsonl"])
        #expect(onward.status == 0 && !lector.bytes("rows.jsonl").isEmpty)
    }

    @Test(
        "mistakes: a clear message and the exit status of the documentation",
        arguments: [
            (["classify", "in.mbox", "--labels", "a"], 64, "only the label 'a'"),
            (["classify", "in.mbox", "--labels", "a,a"], 64, "twice"),
            (["classify", "in.mbox", "--labels", "a,,b"], 64, "empty name"),
            (["classify"], 64, "input"),
            (["classify", "in.mbox", "-o", "rows.txt"], 64, ".jsonl"),
            (["classify", "in.mbox", "--report", "rows.csv"], 64, ".html"),
            (["classify", "in.mbox", "-o", "none/rows.csv"], 74, "there is no folder none"),
            (["classify", "in.mbox", "-o", "in.mbox"], 64, "ending"),
            (["classify", "in.mbox", "--threshold", "2"], 64, "from 0 to 1"),
            (["classify", "in.mbox", "--max-tokens", "0"], 64, "above 0"),
            (["classify", "in.mbox", "--sample", "0"], 64, "--sample"),
            (["classify", "in.mbox", "--progress", "loud"], 64, "auto, bar, json or none"),
            (["classify", "in.mbox", "--model", "nowhere"], 78, "nowhere"),
            (["classify", "in.mbox", "--model", "broken"], 65, "broken"),
            (["classify", "in.mbox", "--labels-file", "broken/config.json"], 78, "labels"),
            (["classify", "in.mbox", "--labels-file", "none.yaml"], 74, "none.yaml"),
            (["resume", "nothing"], 64, "there is no run nothing"),
            (["run", "none.yaml", "in.mbox"], 74, "none.yaml"),
            (["pipeline", "check", "in.mbox"], 78, "in.mbox"),
            (["eval", "in.mbox", "--gold", "in.mbox"], 65, "line 1"),
            (["eval", "none.jsonl", "--gold", "in.mbox"], 65, "in.mbox"),
            (["dance"], 64, "dance"),
            (["completion", "csh"], 64, "csh"),
        ] as [([String], Int32, String)])
    func mistakes(arguments: [String], status: Int32, words: String) {
        let lector = prepare()
        mkdir(lector.work.file("broken"), 0o700)
        lector.work.write("{}", to: "broken/config.json")
        var all = arguments
        if !all.contains("--model"), ["classify", "run"].contains(all[0]) { all += ["--model", "model"] }
        let result = lector.run(all)
        #expect(result.status == status, "\(result.err)")
        #expect(result.err.contains(words), "\(result.err)")
        #expect(result.out.isEmpty)
    }

    @Test("inputs that are not there or cannot be read are rows, exit status 1")
    func missingInput() throws {
        let lector = prepare()
        symlink("loop", lector.work.file("loop"))
        let result = lector.run(["classify", "nowhere", "in.mbox", "loop", "--model", "model"])
        #expect(result.status == 1)
        let rows = try rows(result.out)
        #expect(rows.count == 6)
        #expect(rows[0].status == .failed(.missing) && rows[1].status == .ok)
    }

    @Test("a pipeline file does the same as the flags")
    func pipeline() {
        let lector = prepare()
        lector.work.write(
            "version: 1\ntask: classify\nlabels: [x, y, z]\nthreshold: 0.4\noutputs: [p.jsonl]\nreport: p.html\n",
            to: "p.yaml")
        #expect(lector.run(["run", "p.yaml", "in.mbox", "--model", "model"]).status == 0)
        let flags = lector.run(base + ["--labels", "x,y,z", "--threshold", "0.4", "-o", "f.jsonl"])
        #expect(flags.status == 0)
        #expect(!lector.bytes("p.jsonl").isEmpty && lector.bytes("p.jsonl") == lector.bytes("f.jsonl"))
        #expect(lector.text("p.html").contains("</html>"))
    }

    @Test("eval: the table, the report, and a run as results")
    func eval() throws {
        let lector = prepare()
        lector.run(base + ["--run", "r", "-o", "r.jsonl"])
        let rows = try rows(lector.text("r.jsonl"))
        var gold = rows.map { "{\"item\": \"\($0.item)\", \"label\": \"\($0.label!)\"}" }
        gold[3] = "{\"item\": \"in.mbox#4\", \"label\": \"other\"}"
        lector.work.write(
            (gold + ["{\"item\": \"in.mbox#9\", \"label\": \"ham\"}"]).joined(separator: "\n"), to: "g.jsonl")
        let table = lector.run(["eval", "r.jsonl", "--gold", "g.jsonl", "-o", "e.html", "-o", "e.json"])
        #expect(table.status == 0 && table.out.contains("75.00 %") && table.out.contains("no row: in.mbox#9"))
        #expect(lector.text("e.html").contains("Confusion"))
        let json = lector.run(["eval", "r", "--gold", "g.jsonl", "--json"])
        #expect(try JSONValue(parsing: json.out)["accuracy"]?.double == 0.75)
        #expect(try JSONValue(parsing: lector.text("e.json")) == JSONValue(parsing: json.out))
    }

    @Test("lector alone: three examples, not a list of flags")
    func alone() {
        let lector = LectorBinary(work: TemporaryFolder())
        let result = lector.run([])
        #expect(result.status == 0 && result.err.isEmpty)
        #expect(result.out.components("lector classify") == 2 && result.out.contains("lector resume"))
    }

    @Test("every verb has help with examples")
    func help() {
        let lector = LectorBinary(work: TemporaryFolder())
        for verb in [
            ["classify"], ["run"], ["resume"], ["eval"], ["pipeline", "check"], ["config", "show"],
            ["completion"],
        ] {
            let result = lector.run(verb + ["--help"])
            #expect(result.status == 0 && result.out.contains("EXAMPLES"), "\(verb)")
        }
        #expect(lector.run(["completion", "bash"]).out.contains("lector"))
        #expect(lector.run(["config", "show", "--origin"]).out.contains("LECTOR_THREADS"))
    }

    @Test("a run and its files belong to their owner alone")
    func privateFiles() throws {
        let lector = prepare()
        lector.run(base + ["--run", "r", "-o", "r.jsonl"])
        #expect(mode(of: lector.work.file("r")) == 0o700)
        for name in try FileSystemNames.of(lector.work.file("r")) {
            #expect(mode(of: lector.work.file("r/" + name)) == 0o600, "\(name)")
        }
    }
}

extension String {
    fileprivate func components(_ needle: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: needle) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}

extension FileSystemNames {
    static func has(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

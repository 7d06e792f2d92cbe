import Documents
import Glibc
import Ingest
import JSON
import Pipelines
import Testing

/// How inputs are read is the same for every verb, and a part of what a run is.
@Suite("Reading options", .serialized, .enabled(if: LectorBinary.path != nil))
struct ReadingTests {
    /// Three documents in one file, if one knows how.
    struct Records: CustomTestStringConvertible {
        var name: String
        var text: String
        var flags: [String]
        var yaml: String
        var testDescription: String { name }
        var items: [String] { (1...3).map { "\(name)#\($0)" } }
    }

    static let texts = [
        "A ship came in at dawn.", "Bread was baked at noon.", "The lamp was lit in the evening.",
    ]
    static let kinds = [
        Records(
            name: "r.jsonl",
            text: texts.map { "{\"id\": 7, \"note\": {\"body\": \"\($0)\"}, \"label\": \"a\"}\n" }.joined(),
            flags: ["--json-text", "note.body"], yaml: "json-text: note.body"),
        Records(
            name: "r.csv", text: "id,body,label\n" + texts.map { "7,\"\($0)\",a\n" }.joined(),
            flags: ["--csv-text", "body"], yaml: "csv-text: body"),
        Records(
            name: "r.xml",
            text: "<set>\(texts.map { "<page><no>7</no><said>\($0)</said></page>" }.joined())</set>",
            flags: ["--xml-record", "set/page", "--xml-text", "said"],
            yaml: "xml-record: set/page\n  xml-text: said"),
    ]
    static let password = "Sesam-4711-öffne"

    private func prepare(_ records: Records = kinds[0]) -> LectorBinary {
        let lector = LectorBinary(work: TemporaryFolder())
        TinyModel.write(to: lector.work.file("model"))
        lector.work.write(records.text, to: records.name)
        return lector
    }

    /// An encrypted mailbox, and a file after it whose place depends on whether that is opened.
    private func prepareZip() -> LectorBinary {
        let lector = prepare()
        mkdir(lector.work.file("in"), 0o700)
        let zip = EncryptedZip.bytes([("in.mbox", CommandTests.mailbox)], password: Self.password)
        lector.work.write(zip, to: "in/a.zip")
        lector.work.write("A plain text behind it.", to: "in/b.txt")
        lector.work.write(Self.password + "\n", to: "password")
        return lector
    }

    private func items(_ lines: String, _ key: String = "item") throws -> [String?] {
        try lines.split(separator: "\n").map { try JSONValue(parsing: String($0))[key]?.string }
    }

    private let flags = ["--model", "model", "--progress", "none"]

    // MARK: Each verb

    @Test("documents, tokens, classify and its review page see the records", arguments: kinds)
    func classify(records: Records) throws {
        let lector = prepare(records)
        #expect(try items(lector.run(["documents", records.name] + records.flags).out) == records.items)
        let tokens = lector.run(["tokens", records.name, "--model", "model", "--json"] + records.flags)
        #expect(Array(try items(tokens.out).prefix(3)) == records.items, "\(tokens.err)")

        let base = ["classify", records.name] + flags + records.flags
        let dry = lector.run(base + ["--dry-run", "--json"])
        #expect(try JSONValue(parsing: dry.out)["documents"]?.integer == 3, "\(dry.err)")
        let outputs = ["-o", "rows.jsonl", "--report", "page.html"]
        let result = lector.run(base + outputs)
        #expect(result.status == 0, "\(result.err)")
        #expect(try items(lector.text("rows.jsonl")) == records.items)
        for text in Self.texts { #expect(lector.text("page.html").contains(text)) }
        let sample = lector.run(base + ["--sample", "2"])
        #expect(sample.out.split(separator: "\n").count == 2 && sample.err.contains("a sample of 2 from 3"))
        // Without the options the file is one document, or what its kind makes of it.
        #expect(lector.run(["classify", records.name] + flags).out != lector.text("rows.jsonl"))
    }

    @Test("extract and summarize see the records, and so do the texts of their outputs", arguments: kinds)
    func answers(records: Records) throws {
        let lector = prepare(records)
        lector.work.write(#"{"type": "object", "properties": {"who": {"type": "string"}}}"#, to: "s.json")
        let outputs = ["-o", "e.jsonl", "-o", "e.html", "-o", "e.langextract.jsonl"]
        let extract = ["extract", records.name, "--schema", "s.json"] + flags + records.flags
        let dry = lector.run(extract + ["--dry-run", "--json"])
        #expect(try JSONValue(parsing: dry.out)["documents"]?.integer == 3, "\(dry.err)")
        #expect([0, 1].contains(lector.run(extract + outputs).status))
        #expect(try items(lector.text("e.jsonl")) == records.items)
        let texts = try items(lector.text("e.langextract.jsonl"), "text")
        for (text, line) in zip(Self.texts, texts) {
            #expect(line?.contains(text) == true)
            #expect(lector.text("e.html").contains(text))
        }
        let summaries = lector.run(["summarize", records.name] + records.flags)
        #expect(try items(summaries.out) == records.items, "\(summaries.err)")
    }

    @Test("read and ask see the records: what read has kept, ask with the same options reads no more")
    func ask() throws {
        let records = Self.kinds[1]
        let lector = prepare(records)
        let read = lector.run(["read", records.name, "--json"] + flags + records.flags)
        let row = try JSONValue(parsing: read.out)
        #expect(row["documents"]?.integer == 3, "\(read.err)")
        let again = lector.run(["read", records.name, "--json"] + flags + records.flags)
        #expect(try JSONValue(parsing: again.out)["read_tokens"]?.integer == 0)
        let other = lector.run(["read", records.name, "--json"] + flags)
        #expect(try JSONValue(parsing: other.out)["state"] != row["state"])
        let ask = ["ask", records.name, "-q", "What was baked?", "--from", "passages", "--json"] + flags
        let answer = lector.run(ask + records.flags)
        #expect([0, 1].contains(answer.status) && answer.out.hasPrefix("{"), "\(answer.err)")
    }

    @Test("train-head takes a table; its own lines of JSON are what they were")
    func trainHead() {
        let lector = prepare()
        var table = "said,team\n"
        for number in 0..<12 {
            table += "A ship at sea \(number),ships\nBread from the oven \(number),bread\n"
        }
        lector.work.write(table, to: "t.csv")
        let train = ["train-head", "t.csv", "--json-label", "team", "-o", "a.lhd", "--json"] + flags
        let trained = lector.run(train + ["--csv-text", "said"])
        #expect(trained.status == 0 && trained.out.contains("\"examples\": 24"), "\(trained.err)")
        let refused = lector.run(train)
        #expect(refused.status == 65 && refused.err.contains("--csv-text"), "\(refused.err)")
    }

    @Test("a limit strikes in a run as it does in documents; what is no limit is a usage error")
    func limits() throws {
        let lector = prepare()
        lector.work.write(CommandTests.mailbox, to: "in.mbox")
        let limit = ["--max-message", "100"]
        let statuses = try items(lector.run(["documents", "in.mbox"] + limit).out, "status")
        #expect(statuses.contains("partial.limit.bytes"))
        let result = lector.run(["classify", "in.mbox", "--run", "r"] + flags + limit)
        #expect(result.status == 1)
        #expect(try items(result.out, "status") == statuses)
        let other = lector.run(["classify", "in.mbox", "--run", "r", "--max-message", "1K"] + flags)
        #expect(
            other.status == 78 && other.err.contains("--max-message was 100, and is now 1K"), "\(other.err)")
        for bad in [
            ["--max-message", "2G"], ["--max-depth", "-1"], ["--max-entries", "0"], ["--json-text", ""],
        ] {
            let refused = lector.run(["classify", "in.mbox"] + flags + bad)
            #expect(refused.status == 64 && refused.err.contains(bad[0]), "\(refused.err)")
        }
    }

    // MARK: What a run is

    /// Takes all rows but the first away, as if the run had been killed behind it.
    private func cut(_ run: String, _ lector: LectorBinary, rows: Int = 1) {
        let lines = lector.bytes(run + "/journal").split(separator: 0x0A)
        lector.work.write(Array(lines.prefix(rows).joined(separator: [0x0A])) + [0x0A], to: run + "/journal")
        unlink(lector.work.file(run + "/summary.json"))
    }

    @Test("a run goes on with its reading options, and refuses others with both named", arguments: kinds)
    func resume(records: Records) throws {
        let lector = prepare(records)
        let base = ["classify", records.name, "--run", "r"] + flags
        let outputs = ["-o", "rows.jsonl", "--report", "page.html"]
        #expect(lector.run(base + records.flags + outputs).status == 0)
        let (rows, page) = (lector.bytes("rows.jsonl"), lector.bytes("page.html"))
        for command in [["resume", "r", "--progress", "none"], base + records.flags + outputs] {
            cut("r", lector)
            lector.work.write("", to: "rows.jsonl")
            let resumed = lector.run(command)
            #expect(resumed.status == 0 && resumed.err.contains("1 rows are there"), "\(resumed.err)")
            #expect(lector.bytes("rows.jsonl") == rows && lector.bytes("page.html") == page)
        }
        let value = records.flags[1]
        let without = lector.run(base)
        #expect(
            without.status == 78
                && without.err.contains("\(records.flags[0]) was \(value), and is now none"), "\(without.err)"
        )
        let other = lector.run(base + records.flags.map { $0 == value ? "other" : $0 })
        #expect(other.status == 78 && other.err.contains("was \(value), and is now other"), "\(other.err)")
    }

    @Test("a manifest of before, which says nothing of reading, goes on; a setting of later is refused")
    func manifests() throws {
        let lector = prepare()
        lector.work.write(CommandTests.mailbox, to: "in.mbox")
        let base = ["classify", "in.mbox", "--run", "r"] + flags
        let out = lector.run(base).out
        let manifest = lector.text("r/manifest.json")
        #expect(!manifest.contains("reading"))
        cut("r", lector)
        #expect(lector.run(["resume", "r", "--progress", "none"]).out == out)
        let refused = lector.run(base + ["--json-text", "a"])
        #expect(refused.status == 78 && refused.err.contains("--json-text was none, and is now a"))
        for reading in [
            #"{"pdf-layout": true}"#, #"{"max-depth": "x"}"#, #"{"max-depth": -1}"#, #"{"json-text": 7}"#,
            "[]",
        ] {
            let at = manifest.firstRange(of: "\"task\"")!.lowerBound
            lector.work.write(
                manifest[..<at] + "\"reading\": \(reading), " + manifest[at...], to: "r/manifest.json")
            let damaged = lector.run(["resume", "r"])
            #expect(damaged.status == 65 && damaged.err.contains("damaged"), "\(reading): \(damaged.err)")
        }
    }

    @Test("the configuration comes back from its JSON; equal settings have equal bytes")
    func roundTrip() throws {
        var options = IngestOptions()
        #expect(ReadingConfiguration(options).json == nil)
        options.jsonTextField = "a.b"
        options.xmlRecord = "x/y"
        options.limits.maxRatio = 7
        options.limits.maxReaderBytes = 1 << 30
        options.passwords = [Self.password]
        let configuration = ReadingConfiguration(options)
        let json = try #require(configuration.json)
        #expect(!json.text.contains("Sesam"))
        #expect(ReadingConfiguration(json: json) == configuration)
        #expect(try configuration.options(passwords: options.passwords) == options)
        options.passwords = ["another"]
        #expect(ReadingConfiguration(options) == configuration)
        options.passwords = []
        let without = ReadingConfiguration(options)
        #expect(without.difference(from: configuration)?.contains("passwords") == true)
        #expect(throws: PipelineError.self) { try configuration.options(passwords: []) }
        #expect(throws: PipelineError.self) { try without.options(passwords: ["x"]) }
    }

    // MARK: Rows of extract and summarize

    /// Stops at a document, and keeps the names of those that it was given.
    private final class Maker: AnswerRun.RowMaker {
        struct Stop: Error {}
        var (seen, address): ([String], String) = ([], "")
        let stop: String?
        let isGrouped = false
        let rows = 0

        init(stop: String? = nil) { self.stop = stop }

        func takePart() -> JSONValue? { nil }
        func begin(_ document: Document, after parts: [JSONValue]) {
            address = document.address
            seen.append(address)
        }
        func append(_ event: DocumentEvent) throws {}
        func finish(_ end: DocumentEnd) throws -> JSONValue? {
            if let stop, address.hasSuffix(stop) { throw Stop() }
            return .object([
                JSONMember("item", .string(address)), JSONMember("status", .string("\(end.status)")),
            ])
        }
        func close() throws -> [JSONValue] { [] }
    }

    @Test("rows of a killed command are taken up by one that reads the same documents alone")
    func journals() throws {
        let lector = prepare()
        let path = lector.work.file("r.jsonl")
        var options = IngestOptions()
        options.jsonTextField = "note.body"
        func seen(_ inputs: [String], stop: String? = nil) throws -> [String] {
            let maker = Maker(stop: stop)
            let run = try AnswerRun(
                inputs: DocumentInputs(inputs, reading: options), identity: "x",
                stateFolder: lector.work.file("s"))
            let meter = ProgressMeter(style: .none, noColor: true, isQuiet: true)
            do { _ = try run.run(maker, progress: meter) { _ in } } catch is Maker.Stop {}
            return maker.seen.map { String($0.split(separator: "/").last!) }
        }
        #expect(try seen([path], stop: "#3") == ["r.jsonl#1", "r.jsonl#2", "r.jsonl#3"])
        #expect(try seen([path], stop: "#3") == ["r.jsonl#3"])
        options.limits.maxDepth = 3
        #expect(try seen([path], stop: "#3") == ["r.jsonl#1", "r.jsonl#2", "r.jsonl#3"])
        // Other passwords open other documents: said, not mixed up.
        let zip = prepareZip().work
        options = IngestOptions()
        options.passwords = [Self.password]
        #expect(try seen([zip.file("in")], stop: "b.txt").count == 5)
        options.passwords = ["wrong"]
        #expect(throws: PipelineError.self) { try seen([zip.file("in")]) }
        // What was not opened is tried again.
        mkdir(zip.file("own"), 0o700)
        zip.write(EncryptedZip.bytes([("x.txt", "Ada")], password: Self.password), to: "own/a.zip")
        zip.write("Bob", to: "own/b.txt")
        #expect(try seen([zip.file("own")], stop: "b.txt") == ["x.txt", "b.txt"])
        options.passwords = [Self.password]
        #expect(try seen([zip.file("own")]) == ["x.txt", "b.txt"])
    }

    @Test("manifests leave defaults out: whoever changes one of these gives them a new format")
    func defaults() {
        let limits = IngestLimits()
        let known = [
            limits.maxDepth, limits.maxEntries, limits.maxRatio, limits.maxUnpackedBytes,
            limits.maxDocumentBytes, limits.maxMessageBytes, limits.maxReaderBytes,
        ]
        #expect(known == [12, 1_000_000, 250, 64 << 30, 256 << 30, 64 << 20, 2 << 30])
        #expect(ReadingKey.all.count == known.count + 4)
    }

    // MARK: Shards

    @Test("shards read as the plan says, and make the bytes of one process", arguments: kinds)
    func shards(records: Records) throws {
        let lector = prepare(records)
        func outputs(_ name: String) -> [String] { ["-o", name + ".jsonl", "--report", name + ".html"] }
        let base = [records.name] + flags + records.flags
        #expect(lector.run(["classify", "--run", "one"] + base + outputs("one")).status == 0)
        let plan = lector.run(["plan", "--run", "many", "--shards", "2"] + base + outputs("many"))
        #expect(plan.status == 0 && plan.err.contains("3 documents in 2 shards"), "\(plan.err)")
        let other = lector.run(["plan", "--run", "many", records.name] + flags)
        #expect(other.status == 78 && other.err.contains(records.flags[0]), "\(other.err)")
        #expect(lector.run(["work", "many", "-q"]).status == 0, "\(lector.text("stderr"))")
        #expect(lector.run(["merge", "many", "-q"]).status == 0)
        for ending in [".jsonl", ".html"] {
            #expect(lector.bytes("many" + ending) == lector.bytes("one" + ending))
            #expect(!lector.bytes("one" + ending).isEmpty)
        }
    }

    // MARK: Passwords

    /// Files of the work folder and below that hold `text`.
    private func files(with text: String, in folder: String) throws -> [String] {
        var found: [String] = []
        for name in try FileSystemNames.of(folder) {
            let path = folder + "/" + name
            if FileSystem.isFolder(path) {
                found += try files(with: text, in: path)
            } else if try FileSystem.read(path).firstRange(of: Array(text.utf8)) != nil {
                found.append(name)
            }
        }
        return found
    }

    @Test("passwords come by file or environment, are needed again to go on, and stand in no file")
    func passwords() throws {
        var lector = prepareZip()
        let base = ["classify", "in"] + flags
        let without = lector.run(base)
        #expect(
            without.status == 1 && without.err.contains("encrypted: 1; --password-file"), "\(without.err)")
        #expect(try items(without.out, "status") == ["failed.encrypted", "ok"])

        let outputs = ["-o", "rows.jsonl", "--report", "page.html"]
        let whole = lector.run(base + ["--run", "r", "--password-file", "password"] + outputs)
        #expect(whole.status == 0, "\(whole.err)")
        #expect(try items(lector.text("rows.jsonl")).last == "in/b.txt")
        #expect(try items(lector.text("rows.jsonl")).count == 5)
        #expect(lector.text("page.html").contains("The second mail."))
        let rows = lector.bytes("rows.jsonl")

        for command in [
            ["resume", "r"], base + ["--run", "r"], ["apply", "r", "--to", "maildir", "-o", "m"],
        ] {
            let refused = lector.run(command)
            #expect(refused.status == 78 && refused.err.contains("--password-file"), "\(refused.err)")
        }
        cut("r", lector, rows: 2)
        lector.work.write("wrong", to: "other")
        let wrong = lector.run(["resume", "r", "--password-file", "other"])
        #expect(wrong.status == 65 && wrong.err.contains("passwords are others"), "\(wrong.err)")
        lector.environment["LECTOR_PASSWORD"] = "wrong\n" + Self.password
        #expect(lector.run(["resume", "r", "-q"]).status == 0, "\(lector.text("stderr"))")
        #expect(lector.bytes("rows.jsonl") == rows)
        #expect(lector.run(["apply", "r", "--to", "maildir", "-o", "m"]).status == 1)
        #expect(lector.run(["documents", "in"]).status == 0)
        #expect(lector.run(["read", "in", "-q"] + flags).status == 0)
        #expect(try items(lector.run(["summarize", "in", "-q"]).out).count == 5)
        #expect(try files(with: "Sesam", in: lector.work.path) == ["password"])

        lector.environment["LECTOR_PASSWORD"] = nil
        let tried = lector.run(base + ["--password", "wrong"])
        #expect(tried.status == 1 && tried.err.contains("encrypted: 1; to try other"), "\(tried.err)")
        #expect(lector.run(base + ["--password-file", "none"]).status == 74)
        lector.work.write([0xFF, 0x0A], to: "other")
        #expect(lector.run(base + ["--password-file", "other"]).status == 65)
    }

    @Test("workers and the merge get the passwords again; the plan has none")
    func plannedPasswords() throws {
        var lector = prepareZip()
        let base = ["in", "--password-file", "password"] + flags
        #expect(lector.run(["classify", "--run", "one", "-o", "one.jsonl"] + base).status == 0)
        #expect(lector.run(["plan", "--run", "big", "--shards", "2", "-o", "big.jsonl"] + base).status == 0)
        for verb in ["work", "merge"] {
            let refused = lector.run([verb, "big"])
            #expect(refused.status == 78 && refused.err.contains("LECTOR_PASSWORD"), "\(refused.err)")
        }
        lector.environment["LECTOR_PASSWORD"] = Self.password
        #expect(lector.run(["work", "big", "-q"]).status == 0, "\(lector.text("stderr"))")
        #expect(lector.run(["merge", "big", "-q"]).status == 0, "\(lector.text("stderr"))")
        #expect(lector.bytes("big.jsonl") == lector.bytes("one.jsonl"))
        #expect(!lector.bytes("one.jsonl").isEmpty)
        #expect(try files(with: "Sesam", in: lector.work.path) == ["password"])
    }

    @Test("the command to go on with names no password")
    func hidden() {
        let lector = prepare()
        lector.work.write(LongTextTests.story(40_000), to: "long.txt")
        let child = lector.start(
            ["read", "long.txt", "--password", "Sesam", "--password=öffne", "--checkpoint-tokens", "1024"]
                + flags)
        // A state that is kept says that it is on its way, and far from the end.
        let states = lector.work.file("state/lector/states")
        for _ in 0..<3000 {
            if let names = try? FileSystemNames.of(states), names.contains(where: { $0.hasSuffix(".state") })
            {
                break
            }
            usleep(10_000)
        }
        kill(child, SIGINT)
        let result = lector.wait(child)
        #expect(result.status == 130, "\(result.err)")
        #expect(result.err.contains("--password PASSWORD --password=PASSWORD --checkpoint-tokens 1024"))
        #expect(!result.err.contains("Sesam") && !result.err.contains("ffne"))
    }

    // MARK: Pipelines

    @Test("a pipeline's reading section is the flags; flags go before it", arguments: kinds)
    func pipeline(records: Records) throws {
        let lector = prepare(records)
        lector.work.write(
            "version: 1\ntask: classify\nreading:\n  \(records.yaml)\n  max-depth: 4\n", to: "p.yaml")
        #expect(lector.run(["pipeline", "check", "p.yaml"]).status == 0)
        let run = lector.run(["run", "p.yaml", records.name] + flags)
        #expect(run.status == 0, "\(run.err)")
        let flagged = ["classify", records.name, "--max-depth", "4"] + flags + records.flags
        #expect(run.out == lector.run(flagged).out)
        #expect(try items(run.out) == records.items)
        // The same run, found by what it is.
        #expect(try FileSystemNames.of(lector.work.file("state/lector/runs")).count == 1)
        let dry = lector.run(["run", "p.yaml", records.name, "--dry-run", "--json"] + flags)
        #expect(try JSONValue(parsing: dry.out)["documents"]?.integer == 3)
        let over = records.flags.map { $0 == records.flags[1] ? "other" : $0 }
        #expect(lector.run(["run", "p.yaml", records.name] + flags + over).out != run.out)

        lector.work.write("version: 1\ntask: summarize\nreading:\n  \(records.yaml)\n", to: "s.yaml")
        #expect(try items(lector.run(["run", "s.yaml", records.name] + flags).out) == records.items)
    }

    @Test("every verb that reads documents has the options in its help, with an example")
    func help() {
        let lector = prepare()
        for verb in [
            "documents", "tokens", "classify", "extract", "summarize", "ask", "read", "run", "plan",
            "train-head",
        ] {
            let text = lector.run(["help", verb]).out
            let words = text.split { $0.isWhitespace }.joined(separator: " ")
            #expect(words.contains("DOCUMENTS: --json-text <field>"), "\(verb)")
            for name in ReadingKey.all.map(\.name) + ["password", "password-file"] {
                #expect(text.contains("--\(name) "), "\(verb) \(name)")
            }
            let examples = text.components(between: "EXAMPLES", and: "EXIT STATUS")
            #expect(["-text", "--password-file"].contains { examples.contains($0) }, "\(verb)")
        }
        for verb in ["resume", "work", "merge", "apply"] {
            #expect(lector.run(["help", verb]).out.contains("--password-file <file>"), "\(verb)")
        }
        for shell in ["bash", "zsh", "fish"] {
            #expect(lector.run(["completion", shell]).out.contains("password-file"), "\(shell)")
        }
    }

    @Test("documents --text puts each part and each document on lines of its own")
    func textOfParts() {
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write(
            """
            Subject: two
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=b

            --b

            One
            --b

            Two
            --b--

            """, to: "a.eml")
        lector.work.write("no line end", to: "b.txt")
        lector.work.write("ends\n", to: "c.txt")
        lector.work.write("last", to: "d.txt")
        let run = lector.run(["documents", "--text", "a.eml", "b.txt", "c.txt", "d.txt"])
        #expect(run.status == 0)
        #expect(run.out == "One\nTwo\nno line end\nends\nlast")
    }
}

extension String {
    fileprivate func components(between start: String, and end: String) -> Substring {
        guard let from = firstRange(of: start)?.upperBound else { return "" }
        return self[from...].firstRange(of: end).map { self[from..<$0.lowerBound] } ?? self[from...]
    }
}

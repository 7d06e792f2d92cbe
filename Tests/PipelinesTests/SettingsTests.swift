import Pipelines
import Testing

@Suite("Settings, labels and pipeline files")
struct SettingsTests {
    @Test("flag, then environment, then lector.yaml, then the user's file")
    func precedence() throws {
        let folder = TemporaryFolder()
        let project = folder.write("threads: 2\nlabels: [a, b]\n", to: "lector.yaml")
        let home = TemporaryFolder()
        #expect(throws: Never.self) { try FileSystem.makeFolder(home.file("lector")) }
        home.write("threads: 3\nprogress: none\nmax-tokens: 9\n", to: "lector/config.yaml")
        let settings = try Settings(
            environment: ["XDG_CONFIG_HOME": home.path, "LECTOR_MAX_TOKENS": "7"], projectFile: project)
        #expect(try settings.integer(.threads, flag: 5) == 5)
        #expect(try settings.integer(.threads) == 2)
        #expect(settings.entry(.threads, flag: nil)?.origin == project + ":1")
        #expect(try settings.integer(.maxTokens) == 7)
        #expect(settings.entry(.maxTokens, flag: nil)?.origin == "LECTOR_MAX_TOKENS")
        #expect(settings.text(.progress) == "none")
        #expect(settings.text(.labels) == "a,b")
        #expect(settings.text(.model) == nil)
    }

    @Test("a value that is none: usage from a flag, configuration from elsewhere")
    func badValues() throws {
        let settings = try Settings(environment: ["LECTOR_THREADS": "many"], projectFile: "/nonexistent")
        do {
            _ = try settings.integer(.threads)
            Issue.record("it was taken")
        } catch { #expect(error.exitStatus == 78 && error.description.contains("LECTOR_THREADS")) }
        do {
            _ = try settings.share(.threshold, flag: 1.5)
            Issue.record("it was taken")
        } catch { #expect(error.exitStatus == 64 && error.description.contains("--threshold")) }
    }

    @Test("labels in a list: trimmed, two or more, none twice, none empty")
    func labels() throws {
        #expect(try LabelSource.parse("a, b c ,d").map(\.name) == ["a", "b c", "d"])
        for (text, word) in [
            ("a", "only the label"), ("", "only the label"), ("a,,b", "empty name"), ("a,b,a", "twice"),
            ("a,b\u{1B}", "control"),
        ] {
            do {
                _ = try LabelSource.parse(text)
                Issue.record("\(text) was taken")
            } catch { #expect(error.exitStatus == 64 && error.description.contains(word), "\(error)") }
        }
    }

    @Test("a labels file: names alone or with descriptions and examples")
    func labelsFile() throws {
        let folder = TemporaryFolder()
        let path = folder.write(
            """
            - name: spam
              description: |
                Unasked for,
                to many.
              examples: ["win now", "act  fast"]
            - ham
            """, to: "labels.yaml")
        let labels = try LabelSource.read(path)
        #expect(labels.map(\.name) == ["spam", "ham"])
        #expect(labels[0].description == "Unasked for, to many. For example: \"win now\"; \"act fast\"")
        #expect(labels[1].description == nil)
    }

    @Test("every pipeline that is shipped loads, checks and runs dry")
    func shipped() throws {
        try #require(LectorBinary.path != nil)
        let files = try FileSystemNames.of(Self.pipelines).sorted()
        #expect(
            files == [
                "book-summary.yaml", "contract-fields.yaml", "log-incidents.yaml", "meeting-minutes.yaml",
                "newsletter-digest.yaml", "triage-mailbox.yaml",
            ])
        let lector = LectorBinary(work: TemporaryFolder())
        lector.work.write("The parties agreed on 3 May 2024 that Ada pays Bob.\n", to: "a.txt")
        for file in files {
            let path = "\(Self.pipelines)/\(file)"
            let pipeline = try PipelineFile(path: path)
            #expect(!pipeline.outputs.isEmpty && pipeline.report?.hasSuffix(".html") == true)
            let check = lector.run(["pipeline", "check", path])
            #expect(check.status == 0 && check.out.contains("sound"), "\(check.err)")
            let dry = lector.run(["run", path, "a.txt", "--dry-run"])
            #expect(dry.status == 0 && dry.out.contains("documents   1"), "\(file): \(dry.err)")
        }
    }

    private static let sound = "version: 1\ntask: classify\n"
    private static let extract = "version: 1\ntask: extract\n"

    @Test("a schema in YAML is the schema in JSON, members in their order")
    func yamlSchema() throws {
        let pipeline = try PipelineFile(
            document: YAMLDocument(
                path: "p.yaml",
                text: Self.extract + """
                    schema:
                      type: object
                      properties:
                        b: {type: [string, 'null'], maxLength: 7}
                        a: {enum: [1.50, true, null, 'true', x]}
                    verbatim: [b]
                    """))
        guard case .extract(let extraction) = pipeline.answers else {
            Issue.record("no extraction")
            return
        }
        let json = #"{"type": "object", "properties": {"b": {"type": ["string", "null"], "maxLength": 7}, "#
        #expect(extraction.schema.text == json + #""a": {"enum": [1.50, true, null, "true", "x"]}}}"#)
        #expect(extraction.verbatim == .fields(["b"]))
        #expect(pipeline.answers?.fields == ["b", "a"])
    }

    private static let pipelines =
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Pipelines"

    @Test("the pipeline that sorts mail is what it says")
    func triage() throws {
        let pipeline = try PipelineFile(path: Self.pipelines + "/triage-mailbox.yaml")
        #expect(pipeline.labels.map(\.name) == ["spam", "ham"])
        #expect(pipeline.labels.allSatisfy { $0.description != nil })
        #expect(pipeline.threshold == 0.6 && pipeline.outputs.count == 2 && pipeline.report != nil)
    }

    private static let mistaken: [(String, String)] = [
        (
            sound + "labls: [a, b]",
            "line 3: there is no `labls`; did you mean `labels`? there are version"
        ),
        (sound + "words: 3", "line 3: `words` belongs to the task summarize, and this one is classify"),
        (extract + "schem: {}", "line 3: there is no `schem`; did you mean `schema`?"),
        (extract, "`schema` is missing"),
        (extract + "schema: {type: string}", "line 3: the schema: "),
        (extract + "schema: none.json", "line 3: the schema ./none.json: "),
        ("version: 1\ntask: summarize\nwords: many", "line 3: words should be a whole number"),
        ("version: 1\ntask: summarize\noutputs: [a.langextract.jsonl]", "line 3: a.langextract.jsonl"),
        ("version: 1\ntask: sumarize", "line 2: the task is sumarize; did you mean `summarize`?"),
        (sound + "labels:\n  - name: a\n    colour: red\n  - b", "line 5: there is no `colour`"),
        (sound + "labels: [a]", "line 3: Found only the label"),
        (sound + "labels: [a,\n  a]", "line 4: Label 'a' stands twice"),
        (sound + "labels: [a, '']", "line 3: Label 2 has an empty name"),
        (sound + "threshold: 2", "line 3: threshold"),
        (sound + "max-tokens: -1", "line 3: max-tokens"),
        (sound + "skip-quoted: maybe", "line 3: skip-quoted"),
        (sound + "outputs: [a.txt]", "line 3: a.txt"),
        (sound + "outputs: a.csv", "line 3: outputs should be a list"),
        (sound + "instruction: ' '", "line 3: the instruction is empty"),
        (
            sound + "reading:\n  jsontext: a",
            "line 4: there is no `jsontext` in reading; did you mean `json-text`? there are json-text, csv-text"
        ),
        (sound + "reading: a", "line 3: reading should be names with values"),
        (sound + "reading:\n  json-text: ' '", "line 4: `json-text` is empty"),
        (sound + "reading:\n  max-depth: deep", "line 4: max-depth should be a whole number"),
        (sound + "reading:\n  max-entries: 0", "line 4: `max-entries` is 0; a whole number from 1"),
        (sound + "reading:\n  max-message: 2G", "line 4: `max-message` is 2G; at most 1G"),
        (sound + "reading:\n  max-document: lots", "line 4: max-document should be a number of bytes"),
        (
            sound + "reading:\n  password: x",
            "line 4: `password` does not stand in files; give --password-file"
        ),
        ("task: classify", "`version: 1` is missing"),
        ("version: 1", "`task: classify` is missing"),
        ("version: 2\ntask: classify", "version 2"),
        ("version: 1\ntask: dance", "line 2: the task is dance"),
        ("version: 1\ntask: [", "line"),
        ("version: 1\nversion: 1\ntask: classify", "twice"),
        ("- a", "line 1: a pipeline should be names with values"),
        ("", "empty"),
    ]

    @Test("a mistake in a pipeline is named with its line", arguments: mistaken)
    func mistakes(text: String, words: String) {
        do {
            _ = try PipelineFile(document: YAMLDocument(path: "p.yaml", text: text))
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.exitStatus == 78)
            #expect(error.description.hasPrefix("p.yaml"))
            #expect(error.description.contains(words), "\(error)")
        }
    }
}

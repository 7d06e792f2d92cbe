import Answers
import Documents
import Ingest
import JSON
import Yams

/// A pipeline in YAML: what `lector classify`, `extract` or `summarize` take as flags, kept in a file.
///
///     version: 1
///     task: classify
///     instruction: Which label fits the text best?
///     labels:
///       - name: spam
///         description: Unasked for, sent to many.
///       - ham
///     multi: false
///     threshold: 0.6
///     max-tokens: 8192
///     skip-quoted: true
///     calibration: true
///     outputs: [results.jsonl, results.csv]
///     report: report.html
///     reading:
///       json-text: body
///       max-document: 20M
///
/// `reading` is how inputs are read, under the names of the flags: see ``ReadingKey``. There are no passwords in it.
///
/// `task: extract` has `schema` (JSON Schema in YAML, or the path of a file), `verbatim`, `ignore-case` and
/// `threshold`;
/// `task: summarize` has `words`, `focus`, `outline`, `style`, `support` and `by`.
package struct PipelineFile: Sendable, Equatable {
    package enum Task: String, Sendable, CaseIterable {
        case classify, extract, summarize

        /// Names that a file of this task may have.
        var keys: [String] {
            let own =
                switch self {
                case .classify:
                    [
                        "instruction", "labels", "multi", "threshold", "max-tokens", "skip-quoted",
                        "calibration",
                    ]
                case .extract: ["schema", "verbatim", "ignore-case", "threshold"]
                case .summarize: ["words", "focus", "outline", "style", "support", "by"]
                }
            return ["version", "task"] + own + ["outputs", "report", "model", "reading"]
        }
    }

    package private(set) var task = Task.classify
    package var labels = LabelList.spamOrHam
    package var multi = false
    package var instruction: String?
    package var threshold: Double?
    package var maxTokens: Int?
    package var skipQuoted = false
    package var calibrates = true
    package var outputs: [String] = []
    package var report: String?
    package var model: String?
    package var reading = IngestOptions()
    private var extraction = AnswerTask.Extraction(schema: .null)
    private var summary = SummaryTask()

    /// What `task` says for verbs other than classify.
    package var answers: AnswerTask? {
        switch task {
        case .classify: nil
        case .extract: .extract(extraction)
        case .summarize: .summarize(summary)
        }
    }

    /// What it does, in a few words.
    package var words: String {
        switch task {
        case .classify: "classifies by \(labels.count) labels" + (multi ? ", any number of them" : "")
        case .extract: "extracts \(answers!.fields.joined(separator: ", "))"
        case .summarize: "summarizes in \(summary.options.words) words"
        }
    }

    /// Reads and checks a file; paths in it are taken from the current folder, that of a schema from the file's.
    ///
    /// - Throws: `.configuration` with the file and line of the first mistake.
    package init(path: String) throws(PipelineError) {
        try self.init(document: try YAMLDocument(path: path))
    }

    package init(document: YAMLDocument) throws(PipelineError) {
        let members = try document.mapping(document.root, what: "a pipeline")
        task = try Self.task(members.first { $0.name.text == "task" }?.value, document)
        var version: Int?
        for (name, value) in members {
            let what = name.text
            guard task.keys.contains(what) else { throw Self.unknown(name, task, document) }
            switch what {
            case "version": version = try document.integer(value, what: what)
            case "task": break
            case "model": model = try document.scalar(value, what: what)
            case "report": report = try document.scalar(value, what: what)
            case "reading": reading = try Self.reading(value, document)
            case "outputs": outputs = try Self.outputs(value, task, document)
            default: try read(what, value, document)
            }
        }
        guard let version else { throw document.error(document.root, "`version: 1` is missing") }
        guard version == 1 else {
            throw document.error(
                document.root, "version \(version) is not known; this lector reads version 1")
        }
        let list = members.first { $0.name.text == "labels" }?.value
        if multi {
            guard let list else {
                throw document.error(document.root, "`multi` needs `labels`: which may apply?")
            }
            do { _ = try ClassificationPrompt(labels: labels).forEachLabel() } catch {
                let entries = Array(list.sequence ?? [])
                throw document.error(LabelSource.place(of: error, in: entries) ?? list, error.description)
            }
        } else if let list, labels.count < 2 {
            throw document.error(list, LabelError.tooFew(found: labels.names).description)
        }
        if task == .extract, extraction.schema.isNull {
            throw document.error(document.root, "`schema` is missing: what should be extracted?")
        }
    }

    private static func task(_ node: Node?, _ document: YAMLDocument) throws(PipelineError) -> Task {
        guard let node else { throw document.error(document.root, "`task: classify` is missing") }
        let text = try document.scalar(node, what: "task")
        guard let task = Task(rawValue: text) else {
            throw document.error(
                node,
                "the task is \(TerminalText.sanitized(text)); "
                    + document.known(text, among: Task.allCases.map(\.rawValue)))
        }
        return task
    }

    private static func unknown(
        _ name: (text: String, node: Node), _ task: Task, _ document: YAMLDocument
    ) -> PipelineError {
        let shown = TerminalText.sanitized(name.text)
        if let other = Task.allCases.first(where: { $0.keys.contains(name.text) }) {
            return document.error(
                name.node,
                "`\(shown)` belongs to the task \(other.rawValue), and this one is \(task.rawValue); it takes "
                    + task.keys.joined(separator: ", "))
        }
        return document.error(
            name.node, "there is no `\(shown)`; " + document.known(name.text, among: task.keys))
    }

    private static func reading(
        _ node: Node, _ document: YAMLDocument
    ) throws(PipelineError) -> IngestOptions {
        var options = IngestOptions()
        for (name, value) in try document.mapping(node, what: "reading") {
            guard let key = ReadingKey.all.first(where: { $0.name == name.text }) else {
                let shown = TerminalText.sanitized(name.text)
                throw document.error(
                    name.node,
                    name.text.hasPrefix("password")
                        ? "`\(shown)` does not stand in files; give --password-file or LECTOR_PASSWORD"
                        : "there is no `\(shown)` in reading; "
                            + document.known(name.text, among: ReadingKey.all.map(\.name)))
            }
            try key.set(value, in: &options, document)
        }
        return options
    }

    private static func outputs(
        _ node: Node, _ task: Task, _ document: YAMLDocument
    ) throws(PipelineError) -> [String] {
        var paths: [String] = []
        for entry in try document.sequence(node, what: "outputs") {
            let path = try document.scalar(entry, what: "an output")
            do throws(PipelineError) {
                _ = try ResultFormat(path: path)
                if task != .classify {
                    try AnswerContext.check(path, task == .extract ? .extract : .summarize)
                }
            } catch { throw document.error(entry, error.description) }
            paths.append(path)
        }
        return paths
    }

    private mutating func read(_ what: String, _ value: Node, _ document: YAMLDocument) throws(PipelineError)
    {
        switch what {
        case "instruction":
            let text = try document.scalar(value, what: what)
            guard text.contains(where: { !$0.isWhitespace }) else {
                throw document.error(value, "the instruction is empty; leave it out for the default")
            }
            instruction = text.last == "\n" ? String(text.dropLast()) : text
        case "labels": labels = try LabelSource.parse(value, in: document, least: 1)
        case "multi": multi = try document.bool(value, what: what)
        case "threshold":
            threshold = try document.share(value, what: what)
            extraction.threshold = threshold ?? 0
        case "max-tokens": maxTokens = try document.integer(value, what: what)
        case "skip-quoted": skipQuoted = try document.bool(value, what: what)
        case "calibration": calibrates = try document.bool(value, what: what)
        case "schema": extraction.schema = try Self.schema(value, document)
        case "verbatim":
            if let names = value.sequence {
                var fields: [String] = []
                for name in names { fields.append(try document.scalar(name, what: "a field")) }
                extraction.verbatim = .fields(fields)
            } else {
                extraction.verbatim = try document.bool(value, what: what) ? .all : .none
            }
        case "ignore-case": extraction.ignoresCase = try document.bool(value, what: what)
        case "words": summary.options.words = try document.integer(value, what: what)
        case "focus": summary.options.focus = try document.scalar(value, what: what)
        case "outline":
            summary.options.outline = try document.bool(value, what: what) ? AnswerTask.outlineEntries : 0
        case "support": summary.leastSupport = try document.share(value, what: what)
        case "style": summary.style = try Self.choice(value, what, document)
        case "by": summary.subject = try Self.choice(value, what, document)
        default: preconditionFailure("\(what) is a key that nobody reads")
        }
    }

    /// One of the names that an enumeration has.
    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ node: Node, _ what: String, _ document: YAMLDocument
    ) throws(PipelineError) -> Choice {
        let text = try document.scalar(node, what: what)
        guard let choice = Choice(rawValue: text) else {
            throw document.error(
                node,
                "`\(what)` is \(TerminalText.sanitized(text)); "
                    + document.known(text, among: Choice.allCases.map(\.rawValue)))
        }
        return choice
    }

    private static func schema(_ node: Node, _ document: YAMLDocument) throws(PipelineError) -> JSONValue {
        let schema: JSONValue
        if let path = node.scalar?.string {
            let place = path.hasPrefix("/") ? path : FileSystem.parent(of: document.path) + "/" + path
            do { schema = try JSONValue(parsing: try FileSystem.read(place, limit: 1 << 24)) } catch {
                throw document.error(node, "the schema \(TerminalText.sanitized(place)): \(error)")
            }
        } else {
            schema = try document.json(node)
        }
        do { _ = try ExtractionSchema(schema) } catch {
            throw document.error(node, "the schema: \(error)")
        }
        return schema
    }
}

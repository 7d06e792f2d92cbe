import Answers
import ArgumentParser
import Documents
import Glibc
import JSON
import Pipelines

struct AskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask",
        abstract: "Asks a text that was read once: one question, a file of them, or a conversation.",
        discussion: """
            The text is read as `lector read` does it, which costs nothing when its state is kept. Questions are
            answered from copies of that state, several at a time; the text is never read again.

            --from reread (the default) finds the passages that fit a question best by words, reads them again behind
            the state, and answers with a quote: a stretch of a passage word for word, with its bytes. --from memory
            answers from the state alone, which knows what a text is about and cannot quote a long one. Rows say which.
            The same question again is answered from the kept answer and runs no token.
            A question after a name that stands nowhere in the text is declined at once, and its row says why.

            Without -q and --questions, on a terminal: one question a line, an empty line or Ctrl-D ends.

            EXAMPLES
              lector ask book.txt -q "Where does Fogg meet Passepartout?"
              lector ask book.txt --questions questions.jsonl -o answers.jsonl
              lector ask inbox.mbox --transcript talk.md
              lector ask reviews.csv --csv-text body -q "What do people complain about?"
              lector ask --state 3f2a9c1b -q "What is it about?" --from memory --json

            A line of --questions is plain text, or JSON: {"id": 1, "question": "..."}

            EXIT STATUS
              0 every question is answered or declined; 1 some are not, or parts of the text were not read; 64 usage;
              65 data; 74 I/O; 78 configuration; 130 and 143 stopped by a signal, with the command to go on
            """)

    @Argument(help: ArgumentHelp("What to ask; left away with --state.", valueName: "input"))
    var inputs: [String] = []

    @Option(name: .shortAndLong, help: "A question; may be given again.")
    var question: [String] = []

    @Option(help: ArgumentHelp("A file of questions, or - .", valueName: "file"))
    var questions: String?

    @Option(help: ArgumentHelp("A state that is kept, by key or title, instead of inputs.", valueName: "key"))
    var state: String?

    @Option(help: "memory, reread, or passages: those alone, without the state, to compare.")
    var from: String = TextQuestions.Source.reread.rawValue

    @Option(help: "Passages that are read again for each question; more of them confuse a small model.")
    var passages = 1

    @Option(help: "Tokens of an answer at most.")
    var answerTokens = 48

    @Flag(help: "Do not use or keep answers given before.")
    var fresh = false

    @Option(
        name: .short,
        help:
            "Write rows to a file instead: .jsonl, .csv, .sqlite, or .html to look through. May be given again."
    )
    var output: [String] = []

    @Option(help: ArgumentHelp("Append questions and answers to a Markdown file.", valueName: "file.md"))
    var transcript: String?

    @Flag(help: "Print JSON rows; --questions does so anyway.")
    var json = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    @OptionGroup(title: "Reading")
    var options: ReadOptions

    func validate() throws {
        guard TextQuestions.Source(rawValue: from) != nil else {
            throw ValidationError("--from \(from): memory, reread or passages was expected")
        }
        if !question.isEmpty && questions != nil { throw ValidationError("give -q or --questions, not both") }
        if inputs.isEmpty == (state == nil) {
            throw ValidationError("give inputs, or --state with the key of a state")
        }
        if question.contains(where: { $0.oneLine.isEmpty }) { throw ValidationError("-q is empty") }
        if passages < 1 || answerTokens < 1 {
            throw ValidationError("--passages and --answer-tokens: at least 1")
        }
        if inputs.contains("-"), questions == "-" || (question.isEmpty && questions == nil) {
            throw ValidationError("standard input is the text; give -q or --questions FILE")
        }
    }

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            let settings = try options.settings()
            let meter = try options.meter(settings)
            for path in output { try AnswerContext.check(path, .ask) }
            let model = try options.open(settings)
            let text: TextReading.Text
            if let state {
                text = try TextReading.open(
                    state, folder: options.statesFolder(settings), model: model, precision: options.stateDtype
                )
            } else {
                guard
                    let read = try options.read(
                        .init(inputs, reading: try reading.over()), settings: settings, model: model,
                        meter: meter)
                else {
                    return 1
                }
                text = read
            }
            var asking = TextQuestions.Options()
            asking.source = TextQuestions.Source(rawValue: from)!
            asking.passages = passages
            asking.asker.answerTokens = answerTokens
            asking.keepsAnswers = !fresh
            let asker = try TextQuestions(text, model: model, options: asking)
            let notes = try transcript.map { try Transcript($0, title: inputs.joined(separator: " ")) }
            let context = AnswerContext(
                kind: .ask, title: state ?? inputs.map(CommandSupport.clean).joined(separator: " "),
                model: AnswerTask.text(of: model), texts: .passages(text.index))
            let writers = try output.map { try context.writer($0) }
            let started = Clock.seconds
            let asked = try options.meter(settings)
            asked.counts.questions = 0
            asked.counts.totalQuestions = questions.flatMap { QuestionFile.count($0) }
            let isWhole = try answer(asker, writers, notes, asked)
            asked.clear()
            if isWhole { for writer in writers { try writer.finish() } }
            if questions != nil, !options.quiet {
                meter.say(summary(asker, text, seconds: Clock.seconds - started))
            }
            guard isWhole else {
                CommandSupport.complain(
                    "stopped after \(asker.count) questions; answers given are kept. Go on with\n    "
                        + CommandSupport.thisCommand)
                return StopSignal.exitStatus(StopSignal.received ?? SIGINT)
            }
            return text.failures.isEmpty && asker.failed == 0 ? 0 : 1
        }
    }

    /// - Returns: Whether everything was answered.
    private func answer(
        _ asker: TextQuestions, _ writers: [any ResultWriter], _ notes: Transcript?, _ meter: ProgressMeter
    ) throws -> Bool {
        func show(_ row: JSONValue) throws {
            try notes?.append(row)
            for writer in writers { try writer.write(row) }
            if !writers.isEmpty || isatty(STDOUT_FILENO) == 0 {
                meter.counts.questions! += 1
                meter.counts.tokens = asker.readTokens
                meter.tick()
            }
            guard writers.isEmpty else { return }
            if json || questions != nil {
                try CommandSupport.print(row.text + "\n")
            } else {
                try CommandSupport.print(Self.words(row))
            }
        }
        if let questions {
            var source = try QuestionFile(questions)
            return try asker.answer(next: { try source.next() }, row: show)
        }
        if !question.isEmpty {
            var rest = question.map { AskedQuestion(text: $0.oneLine) }[...]
            return try asker.answer(next: { rest.popFirst() }, row: show)
        }
        return try converse(asker, show)
    }

    /// One question a line, until an empty one or the end.
    private func converse(_ asker: TextQuestions, _ show: (JSONValue) throws -> Void) throws -> Bool {
        let isTerminal = isatty(STDIN_FILENO) == 1
        while true {
            if isTerminal { CommandSupport.put("? ", to: STDERR_FILENO) }
            // A line can be long in coming, and Ctrl-C must not wait for it.
            var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            while poll(&waiting, 1, 100) <= 0 {
                if StopSignal.received != nil {
                    if isTerminal { CommandSupport.put("\n", to: STDERR_FILENO) }
                    return true
                }
            }
            guard let line = readLine(), case let text = line.oneLine, !text.isEmpty else { return true }
            try show(try asker.answer(AskedQuestion(text: text)))
            if StopSignal.received != nil { return false }
        }
    }

    /// A row for people: the answer, and where it stands.
    private static func words(_ row: JSONValue) -> String {
        guard let answer = row["answer"]?.string else {
            return row["status"]?.string == "abstained" ? declined(row) + "\n" : "Not answered.\n"
        }
        var text = TerminalText.sanitized(answer, limit: 2000) + "\n"
        let spans = row["spans"]?.array ?? []
        for span in spans {
            let place =
                "\(span["part"]?.string ?? "") \(span["start"]?.integer ?? 0)-\(span["end"]?.integer ?? 0)"
            text += "    \(TerminalText.sanitized(place)) (\(row["from"]?.string ?? ""))\n"
        }
        if spans.isEmpty { text += "    from memory; these words do not stand in the text\n" }
        return text
    }

    fileprivate static func declined(_ row: JSONValue) -> String {
        let why = row["warning"]?.string.map { ": " + TerminalText.sanitized($0, limit: 400) } ?? ""
        return "The text does not say\(why)."
    }

    private func summary(_ asker: TextQuestions, _ text: TextReading.Text, seconds: Double) -> String {
        let each = asker.count > 0 ? seconds / Double(asker.count) * 1000 : 0
        return "\(asker.count) questions in \(JSONValue.decimal(seconds, places: 1).text) s "
            + "(\(JSONValue.decimal(each, places: 0 + 1).text) ms each, \(asker.readTokens) tokens), "
            + "\(asker.declined) declined, \(asker.keptAnswers) answered before; the text has \(text.state.tokens) tokens"
    }
}

/// Questions and answers as Markdown, appended as they come.
private final class Transcript {
    private let descriptor: Int32
    private let path: String

    init(_ path: String, title: String) throws(PipelineError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .io("cannot write \(CommandSupport.clean(path)): \(String(cString: strerror(errno)))")
        }
        try write("# \(CommandSupport.clean(title))\n\n")
    }

    deinit { close(descriptor) }

    func append(_ row: JSONValue) throws(PipelineError) {
        let clean = { (text: String?) in TerminalText.sanitized(text ?? "", limit: 4000) }
        var text = "**\(clean(row["question"]?.string))**\n\n"
        text += "\(row["answer"]?.string.map { clean($0) } ?? AskCommand.declined(row))\n\n"
        for span in row["spans"]?.array ?? [] {
            text += "> \(clean(span["text"]?.string)) (`\(clean(span["part"]?.string))`, bytes "
            text += "\(span["start"]?.integer ?? 0) to \(span["end"]?.integer ?? 0))\n\n"
        }
        try write(text)
    }

    private func write(_ text: String) throws(PipelineError) {
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw .io("cannot write \(CommandSupport.clean(path)): \(String(cString: strerror(errno)))")
        }
    }
}

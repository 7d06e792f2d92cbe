import Answers
import ArgumentParser
import Pipelines

struct SummarizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summarize",
        abstract: "What a document, a thread or a folder says, each sentence with its places in the text.",
        discussion: """
            Documents of any length. A sentence of an extractive summary is a slice of the text; its span says
            where. A sentence that the model wrote has the sentences of the text that bear it out, and how far.

            EXAMPLES
              lector summarize book.txt --words 300 --outline
              lector summarize minutes.txt --focus "budget and deadlines"
              lector summarize inbox.mbox --by thread -o summaries.csv -o review.html
              lector summarize reviews.jsonl --json-text body -o summaries.jsonl
              lector summarize log.txt --since yesterday.jsonl -o today.jsonl

            EXIT STATUS
              0 every row is ok; 1 finished, some rows are not; 64 usage; 74 I/O; 130 and 143 stopped by a
              signal: the same command goes on
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Option(help: "Words of a summary at most.")
    var words = 120

    @Option(help: "What the summary should be about.")
    var focus: String?

    @Flag(help: "Also the sections, by headings or by subject, each with the sentence that says most of it.")
    var outline = false

    @Option(
        help:
            "extractive: sentences of the text; abstractive: the model writes them, and those that the text does not bear out are dropped."
    )
    var style = SummaryTask.Style.extractive.rawValue

    @Option(help: "With --style abstractive: support, from 0 to 1, below which a sentence is dropped.")
    var support = 0.5

    @Option(help: "What gets one summary: document, thread, folder (a mailbox is one, too) or all.")
    var by = SummaryTask.Subject.document.rawValue

    @Option(
        help: ArgumentHelp(
            "Rows of an earlier run (.jsonl): what was added to the texts since is summarized by itself, too.",
            valueName: "rows"))
    var since: String?

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    @OptionGroup(title: "Output")
    var options: AnswerOptions

    func validate() throws {
        guard words > 0 else { throw ValidationError("--words \(words): a number above 0 was expected") }
        guard SummaryTask.Style(rawValue: style) != nil else {
            throw ValidationError("--style \(style): extractive or abstractive was expected")
        }
        guard SummaryTask.Subject(rawValue: by) != nil else {
            throw ValidationError("--by \(by): document, thread, folder or all was expected")
        }
        guard 0...1 ~= support else {
            throw ValidationError("--support \(support): a number from 0 to 1 was expected")
        }
    }

    func run() throws {
        try CommandSupport.run {
            var task = SummaryTask()
            task.options.words = words
            task.options.focus = focus
            task.options.outline = outline ? AnswerTask.outlineEntries : 0
            task.style = SummaryTask.Style(rawValue: style)!
            task.subject = SummaryTask.Subject(rawValue: by)!
            task.leastSupport = support
            if let since { task.earlier = try FileSystem.read(since, limit: 1 << 30) }
            return try options.execute(.summarize(task), inputs: .init(inputs, reading: try reading.over()))
        }
    }
}

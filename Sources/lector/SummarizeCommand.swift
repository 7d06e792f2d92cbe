import Answers
import ArgumentParser
import Pipelines

struct SummarizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summarize",
        abstract: "The sentences that say most of a document, in its order, each with its place.",
        discussion: """
            Documents of any length. Every sentence of a summary is a slice of the text; its span says where.

            EXAMPLES
              lector summarize book.txt --words 300 --outline
              lector summarize minutes.txt --focus "budget and deadlines"
              lector summarize inbox.mbox -o summaries.csv -o review.html

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

    @Flag(help: "Also the weightiest sentence of each of twelve stretches of the document.")
    var outline = false

    @Option(help: "extractive.")
    var style = "extractive"

    @OptionGroup(title: "Output")
    var options: AnswerOptions

    func validate() throws {
        guard words > 0 else { throw ValidationError("--words \(words): a number above 0 was expected") }
        guard style == "extractive" else {
            throw ValidationError(
                "--style \(style): summaries are extractive; abstractive ones are not there yet")
        }
    }

    func run() throws {
        try CommandSupport.run {
            var summary = ExtractiveSummary.Options()
            summary.words = words
            summary.focus = focus
            summary.outline = outline ? AnswerTask.outlineEntries : 0
            return try options.execute(.summarize(summary), inputs: inputs)
        }
    }
}

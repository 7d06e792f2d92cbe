import ArgumentParser
import Ingest
import JSON
import Pipelines

struct RefineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refine",
        abstract: "Looks at the rows of classify once more, by the words that the documents share.",
        discussion: """
            INPUT is what `classify` read, named as it was then; the rows are what it wrote. A model that has never seen a
            collection is wrong about some of its documents, but those of a label share words: these are learned from the
            rows themselves, without any example, and what the model said and what the words say give new labels; of mails,
            how often their sender writes counts, too. Worth trying on hundreds of documents of one kind and labels that the
            model was not made for; rows then depend on one another, and probabilities are surer than they should be. The
            model reads nothing again: it takes seconds.

            Rows without an answer stay as they are. `--dry-run` says what would change.

            EXAMPLES
              lector classify tickets/ --labels billing,outage,praise -o rows.jsonl
              lector refine tickets/ --rows rows.jsonl -o refined.jsonl
              lector refine tickets/ --rows rows.jsonl --dry-run
              lector eval refined.jsonl --gold gold.jsonl --against rows.jsonl

            EXIT STATUS
              0 every row was looked at; 1 some had no answer, or no document in the input; 64 usage; 65 data; 74 I/O;
              78 configuration; 130 and 143 stopped by a signal
            """)

    @Argument(help: ArgumentHelp("What classify read.", valueName: "input"))
    var inputs: [String]

    @Option(help: ArgumentHelp("The rows that classify wrote.", valueName: "file.jsonl"))
    var rows: String

    @Option(name: .short, help: ArgumentHelp("Where the rows go: .jsonl or .csv.", valueName: "file"))
    var output: String?

    @Flag(help: "Say what would change, and write nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("A label less probable than this is none (0 to 1).", valueName: "p"))
    var threshold: Double?

    @Flag(help: "Leave out what mails quote of earlier ones.")
    var skipQuoted = false

    @Flag(help: "Say how it went as JSON on standard output.")
    var json = false

    @Option(help: "The model whose tokens are the words; without it the bundled model.")
    var model: String?

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    func validate() throws {
        if (output == nil) != dryRun {
            throw ValidationError(
                dryRun
                    ? "--dry-run writes nothing; leave -o away"
                    : "-o names the file for the rows; --dry-run writes none")
        }
        if let threshold, !(0...1).contains(threshold) {
            throw ValidationError("--threshold \(threshold): a number from 0 to 1 was expected")
        }
        if inputs.contains("-") {
            throw ValidationError("standard input was read by classify and is gone; give files")
        }
        if let output, inputs.contains(output) || output == rows {
            throw ValidationError("the output is one of the inputs")
        }
    }

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            let settings = try Settings(environment: CommandSupport.environment)
            let meter = try CommandSupport.meter(settings, progress: progress, quiet: quiet)
            var target = RunRequest.Output()
            target.modelPath = settings.text(.model, flag: model)
            var request = Refinement.Request(inputs: .init(inputs, reading: try reading.over()), rows: rows)
            request.output = output
            request.threshold = threshold
            request.skipQuoted = skipQuoted
            let tokenizer = try ModelOpening.open(target).tokenizer
            guard let outcome = try Refinement(request, tokenizer: tokenizer, progress: meter).run() else {
                CommandSupport.complain("stopped; nothing was written")
                return StopSignal.exitStatus(StopSignal.received ?? 2)
            }
            if json { try CommandSupport.print(summary(outcome).text + "\n") }
            meter.clear()
            meter.say(words(outcome))
            return outcome.unanswered + outcome.missing == 0 ? 0 : 1
        }
    }

    private func summary(_ outcome: Refinement.Outcome) -> JSONValue {
        func byLabel(_ counts: [Int]) -> JSONValue {
            .object(zip(outcome.labels, counts).map { JSONMember($0, .integer($1)) })
        }
        return .object([
            JSONMember("rows", .integer(outcome.rows)), JSONMember("refined", .integer(outcome.refined)),
            JSONMember("changed", .integer(outcome.changed)),
            JSONMember("unanswered", .integer(outcome.unanswered)),
            JSONMember("missing", .integer(outcome.missing)),
            JSONMember("unasked", .integer(outcome.unasked)),
            JSONMember("rounds", .integer(outcome.rounds)), JSONMember("before", byLabel(outcome.before)),
            JSONMember("after", byLabel(outcome.after)),
        ])
    }

    private func words(_ outcome: Refinement.Outcome) -> String {
        let moved = zip(outcome.labels, zip(outcome.before, outcome.after)).filter { $1.0 != $1.1 }
        let list = moved.prefix(6).map { "\(CommandSupport.clean($0)) \($1.0) -> \($1.1)" }.joined(
            separator: ", ")
        let rest = moved.count > 6 ? " and \(moved.count - 6) labels more" : ""
        var text =
            "\(outcome.changed) of \(outcome.refined) labels \(dryRun ? "would be" : "are") others after \(outcome.rounds) \(outcome.rounds == 1 ? "round" : "rounds")"
        if !list.isEmpty { text += " (\(list)\(rest))" }
        if outcome.unanswered > 0 { text += "; \(outcome.unanswered) rows without an answer" }
        if outcome.missing > 0 { text += "; \(outcome.missing) rows whose document is not in the input" }
        if outcome.unasked > 0 { text += "; \(outcome.unasked) documents without a row" }
        return text
    }
}

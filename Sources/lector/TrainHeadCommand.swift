import Answers
import ArgumentParser
import Ingest
import JSON
import Pipelines

struct TrainHeadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-head",
        abstract: "Learns labels from examples: a linear head on the frozen model's states.",
        discussion: """
            INPUT is JSON lines with the fields text and label, a table with such columns (--csv-text), or anything that `classify` reads with the labels
            in --gold, as `eval` takes them. A few examples a label are enough to begin; a few hundred take
            seconds. The file that it writes belongs to this model: `classify --head` refuses another.

            EXAMPLES
              lector train-head examples.jsonl -o tickets.lhd
              lector train-head tickets.csv --csv-text body --json-label team -o tickets.lhd
              lector train-head inbox.mbox --gold labels.jsonl -o mine.lhd
              lector classify new.mbox --head mine.lhd -o rows.jsonl

            EXIT STATUS
              0 the head is there; 1 it is, and some documents had no label or could not be read; 64 usage;
              65 data; 74 I/O; 78 configuration; 130 and 143 stopped by a signal
            """)

    @Argument(help: ArgumentHelp("Labelled examples.", valueName: "input"))
    var inputs: [String]

    @Option(name: .short, help: ArgumentHelp("The head to write.", valueName: "file.lhd"))
    var output: String

    @Option(help: ArgumentHelp("Labels by item, row number or order (JSONL).", valueName: "file"))
    var gold: String?

    @Option(help: ArgumentHelp("Labels and their order; without it those that occur.", valueName: "a,b,c"))
    var labels: String?

    @Option(help: ArgumentHelp("Labels with descriptions (YAML).", valueName: "file"))
    var labelsFile: String?

    @Option(help: "The question; without it: Which label fits the text best?")
    var instruction: String?

    @Option(help: "The field of a JSON line, or the column of a CSV, that holds the label.")
    var jsonLabel = "label"

    @Option(help: "Read at most so many tokens of a document.")
    var maxTokens: Int?

    @Flag(help: "Leave out what mails quote of earlier ones.")
    var skipQuoted = false

    @Flag(help: "Say how it went as JSON on standard output.")
    var json = false

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    func validate() throws {
        if labels != nil && labelsFile != nil {
            throw ValidationError("--labels and --labels-file both name labels; give one of them")
        }
        if instruction?.contains(where: { !$0.isWhitespace }) == false {
            throw ValidationError("--instruction is empty; leave it away for the default")
        }
        if let maxTokens, maxTokens < 1 {
            throw ValidationError("--max-tokens \(maxTokens): a number above 0 was expected")
        }
        if inputs.contains(output) { throw ValidationError("the output is one of the inputs") }
    }

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            let settings = try Settings(environment: CommandSupport.environment)
            let meter = try CommandSupport.meter(settings, progress: progress, quiet: quiet)
            var target = RunRequest.Output()
            target.modelPath = settings.text(.model, flag: model)
            target.threads = try settings.integer(.threads, flag: threads)
            let parent = FileSystem.parent(of: output)
            guard FileSystem.isFolder(parent) else {
                throw PipelineError.io(
                    "cannot write \(CommandSupport.clean(output)): there is no folder \(CommandSupport.clean(parent))"
                )
            }
            var defaults = IngestOptions()
            // Without --gold the labels stand beside the texts, in lines of JSON unless other records are named.
            if gold == nil, !reading.namesRecords { defaults.jsonTextField = "text" }
            var request = HeadTraining.Request(inputs: .init(inputs, reading: try reading.over(defaults)))
            request.gold = gold
            request.labelField = jsonLabel
            if let labelsFile { request.labels = try LabelSource.read(labelsFile) }
            if let labels { request.labels = try LabelSource.parse(labels) }
            request.instruction = instruction
            request.maxTokens = maxTokens
            request.skipQuoted = skipQuoted
            let loaded = try ModelOpening.open(target)
            guard let outcome = try HeadTraining(request, model: loaded, progress: meter).run() else {
                CommandSupport.complain("stopped; nothing was written")
                return StopSignal.exitStatus(StopSignal.received ?? 2)
            }
            try HeadFile.write(outcome.head, to: output)
            if json { try CommandSupport.print(summary(outcome).text + "\n") }
            meter.say(words(outcome))
            return outcome.unlabelled + outcome.unread == 0 ? 0 : 1
        }
    }

    private func summary(_ outcome: HeadTraining.Outcome) -> JSONValue {
        let training = outcome.head.training
        return .object([
            JSONMember("head", .string(output)), JSONMember("digest", .string(outcome.head.digest)),
            JSONMember("documents", .integer(outcome.documents)),
            JSONMember("examples", .integer(training.examples)),
            JSONMember("unlabelled", .integer(outcome.unlabelled)),
            JSONMember("unread", .integer(outcome.unread)), JSONMember("tokens", .integer(outcome.tokens)),
            JSONMember(
                "labels",
                .object(zip(outcome.head.labels, outcome.counts).map { JSONMember($0.name, .integer($1)) })),
            JSONMember("regularization", .decimal(training.regularization)),
            JSONMember("validationAccuracy", .decimal(training.validationAccuracy)),
            JSONMember("validationLoss", .decimal(training.validationLoss)),
        ])
    }

    private func words(_ outcome: HeadTraining.Outcome) -> String {
        let training = outcome.head.training
        let accuracy = JSONValue.decimal(100 * training.validationAccuracy, places: 1).text
        let loss = JSONValue.decimal(training.validationLoss, places: 3).text
        let left = outcome.unlabelled + outcome.unread
        return
            "\(CommandSupport.clean(output)): \(training.examples) examples of \(outcome.counts.count) labels, "
            + "\(accuracy) % of those left out are right (loss \(loss) nats)"
            + (left > 0
                ? "; \(outcome.unlabelled) documents without a label, \(outcome.unread) not read" : "")
    }
}

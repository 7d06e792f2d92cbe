import Answers
import ArgumentParser
import Documents
import Pipelines

struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Sorts mails and other documents: one label each, or any number, with probabilities.",
        discussion: """
            INPUT is a file, a folder, an archive or - ; kinds are recognized by content. Rows are JSON
            on standard output, or go to the files of -o. Ctrl-C stops after a checkpoint; the same
            command, or `lector resume`, goes on.

            With --multi any number of the labels may apply to a document: each is
            asked for by itself, against "none of these". Rows have `labels`, a list
            that may be empty, and no row abstains.

            EXAMPLES
              lector classify inbox.mbox -o results.jsonl --report report.html
              lector classify ~/Documents --labels invoice,contract,private -o sorted.csv
              lector classify mail.zip --labels-file labels.yaml --threshold 0.8 -o results.sqlite
              lector classify tickets --labels urgent,refund,praise --multi -o tags.csv
              lector classify tickets --head tickets.lhd -o sorted.csv
              lector classify reviews.csv --csv-text body --labels praise,complaint -o sorted.csv
              lector classify inbox.mbox --sample 50 --report sample.html
              lector classify inbox.mbox --dry-run

            EXIT STATUS
              0 every row is ok or abstained; 1 finished, some rows are not; 64 usage; 65 data, a
              damaged model among them; 74 I/O, a full disk among them; 75 another process works on
              the run; 78 configuration; 130 and 143 stopped by a signal, with the command to go on
            """)

    @Argument(help: ArgumentHelp("What to sort.", valueName: "input"))
    var inputs: [String]

    @Option(help: ArgumentHelp("Labels to choose from.", valueName: "a,b,c"))
    var labels: String?

    @Option(help: ArgumentHelp("Labels with descriptions and examples (YAML).", valueName: "file"))
    var labelsFile: String?

    @Option(help: ArgumentHelp("Let a head of `train-head` read the labels off.", valueName: "file.lhd"))
    var head: String?

    @Option(help: "The question; without it: Which label fits the text best?")
    var instruction: String?

    @Flag(help: "Any number of the labels may apply, or none.")
    var multi = false

    @Option(help: "Below this probability a row abstains; with --multi, a label does not apply (0.5).")
    var threshold: Double?

    @Option(help: "Read at most so many tokens of a document; longer ones are partial.tokens.")
    var maxTokens: Int?

    @Flag(help: "Probabilities as the prompt gives them, without taking back what it says of empty texts.")
    var noCalibration = false

    @Flag(help: "Leave out what mails quote of earlier ones.")
    var skipQuoted = false

    @Option(help: "Read only so many documents, chosen by digest.")
    var sample: Int?

    @Flag(help: "Count documents and tokens, estimate time and disk, and stop.")
    var dryRun = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    @OptionGroup(title: "Run")
    var options: RunOptions

    func validate() throws {
        if multi, head != nil {
            throw ValidationError(
                "--multi: a head gives each document one label; leave --multi or --head away")
        }
        if labels != nil && labelsFile != nil {
            throw ValidationError("--labels and --labels-file both name labels; give one of them")
        }
        if let sample, sample < 1 {
            throw ValidationError("--sample \(sample): a number above 0 was expected")
        }
        if instruction?.contains(where: { !$0.isWhitespace }) == false {
            throw ValidationError("--instruction is empty; leave it away for the default")
        }
    }

    func run() throws {
        try CommandSupport.run {
            let settings = try options.settings()
            let (request, note) = try request(settings)
            if dryRun { return try options.estimate(request) }
            return try options.execute(request, run: options.run, note: note)
        }
    }

    /// What the flags ask for, with a word on what was left to us.
    func request(_ settings: Settings) throws -> (RunRequest, note: String?) {
        var request = RunRequest(inputs: .init(inputs, reading: try reading.over()))
        var note: String?
        if let head {
            request.head = try HeadFile.read(head)
            try HeadFile.check(request.head!, asked: labels.map { try LabelSource.parse($0) })
            if labelsFile != nil || instruction != nil {
                throw ValidationError("--head brings labels and question with it; leave yours away")
            }
        } else if let path = labelsFile ?? (labels == nil ? settings.text(.labelsFile) : nil) {
            request.labels = try LabelSource.read(path, least: multi ? 1 : 2)
        } else if let text = settings.text(.labels, flag: labels) {
            request.labels = try LabelSource.parse(text, least: multi ? 1 : 2)
        } else if multi {
            throw ValidationError("--multi needs labels that may apply: --labels a,b,c or --labels-file FILE")
        } else {
            note = "labels: spam, ham. For others: --labels a,b,c or --labels-file FILE"
        }
        if head == nil { request.instruction = settings.text(.instruction, flag: instruction) }
        request.multi = multi
        request.threshold = try settings.share(.threshold, flag: threshold)
        request.maxTokens = try settings.integer(.maxTokens, flag: maxTokens)
        request.skipQuoted = try settings.flag(.skipQuoted, flag: skipQuoted)
        request.sample = sample
        request.calibrates = !noCalibration
        try options.apply(to: &request.output, settings)
        return (request, note)
    }
}

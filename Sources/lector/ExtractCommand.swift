import Answers
import ArgumentParser
import JSON
import Pipelines

struct ExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Fields as JSON that fits a schema, each string copied from the text, with its place.",
        discussion: """
            SCHEMA is JSON Schema (2020-12): an object, or an array of objects. What it says is enforced
            while the answer is written; a keyword that cannot be enforced is an error with its place.
            Strings are copied from the document unless --verbatim says otherwise, so that none is
            invented. A field that is not in the text is null, with the probability of that. Long documents
            are read section by section, and what the sections say is put together.

            EXAMPLES
              lector extract contract.txt --schema contract.json
              lector extract mail.zip --schema order.json -o orders.jsonl -o orders.csv -o review.html
              lector extract notes/ --schema people.json -o people.langextract.jsonl
              lector extract dump.xml --xml-record mediawiki/page --xml-text revision/text --schema page.json
              lector extract notes/ --schema minutes.json --verbatim decisions,owner

            EXIT STATUS
              0 every row is ok; 1 finished, some rows are not; 64 usage; 65 data, a schema that cannot be
              enforced among it; 74 I/O; 130 and 143 stopped by a signal: the same command goes on
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Option(help: ArgumentHelp("JSON Schema of the answer.", valueName: "file"))
    var schema: String

    @Option(help: "Strings to copy from the text: on, off, or names of fields.")
    var verbatim = "on"

    @Flag(help: "Copied strings may differ from the text in upper and lower case.")
    var ignoreCase = false

    @Option(
        help:
            "Values less probable than this (0 to 1) stay out of the data; the fields of a row have them, marked."
    )
    var threshold = 0.0

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    @OptionGroup(title: "Output")
    var options: AnswerOptions

    func validate() throws {
        guard 0...1 ~= threshold else {
            throw ValidationError("--threshold \(threshold): a number from 0 to 1 was expected")
        }
    }

    func run() throws {
        try CommandSupport.run {
            let json: JSONValue
            do { json = try JSONValue(parsing: try FileSystem.read(schema, limit: 1 << 24)) } catch let error
                as JSONError
            {
                throw PipelineError.data("\(CommandSupport.clean(schema)): \(error)")
            }
            let mode: ExtractionSchema.Verbatim =
                switch verbatim {
                case "on": .all
                case "off": .none
                default: .fields(verbatim.split(separator: ",").map(String.init))
                }
            var extraction = AnswerTask.Extraction(schema: json)
            extraction.verbatim = mode
            extraction.ignoresCase = ignoreCase
            extraction.threshold = threshold
            return try options.execute(
                .extract(extraction), inputs: .init(inputs, reading: try reading.over()))
        }
    }
}

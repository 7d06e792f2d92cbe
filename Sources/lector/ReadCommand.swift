import ArgumentParser
import Documents
import JSON
import Pipelines

struct ReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Reads a text of any length once and keeps its state, for `ask` and for later.",
        discussion: """
            All inputs of a command are one text: a book, a mailbox, a folder of logs. Its state stays a few
            megabytes however long it is, and is found again by the text itself: read the same again and
            nothing is read; read a longer version, a mailbox with new mail, a log that was appended to, and only
            what is new goes through the model. Where a text was changed, the last state before the change is
            used. Ctrl-C keeps the state where it stands; the same command goes on from there.

            EXAMPLES
              lector read book.txt
              lector read inbox.mbox && lector ask inbox.mbox -q "Who wants to move the meeting?"
              lector read --json ~/logs | grep -o '"cached_tokens": [0-9]*'
              lector read letters.zip --password-file ~/.zip-password
              zcat huge.txt.gz | lector read -

            EXIT STATUS
              0 all was read; 1 read, but some documents were not ok; 64 usage; 65 data; 74 I/O, a full disk among
              them; 78 configuration; 130 and 143 stopped by a signal, with the command to go on
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Flag(help: "Print one JSON row instead of the state's key.")
    var json = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    @OptionGroup(title: "Reading")
    var options: ReadOptions

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            let settings = try options.settings()
            let meter = try options.meter(settings)
            let model = try options.open(settings)
            guard
                let text = try options.read(
                    .init(inputs, reading: try reading.over()), settings: settings, model: model, meter: meter
                )
            else {
                return 1
            }
            let state = text.state
            if json {
                let (constant, growing) = state.session.byteCounts
                let row = JSONValue.object([
                    JSONMember("item", .string(inputs.joined(separator: " "))),
                    JSONMember("status", .string(text.failures.isEmpty ? "ok" : "partial.damaged")),
                    JSONMember("state", .string(state.key.description)),
                    JSONMember("documents", .integer(text.documents)),
                    JSONMember("notRead", .integer(text.failures.count)),
                    JSONMember("tokens", .integer(state.tokens)),
                    JSONMember("cached_tokens", .integer(state.cachedTokens)),
                    JSONMember("read_tokens", .integer(state.readTokens)),
                    JSONMember("miss", .optional(state.miss?.description)),
                    JSONMember("passages", .integer(text.index.count)),
                    JSONMember("stateBytes", .integer(constant + growing)),
                    JSONMember("growingBytes", .integer(growing)),
                    JSONMember("seconds", .decimal(text.seconds, places: 3)),
                    JSONMember("model", .string("\(model.name)@\(model.engine.fingerprint.prefix(12))")),
                ])
                try CommandSupport.print(row.text + "\n")
            } else {
                try CommandSupport.print(state.key.description + "\n")
                if !options.quiet {
                    let rate = text.seconds > 0 ? Int(Double(state.readTokens) / text.seconds) : 0
                    var line = "\(state.tokens) tokens, \(state.readTokens) of them read now"
                    if state.readTokens > 0 { line += " (\(rate) tokens/s)" }
                    if let miss = state.miss { line += ": \(CommandSupport.clean(miss.description))" }
                    meter.say(line)
                }
            }
            return text.failures.isEmpty ? 0 : 1
        }
    }
}

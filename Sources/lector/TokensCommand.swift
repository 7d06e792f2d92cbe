import Answers
import ArgumentParser
import Completions
import Documents
import Inference
import Ingest
import JSON
import Tokenization

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Counts the tokens of every document and estimates how long reading takes.",
        discussion: """
            A document is counted as `classify` reads it: a mail with its From, To, Cc, Subject and
            Attachments lines. The estimate is measured on this machine, now, in half a second.

            EXAMPLES
              lector tokens inbox.mbox
              lector tokens --json archive.zip | grep '"summary"'
              lector tokens --skip-quoted ~/Mail
              lector tokens reviews.jsonl --json-text body
              lector tokens --price 0.30,0.60 inbox.mbox

            EXIT STATUS
              0 every document is ok; 1 finished, some are not; 64 usage; 74 the output cannot be
              written; 78 there is no model
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Flag(help: "Leave out quoted text of earlier mails.")
    var skipQuoted = false

    @Flag(help: "Print one JSON row a document, and one with the summary.")
    var json = false

    @Flag(help: "With --json: the ids of every document too.")
    var ids = false

    @Option(
        help: ArgumentHelp(
            "Also what an endpoint asks for reading this, at dollars for a million tokens read and written.",
            valueName: "in,out"))
    var price: TokenPrice?

    @Flag(help: "Do not measure; print counts only.")
    var noEstimate = false

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    func run() throws {
        try CommandSupport.run { try print() }
    }

    private func print() throws -> Int32 {
        let options = try reading.over()
        let loaded: LoadedModel
        do {
            loaded = try LoadedModel.open(path: model)
        } catch {
            CommandSupport.complain("\(error)")
            return 78
        }
        do {
            let output = try OutputFile(path: nil)
            let isComplete = try print(DocumentStream(inputs: inputs, options: options), loaded, output)
            try output.finish()
            return isComplete ? 0 : 1
        } catch let error as OutputFile.Failure {
            CommandSupport.complain("\(error)")
            return 74
        }
    }

    /// - Returns: Whether every document is ok.
    private func print(_ stream: DocumentStream, _ loaded: LoadedModel, _ output: OutputFile) throws -> Bool {
        var rendering = DocumentRendering(skipsQuoted: skipQuoted)
        var encoder = StreamingEncoder(loaded.tokenizer)
        var text: [UInt8] = []
        var ids: [Int32] = []
        var document: Document?
        var kept: [Int32] = []
        var (count, bytes) = (0, 0)
        var total = (documents: 0, notOK: 0, tokens: 0, bytes: 0)
        while let event = stream.next() {
            text.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
            rendering.append(event, to: &text)
            encoder.append(text, into: &ids)
            bytes += text.count
            switch event {
            case .begin(let begun): document = begun
            case .text: break
            case .end(let end):
                encoder.finish(into: &ids)
                count += ids.count
                if self.ids { kept += ids }
                try printRow(document?.address ?? "", end.status, tokens: count, bytes: bytes, kept, output)
                kept = []
                total.documents += 1
                total.notOK += end.status.isComplete ? 0 : 1
                total.tokens += count
                total.bytes += bytes
                (count, bytes) = (0, 0)
                continue
            }
            count += ids.count
            if self.ids { kept += ids }
        }
        try printSummary(total, noEstimate ? nil : tokensPerSecond(loaded), output)
        return total.notOK == 0
    }

    private func printRow(
        _ address: String, _ status: ItemStatus, tokens: Int, bytes: Int, _ ids: [Int32],
        _ output: OutputFile
    ) throws {
        if json {
            var row = [
                JSONMember("item", .string(address)), JSONMember("status", .string(status.description)),
                JSONMember("tokens", .integer(tokens)), JSONMember("bytes", .integer(bytes)),
            ]
            if self.ids { row.append(JSONMember("ids", .array(ids.map { .integer(Int($0)) }))) }
            try output.write(JSONValue.object(row).bytes)
        } else {
            let note = status == .ok ? "" : "  \(status)"
            try output.write("\(padded(tokens))  \(TerminalText.sanitized(address))\(note)".utf8)
        }
        try output.write([0x0A])
    }

    private func printSummary(
        _ total: (documents: Int, notOK: Int, tokens: Int, bytes: Int), _ rate: Double?,
        _ output: OutputFile
    ) throws {
        let seconds = rate.map { Double(total.tokens) / $0 }
        if json {
            var summary = [
                JSONMember("documents", .integer(total.documents)),
                JSONMember("notOK", .integer(total.notOK)),
                JSONMember("tokens", .integer(total.tokens)), JSONMember("bytes", .integer(total.bytes)),
                JSONMember("tokensPerSecond", rate.map { .decimal($0, places: 1) } ?? .null),
                JSONMember("seconds", seconds.map { .decimal($0, places: 1) } ?? .null),
            ]
            if let price {
                summary.append(price.member(read: total.tokens))
            }
            try output.write(JSONValue.object([JSONMember("summary", .object(summary))]).bytes)
            try output.write([0x0A])
            return
        }
        var line = "\(padded(total.tokens))  tokens in \(total.documents) documents, \(total.bytes) bytes"
        if let rate, let seconds {
            line += "; about \(duration(seconds)) at \(Int(rate)) tokens/s on this machine"
        }
        if let price {
            line += "; \(price.words(read: total.tokens))"
        }
        try output.write((line + "\n").utf8)
    }

    /// The rate of full batches, over half a second or so.
    private func tokensPerSecond(_ loaded: LoadedModel) -> Double {
        let rows = Classifier.Options().rowsPerStep
        let ids = (0..<rows).map { Int32(100 + $0 * 7 % min(loaded.engine.vocabularySize - 100, 20_000)) }
        let session = loaded.engine.makeSession()
        func read() { _ = loaded.engine.advance([PrefillItem(session: session, tokens: ids[...])]) }
        read()  // pages of the weights are touched for the first time
        let clock = ContinuousClock()
        let start = clock.now
        var count = 0
        repeat {
            read()
            count += rows
        } while clock.now - start < .milliseconds(400)
        return Double(count) / ((clock.now - start) / .seconds(1))
    }

    private func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: " ", count: max(0, 10 - digits.count)) + digits
    }

    private func duration(_ seconds: Double) -> String {
        if seconds < 90 { return "\(Int(seconds.rounded(.up))) s" }
        if seconds < 5400 { return "\(Int((seconds / 60).rounded(.up))) min" }
        return "\(Int((seconds / 3600).rounded(.up))) h"
    }
}

import Answers
import Documents
import Inference
import Ingest
import JSON

/// What a run would cost, found out by doing everything but reading with the model.
package struct RunEstimate: Sendable {
    package var documents = 0
    /// Documents of which nothing can be read.
    package var notRead = 0
    package var duplicates = 0
    /// Tokens that would go through the model, prompts among them.
    package var tokens = 0
    package var longest = 0
    package var textBytes = 0
    package var tokensPerSecond = 0.0
    /// Rows, journal and states at their largest.
    package var diskBytes = 0
    package var sampledFrom: Int?

    init() {}

    package var seconds: Double { tokensPerSecond > 0 ? Double(tokens) / tokensPerSecond : 0 }

    /// Counts the input with the model's own tokenizer and times the model for a moment.
    package init(_ request: RunRequest, model: LoadedModel, progress: ProgressMeter) throws {
        let questions = try EncodedQuestions(
            ClassificationPrompt(
                labels: request.labels,
                instruction: request.instruction ?? ClassificationPrompt.defaultInstruction),
            readout: request.multi ? .eachLabel : request.head.map { .head($0) } ?? .labels,
            tokenizer: model.tokenizer)
        var chosen: ArraySlice<Int>?
        if let count = request.sample {
            let selection = try SampleSelection(count, of: request.inputs)
            chosen = selection.places[...]
            sampledFrom = selection.total
        }
        var keys: Set<DuplicateIndex.Key> = []
        var reader: ItemReader?
        var count = 0
        var held: [Int32] = []
        var place = -1
        let stream = request.inputs.documents()
        while let event = stream.next(), StopSignal.received == nil {
            switch event {
            case .begin(let document):
                place += 1
                if chosen != nil {
                    guard chosen?.first == place else { continue }
                    chosen?.removeFirst()
                }
                reader = ItemReader(
                    index: 0, document: document, tokenizer: model.tokenizer, skipsQuoted: request.skipQuoted)
                count = 0
                held = []
                diskBytes += 600 + 2 * document.metadata.reduce(0) { $0 + $1.value.utf8.count }
            case .text:
                reader?.append(event)
                if let tokens = reader?.takeTokens() {
                    count += tokens.count
                    if count <= ClassificationLoop.heldTokens { held += tokens }
                }
            case .end(let end):
                guard reader != nil else { continue }
                reader!.append(event)
                let last = reader!.takeTokens()
                count += last.count
                let isEmpty = reader!.isEmpty
                reader = nil
                documents += 1
                textBytes += end.textBytes
                progress.counts.documents = documents
                progress.tick()
                switch end.status {
                case .failed, .skipped:
                    notRead += 1
                    continue
                default:
                    if isEmpty {
                        notRead += 1
                        continue
                    }
                }
                if count <= ClassificationLoop.heldTokens {
                    let key = DuplicateIndex.Key(
                        contentDigest: end.contentDigest, status: end.status, tokens: held + last)
                    guard keys.insert(key).inserted else {
                        duplicates += 1
                        continue
                    }
                }
                let read = min(count, request.maxTokens ?? .max)
                longest = max(longest, read)
                tokens += read + questions.tokenCount
            }
        }
        tokensPerSecond = Self.rate(model, prefix: questions.prefix)
        let session = model.engine.makeSession()
        diskBytes += 2 * (session.byteCounts.constant + session.byteCounts.growing)
    }

    /// Tokens a second, measured over half a second on a batch like those of a run.
    static func rate(_ model: LoadedModel, prefix: [Int32]) -> Double {
        var text = prefix
        while text.count < 128 { text += prefix }
        text = Array(text.prefix(128))
        var tokens = 0
        var began = Clock.seconds
        var rounds = 0
        while Clock.seconds - began < 0.5 {
            let sessions = (0..<4).map { _ in model.engine.makeSession() }
            _ = model.engine.advance(sessions.map { PrefillItem(session: $0, tokens: text[...]) })
            rounds += 1
            if rounds == 1 {
                began = Clock.seconds  // the first batch wakes the threads
            } else {
                tokens += 4 * text.count
            }
        }
        return Double(tokens) / (Clock.seconds - began)
    }

    package var json: JSONValue {
        .object([
            JSONMember("documents", .integer(documents)),
            JSONMember("notRead", .integer(notRead)),
            JSONMember("duplicates", .integer(duplicates)),
            JSONMember("tokens", .integer(tokens)),
            JSONMember("longest", .integer(longest)),
            JSONMember("textBytes", .integer(textBytes)),
            JSONMember("tokensPerSecond", .decimal(tokensPerSecond, places: 1)),
            JSONMember("seconds", .decimal(seconds, places: 1)),
            JSONMember("diskBytes", .integer(diskBytes)),
            JSONMember("sampledFrom", sampledFrom.map { .integer($0) } ?? .null),
        ])
    }

    package var text: String {
        var out = "documents   \(documents)"
        if let sampledFrom { out += " (a sample from \(sampledFrom), chosen by digest)" }
        if notRead > 0 { out += ", \(notRead) of them cannot be read" }
        if duplicates > 0 { out += ", \(duplicates) exact duplicates" }
        out += "\ntext        \(ByteCount.text(textBytes))\n"
        guard tokensPerSecond > 0 else { return out + "\nno model is needed\n" }
        out += "tokens      \(tokens), the longest document \(longest)\n"
        out +=
            "time        \(ProgressMeter.duration(seconds)) at \(Int(tokensPerSecond)) tokens/s, measured now\n"
        out += "disk        \(ByteCount.text(diskBytes)) for the run and its results\n"
        return out
    }
}

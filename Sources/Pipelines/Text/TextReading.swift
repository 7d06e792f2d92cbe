import Answers
import Checkpoints
import Documents
import Inference
import Ingest
import JSON
import Tokenization

/// Reads inputs as one text, document after document, into one state that is kept.
///
/// Every document's text is a segment of its own, so that a longer log, a mailbox with new mail or a folder with
/// a further file begins with the tokens of before, and only what is new goes through the model. On the
/// way the passages are indexed, so that questions can find what to read again.
package final class TextReading {
    package struct Options: Sendable {
        package var inputs: DocumentInputs
        /// Folder of states.
        package var folder: String
        package var reading = StateReading.Options()
        package var skipsQuoted = false

        package init(inputs: DocumentInputs, folder: String) {
            self.inputs = inputs
            self.folder = folder
        }
    }

    /// A text whose state is at hand.
    package struct Text {
        package let state: StateReading.Finished
        package let store: CheckpointStore
        package let index: PassageIndex
        package var documents = 0
        /// Documents that were not read, or not whole, with their status.
        package var failures: [(item: String, status: ItemStatus)] = []
        package var seconds = 0.0
    }

    package enum Ending {
        case finished(Text)
        /// A signal asked to stop; so many tokens are safe.
        case stopped(signal: Int32, safeTokens: Int)
    }

    private let options: Options
    private let model: LoadedModel
    private let progress: ProgressMeter
    private let store: CheckpointStore
    /// Of the text that came so far.
    private var textBytes = 0

    /// - Throws: `.io` when the folder of states cannot be used.
    package init(_ options: Options, model: LoadedModel, progress: ProgressMeter) throws(PipelineError) {
        guard !options.inputs.paths.isEmpty else {
            throw .usage("no input; give a file, a folder, an archive or -")
        }
        self.options = options
        self.model = model
        self.progress = progress
        do { store = try CheckpointStore(folder: options.folder) } catch { throw .io(error.description) }
    }

    /// What stands between two documents.
    private static let separator = Array("\n\n".utf8)

    package func run() throws -> Ending {
        let started = Clock.seconds
        countInput()
        let prefix = try model.tokenizer.encode(AskPrompt.prefix(model.tokenizer.chatTemplate))
        let reading = try guarded { () throws(CheckpointError) in
            try StateReading(
                engine: model.engine, store: store, tokenizerFingerprint: model.tokenizer.fingerprint,
                prefix: prefix, title: options.inputs.paths.joined(separator: " "), options: options.reading)
        }
        reading.onProblem = { [progress] in progress.say($0) }
        reading.onStep = { [weak self, weak reading] in
            if let self, let reading { self.show(reading) }
            return StopSignal.received == nil
        }
        let writer = try PassageIndexWriter(folder: options.folder)
        var cutter = PassageCutter { try writer.append($0) }
        var rendering = DocumentRendering(skipsQuoted: options.skipsQuoted)
        var encoder = StreamingEncoder(model.tokenizer)
        var (documents, failures): (Int, [(item: String, status: ItemStatus)]) = (0, [])
        var address = ""
        var (rendered, ids): ([UInt8], [Int32]) = ([], [])
        let stream = options.inputs.documents()
        while let event = stream.next() {
            if StopSignal.received != nil || reading.isStopped { return try stop(reading) }
            rendered.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
            rendering.append(event, to: &rendered)
            if case .begin(let document) = event {
                address = document.address
                if documents > 0 { reading.append(model.tokenizer.encode(Self.separator)) }
                documents += 1
            }
            encoder.append(rendered, into: &ids)
            reading.append(ids)
            try cutter.append(event)
            switch event {
            case .begin: break
            case .text(let chunk): textBytes += chunk.utf8.count
            case .end(let end):
                reading.markEdge()
                ids.removeAll(keepingCapacity: true)
                encoder.finish(into: &ids)
                reading.append(ids)
                if !end.status.isComplete { failures.append((address, end.status)) }
                progress.counts.documents = documents
                progress.counts.failures = failures.count
            }
            show(reading)
        }
        guard let state = try guarded({ () throws(CheckpointError) in try reading.finish() }) else {
            return try stop(reading)
        }
        let path = store.companionPath(of: state.key, PassageIndex.ending)
        if !FileSystem.exists(path) { try writer.finish(as: path) }
        show(reading)
        progress.tick(force: false)
        progress.clear()
        return .finished(
            Text(
                state: state, store: store, index: try PassageIndex(opening: path), documents: documents,
                failures: failures, seconds: Clock.seconds - started))
    }

    /// The text of a state that was read before.
    ///
    /// - Parameters:
    ///   - name: Its key, or the beginning of it that no other has; or the title of the input.
    ///   - precision: That with which it was kept.
    /// - Throws: `.usage` when there is none, `.data` when it is damaged or of another model.
    package static func open(
        _ name: String, folder: String, model: LoadedModel, precision: StatePrecision = .f32
    ) throws -> Text {
        let store = try guarded { () throws(CheckpointError) in try CheckpointStore(folder: folder) }
        let summary = try StateLookup(store).find(name, kinds: [.document])
        let identity = model.engine.identity(
            tokenizerFingerprint: model.tokenizer.fingerprint, precision: precision)
        guard
            let checkpoint = try guarded({ () throws(CheckpointError) in
                try store.load(summary.key, identity: identity)
            })
        else { throw PipelineError.data("\(summary.key) went away") }
        let path = store.companionPath(of: summary.key, PassageIndex.ending)
        guard FileSystem.exists(path) else {
            throw PipelineError.data(
                "the state \(summary.key.description.prefix(12)) has no index of passages; read its input again: "
                    + "lector read \(TerminalText.sanitized(summary.title))")
        }
        let state = StateReading.Finished(
            session: try model.engine.restore(checkpoint), logits: checkpoint.nextLogits, key: summary.key,
            identity: identity, tokens: summary.tokenCount, cachedTokens: summary.tokenCount, readTokens: 0,
            miss: nil)
        return Text(state: state, store: store, index: try PassageIndex(opening: path))
    }

    private func stop(_ reading: StateReading) throws -> Ending {
        progress.clear()
        let safe = try guarded { () throws(CheckpointError) in try reading.stop() }
        return .stopped(signal: StopSignal.received ?? 2, safeTokens: safe)
    }

    private func show(_ reading: StateReading) {
        progress.counts.tokens = reading.readTokens
        progress.counts.cachedTokens = reading.cachedTokens
        progress.counts.position = reading.position
        progress.counts.lastSafe = reading.lastSaved
        // The text runs ahead of the model; bytes stand for the tokens that were really read.
        let bytesPerToken = Double(textBytes) / Double(max(1, reading.appendedTokens))
        progress.counts.textBytes = Int(bytesPerToken * Double(reading.position))
        progress.counts.readTextBytes = Int(bytesPerToken * Double(reading.readTokens))
        progress.tick()
    }

    /// Finds out how much there is to read, where that takes no time to speak of.
    private func countInput() {
        guard !options.inputs.includesStandardInput,
            let inventory = try? InputInventory(paths: options.inputs.paths)
        else {
            return
        }
        let count = InputCount.count(options.inputs, inputBytes: inventory.bytes, seconds: 1)
        progress.counts.totalDocuments = count?.documents
        progress.counts.totalTextBytes = count?.textBytes
    }
}

/// The error of a store in the terms of commands.
func guarded<R>(_ body: () throws(CheckpointError) -> R) throws(PipelineError) -> R {
    do { return try body() } catch {
        switch error {
        case .damaged, .version: throw .data(error.description)
        case .mismatch: throw .configuration(error.description)
        case .unreadable, .unwritable: throw .io(error.description)
        }
    }
}

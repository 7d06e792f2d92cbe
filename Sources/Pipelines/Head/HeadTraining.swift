import Answers
import Documents
import Evaluation
import Inference
import Ingest

/// One call of `lector train-head`: reads labelled documents once and learns a head from what the
/// model makes of them.
package final class HeadTraining {
    package struct Request: Sendable {
        package var inputs: DocumentInputs
        /// Gold labels by item, row number or order; nil takes each document's own `label`.
        package var gold: String?
        /// The metadata field that holds the label.
        package var labelField = "label"
        /// Nil takes the labels that occur, sorted.
        package var labels: LabelList?
        package var instruction: String?
        package var maxTokens: Int?
        package var skipQuoted = false

        package init(inputs: DocumentInputs) { self.inputs = inputs }
    }

    package struct Outcome: Sendable {
        package var head: LinearHead
        /// Examples by label.
        package var counts: [Int]
        package var documents = 0
        /// Documents without a label, or of which nothing could be read.
        package var unlabelled = 0
        package var unread = 0
        package var tokens = 0
    }

    private let request: Request
    private let model: LoadedModel
    private let progress: ProgressMeter

    package init(_ request: Request, model: LoadedModel, progress: ProgressMeter) {
        self.request = request
        self.model = model
        self.progress = progress
    }

    private func gold() throws(PipelineError) -> GoldLabels? {
        guard let path = request.gold else { return nil }
        do {
            let gold = try GoldLabels(jsonLines: try FileSystem.read(path))
            guard !gold.isMulti else {
                throw RowError(
                    "a head learns one label a document: expected lines with \"label\", not \"labels\"")
            }
            return gold
        } catch let error as RowError {
            throw .data("\(TerminalText.sanitized(path)): \(error)")
        } catch let error as PipelineError { throw error } catch { throw .data("\(error)") }
    }

    /// The labels to tell apart: those given, or those that occur.
    private func labels(_ gold: GoldLabels?) throws(PipelineError) -> LabelList {
        if let given = request.labels { return given }
        var names: Set<String> = []
        if let gold {
            names = Set(gold.labels)
        } else {
            if request.inputs.includesStandardInput {
                throw .usage("standard input is read once; name its labels by --labels or --labels-file")
            }
            let stream = request.inputs.documents()
            while let event = stream.next() {
                if case .begin(let document) = event, let name = document.first(request.labelField) {
                    names.insert(name)
                }
            }
        }
        guard !names.isEmpty else {
            throw .data(
                "no document has a label: expected JSON lines (--json-text) or rows (--csv-text) with a field "
                    + "\"\(TerminalText.sanitized(request.labelField))\", or --gold FILE with a line "
                    + "{\"item\": ..., \"label\": ...} for each document")
        }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        do { return try LabelList(sorted.map { Label(name: $0) }) } catch {
            throw .data("the labels of the examples cannot be used: \(error)")
        }
    }

    /// Reads all documents, then fits.
    ///
    /// - Returns: Nil after a signal.
    package func run() throws -> Outcome? {
        var gold = try gold()
        let labels = try labels(gold)
        let places = Dictionary(uniqueKeysWithValues: labels.names.enumerated().map { ($1, $0) })
        let instruction = request.instruction ?? ClassificationPrompt.defaultInstruction
        var options = Classifier.Options()
        options.maxTokens = request.maxTokens
        let prompt = ClassificationPrompt(labels: labels, instruction: instruction)
        let classifier = try Classifier(model: model, prompt: prompt, options: options, readout: .features)
        let tree = try EncodedPrompt(prompt, tokenizer: model.tokenizer).tree
        var trainer = HeadTrainer(
            width: model.engine.config.hidden, labelCount: labels.count,
            answers: tree.firstTokens.flatMap(model.engine.headRow))

        // Results come in any order; examples are taken in that of the input.
        var found: [Int: (features: [Float], label: Int)] = [:]
        var open: [Int: Int] = [:]
        var (documents, unlabelled, unread, tokens) = (0, 0, 0, 0)
        func step() {
            let step = classifier.step()
            tokens += step.rows
            progress.counts.tokens = tokens
            for result in step.results {
                found[result.item] = (result.features, open.removeValue(forKey: result.item)!)
            }
            progress.counts.documents = found.count
            progress.tick()
        }
        let stream = request.inputs.documents()
        var row = -1
        var reader: ItemReader?
        while let event = stream.next() {
            if StopSignal.received != nil { return nil }
            switch event {
            case .begin(let document):
                row += 1
                documents += 1
                reader = nil
                let name =
                    gold != nil
                    ? gold!.take(item: document.address, index: row) : document.first(request.labelField)
                guard let name else {
                    unlabelled += 1
                    continue
                }
                guard let label = places[name] else {
                    throw PipelineError.data(
                        "\(TerminalText.sanitized(document.address)) has the label "
                            + "\(TerminalText.sanitized(name, limit: 60)), which is not among the labels given"
                    )
                }
                open[row] = label
                classifier.begin(row)
                reader = ItemReader(
                    index: row, document: document, tokenizer: model.tokenizer,
                    skipsQuoted: request.skipQuoted)
            case .text:
                guard reader != nil else { continue }
                reader!.append(event)
                classifier.append(reader!.takeTokens(), to: row)
                while !classifier.wantsMore, !classifier.isIdle, StopSignal.received == nil { step() }
            case .end(let end):
                guard var ended = reader else { continue }
                reader = nil
                ended.append(event)
                classifier.append(ended.takeTokens(), to: row)
                let isUnread =
                    switch end.status {
                    case .failed, .skipped: true
                    default: ended.isEmpty
                    }
                if isUnread {
                    classifier.cancel(row)
                    open[row] = nil
                    unread += 1
                } else {
                    classifier.finish(row)
                }
                while !classifier.wantsMore, !classifier.isIdle, StopSignal.received == nil { step() }
            }
        }
        while !classifier.isIdle {
            if StopSignal.received != nil { return nil }
            step()
        }
        for row in found.keys.sorted() { trainer.add(found[row]!.features, label: found[row]!.label) }
        found = [:]
        if let empty = trainer.counts.firstIndex(of: 0) {
            throw PipelineError.data(
                "label \(TerminalText.sanitized(labels[empty].name, limit: 60)) has no example among "
                    + "\(trainer.count); give some, or leave the label away")
        }
        progress.clear()
        progress.say("\(trainer.count) examples read, \(tokens) tokens; fitting")
        guard let result = trainer.train() else {
            throw PipelineError.data("examples of two labels are needed, found \(trainer.count) examples")
        }
        let head = LinearHead(
            labels: labels, instruction: instruction, modelFingerprint: model.engine.fingerprint,
            tokenizerFingerprint: model.tokenizer.fingerprint, width: model.engine.config.hidden,
            weights: result.weights, training: result.training)
        return Outcome(
            head: head, counts: trainer.counts, documents: documents, unlabelled: unlabelled, unread: unread,
            tokens: tokens)
    }
}

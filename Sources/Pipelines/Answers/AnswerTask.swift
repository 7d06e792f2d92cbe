import Answers
import Constraints
import Documents
import Evaluation
import Inference
import Ingest
import JSON

/// What is made of each document: extract or summarize, with everything that decides its row.
package enum AnswerTask: Sendable, Equatable {
    case extract(Extraction)
    case summarize(SummaryTask)

    package struct Extraction: Sendable, Equatable {
        package var schema: JSONValue
        package var verbatim = ExtractionSchema.Verbatim.all
        /// Copied strings may differ from the text in upper and lower case.
        package var ignoresCase = false
        /// Values less probable than this are held back.
        package var threshold = 0.0

        package init(schema: JSONValue) { self.schema = schema }
    }

    /// Stretches of a document that an outline has.
    package static let outlineEntries = 12

    package var kind: ReviewKind {
        switch self {
        case .extract: .extract
        case .summarize: .summarize
        }
    }

    /// Whether a model reads the documents.
    package var needsModel: Bool {
        switch self {
        case .extract: true
        case .summarize(let summary): summary.style == .abstractive
        }
    }

    /// Names of a record's fields, in the order of the schema.
    package var fields: [String] {
        guard case .extract(let extraction) = self else { return [] }
        return (try? ExtractionSchema(extraction.schema))?.fields ?? []
    }

    /// What a row's `model` says.
    package static func text(of model: LoadedModel) -> String {
        "\(model.name)@\(model.engine.fingerprint.prefix(12))"
    }

    /// Everything besides the inputs that decides a row.
    package func identity(_ model: LoadedModel?) -> String {
        let reader = model.map { "\(Self.text(of: $0))\n\($0.engine.numericsClass)" } ?? ""
        switch self {
        case .extract(let extraction):
            return
                "extract 4\n\(extraction.schema.text)\n\(extraction.verbatim)\n\(extraction.ignoresCase)\n\(extraction.threshold)\n"
                + reader
        case .summarize(let summary): return "\(summary.identity)\n\(reader)"
        }
    }

    /// - Parameter title: What all documents together are called.
    /// - Throws: `.data` for a schema that cannot be enforced, with the keyword and its place.
    package func makeRows(_ model: LoadedModel?, title: String) throws -> any AnswerRun.RowMaker {
        switch self {
        case .extract(let extraction):
            let extractor = try extractor(extraction, model!)
            return ExtractionRows(
                extractor: extractor, threshold: extraction.threshold, modelText: Self.text(of: model!))
        case .summarize(let summary): return try SummaryRows(task: summary, title: title, model: model)
        }
    }

    fileprivate func extractor(_ extraction: Extraction, _ model: LoadedModel) throws -> Extractor {
        do {
            var options = Extractor.Options()
            options.foldsCase = extraction.ignoresCase
            return try Extractor(
                model: model,
                schema: ExtractionSchema(extraction.schema, verbatim: extraction.verbatim), options: options)
        } catch let error as ConstraintError {
            throw PipelineError.data("the schema: \(TerminalText.sanitized(error.description))")
        }
    }
}

extension RunEstimate {
    /// What an answer run would cost: everything is done but reading with the model.
    ///
    /// - Parameter model: Nil for a task that needs none.
    package init(
        _ task: AnswerTask, inputs: DocumentInputs, sample: Int?, model: LoadedModel?, progress: ProgressMeter
    ) throws {
        self.init()
        var extractor: Extractor?
        if let model {
            // A schema that cannot be enforced is found out here.
            if case .extract(let extraction) = task {
                extractor = try task.extractor(extraction, model)
            } else {
                _ = try task.makeRows(model, title: "")
            }
            var prompt = ExtractionPrompt(fields: task.fields)
            prompt.template = model.tokenizer.chatTemplate
            tokensPerSecond = Self.rate(model, prefix: try model.tokenizer.encode(prompt.prefix))
        }
        var chosen: ArraySlice<Int>?
        if let sample {
            let selection = try SampleSelection(sample, of: inputs)
            chosen = selection.places[...]
            sampledFrom = selection.total
        }
        var cutter = SectionCutter()
        var (place, count, isChosen) = (-1, 0, true)
        let stream = inputs.documents()
        while let event = stream.next(), StopSignal.received == nil {
            if case .begin(let document) = event {
                place += 1
                isChosen = chosen == nil || chosen?.first == place
                guard isChosen else { continue }
                chosen?.removeFirst()
                (cutter, count) = (SectionCutter(), 0)
                diskBytes += 600 + 2 * document.metadata.reduce(0) { $0 + $1.value.utf8.count }
            }
            guard isChosen else { continue }
            if case .extract = task {
                for section in cutter.append(event) {
                    count += extractor?.tokens(of: section) ?? 0
                }
            }
            guard case .end(let end) = event else { continue }
            if case .summarize(let summary) = task, model != nil { count = summary.mostTokens }
            documents += 1
            textBytes += end.textBytes
            if !end.status.isComplete || end.textBytes == 0 { notRead += 1 }
            tokens += count
            longest = max(longest, count)
            progress.counts.documents = documents
            progress.tick()
        }
    }
}

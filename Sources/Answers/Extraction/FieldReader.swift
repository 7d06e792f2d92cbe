import Constraints
import Inference
import JSON
import Tokenization

/// One prompt and what its answer fits: reads stretches of text, several at once.
final class FieldReader {
    /// What a stretch gave.
    struct Output {
        var finding: Finding?
        /// Tokens of the stretch.
        var tokens: Int
        /// Tokens read and written, prompts included.
        var rows: Int
        var isComplete: Bool
    }

    private let model: LoadedModel
    private let compiler: ConstraintCompiler
    private let decoder: ConstrainedDecoder
    private let schema: ExtractionSchema
    private let form: ExtractionSchema.Form
    private let options: Extractor.Options
    private let prefix: Session
    private let question: [Int32]

    /// Reads the prompt's prefix, and compiles the form once to see whether it can be enforced.
    init(
        model: LoadedModel, compiler: ConstraintCompiler, decoder: ConstrainedDecoder,
        schema: ExtractionSchema,
        form: ExtractionSchema.Form, options: Extractor.Options
    ) throws {
        self.model = model
        self.compiler = compiler
        self.decoder = decoder
        self.schema = schema
        self.form = form
        self.options = options
        var prompt = ExtractionPrompt(fields: form.fields)
        prompt.template = model.tokenizer.chatTemplate
        question = try model.tokenizer.encode(prompt.question)
        prefix = model.engine.makeSession()
        _ = model.engine.advance([
            PrefillItem(session: prefix, tokens: try model.tokenizer.encode(prompt.prefix)[...])
        ])
        _ = try constraint(SourceText("text".utf8), isWhole: true)
    }

    /// Tokens that reading a stretch takes, without those of its answer.
    func tokens(of section: DocumentSection) -> Int {
        model.tokenizer.encode(section.text).count + question.count
    }

    private func constraint(_ source: SourceText, isWhole: Bool) throws(ConstraintError) -> Constraint {
        try compiler.constraint(
            schema: isWhole ? form.whole : form.part,
            options: .init(spacing: .spaced, source: source, isVerbatim: schema.isVerbatim))
    }

    /// - Parameter isWhole: Whether each stretch is a document; of a part, what the schema requires of the document may
    ///   be missing.
    /// - Returns: One output a stretch, in order.
    func read(_ sections: [DocumentSection], isWhole: Bool) throws -> [Output] {
        var outputs: [Output] = []
        var at = 0
        while at < sections.count {
            // Short stretches go together.
            var (end, bytes) = (at, 0)
            while end < sections.count, end - at < 2 * options.sectionsPerStep {
                bytes += sections[end].text.count
                if end > at, bytes > options.sectionsPerStep * SectionCutter.defaultBytes { break }
                end += 1
            }
            outputs += try step(Array(sections[at..<end]), isWhole)
            at = end
        }
        return outputs
    }

    private func step(_ sections: [DocumentSection], _ isWhole: Bool) throws -> [Output] {
        var folding = SourceText.Folding()
        folding.letterCase = options.foldsCase
        folding.longestCopy = options.longestString
        let sources = try sections.map { try SourceText($0.text, folding: folding) }
        let tokens = sections.map { model.tokenizer.encode($0.text) }
        let sessions = sections.map { _ in prefix.fork() }
        let logits = model.engine.advance(
            zip(sessions, tokens).map {
                PrefillItem(session: $0, tokens: ($1 + question)[...], wantsLogits: true)
            })
        var jobs: [ConstrainedDecoder.Job] = []
        for index in sections.indices {
            jobs.append(
                .init(
                    session: sessions[index], logits: logits[index]!,
                    matcher: try constraint(sources[index], isWhole: isWhole).makeMatcher()))
        }
        let outputs = decoder.decode(jobs, maximumTokens: options.maximumTokens)
        return sections.indices.map { index in
            var reader = FindingReader(outputs[index])
            return Output(
                finding: reader.read().map { place($0, sections[index], sources[index], near: nil) },
                tokens: tokens[index].count,
                rows: tokens[index].count + question.count + outputs[index].tokens,
                isComplete: outputs[index].isComplete)
        }
    }

    /// Finds where each string stands. Of several places the one nearest to the record's other
    /// values comes first.
    private func place(_ finding: Finding, _ section: DocumentSection, _ source: SourceText, near: Int?)
        -> Finding
    {
        switch finding {
        case .list(let list): return .list(list.map { place($0, section, source, near: near) })
        case .object(let members):
            // Values with one place say where the record stands.
            let sure = members.compactMap { member -> Int? in
                guard case .value(let leaf) = member.finding, let text = leaf.value.string else { return nil }
                let places = source.occurrences(of: text, limit: 2)
                return places.count == 1 ? places[0].lowerBound : nil
            }
            let centre = sure.isEmpty ? near : sure.sorted()[sure.count / 2]
            return .object(members.map { ($0.name, place($0.finding, section, source, near: centre)) })
        case .value(var leaf):
            guard let text = leaf.value.string else { return finding }
            var ranges = source.occurrences(of: text, limit: options.maximumSpans)
            if let near,
                let best = ranges.indices.min(by: {
                    abs(ranges[$0].lowerBound - near) < abs(ranges[$1].lowerBound - near)
                })
            {
                ranges.insert(ranges.remove(at: best), at: 0)
            }
            leaf.spans = ranges.compactMap { section.span($0) }
            leaf.isVerbatim = !leaf.spans.isEmpty
            // What is reported is what stands there, white space and letters as the text has them.
            if let first = leaf.spans.first {
                leaf.value = .string(String(decoding: first.text, as: UTF8.self))
            }
            return .value(leaf)
        }
    }
}

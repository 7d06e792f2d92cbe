import Constraints
import Inference
import JSON
import Tokenization

/// Fields of documents as JSON that fits a schema, each string copied from the text.
///
/// A document is read section by section, each behind the same prompt, several at once; what the
/// sections say is put together by the caller (``Finding/merged(_:)``), and ``DocumentPlaces`` finds where else
/// in the document it stands.
public final class Extractor {
    public struct Options: Sendable, Equatable {
        /// Tokens that are written for a section at most.
        public var maximumTokens = 768
        /// Sections that are read at the same time.
        public var sectionsPerStep = 8
        /// Places of a value that are listed at most.
        public var maximumSpans = 16
        /// Bytes after which a copied string ends at the next word.
        public var longestString = 400
        /// Upper and lower case of the text count as the same.
        public var foldsCase = false

        public init() {}
    }

    /// What a section gave.
    public struct Result: Sendable {
        public var finding: Finding?
        /// Tokens of the section.
        public var tokens: Int
        /// Tokens read and written, prompts included.
        public var rows: Int
        /// Whether the output was whole before ``Options/maximumTokens``, and no list ended because it had to.
        public var isComplete: Bool
    }

    public let schema: ExtractionSchema
    public let options: Options
    private let model: LoadedModel
    private let compiler: ConstraintCompiler
    private let decoder: ConstrainedDecoder
    private let prefix: Session
    private let question: [Int32]

    /// Reads the prompt's prefix, and compiles the schema once to see whether it can be enforced.
    ///
    /// - Throws: `TokenizerError`, ``ConstraintError``.
    public init(model: LoadedModel, schema: ExtractionSchema, options: Options = Options()) throws {
        self.model = model
        self.schema = schema
        self.options = options
        compiler = ConstraintCompiler(trie: TokenTrie(model.tokenizer))
        decoder = ConstrainedDecoder(model: model)
        var prompt = ExtractionPrompt(fields: schema.fields)
        prompt.template = model.tokenizer.chatTemplate
        question = try model.tokenizer.encode(prompt.question)
        prefix = model.engine.makeSession()
        _ = model.engine.advance([
            PrefillItem(session: prefix, tokens: try model.tokenizer.encode(prompt.prefix)[...])
        ])
        _ = try constraint(SourceText("text".utf8), isWhole: true)
    }

    private func constraint(_ source: SourceText, isWhole: Bool) throws(ConstraintError) -> Constraint {
        try compiler.constraint(
            schema: isWhole ? schema.closed : schema.sectional,
            options: .init(spacing: .spaced, source: source, isVerbatim: schema.isVerbatim))
    }

    var folding: SourceText.Folding {
        var folding = SourceText.Folding()
        folding.letterCase = options.foldsCase
        folding.longestCopy = options.longestString
        return folding
    }

    /// Reads sections, ``Options/sectionsPerStep`` at a time.
    ///
    /// A section with more records than an answer has room for is read again in halves.
    ///
    /// - Parameter isWhole: Whether the sections are whole documents; of a part, what the schema requires of the
    ///   document may be missing.
    /// - Returns: One result a section, in order.
    public func extract(_ sections: [DocumentSection], isWhole: Bool = true) throws -> [Result] {
        var results: [Result] = []
        var at = 0
        while at < sections.count {
            let end = min(sections.count, at + options.sectionsPerStep)
            results += try step(Array(sections[at..<end]), isWhole)
            at = end
        }
        for (index, section) in sections.enumerated() {
            let halves = section.halves(leaving: Self.shortestPart)
            guard let finding = results[index].finding, halves.count > 1,
                finding.isCutShort(results[index].isComplete)
            else { continue }
            let parts = try extract(halves, isWhole: false)
            results[index].finding = finding.read(again: parts.compactMap(\.finding))
            results[index].rows += parts.reduce(0) { $0 + $1.rows }
            results[index].isComplete = parts.allSatisfy(\.isComplete)
        }
        return results
    }

    /// Bytes below which a section is not read again in halves.
    static let shortestPart = 500

    private func step(_ sections: [DocumentSection], _ isWhole: Bool) throws -> [Result] {
        let folding = folding
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
            let finding = reader.read().map { ground($0, sections[index], sources[index]) }
            return Result(
                finding: finding, tokens: tokens[index].count,
                rows: tokens[index].count + question.count + outputs[index].tokens,
                isComplete: outputs[index].isComplete && finding?.isCutShort(true) != true)
        }
    }

    // MARK: Places

    /// Finds where each string stands. Of several places the one nearest to the record's other
    /// values comes first.
    private func ground(_ finding: Finding, _ section: DocumentSection, _ source: SourceText) -> Finding {
        place(finding, section, source, near: nil)
    }

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

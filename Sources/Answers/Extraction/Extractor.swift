import Constraints
import Inference
import JSON
import Tokenization

/// Fields of documents as JSON that fits a schema, each string copied from the text.
///
/// A document is read section by section, each behind the same prompt, several at once. Records of a list are
/// looked for in each paragraph. What the sections say is put together by the caller (``Finding/merged(_:)``), and
/// ``DocumentPlaces`` finds where else in the document it stands.
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
    /// Asks for what is no list of records; nil when there is nothing else.
    private let plain: FieldReader?
    private let lists: [RecordReader]

    /// Reads the prompts' prefixes, and compiles the schema once to see whether it can be enforced.
    ///
    /// - Throws: `TokenizerError`, ``ConstraintError``.
    public init(model: LoadedModel, schema: ExtractionSchema, options: Options = Options()) throws {
        self.schema = schema
        self.options = options
        let compiler = ConstraintCompiler(trie: TokenTrie(model.tokenizer))
        let decoder = ConstrainedDecoder(model: model)
        _ = try compiler.constraint(
            schema: schema.whole,
            options: .init(
                spacing: .spaced, source: try SourceText("text".utf8), isVerbatim: schema.isVerbatim))
        func reader(_ form: ExtractionSchema.Form) throws -> FieldReader {
            try FieldReader(
                model: model, compiler: compiler, decoder: decoder, schema: schema, form: form,
                options: options)
        }
        plain = try schema.plain.map(reader)
        lists = try schema.lists.map { RecordReader($0, reader: try reader($0.form)) }
    }

    /// Reads sections, several at a time.
    ///
    /// A section with more members of a list than an answer has room for is read again in halves.
    ///
    /// - Parameter isWhole: Whether the sections are whole documents; of a part, what the schema requires of the
    ///   document may be missing.
    /// - Returns: One result a section, in order.
    public func extract(_ sections: [DocumentSection], isWhole: Bool = true) throws -> [Result] {
        var results =
            try plain.map { try read(sections, with: $0, isWhole) }
            ?? sections.map { _ in Result(finding: nil, tokens: 0, rows: 0, isComplete: true) }
        for list in lists {
            for (index, output) in try list.read(sections).enumerated() {
                guard let records = output.finding else { continue }
                results[index].tokens = max(results[index].tokens, output.tokens)
                results[index].rows += output.rows
                results[index].isComplete = results[index].isComplete && output.isComplete
                guard let name = list.list.name else {
                    results[index].finding = records
                    continue
                }
                var members: [(name: String, finding: Finding)] = []
                if case .object(let known) = results[index].finding { members = known }
                members.append((name, records))
                results[index].finding = .object(schema.ordered(members))
            }
        }
        return results
    }

    /// Tokens that reading a section takes, without those of its answers and of what is read again.
    package func tokens(of section: DocumentSection) -> Int {
        let paragraphs = lists.isEmpty ? [] : section.paragraphs()
        return lists.reduce(plain?.tokens(of: section) ?? 0) { sum, list in
            paragraphs.reduce(sum) { $0 + list.reader.tokens(of: $1) }
        }
    }

    /// Bytes below which a section is not read again in halves.
    static let shortestPart = 500

    private func read(_ sections: [DocumentSection], with reader: FieldReader, _ isWhole: Bool) throws
        -> [Result]
    {
        var results: [Result] = []
        for (section, output) in zip(sections, try reader.read(sections, isWhole: isWhole)) {
            var result = Result(
                finding: output.finding, tokens: output.tokens, rows: output.rows,
                isComplete: output.isComplete)
            if let finding = output.finding, finding.isCutShort(output.isComplete) {
                result.isComplete = false
                let halves = section.halves(leaving: Self.shortestPart)
                if halves.count > 1 {
                    let parts = try read(halves, with: reader, false)
                    result.finding = finding.read(again: parts.compactMap(\.finding))
                    result.rows += parts.reduce(0) { $0 + $1.rows }
                    result.isComplete = parts.allSatisfy(\.isComplete)
                }
            }
            results.append(result)
        }
        return results
    }
}

import BundledModel
import KimiLinear
import Tokenization

/// An engine, the tokenizer that belongs to it, and a name for people.
public struct LoadedModel: Sendable {
    public let engine: Engine
    public let tokenizer: Tokenizer
    /// The folder's or file's name; `bundled` for the shipped weights.
    public let name: String

    /// The tokenizer has ids that the model lacks.
    public struct VocabularyMismatch: Error, Equatable, CustomStringConvertible {
        public let tokenizerPath: String
        public let tokenizer, model: Int
        public var description: String {
            "\(tokenizerPath) has \(tokenizer) tokens, the model \(model). "
                + "Put the tokenizer.json that belongs to the weights beside them."
        }
    }

    /// Opens a Hugging Face folder or a packed file with `tokenizer.json` in or beside it.
    ///
    /// - Parameters:
    ///   - path: Nil for the bundled model, see ``BundledModel``.
    ///   - threads: Nil asks `LECTOR_THREADS`, then takes one a core.
    ///   - recipe: How a folder's weights are packed on load; nil takes bf16.
    public static func open(
        path: String? = nil, threads: Int? = nil, recipe: Recipe? = nil
    ) throws -> LoadedModel {
        let location = try path ?? BundledModel.locate()
        let engine = try Engine(modelPath: location, threads: threads, recipe: recipe)
        let tokenizerPath = tokenizerPath(of: location)
        let tokenizer = try Tokenizer(contentsOf: tokenizerPath)
        guard tokenizer.vocabularySize <= engine.vocabularySize else {
            throw VocabularyMismatch(
                tokenizerPath: tokenizerPath, tokenizer: tokenizer.vocabularySize,
                model: engine.vocabularySize)
        }
        let isBundled = path == nil && BundledModel.environmentModel() == nil
        let last = location.split(separator: "/").last.map(String.init) ?? location
        return LoadedModel(engine: engine, tokenizer: tokenizer, name: isBundled ? "bundled" : last)
    }

    private static func tokenizerPath(of location: String) -> String {
        if isFolder(location) { return location + "/tokenizer.json" }
        guard let slash = location.lastIndex(of: "/") else { return "tokenizer.json" }
        return location[...slash] + "tokenizer.json"
    }
}

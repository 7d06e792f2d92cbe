import BundledModel
import KimiLinear
import Tokenization
import WeightFiles

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

    /// Opens a Hugging Face folder, a GGUF or a packed file with its tokenizer: in the folder, in the
    /// file, or beside the packed file.
    ///
    /// - Parameters:
    ///   - path: Nil for the bundled model, see ``BundledModel``.
    ///   - threads: Nil asks `LECTOR_THREADS`, then takes one a core.
    ///   - recipe: How weights are packed on load; nil takes bf16 for a folder, `closest` for a GGUF.
    ///   - window: Instead of the model's own.
    public static func open(
        path: String? = nil, threads: Int? = nil, recipe: Recipe? = nil, window: AttentionWindow? = nil
    ) throws -> LoadedModel {
        let location = try path ?? BundledModel.locate()
        // Before the weights: what is wrong with a tokenizer shows at once.
        let tokenizer = try tokenizer(of: location)
        let engine = try Engine(modelPath: location, threads: threads, recipe: recipe, window: window)
        let isBundled = path == nil && BundledModel.environmentModel() == nil
        let last = location.split(separator: "/").last.map(String.init) ?? location
        return LoadedModel(engine: engine, tokenizer: tokenizer, name: isBundled ? "bundled" : last)
    }

    /// The tokenizer of the model at `path`, which has no more tokens than the model.
    ///
    /// - Throws: `TokenizerError`, `WeightFileError`, ``VocabularyMismatch``.
    public static func tokenizer(of path: String) throws -> Tokenizer {
        let tokenizer: Tokenizer
        let place: String
        let vocabularySize: Int
        switch try ModelFile(path: path) {
        case .published(let model):
            vocabularySize = model.config.vocabularySize
            place = model.gguf == nil ? path + "/tokenizer.json" : path
            let files = try TokenizerFiles(of: model)
            tokenizer = try files.isEmpty ? Tokenizer(contentsOf: place) : Tokenizer(files: files)
        case .packed(let file):
            vocabularySize = try ModelConfig(json: file.config, path: path).vocabularySize
            let files = TokenizerFiles(
                try file.files.map { (name: $0.name, bytes: try file.bytes(of: $0)) })
            if files.isEmpty {
                let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
                place = folder + "/tokenizer.json"
                let beside = try TokenizerFiles(folder: folder.isEmpty ? "/" : folder)
                tokenizer = try beside.isEmpty ? Tokenizer(contentsOf: place) : Tokenizer(files: beside)
            } else {
                place = path
                tokenizer = try Tokenizer(files: files)
            }
        }
        guard tokenizer.vocabularySize <= vocabularySize else {
            throw VocabularyMismatch(
                tokenizerPath: place, tokenizer: tokenizer.vocabularySize, model: vocabularySize)
        }
        return tokenizer
    }
}

extension TokenizerFiles {
    /// The tokenizer's files of a published model: out of its folder, or out of its metadata.
    public init(of model: PublishedModel) throws {
        guard let gguf = model.gguf else {
            try self.init(folder: model.path)
            return
        }
        func metadata(_ key: String) -> GGUFValue? { gguf.metadata["tokenizer." + key] }
        guard let tokens = metadata("ggml.tokens")?.strings else {
            throw TokenizerError.malformed(
                what: "\(model.path) has no tokenizer.ggml.tokens", expected: "a vocabulary in the metadata")
        }
        try self.init(
            gguf: GGUFVocabulary(
                model: metadata("ggml.model")?.text ?? "", pre: metadata("ggml.pre")?.text ?? "",
                tokens: tokens, types: metadata("ggml.token_type")?.integers,
                merges: metadata("ggml.merges")?.strings ?? [], chatTemplate: metadata("chat_template")?.text)
        )
    }
}

import JSON
import WeightFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A model as it was published, in a Hugging Face folder or a GGUF: to be packed on load, or
/// converted once.
public final class PublishedModel: Sendable {
    public let path: String
    /// `Hugging Face folder` or `GGUF`.
    public let kind: String
    public let configJSON: JSONValue
    public let config: ModelConfig
    /// Bytes of all weight files.
    public let byteCount: Int
    /// The metadata of a GGUF, which holds the tokenizer, too.
    public let gguf: GGUFWeights?
    let tensors: any CheckpointTensors
    private let folder: SafetensorsFolder?

    /// Opens a folder or a GGUF, and checks config, names, shapes and types; values are not read.
    ///
    /// - Throws: `WeightFileError`.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        if GGUFFile.matches(path: path) {
            let weights = try GGUFWeights(path: path)
            kind = "GGUF"
            configJSON = try GGUFConfig.json(weights)
            config = try ModelConfig(json: configJSON, path: path)
            tensors = try GGUFTensors(weights, config: config)
            byteCount = weights.byteCount
            gguf = weights
            folder = nil
        } else {
            kind = "Hugging Face folder"
            configJSON = try readJSON(path: path + "/config.json")
            config = try ModelConfig(json: configJSON, path: path + "/config.json")
            let folder = try SafetensorsFolder(path: path)
            tensors = folder
            byteCount = folder.shards.reduce(0) { $0 + $1.bytes }
            gguf = nil
            self.folder = folder
        }
        try tensors.checkShapes(config)
    }

    /// The recipe that loading takes when none is asked for.
    public var defaultRecipe: Recipe { gguf == nil ? .bf16 : .closest }

    /// SHA-256 that names config and weights, in hexadecimal; see `SafetensorsFolder` and `GGUFWeights`.
    public func fingerprint() throws(WeightFileError) -> String {
        if let gguf { return try gguf.fingerprint() }
        return try folder!.fingerprint()
    }

    /// Tensors as the files count them.
    public var tensorCount: Int { tensors.names.count }

    /// What a packed file says that it came from.
    var source: JSONValue {
        let files =
            gguf.map {
                $0.files.map {
                    ($0.path.split(separator: "/").last.map(String.init) ?? $0.path, $0.byteCount)
                }
            }
            ?? folder!.shards.map { ($0.name, $0.bytes) }
        return .object([
            JSONMember("kind", .string(gguf == nil ? "safetensors" : "gguf")),
            JSONMember(
                "files",
                .array(
                    files.map {
                        .object([JSONMember("file", .string($0.0)), JSONMember("bytes", .integer($0.1))])
                    })),
        ])
    }
}

/// A model's path, opened by what lies there.
public enum ModelFile: Sendable {
    case packed(PackedFile)
    case published(PublishedModel)

    /// Opens a Hugging Face folder, a GGUF or a packed file.
    ///
    /// - Throws: `WeightFileError`.
    public init(path: String) throws(WeightFileError) {
        if isFolder(path) || GGUFFile.matches(path: path) {
            self = .published(try PublishedModel(path: path))
        } else {
            self = .packed(try PackedFile(path: path))
        }
    }
}

/// Whether `path` names a folder.
package func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

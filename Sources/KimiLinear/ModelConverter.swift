import JSON
import WeightFiles

/// Turns a Hugging Face folder into Lector's packed file.
public struct ModelConverter {
    private let source: FolderSource
    private let configJSON: JSONValue
    private let config: ModelConfig

    /// Opens the folder and checks its config.
    public init(folder path: String, recipe: Recipe) throws(WeightFileError) {
        configJSON = try readJSON(path: path + "/config.json")
        config = try ModelConfig(json: configJSON, path: path + "/config.json")
        source = FolderSource(folder: try SafetensorsFolder(path: path), recipe: recipe)
    }

    /// Writes the packed file at `path`, one tensor in memory at a time, under a temporary name
    /// until it is complete. A matrix that lies on the recipe's grid is converted exactly.
    ///
    /// - Parameter progress: Called after each tensor with the share done, 0 to 1.
    /// - Returns: The fingerprint of the new file.
    public func write(
        to path: String, progress: (Double) -> Void = { _ in }
    ) throws(WeightFileError) -> String {
        let catalog = config.catalog
        let plan = catalog.map {
            PackedFileWriter.Plan(name: $0.name, format: source.format(of: $0), shape: $0.shape)
        }
        let shards = source.folder.shards.map {
            JSONValue.object([JSONMember("file", .string($0.name)), JSONMember("bytes", .integer($0.bytes))])
        }
        let writer = try PackedFileWriter(
            path: path, config: configJSON, recipe: source.recipe.rawValue,
            source: .object([JSONMember("kind", .string("safetensors")), JSONMember("files", .array(shards))]
            ),
            plan: plan)
        let total = Double(catalog.reduce(0) { $0 + $1.count })
        var done = 0
        for (spec, entry) in zip(catalog, plan) {
            let memory = AlignedBytes(entry.format.byteCount(shape: spec.shape))
            try source.pack(spec, as: entry.format, into: memory.pointer)
            try writer.append(
                UnsafeRawBufferPointer(
                    start: memory.pointer, count: entry.format.byteCount(shape: spec.shape)))
            done += spec.count
            progress(Double(done) / total)
        }
        return try writer.finish()
    }
}

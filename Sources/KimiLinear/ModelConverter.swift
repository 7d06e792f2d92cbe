import JSON
import WeightFiles

/// Turns a Hugging Face folder or a GGUF into Lector's packed file.
public struct ModelConverter {
    private let model: PublishedModel
    private let source: PackingSource

    /// - Parameter recipe: Nil takes `q4` for a folder, `closest` for a GGUF.
    public init(_ model: PublishedModel, recipe: Recipe? = nil) {
        self.model = model
        source = PackingSource(
            tensors: model.tensors, recipe: recipe ?? (model.gguf == nil ? .q4 : .closest))
    }

    /// Writes the packed file at `path`, one tensor in memory at a time, under a temporary name
    /// until it is complete. A matrix that lies on the recipe's grid is converted exactly.
    ///
    /// - Parameters:
    ///   - files: What goes with the weights, such as `tokenizer.json`, by name.
    ///   - progress: Called after each tensor with the share done, 0 to 1.
    /// - Returns: The fingerprint of the new file.
    public func write(
        to path: String, files: [(name: String, bytes: [UInt8])] = [], progress: (Double) -> Void = { _ in }
    ) throws(WeightFileError) -> String {
        let catalog = model.config.catalog
        let plan = catalog.map {
            PackedFileWriter.Plan(name: $0.name, format: source.format(of: $0), shape: $0.shape)
        }
        let writer = try PackedFileWriter(
            path: path, config: model.configJSON, recipe: source.recipe.rawValue, source: model.source,
            plan: plan, files: files)
        let total = Double(catalog.reduce(0) { $0 + $1.count })
        var done = 0
        for (spec, entry) in zip(catalog, plan) {
            let count = entry.format.byteCount(shape: spec.shape)
            let memory = AlignedBytes(count)
            try source.pack(spec, as: entry.format, into: memory.pointer)
            try writer.append(UnsafeRawBufferPointer(start: memory.pointer, count: count))
            done += spec.count
            progress(Double(done) / total)
        }
        return try writer.finish()
    }
}

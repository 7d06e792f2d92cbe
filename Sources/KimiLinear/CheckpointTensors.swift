import WeightFiles

/// How a published tensor is stored, as far as choosing a format of ours needs it.
enum TensorStorage: Sendable {
    /// F32, F16 or BF16.
    case float
    /// Blocks of integers that fit no grid of ours exactly.
    case quantized
    /// Q4_0, whose blocks are groups of the packed q4 format.
    case q4Grid
}

/// Published weights under the names and in the shapes of the Hugging Face checkpoint, read as
/// Float32 in pieces. One conformer a kind of file; other quantizations enter behind it.
protocol CheckpointTensors: Sendable {
    var path: String { get }
    /// What the file calls its tensors.
    var names: [String] { get }
    /// Nil when the checkpoint has no such tensor.
    func shape(of name: String) -> [Int]?
    func storage(of name: String) -> TensorStorage
    /// Reads elements `range`, whole rows of a matrix, into `out`.
    func read(
        _ name: String, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError)
    /// The Q4_0 blocks of elements `range` of a tensor whose storage is `q4Grid`.
    func q4Blocks(_ name: String, _ range: Range<Int>) throws(WeightFileError) -> [UInt8]
    /// Names of the file's that a model of this config does not use.
    func unused(_ config: ModelConfig) -> [String]
}

extension SafetensorsFolder: CheckpointTensors {
    func storage(of name: String) -> TensorStorage { .float }

    func q4Blocks(_ name: String, _ range: Range<Int>) throws(WeightFileError) -> [UInt8] {
        preconditionFailure("safetensors hold no Q4_0")
    }

    func unused(_ config: ModelConfig) -> [String] {
        let names = Set(config.catalog.map(\.name))
        return self.names.filter { !names.contains($0) }
    }
}

extension CheckpointTensors {
    /// Checks that every tensor of `config` is there in its shape.
    ///
    /// - Throws: `WeightFileError.missing`, `.shape`.
    func checkShapes(_ config: ModelConfig) throws(WeightFileError) {
        for spec in config.catalog { try checkShape(spec) }
    }

    func checkShape(_ spec: TensorSpec) throws(WeightFileError) {
        guard let shape = shape(of: spec.name) else { throw .missing(path: path, tensor: spec.name) }
        guard spec.alternatives.contains(shape) || (shape == spec.shape && spec.kind != .convolution) else {
            throw .shape(
                path: path, tensor: spec.name, found: shape, expected: spec.alternatives.first ?? spec.shape)
        }
    }

    /// Calls `body` with a few hundred rows at a time, about 4 MiB: the first row's number, how many,
    /// and their values. What is not finite is refused.
    ///
    /// - Throws: `WeightFileError.notFinite` with the element's number, and what `read` throws.
    func forEachPiece(
        _ spec: TensorSpec,
        _ body: (_ row: Int, _ rows: Int, UnsafeMutableBufferPointer<Float>) throws(WeightFileError) -> Void
    ) throws(WeightFileError) {
        try checkShape(spec)
        let columns = spec.kind == .matrix ? spec.shape[1] : spec.count
        let count = spec.count / columns
        let step = max(1, (1 << 20) / (16 * columns)) * 16
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(count, step) * columns)
        defer { buffer.deallocate() }
        for row in stride(from: 0, to: count, by: step) {
            let rows = min(step, count - row)
            try read(spec.name, row * columns..<(row + rows) * columns, into: buffer)
            let values = UnsafeMutableBufferPointer(rebasing: buffer[..<(rows * columns)])
            if let bad = values.firstIndex(where: { !$0.isFinite }) {
                throw .notFinite(path: path, tensor: spec.name, index: row * columns + bad)
            }
            try body(row, rows, values)
        }
    }
}

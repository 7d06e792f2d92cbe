/// How a tensor is stored in a packed file; see docs/decisions/0003-four-bit-grid.md.
public enum WeightFormat: String, Sendable, CaseIterable {
    /// Row-major Float32, any shape: norms, convolutions, biases.
    case vector
    /// A matrix in panels of 16 rows, Float32.
    case f32
    /// The same in bfloat16.
    case bf16
    /// The same in 8 bits, groups of 64 along K.
    case q8
    /// The same in 4 bits, groups of 32 along K.
    case q4

    /// Whether a matrix with `columns` (K) can be stored so.
    public func fits(columns: Int) -> Bool {
        switch self {
        case .vector, .f32: true
        case .bf16: columns % 2 == 0
        case .q8: columns % 64 == 0
        case .q4: columns % 32 == 0
        }
    }

    /// Bytes of a tensor: panels of 16 rows as `Sources/CKernels/include/ckernels.h` draws them,
    /// each a multiple of 64.
    ///
    /// - Parameter shape: `[N, K]` for a matrix.
    public func byteCount(shape: [Int]) -> Int {
        if self == .vector { return shape.reduce(4, *) }
        precondition(shape.count == 2)
        let columns = shape[1]
        let panel =
            switch self {
            case .vector, .f32: columns * 64
            case .bf16: (columns + 1) / 2 * 64
            case .q8: columns * 16 + columns / 64 * 32
            case .q4: columns * 8 + columns / 32 * 32
            }
        return (shape[0] + 15) / 16 * ((panel + 63) / 64 * 64)
    }
}

import WeightFiles

/// Which format each matrix of a model is stored in.
///
/// `q4` keeps the narrow projections (latents, low-rank gates, beta) in 8 bits; what does not
/// fit its format because of K (q4: multiples of 32, q8: of 64) is stored in Float32.
/// Norms, convolutions, `A_log`, `dt_bias`, the router and its bias are Float32 always.
///
/// `closest` stores each matrix in the narrowest format that keeps what its file has: floats in
/// bf16, Q4_0 in q4 bit for bit, other quantized types in q8 (their values in 8 bits and groups of
/// 64), in bf16 where K does not fit.
public enum Recipe: String, Sendable, CaseIterable {
    case f32, bf16, q8, q4, closest

    /// What a command's option may say.
    public static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// The format of matrix `name` (its name in the checkpoint) with `columns` columns.
    public func format(name: String, columns: Int) -> WeightFormat {
        format(name: name, columns: columns, storage: .float)
    }

    func format(name: String, columns: Int, storage: TensorStorage) -> WeightFormat {
        if name.hasSuffix("block_sparse_moe.gate.weight") { return .f32 }
        let wanted: WeightFormat =
            switch self {
            case .f32: .f32
            case .bf16: .bf16
            case .q8: .q8
            case .q4: Self.narrow.contains { name.hasSuffix($0) } ? .q8 : .q4
            case .closest:
                switch storage {
                case .float: .bf16
                case .quantized: .q8
                case .q4Grid: .q4
                }
            }
        if wanted.fits(columns: columns) { return wanted }
        return self == .closest && WeightFormat.bf16.fits(columns: columns) ? .bf16 : .f32
    }

    private static let narrow = [
        "kv_a_proj_with_mqa.weight", "kv_b_proj.weight", "f_a_proj.weight", "f_b_proj.weight",
        "g_a_proj.weight", "g_b_proj.weight", "b_proj.weight",
    ]
}

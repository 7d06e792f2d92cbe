import CKernels
import WeightFiles

/// A packed matrix `[N, K]` in memory that its ``ModelWeights`` keeps alive.
struct Matrix: @unchecked Sendable {
    let packed: ck_matrix

    var rows: Int { Int(packed.N) }
    var columns: Int { Int(packed.K) }
    var panels: Int { Int(ck_panel_count(packed.N)) }
}

extension WeightFormat {
    /// The kernels' name of a matrix format.
    var kernelFormat: ck_format {
        switch self {
        case .vector, .f32: CK_F32
        case .bf16: CK_BF16
        case .q8: CK_Q8
        case .q4: CK_Q4
        }
    }
}

/// All weights of a model, by layer, ready for the kernels.
final class ModelWeights: @unchecked Sendable {
    struct FeedForward {
        let gate, up, down: Matrix
    }

    struct Experts {
        let router: Matrix
        let bias: UnsafePointer<Float>
        let experts: [FeedForward]
        let shared: FeedForward?
    }

    struct KDA {
        let q, k, v, fA, fB, b, gA, gB, o: Matrix
        /// `[taps, width]` each.
        let qConv, kConv, vConv: UnsafePointer<Float>
        let aLog, dtBias, oNorm: UnsafePointer<Float>
    }

    struct MLA {
        let q, kvA, kvB, o: Matrix
        let latentNorm: UnsafePointer<Float>
    }

    enum Mixer {
        case kda(KDA)
        case mla(MLA)
    }

    enum Feed {
        case dense(FeedForward)
        case moe(Experts)
    }

    struct Layer {
        let inputNorm, postNorm: UnsafePointer<Float>
        let mixer: Mixer
        let feed: Feed
    }

    let embedding, head: Matrix
    let finalNorm: UnsafePointer<Float>
    let layers: [Layer]
    /// What keeps the memory alive: mapped files or own buffers.
    private let owners: [AnyObject]

    /// Places every tensor of `config` from `source`.
    init(config: ModelConfig, source: some TensorSource) throws(WeightFileError) {
        var owners: [AnyObject] = []
        var matrices: [String: Matrix] = [:]
        var vectors: [String: UnsafePointer<Float>] = [:]
        for spec in config.catalog {
            let (pointer, format, owner) = try source.place(spec)
            if owners.last !== owner { owners.append(owner) }
            if spec.kind == .matrix {
                matrices[spec.name] = Matrix(
                    packed: ck_matrix(
                        data: pointer, N: Int64(spec.shape[0]), K: Int64(spec.shape[1]),
                        format: format.kernelFormat))
            } else {
                vectors[spec.name] = pointer.assumingMemoryBound(to: Float.self)
            }
        }
        self.owners = owners
        // The catalog names exactly what is asked for below.
        func matrix(_ name: String) -> Matrix { matrices[name + ".weight"]! }
        func vector(_ name: String) -> UnsafePointer<Float> { vectors[name]! }
        func feedForward(_ prefix: String) -> FeedForward {
            FeedForward(
                gate: matrix(prefix + "gate_proj"), up: matrix(prefix + "up_proj"),
                down: matrix(prefix + "down_proj"))
        }
        embedding = matrix("model.embed_tokens")
        head = config.tiesEmbeddings ? embedding : matrix("lm_head")
        finalNorm = vector("model.norm.weight")
        layers = config.layers.enumerated().map { index, kind in
            let name = "model.layers.\(index)."
            let a = name + "self_attn."
            let mixer: Mixer =
                switch kind {
                case .kda:
                    .kda(
                        KDA(
                            q: matrix(a + "q_proj"), k: matrix(a + "k_proj"), v: matrix(a + "v_proj"),
                            fA: matrix(a + "f_a_proj"), fB: matrix(a + "f_b_proj"), b: matrix(a + "b_proj"),
                            gA: matrix(a + "g_a_proj"), gB: matrix(a + "g_b_proj"), o: matrix(a + "o_proj"),
                            qConv: vector(a + "q_conv1d.weight"), kConv: vector(a + "k_conv1d.weight"),
                            vConv: vector(a + "v_conv1d.weight"), aLog: vector(a + "A_log"),
                            dtBias: vector(a + "dt_bias"), oNorm: vector(a + "o_norm.weight")))
                case .mla:
                    .mla(
                        MLA(
                            q: matrix(a + "q_proj"), kvA: matrix(a + "kv_a_proj_with_mqa"),
                            kvB: matrix(a + "kv_b_proj"), o: matrix(a + "o_proj"),
                            latentNorm: vector(a + "kv_a_layernorm.weight")))
                }
            let feed: Feed
            if config.feedForward[index] == .moe {
                let m = name + "block_sparse_moe."
                feed = .moe(
                    Experts(
                        router: matrix(m + "gate"), bias: vector(m + "gate.e_score_correction_bias"),
                        experts: (0..<config.experts).map {
                            FeedForward(
                                gate: matrix("\(m)experts.\($0).w1"), up: matrix("\(m)experts.\($0).w3"),
                                down: matrix("\(m)experts.\($0).w2"))
                        },
                        shared: config.sharedExperts > 0 ? feedForward(m + "shared_experts.") : nil))
            } else {
                feed = .dense(feedForward(name + "mlp."))
            }
            return Layer(
                inputNorm: vector(name + "input_layernorm.weight"),
                postNorm: vector(name + "post_attention_layernorm.weight"), mixer: mixer, feed: feed)
        }
    }
}

/// Where tensors come from.
protocol TensorSource {
    /// The tensor's memory in its final layout, 64-byte aligned, kept alive by `owner`.
    func place(
        _ spec: TensorSpec
    ) throws(WeightFileError) -> (pointer: UnsafeRawPointer, format: WeightFormat, owner: AnyObject)
}

extension PackedFile: TensorSource {
    func place(
        _ spec: TensorSpec
    ) throws(WeightFileError) -> (pointer: UnsafeRawPointer, format: WeightFormat, owner: AnyObject) {
        guard let entry = entry(spec.name) else { throw .missing(path: path, tensor: spec.name) }
        guard entry.shape == spec.shape, (entry.format == .vector) != (spec.kind == .matrix) else {
            throw .shape(path: path, tensor: spec.name, found: entry.shape, expected: spec.shape)
        }
        return (bytes(of: entry).baseAddress!, entry.format, self)
    }
}

extension KimiLinearModel {
    /// All values of a packed tensor as float, `[N, K]` row-major; exactly what the kernels use.
    public static func unpack(_ entry: PackedEntry, of file: PackedFile) -> [Float] {
        let base = file.bytes(of: entry).baseAddress!
        let count = entry.shape.reduce(1, *)
        if entry.format == .vector {
            return Array(UnsafeBufferPointer(start: base.assumingMemoryBound(to: Float.self), count: count))
        }
        let (n, k) = (entry.shape[0], entry.shape[1])
        var matrix = ck_matrix(data: base, N: Int64(n), K: Int64(k), format: entry.format.kernelFormat)
        return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            for row in 0..<n { ck_unpack_row(buffer.baseAddress! + row * k, &matrix, Int64(row)) }
            filled = count
        }
    }

    /// Bytes of a packed matrix as the kernels count them.
    public static func kernelByteCount(_ format: WeightFormat, rows: Int, columns: Int) -> Int {
        Int(ck_matrix_bytes(format.kernelFormat, Int64(rows), Int64(columns)))
    }
}

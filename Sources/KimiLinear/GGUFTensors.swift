import WeightFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The tensors of a GGUF of architecture `kimi-linear` under the names of the Hugging Face checkpoint.
///
/// Source: llama.cpp's `conversion/kimi_linear.py` and its loader. What is stored otherwise than in
/// the checkpoint: `ssm_a` is -exp(A_log); the experts of a layer are one stack; kv_b is split by
/// head into keys, transposed, and values. Older files keep kv_b whole, and some fuse q, k and v.
struct GGUFTensors: CheckpointTensors {
    /// Where the values of a checkpoint's tensor lie.
    private enum Origin {
        /// Elements of one tensor from `start` on.
        case run(tensor: String, start: Int)
        /// log(-x) of one tensor.
        case logarithm(tensor: String)
        /// kv_b: `keys` `[heads, latent, nope]`, `values` `[heads, value, latent]`.
        case split(keys: String, values: String)
    }

    private struct Place {
        let origin: Origin
        let shape: [Int]
        let storage: TensorStorage
    }

    let weights: GGUFWeights
    private let config: ModelConfig
    private let places: [String: Place]
    private let used: Set<String>

    var path: String { weights.path }
    var names: [String] { weights.names }

    /// Finds every tensor of `config` and checks its shape and type.
    ///
    /// - Throws: `WeightFileError.missing`, `.shape`, `.elementType`, named as the file names them.
    init(_ weights: GGUFWeights, config: ModelConfig) throws(WeightFileError) {
        var places: [String: Place] = [:]
        var used: Set<String> = []
        func entry(_ name: String, _ expected: [Int]) throws(WeightFileError) -> GGUFEntry {
            guard let entry = weights.entry(name) else { throw .missing(path: weights.path, tensor: name) }
            // Axes of one come and go when llama.cpp rewrites a file.
            guard entry.shape.filter({ $0 != 1 }) == expected.filter({ $0 != 1 }) else {
                throw .shape(path: weights.path, tensor: name, found: entry.shape, expected: expected)
            }
            guard GGMLType.readable.contains(entry.type) else {
                throw .elementType(path: weights.path, tensor: name, found: entry.type.name)
            }
            used.insert(name)
            return entry
        }
        for spec in config.catalog {
            let shape = spec.kind == .convolution ? [spec.shape[1], 1, spec.shape[0]] : spec.shape
            let (prefix, part) = Self.split(spec.name)
            let origin: Origin
            let type: GGMLType
            if part == "self_attn.kv_b_proj.weight", weights.entry(prefix + "attn_kv_b.weight") == nil {
                let (keys, values) = (prefix + "attn_k_b.weight", prefix + "attn_v_b.weight")
                type = try entry(keys, [config.mlaHeads, config.latentRank, config.nopeWidth]).type
                _ = try entry(values, [config.mlaHeads, config.valueWidth, config.latentRank])
                origin = .split(keys: keys, values: values)
            } else if part == "self_attn.A_log" {
                type = try entry(prefix + "ssm_a", shape).type
                origin = .logarithm(tensor: prefix + "ssm_a")
            } else if let (expert, stack) = Self.expert(part) {
                type = try entry(prefix + stack, [config.experts] + shape).type
                origin = .run(tensor: prefix + stack, start: expert * spec.count)
            } else if let stream = ["q", "k", "v"].firstIndex(where: { part == "self_attn.\($0)_proj.weight" }
            ),
                weights.entry(prefix + "attn_qkv.weight") != nil
            {
                type = try entry(prefix + "attn_qkv.weight", [3 * shape[0], shape[1]]).type
                origin = .run(tensor: prefix + "attn_qkv.weight", start: stream * spec.count)
            } else {
                guard let name = Self.plain[part] else { preconditionFailure("no GGUF name of \(part)") }
                type = try entry(prefix + name, shape).type
                origin = .run(tensor: prefix + name, start: 0)
            }
            let storage: TensorStorage =
                switch (type, origin) {
                case (.f32, _), (.f16, _), (.bf16, _): .float
                case (.q4_0, .run): .q4Grid
                default: .quantized
                }
            places[spec.name] = Place(origin: origin, shape: shape, storage: storage)
        }
        self.weights = weights
        self.config = config
        self.places = places
        self.used = used
    }

    /// `model.layers.7.` becomes `blk.7.`; what is behind it, or the whole name.
    private static func split(_ name: String) -> (prefix: String, part: String) {
        let layers = "model.layers."
        guard name.hasPrefix(layers), let dot = name.dropFirst(layers.count).firstIndex(of: ".") else {
            return ("", name)
        }
        let number = name.dropFirst(layers.count)[..<dot]
        return ("blk.\(number).", String(name[name.index(after: dot)...]))
    }

    /// The number and the stack of `block_sparse_moe.experts.17.w2.weight`.
    private static func expert(_ part: String) -> (Int, String)? {
        let start = "block_sparse_moe.experts."
        guard part.hasPrefix(start) else { return nil }
        let words = part.dropFirst(start.count).split(separator: ".")
        guard words.count == 3, let number = Int(words[0]), let stack = stacks[String(words[1])] else {
            return nil
        }
        return (number, stack)
    }

    private static let stacks = [
        "w1": "ffn_gate_exps.weight", "w2": "ffn_down_exps.weight", "w3": "ffn_up_exps.weight",
    ]

    private static let plain = [
        "model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight", "input_layernorm.weight": "attn_norm.weight",
        "post_attention_layernorm.weight": "ffn_norm.weight",
        "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.q_conv1d.weight": "ssm_conv1d_q.weight",
        "self_attn.k_conv1d.weight": "ssm_conv1d_k.weight",
        "self_attn.v_conv1d.weight": "ssm_conv1d_v.weight",
        "self_attn.dt_bias": "ssm_dt.bias", "self_attn.o_norm.weight": "ssm_norm.weight",
        "self_attn.f_a_proj.weight": "ssm_f_a.weight", "self_attn.f_b_proj.weight": "ssm_f_b.weight",
        "self_attn.g_a_proj.weight": "ssm_g_a.weight", "self_attn.g_b_proj.weight": "ssm_g_b.weight",
        "self_attn.b_proj.weight": "ssm_beta.weight",
        "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
        "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight",
        "self_attn.kv_b_proj.weight": "attn_kv_b.weight",
        "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight",
        "mlp.down_proj.weight": "ffn_down.weight", "block_sparse_moe.gate.weight": "ffn_gate_inp.weight",
        "block_sparse_moe.gate.e_score_correction_bias": "exp_probs_b.bias",
        "block_sparse_moe.shared_experts.gate_proj.weight": "ffn_gate_shexp.weight",
        "block_sparse_moe.shared_experts.up_proj.weight": "ffn_up_shexp.weight",
        "block_sparse_moe.shared_experts.down_proj.weight": "ffn_down_shexp.weight",
    ]

    func shape(of name: String) -> [Int]? { places[name]?.shape }

    func storage(of name: String) -> TensorStorage { places[name]?.storage ?? .float }

    func unused(_ config: ModelConfig) -> [String] { names.filter { !used.contains($0) } }

    func q4Blocks(_ name: String, _ range: Range<Int>) throws(WeightFileError) -> [UInt8] {
        guard let place = places[name], place.storage == .q4Grid,
            case .run(let tensor, let start) = place.origin
        else { preconditionFailure("\(name) is not stored in Q4_0") }
        return try weights.blocks(tensor, start + range.lowerBound..<start + range.upperBound)
    }

    func read(
        _ name: String, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError) {
        guard let place = places[name] else { throw .missing(path: path, tensor: name) }
        switch place.origin {
        case .run(let tensor, let start):
            try weights.read(tensor, start + range.lowerBound..<start + range.upperBound, into: out)
        case .logarithm(let tensor):
            try weights.read(tensor, range, into: out)
            for i in 0..<range.count {
                guard out[i] < 0, out[i].isFinite else {
                    throw .config(
                        path: path, field: "\(tensor)[\(range.lowerBound + i)]", found: "\(out[i])",
                        expected: "a negative number, -exp(A_log)")
                }
                out[i] = Float(log(-Double(out[i])))
            }
        case .split(let keys, let values):
            try readSplit(keys, values, range, into: out)
        }
    }

    /// Rows of kv_b: per head `nopeWidth` rows of keys, then `valueWidth` rows of values.
    private func readSplit(
        _ keys: String, _ values: String, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError) {
        let (rank, nope, value) = (config.latentRank, config.nopeWidth, config.valueWidth)
        precondition(range.lowerBound % rank == 0 && range.upperBound % rank == 0)
        let rows = range.lowerBound / rank..<range.upperBound / rank
        let perHead = nope + value
        let scratch = UnsafeMutableBufferPointer<Float>.allocate(capacity: rank * max(nope, value))
        defer { scratch.deallocate() }
        for head in rows.lowerBound / perHead...(rows.upperBound - 1) / perHead {
            let first = head * perHead
            let keyRows = rows.clamped(to: first..<first + nope)
            if !keyRows.isEmpty {
                try weights.read(keys, head * rank * nope..<(head + 1) * rank * nope, into: scratch)
                for row in keyRows {
                    let target = out.baseAddress! + (row - rows.lowerBound) * rank
                    for i in 0..<rank { target[i] = scratch[i * nope + row - first] }
                }
            }
            let valueRows = rows.clamped(to: first + nope..<first + perHead)
            if !valueRows.isEmpty {
                let start = (head * value + valueRows.lowerBound - first - nope) * rank
                let part = UnsafeMutableBufferPointer(
                    start: out.baseAddress! + (valueRows.lowerBound - rows.lowerBound) * rank,
                    count: valueRows.count * rank)
                try weights.read(values, start..<start + part.count, into: part)
            }
        }
    }
}

import JSON
import WeightFiles

/// The shape of a Kimi-Linear model: `config.json` of its Hugging Face folder, checked.
///
/// Source: the published config of Kimi-Linear-48B-A3B; `sliding_window` as in
/// docs/decisions/0001-attention-window.md.
public struct ModelConfig: Sendable, Equatable {
    /// What mixes tokens in a layer.
    public enum LayerKind: Sendable, Equatable {
        case kda
        case mla
    }

    /// What a layer's feed-forward part is.
    public enum FeedForward: Sendable, Equatable {
        case dense
        case moe
    }

    public var vocabularySize: Int
    public var hidden: Int
    /// One entry a layer.
    public var layers: [LayerKind]
    public var feedForward: [FeedForward]

    public var kdaHeads: Int
    /// Width of a KDA head's keys and values, and of the low-rank gates.
    public var kdaHeadWidth: Int
    /// Taps of the short convolutions; the last one meets the current token.
    public var convTaps: Int

    public var mlaHeads: Int
    public var latentRank: Int
    public var nopeWidth: Int
    public var ropeWidth: Int
    public var valueWidth: Int
    /// Keys that a query sees, its own included; nil for all.
    public var window: Int?

    public var intermediate: Int
    public var experts: Int
    public var expertsPerToken: Int
    public var sharedExperts: Int
    public var expertIntermediate: Int
    public var renormalizesRouter: Bool
    public var routedScale: Float
    public var expertGroups: Int
    public var groupsPerToken: Int

    public var normEpsilon: Float
    public var tiesEmbeddings: Bool
    public var maximumLength: Int
    public var bosID: Int32?
    public var eosIDs: [Int32]

    /// eps of the latent norm: the class default of the reference, not `rms_norm_eps`.
    public static let latentNormEpsilon: Float = 1e-6
    /// Added to the sum of squares when queries and keys are normalised.
    public static let headNormEpsilon: Float = 1e-6

    /// heads * width of the KDA layers.
    public var kdaWidth: Int { kdaHeads * kdaHeadWidth }
    /// Width of an MLA query or key head.
    public var queryWidth: Int { nopeWidth + ropeWidth }
    /// Numbers a token leaves in the cache of one MLA layer.
    public var latentWidth: Int { latentRank + ropeWidth }

    /// Reads the fields of `config.json`; `path` only names the file in errors.
    ///
    /// - Throws: ``WeightFileError/config(path:field:found:expected:)`` for a field that is
    ///   missing, out of range, or asks for a variant that this build does not run.
    public init(json: JSONValue, path: String = "config.json") throws(WeightFileError) {
        let reader = ConfigReader(json: json, path: path)
        try reader.refuseVariants()
        hidden = try reader.count("hidden_size")
        vocabularySize = try reader.count("vocab_size", limit: 1 << 24)
        let layerCount = try reader.count("num_hidden_layers", limit: 4096)

        guard let linear = json["linear_attn_config"], linear.members != nil else {
            throw .config(path: path, field: "linear_attn_config", found: "absent", expected: "an object")
        }
        let inner = ConfigReader(json: linear, path: path, prefix: "linear_attn_config.")
        kdaHeadWidth = try inner.count("head_dim", limit: 1024)
        kdaHeads = try inner.count("num_heads", limit: 4096)
        convTaps = try inner.count("short_conv_kernel_size", limit: 16)
        layers = try inner.layerKinds(count: layerCount)

        mlaHeads = try reader.count("num_attention_heads", limit: 4096)
        if let keyHeads = try reader.optionalCount("num_key_value_heads"), keyHeads != mlaHeads {
            throw .config(
                path: path, field: "num_key_value_heads", found: "\(keyHeads)",
                expected: "\(mlaHeads), num_attention_heads")
        }
        latentRank = try reader.count("kv_lora_rank", limit: 1 << 16)
        nopeWidth = try reader.count("qk_nope_head_dim", limit: 1 << 16)
        ropeWidth = try reader.count("qk_rope_head_dim", limit: 1 << 16)
        valueWidth = try reader.count("v_head_dim", limit: 1 << 16)
        window = try reader.optionalCount("sliding_window")

        intermediate = try reader.count("intermediate_size")
        // So many that no list of their tensors exhausts the memory.
        experts =
            try reader.optionalCount("num_experts", limit: (1 << 20) / layerCount, zeroIsAbsent: true) ?? 0
        if experts > 0 {
            expertsPerToken = try reader.count("num_experts_per_token", limit: experts)
            sharedExperts =
                try reader.optionalCount("num_shared_experts", limit: 256, zeroIsAbsent: true) ?? 0
            expertIntermediate = try reader.count("moe_intermediate_size")
            // Without use_grouped_topk all experts are one group, whatever the numbers say.
            let isGrouped = try reader.flag("use_grouped_topk") ?? true
            expertGroups = isGrouped ? try reader.optionalCount("num_expert_group") ?? 1 : 1
            groupsPerToken = isGrouped ? try reader.optionalCount("topk_group") ?? 1 : 1
            guard experts % expertGroups == 0, groupsPerToken <= expertGroups,
                expertsPerToken <= experts / expertGroups * groupsPerToken,
                expertGroups == 1 || experts / expertGroups >= 2
            else {
                throw .config(
                    path: path, field: "num_expert_group", found: "\(expertGroups)",
                    expected: "groups that divide num_experts and hold num_experts_per_token")
            }
            let activation = json["moe_router_activation_func"]?.string ?? "sigmoid"
            guard activation == "sigmoid" else {
                throw .config(
                    path: path, field: "moe_router_activation_func", found: activation, expected: "sigmoid")
            }
        } else {
            (expertsPerToken, sharedExperts, expertIntermediate, expertGroups, groupsPerToken) = (
                0, 0, 0, 1, 1
            )
        }
        renormalizesRouter = try reader.flag("moe_renormalize") ?? true
        routedScale = try reader.number("routed_scaling_factor") ?? 1
        let firstSparse = try reader.optionalCount("first_k_dense_replace", zeroIsAbsent: true) ?? 0
        let frequency = try reader.optionalCount("moe_layer_freq") ?? 1
        let hasExperts = experts > 0
        feedForward = (0..<layerCount).map {
            hasExperts && $0 >= firstSparse && $0 % frequency == 0 ? .moe : .dense
        }

        normEpsilon = try reader.number("rms_norm_eps") ?? 1e-5
        guard normEpsilon >= 0 else {
            throw .config(
                path: path, field: "rms_norm_eps", found: "\(normEpsilon)", expected: "a number from 0 on")
        }
        tiesEmbeddings = try reader.flag("tie_word_embeddings") ?? false
        maximumLength = try reader.optionalCount("model_max_length", limit: 1 << 40) ?? 1 << 20
        bosID = try reader.tokenIDs("bos_token_id", vocabulary: vocabularySize).first
        eosIDs = try reader.tokenIDs("eos_token_id", vocabulary: vocabularySize)
    }
}

/// Reads fields of one JSON object and names them in errors.
private struct ConfigReader {
    let json: JSONValue
    let path: String
    var prefix = ""

    func count(_ field: String, limit: Int = 1 << 20) throws(WeightFileError) -> Int {
        guard let value = json[field]?.integer, value > 0, value <= limit else {
            throw .config(
                path: path, field: prefix + field, found: json[field]?.text ?? "absent",
                expected: "a whole number from 1 to \(limit)")
        }
        return value
    }

    func optionalCount(
        _ field: String, limit: Int = 1 << 20, zeroIsAbsent: Bool = false
    ) throws(WeightFileError) -> Int? {
        guard let value = json[field], !value.isNull else { return nil }
        if zeroIsAbsent, value.integer == 0 { return nil }
        return try count(field, limit: limit)
    }

    func flag(_ field: String) throws(WeightFileError) -> Bool? {
        guard let value = json[field], !value.isNull else { return nil }
        guard let flag = value.bool else {
            throw .config(path: path, field: prefix + field, found: value.text, expected: "true or false")
        }
        return flag
    }

    func number(_ field: String) throws(WeightFileError) -> Float? {
        guard let value = json[field], !value.isNull else { return nil }
        guard let number = value.double.map({ Float($0) }), number.isFinite else {
            throw .config(path: path, field: prefix + field, found: value.text, expected: "a finite number")
        }
        return number
    }

    /// One id or a list of them; absent and null are none.
    func tokenIDs(_ field: String, vocabulary: Int) throws(WeightFileError) -> [Int32] {
        guard let value = json[field], !value.isNull else { return [] }
        var ids: [Int32] = []
        for entry in value.array ?? [value] {
            guard let id = entry.integer, id >= 0, id < vocabulary else {
                throw .config(
                    path: path, field: prefix + field, found: entry.text,
                    expected: "token ids below vocab_size \(vocabulary)")
            }
            ids.append(Int32(id))
        }
        return ids
    }

    /// The 1-based lists `kda_layers` and `full_attn_layers` must name every layer once.
    func layerKinds(count: Int) throws(WeightFileError) -> [ModelConfig.LayerKind] {
        var kinds = [ModelConfig.LayerKind?](repeating: nil, count: count)
        let lists: [(String, ModelConfig.LayerKind)] = [("kda_layers", .kda), ("full_attn_layers", .mla)]
        for (field, kind) in lists {
            for value in json[field]?.array ?? [] {
                guard let layer = value.integer, layer >= 1, layer <= count, kinds[layer - 1] == nil else {
                    throw .config(
                        path: path, field: prefix + field, found: "layer \(value.text)",
                        expected: "each of the layers 1 to \(count) once")
                }
                kinds[layer - 1] = kind
            }
        }
        if let gap = kinds.firstIndex(of: nil) {
            throw .config(
                path: path, field: prefix + "kda_layers", found: "no kind for layer \(gap + 1)",
                expected: "each layer in kda_layers or full_attn_layers")
        }
        return kinds.compactMap { $0 }
    }

    /// Fields that are read above, and fields that change nothing in the mathematics of this architecture:
    /// NoPE makes the rotary ones dead, `head_dim` is dead in the published config.
    private static let known: Set<String> = [
        "architectures", "auto_map", "model_type", "dtype", "torch_dtype", "transformers_version",
        "_name_or_path",
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
        "head_dim",
        "intermediate_size", "hidden_act", "initializer_range", "rms_norm_eps", "rope_theta", "rope_scaling",
        "rope_parameters", "mla_use_nope", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim",
        "v_head_dim", "sliding_window", "linear_attn_config", "num_experts", "num_experts_per_token",
        "num_shared_experts", "moe_intermediate_size", "moe_layer_freq", "first_k_dense_replace",
        "moe_router_activation_func", "moe_renormalize", "routed_scaling_factor", "use_grouped_topk",
        "num_expert_group", "topk_group", "model_max_length", "max_position_embeddings", "bos_token_id",
        "eos_token_id", "pad_token_id", "tie_word_embeddings", "use_cache", "pretraining_tp",
        "attention_dropout", "aux_loss_alpha", "seq_aux", "output_router_logits", "router_aux_loss_coef",
    ]
    private static let knownLinear: Set<String> = [
        "head_dim", "num_heads", "short_conv_kernel_size", "kda_layers", "full_attn_layers",
    ]

    /// Refuses what would make another model of it: switches of newer relatives (a bounded or full-rank
    /// gate, an output gate of MLA, latent experts, SiTU, residual mixing, multi-token prediction) and every
    /// field that is not known here. Absent, null, false, zero and empty are off.
    func refuseVariants() throws(WeightFileError) {
        if let type = json["model_type"]?.string, type != "kimi_linear" {
            throw .config(path: path, field: "model_type", found: type, expected: "kimi_linear")
        }
        try refuseUnknown(json.members ?? [], Self.known, prefix: "")
        try refuseUnknown(
            json["linear_attn_config"]?.members ?? [], Self.knownLinear, prefix: "linear_attn_config.")
        if let activation = json["hidden_act"]?.string, activation != "silu" {
            throw .config(path: path, field: "hidden_act", found: activation, expected: "silu")
        }
        if json["mla_use_nope"]?.bool == false {
            throw .config(path: path, field: "mla_use_nope", found: "false", expected: "true")
        }
    }

    private func refuseUnknown(
        _ fields: [JSONMember], _ known: Set<String>, prefix: String
    ) throws(WeightFileError) {
        for field in fields where !known.contains(field.name) {
            let value = field.value
            let isEmpty = value.array?.isEmpty == true || value.members?.isEmpty == true || value.string == ""
            guard value.isNull || value.bool == false || value.double == 0 || isEmpty else {
                throw .config(
                    path: path, field: prefix + field.name, found: value.text,
                    expected: "a field that this build knows, or null")
            }
        }
    }
}

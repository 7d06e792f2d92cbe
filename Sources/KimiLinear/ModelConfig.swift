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
        vocabularySize = try reader.count("vocab_size")
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
        latentRank = try reader.count("kv_lora_rank")
        nopeWidth = try reader.count("qk_nope_head_dim")
        ropeWidth = try reader.count("qk_rope_head_dim")
        valueWidth = try reader.count("v_head_dim")
        window = try reader.optionalCount("sliding_window")

        intermediate = try reader.count("intermediate_size")
        experts = try reader.optionalCount("num_experts", zeroIsAbsent: true) ?? 0
        if experts > 0 {
            expertsPerToken = try reader.count("num_experts_per_token", limit: experts)
            sharedExperts = try reader.optionalCount("num_shared_experts", zeroIsAbsent: true) ?? 0
            expertIntermediate = try reader.count("moe_intermediate_size")
            expertGroups = try reader.optionalCount("num_expert_group") ?? 1
            groupsPerToken = try reader.optionalCount("topk_group") ?? 1
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
        renormalizesRouter = json["moe_renormalize"]?.bool ?? true
        routedScale = Float(json["routed_scaling_factor"]?.double ?? 1)
        let firstSparse = try reader.optionalCount("first_k_dense_replace", zeroIsAbsent: true) ?? 0
        let frequency = try reader.optionalCount("moe_layer_freq") ?? 1
        let hasExperts = experts > 0
        feedForward = (0..<layerCount).map {
            hasExperts && $0 >= firstSparse && $0 % frequency == 0 ? .moe : .dense
        }

        normEpsilon = Float(json["rms_norm_eps"]?.double ?? 1e-5)
        tiesEmbeddings = json["tie_word_embeddings"]?.bool ?? false
        maximumLength = try reader.optionalCount("model_max_length") ?? 1 << 20
        bosID = json["bos_token_id"]?.integer.flatMap { Int32(exactly: $0) }
        let eos = json["eos_token_id"]
        eosIDs = (eos?.array ?? eos.map { [$0] } ?? []).compactMap {
            $0.integer.flatMap { Int32(exactly: $0) }
        }
    }
}

/// Reads fields of one JSON object and names them in errors.
private struct ConfigReader {
    let json: JSONValue
    let path: String
    var prefix = ""

    func count(_ field: String, limit: Int = 1 << 24) throws(WeightFileError) -> Int {
        guard let value = json[field]?.integer, value > 0, value <= limit else {
            throw .config(
                path: path, field: prefix + field, found: json[field]?.text ?? "absent",
                expected: "a whole number from 1 to \(limit)")
        }
        return value
    }

    func optionalCount(_ field: String, zeroIsAbsent: Bool = false) throws(WeightFileError) -> Int? {
        guard let value = json[field], !value.isNull else { return nil }
        if zeroIsAbsent, value.integer == 0 { return nil }
        return try count(field, limit: 1 << 40)
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

    /// Switches of newer relatives: absent, null and off are the same; anything else is refused.
    func refuseVariants() throws(WeightFileError) {
        if let type = json["model_type"]?.string, type != "kimi_linear" {
            throw .config(path: path, field: "model_type", found: type, expected: "kimi_linear")
        }
        let unknown = [
            "q_lora_rank", "gate_lower_bound", "use_full_rank_gate", "mla_use_output_gate",
            "attn_res_block_size", "routed_expert_hidden_size", "num_nextn_predict_layers", "attention_bias",
            "allow_neg_eigval", "quantization_config",
        ]
        for field in json.members ?? [] {
            let isSwitch = unknown.contains(field.name) || field.name.hasPrefix("activation_situ_")
            let isOff = field.value.isNull || field.value.bool == false || field.value.integer == 0
            if isSwitch, !isOff {
                throw .config(
                    path: path, field: field.name, found: field.value.text, expected: "null or absent")
            }
        }
        for field in (json["linear_attn_config"]?.members ?? [])
        where ["gate_lower_bound", "use_full_rank_gate", "allow_neg_eigval", "safe_gate"].contains(field.name)
        {
            if !field.value.isNull, field.value.bool != false {
                throw .config(
                    path: path, field: "linear_attn_config.\(field.name)", found: field.value.text,
                    expected: "null or absent")
            }
        }
        if let activation = json["hidden_act"]?.string, activation != "silu" {
            throw .config(path: path, field: "hidden_act", found: activation, expected: "silu")
        }
        if json["mla_use_nope"]?.bool == false {
            throw .config(path: path, field: "mla_use_nope", found: "false", expected: "true")
        }
    }
}

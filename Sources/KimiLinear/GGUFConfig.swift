import JSON
import WeightFiles

/// The metadata of a `kimi-linear` GGUF as the `config.json` that the checkpoint has.
///
/// Source: llama.cpp's `conversion/kimi_linear.py`.
enum GGUFConfig {
    private static let prefix = "kimi-linear."

    /// Keys that say nothing about the mathematics, or what the architecture means anyway.
    private static let inert = [
        "context_length", "attention.value_length", "attention.key_length", "rope.freq_base",
        "rope.scaling.type",
        "attention.causal", "rope.scaling.factor", "nextn_predict_layers",
    ]

    /// - Throws: `WeightFileError.config` for another architecture, a key that is missing, out of range or
    ///   unknown.
    static func json(_ weights: GGUFWeights) throws(WeightFileError) -> JSONValue {
        let reader = Reader(weights: weights)
        let architecture = weights.metadata["general.architecture"]
        guard architecture?.text == "kimi-linear" else {
            throw .config(
                path: weights.path, field: "general.architecture", found: architecture?.summary ?? "absent",
                expected: "\"kimi-linear\"")
        }
        let layers = try reader.count("block_count", limit: 4096)
        let heads = try reader.count("attention.head_count")
        let rank = try reader.count("attention.kv_lora_rank")
        let rope = try reader.count("rope.dimension_count")
        let key = try reader.count("attention.key_length_mla")
        guard key > rope else { throw reader.failure("attention.key_length_mla", "more than \(rope)") }
        if let gating = weights.metadata[prefix + "expert_gating_func"], gating.integer != 2 {
            throw reader.failure("expert_gating_func", "2, a sigmoid")
        }
        if let norm = weights.metadata[prefix + "expert_weights_norm"], norm.bool != true {
            throw reader.failure("expert_weights_norm", "true")
        }
        let isFull = try reader.fullLayers(layers)
        var members = [
            JSONMember("architectures", .array([.string("KimiLinearForCausalLM")])),
            JSONMember("model_type", .string("kimi_linear")),
            JSONMember("vocab_size", .integer(try reader.vocabularySize())),
            JSONMember("hidden_size", .integer(try reader.count("embedding_length"))),
            JSONMember("num_hidden_layers", .integer(layers)),
            JSONMember("num_attention_heads", .integer(heads)),
            JSONMember("num_key_value_heads", .integer(heads)),
            JSONMember("intermediate_size", .integer(try reader.count("feed_forward_length"))),
            JSONMember("hidden_act", .string("silu")),
            JSONMember("rms_norm_eps", .number(try reader.number("attention.layer_norm_rms_epsilon"))),
            JSONMember("mla_use_nope", .bool(true)), JSONMember("kv_lora_rank", .integer(rank)),
            JSONMember("qk_nope_head_dim", .integer(key - rope)),
            JSONMember("qk_rope_head_dim", .integer(rope)),
            JSONMember("v_head_dim", .integer(try reader.count("attention.value_length_mla"))),
            JSONMember(
                "linear_attn_config",
                .object([
                    JSONMember("head_dim", .integer(try reader.count("kda.head_dim"))),
                    JSONMember("num_heads", .integer(heads)),
                    JSONMember("short_conv_kernel_size", .integer(try reader.count("ssm.conv_kernel"))),
                    JSONMember(
                        "kda_layers", .array((1...layers).filter { !isFull[$0 - 1] }.map { .integer($0) })),
                    JSONMember(
                        "full_attn_layers",
                        .array((1...layers).filter { isFull[$0 - 1] }.map { .integer($0) })),
                ])),
            JSONMember("tie_word_embeddings", .bool(weights.entry("output.weight") == nil)),
        ]
        let experts = try reader.optional("expert_count") ?? 0
        members.append(JSONMember("num_experts", .integer(experts)))
        if experts > 0 {
            members += [
                JSONMember("num_experts_per_token", .integer(try reader.count("expert_used_count"))),
                JSONMember("num_shared_experts", .integer(try reader.optional("expert_shared_count") ?? 0)),
                JSONMember("moe_intermediate_size", .integer(try reader.count("expert_feed_forward_length"))),
                JSONMember(
                    "first_k_dense_replace", .integer(try reader.optional("leading_dense_block_count") ?? 0)),
                JSONMember("moe_layer_freq", .integer(1)), JSONMember("moe_renormalize", .bool(true)),
                JSONMember("moe_router_activation_func", .string("sigmoid")),
                JSONMember("num_expert_group", .integer(try reader.optional("expert_group_count") ?? 1)),
                JSONMember("topk_group", .integer(try reader.optional("expert_group_used_count") ?? 1)),
            ]
            let scale =
                weights.metadata[prefix + "expert_weights_scale"] == nil ? nil : "expert_weights_scale"
            members.append(
                JSONMember("routed_scaling_factor", .number(try scale.map(reader.number) ?? "1.0")))
        }
        if let length = try reader.optional("context_length"), length > 0 {
            members.append(JSONMember("model_max_length", .integer(length)))
        }
        for (name, key) in [("bos_token_id", "bos"), ("eos_token_id", "eos")] {
            if let id = weights.metadata["tokenizer.ggml.\(key)_token_id"]?.integer {
                members.append(JSONMember(name, .integer(id)))
            }
        }
        try reader.refuseUnknown()
        return .object(members)
    }

    /// Reads keys behind `kimi-linear.` and remembers which.
    private final class Reader {
        let weights: GGUFWeights
        private var known = Set(
            inert + ["attention.head_count_kv", "vocab_size", "expert_gating_func", "expert_weights_norm"])

        init(weights: GGUFWeights) { self.weights = weights }

        func failure(_ key: String, _ expected: String) -> WeightFileError {
            .config(
                path: weights.path, field: prefix + key,
                found: weights.metadata[prefix + key]?.summary ?? "absent", expected: expected)
        }

        func optional(_ key: String) throws(WeightFileError) -> Int? {
            known.insert(key)
            guard let value = weights.metadata[prefix + key] else { return nil }
            // Some writers repeat one number for every layer.
            let number =
                value.integer
                ?? value.integers.flatMap { all in
                    all.first.flatMap { first in
                        all.allSatisfy { $0 == first } ? first : nil
                    }
                }
            guard let number, number >= 0 else { throw failure(key, "a whole number") }
            return number
        }

        func count(_ key: String, limit: Int = 1 << 24) throws(WeightFileError) -> Int {
            guard let value = try optional(key), value > 0, value <= limit else {
                throw failure(key, "a whole number from 1 to \(limit)")
            }
            return value
        }

        /// A number as JSON digits that give the same Float back.
        func number(_ key: String) throws(WeightFileError) -> String {
            known.insert(key)
            guard let value = weights.metadata[prefix + key]?.double, value.isFinite else {
                throw failure(key, "a finite number")
            }
            return "\(Float(value))"
        }

        func vocabularySize() throws(WeightFileError) -> Int {
            guard let embedding = weights.entry("token_embd.weight"), embedding.shape.count == 2 else {
                throw .missing(path: weights.path, tensor: "token_embd.weight")
            }
            if let announced = try optional("vocab_size"), announced != embedding.shape[0] {
                throw failure("vocab_size", "\(embedding.shape[0]), the rows of token_embd.weight")
            }
            return embedding.shape[0]
        }

        /// `head_count_kv` is 0 for KDA layers; where it is one number, the tensors say which layer is which.
        func fullLayers(_ layers: Int) throws(WeightFileError) -> [Bool] {
            if let counts = weights.metadata[prefix + "attention.head_count_kv"]?.integers {
                guard counts.count == layers else {
                    throw failure("attention.head_count_kv", "one number for each of \(layers) layers")
                }
                return counts.map { $0 > 0 }
            }
            return (0..<layers).map { weights.entry("blk.\($0).ssm_a") == nil }
        }

        /// Keys of newer relatives: what is zero, false or empty is off; anything else is refused.
        func refuseUnknown() throws(WeightFileError) {
            for (key, value) in weights.metadata.sorted(by: { $0.key < $1.key }) where key.hasPrefix(prefix) {
                let name = String(key.dropFirst(prefix.count))
                let isOff = value.integer == 0 || value.double == 0 || value.bool == false
                if !known.contains(name), !isOff { throw failure(name, "a key that this build knows") }
            }
        }
    }
}

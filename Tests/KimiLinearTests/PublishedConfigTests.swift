import Digests
import JSON
import KimiLinear
import Testing

/// The config of Kimi-Linear-48B-A3B-Instruct, put together from its fields; its digest proves that it
/// is the published file, byte for byte.
@Suite struct PublishedConfigTests {
    static let digest = "a6ac3c2c4b5aa72370f9727f49ffa4432715d20061889acdb37c688be853096e"

    static let json: JSONValue = {
        func numbers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }
        func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
            .object(members.map { JSONMember($0.key, $0.value) })
        }
        let full = [4, 8, 12, 16, 20, 24, 27]
        return object([
            "architectures": .array([.string("KimiLinearForCausalLM")]),
            "auto_map": object([
                "AutoConfig": .string("configuration_kimi.KimiLinearConfig"),
                "AutoModel": .string("modeling_kimi.KimiLinearModel"),
                "AutoModelForCausalLM": .string("modeling_kimi.KimiLinearForCausalLM"),
            ]),
            "bos_token_id": .integer(163_584), "dtype": .string("bfloat16"),
            "eos_token_id": .integer(163_586),
            "first_k_dense_replace": .integer(1), "head_dim": .integer(72), "hidden_act": .string("silu"),
            "hidden_size": .integer(2304), "initializer_range": .number("0.02"),
            "intermediate_size": .integer(9216), "kv_lora_rank": .integer(512),
            "linear_attn_config": object([
                "full_attn_layers": numbers(full), "head_dim": .integer(128),
                "kda_layers": numbers((1...27).filter { !full.contains($0) }), "num_heads": .integer(32),
                "short_conv_kernel_size": .integer(4),
            ]),
            "mla_use_nope": .bool(true), "model_max_length": .integer(1_048_576),
            "model_type": .string("kimi_linear"), "moe_intermediate_size": .integer(1024),
            "moe_layer_freq": .integer(1), "moe_renormalize": .bool(true),
            "moe_router_activation_func": .string("sigmoid"), "num_attention_heads": .integer(32),
            "num_expert_group": .integer(1), "num_experts": .integer(256),
            "num_experts_per_token": .integer(8),
            "num_hidden_layers": .integer(27), "num_key_value_heads": .integer(32),
            "num_nextn_predict_layers": .integer(0), "num_shared_experts": .integer(1),
            "pad_token_id": .integer(163_839), "q_lora_rank": .null, "qk_nope_head_dim": .integer(128),
            "qk_rope_head_dim": .integer(64), "rms_norm_eps": .number("1e-05"), "rope_scaling": .null,
            "rope_theta": .number("10000.0"), "routed_scaling_factor": .number("2.446"),
            "tie_word_embeddings": .bool(false), "topk_group": .integer(1),
            "transformers_version": .string("4.57.1"), "use_cache": .bool(true),
            "use_grouped_topk": .bool(true), "v_head_dim": .integer(128), "vocab_size": .integer(163_840),
        ])
    }()

    @Test("the published config is accepted byte for byte, and describes the published checkpoint")
    func accepted() throws {
        let text = Array((Self.json.indentedText + "\n").utf8)
        #expect(text.count == 1751 && SHA256.digest(of: text).hex == Self.digest)
        let config = try ModelConfig(json: try JSONValue(parsing: text))
        #expect(config.layers.count { $0 == .kda } == 20 && config.layers.count { $0 == .mla } == 7)
        #expect(config.feedForward.first == .dense && config.feedForward.count { $0 == .moe } == 26)
        #expect(config.parameterCount == 49_122_681_728)
        let catalog = config.catalog
        #expect(catalog.count == 20_493)
        // Everything is bf16 but A_log and dt_bias.
        let bytes = catalog.reduce(0) { sum, spec in
            let isWide = spec.name.hasSuffix("A_log") || spec.name.hasSuffix("dt_bias")
            return sum + spec.count * (isWide ? 4 : 2)
        }
        #expect(bytes == 98_245_528_576)
        #expect(config.eosIDs == [163_586] && config.bosID == 163_584)
    }

    @Test("its state is as large as the specification says")
    func state() throws {
        let config = try ModelConfig(json: Self.json)
        let tokens = 2048
        func bytes(_ config: ModelConfig, window: Int? = nil) -> (constant: Int, growing: Int) {
            var config = config
            config.window = window
            let state = SequenceState(shape: StateShape(config, exactLatents: false), madeAt: tokens)
            // What is stored is what is counted, and a header.
            let counts = state.byteCounts
            #expect(state.serialized().count == 80 + counts.constant + counts.growing)
            return counts
        }
        let hybrid = bytes(config)
        // Recurrent matrices, and three convolution streams, of 20 layers in Float32.
        #expect(hybrid.constant == 41_943_040 + 2_949_120)
        #expect(hybrid.growing == 8064 * tokens)
        var full = config
        full.layers = Array(repeating: .mla, count: 27)
        #expect(bytes(full) == (0, 31_104 * tokens))
        #expect(bytes(config, window: 1024) == (41_943_040 + 2_949_120 + 8064 * 1023, 0))
    }
}

import Glibc

/// A random Kimi-Linear checkpoint with the bundled vocabulary, small enough to be made
/// for each test run: 3 KDA layers and 1 MLA layer of width 64.
///
/// What it answers means nothing; that it answers the same bits every time is what the
/// tests of runs need.
enum TinyModel {
    static let root: String = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Writes `config.json`, `model.safetensors` and a link to the bundled tokenizer.
    static func write(to folder: String, seed: UInt64 = 1) {
        mkdir(folder, 0o700)
        put(Array(config.utf8), to: folder + "/config.json")
        put(weights(seed), to: folder + "/model.safetensors")
        symlink(root + "/Sources/BundledModel/Resources/tokenizer.json", folder + "/tokenizer.json")
    }

    private static let config = """
        {"architectures": ["KimiLinearForCausalLM"], "model_type": "kimi_linear", "vocab_size": 49152,
        "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 2,
        "head_dim": 32, "intermediate_size": 96, "hidden_act": "silu", "rms_norm_eps": 1e-05,
        "mla_use_nope": true, "q_lora_rank": null, "kv_lora_rank": 32, "qk_nope_head_dim": 16,
        "qk_rope_head_dim": 8, "v_head_dim": 16, "sliding_window": 64,
        "linear_attn_config": {"head_dim": 32, "num_heads": 2, "short_conv_kernel_size": 4,
        "kda_layers": [1, 2, 3], "full_attn_layers": [4]},
        "num_experts": 0, "first_k_dense_replace": 4, "model_max_length": 1048576, "bos_token_id": 1,
        "eos_token_id": 2, "tie_word_embeddings": true}
        """

    private static func weights(_ seed: UInt64) -> [UInt8] {
        var tensors: [(name: String, shape: [Int], scale: Float, base: Float)] = []
        func matrix(_ name: String, _ n: Int, _ k: Int) {
            tensors.append((name + ".weight", [n, k], 1.7 / Float(k).squareRoot(), 0))
        }
        func norm(_ name: String, _ count: Int) { tensors.append((name + ".weight", [count], 0.1, 1)) }
        tensors.append(("model.embed_tokens.weight", [49152, 64], 1, 0))
        for index in 0..<4 {
            let layer = "model.layers.\(index)."
            let attention = layer + "self_attn."
            norm(layer + "input_layernorm", 64)
            if index < 3 {
                for stream in ["q", "k", "v"] {
                    matrix(attention + stream + "_proj", 64, 64)
                    tensors.append((attention + stream + "_conv1d.weight", [64, 1, 4], 0.8, 0.2))
                }
                tensors.append((attention + "A_log", [1, 1, 2, 1], 0.5, 0))
                tensors.append((attention + "dt_bias", [64], 0.5, -2))
                matrix(attention + "f_a_proj", 32, 64)
                matrix(attention + "f_b_proj", 64, 32)
                matrix(attention + "b_proj", 2, 64)
                matrix(attention + "g_a_proj", 32, 64)
                matrix(attention + "g_b_proj", 64, 32)
                norm(attention + "o_norm", 32)
                matrix(attention + "o_proj", 64, 64)
            } else {
                matrix(attention + "q_proj", 48, 64)
                matrix(attention + "kv_a_proj_with_mqa", 40, 64)
                norm(attention + "kv_a_layernorm", 32)
                matrix(attention + "kv_b_proj", 64, 32)
                matrix(attention + "o_proj", 64, 32)
            }
            norm(layer + "post_attention_layernorm", 64)
            matrix(layer + "mlp.gate_proj", 96, 64)
            matrix(layer + "mlp.up_proj", 96, 64)
            matrix(layer + "mlp.down_proj", 64, 96)
        }
        norm("model.norm", 64)

        var header: [String] = []
        var values: [Float] = []
        var state = seed
        for tensor in tensors {
            let start = values.count * 4
            for _ in 0..<tensor.shape.reduce(1, *) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let unit = Float(Int32(truncatingIfNeeded: state >> 32)) / Float(1 << 31)
                values.append(tensor.base + tensor.scale * unit)
            }
            header.append(
                "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),"
                    + "\"data_offsets\":[\(start),\(values.count * 4)]}")
        }
        var text = Array("{\(header.joined(separator: ","))}".utf8)
        while text.count % 8 != 0 { text.append(0x20) }
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        return length + text + values.withUnsafeBytes { Array($0) }
    }

    private static func put(_ bytes: [UInt8], to path: String) {
        let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(fd >= 0)
        defer { close(fd) }
        var done = 0
        while done < bytes.count {
            done += bytes[done...].withUnsafeBytes { Glibc.write(fd, $0.baseAddress!, $0.count) }
        }
    }
}

import WeightFiles

/// A tensor that a model of a given config consists of.
package struct TensorSpec: Sendable {
    package enum Kind: Sendable {
        /// `[N, K]`, packed.
        case matrix
        /// Read as it is.
        case vector
        /// `[C, 1, taps]` or `[C, taps]` in a checkpoint, `[taps, C]` here.
        case convolution
    }

    package let name: String
    package let kind: Kind
    /// As it is used here.
    package let shape: [Int]
    /// Other shapes of the same values that checkpoints use.
    package var alternatives: [[Int]] = []

    package var count: Int { shape.reduce(1, *) }
}

extension ModelConfig {
    /// Every tensor of the model, in the order of a packed file. Names are the checkpoint's.
    package var catalog: [TensorSpec] {
        var specs: [TensorSpec] = []
        func matrix(_ name: String, _ n: Int, _ k: Int) {
            specs.append(TensorSpec(name: name + ".weight", kind: .matrix, shape: [n, k]))
        }
        func vector(_ name: String, _ count: Int, _ alternatives: [[Int]] = []) {
            specs.append(TensorSpec(name: name, kind: .vector, shape: [count], alternatives: alternatives))
        }
        matrix("model.embed_tokens", vocabularySize, hidden)
        for (index, kind) in layers.enumerated() {
            let layer = "model.layers.\(index)."
            vector(layer + "input_layernorm.weight", hidden)
            let attention = layer + "self_attn."
            switch kind {
            case .kda:
                for stream in ["q", "k", "v"] { matrix(attention + stream + "_proj", kdaWidth, hidden) }
                for stream in ["q", "k", "v"] {
                    specs.append(
                        TensorSpec(
                            name: attention + stream + "_conv1d.weight", kind: .convolution,
                            shape: [convTaps, kdaWidth],
                            alternatives: [[kdaWidth, 1, convTaps], [kdaWidth, convTaps]]))
                }
                vector(attention + "A_log", kdaHeads, [[1, 1, kdaHeads, 1]])
                vector(attention + "dt_bias", kdaWidth, [[kdaHeads, kdaHeadWidth]])
                matrix(attention + "f_a_proj", kdaHeadWidth, hidden)
                matrix(attention + "f_b_proj", kdaWidth, kdaHeadWidth)
                matrix(attention + "b_proj", kdaHeads, hidden)
                matrix(attention + "g_a_proj", kdaHeadWidth, hidden)
                matrix(attention + "g_b_proj", kdaWidth, kdaHeadWidth)
                vector(attention + "o_norm.weight", kdaHeadWidth)
                matrix(attention + "o_proj", hidden, kdaWidth)
            case .mla:
                matrix(attention + "q_proj", mlaHeads * queryWidth, hidden)
                matrix(attention + "kv_a_proj_with_mqa", latentWidth, hidden)
                vector(attention + "kv_a_layernorm.weight", latentRank)
                matrix(attention + "kv_b_proj", mlaHeads * (nopeWidth + valueWidth), latentRank)
                matrix(attention + "o_proj", hidden, mlaHeads * valueWidth)
            }
            vector(layer + "post_attention_layernorm.weight", hidden)
            func feedForward(_ prefix: String, _ width: Int) {
                matrix(prefix + "gate_proj", width, hidden)
                matrix(prefix + "up_proj", width, hidden)
                matrix(prefix + "down_proj", hidden, width)
            }
            switch self.feedForward[index] {
            case .dense: feedForward(layer + "mlp.", intermediate)
            case .moe:
                let moe = layer + "block_sparse_moe."
                matrix(moe + "gate", experts, hidden)
                vector(moe + "gate.e_score_correction_bias", experts)
                for expert in 0..<experts {
                    matrix("\(moe)experts.\(expert).w1", expertIntermediate, hidden)
                    matrix("\(moe)experts.\(expert).w3", expertIntermediate, hidden)
                    matrix("\(moe)experts.\(expert).w2", hidden, expertIntermediate)
                }
                if sharedExperts > 0 {
                    feedForward(moe + "shared_experts.", expertIntermediate * sharedExperts)
                }
            }
        }
        vector("model.norm.weight", hidden)
        if !tiesEmbeddings { matrix("lm_head", vocabularySize, hidden) }
        return specs
    }
}

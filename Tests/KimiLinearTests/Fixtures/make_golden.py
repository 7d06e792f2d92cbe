"""Makes the golden checkpoint: a random five-layer Kimi-Linear model and its logits.

    pip install torch==2.15.0 transformers==5.23.0 safetensors numpy
    python make_golden.py

Writes tiny/config.json, tiny/model.safetensors (names, shapes and dtypes of the published
checkpoint), tiny/tokens.json and tiny/logits.npy: what transformers' `kimi_linear` computes in
float32 on the CPU for 300 tokens. Every parameter that usually starts as zero or one (A_log,
dt_bias, e_score_correction_bias, norms) is random, so that leaving one out shows. Widths are
small and uneven (72 and 96 are no multiples of 64), so that every packed format also meets a
matrix which it must leave in float32.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import KimiLinearForCausalLM

HERE = Path(__file__).parent / "tiny"
HIDDEN, VOCAB, TOKENS = 64, 256, 300
KDA, FULL = [1, 2, 4], [3, 5]
KDA_HEADS, KDA_DIM = 2, 32
HEADS, NOPE, ROPE, VALUE, RANK = 3, 16, 8, 24, 32
DENSE, EXPERT, EXPERTS = 96, 32, 8

CONFIG = {
    "architectures": ["KimiLinearForCausalLM"], "model_type": "kimi_linear", "dtype": "bfloat16",
    "vocab_size": VOCAB, "hidden_size": HIDDEN, "num_hidden_layers": 5,
    "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "head_dim": 21,
    "intermediate_size": DENSE, "hidden_act": "silu", "initializer_range": 0.02,
    "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "rope_scaling": None, "mla_use_nope": True,
    "q_lora_rank": None, "kv_lora_rank": RANK, "qk_nope_head_dim": NOPE,
    "qk_rope_head_dim": ROPE, "v_head_dim": VALUE,
    "linear_attn_config": {
        "head_dim": KDA_DIM, "num_heads": KDA_HEADS, "short_conv_kernel_size": 4,
        "kda_layers": KDA, "full_attn_layers": FULL},
    "num_experts": EXPERTS, "num_experts_per_token": 3, "num_shared_experts": 1,
    "moe_intermediate_size": EXPERT, "moe_layer_freq": 1, "first_k_dense_replace": 1,
    "moe_router_activation_func": "sigmoid", "moe_renormalize": True,
    "routed_scaling_factor": 2.446, "use_grouped_topk": True, "num_expert_group": 1,
    "topk_group": 1, "num_nextn_predict_layers": 0, "model_max_length": 1048576,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": False,
    "use_cache": True,
}


def tensors():
    g = torch.Generator().manual_seed(20261124)

    def randn(*shape, scale=1.0, shift=0.0):
        return torch.randn(*shape, generator=g) * scale + shift

    out = {}

    def linear(name, n, k, scale=1.0):
        out[name + ".weight"] = randn(n, k, scale=scale * k**-0.5).bfloat16()

    def norm(name, n):
        out[name + ".weight"] = randn(n, scale=0.2, shift=1.0).bfloat16()

    out["model.embed_tokens.weight"] = randn(VOCAB, HIDDEN).bfloat16()
    linear("lm_head", VOCAB, HIDDEN)
    norm("model.norm", HIDDEN)
    for i in range(5):
        p = f"model.layers.{i}."
        norm(p + "input_layernorm", HIDDEN)
        norm(p + "post_attention_layernorm", HIDDEN)
        a = p + "self_attn."
        if i + 1 in KDA:
            width = KDA_HEADS * KDA_DIM
            for s in "qkv":
                linear(a + s + "_proj", width, HIDDEN)
                out[a + s + "_conv1d.weight"] = randn(width, 1, 4, scale=0.5).bfloat16()
            out[a + "A_log"] = torch.log(torch.rand(1, 1, KDA_HEADS, 1, generator=g) * 3 + 0.2)
            out[a + "dt_bias"] = randn(width, scale=1.0, shift=-3.0)
            linear(a + "f_a_proj", KDA_DIM, HIDDEN)
            linear(a + "f_b_proj", width, KDA_DIM)
            linear(a + "b_proj", KDA_HEADS, HIDDEN)
            linear(a + "g_a_proj", KDA_DIM, HIDDEN)
            linear(a + "g_b_proj", width, KDA_DIM)
            norm(a + "o_norm", KDA_DIM)
            linear(a + "o_proj", HIDDEN, width)
        else:
            linear(a + "q_proj", HEADS * (NOPE + ROPE), HIDDEN, scale=2.0)
            linear(a + "kv_a_proj_with_mqa", RANK + ROPE, HIDDEN, scale=1.5)
            norm(a + "kv_a_layernorm", RANK)
            linear(a + "kv_b_proj", HEADS * (NOPE + VALUE), RANK)
            linear(a + "o_proj", HIDDEN, HEADS * VALUE)
        if i == 0:
            for name, n, k in (("gate", DENSE, HIDDEN), ("up", DENSE, HIDDEN), ("down", HIDDEN, DENSE)):
                linear(f"{p}mlp.{name}_proj", n, k)
            continue
        m = p + "block_sparse_moe."
        linear(m + "gate", EXPERTS, HIDDEN)
        out[m + "gate.e_score_correction_bias"] = randn(EXPERTS, scale=0.2).bfloat16()
        for e in range(EXPERTS):
            linear(f"{m}experts.{e}.w1", EXPERT, HIDDEN)
            linear(f"{m}experts.{e}.w3", EXPERT, HIDDEN)
            linear(f"{m}experts.{e}.w2", HIDDEN, EXPERT)
        for name, n, k in (("gate", EXPERT, HIDDEN), ("up", EXPERT, HIDDEN), ("down", HIDDEN, EXPERT)):
            linear(f"{m}shared_experts.{name}_proj", n, k)
    return out


def main():
    torch.set_num_threads(2)
    HERE.mkdir(exist_ok=True)
    (HERE / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    save_file(tensors(), HERE / "model.safetensors", metadata={"format": "pt"})
    tokens = torch.randint(0, VOCAB, (TOKENS,), generator=torch.Generator().manual_seed(7))
    (HERE / "tokens.json").write_text(json.dumps(tokens.tolist()) + "\n")
    model, report = KimiLinearForCausalLM.from_pretrained(
        HERE, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    problems = {kind: names for kind, names in report.items() if names}
    assert not problems, problems
    with torch.no_grad():
        logits = model.eval()(tokens[None], use_cache=False).logits[0].float().numpy()
    assert np.isfinite(logits).all()
    np.save(HERE / "logits.npy", logits.astype("<f4"))
    print("logits", logits.shape, "standard deviation", logits.std())


if __name__ == "__main__":
    main()

"""Writes a random Kimi-Linear checkpoint that Lector and llama.cpp both read.

    python Benchmarks/make_random_checkpoint.py OUT [--window 1024] [--moe] [--full-attention]

Needs numpy. The shape is that of the recorded peer measurements: hidden 576, 16 layers (12 KDA,
4 MLA), 9 heads of 64, kv_lora_rank 384, dense FFN 1536, vocabulary 49,152, untied: 124 M
parameters in bf16. --moe: the mid-size mixture of the same measurements: hidden 1024, 12 layers (9 KDA, 3 MLA),
32 experts of 512, 4 chosen, one shared; the first layer dense. --full-attention: every layer MLA. Values are drawn so that activations stay in range; speed does not depend on
them. tokenizer.json is the bundled one, since llama.cpp's converter wants a vocabulary.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np

HIDDEN, LAYERS, HEADS, DIM, RANK, NOPE, ROPE, FFN, VOCAB = 576, 16, 9, 64, 384, 64, 32, 1536, 49152
FULL = [4, 8, 12, 16]
EXPERTS, CHOSEN, EXPERT_FFN, DENSE = 8, 2, 512, LAYERS


def use_experts():
    global HIDDEN, LAYERS, HEADS, RANK, FFN, FULL, EXPERTS, CHOSEN, DENSE
    HIDDEN, LAYERS, HEADS, RANK, FFN, FULL = 1024, 12, 16, 512, 4096, [4, 8, 12]
    EXPERTS, CHOSEN, DENSE = 32, 4, 1


def config(window):
    out = {
        "architectures": ["KimiLinearForCausalLM"], "model_type": "kimi_linear", "dtype": "bfloat16",
        "vocab_size": VOCAB, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS, "head_dim": DIM, "intermediate_size": FFN, "hidden_act": "silu",
        "initializer_range": 0.02, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "rope_scaling": None,
        "mla_use_nope": True, "q_lora_rank": None, "kv_lora_rank": RANK, "qk_nope_head_dim": NOPE,
        "qk_rope_head_dim": ROPE, "v_head_dim": DIM,
        "linear_attn_config": {
            "head_dim": DIM, "num_heads": HEADS, "short_conv_kernel_size": 4,
            "kda_layers": [i for i in range(1, LAYERS + 1) if i not in FULL], "full_attn_layers": FULL},
        "num_experts": EXPERTS, "num_experts_per_token": CHOSEN, "num_shared_experts": 1,
        "moe_intermediate_size": EXPERT_FFN, "moe_layer_freq": 1, "first_k_dense_replace": DENSE, "moe_router_activation_func": "sigmoid",
        "moe_renormalize": True, "routed_scaling_factor": 1.0, "use_grouped_topk": True, "num_expert_group": 1,
        "topk_group": 1, "num_nextn_predict_layers": 0, "model_max_length": 1048576, "bos_token_id": 1,
        "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": False, "use_cache": True,
    }
    if window:
        out["sliding_window"] = window
    return out


def tensors():
    """Names, shapes and values, in the order of the file."""
    rng = np.random.default_rng(20261124)
    normal = lambda *shape, scale=1.0, shift=0.0: rng.standard_normal(shape, np.float32) * np.float32(scale) + np.float32(shift)
    linear = lambda n, k: normal(n, k, scale=k**-0.5)
    norm = lambda n: normal(n, scale=0.1, shift=1.0)
    width = HEADS * DIM
    yield "model.embed_tokens.weight", normal(VOCAB, HIDDEN)
    for i in range(LAYERS):
        p, a = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
        yield p + "input_layernorm.weight", norm(HIDDEN)
        yield p + "post_attention_layernorm.weight", norm(HIDDEN)
        if i + 1 in FULL:
            yield a + "q_proj.weight", linear(HEADS * (NOPE + ROPE), HIDDEN)
            yield a + "kv_a_proj_with_mqa.weight", linear(RANK + ROPE, HIDDEN)
            yield a + "kv_a_layernorm.weight", norm(RANK)
            yield a + "kv_b_proj.weight", linear(HEADS * (NOPE + DIM), RANK)
        else:
            for s in "qkv":
                yield a + s + "_proj.weight", linear(width, HIDDEN)
                yield a + s + "_conv1d.weight", normal(width, 1, 4, scale=0.5)
            yield a + "A_log", np.log(rng.random((1, 1, HEADS, 1), np.float32) * 3 + np.float32(0.2))
            yield a + "dt_bias", normal(width, shift=-3.0)
            yield a + "f_a_proj.weight", linear(DIM, HIDDEN)
            yield a + "f_b_proj.weight", linear(width, DIM)
            yield a + "b_proj.weight", linear(HEADS, HIDDEN)
            yield a + "g_a_proj.weight", linear(DIM, HIDDEN)
            yield a + "g_b_proj.weight", linear(width, DIM)
            yield a + "o_norm.weight", norm(DIM)
        yield a + "o_proj.weight", linear(HIDDEN, width)
        if i < DENSE:
            for name, n, k in (("gate", FFN, HIDDEN), ("up", FFN, HIDDEN), ("down", HIDDEN, FFN)):
                yield p + f"mlp.{name}_proj.weight", linear(n, k)
            continue
        m = p + "block_sparse_moe."
        yield m + "gate.weight", linear(EXPERTS, HIDDEN)
        yield m + "gate.e_score_correction_bias", normal(EXPERTS, scale=0.1)
        for e in range(EXPERTS):
            for name, n, k in (("w1", EXPERT_FFN, HIDDEN), ("w3", EXPERT_FFN, HIDDEN), ("w2", HIDDEN, EXPERT_FFN)):
                yield m + f"experts.{e}.{name}.weight", linear(n, k)
        for name, n, k in (("gate", EXPERT_FFN, HIDDEN), ("up", EXPERT_FFN, HIDDEN), ("down", HIDDEN, EXPERT_FFN)):
            yield m + f"shared_experts.{name}_proj.weight", linear(n, k)
    yield "model.norm.weight", norm(HIDDEN)
    yield "lm_head.weight", linear(VOCAB, HIDDEN)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--window", type=int)
    parser.add_argument("--moe", action="store_true")
    parser.add_argument("--full-attention", action="store_true")
    args = parser.parse_args()
    if args.moe:
        use_experts()
    if args.full_attention:
        FULL[:] = range(1, LAYERS + 1)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "config.json").write_text(json.dumps(config(args.window), indent=1) + "\n")
    root = pathlib.Path(__file__).resolve().parent.parent
    shutil.copy(root / "Sources/BundledModel/Resources/tokenizer.json", args.out)
    (args.out / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}) + "\n")
    header, parts, at = {}, [], 0
    for name, value in tensors():
        if name.endswith(("A_log", "dt_bias", "e_score_correction_bias")):
            kind, data = "F32", value.astype("<f4").tobytes()
        else:  # round to nearest even bf16
            bits = value.astype("<f4").view("<u4")
            kind, data = "BF16", ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(args.out / "model.safetensors", "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for part in parts:
            f.write(part)
    print(f"{at / 1e6:.0f} MB in {len(parts)} tensors: {args.out}")


main()

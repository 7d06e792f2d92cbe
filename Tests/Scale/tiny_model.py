"""Writes a random Kimi-Linear checkpoint with the bundled vocabulary: three KDA layers and one MLA layer of width 64.

    python3 Tests/Scale/tiny_model.py FOLDER

What it answers means nothing. It reads so fast that everything around the model becomes visible.
"""

import array
import json
import pathlib
import random
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = {
    "architectures": ["KimiLinearForCausalLM"], "model_type": "kimi_linear", "vocab_size": 49152, "hidden_size": 64,
    "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32,
    "intermediate_size": 96, "hidden_act": "silu", "rms_norm_eps": 1e-05, "mla_use_nope": True, "q_lora_rank": None,
    "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16, "sliding_window": 64,
    "linear_attn_config": {
        "head_dim": 32, "num_heads": 2, "short_conv_kernel_size": 4, "kda_layers": [1, 2, 3], "full_attn_layers": [4]},
    "num_experts": 0, "first_k_dense_replace": 4, "model_max_length": 1048576, "bos_token_id": 1, "eos_token_id": 2,
    "tie_word_embeddings": True}


def tensors():
    """Name, shape, scale of the noise, middle."""
    def matrix(name, rows, columns):
        return f"{name}.weight", [rows, columns], 1.7 / columns**0.5, 0

    def norm(name, width):
        return f"{name}.weight", [width], 0.1, 1

    yield "model.embed_tokens.weight", [49152, 64], 1, 0
    for index in range(4):
        layer = f"model.layers.{index}."
        attention = layer + "self_attn."
        yield norm(layer + "input_layernorm", 64)
        if index < 3:
            for stream in "qkv":
                yield matrix(attention + stream + "_proj", 64, 64)
                yield attention + stream + "_conv1d.weight", [64, 1, 4], 0.8, 0.2
            yield attention + "A_log", [1, 1, 2, 1], 0.5, 0
            yield attention + "dt_bias", [64], 0.5, -2
            for name, rows, columns in [
                    ("f_a", 32, 64), ("f_b", 64, 32), ("b", 2, 64), ("g_a", 32, 64), ("g_b", 64, 32)]:
                yield matrix(f"{attention}{name}_proj", rows, columns)
            yield norm(attention + "o_norm", 32)
            yield matrix(attention + "o_proj", 64, 64)
        else:
            yield matrix(attention + "q_proj", 48, 64)
            yield matrix(attention + "kv_a_proj_with_mqa", 40, 64)
            yield norm(attention + "kv_a_layernorm", 32)
            yield matrix(attention + "kv_b_proj", 64, 32)
            yield matrix(attention + "o_proj", 64, 32)
        yield norm(layer + "post_attention_layernorm", 64)
        yield matrix(layer + "mlp.gate_proj", 96, 64)
        yield matrix(layer + "mlp.up_proj", 96, 64)
        yield matrix(layer + "mlp.down_proj", 64, 96)
    yield norm("model.norm", 64)


def write(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    generator = random.Random(1)
    values = array.array("f")
    header = {}
    for name, shape, scale, middle in tensors():
        count = 1
        for size in shape:
            count *= size
        start = len(values) * 4
        values.extend(middle + scale * (2 * generator.random() - 1) for _ in range(count))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(values) * 4]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + values.tobytes())
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.exists():
        tokenizer.symlink_to(ROOT / "Sources/BundledModel/Resources/tokenizer.json")


if __name__ == "__main__":
    write(sys.argv[1])

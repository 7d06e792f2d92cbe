"""Writes the seeds of the fuzz targets to FOLDER/KIND/: small sound files of each kind.

    python Tests/Fuzzing/make_seeds.py FOLDER
"""
import base64
import json
import pathlib
import struct
import sys

out = pathlib.Path(sys.argv[1])


def put(kind, name, data):
    (out / kind).mkdir(parents=True, exist_ok=True)
    (out / kind / name).write_bytes(data)


def text(s):
    s = s.encode() if isinstance(s, str) else s
    return struct.pack("<Q", len(s)) + s


def gguf(metadata, tensors):
    data, body, offset = b"", b"", 0
    for name, kind, axes, raw in tensors:
        data += text(name) + struct.pack(f"<I{len(axes)}QIQ", len(axes), *axes, kind, offset)
        body += raw + b"\0" * (-len(raw) % 32)
        offset = len(body)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, (kind, value) in metadata.items():
        head += text(key) + struct.pack("<I", kind)
        if kind == 8:
            head += text(value)
        elif kind == 9:
            item, values = value
            head += struct.pack("<IQ", item, len(values))
            head += b"".join(text(v) if item == 8 else struct.pack("<i", v) for v in values)
        else:
            head += struct.pack({4: "<I", 6: "<f", 7: "<B", 10: "<Q"}[kind], value)
    head += data
    return head + b"\0" * (-len(head) % 32) + body


def model():
    """One KDA layer of width 4 and one MLA layer, all in F32."""
    f = lambda *axes: (0, axes, b"\0\0\0\xbf" * __import__("math").prod(axes))
    tensors = {"token_embd.weight": f(4, 8), "output.weight": f(4, 8), "output_norm.weight": f(4)}
    for i in (0, 1):
        b = f"blk.{i}."
        tensors.update({b + "attn_norm.weight": f(4), b + "ffn_norm.weight": f(4), b + "attn_output.weight": f(4, 4),
                        b + "ffn_gate.weight": f(4, 4), b + "ffn_up.weight": f(4, 4), b + "ffn_down.weight": f(4, 4)})
    b = "blk.0."
    for s in "qkv":
        tensors[f"{b}attn_{s}.weight"] = f(4, 4)
        tensors[f"{b}ssm_conv1d_{s}.weight"] = f(4, 1, 4)
    tensors.update({b + "ssm_a": f(1, 1), b + "ssm_dt.bias": f(4), b + "ssm_beta.weight": f(4, 1), b + "ssm_norm.weight": f(4)})
    for s in "fg":
        tensors[f"{b}ssm_{s}_a.weight"] = f(4, 4)
        tensors[f"{b}ssm_{s}_b.weight"] = f(4, 4)
    b = "blk.1."
    tensors.update({b + "attn_q.weight": f(4, 6), b + "attn_kv_a_mqa.weight": f(4, 4), b + "attn_kv_a_norm.weight": f(2),
                    b + "attn_k_b.weight": f(4, 2, 1), b + "attn_v_b.weight": f(2, 4, 1)})
    p = "kimi-linear."
    keys = {"block_count": 2, "embedding_length": 4, "feed_forward_length": 4, "attention.head_count": 1,
            "attention.kv_lora_rank": 2, "attention.key_length_mla": 6, "attention.value_length_mla": 4,
            "rope.dimension_count": 2, "ssm.conv_kernel": 4, "kda.head_dim": 4, "vocab_size": 8}
    metadata = {"general.architecture": (8, "kimi-linear"), p + "attention.layer_norm_rms_epsilon": (6, 1e-5),
                p + "attention.head_count_kv": (9, (5, [0, 1])),
                "tokenizer.ggml.model": (8, "gpt2"), "tokenizer.ggml.pre": (8, "gpt-2"),
                "tokenizer.ggml.tokens": (9, (8, list("abcdef") + ["ab", "<e>"])),
                "tokenizer.ggml.token_type": (9, (5, [1] * 7 + [3])), "tokenizer.ggml.merges": (9, (8, ["a b"]))}
    metadata.update({p + k: (4, v) for k, v in keys.items()})
    return gguf(metadata, [(n, *v) for n, v in tensors.items()])


put("GGUF", "model", model())
put("GGUF", "types", gguf({"general.alignment": (4, 32)}, [
    ("a", 2, (32, 2), b"\1" * 36), ("b", 12, (256,), b"\2" * 144), ("c", 13, (256,), b"\3" * 176),
    ("d", 14, (256,), b"\4" * 210), ("e", 8, (32,), b"\5" * 34), ("f", 6, (32,), b"\6" * 22), ("g", 30, (4,), b"\7" * 8)]))
header = json.dumps({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                     "b": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [8, 16]},
                     "c": {"dtype": "F16", "shape": [], "data_offsets": [16, 18]}}).encode()
put("SAFETENSORS", "three", struct.pack("<Q", len(header)) + header + b"\1" * 18)
config = {"model_type": "kimi_linear", "vocab_size": 8, "hidden_size": 4, "num_hidden_layers": 1,
          "num_attention_heads": 1, "intermediate_size": 4, "mla_use_nope": True, "kv_lora_rank": 2, "qk_nope_head_dim": 4,
          "qk_rope_head_dim": 2, "v_head_dim": 4, "num_experts": 2, "num_experts_per_token": 1, "moe_intermediate_size": 4,
          "linear_attn_config": {"head_dim": 4, "num_heads": 1, "short_conv_kernel_size": 4, "kda_layers": [1],
                                 "full_attn_layers": []}, "tie_word_embeddings": True}
put("PACKED", "two", json.dumps({
    "recipe": "q4", "source": None, "config": config,
    "tensors": [{"name": "model.embed_tokens.weight", "format": "f32", "shape": [8, 4], "offset": 2048, "length": 256, "crc32c": "8a9136aa"},
                {"name": "model.norm.weight", "format": "vector", "shape": [4], "offset": 2304, "length": 16, "crc32c": "8a9136aa"}],
    "files": [{"name": "tokenizer.json", "offset": 2368, "length": 64, "crc32c": "8a9136aa"}]}).encode())
tokenizer = {"added_tokens": [{"id": 5, "content": "<end>"}], "normalizer": None,
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
             "model": {"type": "BPE", "unk_token": None, "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3, "\u0120ab": 4},
                       "merges": ["a b", ["\u0120", "ab"]]}}
put("TOKENIZER", "json", b"\0" + json.dumps(tokenizer).encode() + b"\0ab ab")
ranks = b"".join(base64.b64encode(bytes([b])) + b" %d\n" % b for b in range(256)) + b"YWI= 256\n"
put("TOKENIZER", "ranks", b"\1" + ranks + b"\0ab AB'S 123\n ")
put("TOKENIZER", "config", b"\2" + json.dumps({"added_tokens_decoder": {"256": {"content": "[BOS]"}}}).encode() + b"\0[BOS]")
put("TOKENIZER", "text", b"\3" + "Don't STOP'LL 1234 \u4f60\u597d e\u0301\u0301A \r\n\n  x\u017f'\u017f".encode())

"""What make_gguf_golden.py and Benchmarks/fidelity share: a random checkpoint that llama.cpp converts,
its GGUF, and the logits that transformers computes from a GGUF's own values.

Needs torch, transformers 5.23.0, safetensors, gguf, and the sources of llama.cpp (its converter and
llama-quantize; Benchmarks/peers.sh builds them).
"""
import json
import pathlib
import runpy
import subprocess
import sys

if sys.argv[1:2] == ["convert"]:  # the converter needs the gguf package of its own sources
    sys.path[:0] = [sys.argv[2], sys.argv[2] + "/gguf-py"]
import gguf
import numpy as np
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
RANKS = ROOT / "Tests/TokenizationTests/Fixtures/tiktoken.model"
HEADS, DIM, NOPE, ROPE, RANK = 4, 64, 64, 32, 128


class Shape:
    """Every matrix but f_b, g_b, k_b and v_b has rows of a multiple of 256, as K-quants want."""

    def __init__(self, vocab=1280, hidden=256, dense=256, expert=256, experts=3, used=2, kda=(1,), full=(2,)):
        self.vocab, self.hidden, self.dense, self.expert = vocab, hidden, dense, expert
        self.experts, self.used, self.kda, self.full = experts, used, kda, full

    def config(self):
        return {
            "architectures": ["KimiLinearForCausalLM"], "model_type": "kimi_linear", "dtype": "bfloat16",
            "vocab_size": self.vocab, "hidden_size": self.hidden, "num_hidden_layers": len(self.kda + self.full),
            "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "head_dim": self.hidden // HEADS,
            "intermediate_size": self.dense, "hidden_act": "silu", "initializer_range": 0.02, "rms_norm_eps": 1e-05,
            "rope_theta": 10000.0, "rope_scaling": None, "mla_use_nope": True, "q_lora_rank": None,
            "kv_lora_rank": RANK, "qk_nope_head_dim": NOPE, "qk_rope_head_dim": ROPE, "v_head_dim": DIM,
            "linear_attn_config": {
                "head_dim": DIM, "num_heads": HEADS, "short_conv_kernel_size": 4, "kda_layers": list(self.kda),
                "full_attn_layers": list(self.full)},
            "num_experts": self.experts, "num_experts_per_token": self.used, "num_shared_experts": 1,
            "moe_intermediate_size": self.expert, "moe_layer_freq": 1, "first_k_dense_replace": 1,
            "moe_router_activation_func": "sigmoid", "moe_renormalize": True, "routed_scaling_factor": 2.446,
            "use_grouped_topk": True, "num_expert_group": 1, "topk_group": 1, "num_nextn_predict_layers": 0,
            "model_max_length": 1048576, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
            "tie_word_embeddings": False, "use_cache": True,
        }

    def tensors(self, seed=20261125):
        g = torch.Generator().manual_seed(seed)
        out = {}

        def randn(*shape, scale=1.0, shift=0.0):
            return torch.randn(*shape, generator=g) * scale + shift

        def linear(name, n, k, scale=1.0):
            out[name + ".weight"] = randn(n, k, scale=scale * k**-0.5).bfloat16()

        def norm(name, n):
            out[name + ".weight"] = randn(n, scale=0.2, shift=1.0).bfloat16()

        def feed(prefix, names, width):
            for name, n, k in zip(names, (width, width, self.hidden), (self.hidden, self.hidden, width)):
                linear(prefix + name, n, k)

        width = HEADS * DIM
        out["model.embed_tokens.weight"] = randn(self.vocab, self.hidden).bfloat16()
        linear("lm_head", self.vocab, self.hidden)
        norm("model.norm", self.hidden)
        for i in range(len(self.kda + self.full)):
            p, a = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
            norm(p + "input_layernorm", self.hidden)
            norm(p + "post_attention_layernorm", self.hidden)
            if i + 1 in self.kda:
                for s in "qkv":
                    linear(a + s + "_proj", width, self.hidden)
                    out[a + s + "_conv1d.weight"] = randn(width, 1, 4, scale=0.5).bfloat16()
                out[a + "A_log"] = torch.log(torch.rand(1, 1, HEADS, 1, generator=g) * 3 + 0.2)
                out[a + "dt_bias"] = randn(width, shift=-3.0)
                linear(a + "f_a_proj", DIM, self.hidden)
                linear(a + "f_b_proj", width, DIM)
                linear(a + "b_proj", HEADS, self.hidden)
                linear(a + "g_a_proj", DIM, self.hidden)
                linear(a + "g_b_proj", width, DIM)
                norm(a + "o_norm", DIM)
            else:
                linear(a + "q_proj", HEADS * (NOPE + ROPE), self.hidden, scale=2.0)
                linear(a + "kv_a_proj_with_mqa", RANK + ROPE, self.hidden, scale=1.5)
                norm(a + "kv_a_layernorm", RANK)
                linear(a + "kv_b_proj", HEADS * (NOPE + DIM), RANK)
            linear(a + "o_proj", self.hidden, width)
            if i == 0:
                feed(p + "mlp.", ("gate_proj", "up_proj", "down_proj"), self.dense)
                continue
            m = p + "block_sparse_moe."
            linear(m + "gate", self.experts, self.hidden)
            out[m + "gate.e_score_correction_bias"] = randn(self.experts, scale=0.2).bfloat16()
            for e in range(self.experts):
                feed(f"{m}experts.{e}.", ("w1", "w3", "w2"), self.expert)
            feed(m + "shared_experts.", ("gate_proj", "up_proj", "down_proj"), self.expert)
        return out


def write_folder(shape, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(shape.config(), indent=2) + "\n")
    save_file(shape.tensors(), folder / "model.safetensors", metadata={"format": "pt"})


def _set_vocab(self):
    """Stands in for the converter's own: the ranks of our tests under Kimi's name, with merges derived
    from them as the converter derives them, and nothing else changed."""
    from conversion.qwen import QwenModel
    import base64
    ranks = {base64.b64decode(t): int(r) for t, r in (line.split() for line in RANKS.read_bytes().splitlines())}
    special = {0: "[BOS]", 1: "[EOS]", 2: "<|im_end|>", 3: "<|im_user|>", 4: "<|im_assistant|>", 9: "[EOT]",
               10: "<|im_system|>", 17: "<|im_middle|>", 254: "[UNK]", 255: "[PAD]"}
    tokens, types, merges = [], [], []
    for token, rank in sorted(ranks.items(), key=lambda x: x[1]):
        tokens.append(QwenModel.token_bytes_to_string(token))
        types.append(gguf.TokenType.NORMAL)
        parts = QwenModel.bpe(ranks, token, max_rank=rank) if len(token) > 1 else []
        if len(parts) == 2:
            merges.append(" ".join(map(QwenModel.token_bytes_to_string, parts)))
    for i in range(256):
        tokens.append(special.get(i, f"<|reserved_token_{len(ranks) + i}|>"))
        types.append(gguf.TokenType.CONTROL)
    for i in range(len(tokens), self.hparams["vocab_size"]):
        tokens.append(f"[PAD{i}]")
        types.append(gguf.TokenType.UNUSED)
    self.gguf_writer.add_tokenizer_model("gpt2")
    self.gguf_writer.add_tokenizer_pre("kimi-k2")
    self.gguf_writer.add_token_list(tokens)
    self.gguf_writer.add_token_types(types)
    self.gguf_writer.add_token_merges(merges)
    self.gguf_writer.add_bos_token_id(len(ranks))
    self.gguf_writer.add_eos_token_id(len(ranks) + 1)
    self.gguf_writer.add_chat_template("{{'<|im_user|>user<|im_middle|>'}}")


def convert(llama, folder, out, kind="f32"):
    """`convert_hf_to_gguf.py` itself, but for the vocabulary; in a process of its own."""
    subprocess.run([sys.executable, __file__, "convert", llama, folder, out, kind], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _convert(llama, folder, out, kind):
    import conversion.kimi_linear as module
    module.KimiLinearModel.set_vocab = _set_vocab
    sys.argv = ["convert_hf_to_gguf.py", folder, "--outfile", out, "--outtype", kind]
    runpy.run_path(llama + "/convert_hf_to_gguf.py", run_name="__main__")


def quantize(llama, source, out, kind, *options):
    subprocess.run([llama / "build/bin/llama-quantize", *options, source, out, kind], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def dequantized(path):
    """The state dict of the checkpoint with a GGUF's values, by the gguf package's dequantizers."""
    values = {}
    for t in gguf.GGUFReader(path).tensors:
        shape = [int(n) for n in reversed(t.shape)]
        values[t.name] = torch.from_numpy(
            np.array(gguf.dequantize(t.data, t.tensor_type), dtype=np.float32).reshape(shape))
    names = {"attn_q": "q_proj", "attn_k": "k_proj", "attn_v": "v_proj", "attn_output": "o_proj", "ssm_f_a": "f_a_proj",
             "ssm_f_b": "f_b_proj", "ssm_g_a": "g_a_proj", "ssm_g_b": "g_b_proj", "ssm_beta": "b_proj",
             "ssm_norm": "o_norm", "attn_kv_a_mqa": "kv_a_proj_with_mqa", "attn_kv_a_norm": "kv_a_layernorm"}
    out = {"model.embed_tokens.weight": values["token_embd.weight"], "lm_head.weight": values["output.weight"],
           "model.norm.weight": values["output_norm.weight"]}
    for name, v in values.items():
        if not name.startswith("blk."):
            continue
        _, i, part = name.split(".", 2)
        p, a = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
        stem = part.rsplit(".", 1)[0]
        if stem in names:
            out[a + names[stem] + ".weight"] = v
        elif stem.startswith("ssm_conv1d_"):
            out[a + stem[-1] + "_conv1d.weight"] = v.reshape(-1, 1, v.shape[-1])
        elif part == "ssm_a":
            out[a + "A_log"] = torch.log(-v.double()).float().reshape(1, 1, -1, 1)
        elif part == "ssm_dt.bias":
            out[a + "dt_bias"] = v
        elif stem == "attn_k_b":
            vb = values[f"blk.{i}.attn_v_b.weight"]
            out[a + "kv_b_proj.weight"] = torch.cat([v.transpose(1, 2), vb], 1).reshape(-1, v.shape[1])
        elif stem in ("attn_norm", "ffn_norm"):
            out[p + {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}[stem] + ".weight"] = v
        elif stem in ("ffn_gate", "ffn_up", "ffn_down"):
            out[f"{p}mlp.{stem[4:]}_proj.weight"] = v
        elif stem in ("ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp"):
            out[f"{p}block_sparse_moe.shared_experts.{stem[4:-6]}_proj.weight"] = v
        elif stem in ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"):
            w = {"ffn_gate_exps": "w1", "ffn_down_exps": "w2", "ffn_up_exps": "w3"}[stem]
            for e in range(v.shape[0]):
                out[f"{p}block_sparse_moe.experts.{e}.{w}.weight"] = v[e].clone()
        elif stem == "ffn_gate_inp":
            out[p + "block_sparse_moe.gate.weight"] = v
        elif part == "exp_probs_b.bias":
            out[p + "block_sparse_moe.gate.e_score_correction_bias"] = v
        else:
            assert stem == "attn_v_b", name
    return {n: v.contiguous() for n, v in out.items()}


def reference_logits(config, tensors, ids, work, dtype=torch.float32):
    """Logits by transformers, from these tensors."""
    from transformers import KimiLinearForCausalLM
    work.mkdir(parents=True, exist_ok=True)
    (work / "config.json").write_text(json.dumps(config))
    save_file(tensors, work / "model.safetensors", metadata={"format": "pt"})
    model, report = KimiLinearForCausalLM.from_pretrained(
        work, dtype=dtype, attn_implementation="eager", output_loading_info=True)
    problems = {kind: names for kind, names in report.items() if names}
    assert not problems, problems
    with torch.no_grad():
        return model.eval()(torch.tensor(ids)[None], use_cache=False).logits[0].float().numpy()


if __name__ == "__main__":
    _convert(*sys.argv[2:])

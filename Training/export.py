"""Writes the packed grids as a Hugging Face Kimi-Linear folder, and golden logits for the engine's tests.

One command:  python export.py WORK/grids OUT_FOLDER WORK/golden.npz   (tokenizer.json is the bundled one)

model.safetensors holds F32 with the exact values of the grids: `lector model convert --to q4` finds the same grids again.
golden.npz, for each prompt i: ids_i; last_i (float32 logits after the last token, plain fp32 arithmetic, latents not rounded);
last_latent_i (latents rounded to bf16); last_int8_i (latents rounded and int8 rows before every packed matrix);
argmax_i (greedy choice at every position, first variant); and all_0 (all logits of prompt 0, first variant).
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import torch

from model import CONFIG as C, Batch, Student, grid, is_mla, kind, rounded
from pack import unpack
from prompts import answer, ids, load_tokenizer, segments

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKENIZER = ROOT / "Sources/BundledModel/Resources/tokenizer.json"


def config():
    layers = range(C["layers"])
    return {
        "architectures": ["KimiLinearForCausalLM"], "model_type": "kimi_linear", "dtype": "float32", "vocab_size": C["vocab"], "hidden_size": C["hidden"],
        "num_hidden_layers": C["layers"], "num_attention_heads": C["heads"], "num_key_value_heads": C["heads"], "head_dim": 64, "intermediate_size": C["ffn"],
        "hidden_act": "silu", "initializer_range": 0.02, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": None, "mla_use_nope": True, "q_lora_rank": None,
        "kv_lora_rank": C["rank"], "qk_nope_head_dim": C["nope"], "qk_rope_head_dim": C["rope"], "v_head_dim": C["v"], "sliding_window": C["window"],
        "linear_attn_config": {"head_dim": C["kda"], "num_heads": C["heads"], "short_conv_kernel_size": C["conv"],
                               "kda_layers": [j + 1 for j in layers if not is_mla(j)], "full_attn_layers": [j + 1 for j in layers if is_mla(j)]},
        "num_experts": None, "first_k_dense_replace": C["layers"], "model_max_length": 1048576, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        "tie_word_embeddings": True, "use_cache": True,
    }


def main(grids, out, golden, only=None):
    from safetensors.torch import save_file

    torch.set_num_threads(2)
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    w = unpack(grids, "grids")
    for n, t in w.items():
        assert torch.isfinite(t).all(), n
        if kind(n) == "q4" or kind(n) == "q8":
            again = rounded(t, n)
            if not torch.equal(again, t):
                print("not idempotent:", n, (again != t).sum().item(), "of", t.numel(), "largest", (again - t).abs().max().item())
    save_file({n: t.contiguous() for n, t in w.items()}, str(out / "model.safetensors"), metadata={"format": "pt"})
    json.dump(config(), open(out / "config.json", "w"), indent=2)
    json.dump({"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "do_sample": False}, open(out / "generation_config.json", "w"), indent=2)
    json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": None, "pad_token": "<|endoftext|>",
               "model_max_length": 1048576, "add_prefix_space": False, "clean_up_tokenization_spaces": False}, open(out / "tokenizer_config.json", "w"), indent=2)
    shutil.copy(TOKENIZER, out / "tokenizer.json")
    print("wrote", out, sum(t.numel() for t in w.values()), "parameters")

    tok = load_tokenizer(str(TOKENIZER))
    mail = "From: Ada Lovelace <ada@example.org>\nTo: team@example.org\nSubject: Minutes of Tuesday\n\nHello all,\n\nattached are the minutes of our meeting. The next one is on 3 December at 10:00.\n\nAda\n"
    offer = "From: best.deals@example.com\nSubject: WIN $1,000,000 NOW!!!\n\nCongratulations! You were selected. Click here to claim your free prize, no credit check, 100% guaranteed.\n"
    spam = [("spam", None), ("ham", None)]
    prompts = [ids(tok, "The capital of France is")]
    for text, order in ((mail, "batch"), (offer, "batch"), (mail, "document"), (offer, "document")):
        a, b = segments(tok, spam, order=order)
        prompts.append(a + ids(tok, text) + b)
    a, b = segments(tok, [("sports", None), ("politics", "parties, elections, laws"), ("computers", None), ("none of these", None)])
    prompts.append(a + ids(tok, "The goalkeeper saved two penalties and the home team won after extra time.") + b)
    long = "".join(f"Line {i}: the meeting of department {i * 7 % 31} was moved to room {i * 13 % 97}.\n" for i in range(90))
    a, b = segments(tok, spam)
    prompts.append(a + ids(tok, long)[:1400] + b)  # longer than the window of 1024
    model = Student()
    for n, t in model.named().items():
        t.data.copy_(w[n])
    model.eval()
    saved = dict(np.load(golden)) if only is not None else {}
    with torch.no_grad():
        for i, p in enumerate(prompts):
            if only is not None and i not in only:
                continue
            batch = Batch(p, [len(p)], "cpu")
            for key, latent, act in (("last", False, False), ("last_latent", True, False), ("last_int8", True, True)):
                if i == 6 and key == "last_latent":
                    continue  # the long prompt takes minutes in this plain form
                model.latent_bf16, model.act_quant = latent, act
                lg = model.logits(batch)
                saved[f"{key}_{i}"] = lg[-1].numpy()
                if key == "last":
                    saved[f"ids_{i}"], saved[f"argmax_{i}"] = np.asarray(p, np.int32), lg.argmax(-1).numpy().astype(np.int32)
                    if i == 0:
                        saved["all_0"] = lg.numpy()
            s, h = answer(tok, "spam")[0], answer(tok, "ham")[0]
            print(i, len(p), "tokens; greedy", repr(tok.decode([int(saved[f'last_{i}'].argmax())])), "spam-ham", [round(float(saved[f"{k}_{i}"][s] - saved[f"{k}_{i}"][h]), 3) for k in ("last", "last_latent", "last_int8") if f"{k}_{i}" in saved])
            np.savez(golden, **saved)


if __name__ == "__main__":
    main(*sys.argv[1:4], *([{int(i) for i in sys.argv[4].split(',')}] if len(sys.argv) > 4 else []))

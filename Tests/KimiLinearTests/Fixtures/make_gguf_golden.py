"""Makes gguf/mixed.gguf, a two-layer random model whose matrices have every type that Lector reads, and
its logits.

    python Tests/KimiLinearTests/Fixtures/make_gguf_golden.py LLAMA_CPP

LLAMA_CPP is a built checkout (Benchmarks/peers.sh makes one: Benchmarks/work/llama.cpp). The file is
what llama.cpp's own converter and llama-quantize write, but for the vocabulary, which is the made
ranks of Tests/TokenizationTests. gguf/logits.npy is what transformers computes in float32 from the
values that the gguf package reads out of the file, so that a dequantizer, a permutation or a name
that is wrong here shows. gguf/tokens.json holds the ids.
"""
import json
import pathlib
import sys
import tempfile

import gguf
import numpy as np
import torch

import gguf_checkpoint as checkpoint

HERE = pathlib.Path(__file__).parent / "gguf"
TYPES = {"attn_q": "q4_K", "attn_k": "q5_K", "attn_v": "q6_K", "attn_output": "q4_0", "attn_kv_a_mqa": "q8_0",
         "attn_k_b": "q5_0", "attn_v_b": "q4_0", "ssm_f_a": "bf16", "ssm_f_b": "q5_0", "ssm_g_a": "f16",
         "ssm_g_b": "q8_0", "ffn_gate_exps": "q4_K", "ffn_up_exps": "q5_K", "ffn_down_exps": "q6_K",
         "ffn_gate_shexp": "q4_0", "ffn_up_shexp": "q8_0", "ffn_down_shexp": "f16", "ffn_gate": "q5_0",
         "ffn_up": "bf16", "ffn_down": "q4_K"}


def main():
    llama = pathlib.Path(sys.argv[1]).resolve()
    torch.set_num_threads(2)
    shape = checkpoint.Shape()
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        checkpoint.write_folder(shape, work / "folder")
        checkpoint.convert(llama, work / "folder", work / "f32.gguf")
        options = ["--token-embedding-type", "q4_0", "--output-tensor-type", "q6_K"]
        for name, kind in TYPES.items():
            options += ["--tensor-type", f"{name}\\.weight={kind}"]
        checkpoint.quantize(llama, work / "f32.gguf", HERE / "mixed.gguf", "q4_0", *options)
        found = {t.name: t.tensor_type.name for t in gguf.GGUFReader(HERE / "mixed.gguf").tensors}
        print(sorted(set(found.values())))
        assert set(found.values()) == {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q5_K", "Q6_K"}, found
        ids = torch.randint(0, shape.vocab, (40,), generator=torch.Generator().manual_seed(7)).tolist()
        (HERE / "tokens.json").write_text(json.dumps(ids) + "\n")
        logits = checkpoint.reference_logits(
            shape.config(), checkpoint.dequantized(HERE / "mixed.gguf"), ids, work / "dequantized")
    assert np.isfinite(logits).all()
    np.save(HERE / "logits.npy", logits.astype("<f4"))
    print(logits.shape, "standard deviation", logits.std())


if __name__ == "__main__":
    main()

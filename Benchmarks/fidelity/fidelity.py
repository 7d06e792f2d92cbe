"""Logits of Lector beside llama.cpp on GGUF files of every type, and beside transformers on a bf16 folder.

    python Benchmarks/fidelity/fidelity.py LLAMA_CPP [TOKENS [TYPE...]]

LLAMA_CPP is a built checkout (Benchmarks/work/llama.cpp after Benchmarks/peers.sh); needs what
Tests/KimiLinearTests/Fixtures/gguf_checkpoint.py needs, a C++ compiler, and the release build of lector. One
random model of five layers (3 KDA, 2 MLA, 8 experts) is converted by llama.cpp itself, quantized by
llama-quantize, and read by both programs. What each file holds is also dequantized by the gguf package
and computed by transformers in float32: that is the truth of the file. Prints, for each type, how far
Lector (--weights f32 and closest) and llama.cpp are from it, and from each other: root mean square over
all logits, the largest of any token's, and at the last 64 positions, as shares of the logits' standard
deviation; and how often both choose the same next token.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/KimiLinearTests/Fixtures"))
import gguf_checkpoint as checkpoint  # noqa: E402

TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q5_K", "Q6_K"]
LECTOR = os.environ.get("LECTOR", ROOT / ".build/release/lector")


def build(llama, out):
    libs = llama / "build/bin"
    subprocess.run(["c++", "-O2", "-std=c++17", "-I", llama / "include", "-I", llama / "ggml/include",
                    ROOT / "Benchmarks/fidelity/llama_logits.cpp", "-o", out, "-L", libs, "-lllama", "-lggml",
                    "-lggml-base", f"-Wl,-rpath,{libs}"], check=True)


def lector(model, ids, out, weights):
    subprocess.run([LECTOR, "model", "logits", "--model", model, "--weights", weights, "--ids", f"@{ids}",
                    "--output", out], check=True)
    return np.load(out)


def row(name, a, b, scale):
    d = np.sqrt(((a - b) ** 2).mean(1)) / scale
    same = (a.argmax(1) == b.argmax(1)).mean()
    print(f"| {name} | {np.sqrt((d ** 2).mean()):.2e} | {d.max():.2e} | {np.sqrt((d[-64:] ** 2).mean()):.2e} "
          f"| {100 * same:.1f} % |", flush=True)


def main():
    llama = pathlib.Path(sys.argv[1]).resolve()
    tokens = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    torch.set_num_threads(2)
    shape = checkpoint.Shape(experts=8, used=3, kda=(1, 2, 4), full=(3, 5))
    ids = torch.randint(0, shape.vocab, (tokens,), generator=torch.Generator().manual_seed(7)).tolist()
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "ids").write_text(" ".join(map(str, ids)))
        build(llama, work / "llama_logits")
        checkpoint.write_folder(shape, work / "folder")
        print(f"{tokens} tokens; root mean square, worst token, last 64 tokens, same choice")
        truth = checkpoint.reference_logits(shape.config(), shape.tensors(), ids, work / "dequantized")
        scale = truth.std()
        row("folder bf16: Lector f32, transformers f32",
            lector(work / "folder", work / "ids", work / "l.npy", "f32"), truth, scale)
        half = checkpoint.reference_logits(shape.config(), shape.tensors(), ids, work / "dequantized", torch.bfloat16)
        row("folder bf16: transformers bf16, transformers f32", half, truth, scale)
        bf16 = lector(work / "folder", work / "ids", work / "l.npy", "bf16")
        row("folder bf16: Lector bf16, transformers f32", bf16, truth, scale)
        row("folder bf16: Lector bf16, transformers bf16", bf16, half, scale)
        checkpoint.convert(llama, work / "folder", work / "F32.gguf")
        for kind in sys.argv[3:] or TYPES:
            path = work / f"{kind}.gguf"
            if kind != "F32":
                checkpoint.quantize(llama, work / "F32.gguf", path, "Q4_0" if kind == "Q4_0" else
                                    {"Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}.get(kind, kind), "--pure")
            truth = checkpoint.reference_logits(
                shape.config(), checkpoint.dequantized(path), ids, work / "dequantized")
            subprocess.run([work / "llama_logits", path, work / "ids", work / "o.npy"], check=True)
            other = np.load(work / "o.npy")
            exact = lector(path, work / "ids", work / "l.npy", "f32")
            closest = lector(path, work / "ids", work / "l.npy", "closest")
            row(f"{kind}: Lector f32, its values", exact, truth, scale)
            row(f"{kind}: Lector closest, its values", closest, truth, scale)
            row(f"{kind}: llama.cpp, its values", other, truth, scale)
            row(f"{kind}: Lector closest, llama.cpp", closest, other, scale)


if __name__ == "__main__":
    main()

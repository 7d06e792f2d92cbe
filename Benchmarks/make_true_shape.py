"""Writes a GGUF with the true widths of Kimi-Linear-48B-A3B and made-up weights in Q4_0.

    python Benchmarks/make_true_shape.py OUT.gguf [--layers 27]

Needs numpy and gguf. Hidden 2304, 32 heads of 128, kv_lora_rank 512, 256 experts of 1024 of which 8 and one shared, first
layer dense, full attention in every fourth layer and the last as in the checkpoint, vocabulary 163,840 with a
tokenizer of made ranks. About 1.1 GiB a layer: 27 layers take 28 GiB. One tensor is in memory at a time. The weights are
four-bit noise of one scale a tensor, so activations stay in range; speed does not depend on them.
"""
import argparse
import pathlib

import gguf
import numpy as np

HIDDEN, HEADS, DIM, RANK, NOPE, ROPE, FFN, EXPERTS, EXPERT_FFN, VOCAB = 2304, 32, 128, 512, 128, 64, 9216, 256, 1024, 163840
SPECIALS = 256
CONTROL = {163584: "[BOS]", 163585: "[EOS]", 163586: "<|im_end|>", 163587: "<|im_user|>", 163588: "<|im_assistant|>",
           163594: "<|im_system|>", 163601: "<|im_middle|>"}
noise = np.random.default_rng(20261128).integers(0, 256, 64 << 20, np.uint8)


def is_full(layer: int, layers: int) -> bool:
    return layer % 4 == 3 or (layers == 27 and layer == 26)


def q4_0(*shape: int) -> np.ndarray:
    """Rows of blocks of 32: fp16 scale, 16 bytes of nibbles. 4.6 is the deviation of the nibbles."""
    *rows, width = shape
    count = int(np.prod(rows))
    out = np.empty((count, width // 32, 18), np.uint8)
    out[:, :, :2] = np.array([width**-0.5 / 4.6], np.float16).view(np.uint8)
    flat = out.reshape(-1, 18)
    step = len(noise) // 64
    for start in range(0, len(flat), step):  # another stretch of the noise each time
        part = flat[start:start + step]
        shift = start * 7919 % (len(noise) - 16 * len(part) + 1)
        part[:, 2:] = noise[shift:shift + 16 * len(part)].reshape(-1, 16)
    return out.reshape(*rows, width // 32 * 18)


def tensors(layers: int):
    """Names, numpy shapes and whether in Q4_0 or a function that makes float32 values."""
    rng = np.random.default_rng(1)
    width = HEADS * DIM
    f32 = lambda scale=0.1, shift=0.0: lambda shape: (rng.standard_normal(shape) * scale + shift).astype(np.float32)
    norm = f32(0.1, 1.0)
    yield "token_embd.weight", (VOCAB, HIDDEN), None
    for i in range(layers):
        p = f"blk.{i}."
        yield p + "attn_norm.weight", (HIDDEN,), norm
        yield p + "ffn_norm.weight", (HIDDEN,), norm
        if is_full(i, layers):
            yield p + "attn_q.weight", (HEADS * (NOPE + ROPE), HIDDEN), None
            yield p + "attn_kv_a_mqa.weight", (RANK + ROPE, HIDDEN), None
            yield p + "attn_kv_a_norm.weight", (RANK,), norm
            yield p + "attn_k_b.weight", (HEADS, RANK, NOPE), None
            yield p + "attn_v_b.weight", (HEADS, DIM, RANK), None
        else:
            for s in "qkv":
                yield p + f"attn_{s}.weight", (width, HIDDEN), None
                yield p + f"ssm_conv1d_{s}.weight", (width, 1, 4), f32(0.5)
            yield p + "ssm_f_a.weight", (DIM, HIDDEN), None
            yield p + "ssm_f_b.weight", (width, DIM), None
            yield p + "ssm_g_a.weight", (DIM, HIDDEN), None
            yield p + "ssm_g_b.weight", (width, DIM), None
            yield p + "ssm_beta.weight", (HEADS, HIDDEN), None
            yield p + "ssm_a", (HEADS, 1), lambda shape: -(rng.random(shape, np.float32) * 3 + np.float32(0.2))
            yield p + "ssm_dt.bias", (width,), f32(1.0, -3.0)
            yield p + "ssm_norm.weight", (DIM,), norm
        yield p + "attn_output.weight", (HIDDEN, width), None
        if i == 0:
            for name, n, k in (("gate", FFN, HIDDEN), ("up", FFN, HIDDEN), ("down", HIDDEN, FFN)):
                yield p + f"ffn_{name}.weight", (n, k), None
            continue
        yield p + "ffn_gate_inp.weight", (EXPERTS, HIDDEN), f32(HIDDEN**-0.5)
        yield p + "exp_probs_b.bias", (EXPERTS,), f32(0.1)
        for name, n, k in (("gate", EXPERT_FFN, HIDDEN), ("up", EXPERT_FFN, HIDDEN), ("down", HIDDEN, EXPERT_FFN)):
            yield p + f"ffn_{name}_exps.weight", (EXPERTS, n, k), None
            yield p + f"ffn_{name}_shexp.weight", (n, k), None
    yield "output_norm.weight", (HIDDEN,), norm
    yield "output.weight", (VOCAB, HIDDEN), None


def vocabulary() -> tuple[list[str], list[str], list[int]]:
    """Bytes, then pairs of bytes, then pairs and a byte, in the letters that GPT-2 writes bytes with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letter, more = {b: chr(b) for b in plain}, 0
    for b in range(256):
        if b not in letter:
            letter[b], more = chr(256 + more), more + 1
    letters = [letter[b] for b in range(256)]
    pairs = [(a, b) for a in letters for b in letters]
    triples = [(a + b, c) for a in letters for b in letters[:2] for c in letters]
    merges = (pairs + triples)[:VOCAB - SPECIALS - len(letters)]
    tokens = letters + [a + b for a, b in merges]
    kinds = [1] * len(tokens)
    for i in range(VOCAB - SPECIALS, VOCAB):
        tokens.append(CONTROL.get(i, f"<|reserved_token_{i}|>"))
        kinds.append(3)
    assert len(tokens) == len(set(tokens)) == VOCAB, (len(tokens), len(set(tokens)))
    return tokens, [" ".join(pair) for pair in merges], kinds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=27)
    arguments = parser.parse_args()
    layers = arguments.layers
    writer = gguf.GGUFWriter(arguments.out, "kimi-linear")
    writer.add_name("made Kimi-Linear-48B-A3B")
    for key, value in {
            "block_count": layers, "context_length": 1 << 20, "embedding_length": HIDDEN, "feed_forward_length": FFN,
            "attention.head_count": HEADS, "attention.kv_lora_rank": RANK, "attention.key_length": RANK + ROPE,
            "attention.value_length": RANK, "attention.key_length_mla": NOPE + ROPE, "attention.value_length_mla": DIM,
            "rope.dimension_count": ROPE, "ssm.conv_kernel": 4, "kda.head_dim": DIM, "expert_count": EXPERTS,
            "expert_used_count": 8, "expert_shared_count": 1, "expert_feed_forward_length": EXPERT_FFN,
            "expert_gating_func": 2, "leading_dense_block_count": 1, "vocab_size": VOCAB}.items():
        writer.add_uint32("kimi-linear." + key, value)
    writer.add_array("kimi-linear.attention.head_count_kv", [int(is_full(i, layers)) for i in range(layers)])
    writer.add_float32("kimi-linear.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_float32("kimi-linear.rope.freq_base", 10000.0)
    writer.add_float32("kimi-linear.expert_weights_scale", 2.446)
    writer.add_bool("kimi-linear.expert_weights_norm", True)
    tokens, merges, kinds = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("kimi-k2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(163584)
    writer.add_eos_token_id(163586)
    plan = list(tensors(layers))
    for name, shape, make in plan:
        if make:
            writer.add_tensor_info(name, shape, np.dtype(np.float32), int(np.prod(shape)) * 4)
        else:
            stored = (*shape[:-1], shape[-1] // 32 * 18)
            writer.add_tensor_info(name, stored, np.dtype(np.uint8), int(np.prod(stored)), gguf.GGMLQuantizationType.Q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, shape, make in plan:
        writer.write_tensor_data(make(shape) if make else q4_0(*shape))
    writer.close()
    print(f"{arguments.out}: {layers} layers, {arguments.out.stat().st_size / 2**30:.1f} GiB, {len(plan)} tensors")


if __name__ == "__main__":
    main()

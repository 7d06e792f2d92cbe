"""Writes gguf_blocks.bin: random blocks of every GGUF type that Lector reads, and their values by the
`gguf` package's dequantizers.

    python Tests/WeightFilesTests/Fixtures/make_gguf_blocks.py

Needs gguf and numpy (gguf 0.19.0 made the committed file). Little-endian, for each type: u32 type,
u32 elements, u32 bytes, the bytes, float32 values. All bits of a block are random, but for the fp16
scales, which are finite numbers of both signs, subnormal ones among them.
"""
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

SCALES = {T.Q8_0: [0], T.Q4_0: [0], T.Q5_0: [0], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
rng = np.random.default_rng(20261125)
out = b""
for kind in (T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q5_0, T.Q4_K, T.Q5_K, T.Q6_K):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    count = 1024 // elements
    if kind == T.F32:
        raw = rng.standard_normal(count).astype("<f4").view(np.uint8)
    elif kind in (T.F16, T.BF16):
        raw = rng.integers(0, 0x7C00 if kind == T.F16 else 0x7F80, count).astype("<u2")
        raw = (raw | rng.integers(0, 2, count).astype("<u2") << 15).view(np.uint8)
    else:
        raw = rng.integers(0, 256, (count, size), dtype=np.uint8)
        for at in SCALES[kind]:
            scale = rng.integers(0, 0x5000, count) | rng.integers(0, 2, count) << 15
            raw[:, at:at + 2] = scale.astype("<u2").view(np.uint8).reshape(count, 2)
    data = raw.reshape(-1)
    typed = data.view(np.float32) if kind == T.F32 else data.view(np.float16) if kind == T.F16 else data
    values = np.asarray(gguf.dequantize(typed, kind), dtype="<f4").reshape(-1)
    assert values.size == 1024 and np.isfinite(values).all(), kind
    out += np.array([kind.value, 1024, data.nbytes], "<u4").tobytes() + data.tobytes() + values.tobytes()
pathlib.Path(__file__).with_name("gguf_blocks.bin").write_bytes(out)
print(len(out), "bytes")

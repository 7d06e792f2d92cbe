"""A GGUF reader for the three types that SmolLM2's file holds (F32, Q8_0, Q4_1): {name: float32 array [out, in]}."""
import struct

import numpy as np


def read(path):
    data = np.memmap(path, np.uint8, "r")
    pos = [8]

    def take(fmt):
        v = struct.unpack_from("<" + fmt, data, pos[0])
        pos[0] += struct.calcsize("<" + fmt)
        return v[0]

    def string():
        n = take("Q")
        s = bytes(data[pos[0]: pos[0] + n])
        pos[0] += n
        return s.decode("utf-8", "replace")

    def value(t):
        if t == 8:
            return string()
        if t == 9:
            e, n = take("I"), take("Q")
            return [value(e) for _ in range(n)]
        return take({0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}[t])

    tensors, keys = take("Q"), take("Q")
    meta = {}
    for _ in range(keys):
        k = string()
        meta[k] = value(take("I"))
    infos = []
    for _ in range(tensors):
        name = string()
        shape = [take("Q") for _ in range(take("I"))]
        infos.append((name, shape, take("I"), take("Q")))
    align = meta.get("general.alignment", 32)
    base = (pos[0] + align - 1) // align * align
    out = {}
    for name, shape, t, off in infos:
        n = int(np.prod(shape))
        at = base + off
        if t == 0:
            a = np.frombuffer(data, "<f4", n, at).copy()
        elif t == 8:
            b = np.frombuffer(data, np.uint8, n // 32 * 34, at).reshape(-1, 34)
            d = b[:, :2].copy().view("<f2").astype(np.float32)
            a = b[:, 2:].copy().view(np.int8).astype(np.float32) * d
        elif t == 3:
            b = np.frombuffer(data, np.uint8, n // 32 * 20, at).reshape(-1, 20)
            dm = b[:, :4].copy().view("<f2").astype(np.float32)
            q = np.concatenate([b[:, 4:] & 15, b[:, 4:] >> 4], 1).astype(np.float32)
            a = q * dm[:, :1] + dm[:, 1:]
        else:
            raise ValueError(f"{name}: GGUF type {t} is not F32, Q8_0 or Q4_1")
        out[name] = a.reshape(shape[::-1]).astype(np.float32)
    return out

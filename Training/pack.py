"""Packs a checkpoint for the way home:  python pack.py grids|masters WORK/qat.pt OUT_FOLDER
and unpacks it for the next run:  python pack.py unpack FOLDER masters WORK/distil.pt

grids: the recipe `q4` (q4 nibbles q+8, low nibble first, fp16 scales; q8 int8 and fp16 scales; the rest f32).
masters: bf16 (the small tensors f32). One stream of bytes in parts of nearly 16 MiB and index.json (name, kind, shape, offset).
`unpack(folder, prefix)` reads either back into {name: float32 tensor}, exactly.
"""
import glob
import json
import os
import sys

import numpy as np
import torch

from model import from_grid, grid, kind

PART = (16 << 20) - 4096


def blobs(t, name, mode):
    k = kind(name)
    if k == "f32":
        return [t.float().numpy().tobytes()], "f32"
    if mode == "masters":
        return [t.bfloat16().view(torch.int16).numpy().tobytes()], "bf16"
    q, d = grid(t, 4 if k == "q4" else 8)
    if k == "q4":
        u = (q + 8).to(torch.uint8)
        q = u[:, 0::2] | (u[:, 1::2] << 4)
    return [q.numpy().tobytes(), d.numpy().tobytes()], k


def pack(mode, path, out):
    sd, index, data, at = torch.load(path, map_location="cpu"), [], [], 0
    for n, t in sd.items():
        bs, k = blobs(t.detach(), n, mode)
        index.append(dict(name=n, kind=k, shape=list(t.shape), offset=at, sizes=[len(b) for b in bs]))
        data += bs
        at += sum(map(len, bs))
    data = b"".join(data)
    os.makedirs(out, exist_ok=True)
    for i in range(0, len(data), PART):
        open(f"{out}/{mode}.{i // PART:02d}", "wb").write(data[i: i + PART])
    json.dump(index, open(f"{out}/{mode}.index.json", "w"))
    print(mode, len(data), "bytes in", -(-len(data) // PART), "parts")


def unpack(folder, mode):
    data = b"".join(open(p, "rb").read() for p in sorted(glob.glob(f"{folder}/{mode}.[0-9][0-9]")))
    out = {}
    for e in json.load(open(f"{folder}/{mode}.index.json")):
        a, k = e["offset"], e["kind"]
        raw = np.frombuffer(data, np.uint8, sum(e["sizes"]), a).copy()
        if k == "f32":
            out[e["name"]] = torch.from_numpy(raw.view(np.float32)).view(e["shape"])
        elif k == "bf16":
            out[e["name"]] = torch.from_numpy(raw.view(np.int16)).view(torch.bfloat16).float().view(e["shape"])
        else:
            n, c = e["shape"]
            q, d = raw[: e["sizes"][0]], torch.from_numpy(raw[e["sizes"][0]:].view(np.float16)).view(n, -1)
            if k == "q4":
                q = q.reshape(n, c // 2)
                q = np.stack([q & 15, q >> 4], 2).reshape(n, c).astype(np.int8) - 8
            else:
                q = q.view(np.int8).reshape(n, c)
            out[e["name"]] = from_grid(torch.from_numpy(q.copy()), d)
    return out


if __name__ == "__main__":
    if sys.argv[1] == "unpack":  # python pack.py unpack FOLDER PREFIX OUT.pt
        torch.save(unpack(*sys.argv[2:4]), sys.argv[4])
    else:
        pack(*sys.argv[1:4])

"""The shipped model.lector as masters for the next run, where those of the last one are gone:

    python shipped.py ../Sources/BundledModel/Resources/model.lector OUT.pt     (then: python pack.py masters OUT.pt FOLDER)

Reads the packed file as Sources/WeightFiles/PackedFile.swift and Sources/CKernels/include/ckernels.h describe it.
"""
import json
import struct
import sys

import numpy as np
import torch

from model import Student, kind, rounded


def matrix(raw, form, n, k):
    """Panels of 16 columns back to [n, k]."""
    p = np.frombuffer(raw, np.uint8).reshape(-(-n // 16), -1)
    group, data = (32, k * 8) if form == "q4" else (64, k * 16)
    if form == "q4":
        b = p[:, :data].reshape(-1, k // 8, 1, 16, 4)
        q = np.concatenate([b & 15, b >> 4], 2).astype(np.int8) - 8  # [panel, k/8, half, column, 4]
        q = q.transpose(0, 3, 1, 2, 4)
    else:
        q = p[:, :data].reshape(-1, k // 4, 16, 4).view(np.int8).transpose(0, 2, 1, 3)
    q = q.reshape(-1, k)[:n].astype(np.float32)
    d = p[:, data: data + k // group * 32].copy().view(np.float16).reshape(-1, k // group, 16).transpose(0, 2, 1).reshape(-1, k // group)[:n]
    return (q.reshape(n, k // group, group) * d.astype(np.float32)[:, :, None]).reshape(n, k)


def read(path):
    raw = open(path, "rb").read()
    assert raw[:8] == b"LECTORW\0", raw[:8]
    header = json.loads(raw[64: 64 + struct.unpack_from("<I", raw, 12)[0]])
    out = {}
    for e in header["tensors"]:
        data = raw[e["offset"]: e["offset"] + e["length"]]
        if e["format"] == "vector":
            t = np.frombuffer(data, np.float32).reshape(e["shape"])
            out[e["name"]] = t.T if "conv1d" in e["name"] else t
        else:
            out[e["name"]] = matrix(data, e["format"], *e["shape"])
    return out


def main(path, out):
    found, sd = read(path), {}
    for n, t in Student().named().items():
        sd[n] = torch.from_numpy(np.ascontiguousarray(found.pop(n))).view(t.shape)
        assert torch.isfinite(sd[n]).all() and (kind(n) == "f32" or torch.equal(rounded(sd[n], n), sd[n])), n
    assert not found, list(found)
    torch.save(sd, out)
    print(len(sd), "tensors,", sum(t.numel() for t in sd.values()), "parameters")


if __name__ == "__main__":
    main(*sys.argv[1:3])

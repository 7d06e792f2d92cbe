"""Two models of one family become one that stays on the grid:  python merge.py A.pt B.pt SHARE OUT.pt   (then: pack.py grids OUT.pt FOLDER)

Every group of weights that shares a scale is taken whole from A or, with the probability SHARE, from B; small tensors are averaged.
An average of two rounded models would have to be rounded again, which costs what quantization-aware training had won. A.pt and
B.pt hold weights on their grids (shipped.py, or pack.py unpack).
"""
import sys

import torch

from model import kind

a, b, share, out = torch.load(sys.argv[1]), torch.load(sys.argv[2]), float(sys.argv[3]), {}
draw = torch.Generator().manual_seed(1)
for n in a:
    x, y = a[n].float(), b[n].float()
    if kind(n) == "f32" or x.dim() < 2:
        out[n] = (1 - share) * x + share * y
        continue
    group = 32 if kind(n) == "q4" else 64
    x, y = x.reshape(len(x), -1, group), y.reshape(len(y), -1, group)
    out[n] = torch.where((torch.rand(x.shape[:2], generator=draw) < share)[..., None], y, x).reshape(a[n].shape)
torch.save(out, sys.argv[4])

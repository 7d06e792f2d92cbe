"""Writes kda_golden.bin: the KDA recurrence by flash-linear-attention's naive_recurrent_kda.

    python3 -m venv venv && venv/bin/pip install torch einops packaging numpy fla-core==0.6.0
    venv/bin/python Tests/KernelTests/Fixtures/make_kda_golden.py

The file is a sequence of cases, little-endian: int32 T, H, K, V, then float32
q [T,H,K], k [T,H,K], v [T,H,V], g [T,H,K], beta [T,H], initial state [H,K,V],
out [T,H,V], final state [H,K,V]. q and k are L2-normalised; out holds fla's default
scale, K^-0.5. Computed on CPU from seed 20261124.
"""
import struct
from pathlib import Path

import torch
from fla.ops.kda.naive import naive_recurrent_kda

CASES = [(1, 2, 11, 19), (2, 2, 11, 19), (63, 2, 11, 19), (65, 2, 11, 19), (1, 1, 19, 11), (65, 1, 32, 48)]


def main() -> None:
    generator = torch.Generator().manual_seed(20261124)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    with open(Path(__file__).with_name("kda_golden.bin"), "wb") as file:
        for T, H, K, V in CASES:
            q = torch.nn.functional.normalize(normal(1, T, H, K), dim=-1)
            k = torch.nn.functional.normalize(normal(1, T, H, K), dim=-1)
            v = normal(1, T, H, V)
            g = -torch.nn.functional.softplus(normal(1, T, H, K) * 2)
            beta = torch.sigmoid(normal(1, T, H))
            state = normal(1, H, K, V)
            out, final = naive_recurrent_kda(
                q, k, v, g, beta, initial_state=state, output_final_state=True)
            file.write(struct.pack("<4i", T, H, K, V))
            for tensor in (q, k, v, g, beta, state, out, final):
                file.write(tensor.contiguous().to(torch.float32).numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    main()

"""The headlines of the Kimi Linear report (arXiv:2510.26692, figures 1 and 7), with our own engine.

    python Benchmarks/headlines/headlines.py [--longest 1048576] [--prefill 524288,1048576] [--memory-gb 16]

The benchmark's widths (hidden 576, 16 layers, rank 384) with every layer MLA, against three KDA layers to one MLA
layer: bytes of the state, time per output token by position, at batch 1 and at equal memory, and prefill. Needs
numpy and the release build of lector. Both states are made up where a position begins, since full attention would
read a million tokens for days; the arithmetic behind them is that of a text. The hybrid with a window is read.

Equal memory: as many sequences as fit --memory-gb are decoded; at these depths a step's time is that of its
sequences one after the other (latents are not shared), so a batch of n takes the weights once and n times the rest.
That row is computed from the measured steps at the position and at 0, not measured.
"""
import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from peers import LECTOR, THREADS, checkpoint, load, run


def bench(path, positions, tokens, decode, *flags):
    """Rows of `lector bench` by (phase, position)."""
    text = run(LECTOR, "bench", "--model", path, "--positions", ",".join(map(str, positions)), "--tokens", tokens,
               "--decode-tokens", decode, "--runs", 3 if decode else 1, "--threads", THREADS, "--json", *flags)
    return {(row["phase"], row["position"]): row for row in map(json.loads, text.splitlines())}


def state_bytes(row):
    return row["constantStateBytes"] + row["growingStateBytes"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--longest", type=int, default=1 << 20)
    parser.add_argument("--prefill", default=f"{1 << 19},{1 << 20}")
    parser.add_argument("--memory-gb", type=float, default=16)
    args = parser.parse_args()
    models = {
        "full": checkpoint("random-full", ("--full-attention",), ("q4",), ())["lector q4"],
        "hybrid": checkpoint("random", (), ("q4",), ())["lector q4"],
        "window": checkpoint("random-window", ("--window", "1024"), ("q4",), ())["lector q4"],
    }
    positions = [p for p in (0, 1 << 12, 1 << 15, 1 << 17, 1 << 18, 1 << 19, 1 << 20) if p <= args.longest]
    print(f"q4, {THREADS} threads, {load()}", file=sys.stderr)
    # One position a process, so that only one such state is in memory.
    rows = {(name, p): bench(models[name], [p], 1, 8, "--made")["decode", p] for p in positions for name in ("full", "hybrid")}
    read = bench(models["window"], [p for p in positions if p], 512, 32)

    print("| position | full attention: state | hybrid: state | less | ms a token, full | hybrid | ratio | at equal memory | "
          "hybrid, window, read: ms |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for p in positions[1:]:
        full, hybrid = rows["full", p], rows["hybrid", p]
        ms = {name: 1000 / rows[name, p]["tokensPerSecond"] for name in ("full", "hybrid")}
        share = {}  # ms a token of a batch as large as memory allows
        for name in ms:
            base = 1000 / rows[name, 0]["tokensPerSecond"]
            batch = max(1, int(args.memory_gb * 1e9 // state_bytes(rows[name, p])))
            share[name] = base / batch + ms[name] - base
        print(f"| {p} | {state_bytes(full) / 1e6:.1f} MB | {state_bytes(hybrid) / 1e6:.1f} MB | "
              f"{1 - state_bytes(hybrid) / state_bytes(full):.1%} | {ms['full']:.2f} | {ms['hybrid']:.2f} | "
              f"{ms['full'] / ms['hybrid']:.2f} | {share['full'] / share['hybrid']:.2f} | "
              f"{1000 / read['decode', p]['tokensPerSecond']:.2f} |")

    # A token's time grows linearly with its position, so a prompt's mean is that of its middle.
    print("\n| prefill of a prompt of | full attention, tokens/s | hybrid | ratio | hybrid, window, read |\n| --- | --- | --- | --- | --- |")
    for p in map(int, filter(None, args.prefill.split(","))):
        got = {name: bench(models[name], [p // 2], 512, 0, "--made")["prefill", p // 2]["tokensPerSecond"] for name in ("full", "hybrid")}
        windowed = f"{read['prefill', p // 2]['tokensPerSecond']:.0f}" if ("prefill", p // 2) in read else "-"
        print(f"| {p} | {got['full']:.1f} | {got['hybrid']:.1f} | {got['hybrid'] / got['full']:.2f} | {windowed} |")


main()

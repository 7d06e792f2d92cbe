"""Draws how speed and memory go with the length of a text: docs/rate-by-position.png and docs/state-by-position.png.

    python3 Benchmarks/curves.py [--again] [--longest 1048576]

Needs matplotlib, the checkpoints of `Benchmarks/peers.sh` and, for the peer's points, its llama.cpp. The measurements (once, kept in
Benchmarks/work/curves.json; --again takes them anew) run on made-up states (`lector bench --made`), since a model without a
window would read a million tokens for hours; the arithmetic at a position is that of a text. llama.cpp is asked as far
as it gets in minutes.
"""
import argparse
import json
import sys

from peers import BIN, LECTOR, ROOT, THREADS, WORK, checkpoint, load, run

KEPT = WORK / "curves.json"


def ours(path, positions, decode):
    rows = []
    for position in positions:  # one state in memory at a time
        text = run(LECTOR, "bench", "--model", path, "--positions", position, "--tokens", 512, "--decode-tokens", decode, "--runs", 1,
                   "--threads", THREADS, "--made", "--json")
        rows += [json.loads(line) for line in text.splitlines()]
        print(f"{path.parent.name} at {position}, {load()}", file=sys.stderr)
    return [[row["phase"], row["position"], row["tokensPerSecond"], row["constantStateBytes"] + row["growingStateBytes"]] for row in rows]


def theirs(path, depths):
    rows = []
    for depth in depths:
        text = run(BIN / "llama-bench", "-m", path, "-p", 512, "-n", 16, "-d", depth, "-t", THREADS, "-fa", 1, "-r", 1, "-o", "json")
        rows += [["prefill" if row["n_prompt"] else "decode", depth, row["avg_ts"], None] for row in json.loads(text)]
        print(f"llama.cpp at {depth}, {load()}", file=sys.stderr)
    return rows


def measure(longest):
    windowed = checkpoint("random-window", ("--window", "1024"), ("q4",), ())["lector q4"]
    peers = (BIN / "llama-bench").exists()
    plain = checkpoint() if peers else checkpoint("random", (), ("q4",), ())
    positions = [0] + [p for p in (1 << n for n in range(9, 21)) if p <= longest]
    return {
        "window of 1,024": ours(windowed, positions, 32),
        "no window": ours(plain["lector q4"], [p for p in positions if p <= 1 << 16], 8),
        "llama.cpp (no window)": theirs(plain["q4_0"], [0, 512, 2048, 8192]) if peers else [],
    }


def draw(series):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colors = dict(zip(series, ("#0b6e4f", "#1f6feb", "#b35900")))

    def axes(panel, title, unit):
        panel.set_xscale("symlog", base=2, linthresh=512)
        panel.set_yscale("log")
        ticks = [0, 512, 2048, 8192, 32768, 131072, 1048576]
        panel.set_xticks(ticks, ["0", "512", "2 k", "8 k", "32 k", "128 k", "1 M"])
        panel.set_xlabel("tokens read before")
        panel.set_title(title, fontsize=10, loc="left")
        panel.set_ylabel(unit)
        panel.grid(True, which="major", alpha=0.3)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)

    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4))
    for panel, phase, title in zip(panels, ("prefill", "decode"), ("reading 512 more tokens", "one token after the other")):
        for name, rows in series.items():
            points = sorted((p, rate) for kind, p, rate, _ in rows if kind == phase)
            if points:
                panel.plot(*zip(*points), marker="o", markersize=3, label=name, color=colors[name])
        axes(panel, title, "tokens/s")
    panels[0].legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "rate-by-position.png", dpi=110)

    figure, panel = plt.subplots(figsize=(4.8, 3.2))
    for name, rows in series.items():
        points = sorted({(p, size / 1e6) for _, p, _, size in rows if size})
        if points:
            panel.plot(*zip(*points), marker="o", markersize=3, label=name, color=colors[name])
    axes(panel, "what one sequence keeps", "MB")
    panel.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "state-by-position.png", dpi=110)
    print("docs/rate-by-position.png, docs/state-by-position.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--longest", type=int, default=1 << 20)
    arguments = parser.parse_args()
    if arguments.again or not KEPT.exists():
        KEPT.write_text(json.dumps(measure(arguments.longest)))
    draw(json.loads(KEPT.read_text()))


if __name__ == "__main__":
    main()

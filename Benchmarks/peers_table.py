"""The table of the engine: every figure that is promised, beside llama.cpp on the same checkpoint.

Called by `sh Benchmarks/peers.sh table [rounds]`. Interleaved rounds, medians; llama.cpp with the best of its
weight types and of flash attention on and off, cell by cell. TABLE_QUICK=1 leaves out what takes minutes a
round: positions beyond 8,192 and the mixture of experts.
"""

import json
import os
import statistics
import subprocess
import sys

from peers import BIN, LECTOR, ROOT, THREADS, checkpoint, load, run

QUICK = os.environ.get("TABLE_QUICK") == "1"


def lector(path, positions: str, tokens: int, decode: int) -> dict:
    """Rates by (phase, position), and the shares that bench prints."""
    text = run(LECTOR, "bench", "--model", path, "--positions", positions, "--tokens", tokens, "--decode-tokens", decode,
               "--runs", 3, "--threads", THREADS, "--json")
    return {(row["phase"], row["position"]): row for row in map(json.loads, text.splitlines())}


def llama(path, prompt: int, decode: int, depth: int, flash: int) -> dict:
    rows = json.loads(run(BIN / "llama-bench", "-m", path, "-p", prompt, "-n", decode, "-d", depth, "-t", THREADS, "-fa", flash,
                          "-r", 1, "-o", "json"))
    return {"prefill" if row["n_prompt"] else "decode": row["avg_ts"] for row in rows}


class Cells:
    """Figures of interleaved rounds: ours, and the peer's by setting."""

    def __init__(self):
        self.ours, self.peer = {}, {}

    def ours_got(self, cell, value):
        self.ours.setdefault(cell, []).append(value)

    def peer_got(self, cell, setting, value):
        self.peer.setdefault(cell, {}).setdefault(setting, []).append(value)

    def median(self, cell):
        return statistics.median(self.ours[cell]) if cell in self.ours else None

    def best(self, cell):
        settings = {name: statistics.median(values) for name, values in self.peer.get(cell, {}).items()}
        return max(settings.items(), key=lambda item: item[1]) if settings else (None, None)


def measure(cells: Cells, ours: dict, kinds: list[str], tokens: list[int], moe: str = ""):
    for count in tokens:
        rows = lector(ours["lector q4"], "0", count, 64 if count == tokens[0] else 0)
        cells.ours_got(f"{moe}prefill {count}", rows["prefill", 0]["tokensPerSecond"])
        if count == tokens[0]:
            cells.ours_got(f"{moe}decode", rows["decode", 0]["tokensPerSecond"])
            cells.ours_got(f"{moe}share of peak", rows["prefill", 0]["shareOfPeak"] or 0)
            cells.ours_got(f"{moe}share of pass", rows["decode", 0]["shareOfPass"] or 0)
        for kind in kinds:
            for flash in (0, 1):
                got = llama(ours[kind], count, 64 if count == tokens[0] else 0, 0, flash)
                for phase, rate in got.items():
                    cell = f"{moe}prefill {count}" if phase == "prefill" else f"{moe}decode"
                    cells.peer_got(cell, f"{kind.upper()}, flash attention {'on' if flash else 'off'}", rate)


def deep(cells: Cells, ours: dict):
    """Without a window, behind 8,192 and 32,768 tokens; once, since llama.cpp takes minutes to get there."""
    rows = lector(ours["lector q4"], "8192,32768", 512, 16)
    for depth in (8192, 32768):
        cells.ours_got(f"prefill 512 at {depth}", rows["prefill", depth]["tokensPerSecond"])
        cells.ours_got(f"decode at {depth}", rows["decode", depth]["tokensPerSecond"])
        for phase, rate in llama(ours["bf16"], 512, 16, depth, 1).items():
            cells.peer_got(f"{'prefill 512' if phase == 'prefill' else 'decode'} at {depth}", "BF16, flash attention on", rate)
    cells.ours_got("decode at 131072", lector(ours["lector q4"], "131072", 16, 16)["decode", 131072]["tokensPerSecond"])


def busy(path) -> tuple[float, float]:
    """Decode with nothing else, and beside two processes that never wait."""
    quiet = lector(path, "0", 16, 64)["decode", 0]["tokensPerSecond"]
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        return quiet, lector(path, "0", 16, 64)["decode", 0]["tokensPerSecond"]
    finally:
        for other in others:
            other.kill()
            other.wait()


def table(rounds: int):
    done = subprocess.run(["sh", str(ROOT / "Tests" / "check-levels.sh")], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"kernel tests fail, nothing was measured:\n{done.stdout[-2000:]}")
    plain = checkpoint()
    # llama.cpp knows no window for this architecture.
    windowed = checkpoint("random-window", ("--window", "1024"), ("q4",), ())
    moe = None if QUICK else checkpoint("random-moe", ("--moe",), ("q4",), ("bf16", "q8_0", "q4_k_m"))
    cells = Cells()
    loads = []
    for number in range(rounds):
        loads.append(os.getloadavg()[0])
        measure(cells, plain, ["bf16", "q8_0", "q4_0"], [512, 2048] if QUICK else [512, 2048, 8192])
        positions = [2048, 8192] if QUICK else [2048, 32768]
        for (phase, position), row in lector(windowed["lector q4"], ",".join(map(str, positions)), 2048, 64).items():
            cells.ours_got(f"window, {phase} at {position}", row["tokensPerSecond"])
        for count in (512, 2048, 8192):
            cells.ours_got(f"window, prefill {count}", lector(windowed["lector q4"], "0", count, 0)["prefill", 0]["tokensPerSecond"])
        if moe:
            measure(cells, moe, ["bf16", "q8_0", "q4_k_m"], [2048], "experts, ")
        print(f"round {number + 1} of {rounds}, {load()}", file=sys.stderr)
    if not QUICK:
        deep(cells, plain)
        for (phase, position), row in lector(windowed["lector q4"], "1048576", 2048, 64).items():
            cells.ours_got(f"window, {phase} at {position}", row["tokensPerSecond"])
    quiet, beside = busy(plain["lector q4"])

    print(f"median of {rounds} interleaved rounds, {THREADS} threads, load {min(loads):.1f} to {max(loads):.1f}; Lector in q4; "
          "llama.cpp in its best setting of each row\n")
    print("| | Lector | llama.cpp | setting | ratio | target |\n| --- | --- | --- | --- | --- | --- |")

    def row(cell: str, target: str, name: str | None = None):
        ours, (setting, peer) = cells.median(cell), cells.best(cell)
        if ours is not None:
            ratio = f"{ours / peer:.2f}" if peer else "-"
            print(f"| {name or cell} | {ours:.0f} | {f'{peer:.0f}' if peer else '-'} | {setting or '-'} | {ratio} | {target} |")

    row("prefill 512", "4 x")
    row("prefill 2048", "5 x")
    row("prefill 8192", "9 x")
    row("decode", "4 x", "decode at 0")
    row("experts, prefill 2048", "2.5 x")
    row("experts, decode", "2.5 x")
    for depth in (8192, 32768):
        row(f"prefill 512 at {depth}", "4 x")
        row(f"decode at {depth}", "4 x" if depth > 8192 else "")
    row("decode at 131072", "4 x the 4.7 of peers.md")
    for count in (512, 2048, 8192):
        row(f"window, prefill {count}", "")

    def share(name: str, value: float | None, target: str):
        if value is not None:
            print(f"| {name} | {value:.1%} | | | | {target} |")

    def kept(phase: str, position: int) -> float | None:
        here, there = cells.median(f"window, {phase} at {position}"), cells.median(f"window, {phase} at 2048")
        return here / there if here and there else None

    for position in (8192, 32768, 1048576):
        for phase in ("prefill", "decode"):
            share(f"window, {phase} at {position} against 2,048", kept(phase, position), "97 %")
    share("matrix products of prefill at 512 over the int8 peak", cells.median("share of peak"), "55 %")
    share("decode over a bare pass of the same weights", cells.median("share of pass"), "70 %")
    share("decode beside two busy processes against the quiet rate", beside / quiet, "40 %")

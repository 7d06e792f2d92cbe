"""What a kept state weighs, and what rounding it costs: `--state-dtype bf16` and zstd beside what is written.

    python3 Benchmarks/states/precision.py [--places 12] [--model FILE] [--novels FILE.jsonl.xz] [--work FOLDER]

At each of some places of a novel a text of about 4,000 tokens is read and its state kept, in f32 and in bf16. Then the text is read
on by 1, 64 and 1,024 tokens or so, from the kept state, and the next token's logits are compared with those of one
reading without a stop. Prints Markdown for Benchmarks/LOG.md. Needs `zstd` and the release build of lector.
"""

import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import sys

from book import LECTOR, NOVELS, ROOT, novels

BYTES_PER_TOKEN = 4.3
FURTHER = [1, 64, 1024]


def sections(path):
    """Name and bytes of each section; see Sources/Checkpoints/Documentation.docc/CheckpointFormat.md."""
    data = path.read_bytes()
    at = 64 + 32 + 8

    def integer(size):
        nonlocal at
        at += size
        return int.from_bytes(data[at - size:at], "little")

    def string():
        nonlocal at
        count = integer(4)
        at += count
        return data[at - count:at].decode()

    for _ in range(5):
        string()
    keys = integer(4)  # before `at` is read: integer() moves it
    at += 32 * keys
    out = {}
    for _ in range(integer(4)):
        name, _ = string(), string()
        offset, count = integer(8), integer(8)
        integer(4)
        integer(8)
        blocks = integer(4)
        at += 36 * blocks
        out[name] = data[offset:offset + count]
    return out


def shuffled(data, width):
    """The bytes of each number apart: all first ones, all second ones, ..."""
    return b"".join(data[i::width] for i in range(width))


def zstd(data):
    return len(subprocess.run(["zstd", "-3", "-c"], input=data, capture_output=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=12)
    parser.add_argument("--model")
    parser.add_argument("--novels", type=pathlib.Path, default=NOVELS)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "Benchmarks" / "work" / "precision")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    text = novels(options.novels, 2_000_000)
    states = options.work / "states"

    def read(content, dtype, folder):
        path = options.work / "text.txt"
        path.write_text(content)
        command = [LECTOR, "read", path, "--json", "--progress", "none", "--state-dtype", dtype, "--state-dir", folder]
        command += ["--model", options.model] if options.model else []
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        row = json.loads(done.stdout)
        return row, folder / "states" / f"{row['state']}.state"

    sizes = {"f32": [], "bf16": []}
    packed = {"f32": [0, 0, 0, 0], "bf16": [0, 0, 0, 0]}
    worst = {(dtype, more): [] for dtype in sizes for more in FURTHER}
    same = {(dtype, more): 0 for dtype in sizes for more in FURTHER}
    for place in range(options.places):
        start = text.index(" ", place * (len(text) - 40_000) // options.places)
        half = int(4000 * BYTES_PER_TOKEN)
        for dtype in sizes:
            _, path = read(text[start:start + half], dtype, states / dtype / str(place))
            parts = sections(path)
            layers = {name: data for name, data in parts.items() if name.startswith(("kda", "conv", "mla"))}
            sizes[dtype].append(sum(map(len, layers.values())))
            matrices = b"".join(data for name, data in layers.items() if name.startswith("kda"))
            rest = b"".join(data for name, data in layers.items() if not name.startswith("kda"))
            width = 4 if dtype == "f32" else 2
            for index, count in enumerate([len(matrices), zstd(matrices), zstd(shuffled(matrices, width)), zstd(rest)]):
                packed[dtype][index] += count
        for more in FURTHER:
            longer = text[start:start + half + int(more * BYTES_PER_TOKEN)]
            _, path = read(longer, "f32", states / f"cold-{more}" / str(place))
            exact = floats(sections(path)["logits"])
            spread = deviation(exact)
            for dtype in sizes:
                row, path = read(longer, dtype, states / dtype / str(place))
                assert row["cached_tokens"] > 0, row
                near = floats(sections(path)["logits"])
                worst[dtype, more].append(max(abs(a - b) for a, b in zip(exact, near)) / spread)
                same[dtype, more] += near.index(max(near)) == exact.index(max(exact))
        shutil.rmtree(states)
    print(f"{options.places} places; differences are the largest of all logits, in standard deviations of the logits: mean (largest).\n")
    print("| state | bytes | " + " | ".join(f"{more} tokens on" for more in FURTHER) + " | same next token |")
    print("| --- | --- |" + " --- |" * (len(FURTHER) + 1))
    for dtype in sizes:
        cells = [f"{sum(worst[dtype, more]) / options.places:.4f} ({max(worst[dtype, more]):.4f})" for more in FURTHER]
        right = sum(same[dtype, more] for more in FURTHER)
        print(f"| {dtype} | {sum(sizes[dtype]) // options.places} | " + " | ".join(cells)
              + f" | {right} of {options.places * len(FURTHER)} |")
    print("\n| zstd -3 | matrices | bytes shuffled apart | latents and tails |\n| --- | --- | --- | --- |")
    for dtype, (raw, plain, apart, rest) in packed.items():
        other = sum(sizes[dtype]) - raw
        print(f"| {dtype} | {raw / plain:.2f} | {raw / apart:.2f} | {other / rest:.2f} |")


def floats(data):
    return struct.unpack(f"<{len(data) // 4}f", data)


def deviation(values):
    mean = sum(values) / len(values)
    return (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5


main()

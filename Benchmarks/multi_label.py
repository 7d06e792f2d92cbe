#!/usr/bin/env python3
"""Zero, one or several labels a text: `lector classify --multi` on the intents of NLU++.

    python3 Benchmarks/multi_label.py DATA [options of lector classify, such as --model PATH]

DATA holds nlupp_hotels.jsonl.xz and nlupp_banking.jsonl.xz (`text` and `intents`, a list of names), anywhere below it. Of each
200 texts by a fixed draw: of the dev split where there is one. Both sets come with a train split alone, of which the bundled
model has seen the texts; `*` marks such a draw. `lector eval` scores the rows, with and without the calibration of labels:
micro F1 at 0.5 with its 95 % bootstrap interval, at the best threshold (chosen on the same texts), macro F1, whole lists right.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from label_sets import LECTOR, rows

TEXTS = 200


def texts(data: pathlib.Path, name: str):
    """(texts, their labels, all labels, whether they are of a dev split)."""
    everything = rows(data, name)
    names = lambda row: [intent.replace("_", " ") for intent in row["intents"]]
    labels = sorted({label for row in everything for label in names(row)})
    dev = [row for row in everything if row["split"] == "dev"]
    drawn = random.Random(11).sample(dev or everything, min(TEXTS, len(dev or everything)))
    return [row["text"] for row in drawn], [names(row) for row in drawn], labels, bool(dev)


def scores(texts, gold, labels, *options):
    """What `lector eval` says, and the seconds that `lector classify` took."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "in").mkdir()
        with open(folder / "gold.jsonl", "w") as lines:
            for index, (text, right) in enumerate(zip(texts, gold)):
                (folder / "in" / f"{index:05}.txt").write_text(text)
                lines.write(json.dumps({"item": f"{index:05}.txt", "labels": right}) + "\n")
        began = time.monotonic()
        status = subprocess.run([LECTOR, "classify", folder / "in", "--labels", ",".join(labels), "--multi", "-o", folder / "rows.jsonl",
                                 "--state-dir", folder / "state", "--quiet", *options]).returncode
        seconds = time.monotonic() - began
        if status not in (0, 1):
            sys.exit(f"lector classify ended with {status}")
        found = subprocess.run([LECTOR, "eval", folder / "rows.jsonl", "--gold", folder / "gold.jsonl", "--json"],
                               check=True, capture_output=True, text=True)
    found = json.loads(found.stdout)
    if found["items"] != len(texts):
        sys.exit(f"{len(texts)} texts went in, {found['items']} rows were compared")
    return found, seconds


def main(data, *options):
    print(f"{'set':16} {'labels':>6} {'texts':>5} {'a text':>6}  calibration  micro F1 at 0.5 (95 %)    best (at)      macro F1  lists  seconds")
    for name in ("nlupp_hotels", "nlupp_banking"):
        drawn, gold, labels, is_dev = texts(pathlib.Path(data), name)
        for calibration, more in (("on", ()), ("off", ("--no-calibration",))):
            found, seconds = scores(drawn, gold, labels, *more, *options)
            micro = {key: 100 * value for key, value in found["microF1"].items()}
            best = max(found["thresholds"], key=lambda point: point["f1"])
            print(f"{name + ('' if is_dev else '*'):16} {len(labels):6} {len(drawn):5} {sum(map(len, gold)) / len(gold):6.2f}  {calibration:11}  "
                  f"{micro['value']:5.1f} ({micro['low']:.1f} to {micro['high']:.1f}){'':8}  {100 * best['f1']:5.1f} ({best['threshold']:.2f})  "
                  f"{100 * found['macroF1']['value']:8.1f}  {100 * found['exactMatch']['value']:5.1f}  {seconds:7.1f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])

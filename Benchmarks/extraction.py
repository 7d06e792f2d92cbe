"""Extraction scores of the bundled model: `lector extract`, then `lector eval`, on texts with known fields.

    python Benchmarks/extraction.py DATA [LIMIT] [options of lector extract, such as --model PATH]

DATA holds sroie_receipts, snips, restaurant8k, nlupp_hotels and kleister_nda as .jsonl.xz (`text` and `fields`). None has a
dev split: a tenth of SROIE, SNIPS and Kleister-NDA is kept out of training by hash (`held_out` of Training/mixture.py) and measured
here, LIMIT items at most (SNIPS: LIMIT over its seven intents, each with its own fields). The other two were trained on and say only what was learned.
Strings must be copied from the text.
"""
import json
import lzma
import pathlib
import subprocess
import sys
import tempfile
import zlib

LECTOR = pathlib.Path(__file__).resolve().parent.parent / ".build/release/lector"


def held_out(row):
    return zlib.crc32(row["text"].encode()) % 10 == 0


def sets(folder, limit):
    """(name, rows, fields)"""
    def read(name):
        with lzma.open(next(pathlib.Path(folder).rglob(f"{name}.jsonl.xz")), "rt") as f:
            return [json.loads(line) for line in f]

    every = lambda rows: sorted({k for r in rows for k in r["fields"]})
    rows = read("sroie_receipts")
    yield "SROIE, held out", [r for r in rows if held_out(r)][:limit], every(rows)
    rows = read("snips")
    intents = sorted({r["intent"] for r in rows})
    yield "SNIPS, held out", [(r, every([x for x in rows if x["intent"] == i]))
                              for i in intents for r in [x for x in rows if x["intent"] == i and held_out(x)][:max(1, limit // len(intents))]], None
    rows = [r | {"fields": {k: v for k, v in r["fields"].items() if k in ("party", "jurisdiction")}} for r in read("kleister_nda")]
    yield "Kleister-NDA, held out", [r for r in rows if held_out(r)][:limit], every(rows)
    for name in ("restaurant8k", "nlupp_hotels"):
        rows = read(name)
        yield f"{name} (trained on)", [r for r in rows if r["fields"]][-limit:], every(rows)


def run(name, jobs, options):
    """Each job is rows and their fields; gold and answers of all jobs are scored together."""
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        gold, found = open(tmp / "gold.jsonl", "w"), open(tmp / "rows.jsonl", "w")
        for j, (rows, names) in enumerate(jobs):
            lists = {k for r in rows for k, v in r["fields"].items() if isinstance(v, list)}
            kind = lambda k: {"type": "array", "items": {"type": "string"}, "maxItems": 4} if k in lists else {"type": "string"}
            (tmp / f"{j}").mkdir()
            (tmp / "schema.json").write_text(json.dumps({"type": "object", "properties": {k: kind(k) for k in names}}))
            for i, r in enumerate(rows):
                (tmp / f"{j}" / f"{j}-{i:04}.txt").write_text(r["text"])
                gold.write(json.dumps({"item": f"{j}-{i:04}.txt", "data": {k: r["fields"].get(k) for k in names}}) + "\n")
            out = tmp / f"rows{j}.jsonl"
            subprocess.run([LECTOR, "extract", tmp / f"{j}", "--schema", tmp / "schema.json", "-o", out, "--state-dir", tmp / "state", "--quiet", *options], check=False)
            found.write(out.read_text())
        gold.close(), found.close()
        print(f"\n{name}: {sum(len(rows) for rows, _ in jobs)} texts", flush=True)
        subprocess.run([LECTOR, "eval", tmp / "rows.jsonl", "--gold", tmp / "gold.jsonl"], check=True)


def main(folder, limit="70", *options):
    for name, rows, names in sets(folder, int(limit)):
        if names is None:  # rows that carry their own fields
            groups = {}
            for row, own in rows:
                groups.setdefault(tuple(own), []).append(row)
            run(name, [(v, k) for k, v in groups.items()], options)
        else:
            run(name, [(rows, names)], options)


if __name__ == "__main__":
    main(*sys.argv[1:])

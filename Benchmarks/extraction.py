"""Extraction scores of the bundled model: `lector extract`, then `lector eval`, on sets of texts with known fields.

    python Benchmarks/extraction.py DATA [LIMIT]

DATA holds sroie_receipts, restaurant8k and nlupp_hotels as .jsonl.xz (`text` and `fields`). These sets have train splits
only, so a model that was trained on them is not measured by this; the last LIMIT items of each are taken. Strings must be copied.
"""
import json
import lzma
import pathlib
import subprocess
import sys
import tempfile

LECTOR = pathlib.Path(__file__).resolve().parent.parent / ".build/release/lector"


def main(folder, limit=60):
    for name in ("sroie_receipts", "restaurant8k", "nlupp_hotels"):
        with lzma.open(f"{folder}/{name}.jsonl.xz", "rt") as f:
            rows = [r for r in map(json.loads, f) if r.get("fields")][-limit:]
        lists = {k for r in rows for k, v in r["fields"].items() if isinstance(v, list)}
        names = sorted({k for r in rows for k in r["fields"]})
        kind = lambda k: {"type": "array", "items": {"type": "string"}, "maxItems": 4} if k in lists else {"type": "string"}
        with tempfile.TemporaryDirectory() as tmp:
            tmp = pathlib.Path(tmp)
            (tmp / "in").mkdir()
            (tmp / "schema.json").write_text(json.dumps({"type": "object", "properties": {k: kind(k) for k in names}}))
            with open(tmp / "gold.jsonl", "w") as gold:
                for i, r in enumerate(rows):
                    (tmp / "in" / f"{i:04}.txt").write_text(r["text"])
                    gold.write(json.dumps({"item": f"{i:04}.txt", "data": {k: r["fields"].get(k) for k in names}}) + "\n")
            subprocess.run([LECTOR, "extract", tmp / "in", "--schema", tmp / "schema.json", "-o", tmp / "rows.jsonl", "--state-dir", tmp / "state"], check=False)
            print(name, ", ".join(names), flush=True)
            subprocess.run([LECTOR, "eval", tmp / "rows.jsonl", "--gold", tmp / "gold.jsonl"], check=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))

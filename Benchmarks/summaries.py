"""Extractive summaries beside the lead of the document and TextRank, at equal length, in ROUGE.

    python Benchmarks/summaries.py DATA [LIMIT]

DATA holds qmsum, squality and scitldr as .jsonl.xz; of the dev split everything, or LIMIT items evenly. The
budget of words is the mean length of the references of a set. `lector` is taken from .build/release.
ROUGE is `lector eval`'s, the same for all.
"""
import json
import lzma
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

LECTOR = os.environ.get("LECTOR") or pathlib.Path(__file__).resolve().parent.parent / ".build/release/lector"


def sentences(text):
    parts = re.split(r"(?<=[.!?])\s+(?=[^a-z])|\n\s*\n|\n(?=[^\n:]{1,30}:)", text)
    return [p.strip() for p in parts if len(p.split()) >= 2]


def take(order, parts, budget):
    chosen, left = [], budget
    length = [len(re.findall(r"\w+", p)) for p in parts]
    for i in [i for i in order if length[i] <= budget] or order:
        n = length[i]
        if n <= left or not chosen:
            chosen.append(i)
            left -= n
    return " ".join(parts[i] for i in sorted(chosen))


def lead(text, budget):
    return " ".join(text.split()[:budget])


def textrank(text, budget):
    parts = sentences(text)[:1500]
    sets = [set(re.findall(r"[a-z0-9]+", p.lower())) for p in parts]
    ids = {w: i for i, w in enumerate(sorted(set().union(*sets)))} if sets else {}
    there = np.zeros((len(parts), len(ids)), np.float32)
    for i, s in enumerate(sets):
        there[i, [ids[w] for w in s]] = 1
    count = there.sum(1)
    logs = np.log(np.maximum(count, 1))
    links = there @ there.T / np.maximum(logs[:, None] + logs[None, :], 1e-9)
    links[count < 2] = 0
    links[:, count < 2] = 0
    np.fill_diagonal(links, 0)
    total = links.sum(1)
    total[total == 0] = 1
    rank = np.ones(len(parts))
    for _ in range(20):
        rank = 0.15 + 0.85 * (links @ (rank / total))
    return take(sorted(range(len(parts)), key=lambda i: -rank[i]), parts, budget)


def summarize(texts, folder, *flags):
    """One run over texts; their summaries, in order."""
    (folder / "in").mkdir(exist_ok=True)
    for path in (folder / "in").iterdir():
        path.unlink()
    for i, text in enumerate(texts):
        (folder / "in" / f"{i:05}.txt").write_text(text)
    run = [LECTOR, "summarize", folder / "in", "-o", folder / "out.jsonl", "-q", "--state-dir", folder / "state", *flags]
    subprocess.run(run, check=False)
    return [json.loads(line)["summary"] or "" for line in open(folder / "out.jsonl")]


def main(folder, limit=100_000):
    for name in ("qmsum", "squality", "scitldr"):
        with lzma.open(f"{folder}/{name}.jsonl.xz", "rt") as f:
            documents = [r for r in map(json.loads, f) if r["split"] == "dev"]
        rows = []
        for i, r in enumerate(documents):
            for q in r.get("queries") or [{"query": None, "summaries": r.get("all_summaries") or [r["summary"]]}]:
                rows.append({"of": i, "query": q["query"], "gold": q.get("summaries") or [q["summary"]]})
        rows = rows[:: max(1, len(rows) // limit)][:limit]
        gold = [r["gold"] for r in rows]
        budget = round(sum(len(t.split()) for g in gold for t in g) / sum(map(len, gold)))
        texts = [d["document"] for d in documents]
        with tempfile.TemporaryDirectory() as tmp:
            tmp = pathlib.Path(tmp)
            (tmp / "gold.jsonl").write_text("".join(json.dumps({"summary": g}) + "\n" for g in gold))
            words = ["--words", str(budget)]
            systems = {"lead": [lead(t, budget) for t in texts], "textrank": [textrank(t, budget) for t in texts], "lector": summarize(texts, tmp, *words)}
            outputs = {system: [list_[r["of"]] for r in rows] for system, list_ in systems.items()}
            if rows[0]["query"]:
                outputs["lector --focus"] = [summarize([texts[r["of"]]], tmp, *words, "--focus", r["query"])[0] for r in rows]
            print(f"{name}: {len(rows)} references, {budget} words")
            for system, texts in outputs.items():
                (tmp / "rows.jsonl").write_text("".join(json.dumps({"item": str(i), "summary": t}) + "\n" for i, t in enumerate(texts)))
                out = subprocess.run([LECTOR, "eval", tmp / "rows.jsonl", "--gold", tmp / "gold.jsonl", "--json"], capture_output=True, text=True, check=True)
                s = json.loads(out.stdout)
                print(f"  {system:15s} " + "  ".join(f"{k} {100 * s[k]['value']:.1f} ({100 * s[k]['low']:.1f}-{100 * s[k]['high']:.1f})" for k in ("rouge-1", "rouge-2", "rouge-l")))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))

"""Extractive summaries beside the lead of the document and TextRank, at equal length, in ROUGE.

    python Benchmarks/summaries.py DATA [LIMIT]

DATA holds qmsum, squality and scitldr as .jsonl.xz; LIMIT items of the dev split are taken evenly. The
budget of words is the mean length of the references of a set. `lector` is taken from .build/release.
ROUGE is `lector eval`'s, the same for all.
"""
import json
import lzma
import math
import pathlib
import re
import subprocess
import sys
import tempfile

LECTOR = pathlib.Path(__file__).resolve().parent.parent / ".build/release/lector"


def sentences(text):
    parts = re.split(r"(?<=[.!?])\s+(?=[^a-z])|\n\s*\n|\n(?=[^\n:]{1,30}:)", text)
    return [p.strip() for p in parts if len(p.split()) >= 2]


def take(order, parts, budget):
    chosen, left = [], budget
    for i in order:
        n = len(re.findall(r"\w+", parts[i]))
        if n <= left or not chosen:
            chosen.append(i)
            left -= n
    return " ".join(parts[i] for i in sorted(chosen))


def lead(text, budget):
    return " ".join(text.split()[:budget])


def textrank(text, budget):
    parts = sentences(text)[:1500]
    words = [set(re.findall(r"[a-z0-9]+", p.lower())) for p in parts]
    n = len(parts)
    links = [[] for _ in range(n)]
    for i in range(n):
        for j in range(i):
            common = len(words[i] & words[j])
            if common and len(words[i]) > 1 and len(words[j]) > 1:
                w = common / (math.log(len(words[i])) + math.log(len(words[j])))
                links[i].append((j, w))
                links[j].append((i, w))
    total = [sum(w for _, w in l) or 1 for l in links]
    rank = [1.0] * n
    for _ in range(20):
        rank = [0.15 + 0.85 * sum(w / total[j] * rank[j] for j, w in links[i]) for i in range(n)]
    return take(sorted(range(n), key=lambda i: -rank[i]), parts, budget)


def main(folder, limit=80):
    for name in ("qmsum", "squality", "scitldr"):
        with lzma.open(f"{folder}/{name}.jsonl.xz", "rt") as f:
            documents = [r for r in map(json.loads, f) if r["split"] == "dev"]
        rows = []
        for r in documents:
            for q in r.get("queries") or [{"query": None, "summaries": r.get("all_summaries") or [r["summary"]]}]:
                rows.append({"document": r["document"], "query": q["query"], "gold": q.get("summaries") or [q["summary"]]})
        rows = rows[:: max(1, len(rows) // limit)][:limit]
        gold = [r["gold"] for r in rows]
        budget = round(sum(len(t.split()) for g in gold for t in g) / sum(map(len, gold)))
        focus = [r["query"] for r in rows]
        with tempfile.TemporaryDirectory() as tmp:
            tmp = pathlib.Path(tmp)
            (tmp / "gold.jsonl").write_text("".join(json.dumps({"summary": g}) + "\n" for g in gold))
            outputs = {"lead": [lead(r["document"], budget) for r in rows], "textrank": [textrank(r["document"], budget) for r in rows]}
            ours, focused = [], []
            for i, r in enumerate(rows):
                path = tmp / "document.txt"
                path.write_text(r["document"])
                for list_, extra in ((ours, []), (focused, ["--focus", focus[i]] if focus[i] else [])):
                    if list_ is focused and not focus[i]:
                        continue
                    out = subprocess.run([LECTOR, "summarize", path, "--words", str(budget), "-q", "--state-dir", tmp, *extra], capture_output=True, text=True, check=False)
                    list_.append(json.loads(out.stdout)["summary"] or "")
            outputs["lector"] = ours
            if focused:
                outputs["lector --focus"] = focused
            print(f"{name}: {len(rows)} documents, {budget} words")
            for system, texts in outputs.items():
                (tmp / "rows.jsonl").write_text("".join(json.dumps({"item": str(i), "summary": t}) + "\n" for i, t in enumerate(texts)))
                out = subprocess.run([LECTOR, "eval", tmp / "rows.jsonl", "--gold", tmp / "gold.jsonl", "--json"], capture_output=True, text=True, check=True)
                s = json.loads(out.stdout)
                print(f"  {system:15s} " + "  ".join(f"{k} {100 * s[k]['value']:.1f} ({100 * s[k]['low']:.1f}-{100 * s[k]['high']:.1f})" for k in ("rouge-1", "rouge-2", "rouge-l")))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))

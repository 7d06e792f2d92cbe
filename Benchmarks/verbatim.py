"""Every string that is copied from a text is the bytes of its span: over the extraction sets, and in other scripts.

    python Benchmarks/verbatim.py DATA [LIMIT] [EACH]

DATA holds the extraction sets as .jsonl.xz (`text`, and `fields` or `entities`); of each set LIMIT texts evenly (40; 0 for all), cut at
6,000 bytes, in EACH files of the given number of bytes joined to one (0: a file a text). What a set's texts are asked for is what its
gold has. Every span of a row is cut out of the file and compared with its `text`, and the value with its first span.
Sets that are not there are counted. Exit 1 if anything differs.
"""
import collections
import json
import lzma
import os
import pathlib
import random
import subprocess
import sys
import tempfile

LECTOR = os.environ.get("LECTOR") or pathlib.Path(__file__).resolve().parent.parent / ".build/release/lector"
SETS = """kleister_nda nlupp_banking nlupp_hotels re3d restaurant8k sec_filings_ner sgd_dialogue_state snips
sroie_receipts wikiann_en wikigold wnut17""".split()
SCRIPTS = {
    "Chinese": ["张伟", "李娜", "北京", "有限公司", "合同", "签署", "三月一日", "，", "。", "在", "与", "于"],
    "Japanese": ["田中太郎", "東京都", "株式会社山田製作所", "カタカナ", "ひらがな", "契約", "。", "、", "は", "で", "と"],
    "Arabic": ["أحمد علي", "القاهرة", "شركة النور", "عقدًا", "٣ مارس", "٢٠٢٤", "،", ".", "في", "مع"],
    "Hindi": ["राम शर्मा", "दिल्ली", "अनुबंध", "३ मार्च", "हस्ताक्षर", "।", "में", "को", "किए"],
    "emoji": ["👩‍👩‍👧‍👦", "🇩🇪", "🍎", "👍🏽", "Zoë", "O'Brien", "—", "“quoted”", "e\u0301cole", "\\", "\"", "\t", "☕️"],
}


def scripts(count):
    rng = random.Random(5)
    for name, words in SCRIPTS.items():
        glue = "" if name in ("Chinese", "Japanese") else " "
        texts = [glue.join(rng.choice(words) for _ in range(rng.randrange(1, 120))) + rng.choice(["", "\n", "\r\n"]) for _ in range(count)]
        yield name, texts, ["person", "place", "date", "thing"]


def names(row):
    return list(row.get("fields") or {}) or sorted({e["type"] for e in row.get("entities", [])})


def sets(folder, limit):
    for name in SETS:
        path = next(pathlib.Path(folder).rglob(f"{name}.jsonl.xz"), None)
        if path is None:
            yield name, None, None
            continue
        with lzma.open(path, "rt") as f:
            rows = [json.loads(line) for line in f]
        rows = [r for r in rows if r.get("split") == "dev"] or rows
        asked = collections.Counter(n for r in rows for n in names(r))
        step = max(1, len(rows) // limit) if limit else 1
        texts = [r["text"].encode()[:6000].decode(errors="ignore") for r in rows[::step][: limit or None]]
        yield name, texts, [n for n, _ in asked.most_common(8)]


def check(texts, fields, join, is_forced):
    """(strings, spans, wrong); is_forced: null is no answer, for scripts of which the bundled model knows little."""
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        (tmp / "in").mkdir()
        if join:
            texts = ["\n\n".join(texts)[:join]]
        for i, text in enumerate(texts):
            (tmp / "in" / f"{i:05}.txt").write_bytes(text.encode())
        string = {"type": "string"}
        members = {n: {"type": "array", "items": string, "maxItems": 4} if i % 3 == 2 else string for i, n in enumerate(fields)}
        required = list(members) if is_forced else []
        (tmp / "schema.json").write_text(json.dumps({"type": "object", "properties": members, "required": required}))
        command = [LECTOR, "extract", "in", "--schema", "schema.json", "-o", "rows.jsonl", "-q", "--state-dir", "state"]
        subprocess.run(command, cwd=tmp, check=False)
        rows = [json.loads(line) for line in open(tmp / "rows.jsonl")]
        strings = spans = 0
        wrong = [] if len(rows) == len(texts) else [f"{len(rows)} rows of {len(texts)} texts"]
        for row in rows:
            data = (tmp / row["item"]).read_bytes()
            for field in row["fields"]:
                if not isinstance(field["value"], str):
                    continue
                strings += 1
                if not field["grounded"] or not field.get("spans") or field["spans"][0]["text"] != field["value"]:
                    wrong.append(f"{row['item']} {field['field']}: {field}")
                for span in field.get("spans", []):
                    spans += 1
                    if data[span["start"]:span["end"]] != span["text"].encode():
                        wrong.append(f"{row['item']} {field['field']}: {span}")
        return strings, spans, wrong


def main(folder, limit="40", join="0"):
    strings = spans = absent = 0
    failures = []
    for name, texts, fields in [*scripts(min(int(limit) or 40, 40)), *sets(folder, int(limit))]:
        if texts is None:
            absent += 1
            print(f"{name:20} not there")
            continue
        s, p, wrong = check(texts, fields, int(join), name in SCRIPTS)
        strings, spans, failures = strings + s, spans + p, failures + wrong
        print(f"{name:20} {len(texts):6} texts {s:7} strings {p:7} spans {len(wrong)} wrong", flush=True)
    print(f"{strings} strings, {spans} spans, {len(failures)} wrong, {absent} sets not there")
    print("\n".join(failures[:20]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

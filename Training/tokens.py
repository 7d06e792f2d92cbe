"""General text for distillation as one stream of token ids:  python tokens.py DATA TOKENIZER OUT_FOLDER

Writes stream.npy and held.npy (uint16). Documents are cut at 8,192 tokens, shuffled, and divided by <|endoftext|>.
Left out: all of nltk (half of it is non-commercial), the phishing archive, every dev split. Four fifths of the novels.
"""
import glob
import json
import lzma
import os
import random
import sys

import numpy as np

from mixture import CORPORA
from prompts import load_tokenizer


SHARES = [("tech", 1), ("debdocs", 1), ("web", 1), ("wiki", 1), ("openstax", 1), ("pubmed", 1), ("contracts", 0.8), ("dialogue", 1), ("nonfiction", 1), ("novels", 0.8)]


def texts(folder, small):
    r = random.Random(7)
    rows = lambda n: (json.loads(l) for l in lzma.open(f"{folder}/{n}.jsonl.xz", "rt")) if os.path.exists(f"{folder}/{n}.jsonl.xz") else ()
    chat = lambda p, c: ("chat", p, c.replace("<|endoftext|>", "").strip())
    for n, share in SHARES:
        for i, x in enumerate(rows(n)):
            if small and i >= small:
                break
            t = x["text"]
            for a in range(0, len(t), 30000):
                if r.random() < share:
                    yield n, i % 60 == 7, t[a: a + 30000]
    for i, x in enumerate(rows("mail")):
        if small and i >= small:
            break
        if x["split"] == "train" and (x["source"] == "20news" or x["source"] in CORPORA):
            yield "mail", False, x["text"][:16000]
    for n, keep in [("t0", 24000), ("flan_cot", 16000), ("superni", 12000), ("cl_benchmark", 12000), ("gsm8k", 2000), ("self_instruct_seed", 200), ("self_instruct_user_oriented", 300), ("bbh", 2000)]:
        x = list(rows(n))
        r.shuffle(x)
        for q in x[: small or keep]:
            yield n, False, chat(q["prompt"][:8000], q["completion"])
    for n in ("xsum_summarization", "scitldr", "reddit_tifu_long_text_summarization", "reuters21578"):
        for i, x in enumerate(rows(n)):
            if small and i >= small:
                break
            if x.get("split", "train") == "train":
                yield n, False, x.get("document") or x["text"]


def main(folder, tokenizer, out, small=0):
    tok = load_tokenizer(tokenizer)
    pieces, held, counts, batch = [], [], {}, []

    def flush():
        plain = [b[2] if isinstance(b[2], str) else "user\n" + b[2][1] for b in batch]
        ends = ["assistant\n" + b[2][2] if not isinstance(b[2], str) else "" for b in batch]
        first = tok.encode_batch(plain, add_special_tokens=False)
        last = tok.encode_batch(ends, add_special_tokens=False)
        for b, e, f in zip(batch, first, last):
            ids = e.ids if isinstance(b[2], str) else [1] + e.ids + [2, 198, 1] + f.ids + [2]
            counts[b[0]] = counts.get(b[0], 0) + len(ids)
            for a in range(0, len(ids), 8192):
                (held if b[1] else pieces).append(np.asarray(ids[a: a + 8192] + [0], dtype=np.uint16))
        batch.clear()

    for b in texts(folder, int(small)):
        batch.append(b)
        if len(batch) >= 4096:
            flush()
    flush()
    random.Random(3).shuffle(pieces)
    random.Random(3).shuffle(held)
    for name, p in (("held", held), ("stream", pieces)):
        a = np.concatenate(p)
        np.save(f"{out}/{name}.tmp.npy", a)
        os.replace(f"{out}/{name}.tmp.npy", f"{out}/{name}.npy")
        print(name, len(a), flush=True)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:5])

"""Prompts of the dev splits for train.py's scores:  python evalset.py DATA TOKENIZER OUT/eval.npz"""
import json
import lzma
import random
import re
import sys

import numpy as np

from mixture import GROUPS, INJECTIONS
from prompts import answer, ids, load_tokenizer, segments


TREC = {"entity": "thing", "human": "person", "description": "description or reason", "numeric": "number", "location": "place", "abbreviation": "abbreviation"}


def main(folder, tokenizer, out):
    tok, r = load_tokenizer(tokenizer), random.Random(11)
    rows = lambda n: [json.loads(l) for l in lzma.open(f"{folder}/{n}.jsonl.xz", "rt")]
    sets = {}

    def add(name, text, true, labels, limit=1900, **kw):
        a, b = segments(tok, [(l, None) for l in labels], **kw)
        body = ids(tok, text[: limit * 8])[:limit]
        sets.setdefault(name, []).append((a + body + b, [answer(tok, l) for l in labels], labels.index(true)))

    mails = [m for m in rows("mail") if m["split"] == "dev"]
    r.shuffle(mails)
    n = {}
    for m in mails:
        s = m["source"]
        if s == "20news":
            if len(sets.get("20news", [])) < 500:
                add("20news", m["text"], m["label"], list(GROUPS), limit=1200)
            continue
        add(s, m["text"], m["label"], ["spam", "ham"])
        n[s] = n.get(s, 0) + 1
        if n[s] <= 100:
            other = "ham" if m["label"] == "spam" else "spam"
            t = m["text"]
            a = t.index("\n\n") + 2 if "\n\n" in t else 0
            x = r.choice(INJECTIONS).format(x=other)
            where = r.randrange(3)
            t = t[:a] + x + "\n\n" + t[a:] if where == 0 else t[:5000] + "\n" + x if where == 1 else (t[: len(t) // 2][:3000] + "\n" + x + "\n" + t[len(t) // 2:])
            add("mail with injected labels", t, m["label"], ["spam", "ham"])
            add("mail, document first", m["text"], m["label"], ["ham", "spam"], order="document")
            add("mail, other names", m["text"], "junk" if m["label"] == "spam" else "legitimate", ["legitimate", "junk"], instruction="Sort this e-mail.")
    d = rows("trec6")
    for x in r.sample(d, min(300, len(d))):
        add("trec question kinds (never trained on)", x["text"], TREC[x["label"]], list(TREC.values()))
    single = [x for x in rows("dialogue") if x["text"].startswith("Services: ") and "," not in x["text"].split("\n")[0]]
    services = sorted({x["text"].split("\n")[0][10:] for x in single})
    for x in r.sample(single, 300):
        head, _, turns = x["text"].partition("\n\n")
        add("dialogue services (never trained on)", turns.split("\nAssistant:")[0], head[10:], services)
    sn = [x for x in rows("snips")]
    names = sorted({x["intent"] for x in sn})
    f = lambda s: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", s).lower()
    for x in r.sample(sn, 300):
        add("snips intents (label set never trained on)", x["text"], f(x["intent"]), [f(z) for z in names])
    for name, src, k in (("sst2 dev", "sst2", 300), ("sms dev", "sms_spam", 300), ("clinc150 dev, 10 labels", "clinc150", 300)):
        d = [x for x in rows(src) if x["split"] == "dev" and x["label"] != "oos"]
        ls = sorted({x["label"] for x in d})
        for x in r.sample(d, k):
            l = ls if len(ls) < 10 else r.sample([z for z in ls if z != x["label"]], 9) + [x["label"]]
            if len(ls) >= 10:
                r.shuffle(l)
            add(name, x["text"], x["label"], l)
    o = {}
    for k, v in sets.items():
        a = np.empty(len(v), dtype=object)
        for i, e in enumerate(v):
            a[i] = e
        o[k] = a
        print(k, len(v))
    np.savez(out, **o)


if __name__ == "__main__":
    main(*sys.argv[1:4])

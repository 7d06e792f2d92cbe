#!/usr/bin/env python3
"""What `lector refine` makes of label sets that the bundled model was never trained on, and of mail from a corpus that was left out of training.

    python Benchmarks/refine.py DATA [--limit N] [options of lector classify]     (label_sets.py's DATA and sets)
    python Benchmarks/refine.py DATA --left-out SCORES.npz                        (of Training/leave_one_out.py: loo-scores.npz)

Prints the share of right labels before and after. The second takes as rows what the left-out models said on the GPU; the model
that reads the words is the bundled one, which gives no label there.
"""
import json
import math
import pathlib
import random
import sys
import tempfile

import label_sets

CORPORA = ["spamassassin", "csdmc2010", "enron1", "lingspam"]


def refine(texts, labels, rows=None, options=()):
    """[(label before, label after)]; the rows are those of `lector classify`, or distributions given."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        paths = label_sets.write_texts(folder / "in", texts, "txt" if rows is None else "eml")
        before, after = folder / "rows.jsonl", folder / "out.jsonl"
        if rows is None:
            label_sets.lector("classify", folder / "in", "--labels", ",".join(labels), "-o", before, "--state-dir", folder / "state", *options)
        else:
            with open(before, "w") as file:
                for path, row in zip(paths, rows):
                    file.write(json.dumps(dict(item=str(path), status="ok", label=max(row, key=row.get), distribution=row, tokens=0, read=1)) + "\n")
        label_sets.lector("refine", folder / "in", "--rows", before, "-o", after)
        return list(zip(*([json.loads(line)["label"] for line in open(path)] for path in (before, after))))


def share(pairs, gold):
    return "".join(f"{100 * sum(pair[side] == g for pair, g in zip(pairs, gold)) / len(pairs):9.1f}" for side in (0, 1))


def left_out(data, scores):
    """Every mail of a corpus is refined together; scored are its development mails, and all."""
    import numpy
    found = numpy.load(scores, allow_pickle=True)
    draw, sets = random.Random(5), {}  # the mails and the order of leave_one_out.py's prompts()
    mails = [m for m in label_sets.rows(data, "mail") if m["source"] in CORPORA]
    draw.shuffle(mails)
    for m in mails:
        sets.setdefault(f"{m['source']} {m['split']}", []).append(m)
    print(f"{'left out':30} {'mails':>6}  dev before, after    all before, after")
    for name in [key[:-4] for key in found.files if key.endswith(" dev")]:
        branch, corpus = name.split(" ")
        texts, gold, rows = [], [], []
        for split in ("dev", "train"):
            table = found[f"{name} {split}"]
            for mail, (spam, ham) in zip(sets[f"{corpus} {split}"], table):
                # As a mail again, so that it has its sender. What it says of attachments is no header field.
                head, _, body = mail["text"].partition("\n\n")
                fields = [line for line in head.split("\n") if line.startswith(("From: ", "To: ", "Cc: ", "Subject: "))]
                rest = [line for line in head.split("\n") if line not in fields]
                fields += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
                texts.append("\n".join([*fields, "", *rest, body]))
                gold.append(mail["label"])
                p = 1 / (1 + math.exp(min(60, ham - spam)))
                rows.append({"spam": p, "ham": 1 - p})
            answers = [("spam", "ham")[i] for i in found[f"{name} {split} answers"]]
            if answers != gold[-len(table):]:
                sys.exit(f"{name} {split}: the mails are not those of the scores")
        pairs = refine(texts, ["spam", "ham"], rows)
        dev = len(found[f"{name} dev"])
        print(f"{branch:30} {len(texts):6} {share(pairs[:dev], gold)}    {share(pairs, gold)}", flush=True)


def main(data, *options):
    options, data = list(options), pathlib.Path(data)
    if options[:1] == ["--left-out"]:
        return left_out(data, options[1])
    limit = 600
    if "--limit" in options:
        at = options.index("--limit")
        limit = int(options[at + 1])
        del options[at:at + 2]
    print(f"{'label set':34} {'labels':>6} {'texts':>6}   before    after")
    for name, texts, gold, labels in label_sets.label_sets(data, limit):
        pairs = refine(texts, labels, options=options)
        print(f"{name:34} {len(labels):6} {len(texts):6} {share(pairs, gold)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])

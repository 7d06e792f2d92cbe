#!/usr/bin/env python3
"""Accuracy on the development mails of SpamAssassin, CSDMC2010, Enron1 and Ling-Spam, labels spam and ham.

    python3 Benchmarks/mail_accuracy.py [options of lector classify, such as --model PATH]

Prints `lector eval` over all of them, confusion matrix included, then a line for each corpus. The mailboxes, rows
and report stay in Benchmarks/work/accuracy.
"""

import subprocess
import sys
import time

import devmail


def main() -> int:
    folder = devmail.WORK / "accuracy"
    folder.mkdir(parents=True, exist_ok=True)
    mails = devmail.messages()
    gold, boxes = [], []
    for corpus in devmail.CORPORA:
        own = [(label, raw) for name, label, raw in mails if name == corpus]
        box = folder / f"{corpus}.mbox"
        devmail.write_mailbox(box, [raw for _, raw in own])
        boxes.append(box)
        gold += [(f"{corpus}.mbox#{n}", label) for n, (label, _) in enumerate(own, 1)]
    devmail.write_gold(folder / "gold.jsonl", gold)

    rows = folder / "rows.jsonl"
    began = time.monotonic()
    devmail.classify(boxes, rows, *sys.argv[1:])
    seconds = time.monotonic() - began
    subprocess.run([str(devmail.binary()), "eval", str(rows), "--gold", str(folder / "gold.jsonl"),
                    "-o", str(folder / "report.html")], check=True)

    labels = dict(gold)
    found = {row["item"].rsplit("/", 1)[-1]: row.get("label") for row in devmail.read_rows(rows)}
    if set(found) != set(labels):
        sys.exit(f"{len(labels)} mails went in and {len(found)} rows came out, "
                 f"{len(set(labels) - set(found))} mails have none")
    print(f"\n{len(gold)} mails in {seconds:.0f} s, {len(gold) / seconds:.1f} mails/s with loading the model")
    for corpus in [*devmail.CORPORA, ""]:
        own = [item for item in labels if item.startswith(corpus)]
        right = sum(found[item] == labels[item] for item in own)
        missed = sum(labels[item] == "spam" != found[item] for item in own)
        print(f"{corpus or 'all':14} {right:5} of {len(own):5}   {100 * right / len(own):6.2f} %   "
              f"spam called ham {missed}, ham called spam {len(own) - right - missed}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

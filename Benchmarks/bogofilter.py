#!/usr/bin/env python3
"""What bogofilter (Debian) reaches on the development mails of the four corpora, trained on their training mails.

    python3 Benchmarks/bogofilter.py

Trained on all four, and, for each corpus, on the three others: the reference for a corpus that was left out. bogofilter
knows 'unsure'; its best fixed cutoff for a decision between two labels is printed beside its default one (0.99, unsure is ham).
"""

import pathlib
import re
import subprocess
import tempfile

import devmail

CUTOFFS = (0.99, 0.9, 0.5)


def trained(folder, mails):
    """A word list in `folder` from (label, raw message)."""
    for label, option in (("spam", "-s"), ("ham", "-n")):
        box = pathlib.Path(folder) / f"{label}.mbox"
        devmail.write_mailbox(box, [raw for own, raw in mails if own == label])
        subprocess.run(["bogofilter", "-d", folder, "-M", option, "-I", str(box)], check=True)


def scores(folder, mails):
    """The spamicity of each mail."""
    names = []
    for n, raw in enumerate(mails):
        path = pathlib.Path(folder) / f"{n}.eml"
        path.write_bytes(devmail.without_envelope(raw))
        names.append(str(path))
    run = subprocess.run(["bogofilter", "-d", folder, "-b", "-v"], input="\n".join(names), capture_output=True, text=True)
    found = {m[1]: float(m[2]) for m in re.finditer(r"^(\S+) .*spamicity=([\d.]+)", run.stdout, re.M)}
    return [found[n] for n in names]


def main():
    train, dev = devmail.messages("train"), devmail.messages("dev")
    print(f"{'trained on':14} {'measured on':14} {'mails':>5}   " + "   ".join(f"cutoff {c}" for c in CUTOFFS))
    for left_out in [None, *devmail.CORPORA]:
        with tempfile.TemporaryDirectory() as folder:
            trained(folder, [(label, raw) for corpus, label, raw in train if corpus != left_out])
            for corpus in devmail.CORPORA if left_out is None else [left_out]:
                own = [(label, raw) for c, label, raw in dev if c == corpus]
                s = scores(folder, [raw for _, raw in own])
                right = [sum((x >= cut) == (label == "spam") for x, (label, _) in zip(s, own)) for cut in CUTOFFS]
                print(f"{'all four' if left_out is None else 'the others':14} {corpus:14} {len(own):5}   "
                      + "   ".join(f"{100 * r / len(own):9.2f} %" for r in right), flush=True)


if __name__ == "__main__":
    main()

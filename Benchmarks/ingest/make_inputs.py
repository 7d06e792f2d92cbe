#!/usr/bin/env python3
"""Makes the inputs of measure.sh: a mailbox repeated to 3 MB, 60 MB and 2 GB, and 2 GB of
text with short lines and as one line.  make_inputs.py MAILBOX FOLDER"""
import os
import random
import sys


def repeated(path, block, size):
    with open(path, "wb") as file:
        written = 0
        while written < size:
            file.write(block)
            written += len(block)


mailbox, folder = sys.argv[1:3]
os.makedirs(folder, exist_ok=True)
with open(mailbox, "rb") as file:
    mails = file.read()
for name, size in (("3m", 3 << 20), ("60m", 60 << 20), ("2g", 2 << 30)):
    repeated(f"{folder}/{name}.mbox", mails, size)
noise = random.Random(5)
words = ["".join(noise.choices("etaoinshrdlu", k=noise.randint(2, 9))) for _ in range(5000)]
lines = "".join(" ".join(noise.choices(words, k=10)) + "\n" for _ in range(17000)).encode()
repeated(f"{folder}/2g.txt", lines, 2 << 30)
repeated(f"{folder}/2g-one-line.txt", lines.replace(b"\n", b" "), 2 << 30)

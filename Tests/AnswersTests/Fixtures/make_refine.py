#!/usr/bin/env python3
"""refine.json for LabelRefinerTests: a batch and what expectation maximization makes of it, in NumPy.

    python make_refine.py        (from this folder)

Written for itself: sparse counts are dense here, and every scale is tried in every round.
"""
import collections
import json
import math
import random

import numpy as np

draw, LABELS, DOCUMENTS, VOCABULARY = random.Random(7), 3, 60, 90
lean = [[draw.gammavariate(0.3, 1) for _ in range(VOCABULARY)] for _ in range(LABELS)]
documents, given, copies, senders = [], [], [], []
for n in range(DOCUMENTS):
    true = draw.choices(range(LABELS), [5, 3, 2])[0]
    words = sorted({*draw.choices(range(VOCABULARY), lean[true], k=draw.randint(0, 25)), 0 if n % 20 else 89})
    said = true if draw.random() < 0.7 else draw.randrange(LABELS)
    shares = [draw.random() * 0.5 + 2 * (label == said) for label in range(LABELS)]
    documents.append(words)
    given.append([round(s / sum(shares), 6) for s in shares])
    copies.append(n in (11, 42))
    senders.append(None if n % 9 == 8 else f"{true}-{draw.randrange(2 + 7 * true)}")
for copy, original in ((11, 3), (42, 7)):
    documents[copy], senders[copy] = documents[original], senders[original]

softmax = lambda x: (lambda e: e / e.sum(1, keepdims=True))(np.exp(x - x.max(1, keepdims=True)))
X = np.zeros((DOCUMENTS, VOCABULARY))
for n, words in enumerate(documents):
    X[n, words] = 1
learns = ~np.asarray(copies)
seen = X[learns].sum(0)
X = X[:, (seen >= 2) & (seen <= int(0.9 * learns.sum()))]
model = np.log(np.asarray(given))
posterior, rounds = softmax(model / 3), 0
SCALES = np.geomspace(0.003, 3, 25)
written = collections.Counter(s for s, known in zip(senders, learns) if known and s)
level = np.asarray([0 if s is None else min(6, int(math.log2(max(1, written[s]))) + 1) for s in senders])


def fitted(view, target):
    view = view - view.mean(1, keepdims=True)
    best = None
    for scale in SCALES:
        biases = np.log(target[learns].mean(0) + 1e-3)
        for _ in range(6):
            biases = biases + np.log((target[learns].mean(0) + 1e-3) / (softmax(scale * view[learns] + biases).mean(0) + 1e-3))
        loss = -(target[learns] * np.log(softmax(scale * view[learns] + biases) + 1e-12)).sum(1).mean() + 1e-3 * scale ** 2
        if best is None or loss < best[0]:
            best = loss, scale * view + biases
    return best[1]


while rounds < 20:
    rounds += 1
    counts = X[learns].T @ posterior[learns] + 0.05
    words = X @ np.log(counts / counts.sum(0)) / np.sqrt(np.maximum(X.sum(1), 1))[:, None]
    mean = posterior[learns].mean(0)
    often = np.stack([np.log(posterior[learns & (level == l)].sum(0) + 2 * mean + 1e-9) for l in range(7)])[level]
    share = np.log(posterior[learns].mean(0) + 1e-3)
    after = softmax(fitted(words, posterior) - share + 0.7 * (fitted(model, posterior) - share) + 0.7 * (fitted(often, posterior) - share) + 0.75 * share)
    moved = np.abs(after - posterior).max()
    posterior = after
    if moved < 0.01:
        break
json.dump(dict(documents=documents, given=given, copies=copies, senders=senders, rounds=rounds, refined=posterior.round(9).tolist()), open("refine.json", "w"))
moved = (posterior.argmax(1) != np.asarray(given).argmax(1)).sum()
print(f"{rounds} rounds, {moved} of {DOCUMENTS} labels moved")

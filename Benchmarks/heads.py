#!/usr/bin/env python3
"""`lector train-head` beside prompting and TF-IDF with logistic regression, at 2, 8, 32, 128 and all examples a label.

    python Benchmarks/heads.py DATA [--sets TREC,snips,...] [--sizes 2,8,32,128,all] [--model FILE]

DATA as for label_sets.py. Of every set 600 texts by a fixed draw are for testing, the others (of sets trained on: those of the train split)
for learning. The smaller the size, the more draws are averaged: five of 2, three of 8, two of 32. A label with fewer examples gives
all that it has. Of a set that was trained on, the model has read what it learns from here. TF-IDF: words and pairs of words, by
scikit-learn, the penalty by five-fold cross-validation as the head's. Needs scikit-learn (PyPI).
"""
import argparse
import collections
import json
import pathlib
import random
import statistics
import tempfile
import time
import warnings

import devmail
import label_sets

DRAWS = {2: 5, 8: 3, 32: 2}


def examples(pairs, size, draw):
    """At most `size` of every label, in one order."""
    pairs = random.Random(f"{size} {draw}").sample(pairs, len(pairs))
    taken = {}
    for text, label in pairs:
        taken.setdefault(label, []).append((text, label))
    return sorted(sum((own[:size] for own in taken.values()), []))


def lines(path, pairs):
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in pairs))
    return path


def head(learn, test, folder, options):
    began = time.time()
    label_sets.lector("train-head", lines(folder / "learn.jsonl", learn), "--json-text", "text", "-o", folder / "some.lhd", *options)
    seconds = time.time() - began
    rows = folder / "rows.jsonl"
    label_sets.lector("classify", lines(folder / "test.jsonl", test), "--json-text", "text", "--head", folder / "some.lhd", "-o", rows,
                      "--state-dir", folder / "states", *options)
    return share(test, [json.loads(row)["label"] for row in open(rows)]), seconds


def tfidf(learn, test):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegressionCV
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    folds = min(5, max(collections.Counter(label for _, label in learn).values()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegressionCV(Cs=[1, 10, 100, 1000], cv=folds, max_iter=500, scoring="neg_log_loss", use_legacy_attributes=False, l1_ratios=[0])
        model.fit(words.fit_transform([text for text, _ in learn]), [label for _, label in learn])
        return share(test, model.predict(words.transform([text for text, _ in test])))


def share(pairs, found):
    return 100 * sum(label == guess for (_, label), guess in zip(pairs, found, strict=True)) / len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--sets")
    parser.add_argument("--sizes", default="2,8,32,128,all")
    parser.add_argument("--model")
    options = parser.parse_args()
    model = ["--model", options.model] if options.model else []
    print("| label set | examples a label | prompting | `train-head` | TF-IDF | seconds to learn |\n| --- | --- | --- | --- | --- | --- |")
    mail = {"spam or ham, four corpora (trained on)": label_sets.split(options.data, "mail", *devmail.CORPORA)}
    for name, (pairs, learn) in (label_sets.pools(options.data) | mail).items():
        if options.sets and not name.startswith(tuple(options.sets.split(","))):
            continue
        test = label_sets.drawn(pairs)
        held = set(test)
        learn = [pair for pair in learn or pairs if pair not in held]
        rows = label_sets.classify([text for text, _ in test], sorted({label for _, label in test}), *model)
        prompting = share(test, [max(row, key=row.get) for row in rows])
        for size in options.sizes.split(","):
            size = 10**9 if size == "all" else int(size)
            heads, others, seconds = [], [], []
            for draw in range(DRAWS.get(size, 1)):
                own = examples(learn, size, draw)
                with tempfile.TemporaryDirectory() as folder:
                    score, took = head(own, test, pathlib.Path(folder), model)
                heads.append(score)
                seconds.append(took)
                others.append(tfidf(own, test))
            print(f"| {name} | {size if size < 10**9 else f'all {len(own)}'} | {prompting:.1f} | {statistics.mean(heads):.1f} | "
                  f"{statistics.mean(others):.1f} | {statistics.mean(seconds):.1f} |", flush=True)


if __name__ == "__main__":
    main()

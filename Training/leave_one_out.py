"""The headline: spam or ham on a corpus that was left out of training, each of the four in turn; then the shipped model goes on.

  python leave_one_out.py WORK DATA TOKENIZER     (one GPU; same settings as train.py; `python leave_one_out.py prompts DATA TOKENIZER OUT` makes loo.npz)

From the teacher, since the shipped weights have seen all four: one distillation on text without any of their mails, one fine-tune on
the mixture without them (WORK/general/mix*.npz, made with CORPORA empty), and from there four short ones (WORK/CORPUS/mix*.npz: spam prompts of the
three others, three fifths; the general mixture the rest), each scored on its own corpus (WORK/loo.npz): the answers' log likelihoods and the state before
the answer. Branches whose deadline is named CORPUS_letters read a tenth of WORK/letters/mix*.npz (mail of letters.py; the general mixture is made
WITHOUT=modern). With WORK/ship.pt and WORK/ship/mix*.npz there, the rest of the time is quantization-aware training of the shipped weights.
WORK/deadlines.json: distil, tune, one for each branch in their order, qat.
"""
import json
import lzma
import os
import random
import sys
import traceback

import numpy as np


def prompts(folder, tokenizer, out):
    from mixture import ALL_CORPORA
    from prompts import answer, ids, load_tokenizer, segments

    tok, r, sets = load_tokenizer(tokenizer), random.Random(5), {}
    mails = [m for m in map(json.loads, lzma.open(f"{folder}/mail.jsonl.xz", "rt")) if m["source"] in ALL_CORPORA]
    r.shuffle(mails)
    for m in mails:
        name = f"{m['source']} {m['split']}"
        if len(sets.setdefault(name, [])) < 1500:
            a, b = segments(tok, [("spam", None), ("ham", None)])
            sets[name].append((a + ids(tok, m["text"][:15200])[:1900] + b, [answer(tok, l) for l in ("spam", "ham")], int(m["label"] == "ham")))
    packed = {}
    for k, v in sets.items():
        packed[k] = np.empty(len(v), dtype=object)
        packed[k][:] = v
        print(k, len(v))
    np.savez_compressed(out, **packed)


def main():
    import torch
    import train as t

    model = t.prepare()
    if model is None:
        return
    t.wait_for("teacher.gguf", "stream.npy", "held.npy", "deadlines.json")
    teacher = t.Teacher(f"{t.WORK}/teacher.gguf")
    t.grow_from(teacher, model)
    stream, held = t.Stream(f"{t.WORK}/stream.npy"), np.load(f"{t.WORK}/held.npy")
    rows = 0 if t.CPU else min(64, len(held) // t.ROW)
    t.log("stream", len(stream.a), "teacher held-out", t.held_loss(None, held, rows, t.ROW, teacher), "student before", t.held_loss(model, held, rows, t.ROW))
    t.run_phase("distil", model, teacher, stream, None, True)
    t.log("held-out loss, distilled", t.held_loss(model, held, rows, t.ROW))
    t.wait_for("general/mix000.npz", "loo.npz")
    t.run_phase("tune", model, teacher, stream, t.Examples(f"{t.WORK}/general/mix*.npz"), True)
    t.save(model, "general")
    t.log("held-out loss, tuned", t.held_loss(model, held, rows, t.ROW))
    z = np.load(f"{t.WORK}/loo.npz", allow_pickle=True)
    sets = {k: list(z[k])[: 1 if t.CPU else None] for k in z.files}
    results, kept = {"before": t.evaluate(model, sets, "no mail seen")}, {}
    t.wait_for(*(f"{c}/mix000.npz" for c in t.CORPORA))
    for name in json.load(open(f"{t.WORK}/deadlines.json")):
        c, _, letters = name.partition("_")
        if c not in t.CORPORA:
            continue
        t.load(model, f"{t.WORK}/general.pt")
        kinds = [f"{t.WORK}/{c}/mix*.npz", f"{t.WORK}/general/mix*.npz"] + [f"{t.WORK}/letters/mix*.npz"] * bool(letters)
        t.run_phase("tune", model, teacher, stream, t.Examples(*kinds, shares=(0.5, 0.4, 0.1) if letters else (0.6, 0.4)), True, name=name, rate=t.LR["tune"] * 0.6)
        results[name] = t.evaluate(model, sets, f"without {c}, {'with' if letters else 'no'} letters")
        for k in (f"{c} dev", f"{c} train"):
            states = {}
            kept[f"{name} {k}"] = np.asarray(t.scores(model, sets[k], states))
            kept[f"{name} {k} answers"] = np.asarray([i for _, _, i in sets[k]])
            kept[f"{name} {k} states"] = np.stack([states[n] for n in range(len(sets[k]))])
        np.savez(f"{t.WORK}/loo-scores.npz", **kept)
        json.dump(results, open(f"{t.WORK}/results.json", "w"), indent=1)
    t.go_on_with_shipped(model, teacher, stream, held, rows, results)
    open(f"{t.WORK}/done", "w").close()
    t.log("done")


if __name__ == "__main__":
    if sys.argv[1] == "prompts":
        prompts(*sys.argv[2:5])
    else:
        try:
            main()
        except BaseException:
            open(f"{sys.argv[1]}/log", "a").write("FAILED " + traceback.format_exc())
            raise

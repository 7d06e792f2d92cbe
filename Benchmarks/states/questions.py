"""Right answers and right places: the same questions asked of 8 k, 128 k and 1 M tokens.

    python3 Benchmarks/states/questions.py [--sizes 8k,128k,1m] [--pieces N] [--model FILE] [--novels FILE.jsonl.xz] [--work FOLDER]

Twelve novels are one book of about a million tokens. 100 questions of natural.jsonl are about facts of the novels,
100 about facts that this script plants; 20 of each kind have no answer. The book is asked whole, then in 8 and in
128 pieces, each question of the piece that has its answer: the text around a fact stays the same, only what surrounds
it grows. Of the 128 pieces those are read that a question is about; with --pieces, N of every size, those with most questions.

Each question is asked from memory, with passages read again behind the state, with the same passages and no state, and
from memory of the last 1,024 tokens. Prints Markdown for Benchmarks/LOG.md:

  right      the answer's words, with at most ten others around them
  span       a quoted stretch of at most 200 bytes that has the answer's bytes, at the very place the question is about
  declined   of questions without an answer: the model says so; of the others: it says so wrongly
  found      the place is in the best 1, 2, 4 (8) passages; no model takes part in this

Needs the release build of lector (LECTOR names another). The novels are not in this repository.
"""

import argparse
import json
import lzma
import os
import pathlib
import random
import re
import subprocess
import sys
import time

from book import LECTOR, NOVELS, ROOT, names, planted

BOOKS = [
    "Bennet_Babylon_1902", "Burnett_Garden_1911", "Burnett_Lord_1886", "Burnett_Princess_1905",
    "Chesterton_Innocence_1911", "Chesterton_Napoleon_1904", "Chesterton_Thursday_1908", "Conrad_Almayer_1895",
    "Doyle_Hound_1902", "Doyle_Lost_1912", "Forster_Angels_1905", "Forster_View_1908"]
FINEST = 128
SIZES = {"8k": 128, "128k": 8, "1m": 1}
TAIL_BYTES = 4400  # 1,024 tokens of novels
MODES = [("memory", "memory"), ("reread", "reread"), ("passages without state", "passages"),
         ("last 1,024 tokens", "tail")]


class Question:
    """What is asked, with the bytes of the book that hold the answer; None where there is no answer."""

    def __init__(self, kind, text, answer, place):
        self.kind, self.text, self.answer, self.place = kind, text, answer, place


def read_novels(path):
    if not path.exists():
        sys.exit(f"{path} is not there; --novels names a file of JSON lines with `doc` and `text`")
    found = {}
    with lzma.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["doc"] in BOOKS:
                found[row["doc"]] = row["text"].encode()
    if missing := [name for name in BOOKS if name not in found]:
        sys.exit(f"{path} lacks {', '.join(missing)}")
    return found


def line_ends(text, count):
    """Where `text` is cut into `count` pieces of about equal size, at ends of lines."""
    cuts = [0]
    for index in range(1, count):
        cuts.append(max(cuts[-1], text.find(b"\n", index * len(text) // count) + 1))
    return cuts + [len(text)]


def make(novels):
    """The book, the ends of its finest pieces, and the questions."""
    starts, text = {}, b""
    for name in BOOKS:
        starts[name] = len(text)
        text += novels[name] + b"\n\n"
    cuts = line_ends(text, FINEST)

    questions = []
    for line in (pathlib.Path(__file__).parent / "natural.jsonl").read_text().splitlines():
        row = json.loads(line)
        place = None
        if row["answer"] is not None:
            place = (starts[row["novel"]] + row["start"], starts[row["novel"]] + row["end"])
            if words(text[place[0]:place[1]].decode(errors="replace")) != words(row["answer"]):
                sys.exit(f"bytes {row['start']} to {row['end']} of {row['novel']} are not {row['answer']!r}: another edition")
        questions.append(Question("natural", row["question"], row["answer"], place))

    # Facts go where pieces are read anyway, at the ends of lines.
    asked = sorted({piece_of(cuts, q.place[0]) for q in questions if q.place})
    facts, without = planted(100, 20)
    rng, planted_at = random.Random(29), []
    for index, (fact, question, answer) in enumerate(facts):
        piece = asked[index % len(asked)]
        at = text.find(b"\n", rng.randrange(cuts[piece], cuts[piece + 1] - 2000)) + 1
        planted_at.append((at, fact, question, answer))
    planted_at.sort()

    def moved(at):
        return at + sum(len(fact.encode()) + 1 for place, fact, _, _ in planted_at if place <= at)

    out, last = b"", 0
    for at, fact, question, answer in planted_at:
        out += text[last:at]
        place = len(out) + fact.index(answer)
        questions.append(Question("planted", question, answer, (place, place + len(answer))))
        out += fact.encode() + b"\n"
        last = at
    out += text[last:]
    for question in questions:
        if question.kind == "natural" and question.place:
            question.place = (moved(question.place[0]), moved(question.place[0]) + question.place[1] - question.place[0])
    questions += [Question("planted", question, None, None) for question in without]
    for question in questions:
        if question.place:
            assert words(out[slice(*question.place)].decode()) == words(question.answer), question.text
    # The cut itself stays in front of a fact that stands at it.
    return out, [moved(cut) if cut not in {p[0] for p in planted_at} else moved(cut - 1) + 1 for cut in cuts], questions


def piece_of(cuts, at):
    return max(index for index in range(len(cuts) - 1) if cuts[index] <= at)


def words(text):
    return re.findall(r"\w+", text.lower().replace("_", " "))


def is_right(answer, gold):
    if answer is None:
        return False
    have, wanted = words(answer), words(gold)
    if len(have) > len(wanted) + 10:
        return False
    return any(have[at:at + len(wanted)] == wanted for at in range(len(have) - len(wanted) + 1))


def ask(path, questions, mode, options):
    file = options.work / "asked.jsonl"
    file.write_text("".join(json.dumps({"question": q.text}) + "\n" for q in questions))
    command = [LECTOR, "ask", path, "--questions", file, "--from", "memory" if mode == "tail" else mode, "--fresh",
               "--quiet", "--progress", "none", "--passages", str(options.passages), "--state-dir", options.work / "states"]
    if options.model:
        command += ["--model", options.model]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(questions), done.stderr[-2000:]
    return rows


def score(rows):
    """Shares over (question, row, where the file begins in the book), as text."""
    def share(values):
        values = list(values)
        return f"{100 * sum(values) / len(values):.0f} %" if values else "-"

    def has_span(question, row, start):
        low, high = question.place[0] - start, question.place[1] - start
        return any(s["start"] <= low and high <= s["end"] and s["end"] - s["start"] <= 200 for s in row["spans"])

    answerable = [entry for entry in rows if entry[0].place]
    return [share(is_right(row["answer"], q.answer) for q, row, _ in answerable),
            share(has_span(*entry) for entry in answerable),
            share(row["answer"] is None for _, row, _ in answerable),
            share(row["answer"] is None for q, row, _ in rows if not q.place)]


def found(rows, limits):
    ranks = []
    for question, row, start in rows:
        if not question.place:
            continue
        low, high = question.place[0] - start, question.place[1] - start
        best = sorted(row["passages"], key=lambda p: -p["score"])
        ranks.append(next((i for i, p in enumerate(best) if p["start"] < high and low < p["end"]), len(best)))
    return [f"{100 * sum(rank < limit for rank in ranks) / len(ranks):.0f} %" for limit in limits]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="8k,128k,1m")
    parser.add_argument("--modes", default=",".join(mode for _, mode in MODES), help="memory,reread,passages,tail")
    parser.add_argument("--passages", type=int, default=4)
    parser.add_argument("--pieces", type=int)
    parser.add_argument("--model")
    parser.add_argument("--novels", type=pathlib.Path, default=NOVELS)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "Benchmarks" / "work" / "questions")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    book, cuts, questions = make(read_novels(options.novels))
    limits = [limit for limit in (1, 2, 4, 8, 16) if limit <= options.passages]

    answers, places = [], []
    for size in options.sizes.split(","):
        step = FINEST // SIZES[size]
        ends = cuts[::step]
        pieces = {}
        for question in questions:
            if question.place:
                pieces.setdefault(piece_of(ends, question.place[0]), []).append(question)
        for index, question in enumerate(q for q in questions if not q.place):
            pieces[sorted(pieces)[index % len(pieces)]].append(question)
        rows, seconds = {mode: [] for _, mode in MODES}, {mode: 0.0 for _, mode in MODES}
        chosen = sorted(sorted(pieces), key=lambda piece: -len(pieces[piece]))[:options.pieces]
        for piece, asked in sorted((piece, pieces[piece]) for piece in chosen):
            text = book[ends[piece]:ends[piece + 1]]
            path = options.work / f"{size}-{piece}.txt"
            path.write_bytes(text)
            mark = 3 if text.startswith("\ufeff".encode()) else 0  # is no text: spans begin to count behind it
            tail = text[-TAIL_BYTES:]
            tail = tail[tail.find(b"\n") + 1:]
            tail_path = options.work / f"{size}-{piece}-tail.txt"
            tail_path.write_bytes(tail)
            # Read, so that what is timed below is asking alone.
            ask(path, asked[:1], "memory", options)
            for _, mode in MODES:
                if mode not in options.modes.split(","):
                    continue
                start = ends[piece + 1] - len(tail) if mode == "tail" else ends[piece] + mark
                began = time.monotonic()
                got = ask(tail_path if mode == "tail" else path, asked, mode, options)
                seconds[mode] += time.monotonic() - began
                rows[mode] += [(question, row, start) for question, row in zip(asked, got)]
            print(f"{size}: piece {piece}, {len(asked)} questions, {seconds}", file=sys.stderr)
        (options.work / f"rows-{size}.jsonl").write_text("".join(
            json.dumps({"kind": q.kind, "gold": q.answer, "mode": mode, **row}) + "\n"
            for mode in rows for q, row, _ in rows[mode]))
        for name, mode in MODES:
            for kind in ("planted", "natural") if rows[mode] else ():
                mine = [entry for entry in rows[mode] if entry[0].kind == kind]
                answers.append([size, kind, name, *score(mine), f"{1000 * seconds[mode] / len(rows[mode]):.0f}"])
        for kind in ("planted", "natural") if rows["reread"] else ():
            mine = [entry for entry in rows["reread"] if entry[0].kind == kind]
            places.append([size, kind, *found(mine, limits)])

    print(f"{len(questions)} questions of a book of {len(book)} bytes; load {os.getloadavg()[0]:.1f} on "
          f"{os.cpu_count()} CPUs.\n")
    table(["tokens", "facts", "from", "right", "span", "declined wrongly", "declined rightly", "ms each"], answers)
    print()
    table(["tokens", "facts", *[f"found in the best {limit}" for limit in limits]], places)


def table(head, rows):
    for row in [head, ["---"] * len(head), *rows]:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()

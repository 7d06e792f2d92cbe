"""A book of any length, read once and asked 100 questions: rate and memory while reading, time and right answers after.

    python3 Benchmarks/states/book.py --tokens 1000000 [--novels FILE.jsonl.xz] [--work FOLDER]

The book is made at run time from whole novels (JSON lines with `text`), or without any from sentences of this
script. 80 facts with made-up names are planted at equal distances; 20 more questions ask for names that are
nowhere. Prints Markdown for Benchmarks/LOG.md. Needs the release build of lector (LECTOR names another).
"""

import argparse
import json
import lzma
import os
import pathlib
import random
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LECTOR = os.environ.get("LECTOR", str(ROOT / ".build" / "release" / "lector"))
NOVELS = ROOT.parent / "shared" / "data" / "pretrain" / "novels.jsonl.xz"
BYTES_PER_TOKEN = 4.3  # a little more than the bundled vocabulary needs on novels


def names(seed):
    rng = random.Random(seed)
    seen = set()
    while True:
        name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3)).capitalize()
        if name not in seen:
            seen.add(name)
            yield name


def novels(path, size):
    """Text of at least `size` bytes, novel after novel."""
    text, total = [], 0
    if path and path.exists():
        with lzma.open(path, "rt") as lines:
            for line in lines:
                text.append(json.loads(line)["text"].removeprefix("\ufeff"))  # a mark is no text: spans begin behind it
                total += len(text[-1].encode())
                if total >= size:
                    break
    rng = random.Random(1)
    words = "the a ship sea night door house road king letter went came said saw never again with under over".split()
    while total < size:
        text.append(" ".join(rng.choice(words) for _ in range(12)).capitalize() + ".\n\n")
        total += len(text[-1])
    return "\n\n".join(text).encode()[:size].decode(errors="ignore")


def planted(count, without):
    """(fact, question, answer) of made-up names, and questions for names that are nowhere."""
    name, rng = names(7), random.Random(7)
    things = ["key", "will", "map", "ring", "sword", "diary", "seal", "crown", "lamp", "flute"]
    places = ["the old mill", "a blue chest", "the chapel wall", "a hollow oak", "the ferry house", "a copper kettle"]
    facts = []
    for _ in range(count):
        who, what, colour = next(name), rng.choice(things), rng.choice(["left", "right", "far", "near"])
        where = f"{rng.choice(places)} on the {colour} bank of the {next(name)}"
        facts.append((f"The {what} of {who} is hidden in {where}.", f"Where is the {what} of {who} hidden?", where))
    return facts, [f"Where is the {rng.choice(things)} of {next(name)} hidden?" for _ in range(without)]


def make(size, path, source):
    """Writes the book; returns questions with their answers (None: not in the text)."""
    paragraphs = novels(source, size).split("\n")
    facts, without = planted(80, 20)
    questions = [(question, answer) for _, question, answer in facts] + [(question, None) for question in without]
    for index, (fact, _, _) in reversed(list(enumerate(facts))):
        at = (2 * index + 1) * len(paragraphs) // (2 * len(facts))
        paragraphs.insert(at, fact)
    path.write_text("\n".join(paragraphs))
    random.Random(8).shuffle(questions)
    return questions


def run(*command):
    started = time.monotonic()
    done = subprocess.run([LECTOR, *map(str, command)], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout, time.monotonic() - started


def read(book, state):
    """Reads the book; returns its row and the curve (token, tokens/s, MiB of memory)."""
    process = subprocess.Popen(
        [LECTOR, "read", book, "--json", "--progress", "json", "--state-dir", state], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    curve, last = [], (0, 0.0)
    for line in process.stderr:
        if not line.startswith("{"):
            continue
        row = json.loads(line)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        memory = next((int(x.split()[1]) // 1024 for x in status.splitlines() if x.startswith("VmRSS")), 0)
        now = (row["position"] or 0, row["elapsedSeconds"])
        if now[1] > last[1]:
            curve.append((now[0], (now[0] - last[0]) / (now[1] - last[1]), memory))
        last = now
        print(f"token {now[0]}, {curve[-1][1] if curve else 0:.0f} tokens/s, {memory} MiB", file=sys.stderr)
    row = json.loads(process.stdout.read())
    process.wait()
    return row, curve


def score(rows, questions, text):
    """Shares of right answers, right spans, right passages, and of unanswerable questions that were declined."""
    right = span = located = declined = 0
    answerable = sum(answer is not None for _, answer in questions)
    for row, (_, answer) in zip(rows, questions):
        if answer is None:
            declined += row["answer"] is None
            continue
        place = text.index(answer.encode())
        right += (row["answer"] or "").strip(" .").lower() == answer.lower()
        span += any(s["start"] <= place and place + len(answer) <= s["end"] for s in row["spans"])
        located += any(p["start"] <= place < p["end"] for p in row["passages"])
    return [f"{100 * x / answerable:.0f} %" for x in (right, span, located)] + [
        f"{100 * declined / max(1, len(questions) - answerable):.0f} %"]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, default=1_000_000)
    options.add_argument("--novels", type=pathlib.Path, default=NOVELS)
    options.add_argument("--work", type=pathlib.Path, default=ROOT / "Benchmarks" / "work" / "book")
    options = options.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    book = options.work / f"book-{options.tokens}.txt"
    state = options.work / f"state-{options.tokens}"
    questions = make(int(options.tokens * BYTES_PER_TOKEN), book, options.novels)
    text = book.read_bytes()
    file = options.work / "questions.jsonl"
    file.write_text("".join(json.dumps({"question": q}) + "\n" for q, _ in questions))

    row, curve = read(book, state)
    print(f"Book of {row['tokens']} tokens, {len(text)} bytes, {row['passages']} passages; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs.\n")
    if row["read_tokens"]:
        print(f"Read in {row['seconds']:.0f} s, {row['read_tokens'] / row['seconds']:.0f} tokens/s; "
              f"state {row['stateBytes'] / 1e6:.2f} MB, of which {row['growingBytes']} grow.\n")
        print("| token | tokens/s | MiB |\n| --- | --- | --- |")
        for point in curve[:: max(1, len(curve) // 12)]:
            print("| {} | {:.0f} | {} |".format(*point))
    again, seconds = run("read", book, "--json", "--state-dir", state)
    print(f"\nAgain: {seconds:.2f} s, {json.loads(again)['read_tokens']} tokens read.\n")

    print("| 100 questions | s | ms each | tokens each | right | right span | right passage | declined what is not there |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    tail = options.work / "tail.txt"
    tail.write_bytes(text[-4096:].decode(errors="ignore").encode())
    for name, source, place in [
        ("from memory", "memory", book), ("reread", "reread", book), ("passages without the state", "passages", book),
        ("memory of the last 1,024 tokens", "memory", tail),
    ]:
        out, seconds = run("ask", place, "--questions", file, "--from", source, "--fresh", "--quiet",
                           "--state-dir", state)
        rows = [json.loads(line) for line in out.splitlines()]
        each = sum(r["read_tokens"] for r in rows) / len(rows)
        print(f"| {name} | {seconds:.1f} | {1000 * seconds / len(rows):.0f} | {each:.0f} | "
              + " | ".join(score(rows, questions, text)) + " |")
    if row["read_tokens"]:
        print(f"\nReading the book again for each question would take {100 * row['seconds'] / 3600:.1f} h.")


if __name__ == "__main__":
    main()

"""What a state remembers: the tasks of RULER (Hsieh et al. 2024), by name and build, asked of a text that was read once.

    python3 Benchmarks/states/ruler.py [--sizes 1k,2k,4k,8k] [--tasks S-NIAH-1,...] [--samples 20] [--modes memory,reread]
                                       [--texts 20] [--window none] [--model FILE] [--novels FILE.jsonl.xz] [--work FOLDER]

  S-NIAH-1, -2, -3     one special magic number (3: uuid) in noise, in prose, in prose
  MK-NIAH-1, -2, -3    one of four numbers in prose; one of a text of nothing but numbers; of nothing but uuids
  VT                   five variables that hold one value, four of them by assignment from one another
  CWE                  the ten words that a list has thirty times, beside others that it has three times

Needles, questions and scores are RULER's: a share of the wanted strings that the answer has, letter case apart. The prompt is Lector's
own (`ask`). Prose is what RULER has essays for: twelve novels of the train data, or sentences made here where they are not.
Up to 64 k tokens every sample has a text of its own, TEXTS of them at most; after that one text has as many needles as there are samples,
which is harder. MK-NIAH-2 and -3 ask all of one text at every size, CWE asks one question a text. From memory: the state alone. Reread: one passage, found by words, is read again.
Prints Markdown for Benchmarks/LOG.md. Needs the release build of lector (LECTOR names another).
"""

import argparse
import json
import lzma
import os
import pathlib
import random
import subprocess
import sys
import uuid

from book import LECTOR, NOVELS, ROOT
from questions import BOOKS, table

ADJECTIVES = """able aged amber ample ancient arctic autumn awful azure basic bitter blank blind blunt bold brave brief bright brisk broad
brown busy calm careful cheap chief civil clean clear clever cloudy coarse cold common cool coral cosmic crisp crude curly curved daily damp
dark deaf dear deep dense distant double dry dull dusty eager early easy elder empty equal exact faint fair famous fancy fatal fertile fierce
final firm flat fluffy fond frail frank free fresh frosty full funny gentle giant glad golden grand grave gray greedy green grim""".split()
NOUNS = """acorn actor alarm album anchor ankle apple apron arch arrow atlas attic badge bakery ball banjo barn basin basket beach beacon bell
bench berry bird blade blanket boat bone book boot bottle bowl branch bread brick bridge broom brush bucket bullet bus button cabin cable cake
camel camera canal candle canoe canvas card carpet carrot castle cat cave cellar chain chair chalk cherry chest chimney church circle cliff clock
cloud coach coast coat coin comb compass copper corner cottage cotton cradle crane crayon cricket crown cup curtain dagger daisy desert desk""".split()
NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
NEEDLE = "One of the special magic {kind}s for {key} is: {value}."
QUESTION = "What is the special magic {kind} for {key} mentioned in the provided text?"
TASKS = {  # hay, what keys and values are, needles beside the one that is asked for
    "S-NIAH-1": ("noise", "word", "number", 0), "S-NIAH-2": ("prose", "word", "number", 0), "S-NIAH-3": ("prose", "word", "uuid", 0),
    "MK-NIAH-1": ("prose", "word", "number", 3), "MK-NIAH-2": ("needles", "word", "number", 0), "MK-NIAH-3": ("needles", "uuid", "uuid", 0),
    "VT": (), "CWE": ()}
BYTES_PER_TOKEN = {"noise": 3.58, "prose": 4.27, "word number": 2.7, "uuid uuid": 1.41, "list": 2.1}  # of the bundled vocabulary


def prose(path):
    if path.exists():
        with lzma.open(path, "rt") as lines:
            rows = map(json.loads, lines)
            return " ".join(" ".join(row["text"].split()) for row in rows if row["doc"] in BOOKS)
    rng = random.Random(1)
    words = "the a ship sea night door house road king letter went came said saw never again with under over".split()
    return " ".join(" ".join(rng.choice(words) for _ in range(12)).capitalize() + "." for _ in range(60_000))


def made(rng, kind):
    if kind == "number":
        return str(rng.randrange(1_000_000, 10_000_000))
    if kind == "uuid":
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return f"{rng.choice(ADJECTIVES)}-{rng.choice(NOUNS)}"


def niah(task, size, asked, rng, essays):
    """A text of about `size` tokens with `asked` needles that are asked for: (text, [(question, [answer])])."""
    hay, key_kind, kind, beside = TASKS[task]
    if hay == "needles":
        count = int(size * BYTES_PER_TOKEN[f"{key_kind} {kind}"]) // len(NEEDLE.format(kind=kind, key=made(rng, key_kind), value=made(rng, kind)))
    else:
        count = asked + beside
    needles = {}
    while len(needles) < count:
        needles[made(rng, key_kind)] = made(rng, kind)
    lines = [NEEDLE.format(kind=kind, key=key, value=value) for key, value in needles.items()]
    asks = [(QUESTION.format(kind=kind, key=key), [needles[key]]) for key in rng.sample(list(needles), min(asked, len(needles)))]
    if hay == "needles":
        return "\n".join(lines), asks
    return scatter(lines, size, hay, rng, essays), asks


def scatter(lines, size, hay, rng, essays):
    """Lines at random places between the sentences of noise or prose."""
    room = int(size * BYTES_PER_TOKEN[hay]) - sum(map(len, lines))
    if hay == "noise":
        sentences, joint = [NOISE] * (room // (len(NOISE) + 1)), "\n"
    else:
        start = rng.randrange(max(1, len(essays) - room))
        sentences, joint = essays[start:start + room].split(". "), " "
        sentences = [s + "." for s in sentences]
    return joint.join(inserted(sentences, sorted((rng.randrange(len(sentences) + 1), line) for line in lines)))


def inserted(sentences, lines):
    """Sentences with lines, given in order as (place, line), between them."""
    out, last = [], 0
    for place, line in lines:
        out += sentences[last:place] + [line]
        last = place
    return out + sentences[last:]


def tracking(size, asked, rng):
    """`asked` chains of four assignments each, every one in its order."""
    name = lambda: "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(5))
    sentences = [NOISE] * (int(size * BYTES_PER_TOKEN["noise"]) // (len(NOISE) + 1))
    asks, lines = [], []
    for value in rng.sample(range(10_000, 100_000), asked):
        chain = [name() for _ in range(5)]
        said = [f"VAR {chain[0]} = {value}"] + [f"VAR {new} = VAR {old}" for old, new in zip(chain, chain[1:])]
        lines += zip(sorted(rng.randrange(len(sentences) + 1) for _ in said), said)
        asks.append((f"Find all variables that are assigned the value {value} in the text above.", chain))
    return "\n".join(inserted(sentences, sorted(lines, key=lambda pair: pair[0]))), asks


def common_words(size, rng):
    words = [f"{a}{n}" for a in ADJECTIVES for n in NOUNS]
    rng.shuffle(words)
    items, rest = words[:10] * 30, iter(words[10:])
    width = sum(len(word) + 6 for word in items)
    while width < size * BYTES_PER_TOKEN["list"] and (word := next(rest, None)):
        items += [word] * 3
        width += 3 * (len(word) + 6)
    rng.shuffle(items)
    text = "\n".join(f"{number}. {word}" for number, word in enumerate(items, 1))
    return text, [("What are the 10 most common words in the above list?", words[:10])]


def texts(task, size, options, essays):
    """[(text, [(question, answers)])] of one cell of the table."""
    rng = random.Random(f"{task} {size}")
    if task == "CWE":
        return [common_words(size, rng) for _ in range(min(options.samples, options.texts, max(1, 64_000 // size)))]
    if task != "VT" and TASKS[task][0] == "needles" or size > 64_000:
        return [tracking(size, options.samples, rng) if task == "VT" else niah(task, size, options.samples, rng, essays)]
    one = lambda: tracking(size, 1, rng) if task == "VT" else niah(task, size, 1, rng, essays)
    return [one() for _ in range(min(options.samples, options.texts))]


def ask(text, asks, mode, options):
    path, file = options.work / "text.txt", options.work / "asked.jsonl"
    path.write_text(text)
    file.write_text("".join(json.dumps({"question": question}) + "\n" for question, _ in asks))
    command = [LECTOR, "ask", path, "--questions", file, "--from", mode, "--fresh", "--quiet", "--progress", "none", "--answer-tokens", 64,
               "--budget", "400M", "--state-dir", options.work / "states"]
    command += ["--model", options.model] if options.model else []
    command += ["--window", options.window] if options.window else []
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode not in (0, 1) or len(rows) != len(asks):
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    for (question, wanted), row in zip(asks, rows):
        answer = (row["answer"] or "").lower()
        yield sum(word.lower() in answer for word in wanted) / len(wanted), row, wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1k,2k,4k,8k")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--modes", default="memory,reread")
    parser.add_argument("--model")
    parser.add_argument("--window", help="of ask, such as none")
    parser.add_argument("--novels", type=pathlib.Path, default=NOVELS)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "Benchmarks" / "work" / "ruler")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    essays, sizes, modes = prose(options.novels), options.sizes.split(","), options.modes.split(",")
    lines = []
    with open(options.work / "rows.jsonl", "a") as log:
        for task in options.tasks.split(","):
            cells = {mode: [] for mode in modes}
            for size in sizes:
                count = 1000 * int(size[:-1]) * (1000 if size.endswith("m") else 1)
                scores, tokens = {mode: [] for mode in modes}, []
                for text, asks in texts(task, count, options, essays):
                    for mode in modes:
                        for score, row, wanted in ask(text, asks, mode, options):
                            scores[mode].append(score)
                            if mode == modes[0]:
                                tokens.append(row["cached_tokens"])
                            log.write(json.dumps({"task": task, "size": size, "score": score, "wanted": wanted, **row}) + "\n")
                log.flush()
                for mode in modes:
                    cells[mode].append(f"{100 * sum(scores[mode]) / len(scores[mode]):.0f}")
                print(f"{task} {size}: {len(tokens)} of {sum(tokens) / len(tokens):.0f} tokens, {[(m, c[-1]) for m, c in cells.items()]}", file=sys.stderr)
            lines += [[task, mode, *cells[mode]] for mode in modes]
    table(["task", "from", *sizes], lines)


if __name__ == "__main__":
    main()

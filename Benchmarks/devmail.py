"""The development mails of four corpora, as mailboxes that `lector classify` reads.

Source: ../shared/data/email beside the repository (see its README); only rows of the dev split. SpamAssassin and
CSDMC2010 are raw messages, byte for byte; Enron1 and Ling-Spam hold only a subject and a text, which become a
message with a Subject header. Written to Benchmarks/work, which git ignores.
"""

import json
import lzma
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "email"
WORK = ROOT / "Benchmarks" / "work"
CORPORA = ["spamassassin", "csdmc2010", "enron1", "lingspam"]


def binary() -> pathlib.Path:
    """The release build of lector."""
    path = ROOT / ".build" / "release" / "lector"
    if not path.exists():
        sys.exit("there is no .build/release/lector; run: swift build -c release --product lector")
    return path


def json_lines(path: pathlib.Path):
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def messages(split="dev") -> list[tuple[str, str, bytes]]:
    """(corpus, label, raw message) in a fixed order."""
    if not DATA.exists():
        sys.exit(f"the development mails are not here: {DATA} is missing")
    wanted = {
        row["path"]: row for row in json_lines(DATA / "labels.jsonl.xz")
        if row["split"] == split and row["source"] in CORPORA}
    found = []
    with tarfile.open(DATA / "spamham-raw.tar.xz") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if name in wanted:
                row = wanted[name]
                found.append((row["source"], row["label"], name, archive.extractfile(member).read()))
    for row in json_lines(DATA / "enron1-lingspam.jsonl.xz"):
        if row["split"] == split:
            raw = (f"Subject: {one_line(row['subject'])}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                   f"Content-Transfer-Encoding: 8bit\n\n{row['text']}\n").encode("utf-8", "replace")
            found.append((row["source"], row["label"], row["id"], raw))
    found.sort(key=lambda m: (CORPORA.index(m[0]), m[2]))
    return [(corpus, label, raw) for corpus, label, _, raw in found]


def without_envelope(raw: bytes) -> bytes:
    """Drops the 'From ' line with which some corpora keep their messages."""
    if raw.startswith(b"From "):
        raw = raw[raw.index(b"\n") + 1:]
    return raw


def write_mailbox(path: pathlib.Path, raws: list[bytes]):
    """mboxrd."""
    with open(path, "wb") as out:
        for raw in raws:
            raw = without_envelope(raw)
            out.write(b"From nobody@corpus.example Thu Jan  1 00:00:00 2026\n")
            out.write(re.sub(rb"(?m)^(>*From )", rb">\1", raw))
            out.write(b"\n" if raw.endswith(b"\n") else b"\n\n")


def write_gold(path: pathlib.Path, items: list[tuple[str, str]]):
    path.write_text("".join(json.dumps({"item": i, "label": l}) + "\n" for i, l in items))


def classify(mailboxes: list[pathlib.Path], rows: pathlib.Path, *options: str):
    """Runs `lector classify` over the mailboxes; rows of an earlier run are removed first."""
    for old in rows.parent.glob(rows.name + "*"):
        if old.is_file():
            old.unlink()
    run_folder = rows.parent / (rows.stem + ".run")
    subprocess.run(["rm", "-rf", str(run_folder)], check=True)
    command = [str(binary()), "classify", *map(str, mailboxes), "--labels", "spam,ham", "-o", str(rows),
               "--run", str(run_folder), *options]
    status = subprocess.run(command).returncode
    if status not in (0, 1):
        sys.exit(f"lector classify ended with exit status {status}")


def read_rows(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

"""Renders the raw mails of shared/data/email as the documents that lector reads, one JSON line each.

One command:  python render_mail.py EMAIL_FOLDER OUT/mail.jsonl.xz [LECTOR]   (LECTOR: ../.build/release/lector)

The mails go as mailboxes through `lector tokens --ids`, so that the model is trained on the very text that it will be
asked about: headers, HTML as text, charsets, cuts. The ids become text again with the bundled tokenizer. Enron1 and
Ling-Spam hold no headers but the subject. The NC archive (phishing_pot) is left out.
"""
import json
import lzma
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))
import devmail
from prompts import load_tokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent


def messages(folder):
    """(row of the index, raw message), every archive but the NC one."""
    labels = {r["path"]: r for r in devmail.json_lines(f"{folder}/labels.jsonl.xz")}
    for archive in ("spamham-raw.tar.xz", "20news-raw.tar.xz"):
        with tarfile.open(f"{folder}/{archive}", "r:xz") as t:
            for m in t:
                name = m.name.removeprefix("./")
                if m.isfile() and name in labels:
                    yield labels[name] | {"id": name}, t.extractfile(m).read()
    for r in devmail.json_lines(f"{folder}/enron1-lingspam.jsonl.xz"):
        yield r, (f"Subject: {devmail.one_line(r['subject'])}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                  f"Content-Transfer-Encoding: 8bit\n\n{r['text']}\n").encode("utf-8", "replace")


def main(folder, out, lector=ROOT / ".build/release/lector"):
    tok = load_tokenizer(str(ROOT / "Sources/BundledModel/Resources/tokenizer.json"))
    found = list(messages(folder))
    with tempfile.TemporaryDirectory() as work:
        box = pathlib.Path(work) / "mail.mbox"
        devmail.write_mailbox(box, [raw for _, raw in found])
        rows = subprocess.run([str(lector), "tokens", "--json", "--ids", "--no-estimate", str(box)], stdout=subprocess.PIPE, check=False).stdout
    read = {}
    for line in rows.splitlines():
        row = json.loads(line)
        if "ids" in row:
            read[int(row["item"].rsplit("#", 1)[1])] = tok.decode(row["ids"][:6000], skip_special_tokens=False)
    n = 0
    with lzma.open(out, "wt", preset=6) as f:
        for i, (r, _) in enumerate(found, 1):
            if text := read.get(i):
                f.write(json.dumps({"id": r["id"], "text": text[:24000], "label": r["label"], "source": r["source"], "split": r["split"]}, ensure_ascii=False) + "\n")
                n += 1
    print(n, "mails,", len(found) - n, "without text")


if __name__ == "__main__":
    main(*sys.argv[1:4])

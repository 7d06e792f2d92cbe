"""A long document whose machine is lost three times, at random: at most three checkpoint intervals are read again.

    python3 Tests/Scale/migration.py                    # 200,000 tokens
    python3 Tests/Scale/migration.py --tokens 1000000   # some minutes
    python3 Tests/Scale/migration.py --tokens 1000000 --model tiny  # the random one of tiny_model.py: a tenth of that
    python3 Tests/Scale/migration.py --text novel.txt   # a text of yours instead of a made one

The lost machine is a killed process whose lock then says that it was another machine's: the next worker has to wait for
its silence and go on in a folder of its own. LECTOR is the program to test.
"""

import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LECTOR = os.environ.get("LECTOR", str(ROOT / ".build/release/lector"))
INTERVAL = 16_384


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--text", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--model", default="bundled", choices=["bundled", "tiny"])
    options = parser.parse_args()
    generator = random.Random(options.seed)
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="lector-migration-") as name:
        run(pathlib.Path(name), options, generator)


def run(folder, options, generator):
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}

    def lector(*arguments):
        return subprocess.Popen(
            [LECTOR, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finished(process):
        out, err = process.communicate()
        assert process.returncode in (0, 1), err
        return out

    if options.text:
        (folder / "book.txt").write_bytes(options.text.read_bytes())
    else:
        with open(folder / "book.txt", "wb") as file:  # a token a word and some for full stops
            words = int(options.tokens / 1.35)
            subprocess.run(
                [sys.executable, str(ROOT / "Tests/Scale/mails.py"), "0", "--text", str(words)], stdout=file, check=True)
    task = ["book.txt"]
    if options.model == "tiny":
        subprocess.run([sys.executable, str(ROOT / "Tests/Scale/tiny_model.py"), str(folder / "tiny")], check=True)
        task += ["--model", "tiny"]
    began = time.monotonic()
    finished(lector("classify", *task, "--progress", "none", "-o", "one.jsonl"))
    whole = time.monotonic() - began
    row = json.loads((folder / "one.jsonl").read_text())
    finished(lector("plan", *task, "-o", "many.jsonl", "--run", "run", "--shards", "1"))
    shard = folder / "run/shards/0"

    def position(token):
        """Tokens of the document that are safe."""
        try:
            return int(re.search(r"\d+", (shard / f"worker-{token}/states/row-0").read_text())[0])
        except (OSError, TypeError):
            return 0

    # Three different places, none of them so late that the document is finished before.
    places = sorted(generator.sample(range(1, int(row["tokens"] * 0.9) // INTERVAL), 3))
    for token, place in enumerate(places, 1):
        worker = lector("work", "run", "--shard", "0", "--dead-after", "1", "--quiet")
        while position(token) < place * INTERVAL:
            assert worker.poll() is None, "the document was finished before its worker could be killed"
            time.sleep(0.002)
        time.sleep(generator.random() * whole * INTERVAL / row["tokens"])
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        print(f"lost after {position(token)} tokens that are safe")
        (shard / f"worker-{token}/lock").write_text("another machine\n")
    finished(lector("work", "run", "--shard", "0", "--dead-after", "1", "--quiet"))
    finished(lector("merge", "run", "--quiet"))
    assert (folder / "one.jsonl").read_bytes() == (folder / "many.jsonl").read_bytes()
    done = json.loads((shard / "done").read_text())
    again = done["readAgain"]
    print(f"{row['tokens']} tokens, 3 machines lost: the same bytes, {again} tokens read again "
          f"({again / INTERVAL:.2f} intervals of {INTERVAL})")
    assert done["token"] == 4 and again <= 3 * INTERVAL, again


if __name__ == "__main__":
    main()

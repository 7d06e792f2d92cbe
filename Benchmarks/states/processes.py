"""One run folder, one process and several: time to the merged result, and whether its bytes are the same.

    python3 Benchmarks/states/processes.py [--mails 600] [--novels FILE.jsonl.xz] [--work FOLDER]

A mailbox of stretches of novels is planned in 16 shards and worked on by 1, 2 and 4 processes of one thread each, and by one
process with a thread for each core. In a last round of four processes each is killed once, and replaced. Prints
Markdown for Benchmarks/LOG.md. Needs the release build of lector.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

from book import LECTOR, NOVELS, ROOT, novels


def lector(*arguments, wanted=(0, 1)):
    done = subprocess.run([LECTOR, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in wanted:
        sys.exit(f"lector {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done


def start(run, threads):
    return subprocess.Popen([LECTOR, "work", run, "--threads", str(threads), "-q", "--progress", "none"],
                            stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=600)
    parser.add_argument("--novels", type=pathlib.Path, default=NOVELS)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "Benchmarks" / "work" / "processes")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    mailbox, rng = options.work / "inbox.mbox", random.Random(3)
    text = novels(options.novels, 3_000_000)
    with open(mailbox, "w") as file:
        for index in range(options.mails):
            at = rng.randrange(len(text) - 8000)
            body = text[at:at + rng.randrange(300, 2200)].replace("\nFrom ", "\n>From ")
            file.write(f"From a@example.org Mon Mar  2 09:41:30 2026\nSubject: Stretch {index}\n\n{body}\n\n")

    digests = {}

    def run(name, processes, threads, kills=0):
        folder = options.work / name
        lector("plan", mailbox, "--run", folder, "--shards", 16, "-o", options.work / f"{name}.jsonl", "-q")
        began = time.monotonic()
        working = [start(folder, threads) for _ in range(processes)]
        for _ in range(kills):
            time.sleep(1.5)
            victim = working.pop(rng.randrange(len(working)))
            if victim.poll() is None:
                victim.send_signal(signal.SIGKILL)
                victim.wait()
            working.append(start(folder, threads))
        for process in working:
            process.wait()
        # Whoever came last found only shards that others had; one more pass finds what a killed one left.
        lector("work", folder, "--threads", threads, "-q", "--progress", "none")
        seconds = time.monotonic() - began
        lector("merge", folder, "-q")
        data = (options.work / f"{name}.jsonl").read_bytes()
        digests[name] = hashlib.sha256(data).hexdigest()
        assert len(data.splitlines()) == options.mails, name
        return seconds

    rows = [("1 process, 1 thread", run("one", 1, 1)), ("2 processes, 1 thread each", run("two", 2, 1)),
            ("4 processes, 1 thread each", run("four", 4, 1)),
            (f"1 process, {os.cpu_count()} threads", run("threads", 1, os.cpu_count())),
            ("4 processes, 4 of them killed and replaced", run("killed", 4, 1, kills=4))]
    print(f"{options.mails} mails, 16 shards, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.\n")
    print("| workers | s | times | bytes |\n| --- | --- | --- | --- |")
    first = next(iter(digests.values()))
    for (name, seconds), digest in zip(rows, digests.values()):
        print(f"| {name} | {seconds:.1f} | {rows[0][1] / seconds:.2f} | {'same' if digest == first else 'DIFFER'} |")
    if len(set(digests.values())) != 1:
        sys.exit("the merged bytes differ")


main()

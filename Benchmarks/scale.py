"""What shards cost: the same mailbox read by one process, and planned, worked on by several, and merged.

    python3 Benchmarks/scale.py --mails 100000                # a random tiny model: everything but the model is visible
    python3 Benchmarks/scale.py --mails 2000 --model bundled
    python3 Benchmarks/scale.py --model bundled --single 10000   # one process reads a tenth, and is reckoned up

Overhead is what planning, leases, markers, further starts of workers and the merge add: in CPU seconds beyond one process with
one thread, which a busy machine changes little, and in time beyond one process with as many threads as there are workers,
which it changes a lot. `plan` walks the input once and does nothing else, so that it is what ingestion takes.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--single", type=int, help="mails that the one process reads; all where it is not given")
    parser.add_argument("--words", type=int, default=8)
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="tiny", help="tiny, bundled, or a path")
    parser.add_argument("--lector", default=str(ROOT / ".build/release/lector"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lector-scale-") as name:
        measure(options, pathlib.Path(name))


def measure(options, folder):
    single = min(options.single or options.mails, options.mails)
    few, first = folder / "few", folder / "first"
    for path, count in ((folder, options.mails), (few, single), (first, 1)):
        path.mkdir(exist_ok=True)
        with open(path / "mails.mbox", "wb") as file:
            subprocess.run(
                [sys.executable, str(ROOT / "Tests/Scale/mails.py"), str(count), "--words", str(options.words)],
                stdout=file, check=True)
    model = [] if options.model == "bundled" else ["--model", str(folder / "model")]
    if options.model == "tiny":
        subprocess.run([sys.executable, str(ROOT / "Tests/Scale/tiny_model.py"), str(folder / "model")], check=True)
    elif options.model != "bundled":
        (folder / "model").symlink_to(pathlib.Path(options.model).resolve())
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    task = ["mails.mbox", *model, "--progress", "none", "--quiet"]

    def timed(*commands, threads=1, cwd=folder):
        before, began = cpu(), time.monotonic()
        running = [
            subprocess.Popen(
                [options.lector, *command], cwd=cwd, env={**environment, "LECTOR_THREADS": str(threads)},
                stderr=subprocess.DEVNULL)
            for command in commands]
        for process in running:
            if process.wait() not in (0, 1, 75):
                sys.exit(f"{process.args} ended with {process.returncode}")
        return cpu() - before, time.monotonic() - began

    share = options.mails / single

    def alone(name, threads):
        """One process; of a part of the mails without its start, which is measured with one mail, reckoned up."""
        found = timed(["classify", *task, "-o", f"{name}.jsonl", "--run", name], threads=threads, cwd=few)
        if share == 1:
            return found
        start = timed(["classify", *task, "-o", f"{name}.1.jsonl", "--run", f"{name}.1"], threads=threads, cwd=first)
        return [s + share * (x - s) for s, x in zip(start, found)]

    one, wide = alone("one", 1), alone("wide", options.workers)
    plan = timed(["plan", *task, "-o", "many.jsonl", "--run", "run", "--shards", str(options.shards)])
    work = timed(*[["work", "run", "--quiet"]] * options.workers)
    merge = timed(["merge", "run", "--quiet"])
    rows = (few / "one.jsonl").read_bytes()
    if (folder / "many.jsonl").read_bytes()[: len(rows) if share > 1 else None] != rows:
        sys.exit("the shards' rows are not those of one process")
    size = (folder / "mails.mbox").stat().st_size
    print(f"{options.mails} mails, {size / 1e6:.1f} MB, {options.model} model, {options.shards} shards, "
          f"{options.workers} workers" + (f"; one process: {single} mails, times {share:g}" if share > 1 else ""))
    for label, (seconds, wall) in [
            ("one process", one), (f"{options.workers} threads", wide), ("plan", plan), ("work", work), ("merge", merge)]:
        print(f"  {label:12} {seconds:8.2f} s CPU {wall:8.2f} s")
    over = plan[0] + work[0] + merge[0] - one[0]
    print(f"  beyond it    plan {plan[0] / one[0]:.1%}, work {(work[0] - one[0]) / one[0]:+.1%}, merge {merge[0] / one[0]:.1%} CPU")
    print(f"  overhead     {over:.2f} s CPU, {over / one[0]:.1%}; {1e6 * over / options.mails:.0f} us a mail; "
          f"time {(plan[1] + work[1] + merge[1]) / wide[1] - 1:+.1%}")


if __name__ == "__main__":
    main()

"""Two workers sent to one shard at the same moment, again and again: one wins, the other leaves, no row is there twice.

    python3 Tests/Scale/rivals.py [ROUNDS]

Each third round both are told to take the shard over, so that they replace each other in the middle; each third the
first is stopped, replaced as a silent one of another machine, and goes on when it has no right to the shard any more.
More rounds follow, of the last kind, should nobody have had to leave. LECTOR is the program to test.
"""

import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LECTOR = os.environ.get("LECTOR", str(ROOT / ".build/release/lector"))
SPARE = 6


def main(folder, rounds):
    environment = {**os.environ, "LECTOR_THREADS": "1", "XDG_STATE_HOME": str(folder / "state")}

    def start(*words):
        return subprocess.Popen([LECTOR, *words], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)

    def run(*words):
        process = start(*words)
        _, err = process.communicate()
        assert process.returncode == 0, f"{words}: {process.returncode} {err}"

    mails = 100 * (rounds + SPARE)
    with open(folder / "mails.mbox", "wb") as file:
        subprocess.run(
            [sys.executable, str(ROOT / "Tests/Scale/mails.py"), str(mails), "--words", "100"], stdout=file, check=True)
    subprocess.run([sys.executable, str(ROOT / "Tests/Scale/tiny_model.py"), str(folder / "tiny")], check=True)
    task = ["mails.mbox", "--model", "tiny", "--quiet", "--progress", "none"]
    run("classify", *task, "-o", "one.jsonl")
    run("plan", *task, "--run", "run", "-o", "many.jsonl", "--shards", str(rounds + SPARE))
    endings = collections.Counter()
    left = 0
    for number in range(rounds + SPARE):
        if number >= rounds and left:
            break
        shard = folder / f"run/shards/{number}"
        words = ["work", "run", "--shard", str(number), "--quiet", "--dead-after", "0.2"]
        kind = number % 3 if number < rounds else 2
        if kind == 1:
            words.append("--take-over")
        first = start(*words)
        if kind == 2:
            while first.poll() is None and not (shard / "worker-1/journal").exists():
                time.sleep(0.001)
            first.send_signal(signal.SIGSTOP)
            if first.poll() is None and not (shard / "done").exists():
                (shard / "worker-1/lock").write_text("another machine\n")
        second = start(*words)
        if kind == 2:
            second.wait()
            first.send_signal(signal.SIGCONT)
        statuses = [process.wait() for process in (first, second)]
        said = [process.communicate()[1] for process in (first, second)]
        assert set(statuses) <= {0, 75} and 0 in statuses, (number, statuses, said)
        assert (shard / "done").exists(), (number, statuses, said)
        endings[("at once", "both take over", "replaced while stopped")[kind], 75 in statuses] += 1
        left += 75 in statuses
    run("work", "run", "--quiet")
    run("merge", "run", "--quiet")
    one = (folder / "one.jsonl").read_bytes()
    assert (folder / "many.jsonl").read_bytes() == one != b""
    items = [json.loads(line)["item"] for line in one.splitlines()]
    assert len(items) == len(set(items)) == mails
    assert left, "nobody had to leave"
    print(f"{endings.total()} shards with two workers each, {left} times one had to leave: "
          "the bytes of one process, no row twice")
    for (kind, has_left), count in sorted(endings.items()):
        print(f"  {kind}: {count} times {'one left with 75' if has_left else 'the second found it finished'}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lector-rivals-") as name:
        main(pathlib.Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 12)

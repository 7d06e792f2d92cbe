#!/usr/bin/env python3
"""Changes files at random and has lector read them: no crash, no hang, rows for each file.

    fuzz.py LECTOR SEEDS_FOLDER SECONDS [SEED]

Bytes are changed, removed, doubled and joined from two files. Files are read a hundred at a time; when a
run of lector ends by a signal or takes over 60 s, its files are read one by one and those that do it again are
kept in ./fuzz-found. Exit 1 if there are any.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time


def changed(data, other, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 2, 4, 8, 30))):
        if not data:
            return bytes(other)
        at = rng.randrange(len(data))
        kind = rng.randrange(7)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.choice((1, 4, 60, 1000))]
        elif kind == 3:
            data[at:at] = data[at : at + rng.choice((1, 16, 400))]
        elif kind == 4:
            data[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
        elif kind == 5:
            start = rng.randrange(len(other) or 1)
            data[at:at] = other[start : start + rng.choice((10, 200, 3000))]
        else:
            del data[rng.randrange(len(data)) :]
    return bytes(data)


def run(lector, paths, limit):
    """None if all is well, else what happened."""
    try:
        done = subprocess.run([lector, "documents", *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit)
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode not in (0, 1):
        return "ends with %d: %s" % (done.returncode, done.stderr[-300:])
    return None


def main():
    lector, seeds, seconds = os.path.abspath(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    files = []
    for folder, _, names in os.walk(seeds):
        files += [os.path.join(folder, n) for n in names if os.path.getsize(os.path.join(folder, n)) < 200_000]
    files.sort()
    end = time.time() + seconds
    count = found = 0
    while time.time() < end:
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number in range(100):
                with open(rng.choice(files), "rb") as one, open(rng.choice(files), "rb") as two:
                    data = changed(one.read(), two.read(), rng)
                paths.append(os.path.join(folder, "%03d" % number))
                with open(paths[-1], "wb") as file:
                    file.write(data)
            count += len(paths)
            if run(lector, paths, 60):
                for path in paths:
                    what = run(lector, [path], 10)
                    if what:
                        found += 1
                        os.makedirs("fuzz-found", exist_ok=True)
                        kept = "fuzz-found/%d-%s" % (count, os.path.basename(path))
                        shutil.copy(path, kept)
                        print(kept, what, flush=True)
    print("%d files, %d findings" % (count, found))
    sys.exit(1 if found else 0)


main()

"""The same book under llama.cpp with SmolLM2-135M: how much of it fits, what its state weighs, what a question costs.

    python3 Benchmarks/states/book_llama.py BOOK.txt --server llama-server --model smollm2.gguf [--contexts 8192,32768]

BOOK.txt is what book.py made. For each context the beginning of the book that fills it is read once by llama-server, the slot is
saved, a fresh server restores it, and questions are asked behind it with the prompt cache on. Prints Markdown for
Benchmarks/LOG.md. `sh Benchmarks/peers.sh` builds the server and fetches the model.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

PORT = 18463
ROOM = 256  # tokens left for a question and its answer


def post(path, body, timeout=3600):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


class Server:
    def __init__(self, options, context, folder):
        self.process = subprocess.Popen(
            [options.server, "-m", options.model, "-c", str(context), "-np", "1", "-t", str(os.cpu_count()), "--port",
             str(PORT), "--slot-save-path", folder, "--no-warmup", "--no-context-shift"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            time.sleep(0.1)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=1)
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"llama-server ended with {self.process.returncode} at a context of {context}")
        sys.exit("llama-server did not answer within a minute")

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def complete(tokens, count):
    began = time.monotonic()
    answer = post("/completion", {"prompt": tokens, "n_predict": count, "cache_prompt": True, "id_slot": 0, "temperature": 0})
    return answer, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", type=pathlib.Path)
    parser.add_argument("--server", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--contexts", default="8192,32768")
    parser.add_argument("--questions", type=int, default=5)
    options = parser.parse_args()
    text = options.book.read_text()
    print("| context | tokens read | s | tokens/s | memory, MiB | saved state, MB | saved in s | restored in s | a question, s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for context in map(int, options.contexts.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            with Server(options, context, folder) as server:
                tokens = post("/tokenize", {"content": text[:context * 6]})["tokens"][:context - ROOM]
                _, seconds = complete(tokens, 1)
                memory = server.memory()
                began = time.monotonic()
                post("/slots/0?action=save", {"filename": "book.bin"})
                saving = time.monotonic() - began
                size = sum(path.stat().st_size for path in pathlib.Path(folder).iterdir())
            with Server(options, context, folder):
                began = time.monotonic()
                post("/slots/0?action=restore", {"filename": "book.bin"})
                restoring = time.monotonic() - began
                each = []
                for index in range(options.questions):
                    question = post("/tokenize", {"content": f"\n\nQuestion: Where is the key number {index} hidden?\nAnswer:"})
                    answer, took = complete(tokens + question["tokens"], 16)
                    assert answer["timings"]["prompt_n"] < 200, answer["timings"]
                    each.append(took)
            print(f"| {context} | {len(tokens)} | {seconds:.1f} | {len(tokens) / seconds:.0f} | {memory} | {size / 1e6:.1f} | "
                  f"{saving:.2f} | {restoring:.2f} | {sum(each) / len(each):.2f} |", flush=True)


main()

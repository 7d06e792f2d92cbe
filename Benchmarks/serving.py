"""lector serve beside llama.cpp's server, the same clients in turns: throughput and latency.

    python3 Benchmarks/serving.py LECTOR_MODEL GGUF [--rounds 2] [--seconds 25] [--clients 16] [--kernels avx2]

Both are the same checkpoint (`Benchmarks/make_random_checkpoint.py`, converted by each). llama.cpp's server is the one
named by --llama-server, or that in the xllamacpp wheel of PyPI, which is built for AVX2 and 2 threads as ours are: then
--kernels avx2 keeps Lector to the same instructions. Each part of a round has prompts that no part before had.
"""

import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "Server"))
from server import Server  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model")
parser.add_argument("gguf")
parser.add_argument("--rounds", type=int, default=2)
parser.add_argument("--seconds", type=float, default=25)
parser.add_argument("--clients", type=int, default=16)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--kernels", help="level of Lector's kernels; without it the fastest")
parser.add_argument("--llama-server", help="a llama-server; without it xllamacpp")
parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
options = parser.parse_args()
CONTEXT = 2048  # of each client's text


def serve_peer():
    """xllamacpp's server in this process, in the settings that suit this load best."""
    import xllamacpp

    print(xllamacpp.get_system_info(), file=sys.stderr, flush=True)
    params = xllamacpp.CommonParams()
    params.model.path = options.gguf
    params.port = options.port
    params.n_ctx, params.n_parallel, params.fit_params = CONTEXT * options.clients, options.clients, False
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads, cpu.poll = options.threads, 0
    # No prompt comes twice, so nothing is kept.
    params.cache_ram_mib, params.n_ctx_checkpoints, params.cache_idle_slots = 0, 0, False
    server = xllamacpp.Server(params)
    print(server.listening_address, file=sys.stderr, flush=True)
    while True:
        time.sleep(1)


@contextlib.contextmanager
def peer():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, __file__, options.model, options.gguf, "--peer", "--port", str(port),
               "--threads", str(options.threads), "--clients", str(options.clients)]
    if options.llama_server:
        command = [options.llama_server, "-m", options.gguf, "--port", str(port), "-c", str(CONTEXT * options.clients),
                   "-np", str(options.clients), "-t", str(options.threads), "--poll", "0", "--cache-ram", "0",
                   "--ctx-checkpoints", "0"]
    (ROOT / "Benchmarks" / "work").mkdir(exist_ok=True)
    with open(ROOT / "Benchmarks" / "work" / "serving-peer.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(url + "/health", timeout=2).status == 200:
                    break
            if process.poll() is not None:
                sys.exit("the peer ended; Benchmarks/work/serving-peer.log says why")
            time.sleep(0.5)
        yield url, process
    finally:
        process.terminate()
        process.wait()


def part(url, seed):
    """One part against one server."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "Tests" / "Server" / "load.py"), "--url", url, "--clients", str(options.clients),
         "--seconds", str(options.seconds), "--leaving", "0", "--seed", str(seed)],
        capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return json.loads(done.stdout)


def main():
    environment = {"LECTOR_THREADS": str(options.threads)}
    if options.kernels:
        environment["LECTOR_KERNELS"] = options.kernels
    rows = {"Lector": [], "llama.cpp": []}
    for number in range(options.rounds):
        # One at a time: an idle server of the other costs nothing, but its memory would.
        with Server("--model", options.model, "--log-level", "warning", "--threads", str(options.threads),
                    "--memory", "0.1", environment=environment) as server:
            rows["Lector"].append(part(server.url, number))
        with peer() as (url, _):
            rows["llama.cpp"].append(part(url, number))
    print(f"{options.clients} clients, {options.rounds} rounds of {options.seconds:.0f} s, {options.threads} threads, "
          f"kernels {options.kernels or 'fastest'}, load {os.getloadavg()[0]:.1f}\n")
    print("| | requests/s | prompt tokens/s | written tokens/s | s to the end, p50 / p90 / p99 | failed |")
    print("| --- | --- | --- | --- | --- | --- |")
    rate = {}
    for name, found in rows.items():
        middle = lambda key: statistics.median(one[key] for one in found)
        rate[name] = middle("prompt_tokens_per_second") + middle("written_tokens_per_second")
        times = " / ".join(f"{statistics.median(one['seconds_whole'][p] for one in found):.2f}" for p in ("p50", "p90", "p99"))
        print(f"| {name} | {middle('requests_per_second'):.2f} | {middle('prompt_tokens_per_second'):.0f} | "
              f"{middle('written_tokens_per_second'):.0f} | {times} | {sum(one['failed'] for one in found)} |")
    print(f"\ntokens/s: {rate['Lector'] / rate['llama.cpp']:.2f} times")


if __name__ == "__main__":
    serve_peer() if options.peer else main()

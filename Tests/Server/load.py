"""Clients of mixed length against the server: reliability, memory, latency. `python3 Tests/Server/load.py --help`.

With --url another server takes the same load, such as llama-server, for comparison.
"""

import argparse
import http.client
import json
import random
import threading
import time
import urllib.parse

from server import Server

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--clients", type=int, default=64)
parser.add_argument("--seconds", type=float, default=240)
parser.add_argument("--url", help="of a server that runs already")
parser.add_argument("--short", type=int, default=40, help="words of a short prompt")
parser.add_argument("--long", type=int, default=1200, help="words of a long prompt, one in eight")
parser.add_argument("--tokens", type=int, default=24, help="tokens of an answer at most")
parser.add_argument("--threads", type=int, default=2, help="of our server")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--patience", type=float, default=600, help="seconds that a client waits for an answer")
parser.add_argument("--leaving", type=float, default=0.02, help="share of clients that leave a stream early")
options = parser.parse_args()

WORDS = "the meeting report invoice on Monday for review and please send budget to Rotterdam before noon".split()


class Client(threading.Thread):
    def __init__(self, number, place, end):
        super().__init__(daemon=True)
        self.chance = random.Random(f"{options.seed} {number}")
        self.place, self.end = place, end
        self.done = []  # (seconds, seconds to the first text, tokens of the prompt, tokens written)
        self.left = 0
        self.failed = []
        self.turned_away = 0

    def run(self):
        while time.monotonic() < self.end:
            count = options.long if self.chance.random() < 1 / 8 else options.short
            prompt = " ".join(self.chance.choice(WORDS) for _ in range(self.chance.randrange(count // 2, count + 1)))
            streams = self.chance.random() < 0.5
            body = {"prompt": prompt, "max_tokens": self.chance.randrange(1, options.tokens + 1), "stream": streams,
                    "temperature": 0.8}
            if streams:
                body["stream_options"] = {"include_usage": True}
            leaves = streams and self.chance.random() < options.leaving
            try:
                self.one(body, leaves)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                self.failed.append(repr(error))

    def one(self, body, leaves):
        start = time.monotonic()
        connection = http.client.HTTPConnection(self.place, timeout=options.patience)
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        first, usage = None, None
        if response.status != 200:
            text = response.read().decode(errors="replace")
            if response.status == 429:
                self.turned_away += 1
                time.sleep(1)
            else:
                self.failed.append(f"{response.status} {text[:200]}")
        elif body["stream"]:
            last = None
            for line in response:
                if not line.startswith(b"data: "):
                    continue
                first = first or time.monotonic() - start
                if leaves:
                    self.left += 1
                    break
                last = line[6:].strip()
                if last == b"[DONE]":
                    break
                value = json.loads(last)
                if "error" in value:
                    raise ValueError(last[:200])
                usage = value.get("usage") or usage
            if not leaves and last != b"[DONE]":
                self.failed.append("the stream has no end")
        else:
            usage = json.loads(response.read())["usage"]
        connection.close()
        if usage:
            self.done.append((time.monotonic() - start, first, usage["prompt_tokens"], usage["completion_tokens"]))


def percentiles(values):
    values = sorted(values)
    return {f"p{share}": round(values[min(len(values) - 1, int(len(values) * share / 100))], 3) for share in (50, 90, 99)} if values else {}


def drive(place, resident):
    start = time.monotonic()
    end = start + options.seconds
    clients = [Client(number, place, end) for number in range(options.clients)]
    for client in clients:
        client.start()
    memory = []
    while time.monotonic() < end:
        time.sleep(min(10, max(0.1, end - time.monotonic())))
        if resident:
            memory.append(resident() >> 20)
    for client in clients:
        client.join(options.patience)
    seconds = time.monotonic() - start
    done = [one for client in clients for one in client.done]
    failed = [text for client in clients for text in client.failed]
    total = len(done) + len(failed)
    print(json.dumps({
        "clients": options.clients, "seconds": round(seconds, 1), "requests": total, "failed": len(failed),
        "success_percent": round(100 * len(done) / max(1, total), 3), "left_early": sum(client.left for client in clients),
        "turned_away": sum(client.turned_away for client in clients), "requests_per_second": round(len(done) / seconds, 2),
        "prompt_tokens_per_second": round(sum(one[2] for one in done) / seconds, 1),
        "written_tokens_per_second": round(sum(one[3] for one in done) / seconds, 1),
        "seconds_whole": percentiles([one[0] for one in done]),
        "seconds_first_text": percentiles([one[1] for one in done if one[1]]), "resident_mb": memory}, indent=1))
    for text in failed[:5]:
        print("failed:", text)
    return len(done) / max(1, total)


if options.url:
    drive(urllib.parse.urlsplit(options.url).netloc, None)
else:
    with Server("--log-level", "warning", "--memory", "0.25", "--threads", str(options.threads)) as server:
        share = drive(f"{server.host}:{server.port}", server.resident)
        assert share >= 0.999, share

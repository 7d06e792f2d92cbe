"""A lector-serve of the release build, started for a test on a free port and stopped after it."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("LECTOR_SERVE", ROOT / ".build/release/lector-serve"))


class Server:
    """`with Server("--queue", "4") as server:`; `server.log` is what it wrote to standard error."""

    def __init__(self, *flags, key=None, state_dir=None, environment=None, patience=120):
        self.folder = tempfile.mkdtemp(prefix="lector-server-")
        self.key = key
        self.patience = patience  # seconds that an answer may take
        self.state_dir = state_dir or self.folder + "/state"
        self.flags = list(flags)
        # Two threads that wait for each other are slower than one where others use the machine, as in a test.
        self.environment = {"LECTOR_THREADS": "1", **os.environ, **(environment or {})}
        self.lines = []
        if key:
            path = self.folder + "/keys"
            pathlib.Path(path).write_text("# keys of the test\n\n" + key + "\n")
            self.flags += ["--key-file", path]

    def __enter__(self):
        place = [] if "--socket" in self.flags else ["--port", "0"]
        self.process = subprocess.Popen(
            [str(PROGRAM), *place, "--state-dir", self.state_dir, *self.flags],
            stderr=subprocess.PIPE, text=True, errors="replace", env=self.environment)
        self.url = None
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.ready.wait(120) or self.url is None:
            self.stop(signal.SIGKILL)
            raise RuntimeError("lector-serve did not begin to listen:\n" + self.log)
        return self

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            match = re.search(r"listening on (http://([^ ,]+):(\d+)|unix:)", line)
            if match:
                self.url, self.host = match[1], match[2]
                self.port = int(match[3]) if match[3] else None
                self.ready.set()
        self.ready.set()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self):
        return "".join(self.lines)

    def stop(self, number=signal.SIGTERM, seconds=60):
        """Ends the server; the status it left with."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.reader.join(10)
        self.process.stderr.close()
        return status

    def resident(self):
        """Bytes of memory."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    # Requests

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=self.patience)

    def socket(self, seconds=30):
        return socket.create_connection((self.host, self.port), timeout=seconds)

    def raw(self, method, path, body=None, headers=None, connection=None):
        """Status, headers and bytes of an answer."""
        own = connection is None
        connection = connection or self.connect()
        headers = dict(headers or {})
        if self.key and "Authorization" not in headers:
            headers["Authorization"] = "Bearer " + self.key
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        if own:
            connection.close()
        return response.status, response.headers, data

    def call(self, method, path, body=None, headers=None):
        """Status and JSON of an answer."""
        status, _, data = self.raw(method, path, body, headers)
        return status, json.loads(data)

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body, **more):
        return self.call("POST", path, body, **more)

    def chat(self, text="Say something.", **members):
        return self.post("/v1/chat/completions", {"messages": [{"role": "user", "content": text}], **members})

    def complete(self, prompt="From: a@example.com\nSubject: ", **members):
        return self.post("/v1/completions", {"prompt": prompt, **members})

    def events(self, path, body):
        """The data lines of a stream, comments left out; the last one is `[DONE]` when all went well."""
        status, headers, data = self.raw("POST", path, {**body, "stream": True})
        if status != 200:
            raise AssertionError(f"{status}: {data!r}")
        assert headers["Content-Type"] == "text/event-stream", headers["Content-Type"]
        found = []
        for block in data.decode().split("\n\n"):
            for line in block.split("\n"):
                if line.startswith("data: "):
                    found.append(line[6:] if line[6:] == "[DONE]" else json.loads(line[6:]))
                else:
                    assert line == "" or line.startswith(":"), line
        return found

    def metric(self, name):
        """The value of a metric, its labels included in the name; 0 where it was never counted."""
        for line in self.raw("GET", "/metrics")[2].decode().splitlines():
            label, _, value = line.rpartition(" ")
            if label == name:
                return float(value)
        return 0.0


def wait_until(condition, seconds=20):
    """Whether a condition came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False

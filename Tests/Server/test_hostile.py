"""Connections that mean no good: `python3 Tests/Server/test_hostile.py`. The server answers others all the while."""

import json
import socket
import time
import unittest

from server import Server, wait_until

HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHAT = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4, "temperature": 0})


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--idle-time", "4", "--body-time", "3", "--max-body", "8")
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def tearDown(self):
        """Whatever happened, the next client is served, and nothing is left open."""
        self.assertEqual(self.server.chat(max_tokens=2)[0], 200)
        self.assertTrue(wait_until(lambda: self.server.metric("lector_requests_open") == 0))

    def answer(self, client):
        """Everything until the server closes."""
        found = b""
        try:
            while piece := client.recv(65536):
                found += piece
        except ConnectionResetError:
            pass
        return found

    def status(self, found):
        self.assertTrue(found.startswith(b"HTTP/1.1 "), found[:80])
        return int(found.split(b" ")[1])

    def test_a_body_of_100_megabytes(self):
        # Announced: refused before it is read.
        with self.server.socket() as client:
            client.sendall((HEAD + "Content-Length: 104857600\r\n\r\n").encode())
            time.sleep(0.2)
            found = self.answer_while_sending(client, 100)
        self.assertEqual(self.status(found), 413)
        self.assertIn(b"body_too_large", found)
        # In chunks of unknown number: refused where the limit is passed.
        before = self.server.resident()
        with self.server.socket() as client:
            client.sendall((HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode())
            found = self.answer_while_sending(client, 100, chunked=True)
        self.assertEqual(self.status(found), 413)
        self.assertLess(self.server.resident() - before, 64 << 20)

    def answer_while_sending(self, client, megabytes, chunked=False):
        block = b" " * (1 << 20)
        if chunked:
            block = b"100000\r\n" + block + b"\r\n"
        try:
            for _ in range(megabytes):
                client.sendall(block)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
        return self.answer(client)

    def test_slow_heads_and_bodies(self):
        head = self.server.socket()
        body = self.server.socket()
        body.sendall((HEAD + f"Content-Length: {len(CHAT)}\r\n\r\n").encode())
        start = time.monotonic()
        ended = {}
        for turn in range(200):
            for name, client, byte in (("head", head, b"G"), ("body", body, b" ")):
                if name in ended:
                    continue
                try:
                    client.sendall(byte)
                    client.settimeout(0.05)
                    if not client.recv(65536):
                        ended[name] = time.monotonic() - start
                except TimeoutError:
                    pass
                except OSError:
                    ended[name] = time.monotonic() - start
            if len(ended) == 2:
                break
            time.sleep(0.1)
        head.close()
        body.close()
        self.assertLess(ended.get("head", 99), 8)
        self.assertLess(ended.get("body", 99), 14)

    def test_a_slow_body_is_told_so(self):
        with self.server.socket() as client:
            client.sendall((HEAD + "Content-Length: 100\r\n\r\n{").encode())
            found = self.answer(client)
        self.assertEqual(self.status(found), 408)
        self.assertIn(b"body_timeout", found)

    def test_half_closed_connections(self):
        """Nobody reads on; neither before the body is whole, nor after it, nor with none."""
        for text in (HEAD, HEAD + "Content-Length: 100\r\n\r\n{", HEAD + f"Content-Length: {len(CHAT)}\r\n\r\n{CHAT}", ""):
            with self.server.socket() as client:
                client.sendall(text.encode())
                client.shutdown(socket.SHUT_WR)
                found = self.answer(client)
                if found:
                    self.assertLess(self.status(found), 500)

    def test_a_reader_that_does_not_read(self):
        clients = []
        for _ in range(4):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.connect((self.server.host, self.server.port))
            body = json.dumps({"prompt": "a", "n": 16, "max_tokens": 64, "stream": True, "logprobs": 20})
            client.sendall(
                f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            clients.append(client)
        self.assertEqual(self.server.chat(max_tokens=2)[0], 200)
        for client in clients:
            client.close()

    def test_a_thousand_connections(self):
        clients = []
        for number in range(1000):
            client = self.server.socket()
            if number % 2:
                client.sendall(b"GET /health HTT")
            clients.append(client)
        start = time.monotonic()
        self.assertEqual(self.server.get("/health")[0], 200)
        self.assertEqual(self.server.chat(max_tokens=2)[0], 200)
        self.assertLess(time.monotonic() - start, 10)
        for client in clients:
            client.settimeout(20)
            self.assertEqual(client.recv(100), b"")
            client.close()

    def test_what_is_no_http(self):
        for text in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 4096, b"GET / HTTP/9.9\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200000 + b"\r\n\r\n",
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /%ff%fe%00/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ):
            with self.server.socket() as client:
                client.sendall(text)
                found = self.answer(client)
                if found:
                    self.assertIn(self.status(found) // 100, (4,), (text[:60], found[:80]))


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""What the server promises, by the standard library alone: `python3 Tests/Server/test_server.py`."""

import concurrent.futures
import json
import os
import signal
import socket
import struct
import tempfile
import time
import unittest

from server import Server, wait_until

PROMPT = "From: mira@example.org\nTo: list@example.org\nSubject: meeting on Monday\n\nDear all,\n"
LONG = "The meeting on Monday begins at nine, and everybody brings a chair. " * 60


def text_of(answer):
    choice = answer["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


def streamed(events):
    """The texts, reasons and usage of a stream."""
    texts, reasons, usage = {}, {}, None
    for event in events[:-1]:
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            piece = choice["delta"].get("content") if "delta" in choice else choice["text"]
            texts[choice["index"]] = texts.get(choice["index"], "") + (piece or "")
            if choice["finish_reason"]:
                reasons[choice["index"]] = choice["finish_reason"]
    return texts, reasons, usage


class Shared(unittest.TestCase):
    """Tests that share one server."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.flags)
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def refused(self, answer, status, code=None, param=...):
        """An answer is OpenAI's error object, all four keys."""
        self.assertEqual(answer[0], status, answer[1])
        self.assertEqual(list(answer[1]), ["error"])
        self.assertEqual(sorted(answer[1]["error"]), ["code", "message", "param", "type"])
        self.assertTrue(answer[1]["error"]["message"])
        if code:
            self.assertEqual(answer[1]["error"]["code"], code)
        if param is not ...:
            self.assertEqual(answer[1]["error"]["param"], param)


class Endpoints(Shared):
    flags = ("--alias", "reader", "--request-time", "60")

    def test_what_there_is(self):
        self.assertEqual(self.server.get("/health"), (200, {"status": "ok"}))
        status, models = self.server.get("/v1/models")
        self.assertEqual([model["id"] for model in models["data"]], ["reader", "bundled"])
        self.assertEqual(self.server.get("/v1/models/bundled")[1]["object"], "model")
        status, headers, body = self.server.raw("HEAD", "/v1/models")
        self.assertEqual((status, body), (200, b""))
        document = self.server.get("/openapi.json")[1]
        for path, item in document["paths"].items():
            for method in item:
                status, headers, _ = self.server.raw(method.upper(), path.replace("{id}", "none"))
                self.assertNotEqual(status, 405, (method, path))

    def test_chat_whole_and_in_chunks(self):
        body = {"temperature": 0, "max_tokens": 24}
        words = "Say something that nobody has said before, and say it in the way of a ship's captain at sea."
        status, answer = self.server.chat(words, **body)
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["object"], "chat.completion")
        self.assertEqual(answer["model"], "reader")
        usage = answer["usage"]
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])
        events = self.server.events(
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": words}], **body,
             "stream_options": {"include_usage": True}})
        self.assertEqual(events[-1], "[DONE]")
        self.assertEqual(events[0]["choices"][0]["delta"], {"role": "assistant", "content": ""})
        self.assertEqual(len({(event["id"], event["created"]) for event in events[:-1]}), 1)
        self.assertEqual(events[-2]["choices"], [])
        texts, reasons, told = streamed(events)
        self.assertEqual(texts[0], text_of(answer))
        self.assertEqual(reasons[0], answer["choices"][0]["finish_reason"])
        self.assertEqual(told["completion_tokens"], usage["completion_tokens"])
        # The prompt had been read.
        self.assertEqual(told["prompt_tokens_details"]["cached_tokens"], told["prompt_tokens"])

    def test_parameters_do_what_they_say(self):
        base = dict(temperature=0, max_tokens=16)
        plain = self.server.complete(PROMPT, **base)[1]
        text = text_of(plain)
        self.assertGreater(len(text), 4)
        self.assertEqual(text_of(self.server.complete(PROMPT, **base)[1]), text)
        stop = text[2:5]
        cut = self.server.complete(PROMPT, **base, stop=[stop])[1]
        self.assertEqual((text_of(cut), cut["choices"][0]["finish_reason"]), (text[: text.index(stop)], "stop"))
        short = self.server.complete(PROMPT, temperature=0, max_tokens=3)[1]
        self.assertEqual(short["usage"]["completion_tokens"], 3)
        self.assertEqual(short["choices"][0]["finish_reason"], "length")
        self.assertTrue(text.startswith(text_of(short)))
        logs = self.server.complete(PROMPT, **base, logprobs=3)[1]["choices"][0]["logprobs"]
        self.assertEqual("".join(logs["tokens"]), text)
        self.assertTrue(all(len(top) in (3, 4) for top in logs["top_logprobs"]))
        first = self.server.post("/tokenize", {"content": logs["tokens"][0]})[1]["tokens"]
        banned = self.server.complete(PROMPT, **base, logit_bias={str(first[0]): -100})[1]
        self.assertFalse(text_of(banned).startswith(logs["tokens"][0]))
        seeded = [text_of(self.server.complete(PROMPT, max_tokens=16, seed=seed)[1]) for seed in (7, 7, 8)]
        self.assertEqual(seeded[0], seeded[1])
        self.assertNotEqual(seeded[0], seeded[2])
        choices = self.server.complete(PROMPT, max_tokens=8, n=3, seed=1)[1]["choices"]
        self.assertEqual(len({choice["text"] for choice in choices}), 3)
        one = self.server.complete(PROMPT, max_tokens=8, structured_outputs={"choice": ["yes", "no"]})[1]
        self.assertIn(text_of(one), ("yes", "no"))
        repeated = self.server.complete([PROMPT, PROMPT], **base)[1]["choices"]
        self.assertEqual([choice["text"] for choice in repeated], [text, text])

    def test_structured_output_under_streaming_n_and_limits(self):
        schema = {"type": "object", "required": ["name", "tags"], "additionalProperties": False, "properties": {
            "name": {"type": "string", "maxLength": 8}, "tags": {"type": "array", "maxItems": 3, "items": {"enum": ["a", "b"]}}}}
        wanted = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
        for limit in (2, 8, 64):
            events = self.server.events(
                "/v1/chat/completions",
                {"messages": [{"role": "user", "content": "A thing"}], "n": 4, "seed": limit, "stop": ["a", "\""],
                 "max_tokens": limit, "response_format": wanted})
            texts, reasons, _ = streamed(events)
            self.assertEqual(len(reasons), 4)
            for index, reason in reasons.items():
                if reason == "stop":
                    value = json.loads(texts[index])
                    self.assertEqual(sorted(value), ["name", "tags"])
                    self.assertLessEqual(len(value["name"]), 8)
                    self.assertTrue(set(value["tags"]) <= {"a", "b"})
                else:
                    self.assertEqual(reason, "length")
        self.assertIn("stop", reasons.values())

    def test_refusals(self):
        post = self.server.post
        chat = "/v1/chat/completions"
        self.refused(post(chat, b"{"), 400, "invalid_json")
        self.refused(post(chat, b""), 400, "invalid_json")
        self.refused(post(chat, b'{"messages": "\xff"}'), 400, "invalid_json")
        self.refused(post(chat, b"[" * 100000), 400, "invalid_json")
        self.refused(post(chat, {}), 400, param="messages")
        self.refused(self.server.chat(temperature="warm"), 400, param="temperature")
        self.refused(self.server.chat(temperature=3), 400, param="temperature")
        self.refused(self.server.chat(top_logprobs="4", logprobs=True), 400, param="top_logprobs")
        self.refused(self.server.chat(tools=[{"type": "function"}]), 400, "unsupported_parameter", "tools")
        self.refused(self.server.chat(temprature=1), 400, "unknown_parameter", "temprature")
        self.refused(self.server.chat(model="gpt-5"), 404, "model_not_found", "model")
        self.refused(self.server.chat(stream_options={"include_usage": True}), 400, param="stream_options")
        # A schema that cannot be enforced is refused before a stream begins.
        bad = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "(?=a)b"}}}
        self.refused(self.server.chat(response_format=bad, stream=True), 400, "unsupported_schema", "response_format")
        self.refused(self.server.complete([10**8]), 400, param="prompt")
        self.refused(self.server.complete("a " * 10, max_tokens=2**31 - 1), 400, "context_length_exceeded")
        self.refused(self.server.complete(state="0" * 64), 404, "state_not_found", "state")
        self.refused(self.server.get("/v1/nothing"), 404)
        self.refused(self.server.get(chat), 405, "method_not_allowed")
        self.refused(post(chat, {}, headers={"Content-Type": "text/plain"}), 415)
        self.refused(self.server.get("/v1/models", headers={"Host": "evil.example"}), 403, "foreign_origin")
        self.refused(
            post(chat, {"messages": []}, headers={"Origin": "https://evil.example"}), 403, "foreign_origin")
        status, headers, _ = self.server.raw("DELETE", "/v1/models")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

    def test_request_ids(self):
        self.assertEqual(self.server.raw("GET", "/health", headers={"X-Request-Id": "mine-1"})[1]["x-request-id"], "mine-1")
        other = self.server.raw("GET", "/health", headers={"X-Request-Id": "a b; <script>"})[1]["x-request-id"]
        self.assertRegex(other, "^[0-9a-f]{24}$")

    def test_metrics(self):
        self.server.complete(PROMPT, max_tokens=2)
        status, headers, body = self.server.raw("GET", "/metrics")
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        for line in body.decode().splitlines():
            self.assertRegex(
                line, r'^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? -?[0-9.e+]+)$')
        self.assertGreater(self.server.metric('lector_completions_total{outcome="done"}'), 0)
        self.assertGreater(self.server.metric("process_resident_memory_bytes"), 1e7)

    def test_what_comes_together_is_read_once(self):
        before = [self.server.metric(f'lector_tokens_total{{kind="{kind}"}}') for kind in ("read", "cached")]
        prompts = [LONG + f"Question {number}: when?" for number in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda prompt: self.server.complete(prompt, max_tokens=1, temperature=0)[1], prompts))
        after = [self.server.metric(f'lector_tokens_total{{kind="{kind}"}}') for kind in ("read", "cached")]
        total = sum(answer["usage"]["prompt_tokens"] for answer in answers)
        read, cached = after[0] - before[0], after[1] - before[1]
        self.assertEqual(read + cached, total)
        self.assertLess(read, total / 4)

    def test_progress_of_a_long_prompt(self):
        events = self.server.events(
            "/v1/completions", {"prompt": "A new beginning. " + LONG * 3, "max_tokens": 1, "return_progress": True})
        told = [event["prompt_progress"] for event in events[:-1] if "prompt_progress" in event]
        self.assertGreater(len(told), 2)
        self.assertEqual(told[-1]["processed"], told[-1]["total"])
        self.assertEqual(sorted(told, key=lambda one: one["processed"]), told)

    def test_states(self):
        document = "Reference 4711: the shipment leaves Rotterdam on 12 May. " * 20
        status, state = self.server.post("/v1/states", {"prompt": document, "title": "shipment"})
        self.assertEqual((status, state["object"], state["title"]), (200, "state", "shipment"), state)
        self.assertEqual(state["tokens"], state["usage"]["prompt_tokens"])
        self.assertIn(state["id"], [one["id"] for one in self.server.get("/v1/states")[1]["data"]])
        ids = self.server.post("/tokenize", {"content": document})[1]["tokens"]
        more = self.server.post("/tokenize", {"content": " Where to?"})[1]["tokens"]
        whole = self.server.complete(ids + more, temperature=0, max_tokens=12)[1]
        behind = self.server.complete(more, temperature=0, max_tokens=12, state=state["id"])[1]
        self.assertEqual(text_of(behind), text_of(whole))
        self.assertEqual(behind["usage"]["prompt_tokens"], len(more))
        # A fork goes on; what it came from stays.
        events = self.server.events("/v1/states", {"prompt": more, "state": state["id"], "return_progress": True})
        fork = next(event for event in events if event != "[DONE]" and event["object"] == "state")
        self.assertEqual(fork["tokens"], state["tokens"] + len(more))
        self.assertEqual(
            text_of(self.server.complete("", state=fork["id"], temperature=0, max_tokens=12)[1]), text_of(whole))
        self.assertEqual(self.server.call("DELETE", "/v1/states/" + fork["id"])[1]["deleted"], True)
        self.refused(self.server.get("/v1/states/" + fork["id"]), 404, "state_not_found")
        self.assertEqual(self.server.get("/v1/states/" + state["id"])[0], 200)
        self.refused(self.server.post("/v1/states", {"prompt": "x", "n": 2}), 400, "unknown_parameter", "n")

    def test_a_client_that_leaves_is_let_go(self):
        for streams in (False, True):
            name = 'lector_completions_total{outcome="left"}'
            before = self.server.metric(name)
            body = json.dumps({"prompt": PROMPT, "max_tokens": 4000, "stream": streams, "logit_bias": self.endless()})
            with self.server.socket() as client:
                client.sendall(
                    f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
                self.assertTrue(wait_until(lambda: self.server.metric("lector_requests_open") > 0))
                # Closed with what it was sent unread.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.assertTrue(wait_until(lambda: self.server.metric("lector_requests_open") == 0))
            self.assertEqual(self.server.metric(name), before + 1)

    def endless(self):
        """A bias against the ends of texts."""
        return {str(token): -100 for token in range(3)}


class Guarded(Shared):
    flags = ("--queue", "2", "--parallel", "1")

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.flags, key="sesame-4711-open")
        cls.server.__enter__()

    def test_keys(self):
        self.assertEqual(self.server.get("/v1/models")[0], 200)
        for header in ("Bearer wrong", "Bearer sesame-4711-opex", "sesame-4711-open", ""):
            answer = self.server.get("/v1/models", headers={"Authorization": header})
            self.refused(answer, 401, "invalid_api_key")
            self.refused(self.server.get("/metrics", headers={"Authorization": header}), 401)
        self.assertEqual(self.server.get("/health", headers={"Authorization": ""})[0], 200)

    def test_a_full_queue(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda seed: self.server.complete(max_tokens=60, seed=seed), range(8)))
        self.assertEqual({status for status, _ in answers}, {200, 429})
        for status, answer in answers:
            if status == 429:
                self.refused((status, answer), 429, "queue_full")

    def test_the_log_has_no_key_and_no_text(self):
        secret = "zanzibar-umbrella"
        self.server.complete(secret, max_tokens=2)
        self.server.chat(secret, temperature="warm")
        self.server.chat(secret, **{secret: 1})
        self.server.get("/v1/models/" + secret)
        self.server.get("/" + secret + "?key=" + secret)
        self.server.get("/v1/models", headers={"X-Request-Id": secret + " <b>", "Authorization": "Bearer " + secret})
        self.server.post("/v1/states", {"prompt": secret * 3, "title": secret})
        self.assertTrue(wait_until(lambda: self.server.log.count("completion") > 1))
        log = self.server.log
        self.assertIn("request=", log)
        self.assertIn("unknown_parameter", log)
        for word in (secret, "sesame", "4711"):
            self.assertNotIn(word, log)


class Lives(unittest.TestCase):
    def test_a_shutdown_keeps_long_prompts(self):
        with tempfile.TemporaryDirectory() as states:
            prompt = LONG * 12
            with Server("--grace", "0", state_dir=states) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
                answer = pool.submit(server.complete, prompt, max_tokens=1, temperature=0)
                self.assertTrue(wait_until(lambda: server.metric("lector_steps_total") > 5, 120))
                self.assertEqual(server.stop(), 0)
                status, error = answer.result()
                self.assertEqual((status, error["error"]["code"]), (503, "shutting_down"))
            with Server(state_dir=states) as server:
                first = server.complete(prompt, max_tokens=8, temperature=0)[1]
                usage = first["usage"]
                self.assertGreater(usage["prompt_tokens_details"]["cached_tokens"], 2048)
                self.assertLess(usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"])
            with Server() as server:
                self.assertEqual(text_of(server.complete(prompt, max_tokens=8, temperature=0)[1]), text_of(first))

    def test_signs_of_life_while_a_long_prompt_is_read(self):
        with Server("--ping", "1") as server:
            body = json.dumps({"prompt": LONG * 40, "max_tokens": 1, "stream": True})
            connection = server.connect()
            connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
            # The first line there is: the prompt takes longer than a second.
            self.assertEqual(connection.getresponse().readline(), b": still at work\n")
            connection.close()

    def test_a_shutdown_lets_answers_end(self):
        with Server("--grace", "30") as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(server.complete, PROMPT, max_tokens=150, temperature=0)
            self.assertTrue(wait_until(lambda: server.metric("lector_requests_open") > 0))
            self.assertEqual(server.stop(signal.SIGINT), 0)
            self.assertEqual(answer.result()[0], 200)

    def test_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/lector.sock"
            with Server("--socket", path):
                self.assertEqual(os.stat(path).st_mode & 0o077, 0)
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(path)
                    client.sendall(b"GET /health HTTP/1.1\r\nHost: lector\r\n\r\n")
                    self.assertIn(b'"ok"', client.recv(4096))
                with self.assertRaisesRegex(RuntimeError, "another server listens"):
                    Server("--socket", path).__enter__()

    def test_wrong_starts(self):
        for flags, words in (
            (["--host", "0.0.0.0"], "--key-file"),
            (["--port", "70000"], "65535"),
            (["--model", "/nothing/here"], "there is no model"),
            (["--key-file", "/nothing/here"], "cannot read the key file"),
        ):
            with self.assertRaisesRegex(RuntimeError, words):
                Server(*flags).__enter__()


if __name__ == "__main__":
    unittest.main(verbosity=2)

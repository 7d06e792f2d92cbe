"""openai 3.x against the server: run by clients.sh, in an environment that has them."""

import asyncio
import unittest

import openai

from asked import MESSAGES, Thing
from server import Server


class OpenAI(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(key="sesame")
        cls.server.__enter__()
        cls.settings = dict(base_url=cls.server.url + "/v1", api_key="sesame", max_retries=0)
        cls.client = openai.OpenAI(**cls.settings)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def chat(self, **more):
        return self.client.chat.completions.create(model="bundled", messages=MESSAGES, **more)

    def test_chat(self):
        answer = self.chat(temperature=0, max_completion_tokens=16, logprobs=True, top_logprobs=2)
        self.assertEqual(answer.object, "chat.completion")
        self.assertTrue(answer.choices[0].message.content)
        tokens = answer.choices[0].logprobs.content
        self.assertEqual("".join(token.token for token in tokens), answer.choices[0].message.content)
        self.assertEqual(len(tokens[0].top_logprobs), 2)
        self.assertIsNotNone(answer.usage.prompt_tokens_details.cached_tokens)
        raw = self.client.chat.completions.with_raw_response.create(model="bundled", messages=MESSAGES, max_tokens=1)
        self.assertTrue(raw.headers["x-request-id"])

    def test_every_parameter_of_the_endpoint(self):
        answer = self.chat(
            stop=["zzz"], frequency_penalty=0.5, presence_penalty=0.5, top_p=0.9, temperature=0.7, max_tokens=8,
            logit_bias={"5": -100}, seed=3, n=2, logprobs=True, top_logprobs=1, user="me",
            extra_body={"min_p": 0.05, "top_k": 40})
        again = self.chat(
            stop=["zzz"], frequency_penalty=0.5, presence_penalty=0.5, top_p=0.9, temperature=0.7, max_tokens=8,
            logit_bias={"5": -100}, seed=3, n=2, extra_body={"min_p": 0.05, "top_k": 40})
        self.assertEqual([c.message.content for c in answer.choices], [c.message.content for c in again.choices])

    def test_stream(self):
        whole = self.chat(temperature=0, max_tokens=16)
        text, usage = "", None
        for chunk in self.chat(temperature=0, max_tokens=16, stream=True, stream_options={"include_usage": True}):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)
        with self.client.chat.completions.stream(model="bundled", messages=MESSAGES, temperature=0, max_tokens=16) as stream:
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].message.content, text)

    def test_stream_closed_early(self):
        stream = self.chat(temperature=1, max_tokens=2000, stream=True)
        next(iter(stream))
        stream.close()
        self.assertTrue(self.chat(max_tokens=2).choices)

    def test_parse(self):
        answer = self.client.chat.completions.parse(model="bundled", messages=MESSAGES, response_format=Thing, max_tokens=200)
        self.assertIsInstance(answer.choices[0].message.parsed, Thing)
        with self.client.chat.completions.stream(
            model="bundled", messages=MESSAGES, response_format=Thing, max_tokens=200
        ) as stream:
            self.assertIsInstance(stream.get_final_completion().choices[0].message.parsed, Thing)
        with self.assertRaises(openai.LengthFinishReasonError):
            self.client.chat.completions.parse(model="bundled", messages=MESSAGES, response_format=Thing, max_tokens=2)

    def test_completions_and_models(self):
        answer = self.client.completions.create(model="bundled", prompt=["a", "b"], max_tokens=4, logprobs=2, n=2)
        self.assertEqual(len(answer.choices), 4)
        self.assertEqual([model.id for model in self.client.models.list()], ["bundled"])
        self.assertEqual(self.client.models.retrieve("bundled").id, "bundled")

    def test_errors(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(temperature=5)
        self.assertEqual(caught.exception.param, "temperature")
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="other", messages=MESSAGES)
        self.assertEqual(caught.exception.code, "model_not_found")
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(**{**self.settings, "api_key": "wrong"}).models.list()

    def test_async(self):
        async def many():
            async with openai.AsyncOpenAI(**self.settings) as client:
                async def one(seed):
                    text = ""
                    async for chunk in await client.chat.completions.create(
                        model="bundled", messages=MESSAGES, seed=seed % 4, max_tokens=12, stream=True
                    ):
                        text += chunk.choices[0].delta.content or ""
                    return text

                return await asyncio.gather(*(one(seed) for seed in range(16)))

        texts = asyncio.run(many())
        self.assertEqual(texts[:4] * 4, texts)

        async def whole():
            async with openai.AsyncOpenAI(**self.settings) as client:
                chat = client.chat.completions
                plain = await chat.create(model="bundled", messages=MESSAGES, seed=2, max_tokens=12)
                parsed = await chat.parse(model="bundled", messages=MESSAGES, response_format=Thing, max_tokens=200)
                async with chat.stream(model="bundled", messages=MESSAGES, response_format=Thing, max_tokens=200) as stream:
                    streamed = await stream.get_final_completion()
                with self.assertRaises(openai.BadRequestError):
                    await chat.create(model="bundled", messages=MESSAGES, top_p=0)
                return plain, parsed, streamed, [model.id async for model in client.models.list()]

        plain, parsed, streamed, models = asyncio.run(whole())
        self.assertEqual(plain.choices[0].message.content, texts[2])
        for answer in (parsed, streamed):
            self.assertIsInstance(answer.choices[0].message.parsed, Thing)
        self.assertEqual(models, ["bundled"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

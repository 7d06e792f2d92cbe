"""litellm, llm, langextract and instructor against the server: run by clients.sh, in an environment that has them."""

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

# The list of other models' prices is asked of the network otherwise.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
warnings.filterwarnings("ignore", category=UserWarning)

import instructor
import instructor.core
import langextract
import litellm
import openai
import pydantic
from langextract.providers.openai import OpenAILanguageModel

from asked import MESSAGES, Thing
from server import Server


class Note(pydantic.BaseModel):
    """Without an enum, which instructor takes from no stream."""

    name: str = pydantic.Field(max_length=12)
    count: int = pydantic.Field(ge=0, le=9)


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(key="sesame")
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_litellm(self):
        settings = dict(model="openai/bundled", api_base=self.server.url + "/v1", api_key="sesame", messages=MESSAGES)
        whole = litellm.completion(**settings, temperature=0, max_tokens=16)
        text = whole.choices[0].message.content
        self.assertTrue(text)
        usage = whole.usage
        self.assertIn(usage.completion_tokens, range(1, 17))
        self.assertGreater(usage.prompt_tokens, 4)
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        chunks = litellm.completion(**settings, temperature=0, max_tokens=16, stream=True)
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), text)
        text_settings = {**settings, "model": "text-completion-openai/bundled"}
        prompt = dict(prompt="Dear", temperature=0, max_tokens=8)
        del text_settings["messages"]
        self.assertTrue(litellm.text_completion(**text_settings, **prompt).choices[0].text)

        async def later():
            whole = await litellm.acompletion(**settings, temperature=0, max_tokens=16)
            chunks = await litellm.acompletion(**settings, temperature=0, max_tokens=16, stream=True)
            return whole.choices[0].message.content, [chunk.choices[0].delta.content or "" async for chunk in chunks]

        whole, pieces = asyncio.run(later())
        self.assertEqual((whole, "".join(pieces)), (text, text))
        every = dict(stop=["zzz"], frequency_penalty=0.5, presence_penalty=0.5, top_p=0.9, temperature=0.7, max_tokens=8,
                     logit_bias={"5": -100}, seed=3, n=2, logprobs=True, top_logprobs=1, min_p=0.05)
        seeded = [litellm.completion(**settings, **every) for _ in range(2)]
        self.assertEqual(*([choice.message.content for choice in one.choices] for one in seeded))
        self.assertEqual(len(seeded[0].choices), 2)
        with self.assertRaises(litellm.BadRequestError):
            litellm.completion(**settings, temperature=9)
        with self.assertRaises(litellm.AuthenticationError):
            litellm.completion(**{**settings, "api_key": "wrong"})
        schema = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {"a": {"enum": [1, 2]}}}
        answer = litellm.completion(
            **settings, max_tokens=64,
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}})
        self.assertIn(json.loads(answer.choices[0].message.content)["a"], (1, 2))

    def test_llm(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "extra-openai-models.yaml").write_text(
                f"- model_id: lector\n  model_name: bundled\n  api_base: {self.server.url}/v1\n  api_key_name: lector\n"
                "  supports_schema: true\n")
            pathlib.Path(folder, "keys.json").write_text('{"lector": "sesame"}')
            llm = str(pathlib.Path(sys.executable).parent / "llm")

            def run(*words):
                return subprocess.run(
                    [llm, "-m", "lector", *words], env={**os.environ, "LLM_USER_PATH": folder}, text=True, timeout=120,
                    capture_output=True, check=True).stdout.strip()

            text = run("Name a colour.", "-o", "temperature", "0", "-o", "max_tokens", "16")
            self.assertTrue(text)
            whole = run("Name a colour.", "-o", "temperature", "0", "-o", "max_tokens", "16", "--no-stream")
            self.assertEqual(text, whole)
            schema = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {"a": {"enum": [1, 2]}}}
            self.assertIn(json.loads(run("A number", "--schema", json.dumps(schema)))["a"], (1, 2))

    def test_langextract(self):
        extraction = langextract.data.Extraction(extraction_class="place", extraction_text="Rotterdam")
        examples = [langextract.data.ExampleData(text="The ship left Rotterdam.", extractions=[extraction])]
        # The answer must be a list of extractions; what stands in them is the model's.
        schema = {"type": "object", "required": ["extractions"], "additionalProperties": False, "properties": {
            "extractions": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
                "type": "object", "required": ["place"], "additionalProperties": False, "properties": {
                    "place": {"enum": ["Lisbon", "Oslo"]}}}}}}
        model = OpenAILanguageModel(
            model_id="bundled", api_key="sesame", base_url=self.server.url + "/v1", max_workers=2, temperature=0,
            response_format={"type": "json_schema", "json_schema": {"name": "places", "schema": schema}})
        found = langextract.extract(
            "They met in Oslo, then in Lisbon.", prompt_description="Places.", examples=examples, model=model,
            show_progress=False, fence_output=False)
        self.assertEqual(len(found.extractions), 1)
        self.assertIn(found.extractions[0].extraction_text, ("Lisbon", "Oslo"))
        self.assertIsNotNone(found.extractions[0].char_interval)

    def test_instructor(self):
        settings = dict(model="bundled", messages=MESSAGES, max_tokens=200, max_retries=0)
        address = dict(base_url=self.server.url + "/v1", api_key="sesame")

        def make(mode):
            client = instructor.from_openai(openai.OpenAI(**address), mode=mode)
            return client.chat.completions.create(response_model=Thing, **settings)

        for _ in range(4):
            self.assertIsInstance(make(instructor.Mode.JSON_SCHEMA), Thing)
        client = instructor.from_openai(openai.OpenAI(**address), mode=instructor.Mode.JSON_SCHEMA)
        *_, last = client.create_partial(response_model=Note, **settings)
        self.assertIn(last.count, range(10))
        thing, answer = client.create_with_completion(response_model=Thing, **settings)
        self.assertIsInstance(thing, Thing)
        self.assertGreater(answer.usage.total_tokens, 0)

        async def one():
            async with openai.AsyncOpenAI(**address) as plain:
                client = instructor.from_openai(plain, mode=instructor.Mode.JSON_SCHEMA)
                return await client.create(response_model=Thing, **settings)

        self.assertIsInstance(asyncio.run(one()), Thing)
        # Without the schema in the request a small model writes an object that is none of these.
        try:
            make(instructor.Mode.JSON)
        except instructor.core.InstructorRetryException as error:
            text = error.last_completion.choices[0].message.content
            self.assertIsInstance(json.loads(text), dict)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")

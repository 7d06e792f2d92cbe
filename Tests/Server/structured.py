"""Structured output under streaming, n, stop and max_tokens: every text is valid or ends with `length`.

Schemas are those of a JSONSchemaBench folder (SCHEMAS, one file each, or JSON lines with `json_schema`), or made at
random when there is none. Needs jsonschema.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import time

import jsonschema

from server import Server

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("schemas", nargs="*", help="files or folders of schemas; none: random ones")
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--seconds", type=float, default=240)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
chance = random.Random(options.seed)


def made(depth=0):
    """A schema of the keywords that people use."""
    kind = chance.choice(["string", "integer", "number", "boolean", "enum", "const", "object", "array", "union"][: 9 if depth < 3 else 6])
    if kind == "string":
        return chance.choice([
            {"type": "string"}, {"type": "string", "maxLength": chance.randrange(1, 20)},
            {"type": "string", "minLength": 2, "maxLength": 6}, {"type": "string", "pattern": "^[a-c]{2,4}$"},
            {"type": "string", "format": "date"}, {"type": "string", "format": "uuid"}])
    if kind == "integer":
        low = chance.randrange(-50, 50)
        return chance.choice([{"type": "integer"}, {"type": "integer", "minimum": low, "maximum": low + chance.randrange(100)}])
    if kind == "number":
        return {"type": "number", "minimum": 0, "exclusiveMaximum": chance.choice([1, 10, 2.5])}
    if kind == "boolean":
        return {"type": ["boolean", "null"]}
    if kind == "enum":
        return {"enum": chance.sample(["red", "grün", "青", 1, 2.5, None, True, "a\"b\\c"], chance.randrange(1, 5))}
    if kind == "const":
        return {"const": chance.choice(["x", 7, {"a": [1]}])}
    if kind == "array":
        least = chance.randrange(3)
        return {"type": "array", "items": made(depth + 1), "minItems": least, "maxItems": least + chance.randrange(3)}
    if kind == "union":
        return {"anyOf": [made(depth + 1) for _ in range(chance.randrange(2, 4))]}
    names = chance.sample(["name", "age", "größe", "tags", "id", "note"], chance.randrange(1, 5))
    return {"type": "object", "properties": {name: made(depth + 1) for name in names},
            "required": chance.sample(names, chance.randrange(len(names) + 1)), "additionalProperties": False}


def schemas():
    if not options.schemas:
        for _ in range(options.count):
            yield made()
        return
    files = []
    for place in map(pathlib.Path, options.schemas):
        files += sorted(path for path in place.rglob("*.json*") if path.is_file()) if place.is_dir() else [place]
    found = []
    for path in files:
        for line in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            value = json.loads(line)
            value = value.get("json_schema", value.get("schema", value)) if isinstance(value, dict) else value
            found.append(json.loads(value) if isinstance(value, str) else value)
    yield from chance.sample(found, min(options.count, len(found)))


def validator(schema):
    """Of the draft that the schema names, or the newest that it is a schema of."""
    named = jsonschema.validators.validator_for(schema, default=None)
    drafts = [jsonschema.Draft202012Validator, jsonschema.Draft7Validator, jsonschema.Draft4Validator]
    for draft in ([named] if named else []) + drafts:
        try:
            draft.check_schema(schema)
        except jsonschema.SchemaError:
            continue
        return draft(schema, format_checker=draft.FORMAT_CHECKER)
    raise ValueError("this is a schema of no draft")


def ask(server, schema, seed):
    """How each of the texts of one request ended; None where the schema is refused."""
    streams, count = seed % 2 == 0, seed % 3 + 1
    body = {
        "messages": [{"role": "user", "content": "Fill it in."}], "n": count, "seed": seed,
        "max_tokens": (8, 64, 256)[seed // 6 % 3], "stop": ["}", "\n", "a"], "temperature": (0, 1)[seed // 2 % 2],
        "response_format": {"type": "json_schema", "json_schema": {"name": "it", "schema": schema, "strict": True}}}
    if streams:
        try:
            events = server.events("/v1/chat/completions", body)
        except AssertionError as error:
            status, answer = int(str(error).split(":")[0]), str(error)
        else:
            status, texts, reasons = 200, {}, {}
            for event in events[:-1]:
                for choice in event.get("choices", []):
                    texts[choice["index"]] = texts.get(choice["index"], "") + (choice["delta"].get("content") or "")
                    reasons[choice["index"]] = choice["finish_reason"] or reasons.get(choice["index"])
            answer = [(texts[index], reasons[index]) for index in sorted(reasons)]
    else:
        status, answer = server.post("/v1/chat/completions", body)
        if status == 200:
            answer = [(choice["message"]["content"], choice["finish_reason"]) for choice in answer["choices"]]
    if status != 200:
        return status, answer, []
    ends = []
    for text, reason in answer:
        if reason == "length":
            ends.append("length")
            continue
        try:
            # Year 0 is one of RFC 3339 and none of Python's.
            validator(schema).validate(json.loads(text.replace('"0000-', '"2000-')))
            ends.append("valid")
        except (ValueError, jsonschema.ValidationError) as error:
            ends.append("invalid")
            print("INVALID", json.dumps(schema), repr(text), str(error).splitlines()[0])
    if len(ends) != count:
        ends.append("invalid")
    return status, answer, ends


counts = {"schemas": 0, "refused": 0, "failed": 0, "valid": 0, "length": 0, "invalid": 0}
end = time.monotonic() + options.seconds
with Server("--queue", "64", patience=600) as server, concurrent.futures.ThreadPoolExecutor(16) as pool:
    def one(job):
        seed, schema = job
        return (schema, *ask(server, schema, seed)) if time.monotonic() < end else None

    for result in pool.map(one, enumerate(schemas())):
        if result is None:
            continue
        schema, status, answer, ends = result
        counts["schemas"] += 1
        if status == 400:
            counts["refused"] += 1
        elif status != 200:
            counts["failed"] += 1
            print("FAILED", status, json.dumps(schema)[:300], answer)
        for how in ends:
            counts[how] += 1
print(json.dumps(counts))
assert counts["invalid"] == 0 and counts["failed"] == 0 and counts["valid"] > 0

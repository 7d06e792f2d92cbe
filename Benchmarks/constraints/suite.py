"""JSON-Schema-Test-Suite as a folder that maskbench reads.

    python Benchmarks/constraints/suite.py SUITE/tests/draft2020-12 OUT

One file a schema. Members of instances stay as they are; maskbench tries the schema's order as well.
"""
import json
import pathlib
import sys

source, out = map(pathlib.Path, sys.argv[1:3])
out.mkdir(parents=True, exist_ok=True)
for path in sorted(source.glob("*.json")):
    for number, case in enumerate(json.loads(path.read_text())):
        tests = [{"valid": t["valid"], "data": t["data"], "description": t["description"]} for t in case["tests"]]
        (out / f"{path.stem}-{number}.json").write_text(json.dumps({"schema": case["schema"], "tests": tests}, ensure_ascii=False))

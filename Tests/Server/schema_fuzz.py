"""schemathesis over the server's own OpenAPI document: no answer is a 5xx, none breaks the document, none hangs."""

import argparse
import pathlib
import subprocess
import sys

from server import Server

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--examples", type=int, default=100, help="requests of each operation and phase at most")
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

# What the document cannot say (a token that the model lacks, a schema that cannot be enforced) is refused, so that
# not all that fits it is accepted. Texts are short: what is fuzzed is the request, not the writing; where one is long all
# the same, the server ends it before the client does. One worker: two that parse Python at once end each other's parse in
# CPython 3.11 ("AST constructor recursion depth mismatch").
with Server("--max-tokens", "4", "--request-time", "8") as server:
    status = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "st"), "run", server.url + "/openapi.json", "--url", server.url,
         "--checks", "all", "--exclude-checks", "positive_data_acceptance", "--max-examples", str(options.examples),
         "--seed", str(options.seed), "--request-timeout", "90",
         "--suppress-health-check", "all"],
        cwd=server.folder).returncode
    alive = server.get("/health") == (200, {"status": "ok"})
    print("status", status, "alive", alive, "resident MB", server.resident() >> 20)
sys.exit(status or not alive)

#!/bin/sh
# clients.sh [ENVIRONMENTS]: the server under clients that people use, from PyPI: openai and instructor in one
# environment, litellm, llm and langextract in another (they may pin an older openai), schemathesis in a third; and the
# draws of every random parameter against numpy. SCHEMAS names a folder of schemas, such as JSONSchemaBench's `data`.
# The server is built before; nothing but PyPI is asked of the network.
set -eu
cd "$(dirname "$0")/../.."
folder=${1:-.build/clients}
python=${PYTHON:-python3}

environment() {
    name=$1
    shift
    [ -x "$folder/$name/bin/python" ] || "$python" -m venv "$folder/$name"
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

mkdir -p "$folder"
environment openai 'openai>=3,<4' instructor 'jsonschema[format]' numpy
environment litellm litellm llm langextract
environment schemathesis schemathesis

failed=0
"$folder/openai/bin/python" Tests/Server/clients_openai.py || failed=1
"$folder/litellm/bin/python" Tests/Server/clients_litellm.py || failed=1
"$folder/openai/bin/python" Tests/Server/draws.py || failed=1
"$folder/openai/bin/python" Tests/Server/structured.py --seconds "${SECONDS_EACH:-60}" ${SCHEMAS:+"$SCHEMAS"} || failed=1
"$folder/schemathesis/bin/python" Tests/Server/schema_fuzz.py --examples "${EXAMPLES:-100}" || failed=1
exit $failed

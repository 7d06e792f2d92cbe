#!/bin/sh
# clients.sh [ENVIRONMENTS]: the server under clients that people use, from PyPI: the newest openai in one
# environment, litellm, llm, langextract and instructor in another (instructor's jiter wants an older one), schemathesis in a third; and the
# draws of every random parameter against numpy. The environments are kept, in .build/clients unless named, so that only the
# first call needs the network, and that PyPI alone. The server is built before.
#
#   SCHEMAS=FOLDER      schemas, such as JSONSchemaBench's `data`; without it made at random
#   SECONDS_EACH=60     how long schemas are asked for
#   EXAMPLES=100        requests that schemathesis makes of each operation and phase
#   SETUP_SECONDS=900   how long an environment may take to be made
#
# Exit 0 all pass, 1 some do not, 75 skipped: no environments could be made here.
set -eu
cd "$(dirname "$0")/../.."
folder=${1:-.build/clients}
python=${PYTHON:-python3}

skip() {
    echo "skipped: the server's clients from PyPI: $*" >&2
    exit 75
}

# environment NAME PACKAGE...: a virtual environment with these packages, made anew when the list has changed.
environment() {
    name=$1
    shift
    place=$folder/$name
    if [ "$(cat "$place/packages" 2>/dev/null)" = "$*" ]; then return; fi
    rm -rf "$place"
    "$python" -m venv "$place" >"$folder/log" 2>&1 ||
        skip "$python makes no virtual environments; on Debian: apt-get install python3-venv"
    timeout "${SETUP_SECONDS:-900}" "$place/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 \
        --timeout 60 --prefer-binary "$@" >"$folder/log" 2>&1 ||
        skip "pip could not install $* ($(grep -v '^\[notice\]' "$folder/log" | tail -n 1 | cut -c 1-200))"
    echo "$*" >"$place/packages"
}

command -v "$python" >/dev/null 2>&1 || skip "there is no $python; on Debian: apt-get install python3-venv"
mkdir -p "$folder"
environment openai openai==3.57.0 'jsonschema[format]==4.26.0' numpy==2.4.6
# With an openai that all of them take.
environment litellm openai==3.3.0 litellm==1.110.2 llm==0.36 langextract==1.7.1 instructor==1.17.0
environment schemathesis schemathesis==4.32.5

failed=0
"$folder/openai/bin/python" Tests/Server/clients_openai.py || failed=1
"$folder/litellm/bin/python" Tests/Server/clients_litellm.py || failed=1
"$folder/openai/bin/python" Tests/Server/draws.py || failed=1
"$folder/openai/bin/python" Tests/Server/structured.py --seconds "${SECONDS_EACH:-60}" ${SCHEMAS:+"$SCHEMAS"} || failed=1
"$folder/schemathesis/bin/python" Tests/Server/schema_fuzz.py --examples "${EXAMPLES:-100}" || failed=1
exit $failed

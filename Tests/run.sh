#!/bin/sh
# run.sh: everything that must hold before a change goes in. Sets up what a bare Debian with Swift
# and git lacks, then: formatting, imports, build, the embedding example, the server, planned runs, the demo, tests.
set -eu
cd "$(dirname "$0")/.."
. Examples/setup.sh

lector_log=$(mktemp)
trap 'rm -f "$lector_log"' EXIT

# skip WHAT: one sentence about what could not be checked here; the last line counts them.
skipped=0
skip() {
    skipped=$((skipped + 1))
    say "skipped: $*"
}

set_up

say "formatting: swift format lint --strict"
swift format lint --strict -p -r Sources Tests Examples/Embed/Sources Examples/Embed/Package.swift \
    Server/Sources Server/Package.swift Package.swift

say "imports: each file against its target's own dependencies"
sh Tests/check-imports.sh

# With --build-tests the products of the demo and of the tests come out of one build.
with_progress "swift build -c release --build-tests" \
    swift build -c release --build-tests --explicit-target-dependency-import-check error
grep -E '^(Build complete|.*warning:)' "$lector_log" | tail -n 20 || true

if command -v python3 >/dev/null 2>&1; then
    say "the example mailbox is what its script writes"
    python3 Examples/make_mailbox.py --check
else
    skip "the example mailbox is what its script writes: that needs python3"
fi

# The same build folder, so that the library is not built twice.
with_progress "Examples/Embed: the library in twenty lines" \
    swift build -c release --package-path Examples/Embed --scratch-path .build
answer=$(.build/release/Embed Examples/hostile/wrong-charset.eml)
case $answer in
"Examples/hostile/wrong-charset.eml spam "* | "Examples/hostile/wrong-charset.eml ham "*) say "  $answer" ;;
*) fail "Examples/Embed printed: $answer" ;;
esac

# Hummingbird's manifest needs it.
if [ "$major" -gt 6 ] || [ "$minor" -ge 2 ]; then
    with_progress "Server: lector serve, a package of its own" \
        swift build -c release --package-path Server --scratch-path .build
    if command -v python3 >/dev/null 2>&1; then
        say "the server under its clients, and under hostile ones"
        python3 Tests/Server/test_server.py
        python3 Tests/Server/test_hostile.py
        # Few of everything; Tests/Server/clients.sh says how to ask for more.
        say "the server under clients from PyPI"
        status=0
        SETUP_SECONDS=300 SECONDS_EACH=20 EXAMPLES=8 sh Tests/Server/clients.sh || status=$?
        case $status in
        0) ;;
        75) skip "the server's clients from PyPI (the line above says why)" ;;
        *) exit $status ;;
        esac
    else
        skip "the server's tests need python3 (apt-get install python3-venv)"
    fi
else
    skip "the server needs Swift 6.2 or newer"
fi

say "planned runs: two workers on one shard, GNU parallel, Kubernetes' commands, a lost node of Ray"
if command -v python3 >/dev/null 2>&1; then
    for engine in rivals parallel kubernetes ray; do
        status=0
        SETUP_SECONDS=90 sh Tests/Scale/run.sh $engine || status=$?
        case $status in
        0) ;;
        69) skip "planned runs under $engine (the line above says why)" ;;
        *) exit $status ;;
        esac
    done
else
    skip "planned runs need python3 (apt-get install python3-venv)"
fi

say "Examples/demo.sh"
sh Examples/demo.sh </dev/null

say "swift test -c release"
swift test -c release --skip-build
say "all green, $skipped skipped"

#!/bin/sh
# demo.sh: from a fresh clone to a classified mailbox. Sets up what a bare Debian with Swift and git lacks,
# builds, labels the example mailbox with the bundled model, kills that with -9 half way, goes on, and compares
# the bytes with those of a run that nobody disturbed. Everything it writes lies under .build.
set -eu
cd "$(dirname "$0")/.."
. Examples/setup.sh

demo=.build/demo
lector=.build/release/lector
mailbox=Examples/mailbox.mbox
stop_at=31

mkdir -p "$demo"
lector_log=$demo/build.log
rm -rf "$demo/killed.run" "$demo/whole.run" "$demo"/*.jsonl "$demo"/*.html "$demo"/*.txt
# Runs and states of the demo stay out of the user's own.
XDG_STATE_HOME=$PWD/$demo/state
export XDG_STATE_HOME

set_up
with_progress "building lector (the first time takes minutes, later seconds)" \
    swift build -c release --product lector || exit 70

# Rows that are on disk for good.
committed() { if [ -f "$demo/killed.run/journal" ]; then wc -l <"$demo/killed.run/journal"; else echo 0; fi; }

total=$(grep -c '^From ' "$mailbox")
say "labelling $total mails; kill -9 once $stop_at are done"
"$lector" classify "$mailbox" --labels spam,ham --run "$demo/killed.run" -o "$demo/killed.jsonl" &
child=$!
trap 'kill $child 2>/dev/null; exit 130' INT
stopped=0
while kill -0 $child 2>/dev/null && [ "$stopped" -lt $stop_at ]; do
    sleep 0.05
    before=$stopped
    stopped=$(committed)
    if [ "$before" -eq 0 ] && [ "$stopped" -gt 0 ]; then say "the first label is there"; fi
done
kill -9 $child 2>/dev/null || true
wait $child 2>/dev/null || true
trap - INT
if [ -t 2 ]; then printf '\r\033[K' >&2; fi
stopped=$(committed)
if [ "$stopped" -eq 0 ]; then
    echo "lector classify ended before it had labelled anything" >&2
    exit 70
fi

say "killed at $stopped of $total; going on from there"
"$lector" resume "$demo/killed.run"

say "the same mailbox once more, undisturbed"
began=$(date +%s%N)
"$lector" classify "$mailbox" --labels spam,ham --run "$demo/whole.run" -o "$demo/whole.jsonl"
ended=$(date +%s%N)
if cmp -s "$demo/killed.jsonl" "$demo/whole.jsonl"; then
    identical="resumed, bytes identical"
else
    identical="resumed, BYTES DIFFER (a bug: please report it)"
fi
"$lector" eval "$demo/whole.jsonl" --gold Examples/mailbox.labels.jsonl -o "$demo/report.html" \
    >"$demo/scores.txt"

# The one screen.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    red=$(printf '\033[31m') green=$(printf '\033[32m') bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
    red="" green="" bold="" plain=""
fi

# One row as "  spam  0.998  subject", and what the gold label is where it is another. Escapes of the JSON stay as
# they are, so nothing of a mail acts on the terminal.
show() {
    gold=$(sed -n "$1s/.*\"label\": \"\([^\"]*\)\".*/\1/p" Examples/mailbox.labels.jsonl)
    sed -n "$1p" "$demo/whole.jsonl" | awk -v red="$red" -v green="$green" -v plain="$plain" -v gold="$gold" '
        function field(name) {
            if (!match($0, "\"" name "\": (\"([^\"\\\\]|\\\\.)*\"|[0-9.]+)")) return ""
            value = substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4)
            gsub(/^"|"$/, "", value)
            return value
        }
        { label = field("label")
          printf "  %s%-5s%s %.3f  %.60s%s\n", label == "spam" ? red : green, label, plain,
              field("probability"), field("subject"), label == gold ? "" : "  (is " gold ")" }'
}

nanoseconds=$((ended - began))
speed=$(awk -v n="$total" -v ns="$nanoseconds" 'BEGIN { printf "%.1f mails/s", n / ns * 1e9 }')
accuracy=$(sed -n 's/^accuracy *\([0-9.]* %\).*(\(.*\)).*$/\2 right (\1)/p' "$demo/scores.txt")

echo
echo "${bold}$mailbox, read offline by the bundled model${plain}"
echo
for number in 1 3 6 7 37 43; do show $number; done
echo
echo "  $accuracy against Examples/mailbox.labels.jsonl"
echo "  $speed on $(getconf _NPROCESSORS_ONLN) cores, loading the model included"
echo "  stopped at $stopped of $total, $identical"
echo "  report: $demo/report.html"
echo
echo "${bold}Your own mailbox, your own labels, the report:${plain}"
echo "  $lector classify ~/mail.mbox -o my.csv"
echo "  $lector classify ~/mail.mbox --labels work,family,spam -o my.csv"
echo "  xdg-open $demo/report.html"
cmp -s "$demo/killed.jsonl" "$demo/whole.jsonl" || exit 70

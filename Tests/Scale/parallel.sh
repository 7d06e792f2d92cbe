#!/bin/sh
# parallel.sh: the first step beyond one process, GNU parallel, as docs/scaling.md tells it; two of its workers are killed
# on the way. LECTOR is the program to test.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD
. Tests/Scale/engines.sh
need parallel parallel
need pgrep procps
command -v python3 >/dev/null || skip "there is no python3"
LECTOR=${LECTOR:-$here/.build/release/lector}
folder=$(mktemp -d /tmp/lector-parallel-XXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# HOME: parallel keeps a note there that it has been told of its citation.
export LECTOR_THREADS=1 XDG_STATE_HOME="$folder/state" HOME="$folder"

python3 "$here/Tests/Scale/mails.py" 2400 >mails.mbox
python3 "$here/Tests/Scale/tiny_model.py" tiny
"$LECTOR" classify mails.mbox --model tiny --quiet --progress none -o one.jsonl
"$LECTOR" plan mails.mbox --model tiny -o many.jsonl --run big --shards 6

# 75 and a kill are tried again, up to nine times; --joblog and --resume-failed go on after a stop of parallel itself.
seq 0 5 | parallel --will-cite -j2 --retries 10 --joblog big.log \
    "$LECTOR" work big --shard {} --allow-partial --quiet --threads 1 2>parallel.log &
parallel=$!
killed=0
for shard in 0 3; do
    while kill -0 $parallel 2>/dev/null; do
        worker=$(pgrep -f "^$LECTOR work big --shard $shard " | head -n 1 || true)
        [ -n "$worker" ] && [ -s big/shards/"$shard"/worker-1/journal ] && break
        [ -e big/shards/"$shard"/done ] && break
        sleep 0.02
    done
    if [ -n "${worker-}" ] && kill -9 "$worker" 2>/dev/null; then killed=$((killed + 1)); fi
done
wait $parallel || { cat parallel.log big.log >&2; exit 1; }
"$LECTOR" merge big --quiet
cmp one.jsonl many.jsonl
[ $killed -gt 0 ] || { echo "parallel.sh: nothing was killed" >&2; exit 1; }
echo "6 shards under GNU parallel, $killed workers killed: the bytes of one process"

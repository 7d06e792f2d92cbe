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

python3 "$here/Tests/Scale/mails.py" 2400 --words 100 >mails.mbox
python3 "$here/Tests/Scale/tiny_model.py" tiny
"$LECTOR" classify mails.mbox --model tiny --quiet --progress none -o one.jsonl
"$LECTOR" plan mails.mbox --model tiny -o many.jsonl --run big --shards 6

# 75 and a kill are tried again, up to nine times; --joblog and --resume-failed go on after a stop of parallel itself.
seq 0 5 | parallel --will-cite -j2 --retries 10 --joblog big.log \
    "$LECTOR" work big --shard {} --allow-partial --quiet --threads 1 2>parallel.log &
parallel=$!
killed=0
while [ $killed -lt 2 ] && kill -0 $parallel 2>/dev/null; do
    for shard in 0 1 2 3 4 5; do
        # A worker that has rows is stopped first, and lost if it is not through; a shard loses one at most.
        [ $killed -lt 2 ] && [ -s big/shards/$shard/worker-1/journal ] && [ ! -e lost-$shard ] || continue
        worker=$(pgrep -f "^$LECTOR work big --shard $shard " | head -n 1 || true)
        [ -n "$worker" ] && kill -STOP "$worker" 2>/dev/null || continue
        if [ ! -e big/shards/$shard/done ]; then
            : >lost-$shard
            killed=$((killed + 1))
            kill -9 "$worker"
        else
            kill -CONT "$worker"
        fi
    done
    sleep 0.01
done
wait $parallel || { cat parallel.log big.log >&2; exit 1; }
"$LECTOR" merge big --quiet
cmp one.jsonl many.jsonl
[ $killed -gt 0 ] || { echo "parallel.sh: nothing was killed" >&2; exit 1; }
echo "6 shards under GNU parallel, $killed workers killed: the bytes of one process"

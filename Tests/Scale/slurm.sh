#!/bin/sh
# slurm.sh: `lector slurm` on Debian's Slurm, in a network namespace that reaches nothing. Eight shards, one of which must
# leave in the middle and is queued again, then the merge. Slow: Slurm waits two minutes before it starts a requeued task.
# Needs root, and installs slurm-wlm and munge where they are missing. LECTOR is the program to test.
set -eu
cd "$(dirname "$0")/../.."
if [ "${1-}" != inside ]; then
    . Tests/Scale/engines.sh
    [ "$(id -u)" = 0 ] || skip "Slurm's daemons need root"
    need slurmctld slurm-wlm munge
    need munged munge
    need_network_namespace
    exec unshare -n -u sh "$0" inside
fi
ip link set lo up
# Slurm listens where its host's name leads, and resolves no name on a machine that has no address but 127.0.0.1.
hostname localhost
ip address add 127.0.0.2/32 dev lo
here=$PWD
LECTOR=${LECTOR:-$here/.build/release/lector}
folder=$(mktemp -d /tmp/lector-slurm-XXXX)
started=
finish() {
    status=$?
    if [ -n "$started" ]; then
        # shellcheck disable=SC2086
        kill $started 2>/dev/null || true
        wait
    fi
    [ $status = 0 ] || tail -n 20 "$folder"/*.log "$folder"/run/slurm/*.log >&2 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 143' INT TERM
cd "$folder"
chmod 755 .
export SLURM_CONF="$folder/slurm.conf" LECTOR_THREADS=1 XDG_STATE_HOME="$folder/state"

head -c 1024 /dev/urandom >munge.key
chmod 400 munge.key
munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" \
    >munged.log 2>&1 &
started=$!
cat >slurm.conf <<CONF
ClusterName=made
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
StateSaveLocation=$folder/slurmctld
SlurmdSpoolDir=$folder/slurmd
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobs.log
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=made Nodes=localhost Default=YES State=UP
CONF
mkdir slurmctld slurmd
for _ in $(seq 50); do [ -S munge.socket ] && break; sleep 0.2; done
slurmctld -D >slurmctld.log 2>&1 &
started="$started $!"
slurmd -D -N localhost >slurmd.log 2>&1 &
started="$started $!"
for _ in $(seq 100); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.3; done
sinfo -h -o %T | grep -q idle || { echo "slurm.sh: the cluster did not come up" >&2; exit 1; }

python3 "$here/Tests/Scale/mails.py" 1400 --words 200 >mails.mbox
python3 "$here/Tests/Scale/mails.py" 0 --text 45000 >text.txt
python3 "$here/Tests/Scale/tiny_model.py" tiny
task="mails.mbox text.txt --model tiny --checkpoint-tokens 8192"
# shellcheck disable=SC2086
{
    "$LECTOR" classify $task --quiet --progress none -o one.jsonl
    "$LECTOR" plan $task -o many.jsonl --run run --shards 8
}
# The text is the last row, and a shard of its own.
last=$(($(python3 -c 'import json; print(len(json.load(open("run/shards.json"))["shards"]))') - 1))
"$LECTOR" slurm run --submit --time 10 | tee submitted
array=$(sed -n 's/^shards: job //p' submitted)
merge=$(sed -n 's/^merge: job //p' submitted)

# Slurm's own warning before a time limit, sent early to the task that reads the text.
for _ in $(seq 600); do
    ls run/shards/"$last"/worker-1/states/row-* >/dev/null 2>&1 && break
    sleep 0.1
done
scancel --signal=TERM --batch "${array}_$last"
echo "task $last was told to leave"
for _ in $(seq 1800); do
    state=$(squeue -h -j "$merge" -o %T 2>/dev/null || true)
    [ -n "$state" ] || break
    sleep 0.2
done
grep -q . many.jsonl || { echo "slurm.sh: no result; the merge is ${state:-gone}" >&2; exit 1; }
cmp one.jsonl many.jsonl
grep -q 'stopped in shard' run/slurm/shard-"$last".log || { echo "slurm.sh: no task had to leave" >&2; exit 1; }
again=$(cat run/shards/*/done | sed -n 's/.*"readAgain": \([0-9]*\).*/\1/p' | paste -sd+ | bc 2>/dev/null ||
    cat run/shards/*/done | python3 -c 'import re,sys; print(sum(map(int, re.findall(r"\"readAgain\": ?(\d+)", sys.stdin.read()))))')
echo "8 shards, one requeued: the bytes of one process; $again tokens read again"
[ "$again" = 0 ]

#!/bin/bash
# Runs on the GPU machine (see NOTES.md: issue all calls in one group; a machine idle for 30 s is gone with all that is on it).
# One verb a call; the working folder $T/w survives between calls while the machine is warm. The parts are prepare.sh's.
#   device.sh begin PART SCRIPT PHASE=SECONDS... [-- SCRIPT PHASE=SECONDS...]
#                               set the deadlines (seconds after `begin`), start train.py or leave_one_out.py: it tunes kernels.
#                               On two GPUs one script shares both; after `--` comes another for the second, in $T/w2
#   device.sh add PART          take another part
#   device.sh go PART           the last part: join the GGUF and the weights (START.pt), unpack the mixture, tokenize the general text
#                               unless it came as tokens, and make FILES more files of mixture with WORKERS processes beside the trainer;
#                               for the second script all that it reads, too
#   device.sh wait S [NAME]     until S seconds after `begin`; brings home the grids of checkpoint NAME
#   device.sh finish S          wait for the weights, pack them, wait for the scores until S
#   device.sh masters I         the I-th four parts (0, 1, 2) of the weights in bf16
# Every wait ends early when the trainer stands still or is gone, and says so: lease time is not for sleeping.
set -u
export T=${TMPDIR:-/tmp}; W=$T/w; S=$T/s
if [ "$1" != begin ] && [ ! -e $W/begin ]; then echo "a bare machine: nothing began here"; exit 1; fi
export PYTHONPATH=$T/site PYTHONUNBUFFERED=1 TRITON_CACHE_DIR=$T/tritoncache OMP_NUM_THREADS=4 PYTORCH_ALLOC_CONF=expandable_segments:True
age() { echo $(( $(date +%s) - $(cat $W/begin) )); }
wait_until() { # SECONDS [FILE]
  while [ "$(age)" -lt $1 ] && [ ! -e "${2:-/nonexistent}" ]; do
    if [ -e $W/over ] || [ $(( $(date +%s) - $(stat -c %Y $W/log 2>/dev/null || date +%s) )) -gt 150 ]; then echo "THE TRAINER STANDS STILL"; tail -n 20 $W/log $W/out* $W/data.out; break; fi
    sleep 0.5
  done
}
case $1 in
begin)
  mkdir -p $W $S/data; date +%s > $W/begin
  nvidia-smi --query-gpu=name,memory.used --format=csv,noheader
  part=$2; export SCRIPT=$3 SECOND=; shift 3; b=$(cat $W/begin); all=; w=$W
  deadlines() { echo "{${all#, }}" > $w/deadlines.json; cat $w/deadlines.json; all=; }
  while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then deadlines; SECOND=$2; w=$T/w2; mkdir -p $w; shift 2; continue; fi
    all="$all, \"${1%=*}\": $((b + ${1#*=}))"; shift
  done; deadlines
  cp $part/* $S/data/; cp $part/*.py $part/tokenizer.json $S/; cp $part/eval.npz $W/; cp $part/loo.npz $w/ 2>/dev/null; set -- begin $part
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target $T/site $2/*.whl
  cd $S
  cat > $S/guard.sh <<'G'
# Six helpers compile one kernel configuration each into Triton's cache; the trainer then only has to measure them.
for i in 0 1 2 3 4 5; do mkdir -p $T/w/pre$i; PRETUNE=$i timeout 100 python3 $SCRIPT $T/w/pre$i x x > $T/w/pre$i/out 2>&1 & done; wait
gpus=$(nvidia-smi -L | wc -l)
if [ "$SECOND" ]; then CUDA_VISIBLE_DEVICES=1 python3 $SECOND $T/w2 $T/s/data $T/s/tokenizer.json > $T/w2/out 2>&1 & export CUDA_VISIBLE_DEVICES=0; gpus=1; fi
for try in 1 2 3; do
  pids=""; failed=0
  for r in $(seq 0 $((gpus - 1))); do
    RANK=$r WORLD=$gpus MASTER_ADDR=127.0.0.1 MASTER_PORT=$((29500 + try)) python3 $SCRIPT $T/w $T/s/data $T/s/tokenizer.json > $T/w/out$r.$try 2>&1 & pids="$pids $!"
  done
  for p in $pids; do wait -n || { failed=1; kill $pids 2>/dev/null; }; done; wait
  [ $failed = 0 ] && break
done
touch $T/w/over
G
  setsid nohup bash guard.sh > $W/out 2>&1 < /dev/null & ;;
add) cp $2/* $S/data/; ls $S/data | wc -l;;
go)
  cp $2/* $S/data/; cd $S
  cat > $S/data.sh <<'G'
for k in masters grids; do if [ ! -e $T/w/${START:=start}.pt ] && [ -e data/$k.index.json ]; then python3 pack.py unpack data $k $T/w/start.tmp && mv $T/w/start.tmp $T/w/$START.pt; fi; done
cat data/gguf.?? > $T/w/teacher.tmp && mv $T/w/teacher.tmp $T/w/teacher.gguf
for x in data/*.npz.xz data/*.npy.??.xz; do [ -e $x ] || continue  # FOLDER@FILE; a stream of tokens in parts
  n=$(basename $x .xz | tr @ /); mkdir -p $(dirname $T/w/$n); (xz -dc $x > $T/w/$n.part && mv $T/w/$n.part $T/w/$n) & done; wait
for n in held stream; do if [ -e $T/w/$n.npy.00 ]; then cat $T/w/$n.npy.?? > $T/w/$n.part && mv $T/w/$n.part $T/w/$n.npy; fi; done
without() { CORPORA=$1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 nice -n 5 python3 mixture.py data tokenizer.json "${@:2}"; }  # nothing of the other corpora
if [ -e $T/w2/loo.npz ]; then
  ln $T/w/teacher.gguf $T/w2/
  for c in general letters spamassassin csdmc2010 enron1 lingspam; do mkdir -p $T/w2/$c; done
  (CORPORA= python3 tokens.py data tokenizer.json $T/w2 && WITHOUT=modern without "" $T/w2/general 0 10 5000000 5; ONLY=modern without "" $T/w2/letters 0 2 5000000 2) > $T/w2/data.out 2>&1 &
  for c in spamassassin csdmc2010 enron1 lingspam; do
    ONLY=mail_spam without $(echo spamassassin,csdmc2010,enron1,lingspam | sed "s/$c//;s/,,/,/;s/^,//;s/,$//") $T/w2/$c 0 3 5000000 3 > $T/w2/$c.out 2>&1 &
  done
fi
if [ -e $T/w2 ] && [ ! -e $T/w2/loo.npz ]; then (until [ -e $T/w/stream.npy ] && [ -e $T/w/held.npy ]; do sleep 0.5; done; ln $T/w/teacher.gguf $T/w/held.npy $T/w/stream.npy $T/w2/) & fi
[ ${FILES:=56} = 0 ] && exit
first=$(ls data/mix*.npz.xz | wc -l)
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 nice -n 5 python3 mixture.py data tokenizer.json $T/w $first $FILES 5000000 ${WORKERS:-12} > $T/w/mixture.out 2>&1 &
python3 tokens.py data tokenizer.json $T/w
wait
G
  setsid nohup bash data.sh > $W/data.out 2>&1 < /dev/null &
  data=$!
  while [ ! -e $W/stream.npy ] && [ "$(age)" -lt 300 ] && kill -0 $data 2>/dev/null; do sleep 0.5; done; ls -la $W; cat $W/data.out;;
wait)
  wait_until $2; cd $S
  if [ -n "${3:-}" ] && [ -e $W/$3.pt ]; then python3 pack.py grids $W/$3.pt $W/pack$3; cp $W/pack$3/* $OUT/; fi
  ls $W/mix*.npz | wc -l; cat $W/mixture.out; cp $W/profile $OUT/ 2>/dev/null;;
finish)
  wait_until $(( $2 - 14 )) $W/trained; cd $S
  cp $W/loo-scores.npz $OUT/ 2>/dev/null; c=$W/qat.pt; [ -e $c ] || c=$W/tune.pt; [ -e $c ] || c=$W/distil.pt; echo packing $c
  python3 pack.py grids $c $W/pack; cp $W/pack/* $OUT/; (python3 pack.py masters $c $W/masters > $W/masters.out 2>&1 &)
  wait_until $2 $W/done; cp $W/results.json $OUT/
  for f in results.json loo-scores.npz log; do cp $T/w2/$f $OUT/second.$f 2>/dev/null; done
  cp $W/log $OUT/train.log; cat $W/results.json;;
masters) n=$((4 * $2)); for i in 0 1 2 3; do cp $W/masters/masters.$(printf %02d $((n + i))) $OUT/ 2>/dev/null; done; [ $2 = 2 ] && cp $W/masters/masters.index.json $OUT/; cat $W/masters.out;;
esac
echo "seconds since begin: $(age)"; tail -n ${TAIL:-14} $W/log $T/w2/log $T/w2/*.out 2>/dev/null

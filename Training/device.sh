#!/bin/bash
# Runs on the GPU machine (see NOTES.md: issue the calls back to back, a machine idle for 30 s is gone with all that is on it). One verb a call; the working folder $T/w survives between calls while the machine is warm.
#   device.sh begin FOLDER   unpack what travelled in FOLDER, start the trainer (it tunes kernels) and the mixture
#   device.sh add FOLDER     take further parts (GGUF pieces, data)
#   device.sh stream         join the GGUF, tokenize the general text
#   device.sh plan D T Q     deadlines in seconds after `begin`
set -u
export T=${TMPDIR:-/tmp}; W=$T/w; S=$T/s; mkdir -p $W $S/data
case $1 in
begin)
  date +%s > $W/begin
  nvidia-smi --query-gpu=name,memory.used --format=csv,noheader
  cp -r $2/scripts/. $S/; cp $2/tokenizer.json $S/; cp $2/eval.npz $W/; cp $2/data/* $S/data/
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target $T/site $2/*.whl
  export PYTHONPATH=$T/site PYTHONUNBUFFERED=1 TRITON_CACHE_DIR=$T/tritoncache OMP_NUM_THREADS=4 PYTORCH_ALLOC_CONF=expandable_segments:True
  cd $S
  cat > $S/guard.sh <<'G'
# Six helpers compile one kernel configuration each into Triton's cache; the trainer then only has to measure them.
if [ -z "${ONE_CONFIG:-}" ]; then
  for i in 0 1 2 3 4 5; do mkdir -p $T/w/pre$i; PRETUNE=$i timeout 100 python3 train.py $T/w/pre$i x x > $T/w/pre$i/out 2>&1 & done; wait
fi
for try in 1 2 3; do python3 train.py $T/w $T/s/data $T/s/tokenizer.json && break; sleep 1; done
G
  setsid nohup bash guard.sh > $W/out 2>&1 < /dev/null &
  cat > $S/mix.sh <<'G'
for i in $(seq -w 0 11); do TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1 python3 mixture.py data tokenizer.json $T/w/mix$i.npz 1$i ${MIX:-5000000} & done; wait
G
  setsid nohup bash mix.sh >> $W/mix.out 2>&1 < /dev/null &
  ;;
add) cp -r $2/data/. $S/data/ 2>/dev/null; cp $2/gguf.* $W/ 2>/dev/null; ls -la $W;;
stream)
  cat $W/gguf.?? > $W/g.xz && xz -dc $W/g.xz > $W/teacher.tmp && mv $W/teacher.tmp $W/teacher.gguf &
  cd $S; setsid nohup python3 tokens.py data tokenizer.json $W > $W/tokens.out 2>&1 < /dev/null &
  wait %1; ls -la $W/teacher.gguf;;
finish) # finish SECONDS: wait for the weights, pack them, wait for the scores until SECONDS after begin
  b=$(cat $W/begin); cd $S
  while [ ! -e $W/trained ] && [ $(( $(date +%s) - b )) -lt $(( $2 - 14 )) ]; do sleep 0.5; done
  c=$W/qat.pt; [ -e $c ] || c=$W/tune.pt; [ -e $c ] || c=$W/distil.pt; echo packing $c
  python3 pack.py grids $c $W/pack; cp $W/pack/* $OUT/
  while [ ! -e $W/done ] && [ $(( $(date +%s) - b )) -lt $2 ]; do sleep 0.5; done
  cp $W/log $OUT/train.log; cat $W/results.json;;
plan) b=$(cat $W/begin); echo "{\"distil\": $((b+$2)), \"tune\": $((b+$3)), \"qat\": $((b+$4))}" > $W/d.tmp; mv $W/d.tmp $W/deadlines.json;;
esac
b=$(cat $W/begin); echo "seconds since begin: $(( $(date +%s) - b ))"; tail -n ${TAIL:-12} $W/log 2>/dev/null

#!/bin/bash
# Everything that a GPU run needs, made here and laid out in parts of at most 57 MB for device.sh:
#   prepare.sh GGUF DATA [MASTERS]     (from the repository's root; MASTERS: a folder of masters.* to begin from)
# Writes .carry/p1, p2, ... (ignored by git) and says how many there are. DATA holds the .jsonl.xz files of the model card,
# mail.jsonl.xz (render_mail.py) and topics.npz (topics.py). The mixture is made here too: on the lent machine, beside the
# trainer, it once did not come to an end.
set -eu
gguf=$1; data=$2; masters=${3:-}; T=Training; tok=Sources/BundledModel/Resources/tokenizer.json; all=$T/work/all
rm -rf .carry $all; mkdir -p .carry $all
for i in $(seq -w 0 ${MIXES:-11}); do
    [ -e $T/work/mix$i.npz ] || OMP_NUM_THREADS=1 python3 $T/mixture.py $data $tok $T/work/mix$i.npz 1$i ${MIX:-5000000}
    xz -T0 -1 -kc $T/work/mix$i.npz > $all/mix$i.npz.xz
done
python3 $T/evalset.py $data $tok $T/work/eval.npz
split -b 15000000 -d -a 2 "$gguf" $all/gguf.
[ -z "$masters" ] || cp "$masters"/masters.* $all/
for f in novels contracts debdocs dialogue nonfiction openstax pubmed tech web wiki flan_cot cl_benchmark superni t0 gsm8k self_instruct_seed \
    self_instruct_user_oriented bbh scitldr xsum_summarization reddit_tifu_long_text_summarization reuters21578 mail; do cp -L $data/$f.jsonl.xz $all/; done
chmod -R u+w $all
part=1; mkdir -p .carry/p1; size=0
put() { # put FILE: into the first part that has room
    bytes=$(stat -c %s "$1"); for p in .carry/p*; do
        if [ $(( $(du -sb $p | cut -f1) + bytes )) -lt 57000000 ]; then mv "$1" $p/; return; fi
    done
    part=$((part + 1)); mkdir .carry/p$part; mv "$1" .carry/p$part/
}
cp $T/*.py $T/device.sh $tok $T/work/eval.npz .whl/*.whl .carry/p1/
for f in $(ls -S $all/*); do put $f; done
du -sm .carry/*

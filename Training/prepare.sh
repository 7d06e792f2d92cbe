#!/bin/bash
# Everything that a GPU run needs, made here and laid out in parts of at most 54 MB for device.sh:
#   prepare.sh GGUF DATA WEIGHTS [LOO]    (from the repository's root; WEIGHTS: a folder of masters.* or grids.* to begin from)
# Writes .carry/p1, p2, ... (ignored by git) and says how many there are. DATA holds the .jsonl.xz files of the model card,
# mail.jsonl.xz (render_mail.py), topics.json.xz and the vectors (topics.py). The first files of the mixture (mixture.py)
# are made here beforehand, in Training/work; the lent machine's many cores make the rest while it trains. For leave_one_out.py
# and ablation.py everything is made here: LOO is the folder with stream.npy, held.npy (tokens.py), the folders of mixtures and, for
# the former, loo.npz.
set -eu
gguf=$1; data=$2; weights=$3; T=Training; tok=Sources/BundledModel/Resources/tokenizer.json; all=$T/work/all
rm -rf .carry $all; mkdir -p .carry $all
if [ -n "${4:-}" ]; then
    for f in $4/*/mix*.npz; do xz -T0 -1 -kc $f > $all/$(basename $(dirname $f))@$(basename $f).xz; done
    for n in held stream; do split -b 20000000 -d -a 2 $4/$n.npy $all/$n.npy.; done
    xz -T0 -2 $all/*.npy.??
else
    for f in $T/work/mix*.npz; do xz -T0 -1 -kc $f > $all/$(basename $f).xz; done
fi
[ -e $T/work/eval.npz ] || python3 $T/evalset.py $data $tok $T/work/eval.npz
split -b 15000000 -d -a 2 "$gguf" $all/gguf.
cp "$weights"/masters.* "$weights"/grids.* $all/ 2>/dev/null || true
[ -n "${4:-}" ] || for f in $data/*.jsonl.xz $data/topics.json.xz $data/*.npy; do
    case $f in */nltk.*|*/sumpubmed.*|*/qmsum.*|*/squality.*|*/superni-task*|*/trec6.*) ;; *) cp -L $f $all/ ;; esac
done
chmod -R u+w $all
part=1; mkdir -p .carry/p1
put() { # put FILE: into the first part that has room
    bytes=$(stat -c %s "$1"); for p in .carry/p*; do
        if [ $(( $(du -sb $p | cut -f1) + bytes )) -lt 54000000 ]; then mv "$1" $p/; return; fi
    done
    part=$((part + 1)); mkdir .carry/p$part; mv "$1" .carry/p$part/
}
cp $T/*.py $T/device.sh $tok $T/work/eval.npz $(ls "${4:-none}"/loo.npz 2>/dev/null) .whl/*.whl .carry/p1/
for f in $(ls -S $all/*); do put $f; done
du -sm .carry/*

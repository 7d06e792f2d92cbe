#!/bin/sh
# Time and peak memory of `lector documents`, and Python's mailbox + email beside it.
#   sh Benchmarks/ingest/measure.sh MAILBOX [FOLDER]      (needs GNU time and 7 GB there)
set -eu
here=$(dirname "$0")
folder=${2:-${TMPDIR:-/tmp}/lector-ingest}
lector=${LECTOR:-$here/../../.build/release/lector}
[ -e "$folder/2g-one-line.txt" ] || python3 "$here/make_inputs.py" "$1" "$folder"
for file in 3m.mbox 60m.mbox 2g.mbox 2g.txt 2g-one-line.txt; do
    /usr/bin/time -f "lector $file: %U s user, %e s, peak %M KiB" "$lector" documents "$folder/$file" >/dev/null
done
/usr/bin/time -f "python 60m.mbox: %U s user, %e s, peak %M KiB" python3 "$here/python_mail.py" "$folder/60m.mbox"

#!/bin/sh
# lector beside the bare libraries and Python, medians of seven by processor time (the machine may be shared):
#   sh Benchmarks/ingest/measure_bare.sh MAILBOX [FOLDER]     (needs cc, pkg-config, GNU time, 1 GB there)
# DUMP=pages-articles.xml.bz2 in the environment: a real MediaWiki dump too, its pages over and over up to 200 MB. That of
# this script is long runs of text, which libxml2 passes at three times the speed of a real one.
set -eu
here=$(dirname "$0")
folder=${2:-${TMPDIR:-/tmp}/lector-ingest}
lector=${LECTOR:-$here/../../.build/release/lector}
mkdir -p "$folder"
[ -e "$folder/bare" ] || cc -O2 -o "$folder/bare" "$here/bare.c" $(pkg-config --cflags --libs gmime-3.0 libxml-2.0)
[ -e "$folder/60m.mbox" ] || python3 - "$1" "$folder" <<'P'
import sys
data = open(sys.argv[1], "rb").read()
with open(sys.argv[2] + "/60m.mbox", "wb") as file:
    for _ in range((60 << 20) // len(data) + 1):
        file.write(data)
page = """  <page>
    <title>Page %d</title>
    <ns>0</ns>
    <id>%d</id>
    <revision>
      <timestamp>2026-03-02T09:41:30Z</timestamp>
      <contributor><username>Somebody</username></contributor>
      <text bytes="4000" xml:space="preserve">'''Page %d''' is [[one]] of &lt;ref&gt;many&lt;/ref&gt;.
%s</text>
    </revision>
  </page>
"""
words = "\n".join("A line of text that says little, and [[links|link]] to others, number %d." % n for n in range(50))
with open(sys.argv[2] + "/200m.xml", "w") as file:
    file.write('<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">\n')
    number = 0
    while file.tell() < 200 << 20:
        number += 1
        file.write(page % (number, number, number, words))
    file.write("</mediawiki>\n")
P
[ -z "${DUMP:-}" ] || [ -e "$folder/dump.xml" ] || python3 - "$DUMP" "$folder/dump.xml" <<'P'
import bz2, sys
data = bz2.open(sys.argv[1]).read()
start, end = data.index(b"  <page>"), data.rindex(b"</page>\n") + len(b"</page>\n")
with open(sys.argv[2], "wb") as file:
    file.write(data[:start])
    for _ in range((200 << 20) // (end - start) or 1):
        file.write(data[start:end])
    file.write(data[end:])
P

# The machine's speed drifts: everything runs in turn, seven times, and the medians are printed with the lowest and the highest.
run() { # NAME COMMAND...
    name=$1
    shift
    /usr/bin/time -a -o "$folder/times.$name" -f "%U %e %M" "$@" >/dev/null 2>&1 || true
}
rm -f "$folder"/times.*
for _ in 1 2 3 4 5 6 7; do
    run lector-60m.mbox "$lector" documents --no-attachments "$folder/60m.mbox"
    run gmime-60m.mbox "$folder/bare" gmime "$folder/60m.mbox"
    run lector-200m.xml "$lector" documents "$folder/200m.xml"
    run libxml2-200m.xml "$folder/bare" sax "$folder/200m.xml"
    if [ -e "$folder/dump.xml" ]; then
        run lector-dump.xml "$lector" documents "$folder/dump.xml"
        run libxml2-dump.xml "$folder/bare" sax "$folder/dump.xml"
    fi
done
run python-60m.mbox python3 "$here/python_mail.py" "$folder/60m.mbox"
for name in lector-60m.mbox gmime-60m.mbox python-60m.mbox lector-200m.xml libxml2-200m.xml lector-dump.xml libxml2-dump.xml; do
    [ -e "$folder/times.$name" ] && grep -v '^Command' "$folder/times.$name" | sort -n | awk -v name="$name" '
        { user[NR] = $1; elapsed[NR] = $2; peak[NR] = $3 }
        END { m = int((NR + 1) / 2); print name ": " user[m] " s user (" user[1] " to " user[NR] "), " elapsed[m] " s, peak " peak[m] " KiB" }'
done

#!/usr/bin/env python3
"""Charsets of the chardet samples without what declares them: the share that lector reads right.

    charsets.py LECTOR FOLDER     FOLDER: chardet+chardet/tests of the unpacked family `encodings`

The names of the folders are the answers. Markup, and with it every declaration, is taken out; the rest is
given to lector on its standard input behind a line of plain words. Right is a sample whose characters beyond
ASCII are the known ones (97 % of them: charsets of East Asia have several tables for the same name). Johab is not among what
uchardet knows.
"""
import collections
import os
import re
import subprocess
import sys
import unicodedata

TABLES = {"maccyrillic": "mac_cyrillic", "johab": "johab", "tis-620": "cp874", "gb2312": "gb18030", "shift_jis": "cp932",
          "euc-kr": "cp949", "big5": "big5hkscs", "windows-1252": "cp1252", "iso-8859-9": "cp1254"}
SECOND_BYTES = {"big5", "shift_jis", "cp932", "johab", "gb2312"}  # may be < or >


def beyond_ascii(text):
    return collections.Counter(c for c in unicodedata.normalize("NFKC", text) if c > "\x7f" and c != "\ufeff" and not c.isspace())


lector, root = sys.argv[1:3]
right = knowable = 0
for folder in sorted(os.listdir(root)):
    known = re.sub("-(hungarian|croatian|greek|russian|bulgarian|arabic|slovene|hebrew|turkish|czech)$", "", folder).lower()
    for name in sorted(os.listdir(os.path.join(root, folder))):
        with open(os.path.join(root, folder, name), "rb") as file:
            data = file.read()
        if not known.startswith(("utf-16", "utf-32")):
            data = re.sub(rb"(?s)<!--.*?-->", b" ", data)
            data = re.sub(rb"<[!-~\s]*>" if known in SECOND_BYTES else rb"(?s)<[^<>]*>", b" ", data)
            data = b"Plain words first.\n" + data.lstrip()
        want = beyond_ascii(data.decode(TABLES.get(known, known), "replace"))
        run = subprocess.run([lector, "documents", "--text", "-"], input=data, capture_output=True)
        have = beyond_ascii(run.stdout.decode("utf-8", "replace"))
        wrong = max((want - have).total(), (have - want).total())
        is_right = wrong <= 0.03 * max(1, want.total())
        knowable += known != "johab"
        right += is_right and known != "johab"
        if not is_right:
            rows = subprocess.run([lector, "documents", "-"], input=data, capture_output=True).stdout.decode("utf-8", "replace")
            guess = re.search(r"read as ([\w-]+)", rows)
            print("%s/%s: %d of %d characters wrong, read as %s" % (folder, name, wrong, want.total(), guess and guess[1]))
print("%d of %d right, %.1f %%" % (right, knowable, 100 * right / knowable))

#!/usr/bin/env python3
"""Seeds for fuzz-ingest.sh: make_ingest_seeds.py FOLDER [SAMPLES]. Each seed has one byte of choice before it."""
import hashlib
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
roots = [os.path.join(here, "../IngestTests/Fixtures"), os.path.join(here, "../../Examples")]
if len(sys.argv) > 2:
    roots.append(sys.argv[2])
markup = (".xml", ".html", ".htm", ".xhtml", ".svg", ".nxml")
archives = (".zip", ".gz", ".bz2", ".xz", ".tar", ".7z", ".rar", ".uu", ".docx", ".xlsx", ".odt", ".epub", ".cab",
            ".lha", ".cpio", ".iso", ".a", ".zst", ".lz4", ".lz", ".z", ".warc", ".dat", ".tnef", ".pptx", ".rtf")
count = 0
for root in roots:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or os.path.getsize(path) > 16000 or name.endswith((".py", ".swift", ".sh")):
                continue
            data = open(path, "rb").read()
            lower = name.lower()
            kinds = ["CHARSET"]
            if lower.endswith(archives) or ".uu" in lower:
                kinds = ["ARCHIVE"]
            elif lower.endswith(markup) or b"<?xml" in data[:100]:
                kinds = ["XML", "CHARSET"]
            elif b"\nSubject:" in data or b"\nFrom:" in data or data.startswith(b"From"):
                kinds = ["MAIL", "CHARSET"]
            for kind in kinds:
                target = os.path.join(sys.argv[1], kind)
                os.makedirs(target, exist_ok=True)
                first = {"MAIL": 4, "XML": 5, "ARCHIVE": 0, "CHARSET": 200}[kind]
                with open(os.path.join(target, hashlib.sha1(data).hexdigest()), "wb") as file:
                    file.write(bytes([first]) + data)
                count += 1
print(count, "seeds")

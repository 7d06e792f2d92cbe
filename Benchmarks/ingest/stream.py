#!/usr/bin/env python3
"""A mailbox or a MediaWiki dump of any size on standard output, made on the way: no disk is used.

    python3 Benchmarks/ingest/stream.py mbox 20G | /usr/bin/time -v .build/release/lector documents - >/dev/null
    python3 Benchmarks/ingest/stream.py wiki 10G | /usr/bin/time -v .build/release/lector documents - >/dev/null

No two mails or pages are alike. One mail in ten has an attachment of 60 kB in base64.
"""
import base64
import os
import random
import sys

noise = random.Random(7)
vocabulary = ["".join(noise.choices("etaoinshrdlu", k=noise.randint(2, 9))) for _ in range(5000)]
lines = [" ".join(noise.choices(vocabulary, k=11)) for _ in range(2000)]


def mail(number):
    body = "\n".join(noise.choices(lines, k=noise.randint(5, 120)))
    head = ("From sender@example.org Mon Mar  2 09:41:30 2026\nFrom: Sender <sender@example.org>\nTo: a@example.net\n"
            "Subject: %s\nMessage-ID: <%%d.%d@example.org>\nDate: Mon, 2 Mar 2026 09:41:30 +0000\n" % (lines[number % 2000], number))
    if number % 10:
        return head + "\n" + body + "\n\n"
    file = base64.encodebytes(noise.randbytes(60000)).decode()
    return head + ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n%s\n--b\nContent-Type: image/png\n"
                   "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=a.png\n\n%s--b--\n\n" % (body, file))


def page(number):
    body = "\n".join(noise.choices(lines, k=noise.randint(5, 200)))
    return ("<page><title>Page %%d.%d</title><ns>0</ns><revision><timestamp>2026-03-02T09:41:30Z</timestamp><contributor>"
            "<username>Somebody</username></contributor><text xml:space=\"preserve\">'''Page''' is [[one]] of &lt;ref&gt;\n"
            "%s</text></revision></page>\n" % (number, body))


kind, size = sys.argv[1], sys.argv[2]
wanted = int(size[:-1]) << {"M": 20, "G": 30}[size[-1]]
block = "".join((mail if kind == "mbox" else page)(n) for n in range(500)).replace("%%d", "%d")
pieces = [piece.encode() for piece in block.split("%d")]
done, round_ = 0, 0
if kind == "wiki":
    os.write(1, b"<mediawiki>\n")
while done < wanted:
    data = str(round_).encode().join(pieces)
    round_ += 1
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]
    done += len(data)
if kind == "wiki":
    os.write(1, b"</mediawiki>\n")
print("%d bytes, %d documents" % (done, round_ * 500), file=sys.stderr)

#!/usr/bin/env python3
"""Writes archives that are made to hurt into the working folder: HostileCommandTests runs this."""
import gzip
import io
import struct
import tarfile
import zlib

block = b"a" * (1 << 20)


def packed(data_blocks):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as file:
        for piece in data_blocks:
            file.write(piece)
    return out.getvalue()


big = packed([block] * 512)
open("big.gz", "wb").write(big)
open("nested.gz", "wb").write(packed([big]))

# Gzip in gzip, deeper than any limit.
data = b"in the innermost\n"
for _ in range(40):
    data = packed([data])
open("deep.gz", "wb").write(data)

# Entries that share their packed bytes: David Fifield, "A better zip bomb" (2019). Each local header stands inside
# the stored beginning of the one before.
kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
body = kernel.compress(block * 64) + kernel.flush()
crc = zlib.crc32(block * 64)
central, out = b"", b""
offset = 0
local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, crc, len(body), 64 << 20, 1, 0) + b"a"
out = local + body
for n in range(200):
    name = b"%d" % n
    central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0, crc, len(body), 64 << 20, len(name), 0, 0,
                           0, 0, 0, 0) + name
end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 200, 200, len(central), len(out), 0)
open("overlap.zip", "wb").write(out + central + end)

with tarfile.open("names.tar", "w") as tar:
    for name in ("/tmp/lector-escaped", "../lector-escaped", "a/../../lector-escaped", "plain.txt", "C:\\lector-escaped"):
        entry = tarfile.TarInfo(name)
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"bytes\n"))
    for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "plain.txt"), (tarfile.CHRTYPE, "")):
        entry = tarfile.TarInfo("link%d" % kind[0])
        entry.type = kind
        entry.linkname = target
        tar.addfile(entry)
    loop = tarfile.TarInfo("loop")
    loop.type, loop.linkname = tarfile.SYMTYPE, "loop"
    tar.addfile(loop)

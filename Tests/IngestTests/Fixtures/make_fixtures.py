#!/usr/bin/env python3
"""Makes the archives that the tests read. All content is our own.

Run in this folder. Needs Python 3 and, for encrypted.zip, the `zip` program.
"""
import bz2
import gzip
import io
import lzma
import os
import random
import struct
import subprocess
import tarfile
import tempfile
import zipfile
import zlib

MBOX = b"".join(
    b"From sender%d@example.org Mon Mar  2 09:41:%02d 2026\n"
    b"From: Sender %d <sender%d@example.org>\nSubject: letter %d\n\nBody of letter %d.\n\n" % (i, i, i, i, i, i)
    for i in range(1, 4)
)
STAMP = (2026, 3, 2, 9, 41, 30)


def zipped(entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = method
            archive.writestr(info, data)
    return out.getvalue()


def tarred(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1772444490
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


inner = lzma.compress(tarred([("inbox.mbox", MBOX), ("note.txt", "Grüße\n".encode())]))
nested = zipped([("b.tar.xz", inner), ("last.txt", b"last\n")])
write("nested.zip", nested)
write("nested-damaged.zip", nested[:-400])
write("inbox.mbox.gz", gzip.compress(MBOX, 9, mtime=0))
write("inbox.mbox.bz2", bz2.compress(MBOX))
noise = random.Random(1)
lines = b"".join(b"%d some text: %x\n" % (i, noise.getrandbits(8)) for i in range(5000))
write("truncated.txt.gz", gzip.compress(lines, 9, mtime=0)[:-60])
# The other properties in use, and the smallest dictionary.
write("note.lzma", lzma.compress(b"A note.\n" * 20, lzma.FORMAT_ALONE, filters=[
    {"id": lzma.FILTER_LZMA1, "dict_size": 4096, "lc": 4}]))
write("bomb.xz", lzma.compress(b"a" * (64 << 20)))
write("bomb.zip", zipped([("first.txt", b"first\n"), ("bomb.txt", b"a" * (64 << 20)), ("last.txt", b"last\n")]))

deep = b"in the innermost\n"
name = "x.txt"
for level in range(20):
    deep = zipped([(name, deep)], zipfile.ZIP_STORED)
    name = "level%d.zip" % level
write("deep.zip", deep)

write(
    "names.zip",
    zipped([("../../../escape.txt", b"a\n"), ("/etc/absolute.txt", b"b\n"), ("caf\u00e9.txt", b"c\n"), ("\x1b[31mred.txt", b"d\n")]),
)
write("many.tar", lzma.compress(tarred([("file%d.txt" % i, b"x\n") for i in range(50)])))

with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "secret.txt"), "w") as file:
        file.write("nobody reads this\n")
    target = os.path.abspath("encrypted.zip")
    if os.path.exists(target):
        os.remove(target)
    subprocess.run(["zip", "-q", "-X", "-P", "password", target, "secret.txt"], cwd=folder, check=True)


def vint(number):
    out = b''
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def rar_block(body, data=b''):
    body = vint(len(body)) + body
    return struct.pack('<I', zlib.crc32(body)) + body + data


def rar_file(name, flags, data, of):
    """A stored file, or a part of one: 0x10 goes on in the next volume, 8 comes from the one before."""
    numbers = (2, 2 | flags, len(data), 4, len(of), 0o100644)
    return rar_block(b''.join(map(vint, numbers)) + struct.pack('<I', zlib.crc32(data if flags & 16 else of))
                     + vint(0) + vint(1) + vint(len(name)) + name, data)


# Two volumes of RAR 5, one behind the other: the second has the file's name again, which is not UTF-8, amid its data.
first, second = b'The first half.\n' * 50, b'The second half.\n' * 50
name = b'gr\xfc\xdfe.txt'
mark = b'Rar!\x1a\x07\x01\x00'
with open('volumes.rar', 'wb') as file:
    file.write(mark + rar_block(bytes([1, 0, 1])) + rar_file(name, 16, first, first + second) + rar_block(bytes([5, 0, 1]))
               + mark + rar_block(bytes([1, 0, 3, 1])) + rar_file(name, 8, second, first + second) + rar_block(bytes([5, 0, 0])))


def number(value):
    return bytes([value]) if value < 128 else bytes([128 | value >> 8, value & 255])


def seven_zip(entries, method=b'\0', sums=None, pack=bytes):
    """Files side by side in one stream, stored or put through `pack`; `method` is what the archive says of how it is packed."""
    data = [content for _, content in entries]
    names = b''.join((name + '\0').encode('utf-16-le') for name, _ in entries)
    sums = sums or [zlib.crc32(content) for content in data]
    whole = b''.join(data)
    packed = pack(whole)
    header = (
        b'\1\4\6\0\1\x09' + number(len(packed)) + b'\0'
        + b'\7\x0b\1\0\1' + bytes([len(method)]) + method + b'\x0c' + number(len(whole)) + b'\0'
        + b'\x08\x0d' + number(len(data)) + b'\x09' + b''.join(number(len(content)) for content in data[:-1])
        + b'\x0a\1' + struct.pack('<%dI' % len(sums), *sums) + b'\0\0'
        + b'\5' + number(len(data)) + b'\x11' + number(len(names) + 1) + b'\0' + names + b'\0\0'
    )
    start = struct.pack('<QQI', len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack('<I', zlib.crc32(start)) + start + packed + header


two = [('first.txt', b'The first file.\n'), ('second.txt', b'The second file.\n')]
write('checksum.7z', seven_zip(two, sums=[zlib.crc32(two[0][1]) ^ 1, zlib.crc32(two[1][1])]))
write('unknown-method.7z', seven_zip(two, method=b'\x04\x01\x7e'))
# What Deflate makes of a short text is Deflate64, too: libarchive has no reader of it, 7z has.
write('deflate64.7z', seven_zip(two, method=b'\x04\x01\x09', pack=lambda data: zlib.compress(data, 9, -15)))
write('checksum.zip', zipped(two, zipfile.ZIP_STORED).replace(b'The first file.', b'The worst file.'))

"""Writes v1.state: a checkpoint of format version 1, by its description and not by our code."""
import hashlib
import pathlib
import struct

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def pad(data):
    return data + bytes(-len(data) % 64)


def string(text):
    return struct.pack("<I", len(text.encode())) + text.encode()


def chain(key, ids):
    return hashlib.sha256(key + struct.pack("<Q", len(ids)) + struct.pack(f"<{len(ids)}i", *ids)).digest()


root = hashlib.sha256(b"lector state 1\n" + b"".join(b"1:%b\n" % p for p in (b"m", b"t", b"n"))).digest()
sections = [
    ("logits", "f32 [3]", struct.pack("<3f", 1, -2.5, float("inf"))),
    ("cursor", "u8", bytes([9, 8, 7])),
    ("kda.0", "f32 [2]", bytes(range(100))),
    ("mla.0", "bf16 [0,4]", b""),
    ("conv.0", "f32 [16]", bytes([5] * 64)),
]


def header(offsets):
    out = chain(root, [1, 2, 3]) + struct.pack("<Q", 3) + string("m") + string("t") + string("n")
    out += struct.pack("<I", len(sections))
    for (name, kind, data), offset in zip(sections, offsets):
        out += string(name) + string(kind) + struct.pack("<QQI", offset, len(data), crc32c(data))
    return pad(out)


at, offsets = 64 + len(header([0] * len(sections))), []
for _, _, data in sections:
    offsets.append(at)
    at += len(pad(data))
head = header(offsets)
file = pad(b"LECTORS\0" + struct.pack("<IIQI", 1, len(head), at + 36, crc32c(head))) + head
file += b"".join(pad(data) for _, _, data in sections)
digest = hashlib.sha256(file).digest()
file += digest + struct.pack("<I", crc32c(digest))
pathlib.Path(__file__).with_name("v1.state").write_bytes(file)

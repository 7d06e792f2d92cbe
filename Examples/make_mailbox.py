#!/usr/bin/env python3
"""Writes the example mailbox, its gold labels and the folder of broken mails, byte for byte the same each time.

    python3 Examples/make_mailbox.py            writes beside itself: mailbox.mbox, mailbox.labels.jsonl,
                                                mailbox.triage.jsonl, hostile/*.eml
    python3 Examples/make_mailbox.py --check    exits 1 when a committed file differs from that

The texts are in mailbox_messages.py; here are the envelopes. Standard library only. All names are made up,
all domains are those that RFC 2606 keeps free for examples, all addresses those of RFC 5737.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import quopri
import re
import struct
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent

# Finer labels and what they are for a spam filter.
TRIAGE = {
    "work": "ham", "personal": "ham", "newsletter": "ham", "invoice": "ham", "support": "ham",
    "spam": "spam", "phishing": "spam",
}


class Part:
    """A MIME entity: its own header lines and its body, encoded."""

    def __init__(self, headers: list[str], body: bytes):
        self.headers, self.body = headers, body

    def encoded(self) -> bytes:
        return "\n".join(self.headers).encode("utf-8") + b"\n\n" + self.body


def transfer(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data)
    if encoding == "quoted-printable":
        return quopri.encodestring(data)
    if not data.endswith(b"\n"):
        data += b"\n"
    return data


def plain(text: str, charset="utf-8", encoding="8bit", flowed=False, kind="plain") -> Part:
    """A text part. `charset` is the name on the label and the codec, unless given as 'label/codec'."""
    label, _, codec = charset.partition("/")
    data = text.lstrip("\n").encode(codec or label)
    parameters = f"text/{kind}; charset={label}" + ("; format=flowed" if flowed else "")
    return Part([f"Content-Type: {parameters}", f"Content-Transfer-Encoding: {encoding}"], transfer(data, encoding))


def html(text: str, charset="utf-8", encoding="quoted-printable") -> Part:
    return plain(text, charset, encoding, kind="html")


def bare(text: str) -> Part:
    """A body as a program without MIME writes it: no Content-Type at all."""
    return Part([], transfer(text.lstrip("\n").encode("ascii"), "7bit"))


def multipart(kind: str, *parts: Part, preamble="") -> Part:
    boundary = "=_" + hashlib.sha1(b"".join(p.encoded() for p in parts)).hexdigest()[:24]
    lines = [preamble.encode() + b"\n"] if preamble else []
    for part in parts:
        lines.append(b"--" + boundary.encode() + b"\n" + part.encoded())
        if not lines[-1].endswith(b"\n"):
            lines.append(b"\n")
    lines.append(b"--" + boundary.encode() + b"--\n")
    return Part([f'Content-Type: multipart/{kind}; boundary="{boundary}"'], b"".join(lines))


def alternative(*parts: Part) -> Part:
    return multipart("alternative", *parts)


def mixed(*parts: Part) -> Part:
    return multipart("mixed", *parts, preamble="This is a multi-part message in MIME format.")


def attachment(name: str, media_type: str, data: bytes, disposition="attachment", file_name=None) -> Part:
    """`file_name` replaces the plain parameter, for names in RFC 2231 form."""
    return Part(
        [f"Content-Type: {media_type}", "Content-Transfer-Encoding: base64",
         f"Content-Disposition: {disposition}; " + (file_name or f'filename="{name}"')],
        transfer(data, "base64"))


def word(text: str, charset="utf-8", form="B") -> str:
    """RFC 2047 encoded words, each at most 75 characters long, folded."""

    def encoded(piece: str) -> str:
        data = piece.encode(charset)
        if form == "B":
            return f"=?{charset}?B?{base64.b64encode(data).decode()}?="
        return f"=?{charset}?Q?" + "".join(
            chr(b) if chr(b).isalnum() and b < 128 else "_" if b == 32 else f"={b:02X}" for b in data) + "?="

    words, piece = [], ""
    for letter in text:
        if len(encoded(piece + letter)) > 75:
            words.append(encoded(piece))
            piece = ""
        piece += letter
    return "\n ".join(words + [encoded(piece)])


def calendar(uid: str, start: str, end: str, summary: str, place: str, organizer: str) -> str:
    lines = [
        "BEGIN:VCALENDAR", "PRODID:-//Tidewell//Planner 3.2//EN", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT",
        f"UID:{uid}", f"DTSTAMP:{start}", f"DTSTART:{start}", f"DTEND:{end}", f"SUMMARY:{summary}",
        f"LOCATION:{place}", f"ORGANIZER:mailto:{organizer}", "STATUS:CONFIRMED", "END:VEVENT", "END:VCALENDAR"]
    return "\n".join(lines) + "\n"


def pdf(*lines: str) -> bytes:
    """A small valid PDF with these lines of text on one page."""
    text = b"BT /F1 12 Tf 60 760 Td 16 TL " + b" ".join(
        b"(" + re.sub(rb"([()\\])", rb"\\\1", l.encode("latin-1")) + b") Tj T*" for l in lines) + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text)]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(out))


def png(width: int, height: int, pixel) -> bytes:
    """An RGB picture; `pixel(x, y)` gives three numbers. Stored, not compressed: zlib's bytes vary by version."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))
    stored = b"\x78\x01" + b"".join(
        struct.pack("<BHH", i + 65535 >= len(rows), len(rows[i:i + 65535]), len(rows[i:i + 65535]) ^ 0xFFFF)
        + rows[i:i + 65535] for i in range(0, len(rows), 65535)) + struct.pack(">I", zlib.adler32(rows))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", stored) + chunk(b"IEND", b""))


def quote(text: str) -> str:
    return "".join((">" if l.startswith(">") else "> " if l else ">") + l + "\n" for l in text.strip("\n").split("\n"))


class Mailbox:
    """The messages in order. Everything that looks random comes from the message's number."""

    def __init__(self):
        self.raw: list[bytes] = []
        self.senders: list[tuple[str, datetime.datetime]] = []
        self.triage: list[str] = []

    def add(self, triage: str, date: str, sender: str, subject: str, body: Part, *, to=None, cc=None, zone="+0200",
            headers=(), reply_to_ids=(), message_id=None, hops=2, signed=True, version=True) -> str:
        """Appends a message, returns its Message-ID. `date` is '2026-03-02 08:14'."""
        number = len(self.raw) + 1
        noise = hashlib.sha256(f"example mailbox {number}".encode()).hexdigest()
        when = datetime.datetime.strptime(date, "%Y-%m-%d %H:%M") + datetime.timedelta(seconds=int(noise[:2], 16) % 60)
        address = re.search(r"[^\s<>]+@[^\s<>]+", sender).group(0)
        domain = address.split("@")[1]
        identity = message_id or f"<{noise[2:12]}.{noise[12:18]}@{domain}>"
        stamp = when.strftime("%a, %d %b %Y %H:%M:%S ") + zone
        arrived = (when + datetime.timedelta(seconds=4)).strftime("%a, %d %b %Y %H:%M:%S ") + zone
        lines = [f"Return-Path: <{address}>", "Delivered-To: mira@tidewell.example"]
        for hop in range(hops):
            last = 1 + int(noise[20 + hop * 2:22 + hop * 2], 16) % 250
            network = ["192.0.2", "198.51.100", "203.0.113"][int(noise[30 + hop], 16) % 3]
            by = "mx1.tidewell.example" if hop == 0 else f"relay{hop}.{domain}"
            lines += [f"Received: from out{int(noise[40 + hop], 16)}.{domain} ([{network}.{last}])",
                      f"\tby {by} (Postfix) with ESMTPS id {noise[44 + hop:54 + hop].upper()}",
                      f"\tfor <mira@tidewell.example>; {arrived}"]
        if signed:
            body_hash = base64.b64encode(hashlib.sha256(body.body).digest()).decode()
            signature = base64.b64encode(hashlib.sha512(noise.encode()).digest()).decode()
            lines += [f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d={domain}; s=mail;",
                      f"\tt={int(when.replace(tzinfo=datetime.timezone.utc).timestamp())}; bh={body_hash};",
                      "\th=From:To:Subject:Date:Message-ID;", f"\tb={signature[:60]}", f"\t {signature[60:]}"]
        lines += [f"Message-ID: {identity}", f"Date: {stamp}", f"From: {sender}",
                  f"To: {to or 'Mira Halloran <mira@tidewell.example>'}"]
        if cc:
            lines.append(f"Cc: {cc}")
        lines.append(f"Subject: {subject}")
        if reply_to_ids:
            lines += [f"In-Reply-To: {reply_to_ids[-1]}", "References: " + "\n\t".join(reply_to_ids)]
        lines += headers
        if version and body.headers:
            lines.append("MIME-Version: 1.0")
        self.raw.append("\n".join(lines + body.headers).encode("utf-8") + b"\n\n" + body.body)
        self.senders.append((address, when))
        self.triage.append(triage)
        return identity

    def repeat(self, number: int):
        """The same message once more, byte for byte (a list that delivered twice)."""
        self.raw.append(self.raw[number - 1])
        self.senders.append(self.senders[number - 1])
        self.triage.append(self.triage[number - 1])

    def mbox(self) -> bytes:
        """mboxrd: every body line that begins with any number of '>' and 'From ' gets one '>' more."""
        out = b""
        for raw, (address, when) in zip(self.raw, self.senders):
            out += f"From {address} {when.strftime('%a %b %d %H:%M:%S %Y')}\n".encode()
            out += re.sub(rb"(?m)^(>*From )", rb">\1", raw)
            out += b"\n" if raw.endswith(b"\n") else b"\n\n"
        return out


def hostile() -> dict[str, bytes]:
    """Small mails that are broken in one way each."""
    head = "From: Odd Sender <odd@broken.example>\nTo: mira@tidewell.example\nSubject: {}\nMIME-Version: 1.0\n"
    nested, depth = b"the innermost text\n", 200
    for level in range(depth):
        nested = (f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'.encode() + nested
                  + f"\n--b{level}--\n".encode())
    matryoshka = head.format("a letter in a letter").encode() + b"Content-Type: text/plain\n\nthe innermost letter\n"
    for level in range(60):
        matryoshka = head.format(f"letter {level}").encode() + b"Content-Type: message/rfc822\n\n" + matryoshka
    return {
        "empty.eml": b"",
        "no-headers.eml": b"just a sentence that somebody saved as a mail\nand a second line\n",
        "headers-only.eml": head.format("nothing follows").encode(),
        "broken-base64.eml": head.format("half a photograph").encode()
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        + b"VGhlIGJlZ2lubmluZyBpcyByZWFkYWJsZSwg%%%%dGhlbiBjb21lcyA=*****\nnot base64 at all, really not\nQUJD=QUJ\n",
        "broken-quoted-printable.eml": head.format("=ZZ").encode()
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        + b"a bad escape =G1, a bare = in the middle, and the end is cut =\n=E2=82",
        "unknown-charset.eml": head.format("=?x-klingon?Q?Qapla=27?=").encode()
        + b"Content-Type: text/plain; charset=x-klingon\n\nbytes of nobody's alphabet: \xf0\xe1\xe2 \x80\x81\n",
        "wrong-charset.eml": head.format("says UTF-8, is not").encode()
        + b"Content-Type: text/plain; charset=utf-8\n\nGr\xfc\xdfe aus M\xfcnchen, 20 \x80\n",
        "truncated-multipart.eml": head.format("the line went dead").encode()
        + b'Content-Type: multipart/mixed; boundary="cut"\n\n--cut\nContent-Type: text/plain\n\nThe first part is whole.\n'
        + b"--cut\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQKJcOkw7zDtsOfCjIgMCBv",
        "no-boundary.eml": head.format("boundary? what boundary?").encode()
        + b"Content-Type: multipart/alternative\n\n--x\nContent-Type: text/plain\n\nhello\n--x--\n",
        "nested-200.eml": head.format("two hundred boxes").encode() + nested,
        "letters-60.eml": matryoshka,
        "nul-bytes.eml": head.format("zeroes").encode() + b"Content-Type: text/plain\n\na\0b\0c\0\n\0\0\0\n",
        "terminal.eml": head.format("\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m").encode()
        + b"Content-Type: text/plain\n\n\x1b[1;1H\x1b[2Jgone\x07\n",
        "long-header.eml": b"From: a@broken.example\nSubject: " + b"very " * 20000 + b"long\n\nshort\n",
        "header-without-colon.eml": b"From: a@broken.example\nthis line is no header\nSubject: still here\n\nbody\n",
        "carriage-returns.eml": b"From: a@broken.example\rSubject: old Mac\r\rbody with bare CR\r",
        "formula.eml": head.format("=HYPERLINK(\"https://broken.example\",\"click\")").encode()
        + b"Content-Type: text/plain\n\n+1-1\n@SUM(A1)\n",
    }


def files() -> dict[str, bytes]:
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    import mailbox_messages

    box = Mailbox()
    mailbox_messages.fill(box)
    items = [f"mailbox.mbox#{n}" for n in range(1, len(box.raw) + 1)]

    def rows(labels):
        return "".join(json.dumps({"item": i, "label": l}) + "\n" for i, l in zip(items, labels)).encode()

    out = {
        "mailbox.mbox": box.mbox(),
        "mailbox.labels.jsonl": rows(TRIAGE[t] for t in box.triage),
        "mailbox.triage.jsonl": rows(box.triage),
    }
    out.update({f"hostile/{name}": data for name, data in hostile().items()})
    return out


def main() -> int:
    wrong = 0
    for name, data in files().items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_bytes() != data:
                print(f"{path.relative_to(HERE.parent)} is not what Examples/make_mailbox.py writes; run the script")
                wrong = 1
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    return wrong


if __name__ == "__main__":
    # The messages file imports from this one by its module name.
    sys.modules["make_mailbox"] = sys.modules["__main__"]
    raise SystemExit(main())

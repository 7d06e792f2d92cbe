"""Renders the raw mails of shared/data/email as the documents that lector reads, one JSON line each.

One command:  python render_mail.py ../../../shared/data/email OUT/mail.jsonl.xz

Mirrors DocumentRendering: From/To/Cc/Subject/Attachments lines, an empty line, then the body (text/plain
preferred, else HTML as text). Enron1 and Ling-Spam hold no headers but the subject. The NC archive
(phishing_pot) is left out.
"""
import email
import email.header
import email.policy
import html.parser
import json
import lzma
import re
import sys
import tarfile

BLOCK = set("address article aside blockquote br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li main "
            "nav ol p pre section table td th tr ul title".split())


class Text(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self.skip = [], 0

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "style"):
            self.skip += 1
        elif tag in BLOCK:
            self.out.append("\n")

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.skip = max(0, self.skip - 1)
        elif tag in BLOCK:
            self.out.append("\n")

    def handle_data(self, data):
        if not self.skip:
            self.out.append(re.sub(r"\s+", " ", data))


def html_text(s):
    p = Text()
    try:
        p.feed(s)
        p.close()
    except Exception:
        pass
    lines = [re.sub(r"[ \t\xa0]+", " ", x).strip() for x in "".join(p.out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def decode(raw, charset):
    for c in (charset, "utf-8", "cp1252"):
        if c:
            try:
                return raw.decode(c)
            except (LookupError, UnicodeDecodeError, ValueError):
                pass
    return raw.decode("latin-1")


def header(msg, name):
    raw = msg.get(name)
    if raw is None:
        return None
    raw = str(raw)
    try:
        parts = email.header.decode_header(raw)
        raw = "".join(p if isinstance(p, str) else decode(p, c if c != "unknown-8bit" else None) for p, c in parts)
    except Exception:
        pass
    raw = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"\s+", " ", raw).strip()[:256]


def payload_text(part):
    data = part.get_payload(decode=True)
    if data is None:
        data = str(part.get_payload()).encode("utf-8", "surrogateescape")
    try:
        charset = part.get_content_charset()
    except Exception:
        charset = None
    return decode(data, charset).replace("\r\n", "\n")


def collect(part, bodies, attachments, depth=0):
    kind = part.get_content_type()
    if part.is_multipart() and depth < 12:
        children = part.get_payload()
        if not isinstance(children, list):
            return
        if kind == "multipart/alternative":
            best = None
            for c in children:
                if c.get_content_type() == "text/plain" and payload_text(c).strip():
                    best = c
                    break
            if best is None:
                best = next((c for c in children if c.get_content_type() == "text/html" or c.is_multipart()), None)
            if best is None and children:
                best = children[0]
            if best is not None:
                collect(best, bodies, attachments, depth + 1)
            return
        for c in children:
            collect(c, bodies, attachments, depth + 1)
        return
    try:
        name = part.get_filename()
    except Exception:
        name = None
    disposition = (part.get("Content-Disposition") or "").lower() if isinstance(part.get("Content-Disposition"), str) else ""
    if kind in ("text/plain", "text/html") and not disposition.startswith("attachment") and not name:
        s = payload_text(part)
        bodies.append(html_text(s) if kind == "text/html" else s)
    elif name:
        attachments.append(f"{' '.join(str(name).split())[:128]} ({kind})")


def render(raw):
    if raw.startswith(b"From ") :
        raw = raw.split(b"\n", 1)[1]
    if raw.startswith(b">From "):
        raw = raw.split(b"\n", 1)[1]
    msg = email.message_from_bytes(raw, policy=email.policy.compat32)
    bodies, attachments = [], []
    collect(msg, bodies, attachments)
    lines = ""
    for name in ("From", "To", "Cc", "Subject"):
        v = header(msg, name)
        if v:
            lines += f"{name}: {v}\n"
    if attachments:
        lines += "Attachments: " + ", ".join(attachments) + "\n"
    s = lines + "\n" + "\n\n".join(bodies)
    return s.encode("utf-8", "replace").decode("utf-8")


def main(folder, out):
    labels = {}
    for line in lzma.open(f"{folder}/labels.jsonl.xz", "rt"):
        r = json.loads(line)
        labels[r["path"]] = r
    n, bad = 0, 0
    with lzma.open(out, "wt", preset=6) as f:
        put = lambda text, r, i: f.write(json.dumps({"id": i, "text": text[:24000], "label": r["label"], "source": r["source"], "split": r["split"]}, ensure_ascii=False) + "\n")
        for archive in ("spamham-raw.tar.xz", "20news-raw.tar.xz"):
            with tarfile.open(f"{folder}/{archive}", "r:xz") as t:
                for m in t:
                    r = labels.get(m.name) or labels.get(m.name.lstrip("./"))
                    if not m.isfile() or r is None:
                        continue
                    try:
                        put(render(t.extractfile(m).read()), r, m.name)
                        n += 1
                    except Exception as e:
                        bad += 1
                        print("skipped", m.name, repr(e)[:100])
        for line in lzma.open(f"{folder}/enron1-lingspam.jsonl.xz", "rt"):
            r = json.loads(line)
            put(f"Subject: {r['subject']}\n\n{r['text']}", r, r["id"])
            n += 1
    print(n, "mails,", bad, "skipped")


if __name__ == "__main__":
    main(*sys.argv[1:3])

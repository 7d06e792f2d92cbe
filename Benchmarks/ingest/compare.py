#!/usr/bin/env python3
"""Lector beside independent parsers, over the collection of samples.

    compare.py LECTOR SAMPLES_FOLDER [--write TESTS_SAMPLES_FOLDER] [--details]

SAMPLES_FOLDER holds the unpacked families (mime, html, xml, encodings, office, tnef, archives). Judges:
Python's email and mailparser, python-docx, python-pptx, openpyxl, odfpy, ebooklib, lxml, striprtf, tnefparse,
bsdtar and 7z, and the folder names of the chardet samples. Words are compared, not layout: of the words that
the judge finds, the share that lector's text has (recall). With --write it writes EXPECTED.md and
exceptions.tsv, which the tests hold lector to.
"""
import argparse
import binascii
import collections
import difflib
import email
import email.policy
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata

FAMILIES = ["mime", "html", "xml", "encodings", "office", "tnef", "archives"]
# Kinds that `skipped.unsupported` is right for.
UNSUPPORTED = re.compile(
    r"a (PNG|JPEG|GIF|TIFF) image|an ELF binary|binary data|media|audio|a web font|OneNote|a package of|"
    r"an OLE file|Java class|SQLite|a device|its pages are pictures|nsupported|apt-get install|codec ID")


# Who is right, looked at by hand.
VERDICTS = {
    "extra-base64-character.raw": "lector: it passes over the stray character and reads Hello World!",
    "chardet-success-iso-8859-1.raw": "lector: the bytes are ISO-8859-1, declared US-ASCII",
    "incorrect-charset.raw": "lector: the declared charset does not fit the bytes",
    "mime-bad-content-transfer-encoding.raw": "lector: plain text that is declared base64; the judges lose its ends of lines",
    "019.eml": "neither: a mail that was changed at random",
    "content_transfer_encoding_empty.eml": "both: words of HTML that stand together",
    "msg_38.txt": "lector: white space behind a boundary is padding (RFC 2046)",
    "parser-raw-content-html-option.raw": "lector: the mail says UTF-8, the judge reads its HTML as ISO-8859-1",
    "empty-header.raw": "lector: of alternatives one is the text",
    "missing-content-type2.raw": "lector: of alternatives one is the text",
    "mime-alternative.raw": "lector: of alternatives one is the text",
    "quoted-printable.eml": "lector: of alternatives one is the text",
    "simple.msg": "neither: yEnc is no text",
    "raw_email5.eml": "lector: UTF-8 that nobody declared",
    "raw_email6.eml": "lector: UTF-8 that nobody declared",
    "github-102-02.txt": "lector: ISO-8859-1 that nobody declared",
    "python.html": "both: the title is metadata, not text",
    "xhtml1": "both: the title is metadata, not text",
    "nodes": "lector: comments and instructions part no words",
    "str": "lector: inline elements part no words",
    "1471-2180-11-174.nxml": "lector: sub, sup and italic part no words",
    "pone.0046493.nxml": "lector: sub, sup and italic part no words",
    "AttributeDefaultLegal": "lector: not valid, but well-formed",
    "OneID": "lector: not valid, but well-formed",
    "OneID2": "lector: not valid, but well-formed",
    "UniqueElementTypeDeclaration2": "lector: not valid, but well-formed",
    "759579.xml": "lector: parameter entities are not expanded; no text depends on them",
    "lol_param.xml": "lector: parameter entities are not expanded; no text depends on them",
    "doctype1.xml": "the judge: libxml2 takes the broken DOCTYPE; no text is lost",
    "doctype2.xml": "the judge: libxml2 takes the broken DOCTYPE; no text is lost",
    "ns-ent.xml": "lector: prefixes do not matter to the text",
    "ns-undeclared.xml": "lector: prefixes do not matter to the text",
    "id_tst2.xml": "lector: prefixes do not matter to the text",
    "id_tst3.xml": "lector: prefixes do not matter to the text",
    "quadratic-defattr.xml": "lector: entities of attributes are not expanded",
    "rec_att_default.xml": "lector: entities of attributes are not expanded",
    "lol_ig_attr.xml": "lector: entities of attributes are not expanded",
    "lol_long_name.xml": "lector: the entities never grow in the text",
    "unsupported-encoding.xml": "lector: an unknown charset; the bytes are ASCII, and it warns",
    "t8.xml": "lector: the internal subset is broken, the text whole; it warns",
    "t8a.xml": "lector: the internal subset is broken, the text whole; it warns",
    "id_tst4.xml": "lector: xml:id values do not matter to the text",
    "inNsXml.xml": "lector: xml:id values do not matter to the text",
    "out_inNsXml_c14nPrefixQname.xml": "lector: xml:id values do not matter to the text",
    "out_inC14N3_c14nPrefix.xml": "lector: an empty namespace does not matter to the text",
    "out_inNsDefault_c14nPrefix.xml": "lector: an empty namespace does not matter to the text",
    "sinica.edu.tw.xml": "lector: links part no words",
    "misuzilla.org.xml": "lector: links and inline elements part no words",
    "nextbeaut.com.xml": "lector: links and inline elements part no words",
    "amefoot.net.xml": "lector: links and inline elements part no words",
    "blog.inkase.net.xml": "lector: links and inline elements part no words",
    "rinennor.org.xml": "lector: a PHP warning stands after the document",
    "testBinControlWord.rtf": "lector: two groups are never closed",
    "testPPT.ppsx": "lector: python-pptx does not open slide shows",
    "testWORD_template.dotx": "lector: python-docx does not open templates",
    "testRTFControls.rtf": "lector: an optional hyphen parts no word",
    "testRTFHyperlinkAndStyles.rtf": "lector: the judge adds the field's instruction",
    "testODFwithOOo3.odt": "lector: odfpy refuses its DOCTYPE",
    "testODTnotaZipFile.odt": "lector: it is plain text",
    "022.eml": "lector: a forwarded mail that is no mail is text of its own",
    "iyagi-readme.txt": "the judge: uchardet does not know Johab",
    "mdir-doc.txt": "the judge: uchardet does not know Johab",
    "malformed-multiple-address-header-values.raw": "lector: the PDF in it is cut; the mail's text is whole",
    "mime-duplicate-param.raw": "lector: the PDF in it is cut; the mail's text is whole",
    "attachment_message_rfc822.eml": "lector: the PDF in it is cut; the mail's text is whole",
    "attachment_pdf.eml": "lector: the PDF in it is cut; the mail's text is whole",
    "attachment_pdf_lf.eml": "lector: the PDF in it is cut; the mail's text is whole",
    "enriched.html": "the judge: pieces of markup without a root; lector reads the first as XML",
    "enriched.txt": "the judge: pieces of markup without a root; lector reads the first as XML",
    "mime-mixed-related.raw": "lector: both HTML parts are text",
    "non-mime-html-charset-header-only.raw": "lector: the title of a page is text",
    "09:2,": "both: the same words; the comparison leaves an address in brackets out of lector's",
    "plaintext.html": "the judge: behind <plaintext> tags are text; for libxml2 they are tags",
    "test.html": "lector: addresses of links and numbers of lists are kept",
    "test.out.html": "lector: addresses of links and numbers of lists are kept",
    "xamarin3.html": "lector: addresses of links and texts of pictures are kept",
    "xamarin3.out.html": "lector: addresses of links and texts of pictures are kept",
    "test_t_bad.zip.uu": "lector: a field of the archive is cut",
    "extra_field_align_1-ff.zip": "the judge: libarchive refuses padding in an extra field",
    "extra_field_align_3-ff.zip": "the judge: libarchive refuses padding in an extra field",
    "testLZ4-framed.lz4": "lector: bsdtar has no archive in it; it is one packed file",
    "test_read_filter_lz4_raw_skip.uu": "lector: bsdtar has no archive in it; it is one packed file",
    "test_read_filter_uudecode_raw.uu": "lector: bsdtar has no archive in it; it is one packed file",
    "README.md": "lector: no archive; it is text",
    "header.sh": "lector: no archive; it is text",
    "bcj_test.c": "lector: no archive; it is text",
    "test_option_t.stdout.uu": "lector: no archive; it is text",
    "test_option_tv.stdout.uu": "lector: no archive; it is text",
    "bogus.zip": "lector: no archive; it is text",
    "test_splitted_rar_seek_support_ac.uu": "lector: the end of an archive in parts, whose bytes are text",
    "incons-central-compsize-larger-toolarge.zip": "both: sizes are told twice and differ; the text is the same",
    "incons-central-size-larger.zip": "both: sizes are told twice and differ; the text is the same",
    "compressed uncompressed size mismatch for stored file 2147483647 5.zip":
        "both: sizes are told twice and differ; the text is the same",
    "unicode-path-extra-field.zip": "lector: its one file is empty",
    "quine.gz": "lector: it unpacks to itself for ever",
    "panic.tnef": "lector: an attribute is longer than the file",
}


def words(text):
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text))


def recall(theirs, ours):
    want, have = collections.Counter(words(theirs)), collections.Counter(words(ours))
    total = sum(want.values())
    return 1.0 if total == 0 else sum((want & have).values()) / total


class Lector:
    def __init__(self, binary):
        self.binary = binary

    def rows(self, folder, name):
        run = subprocess.run([self.binary, "documents", name], cwd=folder, capture_output=True)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def text(self, folder, path, *options):
        run = subprocess.run([self.binary, "documents", "--text", *options, path], cwd=folder, capture_output=True)
        return run.stdout.decode("utf-8", "replace")


# --- judges: each returns (well-formed?, text or None) ---------------------------------------------------------


def judge_mail(path, data):
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = []
    try:
        body = message.get_body(("plain", "html"))
        if body is not None:
            content = body.get_content()
            if body.get_content_subtype() == "html":
                import lxml.html

                tree = lxml.html.document_fromstring(content)
                for node in tree.xpath("//script|//style|//title"):
                    node.drop_tree()
                content = tree.text_content()
            parts.append(content)
    except Exception:  # the judge gives up: then it says nothing
        return True, None
    return True, "\n".join(parts)


def only_body(data):
    """The one text body of a mail that has no other text beside it, by Python's email; None for other mails."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    try:
        body = message.get_body(("plain", "html"))
        texts = [p for p in message.walk() if p.get_content_maintype() == "text" and not p.is_attachment()]
        alternatives = [p for p in message.walk() if p.get_content_type() == "multipart/alternative"]
        if body is None or any(p.get_content_maintype() == "message" for p in message.walk()):
            return None
        if len(texts) > (2 if alternatives else 1):
            return None
        if body.get_content_subtype() != "html":
            return body.get_content()
        return html_text(body.get_content())
    except Exception:
        return None


def html_text(source):
    import lxml.html

    tree = lxml.html.document_fromstring(source)
    for node in tree.xpath("//script|//style|//title|//template|//comment()"):
        node.drop_tree()
    for node in tree.iter():  # words of neighbouring blocks are two words
        node.tail = " " + (node.tail or "") if node.tag in BLOCKS else node.tail
        if node.tag in BLOCKS:
            node.text = " " + (node.text or "")
    return tree.text_content()


BLOCKS = set("address article aside blockquote br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 "
             "header hr img input li main nav ol option p pre section select table tbody td th thead tr ul".split())


def same_words(theirs, ours):
    """All words and no others, in order, link targets (which lector adds) left out."""
    ours = re.sub(r"\((?:https?|mailto|ftp):[^)\s]*\)|\[image[^\]]*\]", " ", ours)
    want, have = words(theirs), words(ours)
    if max(len(want), len(have)) > 5000:  # the matcher is quadratic
        return want == have
    return difflib.SequenceMatcher(None, want, have, autojunk=False).ratio() >= 0.98


def judge_html(path, data):
    try:
        return True, html_text(data)
    except Exception:
        return True, None


def judge_mailparser(data):
    import mailparser

    try:
        mail = mailparser.parse_from_bytes(data)
        return "\n".join(mail.text_plain)
    except Exception:
        return None


def judge_xml(path, data):
    import lxml.etree

    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        tree = lxml.etree.fromstring(data, parser)
    except Exception:
        return False, None
    skip = {"teiHeader", "indexterm", "tex-math", "journal-meta", "remark", "style", "script", "metadata"}
    out = []

    def walk(node):
        if isinstance(node.tag, str) and node.tag.rsplit("}")[-1] not in skip:
            out.append(node.text or "")
            for child in node:
                walk(child)
                out.append(child.tail or "")

    sys.setrecursionlimit(20000)
    walk(tree)
    return True, "\n".join(out)


def judge_office(path, data):
    import io

    ending = path.rsplit(".")[-1].lower()
    stream = io.BytesIO(data)
    try:
        if ending in ("docx", "dotx", "docm"):
            import docx

            document = docx.Document(stream)
            lines = [p.text for p in document.paragraphs]
            for table in document.tables:
                for row in table.rows:
                    lines += [cell.text for cell in row.cells if cell._tc is not None]
            return True, "\n".join(lines[: len(document.paragraphs)])
        if ending in ("pptx", "ppsx"):
            import pptx

            lines = []
            for slide in pptx.Presentation(stream).slides:
                for shape in slide.shapes:
                    if shape.has_text_frame:
                        lines += [p.text for p in shape.text_frame.paragraphs]
            return True, "\n".join(lines)
        if ending in ("xlsx", "xlsm"):
            import openpyxl

            book = openpyxl.load_workbook(stream, data_only=True)
            cells = [str(c.value) for s in book.worksheets for row in s.iter_rows() for c in row if isinstance(c.value, str)]
            return True, "\n".join(cells)
        if ending in ("odt", "ods", "odp"):
            import odf.opendocument
            import odf.teletype
            import odf.text

            document = odf.opendocument.load(stream)
            nodes = document.getElementsByType(odf.text.P) + document.getElementsByType(odf.text.H)
            return True, "\n".join(odf.teletype.extractText(n) for n in nodes)
        if ending == "rtf":
            from striprtf.striprtf import rtf_to_text

            return True, rtf_to_text(data.decode("latin-1"), errors="ignore")
        if ending == "epub":
            import ebooklib.epub
            import lxml.html

            with tempfile.NamedTemporaryFile(suffix=".epub") as file:
                file.write(data)
                file.flush()
                book = ebooklib.epub.read_epub(file.name)
            items = [book.get_item_with_id(i[0]) for i in book.spine]
            return True, "\n".join(lxml.html.document_fromstring(i.get_content()).text_content() for i in items if i)
    except Exception:
        return False, None
    return True, None


def judge_tnef(path, data):
    from tnefparse import TNEF

    if data[:4] != b"\x78\x9f\x3e\x22":
        return True, None
    try:
        found = TNEF(data)
        body = found.body or b""
        return True, body.decode("cp1252", "replace") if isinstance(body, bytes) else body
    except Exception:
        return False, None


null = subprocess.DEVNULL


def judge_archive(path, data):
    """Names by bsdtar, or 7z where bsdtar cannot."""
    if path.endswith(".uu"):
        data = unuu(data)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        for command in (["bsdtar", "-xOf", file.name], ["7z", "t", "-p-", "-bd", "-bso0", "-bsp0", file.name]):
            try:
                run = subprocess.run(command, timeout=20, stdin=null, stdout=null, stderr=null)
            except subprocess.TimeoutExpired:
                continue
            if run.returncode == 0:
                return True, None
    return False, None


def unuu(data):
    out, on = b"", False
    for line in data.splitlines():
        if line.startswith(b"begin "):
            on = True
        elif line.startswith(b"end"):
            break
        elif on and line:
            try:
                out += binascii.a2b_uu(line)
            except binascii.Error:
                out += binascii.a2b_uu(line[: ((line[0] - 32 & 63) * 4 + 5) // 3])
    return out


# The supersets that browsers take.
SAME = {"euc-kr": "cp949", "gb2312": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932"}


def judge_encoding(path, data):
    match = re.search(r"chardet/tests/([^/]+)/", path)
    if not match:
        return True, None
    name = match.group(1)
    known = {"None-ASCII": None, "None": None}
    if name in known:
        return True, None
    for spelling in (SAME.get(name.lower(), name), re.sub(r"-[A-Za-z]+$", "", name)):  # iso-8859-5-bulgarian
        try:
            text = data.decode(spelling)
            if text.startswith("<?xml"):  # some samples are cut
                return judge_xml(path, text.split("?>", 1)[1].encode())[0], text
            return True, text
        except LookupError:
            continue
        except UnicodeDecodeError:
            return False, None
    return True, None


JUDGES = {
    "mime": judge_mail, "html": judge_html, "xml": judge_xml, "encodings": judge_encoding,
    "office": judge_office, "tnef": judge_tnef, "archives": judge_archive,
}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("lector")
    options.add_argument("samples")
    options.add_argument("--write")
    options.add_argument("--details", action="store_true")
    options.add_argument("--family", action="append")
    options = options.parse_args()
    lector = Lector(os.path.abspath(options.lector))
    table, exceptions, disagreements = [], {}, []
    for family in options.family or FAMILIES:
        root = os.path.join(options.samples, family)
        paths = sorted(os.path.relpath(os.path.join(f, n), options.samples) for f, _, ns in os.walk(root) for n in ns)
        known = set(paths)
        rows = collections.defaultdict(list)
        for row in lector.rows(options.samples, family):
            item = row["item"]
            while item and item not in known:  # cut back to the file that the row is of
                cut = max(item.rfind("!"), item.rfind("#"))
                item = item[:cut] if cut > 0 else ""
            rows[item].append(row)
        count = collections.Counter(samples=len(paths))
        compared = collections.Counter()
        for path in paths:
            with open(os.path.join(options.samples, path), "rb") as file:
                data = file.read()
            sound, text = JUDGES[family](path, data)
            mine = rows[path]
            statuses = {r["status"] for r in mine}
            if not mine:
                disagreements.append((family, path, "no row at all", ""))
            bad = {s for s in statuses if s.startswith(("failed", "partial"))}
            unsupported = all(s == "skipped.unsupported" for s in statuses)
            notes = "; ".join(w for r in mine if r["status"] != "ok" for w in r["warnings"][:1])
            if not statuses <= {"ok"}:
                exceptions[path] = statuses - {"ok"}
            count["well-formed"] += sound
            if any("encrypted" in s for s in bad):
                kind = "encrypted"
            elif any("limit" in s for s in bad):
                kind = "limit"
            elif any("unsupported" in s for s in statuses) and (unsupported or bad == {"failed.unsupported"}):
                kind = "unsupported"
            else:
                kind = "damaged" if bad else "ok"
            count[kind] += 1
            if sound:
                count["sound " + kind] += 1
            if sound and kind == "damaged":
                disagreements.append((family, path, "judge: sound; lector: " + " ".join(sorted(bad)), notes[:160]))
            judged = {"xml": "xml", "mime": "mail"}.get(family)
            if not sound and kind == "ok" and family != "encodings" and (not judged or mine[0]["kind"] == judged):
                disagreements.append((family, path, "judge: not sound; lector: ok", ""))
            if kind == "unsupported" and not UNSUPPORTED.search(notes):
                disagreements.append((family, path, "unsupported, but not on the list", notes[:160]))
            if family == "mime" and (mine[0]["kind"] != "mail" or mine[0]["item"] != path or data[:1] == b"\xd0"):
                text = None  # Python's email reads anything as one mail
            if kind == "ok" and text and text.strip() and mine[0]["kind"] != "unknown":
                ours = lector.text(options.samples, path)
                share = recall(text, ours)
                if family == "encodings":  # the judge has the markup, too: compared are our words that are not ASCII
                    share = recall(" ".join(w for w in words(ours) if not w.isascii()), html.unescape(text))
                compared["texts"] += 1
                compared["agree"] += share >= 0.98
                if share < 0.98:
                    disagreements.append((family, path, "has %.0f %% of the judge's words" % (100 * share), ""))
                strict = only_body(data) if family == "mime" and mine[0]["kind"] == "mail" else None
                if family == "html":
                    strict = text
                if strict and strict.strip():
                    compared["strict"] += 1
                    is_same = same_words(strict, lector.text(options.samples, path, "--no-attachments"))
                    compared["strict agree"] += is_same
                    if not is_same:
                        disagreements.append((family, path, "other words, or in another order", ""))
                if family == "mime" and mine[0]["kind"] == "mail":
                    other = judge_mailparser(data)
                    if other and other.strip():
                        compared["mailparser"] += 1
                        share = recall(html.unescape(other), ours)
                        compared["mailparser agree"] += share >= 0.98
                        if share < 0.98:
                            disagreements.append((family, path, "has %.0f %% of mailparser's words" % (100 * share), ""))
        table.append((family, count, compared))
        print(family, dict(count), dict(compared), flush=True)
    if options.details:
        for line in disagreements:
            print("\t".join(line))
    if options.write:
        write(options.write, table, exceptions, disagreements)


def write(folder, table, exceptions, disagreements):
    with open(os.path.join(folder, "exceptions.tsv"), "w") as file:
        for path in sorted(exceptions):
            file.write("%s\t%s\n" % (path, " ".join(sorted(exceptions[path]))))
    with open(os.path.join(folder, "EXPECTED.md"), "w") as file:
        file.write(
            "# What the collection of samples gives\n\nWritten by `Benchmarks/ingest/compare.py --write` from a run "
            "with every optional program installed; `SampleTests` holds lector to `exceptions.tsv`, which lists each "
            "sample that is not simply `ok`. A sample is well-formed when an independent parser reads it without "
            "complaint (Python's email for mail, lxml for XML, python-docx and its like for office files, tnefparse, "
            "bsdtar or 7z for archives; the other families count whole). `ok`: no row failed or is partial.\n\n"
            "| family | samples | well-formed | of these ok | unsupported | encrypted | limit | damaged | "
            "texts compared | with 98 % of the judge's words | compared strictly (mails of one text, pages) | "
            "the same words in the same order, none more |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
        for family, count, compared in table:
            cells = [family, count["samples"], count["well-formed"]]
            cells += [count["sound " + k] for k in ("ok", "unsupported", "encrypted", "limit", "damaged")]
            cells += [compared["texts"], compared["agree"], compared["strict"], compared["strict agree"]]
            file.write("| " + " | ".join(str(c) for c in cells) + " |\n")
        file.write(
            "\nKinds that `skipped.unsupported` is right for: pictures, audio, video, fonts, programs, databases, other "
            "binary data; OneNote; Visio, XPS and other packages without text parts of the kinds above; OLE files that "
            "are no Outlook, Word, Excel or PowerPoint; entries of zip in a compression that libarchive lacks "
            "(Deflate64, WinZip JPEG, Zstandard), and of 7z in one that `7z` lacks, too; kinds whose program is not installed.\n\n## Where lector and a judge disagree\n\n"
            "The judge is right where nothing else is said.\n\n")
        for family, path, what, notes in disagreements:
            verdict = VERDICTS.get(os.path.basename(path))
            notes = "; ".join(n for n in (notes, "right: " + verdict if verdict else "") if n)
            name = path.split("/", 1)[1]
            name = name if len(name) < 60 else "..." + name[-57:]
            file.write("- %s `%s`: %s%s\n" % (family, name, what, " (%s)" % notes.replace("|", "/") if notes else ""))


main()

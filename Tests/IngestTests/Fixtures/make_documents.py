#!/usr/bin/env python3
"""Makes the office documents, books and winmail.dat that the tests read. All content is our own.

Run in this folder; needs Python 3 only, so that no other program's idea of a format stands behind them.
"""
import io
import struct
import zipfile

STAMP = (2026, 3, 2, 9, 41, 30)


def zipped(name, entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in entries:
            info = zipfile.ZipInfo(path, STAMP)
            info.compress_type = zipfile.ZIP_STORED if path == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    with open(name, "wb") as file:
        file.write(out.getvalue())


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def rels(*items):
    lines = "".join(
        '<Relationship Id="%s" Type="%s/%s" Target="%s"%s/>'
        % (i, OFFICE, k, t, ' TargetMode="External"' if t.startswith("http") else "")
        for i, k, t in items
    )
    return '<?xml version="1.0"?><Relationships xmlns="%s/relationships">%s</Relationships>' % (PACKAGE, lines)


TYPES = '<?xml version="1.0"?><Types xmlns="%s/content-types"/>' % PACKAGE
CORE = (
    '<?xml version="1.0"?><cp:coreProperties xmlns:cp="%s/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The title</dc:title><dc:creator>An Author</dc:creator>'
    "</cp:coreProperties>" % PACKAGE
)
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="urn:mc"'


def p(text, properties=""):
    return "<w:p>%s<w:r><w:t>%s</w:t></w:r></w:p>" % (properties and "<w:pPr>%s</w:pPr>" % properties, text)


def item(text, level, number):
    return p(text, '<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>' % (level, number))


DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><w:document %s><w:body>' % W
    + p("First &amp; foremost: Grüße.")
    + "<w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t></w:r>"
    + '<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    + item("alpha", 0, 1) + item("beta", 0, 1) + item("inner", 1, 1) + item("bullet", 0, 2)
    + "<w:tbl><w:tr><w:tc>" + p("a1") + "</w:tc><w:tc>" + p("b1") + "</w:tc></w:tr>"
    + "<w:tr><w:tc>" + p("a2") + "</w:tc><w:tc>" + p("b2") + "</w:tc></w:tr></w:tbl>"
    + "<w:p><mc:AlternateContent><mc:Choice>" + p("boxed") + "</mc:Choice><mc:Fallback>" + p("boxed")
    + "</mc:Fallback></mc:AlternateContent></w:p>"
    + p("Last.") + "</w:body></w:document>"
)
NUMBERING = (
    '<w:numbering %s><w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
    '<w:numFmt w:val="decimal"/><w:lvlText w:val="%%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/>'
    '<w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%%1%%2)"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num></w:numbering>' % W
)
NOTES = (
    '<w:footnotes %s><w:footnote w:id="0" w:type="separator">%s</w:footnote>'
    '<w:footnote w:id="2">%s</w:footnote></w:footnotes>' % (W, p("line"), p("A note."))
)
zipped(
    "letter.docx",
    [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", rels(("r1", "officeDocument", "word/document.xml"))),
        ("docProps/core.xml", CORE),
        ("word/document.xml", DOCUMENT),
        ("word/_rels/document.xml.rels", rels(("r1", "numbering", "numbering.xml"), ("r2", "footnotes", "footnotes.xml"))),
        ("word/numbering.xml", NUMBERING),
        ("word/footnotes.xml", NOTES),
        ("word/media/image1.png", b"\x89PNG\r\n"),
        ("word/embeddings/inner.txt", "inside\n"),
    ],
)

S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="%s"' % OFFICE
zipped(
    "table.xlsx",
    [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", rels(("r1", "officeDocument", "xl/workbook.xml"))),
        ("xl/workbook.xml", '<workbook %s><sheets><sheet name="Second" sheetId="2" r:id="r2"/>'
         '<sheet name="First" sheetId="1" r:id="r1"/></sheets></workbook>' % S),
        ("xl/_rels/workbook.xml.rels", rels(("r1", "worksheet", "worksheets/sheet1.xml"),
         ("r2", "worksheet", "/xl/worksheets/sheet2.xml"), ("r3", "sharedStrings", "sharedStrings.xml"), ("r4", "styles", "styles.xml"))),
        ("xl/sharedStrings.xml", "<sst %s><si><t>shared</t></si><si><r><t>rich </t></r><r><t>text</t></r><rPh><t>no</t></rPh></si></sst>" % S),
        ("xl/styles.xml", '<styleSheet %s><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
         '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>' % S),
        ("xl/worksheets/sheet1.xml", '<worksheet %s><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'
         '<row r="2"><c r="A2"><v>1.50</v></c><c r="B2" t="b"><v>1</v></c><c r="C2" s="1"><v>46083</v></c>'
         '<c r="D2" s="2"><v>46083.5</v></c></row><row r="3"/></sheetData></worksheet>' % S),
        ("xl/worksheets/sheet2.xml", '<worksheet %s><sheetData><row><c t="inlineStr"><is><t>inline</t></is></c><c t="str"><f>A1</f><v>formula</v></c></row></sheetData></worksheet>' % S),
    ],
)

A = 'xmlns:a="urn:a" xmlns:p="urn:p" xmlns:r="%s"' % OFFICE


def slide(*lines):
    return "<p:sld %s>%s</p:sld>" % (A, "".join("<a:p><a:r><a:t>%s</a:t></a:r></a:p>" % l for l in lines))


zipped(
    "show.pptx",
    [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", rels(("r1", "officeDocument", "ppt/presentation.xml"))),
        ("ppt/presentation.xml", '<p:presentation %s><p:sldIdLst><p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/></p:sldIdLst></p:presentation>' % A),
        ("ppt/_rels/presentation.xml.rels", rels(("r1", "slide", "slides/slide1.xml"), ("r2", "slide", "slides/slide2.xml"))),
        ("ppt/slides/slide1.xml", slide("Shown second")),
        ("ppt/slides/slide2.xml", slide("Shown first", "with two lines")),
        ("ppt/slides/_rels/slide2.xml.rels", rels(("r1", "notesSlide", "../notesSlides/notesSlide1.xml"))),
        ("ppt/notesSlides/notesSlide1.xml", slide("Say this.")),
    ],
)

O = ('xmlns:office="urn:o" xmlns:text="urn:t" xmlns:table="urn:tb" xmlns:draw="urn:d" xmlns:meta="urn:m" '
     'xmlns:dc="http://purl.org/dc/elements/1.1/"')
zipped(
    "letter.odt",
    [
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", "<office:document-content %s><office:body><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
         "<text:h>Heading</text:h><text:p>one  <text:span>two</text:span><text:s text:c=\"3\"/>x<text:tab/>y<text:line-break/>z</text:p>"
         "<text:list><text:list-item><text:p>item</text:p><text:list><text:list-item><text:p>deep</text:p></text:list-item></text:list></text:list-item></text:list>"
         "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"2\"><text:p>b</text:p></table:table-cell></table:table-row></table:table>"
         "</office:text></office:body></office:document-content>" % O),
        ("meta.xml", "<office:document-meta %s><office:meta><dc:title>An open title</dc:title><meta:initial-creator>A. Writer</meta:initial-creator></office:meta></office:document-meta>" % O),
        ("styles.xml", "<office:document-styles %s><office:styles><text:p>no</text:p></office:styles><office:master-styles><text:p>The footer</text:p></office:master-styles></office:document-styles>" % O),
    ],
)

X = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>%s</body></html>'
zipped(
    "book.epub",
    [
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'),
        ("OPS/book.opf", '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>A Book</dc:title></metadata><manifest>'
         '<item id="b" href="two.xhtml"/><item id="a" href="chapter%20one.xhtml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>'),
        ("OPS/two.xhtml", X % "<p>Chapter two.</p>"),
        ("OPS/chapter one.xhtml", X % '<h1>One</h1><a id="x"/><p>Chapter <i>one</i>.</p>'),
    ],
)

# TNEF: attributes with level, id, length, data, checksum.


def attribute(level, kind, data):
    return struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def unicode_property(number, text):
    data = (text + "\0").encode("utf-16-le")
    return struct.pack("<HHII", 0x1F, number, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def properties(*items):
    return struct.pack("<I", len(items)) + b"".join(items)


TNEF = (
    struct.pack("<IH", 0x223E9F78, 1)
    + attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    + attribute(1, 0x00018004, b"A subject\0")
    + attribute(1, 0x00069003, properties(unicode_property(0x1000, "Dear J\u00fcrgen,\r\nhello.\r\n"), unicode_property(0x0C1A, "Ann Writer")))
    + attribute(2, 0x00069002, b"\1\0" + b"\0" * 12)
    + attribute(2, 0x00018010, b"NOTE~1.TXT\0")
    + attribute(2, 0x0006800F, b"attached words\n")
    + attribute(2, 0x00069005, properties(unicode_property(0x3707, "note \u20ac.txt")))
)
with open("winmail.dat", "wb") as file:
    file.write(TNEF)


def compound(name, stream):
    """An OLE file of one stream."""
    stream = stream.ljust(4096, b"\0")
    sectors = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, len(stream) // 512 + 2), 0xFFFFFFFE]

    def entry(name, kind, child, start, size):
        wide = (name + "\0").encode("utf-16-le")
        numbers = struct.pack("<HBBIII", len(wide), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return wide.ljust(64, b"\0") + numbers + bytes(36) + struct.pack("<IQ", start, size)

    header = (
        bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
        + struct.pack("<10I", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0) + b"\xff" * 432
    )
    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, len(stream)) + bytes(256)
    return header + struct.pack("<%dI" % len(sectors), *sectors).ljust(512, b"\xff") + folder + stream


def biff(kind):
    return struct.pack("<HHHHHHII", 0x809, 16, 0x600, kind, 0x0DBB, 0x07CC, 0, 6)


BIFF_END = struct.pack("<HH", 10, 0)
with open("empty.xls", "wb") as file:
    file.write(compound("Workbook", biff(5) + BIFF_END + biff(0x10) + BIFF_END))
with open("empty.doc", "wb") as file:
    file.write(compound("WordDocument", struct.pack("<4H16xII", 0xA5EC, 0xC1, 0, 0x409, 0x600, 0x600)))

#!/usr/bin/env python3
"""Seeds for fuzz-ingest.sh: make_ingest_seeds.py FOLDER [SAMPLES]. Each seed has one byte of choice before it.

Fixtures and examples, files of SAMPLES, and the documents in markup below, of which there is no fixture.
"""
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
MARKUP = [
    """<?xml version="1.0"?><!DOCTYPE TEI [<!ENTITY who "Ada">]><TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title>A &who;</title></titleStmt></fileDesc></teiHeader>
<text><body><div><head>One</head><p>She <hi rend="italic">wrote</hi>, &#8220;no&#x201D;.<note>A note.</note></p><lg><l>A line</l><l>another</l></lg></div></body></text></TEI>""",
    """<book xmlns="http://docbook.org/ns/docbook"><info><title>Book</title></info><chapter><title>First</title><para>Text <emphasis>more</emphasis></para><itemizedlist><listitem><para>a</para></listitem></itemizedlist>
<programlisting><![CDATA[a < b && c]]></programlisting><informaltable><tgroup cols="2"><tbody><row><entry>1</entry><entry>2</entry></row></tbody></tgroup></informaltable></chapter></book>""",
    """<article><front><article-meta><title-group><article-title>On <sup>x</sup></article-title></title-group><abstract><p>Short.</p></abstract></article-meta></front>
<body><sec><title>Methods</title><p>We <xref rid="b1">1</xref>.</p></sec></body></article>""",
    """<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>T</ArticleTitle><Abstract><AbstractText Label="AIM">a</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>""",
    """<mediawiki><page><title>T</title><ns>0</ns><revision><text xml:space="preserve">'''T''' is [[one|two]] {{x|y}} &lt;ref&gt;z&lt;/ref&gt;
== H ==
* a</text></revision></page><page><title>U</title><redirect title="T"/></page></mediawiki>""",
    """<rss version="2.0"><channel><title>F</title><item><title>I</title><description>&lt;p&gt;a &amp;amp; b&lt;/p&gt;</description></item></channel></rss>""",
    """<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><title>E</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">x<br/>y</div></content></entry></feed>""",
    """<svg xmlns="http://www.w3.org/2000/svg"><title>S</title><text x="1">a<tspan>b</tspan></text></svg>""",
    """<!DOCTYPE html><html><head><meta charset="windows-1252"><title>H</title><style>p{}</style></head><body><h1>A</h1><p hidden>no<p>a<a href="http://b.example/">c</a><ul><li>1<li>2</ul><table><tr><td>x<td>y</table><pre>
 z</pre><script>1<2</script></body></html>""",
    """<?xml version="1.0" encoding="ISO-8859-1"?><a b="c&quot;"><!-- d --><?e f?><g/>h&#10;</a>""",
]
# Five gigabytes of folders in a small 7z, on which libarchive alone is 30 s under the sanitizer; a reader process
# is bounded (`Tests/IngestTests`).
SLOW = "7zip_folders_oom"
count = 0


def put(kind, data):
    global count
    first = {"MAIL": 4, "XML": 5, "ARCHIVE": 0, "CHARSET": 200}[kind]
    target = os.path.join(sys.argv[1], kind)
    os.makedirs(target, exist_ok=True)
    with open(os.path.join(target, hashlib.sha1(data).hexdigest()), "wb") as file:
        file.write(bytes([first]) + data)
    count += 1


for text in MARKUP:
    put("XML", text.encode())
for root in roots:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or os.path.getsize(path) > 16000 or name.endswith((".py", ".swift", ".sh")) or SLOW in name:
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
                put(kind, data)
print(count, "seeds")

#!/usr/bin/env python3
"""Writes office files that are made to hurt into the working folder: HostileTests runs this."""
import zipfile


def z(name, parts):
    with zipfile.ZipFile(name, 'w', zipfile.ZIP_DEFLATED) as a:
        for n, d in parts: a.writestr(n, d)


R = '<Relationships xmlns="r"><Relationship Id="r1" Type="x/%s" Target="%s"/></Relationships>'
W = '<w:document xmlns:w="w"><w:body>%s</w:body></w:document>'
T = ('[Content_Types].xml', '<Types/>')
root = ('_rels/.rels', R % ('officeDocument', 'word/document.xml'))
z('attributes.docx', [T, root, ('word/document.xml', W % ('<w:p ' + ' '.join('a%d="1"' % i for i in range(200000)) + '/>'))])
z('deep.docx', [T, root, ('word/document.xml', '<w:document xmlns:w="w">' + '<w:p>' * 100000)])
z('long.docx', [T, root, ('word/document.xml', W % ('<w:p><w:r><w:t>' + 'x' * 300000000 + '</w:t></w:r></w:p>'))])
z('strings.xlsx', [T, ('_rels/.rels', R % ('officeDocument', 'xl/workbook.xml')),
  ('xl/workbook.xml', '<workbook xmlns:r="x/relationships"><sheets><sheet name="s" r:id="r1"/></sheets></workbook>'),
  ('xl/_rels/workbook.xml.rels', '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="s.xml"/><Relationship Id="r2" Type="x/sharedStrings" Target="t.xml"/></Relationships>'),
  ('xl/t.xml', '<sst><si><t>' + 'y' * 1000000 + '</t></si></sst>'),
  ('xl/s.xml', '<worksheet>' + '<row><c t="s"><v>0</v></c></row>' * 50000 + '</worksheet>')])
# What libxml2 passes on behind a tag that is broken is not UTF-8: found by fuzzing.
z('invalid-utf8.docx', [T, root, ('word/document.xml', (W % '<w:p a="1"b"c="2><w:r><w:t>before BYTE after</w:t></w:r></w:p>').encode()
  .replace(b'BYTE', b'\x97 \xc3 \xff'))])

// libFuzzer targets of ingestion: any bytes, read as mail, XML, HTML, an archive, or text of some charset.
//
// A finding is a crash, a hang, or events that break what every stream promises: begin, texts and end
// in order, text that is UTF-8 without gaps, and the same events whichever way the input is cut.

import Documents
import Ingest

/// The events of one input, cut into pieces of a size.
private func events(_ bytes: [UInt8], piece: Int, _ options: IngestOptions) -> [DocumentEvent] {
    var position = 0
    let stream = DocumentStream(address: "input", options: options) {
        if position == bytes.count { return nil }
        let end = min(bytes.count, position + piece)
        defer { position = end }
        return Array(bytes[position..<end])
    }
    var found: [DocumentEvent] = []
    while let event = stream.next() { found.append(event) }
    return found
}

private func check(_ events: [DocumentEvent]) {
    var isOpen = false
    var part = ""
    var bytes = 0
    var total = 0
    for event in events {
        switch event {
        case .begin:
            precondition(!isOpen, "a document begins inside another")
            (isOpen, part, bytes, total) = (true, "", 0, 0)
        case .text(let chunk):
            precondition(isOpen, "text outside of a document")
            if chunk.part != part { (part, bytes) = (chunk.part, 0) }
            precondition(chunk.start == bytes, "a gap in the text")
            precondition(String(validating: chunk.utf8, as: UTF8.self) != nil, "text is not UTF-8")
            bytes += chunk.utf8.count
            total += chunk.utf8.count
            for mark in chunk.marks {
                precondition(mark.range.lowerBound >= chunk.start && mark.range.upperBound <= bytes)
            }
            for origin in chunk.origins {
                precondition(origin.range.lowerBound >= chunk.start && origin.range.upperBound <= bytes)
            }
        case .end(let end):
            precondition(isOpen && end.textBytes == total, "an end that does not fit")
            isOpen = false
        }
    }
    precondition(!isOpen, "a document without an end")
}

private let charsets = [
    "utf-8", "iso-8859-1", "windows-1251", "koi8-r", "shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "big5",
    "euc-kr", "utf-7", "utf-16", "utf-16le", "utf-32be", "hz-gb-2312", "x-unknown", "windows-1255", "viscii",
]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let choice = Int(data![0])
    let rest = Array(UnsafeRawBufferPointer(start: data! + 1, count: size - 1))
    var options = IngestOptions()
    options.opensAttachments = true
    options.limits.maxUnpackedBytes = 4 << 20
    options.limits.ratioFloorBytes = 1 << 20
    options.limits.maxDepth = 4
    options.limits.maxMessageBytes = 1 << 20
    options.limits.maxEntries = 1000
    let input: [UInt8]
    #if FUZZ_MAIL
        let starts = [
            "From: a@b.example\nSubject: s\n", "From a@b Mon Mar  2 09:41:30 2026\nFrom: a@b.example\n",
            "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
            "From: a@b.example\nContent-Type: text/plain; format=flowed; delsp=yes\n\n", "",
        ]
        input = Array(starts[choice % starts.count].utf8) + rest
    #elseif FUZZ_XML
        let starts = [
            "<?xml version=\"1.0\"?>\n", "<!DOCTYPE html>\n", "<!DOCTYPE a [\n",
            "<mediawiki><page><title>t</title>",
            "<rss><channel><item><description>", "",
        ]
        input = Array(starts[choice % starts.count].utf8) + rest
    #elseif FUZZ_ARCHIVE
        options.passwords = choice % 2 == 0 ? [] : ["secret"]
        input = rest
    #elseif FUZZ_CHARSET
        let name = charsets[choice % charsets.count]
        let header = "From: a@b.example\nSubject: =?\(name)?B?"
        input =
            choice < 128
            ? Array("\(header)4pyT?=\nContent-Type: text/plain; charset=\(name)\n\n".utf8) + rest
            : rest
    #endif
    // Programs of the system read these, and some (catdoc 0.95) not twice in the same way.
    let tools: [[UInt8]] = [
        [0xD0, 0xCF, 0x11, 0xE0], Array("%PDF".utf8), Array("xar!".utf8), Array("!BDN".utf8),
    ]
    if tools.contains(where: { input.starts(with: $0) }) { return 0 }
    let whole = events(input, piece: Int.max >> 1, options)
    check(whole)
    let cut = events(input, piece: 1 + choice % 97, options)
    precondition(whole == cut, "a cut of the input shows")
    return 0
}

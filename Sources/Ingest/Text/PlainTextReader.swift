import Documents

/// Plain text of any length and charset, a block at a time.
///
/// UTF-8 passes byte for byte. ASCII passes until the first byte that is none; the charset
/// is decided by what stands from there on, so that a log in ASCII with one Latin line far
/// inside is still read as what it is.
final class PlainTextReader: DocumentProducer {
    private let reader: ByteReader
    private let writer: DocumentWriter
    private let isPlainFile: Bool
    private var decoder: CharsetDecoder?
    private var isFirst = true

    init(_ reader: ByteReader, address: String, isPlainFile: Bool, _ context: StreamContext) {
        self.reader = reader
        self.isPlainFile = isPlainFile
        writer = DocumentWriter(context, Document(address: address, kind: .text))
    }

    func step(_ context: StreamContext) -> Bool {
        var block = reader.look(ByteReader.capacity / 2)
        if isFirst {
            isFirst = false
            if isPlainFile { writer.beginSlice(at: 0) }
            // A mark of another form than UTF-8 is no text; the one of UTF-8 stays, so that
            // the text of a UTF-8 file is the file.
            if let mark = Charset.byteOrderMark(block), mark.name != "UTF-8" {
                decoder = CharsetDecoder(mark.name)
                reader.consume(mark.length)
                block = reader.look(ByteReader.capacity / 2)
            } else if let wide = Charset.wideWithoutMark(block) {
                decoder = CharsetDecoder(wide)
                writer.warn("no byte order mark; read as \(wide)")
            }
        }
        if block.isEmpty {
            finish()
            return false
        }
        var size = block.count
        if decoder == nil {
            let end = UTF8Text.asciiEnd(block)
            let shift = block.firstOffset(of: 0x1B) ?? block.firstOffset(of: "~{") ?? block.count
            size = min(end, shift)
            if size == 0 {
                let name = Charset.detect(block, isWhole: reader.isSourceExhausted)
                if name == "UTF-8", end > 0 {
                    size = end  // escape sequences of a terminal, or a tilde, in ASCII
                } else {
                    decoder = CharsetDecoder(name) ?? CharsetDecoder("WINDOWS-1252")
                    if Charset.canonical(name) != "UTF-8" {
                        writer.warn("no charset is declared; read as \(name)")
                    }
                    size = block.count
                }
            }
        }
        let piece = block.slice(0..<size)
        if let decoder {
            var utf8: [UInt8] = []
            utf8.reserveCapacity(size + size / 2)
            decoder.decode(piece, isLast: false, into: &utf8)
            if decoder.charset != "UTF-8" || decoder.repairs > 0 { writer.endSlice() }
            writer.append(utf8)
        } else {
            writer.append(piece)
        }
        reader.consume(size)
        return true
    }

    private func finish() {
        if let decoder {
            var utf8: [UInt8] = []
            decoder.decode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &utf8)
            if decoder.charset != "UTF-8" || decoder.repairs > 0 { writer.endSlice() }
            writer.append(utf8)
            if decoder.repairs > 0 {
                writer.warn("\(decoder.repairs) invalid stretches of \(decoder.charset) replaced by U+FFFD")
            }
        }
        var status = ItemStatus.ok
        if let failure = reader.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil)
    }
}

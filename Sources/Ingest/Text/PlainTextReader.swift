import Documents

/// Plain text of any length and charset, a block at a time.
///
/// UTF-8 passes byte for byte, but for a byte order mark. ASCII passes until the first byte that is none; the charset
/// is decided by what stands from there on, so that a log in ASCII with one Latin line far
/// inside is still read as what it is.
final class PlainTextReader: DocumentProducer {
    private let reader: ByteReader
    private let writer: DocumentWriter
    private let isPlainFile: Bool
    private let container: String
    private var decoder: CharsetDecoder?
    private var isFirst = true
    /// Where the decoder began, and how much text it has given: charsets that shift between
    /// alphabets can only be decoded from there.
    private var decodedStart = 0
    private var decodedBytes = 0

    init(_ reader: ByteReader, address: String, isPlainFile: Bool, _ context: StreamContext) {
        self.reader = reader
        self.isPlainFile = isPlainFile
        container = reader.container(address)
        writer = DocumentWriter(context, Document(address: address, kind: .text))
    }

    func step(_ context: StreamContext) -> Bool {
        var block = reader.look(ByteReader.capacity / 2)
        if isFirst {
            isFirst = false
            // A byte order mark is no text.
            if let mark = Charset.byteOrderMark(block) {
                if mark.name != "UTF-8" { decoder = CharsetDecoder(mark.name) }
                reader.consume(mark.length)
                block = reader.look(ByteReader.capacity / 2)
            } else if let wide = Charset.wideWithoutMark(block) {
                decoder = CharsetDecoder(wide)
                writer.warn("no byte order mark; read as \(wide)")
            }
            if isPlainFile { writer.beginSlice(at: reader.offset) }
            decodedStart = reader.offset
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
                    decodedStart = reader.offset
                }
            }
        }
        let piece = block.slice(0..<size)
        if let decoder {
            decode(piece, isLast: false, decoder)
        } else {
            let bytes = SourceSpan(start: reader.offset, end: reader.offset + size)
            writer.addOrigin(
                TextOrigin(container: container, bytes: bytes, charset: "UTF-8"), count: size)
            writer.append(piece)
        }
        reader.consume(size)
        return true
    }

    private func decode(_ piece: UnsafeRawBufferPointer, isLast: Bool, _ decoder: CharsetDecoder) {
        let isStateful = Charset.isStateful(decoder.charset)
        let start = isStateful ? decodedStart : reader.offset - decoder.pendingBytes
        decoder.withDecoded(piece, isLast: isLast) { utf8 in
            if decoder.charset != "UTF-8" || decoder.repairs > 0 { writer.endSlice() }
            let end = reader.offset + piece.count - decoder.pendingBytes
            writer.addOrigin(
                TextOrigin(
                    container: container, bytes: SourceSpan(start: start, end: end),
                    charset: decoder.charset, offset: isStateful ? decodedBytes : 0),
                count: utf8.count)
            decodedBytes += utf8.count
            writer.append(utf8)
        }
    }

    private func finish() {
        if let decoder {
            decode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, decoder)
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

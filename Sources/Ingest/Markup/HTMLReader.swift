import Documents

/// An HTML page of any length to one document.
final class HTMLReader: DocumentProducer {
    private let reader: ByteReader
    private let writer: DocumentWriter
    private let html: HTMLText
    private let isPlainFile: Bool
    private var decoder: CharsetDecoder?

    init(_ reader: ByteReader, address: String, isPlainFile: Bool, _ context: StreamContext) {
        self.reader = reader
        self.isPlainFile = isPlainFile
        writer = DocumentWriter(context, Document(address: address, kind: .html))
        html = HTMLText(writer, options: context.options)
    }

    func step(_ context: StreamContext) -> Bool {
        var block = reader.look(ByteReader.capacity / 2)
        if decoder == nil {
            if let mark = Charset.byteOrderMark(block) {
                decoder = CharsetDecoder(mark.name)
                reader.consume(mark.length)
                block = reader.look(ByteReader.capacity / 2)
            } else if let wide = Charset.wideWithoutMark(block) {
                decoder = CharsetDecoder(wide)
            } else if let declared = HTMLText.declaredCharset(block), let known = CharsetDecoder(declared),
                known.charset != "UTF-8"
            {
                decoder = known
            } else {
                let name = Charset.detect(block, isWhole: reader.isSourceExhausted)
                decoder = CharsetDecoder(name) ?? CharsetDecoder("WINDOWS-1252")
                if Charset.canonical(name) != "UTF-8" {
                    writer.warn("no charset is declared that fits; read as \(name)")
                }
            }
        }
        guard let decoder else { preconditionFailure("UTF-8 and windows-1252 always have a decoder") }
        decoder.withDecoded(block, isLast: block.isEmpty) { html.append($0) }
        if !block.isEmpty {
            reader.consume(block.count)
            return true
        }
        html.finish()
        if decoder.repairs > 0 {
            writer.warn("\(decoder.repairs) invalid stretches of \(decoder.charset) replaced by U+FFFD")
        }
        var status = ItemStatus.ok
        if let failure = reader.failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        }
        writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: reader.offset) : nil)
        return false
    }
}

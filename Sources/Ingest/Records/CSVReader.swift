import Documents

/// A table in text (RFC 4180) whose rows are documents (`--csv-text COLUMN`): the column is
/// the text, the other columns are metadata under their names.
///
/// The first row names the columns; commas, semicolons or tabs part them, whichever the first
/// row has most of. Fields may be quoted, hold line breaks and doubled quotes.
final class CSVReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool
    private let column: String
    private var decoder: CharsetDecoder?
    private var separator: UInt8 = 0x2C
    private var names: [String] = []
    private var textIndex = 0
    private var ordinal = 0

    init(_ reader: ByteReader, address: String, isPlainFile: Bool, column: String) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
        self.column = column
    }

    func step(_ context: StreamContext) -> Bool {
        if names.isEmpty { return readNames(context) }
        let start = reader.offset
        guard let (fields, isCut) = record(limit: context.limits.maxMessageBytes) else {
            if let failure = reader.failure {
                context.emitFailure(
                    address, .failed(failure.reason), failure.message + "; the rest is not read")
            }
            return false
        }
        if fields.count == 1, fields[0].isEmpty { return true }
        ordinal += 1
        let item = "\(address)#\(ordinal)"
        if isCut {
            context.emitFailure(
                item, .failed(.limitBytes), "a row of more than \(context.limits.maxMessageBytes) bytes")
            return true
        }
        guard fields.indices.contains(textIndex) else {
            context.emitFailure(
                item, .failed(.damaged), "a row of \(fields.count) fields, too short for '\(column)'")
            return true
        }
        var document = Document(address: item, kind: .csv)
        for (index, field) in fields.enumerated() where index != textIndex && index < 1000 {
            let value = String(decoding: HeaderText.collapse(decoded(field)), as: UTF8.self)
            let name = names.indices.contains(index) ? names[index] : "column\(index + 1)"
            if !value.isEmpty, value.utf8.count <= context.limits.maxHeaderBytes {
                document.metadata.append(MetadataField(name: name, value: value))
            }
        }
        let writer = DocumentWriter(context, document)
        writer.append(decoded(fields[textIndex]))
        writer.finish(.ok, source: isPlainFile ? SourceSpan(start: start, end: reader.offset) : nil)
        return true
    }

    private func readNames(_ context: StreamContext) -> Bool {
        let beginning = reader.look(ByteReader.capacity / 2)
        if beginning.begins(with: [0xEF, 0xBB, 0xBF]) { reader.consume(3) }
        let name = Charset.detect(beginning, isWhole: reader.isSourceExhausted)
        decoder = CharsetDecoder(name)
        let line = beginning.slice(0..<(beginning.firstOffset(of: 0x0A) ?? beginning.count))
        let candidates: [UInt8] = [0x2C, 0x3B, 0x09]
        func count(_ byte: UInt8) -> Int { line.reduce(0) { $0 + ($1 == byte ? 1 : 0) } }
        separator = candidates.max { count($0) < count($1) } ?? 0x2C
        guard let (fields, _) = record(limit: 1 << 20) else {
            context.emitFailure(address, .skipped(.empty), nil)
            return false
        }
        names = fields.map { String(decoding: HeaderText.collapse(decoded($0)), as: UTF8.self) }
        guard let index = names.firstIndex(of: column) else {
            context.emitFailure(
                address, .failed(.damaged),
                "no column '\(column)' among '\(names.prefix(20).joined(separator: "', '"))'")
            return false
        }
        textIndex = index
        return true
    }

    private func decoded(_ field: [UInt8]) -> [UInt8] {
        if let decoder, decoder.charset != "UTF-8" {
            return field.withUnsafeBytes { TextDecoder.decode($0, declared: decoder.charset) }
        }
        var utf8: [UInt8] = []
        _ = field.withUnsafeBytes { UTF8Text.repair($0, isLast: true, into: &utf8) }
        return utf8
    }

    /// The fields of the next row; nil at the end.
    private func record(limit: Int) -> (fields: [[UInt8]], isCut: Bool)? {
        if reader.isAtEnd { return nil }
        var fields: [[UInt8]] = [[]]
        var isQuoted = false
        var wasQuote = false
        var isCut = false
        var total = 0
        while case let view = reader.look(), !view.isEmpty {
            for (index, byte) in view.enumerated() {
                total += 1
                if total > limit { isCut = true }
                if isQuoted {
                    if byte == 0x22 {
                        isQuoted = false
                        wasQuote = true
                    } else if !isCut {
                        fields[fields.count - 1].append(byte)
                    }
                    continue
                }
                switch byte {
                case 0x22:
                    if wasQuote {
                        fields[fields.count - 1].append(0x22)
                        isQuoted = true
                        wasQuote = false
                    } else if fields[fields.count - 1].isEmpty {
                        isQuoted = true
                    } else {
                        fields[fields.count - 1].append(byte)
                    }
                    continue
                case separator: if fields.count < 10_000 { fields.append([]) }
                case 0x0A:
                    if fields[fields.count - 1].last == 0x0D { fields[fields.count - 1].removeLast() }
                    reader.consume(index + 1)
                    return (fields, isCut)
                default: if !isCut { fields[fields.count - 1].append(byte) }
                }
                wasQuote = false
            }
            reader.consume(view.count)
        }
        return (fields, isCut)
    }
}

import Documents
import JSON

/// JSON Lines whose lines are documents (`--json-text FIELD`): the field is the text, other
/// plain values of the line are metadata.
///
/// `FIELD` may lead into objects: `message.body`. A line that is no JSON, or lacks the
/// field, is a failed document of its own. Lines without anything are passed over.
final class JSONLinesReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool
    private let path: [String]
    private var ordinal = 0
    private var line: [UInt8] = []

    init(_ reader: ByteReader, address: String, isPlainFile: Bool, field: String) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
        path = field.split(separator: ".").map(String.init)
    }

    /// Whether bytes begin like an object.
    static func isObject(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = bytes.begins(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while index < bytes.count, isSpace(bytes[index]) { index += 1 }
        guard index < bytes.count, bytes[index] == 0x7B else { return false }
        index += 1
        while index < bytes.count, isSpace(bytes[index]) { index += 1 }
        return index < bytes.count && (bytes[index] == 0x22 || bytes[index] == 0x7D)
    }

    func step(_ context: StreamContext) -> Bool {
        let start = reader.offset
        let limit = context.limits.maxMessageBytes
        line.removeAll(keepingCapacity: line.capacity < 1 << 20)
        var length = 0
        var isAtEnd = false
        while true {
            let view = reader.look()
            if view.isEmpty {
                isAtEnd = true
                break
            }
            let end = view.firstOffset(of: 0x0A)
            let piece = view.slice(0..<(end ?? view.count))
            length += piece.count
            line.append(contentsOf: piece.slice(0..<max(0, min(piece.count, limit - line.count))))
            reader.consume(end.map { $0 + 1 } ?? view.count)
            if end != nil { break }
        }
        if start == 0, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        if !line.allSatisfy(isSpace) { emit(length: length, start: start, context) }
        if isAtEnd, let failure = reader.failure {
            context.emitFailure(address, .failed(failure.reason), failure.message + "; the rest is not read")
        }
        return !isAtEnd
    }

    private func emit(length: Int, start: Int, _ context: StreamContext) {
        ordinal += 1
        let item = "\(address)#\(ordinal)"
        if length > line.count {
            return context.emitFailure(
                item, .failed(.limitBytes), "a line of more than \(context.limits.maxMessageBytes) bytes")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: line)
        } catch {
            return context.emitFailure(
                item, .failed(.damaged), "no JSON at byte \(start + error.offset): \(error.message)")
        }
        var found: JSONValue? = value
        for name in path { found = found?[name] }
        guard let found, let text = Self.text(found) else {
            return context.emitFailure(
                item, .failed(.damaged), "the line has no text in '\(path.joined(separator: "."))'")
        }
        var document = Document(address: item, kind: .json)
        for member in value.members ?? [] where path.count > 1 || member.name != path.first {
            guard let plain = Self.plain(member.value), plain.utf8.count <= context.limits.maxHeaderBytes
            else {
                continue
            }
            let words = String(decoding: HeaderText.collapse(Array(plain.utf8)), as: UTF8.self)
            if document.metadata.count < 1000 {
                document.metadata.append(MetadataField(name: member.name, value: words))
            }
        }
        let writer = DocumentWriter(context, document)
        writer.append(text)
        writer.finish(.ok, source: isPlainFile ? SourceSpan(start: start, end: start + length) : nil)
    }

    private static func text(_ value: JSONValue) -> String? {
        if let array = value.array { return array.compactMap(plain).joined(separator: "\n") }
        return plain(value)
    }

    private static func plain(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .number(let digits): digits
        case .bool(let flag): flag ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}

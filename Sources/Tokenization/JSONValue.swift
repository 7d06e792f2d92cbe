/// A parsed JSON document: just enough for tokenizer.json, and fast on its 100,000 strings.
enum JSONValue {
    case null
    case bool(Bool)
    case number(Double)
    /// UTF-8, unescaped.
    case string([UInt8])
    case array([JSONValue])
    /// Members in file order.
    case object([(key: [UInt8], value: JSONValue)])

    subscript(name: StaticString) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return name.withUTF8Buffer { name in members.first { $0.key.elementsEqual(name) }?.value }
    }

    var isNull: Bool { if case .null = self { true } else { false } }

    /// The value's text when it is a string.
    var text: String? {
        if case .string(let utf8) = self { String(decoding: utf8, as: UTF8.self) } else { nil }
    }

    /// The value when it is a whole number that a token id can be.
    var id: Int? {
        guard case .number(let number) = self, number >= 0, number < 1_073_741_824, number == number.rounded()
        else { return nil }
        return Int(number)
    }

    /// A short name of the value for a message.
    var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
        case .string(let utf8): "\"\(String(decoding: utf8.prefix(60), as: UTF8.self))\""
        case .array(let values): "an array of \(values.count)"
        case .object: self["type"].map { "an object of type \($0.summary)" } ?? "an object"
        }
    }
}

/// A strict JSON reader (RFC 8259) over UTF-8 bytes; nesting deeper than 64 is refused.
struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0

    static func parse(_ bytes: [UInt8]) throws(TokenizerError) -> JSONValue {
        var result: Result<JSONValue, TokenizerError> = .success(.null)
        bytes.withUnsafeBufferPointer { buffer in
            var reader = JSONReader(bytes: buffer)
            do throws(TokenizerError) {
                let value = try reader.value(depth: 0)
                reader.skipSpace()
                if reader.at < buffer.count { throw reader.error("more bytes after the document's end") }
                result = .success(value)
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
    }

    private func error(_ what: String) -> TokenizerError {
        .malformed(what: "\(what) at byte \(at)", expected: "a JSON document")
    }

    private mutating func skipSpace() {
        while at < bytes.count {
            let byte = bytes[at]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            at += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let matches = word.withUTF8Buffer { word in
            at + word.count <= bytes.count && bytes[at..<at + word.count].elementsEqual(word)
        }
        if matches { at += word.utf8CodeUnitCount }
        return matches
    }

    private mutating func value(depth: Int) throws(TokenizerError) -> JSONValue {
        guard depth < 64 else { throw error("nesting deeper than 64") }
        skipSpace()
        guard at < bytes.count else { throw error("the file ends early") }
        switch bytes[at] {
        case UInt8(ascii: "{"):
            at += 1
            var members: [(key: [UInt8], value: JSONValue)] = []
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            while true {
                skipSpace()
                let key = try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw error("a missing ':'") }
                members.append((key, try value(depth: depth + 1)))
                skipSpace()
                if take(UInt8(ascii: "}")) { return .object(members) }
                guard take(UInt8(ascii: ",")) else { throw error("a missing ',' or '}'") }
            }
        case UInt8(ascii: "["):
            at += 1
            var values: [JSONValue] = []
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            while true {
                values.append(try value(depth: depth + 1))
                skipSpace()
                if take(UInt8(ascii: "]")) { return .array(values) }
                guard take(UInt8(ascii: ",")) else { throw error("a missing ',' or ']'") }
            }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t") where word("true"): return .bool(true)
        case UInt8(ascii: "f") where word("false"): return .bool(false)
        case UInt8(ascii: "n") where word("null"): return .null
        default:
            let start = at
            while at < bytes.count, "+-.eE0123456789".utf8.contains(bytes[at]) { at += 1 }
            guard let number = Double(String(decoding: bytes[start..<at], as: UTF8.self)) else {
                throw error("an unknown value")
            }
            return .number(number)
        }
    }

    private mutating func string() throws(TokenizerError) -> [UInt8] {
        guard take(UInt8(ascii: "\"")) else { throw error("a missing string") }
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\") { at += 1 }
        var text = Array(bytes[start..<at])
        while true {
            guard at < bytes.count else { throw error("a string without end") }
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") { return text }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard at < bytes.count else { throw error("a string without end") }
            let escape = bytes[at]
            at += 1
            switch escape {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "u"):
                var code = try hex4()
                if (0xD800..<0xDC00).contains(code), word("\\u") {
                    let low = try hex4()
                    guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair") }
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
                text.append(contentsOf: UTF8.encode(scalar)!)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
            default: throw error("an unknown escape")
            }
        }
    }

    private mutating func hex4() throws(TokenizerError) -> UInt32 {
        guard at + 4 <= bytes.count,
            let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw error("a damaged \\u escape") }
        at += 4
        return code
    }
}

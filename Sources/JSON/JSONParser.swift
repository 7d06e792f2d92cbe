/// Why a text is not JSON: the byte offset and what was expected there.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    public var offset: Int
    public var message: String

    public var description: String { "not JSON at byte \(offset): \(message)" }
}

extension JSONValue {
    /// Reads one JSON value (RFC 8259) and nothing after it but white space.
    ///
    /// - Throws: ``JSONError`` with the offset; nesting deeper than 256 is refused.
    public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        var parser = JSONParser(bytes: Array(bytes))
        self = try parser.document()
    }

    public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }
}

private struct JSONParser {
    let bytes: [UInt8]
    var at = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw error("the end was expected") }
        return value
    }

    private func error(_ message: String) -> JSONError { JSONError(offset: at, message: message) }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= 256 else { throw error("nesting deeper than 256") }
        skipSpace()
        switch next ?? 0 {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("a value was expected")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[at...].starts(with: word.utf8) else { throw error("`\(word)` was expected") }
        at += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        at += 1
        var members: [JSONMember] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object([])
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a member name was expected") }
            let name = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw error("`:` was expected") }
            at += 1
            members.append(JSONMember(name, try value(depth: depth + 1)))
            skipSpace()
            if next == UInt8(ascii: ",") {
                at += 1
                continue
            }
            guard next == UInt8(ascii: "}") else { throw error("`,` or `}` was expected") }
            at += 1
            return .object(members)
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        at += 1
        var values: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array([])
        }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if next == UInt8(ascii: ",") {
                at += 1
                continue
            }
            guard next == UInt8(ascii: "]") else { throw error("`,` or `]` was expected") }
            at += 1
            return .array(values)
        }
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        guard at > start else { throw error("a digit was expected") }
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func string() throws(JSONError) -> String {
        at += 1
        var out: [UInt8] = []
        while true {
            guard let byte = next else { throw error("the string has no end") }
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"):
                at += 1
                try escape(into: &out)
            case 0..<0x20: throw error("a control character stands in a string")
            default:
                out.append(byte)
                at += 1
            }
        }
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw error("the string has no end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hex4())
            if (0xD800..<0xDC00).contains(code), at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                bytes[at + 1] == UInt8(ascii: "u")
            {
                let mark = at
                at += 2
                let low = UInt32(try hex4())
                if (0xDC00..<0xE000).contains(low) {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    at = mark
                }
            }
            out += String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8
        default:
            at -= 1
            throw error("no such escape")
        }
    }

    private mutating func hex4() throws(JSONError) -> UInt16 {
        guard at + 4 <= bytes.count, bytes[at] != UInt8(ascii: "+"),
            let code = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw error("four hexadecimal digits were expected") }
        at += 4
        return code
    }
}

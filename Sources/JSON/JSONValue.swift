/// A JSON value whose objects keep their order and whose numbers keep their digits, so
/// that the same row is always written as the same bytes.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The digits as they stand in the text, a valid JSON number.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    public static func integer(_ value: Int) -> JSONValue { .number(String(value)) }

    /// A number with at most `places` decimals and at least one, rounded half to even.
    /// Not-a-number and infinities, which JSON lacks, become null.
    public static func decimal(_ value: Double, places: Int = 6) -> JSONValue {
        guard let text = decimalText(value, places: places) else { return .null }
        return .number(text)
    }

    public static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    /// The first member of that name, when this is an object that has it.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    public var isNull: Bool { self == .null }

    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    public var integer: Int? {
        guard case .number(let digits) = self else { return nil }
        return Int(digits)
    }

    public var double: Double? {
        guard case .number(let digits) = self else { return nil }
        return Double(digits)
    }

    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    public var array: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    public var members: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}

/// One name and value of a JSON object.
public struct JSONMember: Sendable, Equatable {
    public var name: String
    public var value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue {
    /// `value` with at most `places` decimals and at least one: `0.993`, `1.0`. Nil for
    /// what is no finite number of a printable size.
    package static func decimalText(_ value: Double, places: Int) -> String? {
        precondition((1...9).contains(places))
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (value * scale).rounded(.toNearestOrEven)
        guard scaled.isFinite, abs(scaled) < 9e15 else { return nil }
        let magnitude = Int(abs(scaled))
        let unit = Int(scale)
        var fraction = String(magnitude % unit)
        fraction = String(repeating: "0", count: places - fraction.count) + fraction
        while fraction.count > 1, fraction.hasSuffix("0") { fraction.removeLast() }
        let sign = scaled < 0 ? "-" : ""
        return "\(sign)\(magnitude / unit).\(fraction)"
    }

    /// Compact JSON on one line: no line break outside escapes, so that a row is a line.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// `text` as UTF-8.
    public var bytes: [UInt8] {
        var out: [UInt8] = []
        write(into: &out)
        return out
    }

    public func write(into out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .number(let digits): out += digits.utf8
        case .string(let value): Self.write(value, into: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out += ", ".utf8 }
                value.write(into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out += ", ".utf8 }
                Self.write(member.name, into: &out)
                out += ": ".utf8
                member.value.write(into: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    /// Indented by two spaces, for files that people open.
    public var indentedText: String {
        var out = ""
        writeIndented(into: &out, depth: 0)
        return out
    }

    private func writeIndented(into out: inout String, depth: Int) {
        let inner = String(repeating: "  ", count: depth + 1)
        let outer = String(repeating: "  ", count: depth)
        switch self {
        case .array(let values) where !values.isEmpty:
            out += "[\n"
            for (index, value) in values.enumerated() {
                out += inner
                value.writeIndented(into: &out, depth: depth + 1)
                out += index + 1 < values.count ? ",\n" : "\n"
            }
            out += outer + "]"
        case .object(let members) where !members.isEmpty:
            out += "{\n"
            for (index, member) in members.enumerated() {
                out += inner + JSONValue.string(member.name).text + ": "
                member.value.writeIndented(into: &out, depth: depth + 1)
                out += index + 1 < members.count ? ",\n" : "\n"
            }
            out += outer + "}"
        default: out += text
        }
    }

    private static func write(_ string: String, into out: inout [UInt8]) {
        var string = string
        out.append(UInt8(ascii: "\""))
        string.withUTF8 { write($0, into: &out) }
        out.append(UInt8(ascii: "\""))
    }

    /// Runs of bytes that stand for themselves go out in one piece.
    private static func write(_ utf8: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        var start = 0
        var index = 0
        while index < utf8.count {
            let byte = utf8[index]
            // C1 controls are escaped like C0 ones: a row that is printed moves no cursor.
            let isC1 = byte == 0xC2 && index + 1 < utf8.count && utf8[index + 1] < 0xA0
            let isEscaped =
                byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
                || isC1
            if !isEscaped {
                index += 1
                continue
            }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
            if isC1 { index += 1 }
            switch byte {
            case UInt8(ascii: "\""): out += "\\\"".utf8
            case UInt8(ascii: "\\"): out += "\\\\".utf8
            case 0x0A: out += "\\n".utf8
            case 0x0D: out += "\\r".utf8
            case 0x09: out += "\\t".utf8
            default: writeEscape(utf8[index], into: &out)
            }
            index += 1
            start = index
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...]))
    }

    private static func writeEscape(_ byte: UInt8, into out: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        out += "\\u00".utf8
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
    }
}

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable, Equatable {
    case integer(Int)
    case float(Double)
    case bool(Bool)
    /// Bytes, since nothing promises UTF-8.
    case string([UInt8])
    case integers([Int])
    case floats([Double])
    case bools([Bool])
    case strings([[UInt8]])

    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var integers: [Int]? { if case .integers(let values) = self { values } else { nil } }
    public var strings: [[UInt8]]? { if case .strings(let values) = self { values } else { nil } }

    /// A number as a Double.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .float(let value): value
        default: nil
        }
    }

    public var text: String? {
        if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    /// A few words for a message.
    public var summary: String {
        switch self {
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let bytes): "\"\(String(decoding: bytes.prefix(60), as: UTF8.self))\""
        case .integers(let values): "an array of \(values.count) numbers"
        case .floats(let values): "an array of \(values.count) numbers"
        case .bools(let values): "an array of \(values.count) flags"
        case .strings(let values): "an array of \(values.count) strings"
        }
    }
}

/// The header of a GGUF file as it is read: every count and length is checked against the bytes
/// that are left before anything is allocated for it.
struct GGUFHeaderReader {
    private let file: ReadableFile
    private(set) var position = 0
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    /// Header bytes beyond this are refused; the 48B model has some 10 MB.
    static let maximumBytes = 1 << 26
    private static let pieceBytes = 1 << 20

    init(_ file: ReadableFile) { self.file = file }

    /// Bytes that the header may still have.
    private var left: Int { min(file.byteCount, Self.maximumBytes) - position }

    private func cut(_ wanted: Int) -> WeightFileError {
        if position + wanted > file.byteCount {
            return .truncated(path: file.path, found: file.byteCount, expected: position + wanted)
        }
        return .malformed(path: file.path, what: "the header is longer than \(Self.maximumBytes) bytes")
    }

    mutating func take(_ count: Int) throws(WeightFileError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left else { throw cut(min(max(count, 0), 1 << 40)) }
        if position < bufferStart || position + count > bufferStart + buffer.count {
            bufferStart = position
            let length = min(max(count, Self.pieceBytes), file.byteCount - position)
            buffer = try file.bytes(position..<position + length)
        }
        let start = position - bufferStart
        position += count
        return buffer[start..<start + count]
    }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(WeightFileError) -> T {
        let bytes = try take(MemoryLayout<T>.size)
        return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
    }

    /// A u64 that counts things of at least `unit` bytes each that follow in the header.
    mutating func count(of unit: Int, _ what: String) throws(WeightFileError) -> Int {
        let value = try integer(UInt64.self)
        guard value <= UInt64(max(left, 0) / unit) else {
            throw .malformed(
                path: file.path,
                what: "\(what) is \(value), more than the \(max(left, 0)) bytes left can hold")
        }
        return Int(value)
    }

    mutating func string(_ what: String) throws(WeightFileError) -> [UInt8] {
        let length = try count(of: 1, "the length of \(what)")
        return Array(try take(length))
    }

    mutating func value(_ key: String) throws(WeightFileError) -> GGUFValue {
        let type = try integer(UInt32.self)
        if type != 9 { return try scalar(type, key) }
        let element = try integer(UInt32.self)
        guard let size = Self.sizes[element] else {
            throw .malformed(path: file.path, what: "\(key) is an array of the unknown type \(element)")
        }
        let count = try count(of: size, "the number of elements of \(key)")
        switch element {
        case 8:
            var values: [[UInt8]] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try string("a string of \(key)")) }
            return .strings(values)
        case 7:
            let bytes = try take(count)
            return .bools(bytes.map { $0 != 0 })
        case 6, 12:
            var values: [Double] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try float(element)) }
            return .floats(values)
        default:
            var values: [Int] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try number(element, key)) }
            return .integers(values)
        }
    }

    private mutating func scalar(_ type: UInt32, _ key: String) throws(WeightFileError) -> GGUFValue {
        switch type {
        case 6, 12: .float(try float(type))
        case 7: .bool(try integer(UInt8.self) != 0)
        case 8: .string(try string(key))
        case 0...5, 10, 11: .integer(try number(type, key))
        default: throw .malformed(path: file.path, what: "\(key) has the unknown type \(type)")
        }
    }

    private mutating func float(_ type: UInt32) throws(WeightFileError) -> Double {
        type == 6
            ? Double(Float(bitPattern: try integer(UInt32.self)))
            : Double(bitPattern: try integer(UInt64.self))
    }

    private mutating func number(_ type: UInt32, _ key: String) throws(WeightFileError) -> Int {
        switch type {
        case 0: return Int(try integer(UInt8.self))
        case 1: return Int(try integer(Int8.self))
        case 2: return Int(try integer(UInt16.self))
        case 3: return Int(try integer(Int16.self))
        case 4: return Int(try integer(UInt32.self))
        case 5: return Int(try integer(Int32.self))
        case 11: return Int(try integer(Int64.self))
        default:
            let value = try integer(UInt64.self)
            guard let number = Int(exactly: value) else {
                throw .malformed(path: file.path, what: "\(key) is \(value)")
            }
            return number
        }
    }

    /// Bytes of the smallest value of each type that may stand in an array.
    private static let sizes: [UInt32: Int] = [
        0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 10: 8, 11: 8, 12: 8,
    ]
}

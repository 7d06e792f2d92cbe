import Documents
import Glibc

/// Properties of MAPI as TNEF carries them: by their id, bytes as they stand.
///
/// Layout: [MS-OXTNEF] 2.1.3.4; types: [MS-OXCDATA] 2.11.
struct MAPIProperties {
    enum ID {
        static let messageClass = 0x001A
        static let subject = 0x0037
        static let sentAt = 0x0039
        static let senderName = 0x0C1A
        static let senderAddress = 0x0C1F
        static let displayTo = 0x0E04
        static let displayCc = 0x0E03
        static let body = 0x1000
        static let compressedRTF = 0x1009
        static let bodyHTML = 0x1013
        static let messageID = 0x1035
        static let attachData = 0x3701
        static let attachFileName = 0x3704
        static let attachMethod = 0x3705
        static let attachLongFileName = 0x3707
        static let attachMIMEType = 0x370E
        static let displayName = 0x3001
        static let internetCodePage = 0x3FDE
    }

    private enum ValueType {
        static let string8 = 0x1E
        static let unicode = 0x1F
        static let object = 0x0D
        static let binary = 0x102
    }

    private static let maxProperties = 10_000

    private var values: [Int: (type: Int, bytes: [UInt8])] = [:]
    /// Whether the bytes ended before the properties did.
    private(set) var isDamaged = false
    var codePage = 1252

    init() {}

    init(_ bytes: ArraySlice<UInt8>) {
        var reader = LittleEndianReader(bytes)
        guard let count = reader.uint32(), count <= Self.maxProperties else {
            isDamaged = true
            return
        }
        for _ in 0..<count where !isDamaged {
            if !readProperty(&reader) { isDamaged = true }
        }
    }

    private mutating func readProperty(_ reader: inout LittleEndianReader) -> Bool {
        guard let rawType = reader.uint16(), let id = reader.uint16() else { return false }
        if id >= 0x8000 {
            guard reader.skip(16), let kind = reader.uint32() else { return false }
            if kind == 0 {
                guard reader.skip(4) else { return false }
            } else {
                guard let length = reader.uint32(), reader.skip((length + 3) & ~3) else { return false }
            }
        }
        let isMultiple = rawType & 0x1000 != 0
        let type = rawType & 0x0FFF
        let isVariable = [ValueType.string8, ValueType.unicode, ValueType.object, ValueType.binary].contains(
            type)
        var count = 1
        if isMultiple || isVariable {
            guard let stored = reader.uint32(), stored <= Self.maxProperties else { return false }
            count = stored
        }
        for index in 0..<count {
            let bytes: ArraySlice<UInt8>?
            if isVariable {
                guard let length = reader.uint32() else { return false }
                bytes = reader.take(length)
                guard reader.skip(((length + 3) & ~3) - length) || reader.isAtEnd else { return false }
            } else {
                switch type {
                case 0x02, 0x03, 0x04, 0x0A, 0x0B: bytes = reader.take(4)
                case 0x05, 0x06, 0x07, 0x14, 0x40: bytes = reader.take(8)
                case 0x48: bytes = reader.take(16)
                case 0x00, 0x01: bytes = []
                default: return false
                }
            }
            guard let bytes else { return false }
            if index == 0, id < 0x8000 { values[id] = (type, Array(bytes)) }
        }
        return true
    }

    func bytes(_ id: Int) -> [UInt8]? { values[id]?.bytes }

    func integer(_ id: Int) -> Int? {
        guard let value = values[id]?.bytes, value.count >= 4 else { return nil }
        return value.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// A string without the zeros that end it.
    func text(_ id: Int) -> [UInt8]? {
        guard let value = values[id] else { return nil }
        var utf8: [UInt8]
        if value.type == ValueType.unicode {
            utf8 = value.bytes.withUnsafeBytes { TextDecoder.decode($0, declared: "UTF-16LE") }
        } else {
            utf8 = value.bytes.withUnsafeBytes { TextDecoder.decode($0, declared: "CP\(codePage)") }
        }
        while utf8.last == 0 { utf8.removeLast() }
        return utf8
    }

    func string(_ id: Int) -> String? {
        text(id).map { String(decoding: HeaderText.collapse($0), as: UTF8.self) }.flatMap {
            $0.isEmpty ? nil : $0
        }
    }

    /// A time as RFC 3339, from 100 ns since 1601.
    func time(_ id: Int) -> String? {
        guard let value = values[id]?.bytes, value.count == 8 else { return nil }
        let ticks = value.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let seconds = Int64(ticks / 10_000_000) - 11_644_473_600
        return RFC3339.text(secondsSince1970: seconds)
    }
}

/// Numbers of a file in little-endian order, never beyond its end.
struct LittleEndianReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }
    var left: Int { bytes.endIndex - position }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= left else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }

    mutating func uint8() -> Int? { take(1).map { Int($0.first!) } }

    mutating func uint16() -> Int? { take(2).map { Int($0.first!) | Int($0.last!) << 8 } }

    mutating func uint32() -> Int? {
        take(4).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } }
    }
}

/// Seconds as `2026-03-02T09:41:30Z`.
enum RFC3339 {
    static func text(secondsSince1970 seconds: Int64) -> String? {
        var time = Int(seconds)
        guard seconds > -11_644_473_600, seconds < 253_402_300_800 else { return nil }
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return nil }
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

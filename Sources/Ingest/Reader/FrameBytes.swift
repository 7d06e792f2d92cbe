/// Bytes that are no frame of ours.
struct MalformedFrame: Error {}

/// Plain values as bytes: numbers as eight of them, the least first; strings and lists behind their count.
struct FrameWriter {
    var bytes: [UInt8] = []

    mutating func put(_ value: UInt8) { bytes.append(value) }
    mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }
    mutating func put(_ value: Int) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ value: String) {
        put(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    mutating func put<Value>(_ value: Value?, _ each: (inout FrameWriter, Value) -> Void) {
        put(value != nil)
        if let value { each(&self, value) }
    }

    mutating func put<Value>(_ values: [Value], _ each: (inout FrameWriter, Value) -> Void) {
        put(values.count)
        for value in values { each(&self, value) }
    }

    mutating func put(_ steps: [[Int]]) { put(steps) { $0.put($1) { $0.put($1) } } }
}

/// The inverse; never trusts a count.
struct FrameReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    private mutating func take(_ count: Int) throws(MalformedFrame) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else { throw MalformedFrame() }
        defer { position += count }
        return bytes.slice(position..<position + count)
    }

    mutating func byte() throws(MalformedFrame) -> UInt8 { try take(1)[0] }
    mutating func bool() throws(MalformedFrame) -> Bool { try byte() != 0 }

    mutating func int() throws(MalformedFrame) -> Int {
        Int(littleEndian: try take(8).loadUnaligned(as: Int.self))
    }

    /// All that is left.
    mutating func rest() -> [UInt8] {
        defer { position = bytes.count }
        return Array(bytes.slice(position..<bytes.count))
    }

    mutating func string() throws(MalformedFrame) -> String {
        String(decoding: try take(try int()), as: UTF8.self)
    }

    mutating func optional<Value>(
        _ each: (inout FrameReader) throws(MalformedFrame) -> Value
    ) throws(MalformedFrame) -> Value? {
        try bool() ? try each(&self) : nil
    }

    mutating func list<Value>(
        _ each: (inout FrameReader) throws(MalformedFrame) -> Value
    ) throws(MalformedFrame) -> [Value] {
        let count = try int()
        // Every value takes a byte at least.
        guard count >= 0, count <= bytes.count - position else { throw MalformedFrame() }
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try each(&self)) }
        return values
    }

    mutating func steps() throws(MalformedFrame) -> [[Int]] {
        try list { (reader) throws(MalformedFrame) in
            try reader.list { (reader) throws(MalformedFrame) in try reader.int() }
        }
    }
}

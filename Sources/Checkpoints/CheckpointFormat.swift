import Digests

/// The bytes of a checkpoint file, little-endian.
///
///     "LECTORS\0"  u32 version  u32 header length  u64 file length  u32 header CRC  36 zero bytes
///     header, padded with zeros to a multiple of 64:
///         key (32 bytes), u64 token count, three strings (model, tokenizer, numerics class),
///         u32 sections, each: name, type, u64 offset, u64 length, u32 CRC-32C
///     sections, each at a multiple of 64, zeros between; `logits` and `cursor` come first
///     SHA-256 of everything before it, and that digest's CRC-32C
///
/// Strings are a u32 length and UTF-8. CRCs are checked at every reading, the digest by `verify`.
enum CheckpointFormat {
    static let version = 1
    static let magic = Array("LECTORS\0".utf8)
    static let prefaceBytes = 64
    static let trailerBytes = 36

    /// What is wrong with a file's bytes.
    enum Flaw: Error {
        case damaged(String)
        case version(Int)
    }

    static func encode(_ checkpoint: Checkpoint) -> [UInt8] {
        var sections: [Checkpoint.Section] = []
        if let logits = checkpoint.nextLogits {
            sections.append(
                .init(
                    name: "logits", type: "f32 [\(logits.count)]",
                    bytes: logits.withUnsafeBytes { Array($0) }))
        }
        sections.append(.init(name: "cursor", type: "u8", bytes: checkpoint.cursor))
        sections += checkpoint.sections

        func header(_ offsets: [Int]) -> [UInt8] {
            var out = ByteWriter()
            out.bytes += checkpoint.key.bytes
            out.integer(UInt64(checkpoint.tokenCount))
            out.string(checkpoint.identity.modelFingerprint)
            out.string(checkpoint.identity.tokenizerFingerprint)
            out.string(checkpoint.identity.numericsClass)
            out.integer(UInt32(sections.count))
            for (section, offset) in zip(sections, offsets) {
                out.string(section.name)
                out.string(section.type)
                out.integer(UInt64(offset))
                out.integer(UInt64(section.bytes.count))
                out.integer(section.bytes.withUnsafeBytes { crc32c($0) })
            }
            out.pad()
            return out.bytes
        }
        var at = prefaceBytes + header(sections.map { _ in 0 }).count
        var offsets: [Int] = []
        for section in sections {
            offsets.append(at)
            at += (section.bytes.count + 63) / 64 * 64
        }
        let head = header(offsets)
        var out = ByteWriter()
        out.bytes.reserveCapacity(at + trailerBytes)
        out.bytes += magic
        out.integer(UInt32(version))
        out.integer(UInt32(head.count))
        out.integer(UInt64(at + trailerBytes))
        out.integer(head.withUnsafeBytes { crc32c($0) })
        out.pad()
        out.bytes += head
        for section in sections {
            out.bytes += section.bytes
            out.pad()
        }
        let digest = SHA256.digest(of: out.bytes)
        out.bytes += digest
        out.integer(digest.withUnsafeBytes { crc32c($0) })
        return out.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, verifyDigest: Bool) throws(Flaw) -> Checkpoint {
        guard bytes.count >= prefaceBytes, bytes.prefix(8).elementsEqual(magic) else {
            throw .damaged(bytes.count < prefaceBytes ? "\(bytes.count) bytes long" : "not a checkpoint")
        }
        var preface = ByteReader(bytes, 8..<prefaceBytes)
        let version = Int(try preface.integer(UInt32.self))
        guard version == Self.version else { throw .version(version) }
        let headerEnd = prefaceBytes + Int(try preface.integer(UInt32.self))
        let length = try preface.integer(UInt64.self)
        guard length == UInt64(bytes.count), headerEnd + trailerBytes <= bytes.count else {
            throw .damaged("\(bytes.count) bytes, \(length) announced")
        }
        let head = UnsafeRawBufferPointer(rebasing: bytes[prefaceBytes..<headerEnd])
        guard crc32c(head) == (try preface.integer(UInt32.self)) else { throw .damaged("header") }
        try preface.expectZeros()

        var reader = ByteReader(bytes, prefaceBytes..<headerEnd)
        let key = CheckpointKey(bytes: try reader.take(32))
        let tokenCount = Int(try reader.integer(UInt64.self))
        let identity = CheckpointIdentity(
            modelFingerprint: try reader.string(), tokenizerFingerprint: try reader.string(),
            numericsClass: try reader.string())
        var checkpoint = Checkpoint(key: key, identity: identity, tokenCount: tokenCount, sections: [])
        var at = headerEnd
        let end = bytes.count - trailerBytes
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let (name, type) = (try reader.string(), try reader.string())
            let (offset, count) = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
            let sum = try reader.integer(UInt32.self)
            guard offset == UInt64(at), count <= UInt64(end - at) else { throw .damaged("place of \(name)") }
            let range = at..<at + Int(count)
            let content = UnsafeRawBufferPointer(rebasing: bytes[range])
            guard crc32c(content) == sum else { throw .damaged("section \(name)") }
            at = (range.upperBound + 63) / 64 * 64
            guard at <= end else { throw .damaged("place of \(name)") }
            var padding = ByteReader(bytes, range.upperBound..<at)
            try padding.expectZeros()
            switch name {
            case "cursor": checkpoint.cursor = Array(content)
            case "logits":
                checkpoint.nextLogits = stride(from: 0, to: content.count / 4 * 4, by: 4).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: content.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
                }
            default: checkpoint.sections.append(.init(name: name, type: type, bytes: Array(content)))
            }
        }
        try reader.expectZeros()
        guard at == end else { throw .damaged("bytes after the last section") }
        var trailer = ByteReader(bytes, end..<bytes.count)
        let digest = try trailer.take(32)
        guard digest.withUnsafeBytes({ crc32c($0) }) == (try trailer.integer(UInt32.self)) else {
            throw .damaged("digest")
        }
        if verifyDigest, SHA256.digest(of: UnsafeRawBufferPointer(rebasing: bytes[..<end])) != digest {
            throw .damaged("digest of the whole")
        }
        return checkpoint
    }
}

private struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    mutating func string(_ text: String) {
        integer(UInt32(text.utf8.count))
        bytes += Array(text.utf8)
    }

    /// Zeros up to a multiple of 64.
    mutating func pad() { bytes += [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64) }
}

private struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    var range: Range<Int>

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        self.range = range
    }

    mutating func take(_ count: Int) throws(CheckpointFormat.Flaw) -> [UInt8] {
        guard count >= 0, count <= range.count else { throw .damaged("header ends early") }
        defer { range = range.lowerBound + count..<range.upperBound }
        return Array(bytes[range.lowerBound..<range.lowerBound + count])
    }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(CheckpointFormat.Flaw) -> T {
        let raw = try take(MemoryLayout<T>.size)
        return T(littleEndian: raw.withUnsafeBytes { $0.loadUnaligned(as: T.self) })
    }

    mutating func string() throws(CheckpointFormat.Flaw) -> String {
        let count = Int(try integer(UInt32.self))
        return String(decoding: try take(count), as: UTF8.self)
    }

    mutating func expectZeros() throws(CheckpointFormat.Flaw) {
        guard bytes[range].allSatisfy({ $0 == 0 }) else { throw .damaged("padding") }
        range = range.upperBound..<range.upperBound
    }
}

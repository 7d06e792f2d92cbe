import Digests

/// The bytes of a checkpoint file; see Documentation.docc/CheckpointFormat.md.
enum CheckpointFormat {
    /// What is written; every version from 1 on is read.
    static let version = 2
    static let magic = Array("LECTORS\0".utf8)
    static let prefaceBytes = 64
    static let trailerBytes = 36

    /// What is wrong with a file's bytes.
    enum Flaw: Error {
        case damaged(String)
        case version(Int)
        /// A shared block is missing or damaged.
        case block(name: String, String)
    }

    /// The file's bytes, given the blocks that each section keeps elsewhere.
    ///
    /// - Parameter blocks: One list for each of ``storedSections(_:)``.
    static func encode(_ checkpoint: Checkpoint, blocks: [[CheckpointSummary.Block]]) -> [UInt8] {
        let sections = storedSections(checkpoint)
        let inline = zip(sections, blocks).map { $0.bytes[($1.count * ($0.blockBytes ?? 0))...] }

        func header(_ offsets: [Int]) -> [UInt8] {
            var out = ByteWriter()
            out.bytes += checkpoint.key.bytes
            out.integer(UInt64(checkpoint.tokenCount))
            out.string(checkpoint.identity.modelFingerprint)
            out.string(checkpoint.identity.tokenizerFingerprint)
            out.string(checkpoint.identity.numericsClass)
            out.string(checkpoint.kind.rawValue)
            out.string(checkpoint.title)
            out.integer(UInt32(checkpoint.trail.count))
            for key in checkpoint.trail { out.bytes += key.bytes }
            out.integer(UInt32(sections.count))
            for index in sections.indices {
                out.string(sections[index].name)
                out.string(sections[index].type)
                out.integer(UInt64(offsets[index]))
                out.integer(UInt64(inline[index].count))
                out.integer(inline[index].withUnsafeBytes { crc32c($0) })
                out.integer(UInt64(sections[index].blockBytes ?? 0))
                out.integer(UInt32(blocks[index].count))
                for block in blocks[index] {
                    out.bytes += block.digest
                    out.integer(block.crc)
                }
            }
            out.pad()
            return out.bytes
        }
        var at = prefaceBytes + header(sections.map { _ in 0 }).count
        var offsets: [Int] = []
        for content in inline {
            offsets.append(at)
            at += (content.count + 63) / 64 * 64
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
        for content in inline {
            out.bytes += content
            out.pad()
        }
        let digest = SHA256.digest(of: out.bytes)
        out.bytes += digest
        out.integer(digest.withUnsafeBytes { crc32c($0) })
        return out.bytes
    }

    /// The sections in file order: logits and cursor first.
    static func storedSections(_ checkpoint: Checkpoint) -> [Checkpoint.Section] {
        var sections: [Checkpoint.Section] = []
        if let logits = checkpoint.nextLogits {
            sections.append(
                .init(
                    name: "logits", type: "f32 [\(logits.count)]",
                    bytes: logits.withUnsafeBytes { Array($0) }))
        }
        sections.append(.init(name: "cursor", type: "u8", bytes: checkpoint.cursor))
        return sections + checkpoint.sections
    }

    /// Where the header ends, from the first ``prefaceBytes`` of a file of `fileBytes`.
    static func headerEnd(_ preface: UnsafeRawBufferPointer, fileBytes: Int) throws(Flaw) -> Int {
        guard preface.count >= prefaceBytes, preface.prefix(8).elementsEqual(magic) else {
            throw .damaged(preface.count < prefaceBytes ? "\(fileBytes) bytes long" : "not a checkpoint")
        }
        var reader = ByteReader(preface, 8..<prefaceBytes)
        let version = Int(try reader.integer(UInt32.self))
        guard (1...Self.version).contains(version) else { throw .version(version) }
        let headerEnd = prefaceBytes + Int(try reader.integer(UInt32.self))
        let length = try reader.integer(UInt64.self)
        guard length == UInt64(fileBytes), headerEnd + trailerBytes <= fileBytes else {
            throw .damaged("\(fileBytes) bytes, \(length) announced")
        }
        return headerEnd
    }

    /// The header of a file of `fileBytes`, from the bytes up to ``headerEnd(_:fileBytes:)``.
    static func header(_ bytes: UnsafeRawBufferPointer, fileBytes: Int) throws(Flaw) -> CheckpointSummary {
        let headerEnd = bytes.count
        var preface = ByteReader(bytes, 8..<prefaceBytes)
        let version = Int(try preface.integer(UInt32.self))
        _ = try preface.take(12)
        let head = UnsafeRawBufferPointer(rebasing: bytes[prefaceBytes..<headerEnd])
        guard crc32c(head) == (try preface.integer(UInt32.self)) else { throw .damaged("header") }
        try preface.expectZeros()

        var reader = ByteReader(bytes, prefaceBytes..<headerEnd)
        let key = CheckpointKey(bytes: try reader.take(32))
        let tokenCount = try reader.length()
        let identity = CheckpointIdentity(
            modelFingerprint: try reader.string(), tokenizerFingerprint: try reader.string(),
            numericsClass: try reader.string())
        var summary = CheckpointSummary(
            key: key, identity: identity, tokenCount: tokenCount, kind: .interval, title: "", trail: [],
            sections: [], formatVersion: version, fileBytes: fileBytes)
        if version >= 2 {
            let kind = try reader.string()
            guard let known = Checkpoint.Kind(rawValue: kind) else { throw .damaged("kind \(kind)") }
            summary.kind = known
            summary.title = try reader.string()
            for _ in 0..<(try reader.integer(UInt32.self)) {
                summary.trail.append(CheckpointKey(bytes: try reader.take(32)))
            }
        }
        var at = headerEnd
        let end = fileBytes - trailerBytes
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let (name, type) = (try reader.string(), try reader.string())
            let (offset, count) = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
            let sum = try reader.integer(UInt32.self)
            guard offset == UInt64(at), count <= UInt64(end - at) else { throw .damaged("place of \(name)") }
            var section = CheckpointSummary.Section(
                name: name, type: type, offset: at, length: Int(count), crc: sum, blockBytes: 0, blocks: [])
            at = (at + Int(count) + 63) / 64 * 64
            guard at <= end else { throw .damaged("place of \(name)") }
            if version >= 2 {
                section.blockBytes = try reader.length()
                for _ in 0..<(try reader.integer(UInt32.self)) {
                    section.blocks.append(
                        .init(digest: try reader.take(32), crc: try reader.integer(UInt32.self)))
                }
            }
            summary.sections.append(section)
        }
        try reader.expectZeros()
        guard at == end else { throw .damaged("bytes after the last section") }
        return summary
    }

    /// The checkpoint in a file's bytes.
    ///
    /// - Parameters:
    ///   - verifyDigest: Also recompute the SHA-256 of the whole (CRCs are always checked).
    ///   - block: Appends the bytes of a shared block, checked, to the section.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, verifyDigest: Bool,
        block: (CheckpointSummary.Block, Int, inout [UInt8]) throws(Flaw) -> Void
    ) throws(Flaw) -> Checkpoint {
        let headerEnd = try headerEnd(bytes, fileBytes: bytes.count)
        let summary = try header(
            UnsafeRawBufferPointer(rebasing: bytes[..<headerEnd]), fileBytes: bytes.count)
        var checkpoint = Checkpoint(
            key: summary.key, identity: summary.identity, tokenCount: summary.tokenCount, kind: summary.kind,
            title: summary.title, trail: summary.trail, sections: [])
        let end = bytes.count - trailerBytes
        for section in summary.sections {
            let range = section.offset..<section.offset + section.length
            let content = UnsafeRawBufferPointer(rebasing: bytes[range])
            guard crc32c(content) == section.crc else { throw .damaged("section \(section.name)") }
            var padding = ByteReader(bytes, range.upperBound..<(range.upperBound + 63) / 64 * 64)
            try padding.expectZeros()
            switch section.name {
            case "cursor": checkpoint.cursor = Array(content)
            case "logits":
                checkpoint.nextLogits = stride(from: 0, to: content.count / 4 * 4, by: 4).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: content.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
                }
            default:
                var whole: [UInt8] = []
                for shared in section.blocks { try block(shared, section.blockBytes, &whole) }
                whole += content
                checkpoint.sections.append(
                    .init(
                        name: section.name, type: section.type, bytes: whole,
                        blockBytes: section.blockBytes == 0 ? nil : section.blockBytes))
            }
        }
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

    /// A count that fits an Int.
    mutating func length() throws(CheckpointFormat.Flaw) -> Int {
        guard let value = Int(exactly: try integer(UInt64.self)) else { throw .damaged("a count") }
        return value
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

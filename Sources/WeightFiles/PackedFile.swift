import Digests
import JSON

/// A tensor's place in a packed file.
public struct PackedEntry: Sendable, Equatable {
    public let name: String
    public let format: WeightFormat
    /// `[N, K]` of a matrix, or the shape of a vector-like tensor.
    public let shape: [Int]
    /// Bytes of the file, from its beginning; the start is a multiple of 64.
    public let range: Range<Int>
    public let crc32c: UInt32
}

/// A small file that lies inside a packed file.
public struct AttachedFile: Sendable, Equatable {
    public let name: String
    /// Bytes of the packed file.
    public let range: Range<Int>
    public let crc32c: UInt32
}

/// Lector's packed weights: one file, memory-mapped, its matrices in the layout that the
/// kernels read, so that opening copies nothing.
///
/// Layout, little-endian: 8 bytes `LECTORW\0`; u32 version; u32 length of the JSON header;
/// u64 length of the file; u32 CRC-32C of the JSON header; u32 zero; 32 bytes digest; then the
/// JSON header, padded with spaces to a multiple of 64; then the tensors, each at a multiple of
/// 64, zeros between, and in the same way the attached files (`tokenizer.json` and the like). The digest is SHA-256(JSON header, SHA-256(everything after it)); it is
/// the model's fingerprint.
public final class PackedFile: Sendable {
    public let path: String
    /// The model's `config.json` as it was converted.
    public let config: JSONValue
    /// The name of the recipe: `q4`, `q8`, `bf16` or `f32`.
    public let recipe: String
    /// What the weights were converted from.
    public let source: JSONValue
    /// SHA-256 that names these weights, in hexadecimal.
    public let fingerprint: String
    /// In file order.
    public let entries: [PackedEntry]
    /// Files that go with the weights, such as the tokenizer's, in file order.
    public let files: [AttachedFile]
    private let places: [String: Int]
    private let file: MappedFile
    private let headerRange: Range<Int>

    static let magic = Array("LECTORW\0".utf8)
    static let version: UInt32 = 1
    static let prefaceBytes = 64
    /// Files up to this size have every section checked at opening (a few milliseconds);
    /// larger ones only their header, the rest by `verify`.
    static let checkedAtOpening = 1 << 30

    /// Opens a packed file and checks its header and, up to a gigabyte, every section's CRC.
    ///
    /// - Throws: ``WeightFileError``: unreadable, notAModel, version, truncated, malformed, corrupt.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        file = try MappedFile(path: path)
        let bytes = file.bytes
        guard bytes.count >= Self.magic.count, bytes.prefix(Self.magic.count).elementsEqual(Self.magic) else {
            let start = bytes.prefix(8).hex
            throw .notAModel(
                path: path, found: bytes.isEmpty ? "an empty file" : "a file that begins with \(start)",
                expected: "a packed model (\(Self.magic.hex))")
        }
        guard bytes.count >= Self.prefaceBytes else {
            throw .truncated(path: path, found: bytes.count, expected: Self.prefaceBytes)
        }
        let version = bytes.integer(UInt32.self, at: 8)
        guard version == Self.version else {
            throw .version(path: path, found: Int(version), expected: Int(Self.version))
        }
        let headerEnd = Self.prefaceBytes + Int(bytes.integer(UInt32.self, at: 12))
        let length = bytes.integer(UInt64.self, at: 16)
        guard length == UInt64(bytes.count), headerEnd <= bytes.count else {
            if length < UInt64(bytes.count) {
                throw .malformed(path: path, what: "\(bytes.count) bytes, but the header announces \(length)")
            }
            throw .truncated(
                path: path, found: bytes.count, expected: Int(clamping: max(length, UInt64(headerEnd))))
        }
        headerRange = Self.prefaceBytes..<headerEnd
        let header = UnsafeRawBufferPointer(rebasing: bytes[headerRange])
        let sum = crc32c(header)
        let expected = bytes.integer(UInt32.self, at: 24)
        guard sum == expected else {
            throw .corrupt(path: path, what: "the header", found: hex(sum), expected: hex(expected))
        }
        fingerprint = bytes[32..<64].hex
        let json: JSONValue
        do { json = try JSONValue(parsing: header) } catch {
            throw .malformed(path: path, what: error.description)
        }
        guard let config = json["config"], let recipe = json["recipe"]?.string,
            let tensors = json["tensors"]?.array
        else { throw .malformed(path: path, what: "the header lacks config, recipe or tensors") }
        self.config = config
        self.recipe = recipe
        source = json["source"] ?? .null
        var entries: [PackedEntry] = []
        var places: [String: Int] = [:]
        var end = headerEnd
        for value in tensors {
            let entry = try Self.entry(value, from: end, fileBytes: bytes.count, path: path)
            end = entry.range.upperBound
            guard places.updateValue(entries.count, forKey: entry.name) == nil else {
                throw .malformed(path: path, what: "\(entry.name) appears twice")
            }
            entries.append(entry)
        }
        self.entries = entries
        var files: [AttachedFile] = []
        for value in json["files"]?.array ?? [] {
            guard let name = value["name"]?.string, let offset = value["offset"]?.integer,
                let length = value["length"]?.integer,
                let sum = value["crc32c"]?.string.flatMap({ UInt32($0, radix: 16) }),
                offset >= end, length >= 0, length <= bytes.count, offset <= bytes.count - length
            else { throw .malformed(path: path, what: "an attached file lies outside its place") }
            files.append(AttachedFile(name: name, range: offset..<offset + length, crc32c: sum))
            end = offset + length
        }
        self.files = files
        self.places = places
        if bytes.count <= Self.checkedAtOpening { try checkSections() }
    }

    private static func entry(
        _ value: JSONValue, from: Int, fileBytes: Int, path: String
    ) throws(WeightFileError) -> PackedEntry {
        guard let name = value["name"]?.string, let formatName = value["format"]?.string,
            let offset = value["offset"]?.integer, let length = value["length"]?.integer,
            let sum = value["crc32c"]?.string.flatMap({ UInt32($0, radix: 16) }),
            let dimensions = value["shape"]?.array
        else { throw .malformed(path: path, what: "a tensor lacks one of its fields") }
        guard let format = WeightFormat(rawValue: formatName) else {
            throw .malformed(path: path, what: "\(name) has the unknown format \(formatName)")
        }
        let shape = dimensions.compactMap { $0.integer }
        guard shape.count == dimensions.count, shape.allSatisfy({ $0 > 0 && $0 < 1 << 31 }),
            shape.count <= 4, format == .vector || shape.count == 2
        else { throw .malformed(path: path, what: "\(name) has an impossible shape") }
        guard offset >= from, offset % 64 == 0, length >= 0, length <= fileBytes, offset <= fileBytes - length
        else {
            throw .malformed(path: path, what: "\(name) lies outside its place (\(offset), \(length) bytes)")
        }
        guard length == format.byteCount(shape: shape) else {
            throw .malformed(
                path: path, what: "\(name) is \(format.rawValue) \(shape) but has \(length) bytes")
        }
        return PackedEntry(
            name: name, format: format, shape: shape, range: offset..<offset + length, crc32c: sum)
    }

    public func entry(_ name: String) -> PackedEntry? { places[name].map { entries[$0] } }

    /// A tensor's bytes in the mapping, 64-byte aligned; they live as long as this file.
    public func bytes(of entry: PackedEntry) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    }

    /// The bytes of an attached file, checked.
    ///
    /// - Throws: ``WeightFileError/corrupt(path:what:found:expected:)``.
    public func bytes(of attached: AttachedFile) throws(WeightFileError) -> [UInt8] {
        try check(attached)
        return Array(file.bytes[attached.range])
    }

    /// Apart from ``bytes(of:)-(AttachedFile)``: the optimizer of Swift 6 frees an array that
    /// nobody reads before it has filled it.
    private func check(_ attached: AttachedFile) throws(WeightFileError) {
        let sum = crc32c(UnsafeRawBufferPointer(rebasing: file.bytes[attached.range]))
        guard sum == attached.crc32c else {
            throw .corrupt(path: path, what: attached.name, found: hex(sum), expected: hex(attached.crc32c))
        }
    }

    /// - Throws: ``WeightFileError/changed(path:)`` when the file was rewritten since it was opened.
    public func checkUnchanged() throws(WeightFileError) { try file.checkUnchanged() }

    /// The file's length.
    public var byteCount: Int { file.bytes.count }

    /// Checks the CRC-32C of every section; about 10 GB/s.
    ///
    /// - Throws: ``WeightFileError/corrupt(path:what:found:expected:)``.
    public func checkSections() throws(WeightFileError) {
        for entry in entries {
            let sum = crc32c(bytes(of: entry))
            guard sum == entry.crc32c else {
                throw .corrupt(path: path, what: entry.name, found: hex(sum), expected: hex(entry.crc32c))
            }
        }
        for attached in files { try check(attached) }
    }

    /// Recomputes the digest over the whole file.
    ///
    /// - Throws: ``WeightFileError/corrupt(path:what:found:expected:)``.
    public func checkDigest() throws(WeightFileError) {
        let body = SHA256.digest(of: UnsafeRawBufferPointer(rebasing: file.bytes[headerRange.upperBound...]))
        var hash = SHA256()
        hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[headerRange]))
        hash.update(body)
        let found = hash.finalize().hex
        guard found == fingerprint else {
            throw .corrupt(path: path, what: "the whole", found: found, expected: fingerprint)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian integer at `offset`.
    func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

/// Eight hexadecimal digits.
func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}

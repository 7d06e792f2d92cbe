/// A tensor's place in a GGUF file.
public struct GGUFEntry: Sendable, Equatable {
    public let name: String
    public let type: GGMLType
    /// Slowest axis first, as everywhere in Lector; the file writes it the other way round.
    public let shape: [Int]
    /// Bytes of the file, from its beginning.
    public let range: Range<Int>

    public var count: Int { shape.reduce(1, *) }
}

/// One GGUF file: metadata and tensors, every claim of the header checked at opening.
///
/// Source: the format description in ggml's `docs/gguf.md`. Versions 2 and 3, little-endian.
/// Tensors are read in pieces (see ``ReadableFile``), never mapped: they are converted anyway.
public final class GGUFFile: Sendable {
    public let path: String
    public let metadata: [String: GGUFValue]
    /// In file order.
    public let entries: [GGUFEntry]
    private let places: [String: Int]
    private let file: ReadableFile
    private let headerEnd: Int

    static let magic = Array("GGUF".utf8)

    /// Whether the file begins as a GGUF does.
    public static func matches(path: String) -> Bool {
        guard let file = try? ReadableFile(path: path), file.byteCount >= 4 else { return false }
        return (try? file.bytes(0..<4)) == magic
    }

    /// - Throws: ``WeightFileError``: unreadable, notAModel, version, truncated, malformed, or
    ///   elementType for a type number that ggml does not have.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        file = try ReadableFile(path: path)
        let start = try file.bytes(0..<min(4, file.byteCount))
        guard start == Self.magic else {
            throw .notAModel(
                path: path, found: "a file that begins with \(start.isEmpty ? "nothing" : start.hex)",
                expected: "a GGUF file (\(Self.magic.hex))")
        }
        var reader = GGUFHeaderReader(file)
        _ = try reader.take(4)
        let version = try reader.integer(UInt32.self)
        guard version == 2 || version == 3 else {
            if version.byteSwapped == 2 || version.byteSwapped == 3 {
                throw .malformed(path: path, what: "it is a big-endian GGUF; only little-endian is read")
            }
            throw .version(path: path, found: Int(version), expected: 3)
        }
        // A tensor needs at least 8 + 4 + 4 + 8 bytes, a key 8 + 4 + 1.
        let tensorCount = try reader.count(of: 24, "the number of tensors")
        let keyCount = try reader.count(of: 13, "the number of keys")
        var metadata: [String: GGUFValue] = [:]
        for _ in 0..<keyCount {
            let key = String(decoding: try reader.string("a key"), as: UTF8.self)
            guard metadata.updateValue(try reader.value(key), forKey: key) == nil else {
                throw .malformed(path: path, what: "the key \(key) appears twice")
            }
        }
        self.metadata = metadata
        let alignment = metadata["general.alignment"].map { $0.integer ?? 0 } ?? 32
        guard alignment > 0, alignment <= 1 << 16, alignment & (alignment - 1) == 0, alignment % 8 == 0 else {
            throw .malformed(path: path, what: "general.alignment is \(alignment)")
        }
        var tensors: [Tensor] = []
        for _ in 0..<tensorCount { tensors.append(try Self.tensor(&reader, path)) }
        let dataStart = (reader.position + alignment - 1) / alignment * alignment
        headerEnd = reader.position
        (entries, places) = try Self.place(
            tensors, dataStart: dataStart, alignment: alignment, fileBytes: file.byteCount, path)
    }

    /// A tensor as the header announces it.
    private struct Tensor {
        let name: String
        let type: GGMLType
        let shape: [Int]
        let offset: Int
        let byteCount: Int
    }

    private static func tensor(_ reader: inout GGUFHeaderReader, _ path: String) throws(WeightFileError)
        -> Tensor
    {
        let name = String(decoding: try reader.string("a tensor's name"), as: UTF8.self)
        let axes = try reader.integer(UInt32.self)
        guard (1...4).contains(axes) else {
            throw .malformed(path: path, what: "\(name) has \(axes) dimensions")
        }
        var shape: [Int] = []
        var count = 1
        for _ in 0..<axes {
            let size = try reader.integer(UInt64.self)
            let (product, overflows) = count.multipliedReportingOverflow(by: Int(clamping: size))
            guard size > 0, !overflows, product < 1 << 48 else {
                throw .malformed(path: path, what: "\(name) has an impossible shape")
            }
            count = product
            shape.append(Int(size))
        }
        let number = try reader.integer(UInt32.self)
        guard let type = GGMLType(rawValue: number) else {
            throw .elementType(path: path, tensor: name, found: "number \(number)")
        }
        let block = type.block
        guard shape[0] % block.elements == 0 else {
            throw .malformed(
                path: path, what: "\(name) is \(type.name) but its rows of \(shape[0]) are no whole blocks")
        }
        let offset = try reader.integer(UInt64.self)
        guard offset < 1 << 60 else {
            throw .malformed(path: path, what: "\(name) begins at \(offset)")
        }
        return Tensor(
            name: name, type: type, shape: shape.reversed(), offset: Int(offset),
            byteCount: count / block.elements * block.bytes)
    }

    private static func place(
        _ tensors: [Tensor], dataStart: Int, alignment: Int, fileBytes: Int, _ path: String
    ) throws(WeightFileError) -> ([GGUFEntry], [String: Int]) {
        var entries: [GGUFEntry] = []
        var places: [String: Int] = [:]
        var end = dataStart
        for tensor in tensors.sorted(by: { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }) {
            guard tensor.offset % alignment == 0 else {
                throw .malformed(
                    path: path,
                    what: "\(tensor.name) begins at \(tensor.offset), not at a multiple of \(alignment)")
            }
            let start = dataStart + tensor.offset
            guard start >= end else {
                throw .malformed(path: path, what: "\(tensor.name) overlaps the tensor before it")
            }
            guard start - end < alignment else {
                throw .malformed(path: path, what: "\(tensor.name) leaves a hole before it")
            }
            end = start + tensor.byteCount
            guard end <= fileBytes else { throw .truncated(path: path, found: fileBytes, expected: end) }
            guard places.updateValue(entries.count, forKey: tensor.name) == nil else {
                throw .malformed(path: path, what: "\(tensor.name) appears twice")
            }
            entries.append(
                GGUFEntry(name: tensor.name, type: tensor.type, shape: tensor.shape, range: start..<end))
        }
        guard fileBytes - end < alignment else {
            throw .malformed(path: path, what: "\(fileBytes - end) bytes after the last tensor")
        }
        return (entries, places)
    }

    public func entry(_ name: String) -> GGUFEntry? { places[name].map { entries[$0] } }

    /// Length of the file.
    public var byteCount: Int { file.byteCount }

    /// The raw blocks of elements `range`, whole blocks of the tensor.
    public func blocks(of entry: GGUFEntry, _ range: Range<Int>) throws(WeightFileError) -> [UInt8] {
        let block = entry.type.block
        precondition(range.upperBound <= entry.count)
        precondition(range.lowerBound % block.elements == 0 && range.upperBound % block.elements == 0)
        let start = entry.range.lowerBound + range.lowerBound / block.elements * block.bytes
        return try file.bytes(start..<start + range.count / block.elements * block.bytes)
    }

    /// Reads elements `range`, whole blocks of the tensor, as Float32.
    ///
    /// - Parameter out: At least `range.count` elements.
    /// - Throws: ``WeightFileError/elementType(path:tensor:found:)`` for a type that is not read here.
    public func read(
        _ entry: GGUFEntry, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError) {
        precondition(out.count >= range.count)
        guard GGMLType.readable.contains(entry.type) else {
            throw .elementType(path: path, tensor: entry.name, found: entry.type.name)
        }
        guard !range.isEmpty else { return }
        let raw = try blocks(of: entry, range)
        _ = raw.withUnsafeBytes {
            entry.type.dequantize($0.baseAddress!, count: range.count, into: out.baseAddress!)
        }
    }

    /// The bytes that ``GGUFFolder/fingerprint()`` covers: up to `limit`, all; beyond it, the header.
    func digest(whole: Bool) throws(WeightFileError) -> [UInt8] {
        try file.digest(0..<(whole ? file.byteCount : headerEnd))
    }
}

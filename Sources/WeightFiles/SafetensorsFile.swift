import JSON

/// A tensor's place in a safetensors file.
public struct TensorEntry: Sendable {
    public let name: String
    /// Element type as the file writes it, such as `BF16`; see ``ElementType``.
    public let typeName: String
    public let shape: [Int]
    /// Bytes of the file, from its beginning.
    public let range: Range<Int>

    public var count: Int { shape.reduce(1, *) }
}

/// One safetensors file, every claim of its header checked at opening.
///
/// Source: the format description of the safetensors package: 8 bytes little-endian header
/// length, JSON header, data; offsets count from the end of the header.
public final class SafetensorsFile: Sendable {
    public let path: String
    public let tensors: [String: TensorEntry]
    private let file: ReadableFile
    private let dataStart: Int

    static let maximumHeaderBytes = 100_000_000

    /// - Throws: ``WeightFileError``: unreadable, truncated, or a header whose offsets leave the
    ///   file, overlap, leave holes or do not fit shape and type.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        file = try ReadableFile(path: path)
        let fileBytes = file.byteCount
        guard fileBytes >= 8 else { throw .truncated(path: path, found: fileBytes, expected: 8) }
        let announced = try file.bytes(0..<8).withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
        }
        guard announced <= UInt64(Self.maximumHeaderBytes) else {
            throw .notAModel(
                path: path, found: "a header of \(announced) bytes", expected: "a safetensors file")
        }
        let dataStart = 8 + Int(announced)
        self.dataStart = dataStart
        guard fileBytes >= dataStart else {
            throw .truncated(path: path, found: fileBytes, expected: dataStart)
        }
        let header: JSONValue
        let text = try file.bytes(8..<dataStart)
        do { header = try JSONValue(parsing: text) } catch {
            throw .malformed(path: path, what: error.description)
        }
        guard let fields = header.members else {
            throw .malformed(path: path, what: "the header is not a JSON object")
        }
        var entries: [TensorEntry] = []
        for field in fields where field.name != "__metadata__" {
            entries.append(
                try Self.entry(field, dataStart: dataStart, fileBytes: fileBytes, path: path))
        }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var end = dataStart
        for entry in entries {
            guard entry.range.lowerBound == end else {
                let what =
                    entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole before it"
                throw .malformed(path: path, what: "\(entry.name) \(what)")
            }
            end = entry.range.upperBound
        }
        guard end == fileBytes else {
            throw .malformed(path: path, what: "\(fileBytes - end) bytes after the last tensor")
        }
        var tensors: [String: TensorEntry] = [:]
        for entry in entries where tensors.updateValue(entry, forKey: entry.name) != nil {
            throw .malformed(path: path, what: "\(entry.name) appears twice")
        }
        self.tensors = tensors
    }

    private static func entry(
        _ field: JSONMember, dataStart: Int, fileBytes: Int, path: String
    ) throws(WeightFileError) -> TensorEntry {
        let name = field.name
        guard let type = field.value["dtype"]?.string,
            let dimensions = field.value["shape"]?.array,
            let offsets = field.value["data_offsets"]?.array, offsets.count == 2,
            let start = offsets[0].integer, let end = offsets[1].integer
        else { throw .malformed(path: path, what: "\(name) lacks dtype, shape or data_offsets") }
        var shape: [Int] = []
        var count = 1
        for dimension in dimensions {
            guard let size = dimension.integer, size >= 0 else {
                throw .malformed(path: path, what: "\(name) has a dimension that is no count")
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product < 1 << 48 else {
                throw .malformed(path: path, what: "\(name) has an impossible shape")
            }
            count = product
            shape.append(size)
        }
        guard start >= 0, start <= end, end <= 1 << 60 else {
            throw .malformed(path: path, what: "\(name) has offsets \(start) to \(end)")
        }
        guard dataStart + end <= fileBytes else {
            throw .truncated(path: path, found: fileBytes, expected: dataStart + end)
        }
        if let bits = bitsPerElement[type], count * bits != (end - start) * 8 {
            throw .malformed(
                path: path, what: "\(name) is \(type) \(shape) but spans \(end - start) bytes")
        }
        return TensorEntry(
            name: name, typeName: type, shape: shape, range: dataStart + start..<dataStart + end)
    }

    private static let bitsPerElement = [
        "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
        "U16": 16, "I8": 8, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    ]

    /// Length of the file.
    public var byteCount: Int { file.byteCount }

    /// Reads elements `range` of a tensor as Float32.
    ///
    /// - Parameter out: At least `range.count` elements.
    /// - Throws: ``WeightFileError/elementType(path:tensor:found:)``, ``WeightFileError/changed(path:)``.
    public func read(
        _ entry: TensorEntry, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError) {
        guard let type = ElementType(rawValue: entry.typeName) else {
            throw .elementType(path: path, tensor: entry.name, found: entry.typeName)
        }
        precondition(range.lowerBound >= 0 && range.upperBound <= entry.count && out.count >= range.count)
        guard !range.isEmpty else { return }
        let start = entry.range.lowerBound + range.lowerBound * type.byteCount
        if type == .f32 {
            let target = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(out)[..<(range.count * 4)])
            return try file.read(target, at: start)
        }
        let raw = try file.bytes(start..<start + range.count * type.byteCount)
        raw.withUnsafeBytes { raw in
            let halves = raw.bindMemory(to: UInt16.self)
            if type == .bf16 {
                for i in 0..<range.count { out[i] = float(bf16: halves[i]) }
            } else {
                for i in 0..<range.count { out[i] = float(f16: halves[i]) }
            }
        }
    }

    /// SHA-256 of the whole file, or of its header alone.
    func digest(whole: Bool) throws(WeightFileError) -> [UInt8] {
        try file.digest(0..<(whole ? file.byteCount : dataStart))
    }
}

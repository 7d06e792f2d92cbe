import Digests

/// The weights of a GGUF model: one file, or the parts that `gguf-split` wrote, of which the
/// first is named (`...-00001-of-00003.gguf`) and holds the metadata.
public final class GGUFWeights: Sendable {
    /// The file that was named.
    public let path: String
    public let metadata: [String: GGUFValue]
    public let files: [GGUFFile]
    private let places: [String: (file: Int, entry: GGUFEntry)]

    /// - Throws: ``WeightFileError`` of ``GGUFFile``, also when parts are missing or do not add up.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        let first = try GGUFFile(path: path)
        metadata = first.metadata
        var files = [first]
        let parts = first.metadata["split.count"]?.integer ?? 1
        if parts > 1 {
            for name in try Self.partNames(path, parts, number: first.metadata["split.no"]?.integer)
                .dropFirst()
            {
                files.append(try GGUFFile(path: name))
            }
        }
        var places: [String: (file: Int, entry: GGUFEntry)] = [:]
        for (index, file) in files.enumerated() {
            for entry in file.entries
            where places.updateValue((index, entry), forKey: entry.name) != nil {
                throw .malformed(path: file.path, what: "\(entry.name) stands in another part, too")
            }
        }
        if let announced = first.metadata["split.tensors.count"]?.integer, announced != places.count {
            throw .malformed(
                path: path, what: "\(places.count) tensors in all parts, announced are \(announced)")
        }
        self.files = files
        self.places = places
    }

    private static func partNames(_ path: String, _ parts: Int, number: Int?) throws(WeightFileError)
        -> [String]
    {
        func digits(_ value: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        let end = "-00001-of-\(digits(parts)).gguf"
        guard parts <= 99_999, number == 0, path.hasSuffix(end) else {
            throw .malformed(
                path: path, what: "it is one of \(parts) parts, but not the first, named ...\(end)")
        }
        return (1...parts).map { path.dropLast(end.count) + "-\(digits($0))-of-\(digits(parts)).gguf" }
    }

    /// Names of all tensors, in file order.
    public var names: [String] { files.flatMap { $0.entries.map(\.name) } }

    /// Bytes of all parts.
    public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

    /// How many tensors have each type: `Q4_K 31, F32 20`.
    public var typeCounts: String {
        let types = files.flatMap { $0.entries.map(\.type) }
        return GGMLType.allCases.compactMap { type in
            let count = types.count { $0 == type }
            return count > 0 ? "\(type.name) \(count)" : nil
        }.joined(separator: ", ")
    }

    public func entry(_ name: String) -> GGUFEntry? { places[name]?.entry }

    /// Reads elements `range`, whole blocks of tensor `name`, as Float32.
    public func read(
        _ name: String, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError) {
        guard let place = places[name] else { throw .missing(path: path, tensor: name) }
        try files[place.file].read(place.entry, range, into: out)
    }

    /// The raw blocks of elements `range`, whole blocks of tensor `name`.
    public func blocks(_ name: String, _ range: Range<Int>) throws(WeightFileError) -> [UInt8] {
        guard let place = places[name] else { throw .missing(path: path, tensor: name) }
        return try files[place.file].blocks(of: place.entry, range)
    }

    /// SHA-256 that names the weights, in hexadecimal. Up to half a gigabyte all bytes count,
    /// beyond that headers and lengths.
    public func fingerprint() throws(WeightFileError) -> String {
        var hash = SHA256()
        let isSmall = byteCount <= 1 << 29
        for file in files {
            hash.update("\(file.byteCount)\n".utf8)
            hash.update(try file.digest(whole: isSmall))
        }
        return hash.finalize().hex
    }
}

import Digests
import JSON

/// A checkpoint in Hugging Face's folder layout: `config.json` and one safetensors file, or
/// shards that `model.safetensors.index.json` names.
public final class SafetensorsFolder: Sendable {
    public let path: String
    /// Names of all tensors, sorted.
    public let names: [String]
    /// Shard names in the order of first use, with their lengths in bytes.
    public let shards: [(name: String, bytes: Int)]
    private let places: [String: (file: SafetensorsFile, entry: TensorEntry)]

    /// - Throws: ``WeightFileError``, also when the index and the shards disagree.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        let indexPath = path + "/model.safetensors.index.json"
        var places: [String: (file: SafetensorsFile, entry: TensorEntry)] = [:]
        var shards: [(name: String, bytes: Int)] = []
        if isReadableFile(indexPath) {
            let index = try readJSON(path: indexPath)
            guard let map = index["weight_map"]?.members else {
                throw .malformed(path: indexPath, what: "no weight_map")
            }
            var files: [String: SafetensorsFile] = [:]
            for field in map {
                guard let shard = field.value.string, !shard.isEmpty, !shard.contains("/") else {
                    throw .malformed(path: indexPath, what: "the shard of \(field.name) is no file name")
                }
                let file: SafetensorsFile
                if let open = files[shard] {
                    file = open
                } else {
                    file = try SafetensorsFile(path: path + "/" + shard)
                    files[shard] = file
                    shards.append((shard, file.byteCount))
                }
                guard let entry = file.tensors[field.name] else {
                    throw .missing(path: file.path, tensor: field.name)
                }
                places[field.name] = (file, entry)
            }
        } else {
            let file = try SafetensorsFile(path: path + "/model.safetensors")
            shards.append(("model.safetensors", file.byteCount))
            for (name, entry) in file.tensors { places[name] = (file, entry) }
        }
        self.places = places
        self.shards = shards
        names = places.keys.sorted()
    }

    /// The shape of tensor `name`; nil when the checkpoint has none.
    public func shape(of name: String) -> [Int]? { places[name]?.entry.shape }

    /// Reads elements `range` of tensor `name` into `out`, converted to Float32.
    ///
    /// - Parameter out: At least `range.count` elements.
    /// - Throws: ``WeightFileError/missing(path:tensor:)`` or
    ///   ``WeightFileError/elementType(path:tensor:found:)``.
    public func read(
        _ name: String, _ range: Range<Int>, into out: UnsafeMutableBufferPointer<Float>
    ) throws(WeightFileError) {
        guard let (file, entry) = places[name] else { throw .missing(path: path, tensor: name) }
        guard let type = ElementType(rawValue: entry.typeName) else {
            throw .elementType(path: file.path, tensor: name, found: entry.typeName)
        }
        precondition(range.lowerBound >= 0 && range.upperBound <= entry.count && out.count >= range.count)
        guard !range.isEmpty else { return }
        let source = file.bytes(of: entry).baseAddress! + range.lowerBound * type.byteCount
        switch type {
        case .f32:
            UnsafeMutableRawPointer(out.baseAddress!).copyMemory(from: source, byteCount: range.count * 4)
        case .bf16:
            for i in 0..<range.count {
                out[i] = float(bf16: source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
            }
        case .f16:
            for i in 0..<range.count {
                out[i] = float(f16: source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
            }
        }
    }

    /// All elements of tensor `name` as Float32.
    public func read(_ name: String) throws(WeightFileError) -> [Float] {
        guard let count = places[name]?.entry.count else { throw .missing(path: path, tensor: name) }
        var failure: WeightFileError?
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(WeightFileError) {
                try read(name, 0..<count, into: buffer)
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }
}

extension SafetensorsFolder {
    /// SHA-256 that names config and weights, in hexadecimal. Up to half a gigabyte all bytes
    /// count, beyond that config, shard names, lengths and headers.
    public func fingerprint() throws(WeightFileError) -> String {
        var hash = SHA256()
        let config = try MappedFile(path: path + "/config.json")
        hash.update(withExtendedLifetime(config) { SHA256.digest(of: config.bytes) })
        let isSmall = shards.reduce(0) { $0 + $1.bytes } <= 1 << 29
        for shard in shards {
            hash.update("\(shard.name) \(shard.bytes)\n".utf8)
            let file = try MappedFile(path: path + "/" + shard.name)
            let digest = withExtendedLifetime(file) {
                let bytes = file.bytes
                let header = 8 + Int(clamping: bytes.integer(UInt64.self, at: 0))
                let covered = isSmall ? bytes.count : header
                return SHA256.digest(of: UnsafeRawBufferPointer(rebasing: bytes.prefix(covered)))
            }
            hash.update(digest)
        }
        return hash.finalize().hex
    }
}

/// Reads a whole JSON file.
///
/// - Throws: ``WeightFileError/unreadable(path:reason:)`` or ``WeightFileError/malformed(path:what:)``.
public func readJSON(path: String) throws(WeightFileError) -> JSONValue {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    do {
        return try JSONValue(parsing: file.bytes)
    } catch {
        throw .malformed(path: path, what: error.description)
    }
}

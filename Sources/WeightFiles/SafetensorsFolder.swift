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
    private let files: [SafetensorsFile]
    private let places: [String: (file: SafetensorsFile, entry: TensorEntry)]

    /// - Throws: ``WeightFileError``, also when the index and the shards disagree.
    public init(path: String) throws(WeightFileError) {
        self.path = path
        let indexPath = path + "/model.safetensors.index.json"
        var places: [String: (file: SafetensorsFile, entry: TensorEntry)] = [:]
        var shards: [(name: String, bytes: Int)] = []
        var opened: [SafetensorsFile] = []
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
                    opened.append(file)
                }
                guard let entry = file.tensors[field.name] else {
                    throw .missing(path: file.path, tensor: field.name)
                }
                places[field.name] = (file, entry)
            }
        } else {
            let file = try SafetensorsFile(path: path + "/model.safetensors")
            shards.append(("model.safetensors", file.byteCount))
            opened.append(file)
            for (name, entry) in file.tensors { places[name] = (file, entry) }
        }
        self.places = places
        self.shards = shards
        files = opened
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
        try file.read(entry, range, into: out)
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
        let config = try ReadableFile(path: path + "/config.json")
        hash.update(try config.digest(0..<config.byteCount))
        let isSmall = shards.reduce(0) { $0 + $1.bytes } <= 1 << 29
        for (shard, file) in zip(shards, files) {
            hash.update("\(shard.name) \(shard.bytes)\n".utf8)
            hash.update(try file.digest(whole: isSmall))
        }
        return hash.finalize().hex
    }
}

/// Reads a whole JSON file of at most 256 MiB.
///
/// - Throws: ``WeightFileError/unreadable(path:reason:)`` or ``WeightFileError/malformed(path:what:)``.
public func readJSON(path: String) throws(WeightFileError) -> JSONValue {
    let file = try ReadableFile(path: path)
    guard file.byteCount <= 1 << 28 else {
        throw .malformed(
            path: path, what: "\(file.byteCount) bytes are more than any JSON file of a model has")
    }
    let text = try file.bytes(0..<file.byteCount)
    do { return try JSONValue(parsing: text) } catch {
        throw .malformed(path: path, what: error.description)
    }
}

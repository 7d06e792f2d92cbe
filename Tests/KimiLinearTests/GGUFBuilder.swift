import Foundation
import WeightFiles

/// A GGUF file put together by hand, truthful or not.
struct GGUFBuilder {
    struct Tensor {
        var name: String
        var type: UInt32 = 0
        /// Fastest axis first, as the file has it.
        var axes: [UInt64]
        var bytes: [UInt8]
        /// Instead of the place that it has.
        var offset: UInt64?
    }

    var magic = "GGUF"
    var version: UInt32 = 3
    var alignment = 32
    var metadata: [(key: String, value: GGUFValue)] = []
    var tensors: [Tensor] = []
    var tensorCount: UInt64?
    var keyCount: UInt64?
    var trailing = 0

    /// Every tensor of a file in float32, with its metadata.
    init(_ weights: GGUFWeights) throws {
        metadata = weights.metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
        for name in weights.names {
            let entry = weights.entry(name)!
            var values = [Float](repeating: 0, count: entry.count)
            try values.withUnsafeMutableBufferPointer { try weights.read(name, 0..<entry.count, into: $0) }
            tensors.append(Tensor(name: name, shape: entry.shape, values: values))
        }
    }

    init(tensors: [Tensor] = []) { self.tensors = tensors }

    subscript(key: String) -> GGUFValue? {
        get { metadata.first { $0.key == key }?.value }
        set {
            metadata.removeAll { $0.key == key }
            if let newValue { metadata.append((key, newValue)) }
        }
    }

    /// A tensor's float32 values.
    subscript(values name: String) -> [Float] {
        get {
            tensors.first { $0.name == name }!.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        }
        set {
            let index = tensors.firstIndex { $0.name == name }!
            tensors[index].bytes = newValue.withUnsafeBytes { Array($0) }
        }
    }

    var bytes: [UInt8] {
        var out = Array(magic.utf8)
        func put<T: FixedWidthInteger>(_ value: T) { withUnsafeBytes(of: value.littleEndian) { out += $0 } }
        func put(text: [UInt8]) {
            put(UInt64(text.count))
            out += text
        }
        put(version)
        put(tensorCount ?? UInt64(tensors.count))
        put(keyCount ?? UInt64(metadata.count))
        for (key, value) in metadata {
            put(text: Array(key.utf8))
            switch value {
            case .integer(let number):
                put(UInt32(11))
                put(Int64(number))
            case .float(let number):
                put(UInt32(6))
                put(Float(number).bitPattern)
            case .bool(let flag):
                put(UInt32(7))
                put(UInt8(flag ? 1 : 0))
            case .string(let text):
                put(UInt32(8))
                put(text: text)
            case .integers(let numbers):
                put(UInt32(9))
                put(UInt32(5))
                put(UInt64(numbers.count))
                for number in numbers { put(Int32(number)) }
            case .floats(let numbers):
                put(UInt32(9))
                put(UInt32(12))
                put(UInt64(numbers.count))
                for number in numbers { put(number.bitPattern) }
            case .bools(let flags):
                put(UInt32(9))
                put(UInt32(7))
                put(UInt64(flags.count))
                for flag in flags { put(UInt8(flag ? 1 : 0)) }
            case .strings(let texts):
                put(UInt32(9))
                put(UInt32(8))
                put(UInt64(texts.count))
                for text in texts { put(text: text) }
            }
        }
        var offset = 0
        for tensor in tensors {
            put(text: Array(tensor.name.utf8))
            put(UInt32(tensor.axes.count))
            for axis in tensor.axes { put(axis) }
            put(tensor.type)
            put(tensor.offset ?? UInt64(offset))
            offset += (tensor.bytes.count + alignment - 1) / alignment * alignment
        }
        for tensor in tensors {
            out += [UInt8](repeating: 0, count: (alignment - out.count % alignment) % alignment)
            out += tensor.bytes
        }
        return out + [UInt8](repeating: 0, count: trailing)
    }

    /// Writes the file and returns its path.
    func write(_ path: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}

extension GGUFBuilder.Tensor {
    init(name: String, shape: [Int], values: [Float]) {
        self.init(
            name: name, axes: shape.reversed().map { UInt64($0) }, bytes: values.withUnsafeBytes { Array($0) }
        )
    }
}

/// A folder that is gone with its owner.
final class WorkFolder {
    let path = NSTemporaryDirectory() + "/lector-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

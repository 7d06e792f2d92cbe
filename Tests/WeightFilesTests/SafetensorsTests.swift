import Foundation
import Testing
import WeightFiles

/// A folder that is gone when the test is.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/lector-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

/// The bytes of a safetensors file with this JSON header and `data`.
func safetensors(_ header: String, data: [UInt8], announced: UInt64? = nil) -> [UInt8] {
    withUnsafeBytes(of: (announced ?? UInt64(header.utf8.count)).littleEndian) { Array($0) }
        + Array(header.utf8) + data
}

@Suite struct SafetensorsTests {
    static let eight = [UInt8](repeating: 0, count: 8)

    @Test("F32, F16 and BF16 are converted exactly, whole or in ranges")
    func conversion() throws {
        let folder = try TemporaryFolder()
        let values: [Float] = [0, -0.0, 1, -2.5, 65504, 6e-8, 1e-30]
        var data: [UInt8] = []
        for value in values { withUnsafeBytes(of: value) { data += $0 } }
        for value in values { withUnsafeBytes(of: f16(value)) { data += $0 } }
        for value in values { withUnsafeBytes(of: bf16(value)) { data += $0 } }
        let header = """
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[7],"data_offsets":[0,28]},\
            "b":{"dtype":"F16","shape":[7,1],"data_offsets":[28,42]},\
            "c":{"dtype":"BF16","shape":[7],"data_offsets":[42,56]}}
            """
        _ = try folder.write("model.safetensors", safetensors(header, data: data))
        let tensors = try SafetensorsFolder(path: folder.path)
        #expect(tensors.names == ["a", "b", "c"])
        #expect(try tensors.read("a").map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try tensors.read("b") == [0, 0, 1, -2.5, 65504, 5.9604645e-08, 0])
        #expect(try tensors.read("c").map { bf16($0) } == values.map { bf16($0) })
        var part = [Float](repeating: .nan, count: 2)
        try part.withUnsafeMutableBufferPointer { try tensors.read("b", 2..<4, into: $0) }
        #expect(part == [1, -2.5])
    }

    @Test("half and bfloat16 round to nearest even over all exponents")
    func rounding() {
        for bits in stride(from: UInt32(0), to: 0x7f80_0000, by: 4099) {
            let value = Float(bitPattern: bits)
            #expect(float(bf16: bf16(value)).isFinite || value > 3.3e38)
            let half = float(f16: f16(value))
            if value < 65504 {
                let step: Float = max(0x1p-24, value.ulp * 0x1p13)
                #expect(abs(half - value) <= step / 2)
            }
        }
        for bits in UInt16(0)...0x7c00 { #expect(f16(float(f16: bits)) == bits) }
        #expect(f16(65519.99) == 0x7bff && f16(65520) == 0x7c00 && f16(-1e9) == 0xfc00)
        #expect(bf16(1.00390625) == 0x3f80 && bf16(1.01171875) == 0x3f82)
        #expect(float(bf16: bf16(.nan)).isNaN && float(f16: f16(.nan)).isNaN)
    }

    @Test("sharded weights are read through the index, and a shard that lacks a tensor is named")
    func shards() throws {
        let folder = try TemporaryFolder()
        for (name, value) in [("x", Float(1)), ("y", 2)] {
            _ = try folder.write(
                "\(name).safetensors",
                safetensors(
                    "{\"\(name)\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                    data: withUnsafeBytes(of: value) { Array($0) }))
        }
        func index(_ map: String) throws {
            _ = try folder.write("model.safetensors.index.json", Array("{\"weight_map\":{\(map)}}".utf8))
        }
        try index(#""x":"x.safetensors","y":"y.safetensors""#)
        let both = try SafetensorsFolder(path: folder.path)
        #expect(try both.read("x") == [1] && both.read("y") == [2])
        try index(#""z":"x.safetensors""#)
        #expect(throws: WeightFileError.missing(path: folder.path + "/x.safetensors", tensor: "z")) {
            try SafetensorsFolder(path: folder.path)
        }
        try index(#""x":"../x.safetensors""#)
        #expect(throws: WeightFileError.self) { try SafetensorsFolder(path: folder.path) }
    }

    @Test(
        "a header that lies is refused",
        arguments: [
            #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,  // shape against length
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,  // a hole
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,  // bytes left over
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[2]}}"#,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            "[]", "{", "",
        ])
    func malformed(header: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("model.safetensors", safetensors(header, data: Self.eight))
        #expect(
            performing: { try SafetensorsFile(path: path) },
            throws: {
                if case .malformed? = $0 as? WeightFileError { true } else { false }
            })
    }

    @Test("a file cut anywhere is refused as cut")
    func truncated() throws {
        let folder = try TemporaryFolder()
        let whole = safetensors(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: Self.eight)
        #expect(try SafetensorsFile(path: folder.write("whole", whole)).tensors["a"]?.shape == [2])
        for length in 0..<whole.count {
            let path = try folder.write("cut", Array(whole[..<length]))
            #expect(
                performing: { try SafetensorsFile(path: path) },
                throws: {
                    if case .truncated? = $0 as? WeightFileError { true } else { false }
                })
        }
    }

    @Test("a huge header, a missing file, a folder and an element type nobody reads have their own errors")
    func others() throws {
        let folder = try TemporaryFolder()
        let huge = try folder.write("huge", safetensors("{}", data: [], announced: 1 << 40))
        #expect(
            performing: { try SafetensorsFile(path: huge) },
            throws: {
                if case .notAModel? = $0 as? WeightFileError { true } else { false }
            })
        for path in [folder.path, folder.path + "/none"] {
            #expect(
                performing: { try SafetensorsFile(path: path) },
                throws: {
                    if case .unreadable? = $0 as? WeightFileError { true } else { false }
                })
        }
        let path = try folder.write(
            "model.safetensors",
            safetensors(#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, data: Self.eight))
        #expect(throws: WeightFileError.elementType(path: path, tensor: "a", found: "I64")) {
            try SafetensorsFolder(path: folder.path).read("a")
        }
    }
}

import Foundation
import JSON
import KimiLinear
import Testing
import WeightFiles

@Suite(.serialized) struct PackedModelTests {
    static func convert(folder: String = Golden.folder, _ recipe: Recipe, to path: String) throws
        -> PackedFile
    {
        let fingerprint = try ModelConverter(PublishedModel(path: folder), recipe: recipe).write(to: path)
        let file = try PackedFile(path: path)
        #expect(file.fingerprint == fingerprint)
        return file
    }

    @Test("a packed file gives the bits of the folder packed on load", arguments: Recipe.allCases)
    func packedEqualsFolder(recipe: Recipe) throws {
        let path = NSTemporaryDirectory() + "/lector-\(UUID().uuidString).lector"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try Self.convert(recipe, to: path)
        let packed = try KimiLinearModel(packed: file, level: try KernelLevel(), threads: 2)
        let folder = try Golden.model(recipe: recipe)
        let tokens = Array(Golden.tokens[..<90])
        let (a, b) = (try packed.read(tokens), try folder.read(tokens))
        #expect(sameBits(a.logits, b.logits) && a.state == b.state)
        let report = try ModelVerifier.verify(file)
        #expect(report.tensors == 187 && report.parameters == 383_174 && report.unused.isEmpty)
        for entry in file.entries where entry.format != .vector {
            #expect(entry.format == recipe.format(name: entry.name, columns: entry.shape[1]))
        }
    }

    @Test("weights that lie on the grid are converted exactly", arguments: [Recipe.q4, .q8, .bf16])
    func exactConversion(recipe: Recipe) throws {
        // Unpack every matrix of a packed file into a float32 folder, convert that, compare bytes.
        let base = NSTemporaryDirectory() + "/lector-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: base) }
        let first = try Self.convert(recipe, to: base + "/first.lector")
        try first.exportFolder(to: base)
        let second = try Self.convert(folder: base, recipe, to: base + "/second.lector")
        for entry in first.entries {
            let other = try #require(second.entry(entry.name))
            #expect(first.bytes(of: entry).elementsEqual(second.bytes(of: other)), "\(entry.name)")
        }
    }

    @Test("a tensor that is missing, misshapen or not finite is named")
    func faults() throws {
        let base = NSTemporaryDirectory() + "/lector-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: base) }
        let file = try Self.convert(.f32, to: base + "/m.lector")
        let name = "model.layers.1.block_sparse_moe.experts.3.w2.weight"
        func faults(_ change: (inout [String: (shape: [Int], values: [Float])]) -> Void) throws
            -> WeightFileError?
        {
            try file.exportFolder(to: base, change)
            do {
                _ = try ModelVerifier.verify(PublishedModel(path: base))
                return nil
            } catch { return error }
        }
        #expect(try faults { _ in } == nil)
        #expect(try faults { $0[name] = nil } == .missing(path: base, tensor: name))
        #expect(
            try faults { $0[name]!.shape.reverse() }
                == .shape(path: base, tensor: name, found: [32, 64], expected: [64, 32]))
        #expect(
            try faults { $0[name]!.values[77] = .nan } == .notFinite(path: base, tensor: name, index: 77))
    }

    @Test("fast kernels agree with the plain reference", arguments: KernelLevel.available)
    func selfTest(level: String) throws {
        let results = KernelSelfTest.run(try KernelLevel(named: level))
        #expect(results.count >= 10)
        for result in results { #expect(result.passed, "\(result.kernel): \(result.difference)") }
        #expect(throws: KernelLevel.Unavailable.self) { try KernelLevel(named: "abacus") }
    }

    @Test("formats have the lengths that the kernels' header draws")
    func byteCounts() {
        for format in WeightFormat.allCases where format != .vector {
            for (n, k) in [(1, 64), (16, 64), (17, 192), (37, 576)] {
                #expect(
                    format.byteCount(shape: [n, k])
                        == KimiLinearModel.kernelByteCount(format, rows: n, columns: k))
            }
        }
    }
}

extension PackedFile {
    /// Writes the weights as a Hugging Face folder in float32, after `change`.
    func exportFolder(
        to path: String, _ change: (inout [String: (shape: [Int], values: [Float])]) -> Void = { _ in }
    ) throws {
        try Data(config.text.utf8).write(to: URL(fileURLWithPath: path + "/config.json"))
        var tensors: [String: (shape: [Int], values: [Float])] = [:]
        for entry in entries {
            var (shape, values) = (entry.shape, KimiLinearModel.unpack(entry, of: self))
            if entry.name.hasSuffix("conv1d.weight") {  // [taps, C] here, [C, 1, taps] in a folder
                let (taps, channels) = (shape[0], shape[1])
                let here = values
                for tap in 0..<taps {
                    for c in 0..<channels { values[c * taps + tap] = here[tap * channels + c] }
                }
                shape = [channels, 1, taps]
            }
            tensors[entry.name] = (shape, values)
        }
        change(&tensors)
        var data: [UInt8] = []
        var fields: [JSONMember] = []
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let start = data.count
            tensor.values.withUnsafeBytes { data += $0 }
            fields.append(
                JSONMember(
                    name,
                    .object([
                        JSONMember("dtype", .string("F32")),
                        JSONMember("shape", .array(tensor.shape.map { .integer($0) })),
                        JSONMember("data_offsets", .array([.integer(start), .integer(data.count)])),
                    ])))
        }
        let header = Array(JSONValue.object(fields).text.utf8)
        let bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/model.safetensors"))
    }
}

import Foundation
import JSON
import Testing
import WeightFiles

@Suite struct PackedFileTests {
    /// Writes a packed file of two tensors.
    static func write(_ path: String) throws -> String {
        let writer = try PackedFileWriter(
            path: path, config: .object([JSONMember("hidden_size", .integer(3))]), recipe: "q4",
            source: .null,
            plan: [
                .init(name: "norm", format: .vector, shape: [3]),
                .init(name: "w", format: .q4, shape: [17, 64]),
            ])
        try [Float(1), 2, 3].withUnsafeBytes { try writer.append($0) }
        let panels = (0..<WeightFormat.q4.byteCount(shape: [17, 64])).map {
            UInt8(truncatingIfNeeded: $0 * 31)
        }
        try panels.withUnsafeBytes { try writer.append($0) }
        return try writer.finish()
    }

    @Test(
        "what was written is read, in place, aligned, under the same fingerprint, and the bytes are always the same"
    )
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/m.lector"
        let fingerprint = try Self.write(path)
        let file = try PackedFile(path: path)
        #expect(file.fingerprint == fingerprint)
        #expect(file.config["hidden_size"]?.integer == 3 && file.recipe == "q4")
        try file.checkDigest()
        let norm = try #require(file.entry("norm"))
        #expect(norm.range.lowerBound % 64 == 0)
        #expect(Array(file.bytes(of: norm).bindMemory(to: Float.self)) == [1, 2, 3])
        let w = try #require(file.entry("w"))
        #expect(w.range.lowerBound % 64 == 0 && file.bytes(of: w).count == 2 * 576)
        #expect(try Self.write(folder.path + "/n.lector") == fingerprint)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "m.lector", "n.lector",
            ])
    }

    @Test("an attached file of megabytes is checked at opening and read back whole")
    func attached() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/m.lector"
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let writer = try PackedFileWriter(
            path: path, config: .object([]), recipe: "f32", source: .null,
            plan: [.init(name: "norm", format: .vector, shape: [1])],
            files: [(name: "tokenizer.json", bytes: large)])
        try [Float(1)].withUnsafeBytes { try writer.append($0) }
        _ = try writer.finish()
        let file = try PackedFile(path: path)
        let entry = try #require(file.files.first)
        #expect(entry.name == "tokenizer.json")
        #expect(try file.bytes(of: entry) == large)
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[entry.range.upperBound - 1] ^= 1
        let bad = try folder.write("bad", bytes)
        #expect(throws: WeightFileError.self) { try PackedFile(path: bad) }
    }

    @Test("one changed bit anywhere is found, at opening or by verify")
    func damage() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/m.lector"
        _ = try Self.write(path)
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        for byte in stride(from: 0, to: whole.count, by: 1) {
            var bytes = whole
            bytes[byte] ^= 1 << UInt8(byte % 8)
            let bad = try folder.write("bad", bytes)
            // Bytes 28 ..< 32 are reserved; everything else counts.
            if (28..<32).contains(byte) { continue }
            #expect(throws: WeightFileError.self, "byte \(byte)") { try PackedFile(path: bad).checkDigest() }
        }
    }

    @Test("a cut file, another version, other bytes and nothing at all are told apart")
    func kinds() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/m.lector"
        _ = try Self.write(path)
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        for length in [8, 63, 64, 100, whole.count - 1] {
            let cut = try folder.write("cut", Array(whole[..<length]))
            #expect(
                performing: { try PackedFile(path: cut) },
                throws: {
                    if case .truncated? = $0 as? WeightFileError { true } else { false }
                })
        }
        var other = whole
        other[8] = 2
        let version = try folder.write("version", other)
        #expect(throws: WeightFileError.version(path: version, found: 2, expected: 1)) {
            try PackedFile(path: version)
        }
        for bytes in [[], Array("GGUF    ".utf8)] {
            let foreign = try folder.write("foreign", bytes)
            #expect(
                performing: { try PackedFile(path: foreign) },
                throws: {
                    if case .notAModel? = $0 as? WeightFileError { true } else { false }
                })
        }
    }

    @Test("a writer that is given up leaves nothing behind")
    func abandoned() throws {
        let folder = try TemporaryFolder()
        do {
            let writer = try PackedFileWriter(
                path: folder.path + "/m.lector", config: .null, recipe: "q4", source: .null,
                plan: [.init(name: "norm", format: .vector, shape: [3])])
            _ = writer
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        #expect(throws: WeightFileError.self) { try Self.write(folder.path + "/none/m.lector") }
    }
}

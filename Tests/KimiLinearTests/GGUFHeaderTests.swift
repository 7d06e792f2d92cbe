import Foundation
import Testing
import WeightFiles

/// What a GGUF's header may claim, and what it may not.
@Suite struct GGUFHeaderTests {
    static let eight = [UInt8](repeating: 7, count: 32)

    static func two() -> GGUFBuilder {
        var file = GGUFBuilder(tensors: [
            .init(name: "a", axes: [8], bytes: eight), .init(name: "b", axes: [4, 2], bytes: eight),
        ])
        file["general.architecture"] = .string(Array("test".utf8))
        file["all"] = .strings(["x", "", "é"].map { Array($0.utf8) })
        file["flags"] = .bools([true, false])
        file["numbers"] = .floats([1.5, -2])
        file["ids"] = .integers([-1, 5])
        file["eps"] = .float(0.5)
        file["yes"] = .bool(true)
        file["long"] = .integer(1 << 40)
        return file
    }

    @Test("metadata and tensors are what was written; shapes have the slowest axis first")
    func sound() throws {
        let folder = try WorkFolder()
        let built = Self.two()
        let file = try GGUFFile(path: built.write(folder.file("a.gguf")))
        #expect(file.metadata.count == built.metadata.count)
        for (key, value) in built.metadata { #expect(file.metadata[key] == value) }
        #expect(file.entries.map(\.name) == ["a", "b"] && file.entries.map(\.shape) == [[8], [2, 4]])
        #expect(file.entry("b")?.range.count == 32 && file.entry("c") == nil)
        #expect(GGUFFile.matches(path: file.path) && !GGUFFile.matches(path: folder.path))
        var old = built
        old.version = 2
        #expect(try GGUFFile(path: old.write(folder.file("b.gguf"))).entries.count == 2)
        old.alignment = 64
        old["general.alignment"] = .integer(64)
        #expect(try GGUFFile(path: old.write(folder.file("c.gguf"))).entry("b")!.range.lowerBound % 64 == 0)
    }

    static let lies: [(String, @Sendable (inout GGUFBuilder) -> Void)] = [
        ("alignment is 3", { $0["general.alignment"] = .integer(3) }),
        ("alignment is 0", { $0["general.alignment"] = .string([65]) }),
        ("alignment is", { $0["general.alignment"] = .integer(1 << 40) }),
        ("appears twice", { $0.tensors[1].name = "a" }),
        ("key yes appears twice", { $0.metadata.append((key: "yes", value: .bool(false))) }),
        ("overlaps", { $0.tensors[1].offset = 0 }),
        ("not at a multiple", { $0.tensors[1].offset = 33 }),
        ("hole", { $0.tensors[1].offset = 96 }),
        ("begins at", { $0.tensors[1].offset = .max }),
        ("impossible shape", { $0.tensors[0].axes = [1 << 32, 1 << 32] }),
        ("impossible shape", { $0.tensors[0].axes = [.max] }),
        ("impossible shape", { $0.tensors[0].axes = [0] }),
        ("0 dimensions", { $0.tensors[0].axes = [] }),
        ("5 dimensions", { $0.tensors[0].axes = [1, 1, 1, 2, 4] }),
        ("no whole blocks", { $0.tensors[0].type = 12 }),
        ("the number of tensors", { $0.tensorCount = .max }),
        ("the number of keys", { $0.keyCount = 1 << 60 }),
        ("bytes after the last", { $0.trailing = 4096 }),
        ("big-endian", { $0.version = UInt32(3).byteSwapped }),
    ]

    @Test("a header that lies is refused and says how", arguments: lies.indices)
    func lie(index: Int) throws {
        let folder = try WorkFolder()
        var file = Self.two()
        let (says, change) = Self.lies[index]
        change(&file)
        let path = try file.write(folder.file("a.gguf"))
        #expect(
            "\(says)", performing: { try GGUFFile(path: path) },
            throws: {
                guard case .malformed(_, let what)? = $0 as? WeightFileError else { return false }
                return what.contains(says)
            })
    }

    @Test("other files, versions and types have their own errors; a type of ggml is refused when read")
    func others() throws {
        let folder = try WorkFolder()
        var file = Self.two()
        file.magic = "GGML"
        let other = try file.write(folder.file("other"))
        #expect(
            performing: { try GGUFFile(path: other) },
            throws: { if case .notAModel? = $0 as? WeightFileError { true } else { false } })
        file = Self.two()
        file.version = 4
        let newer = try file.write(folder.file("newer"))
        #expect(throws: WeightFileError.version(path: newer, found: 4, expected: 3)) {
            try GGUFFile(path: newer)
        }
        file = Self.two()
        file.tensors[0].type = 77
        let unknown = try file.write(folder.file("unknown"))
        #expect(throws: WeightFileError.elementType(path: unknown, tensor: "a", found: "number 77")) {
            try GGUFFile(path: unknown)
        }
        file.tensors[0] = .init(name: "a", type: 23, axes: [256], bytes: [UInt8](repeating: 0, count: 136))
        let later = try GGUFFile(path: file.write(folder.file("later")))
        var values = [Float](repeating: 0, count: 256)
        #expect(throws: WeightFileError.elementType(path: later.path, tensor: "a", found: "IQ4_XS")) {
            try values.withUnsafeMutableBufferPointer {
                try later.read(later.entry("a")!, 0..<256, into: $0)
            }
        }
    }

    @Test("a file cut anywhere is refused; a changed byte never crashes")
    func cutsAndChanges() throws {
        let folder = try WorkFolder()
        let whole = Self.two().bytes
        let path = folder.file("a.gguf")
        for length in 0..<whole.count {
            try Data(whole[..<length]).write(to: URL(fileURLWithPath: path))
            #expect(throws: WeightFileError.self) { try GGUFFile(path: path) }
        }
        for at in 0..<whole.count - 64 {
            for byte in [0x00, 0x01, 0x7F, 0x80, 0xFF] as [UInt8] {
                var changed = whole
                changed[at] = byte
                try Data(changed).write(to: URL(fileURLWithPath: path))
                _ = try? GGUFFile(path: path)
            }
        }
    }

    @Test("a file that is cut or rewritten while it is open says so; one replaced by rename stays")
    func changed() throws {
        let folder = try WorkFolder()
        let built = Self.two()
        func values(_ file: GGUFFile) throws -> [Float] {
            var values = [Float](repeating: 0, count: 8)
            try values.withUnsafeMutableBufferPointer { try file.read(file.entry("b")!, 0..<8, into: $0) }
            return values
        }
        let path = try built.write(folder.file("a.gguf"))
        let file = try GGUFFile(path: path)
        let before = try values(file)
        _ = try GGUFBuilder().write(folder.file("other"))
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: folder.file("other"), toPath: path)
        #expect(try values(file) == before)

        for change in ["cut", "rewritten"] {
            let path = try built.write(folder.file(change))
            let file = try GGUFFile(path: path)
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            if change == "cut" {
                try handle.truncate(atOffset: 100)
            } else {
                try handle.write(contentsOf: [0])
            }
            try handle.close()
            #expect(throws: WeightFileError.changed(path: path)) { try values(file) }
        }
    }

    @Test("parts of a split file are found by name, and must add up")
    func parts() throws {
        let folder = try WorkFolder()
        var parts = [Self.two(), GGUFBuilder(tensors: [.init(name: "c", axes: [8], bytes: Self.eight)])]
        for index in parts.indices {
            parts[index]["split.no"] = .integer(index)
            parts[index]["split.count"] = .integer(2)
            parts[index]["split.tensors.count"] = .integer(3)
        }
        let first = try parts[0].write(folder.file("m-00001-of-00002.gguf"))
        #expect(
            performing: { try GGUFWeights(path: first) },
            throws: { if case .unreadable? = $0 as? WeightFileError { true } else { false } })
        let second = try parts[1].write(folder.file("m-00002-of-00002.gguf"))
        let whole = try GGUFWeights(path: first)
        #expect(whole.names == ["a", "b", "c"] && whole.entry("c")?.shape == [8])
        #expect(whole.typeCounts == "F32 3")
        #expect(throws: WeightFileError.self) { try GGUFWeights(path: second) }
        parts[1].tensors[0].name = "b"
        _ = try parts[1].write(second)
        #expect(throws: WeightFileError.self) { try GGUFWeights(path: first) }
    }
}

import Checkpoints
import Foundation
import Testing

@Suite struct CheckpointStoreTests {
    let folder = NSTemporaryDirectory() + "/lector-states-\(UUID().uuidString)"

    static func sample(logits: [Float]? = [1, -2.5, .infinity]) -> Checkpoint {
        Checkpoint(
            key: CheckpointKey(KeyTests.identity).extended(by: [1, 2, 3]), identity: KeyTests.identity,
            tokenCount: 3,
            nextLogits: logits, cursor: [9, 8, 7],
            sections: [
                .init(name: "kda.0", type: "f32 [2]", bytes: Array(0..<100)),
                .init(name: "mla.0", type: "bf16 [0,4]", bytes: []),
                .init(name: "conv.0", type: "f32 [16]", bytes: [UInt8](repeating: 5, count: 64)),
            ])
    }

    @Test("a saved state comes back bit for bit, under its key, readable by its owner alone")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder + "/a/b")
        for checkpoint in [Self.sample(), Self.sample(logits: nil)] {
            #expect(!store.contains(checkpoint.key))
            #expect(try store.load(checkpoint.key) == nil)
            try store.save(checkpoint)
            try store.save(checkpoint)
            #expect(store.contains(checkpoint.key))
            #expect(try store.load(checkpoint.key, verifyDigest: true) == checkpoint)
            let path = store.path(of: checkpoint.key)
            #expect(try store.load(checkpoint.key, identity: KeyTests.identity) == checkpoint)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(store.remove(checkpoint.key) && !store.remove(checkpoint.key))
        }
        for path in [folder, folder + "/a", folder + "/a/b"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/a/b") == ["lock"])
    }

    @Test("one changed bit anywhere is found; the file is set aside, named, and never loaded again")
    func damage() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let checkpoint = Self.sample()
        try store.save(checkpoint)
        let path = store.path(of: checkpoint.key)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var named: [String: Int] = [:]
        for byte in 0..<whole.count {
            var bytes = whole
            bytes[byte] ^= 1 << UInt8(byte % 8)
            try bytes.write(to: URL(fileURLWithPath: path))
            if (8..<12).contains(byte) {
                #expect(throws: CheckpointError.self) { try store.load(checkpoint.key) }
                continue
            }
            #expect(
                performing: { try store.load(checkpoint.key) },
                throws: {
                    guard case .damaged(path, let what, path + ".damaged")? = $0 as? CheckpointError else {
                        return false
                    }
                    named[what, default: 0] += 1
                    return true
                })
            #expect(!store.contains(checkpoint.key))
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".damaged")).count == whole.count)
        // Each byte of a section names that section, and no other byte does.
        for (section, bytes) in [("logits", 12), ("cursor", 3), ("kda.0", 100), ("conv.0", 64)] {
            #expect(named["section \(section)"] == bytes, "\(named)")
        }
    }

    @Test("a state cut anywhere is set aside")
    func truncated() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let checkpoint = Self.sample()
        try store.save(checkpoint)
        let path = store.path(of: checkpoint.key)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for length in 0..<whole.count {
            try whole[..<length].write(to: URL(fileURLWithPath: path))
            #expect(throws: CheckpointError.self) { try store.load(checkpoint.key) }
            #expect(!store.contains(checkpoint.key))
        }
    }

    @Test("a state of another model, tokenizer or numerics class says which, and stays where it is")
    func otherModel() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let checkpoint = Self.sample()
        try store.save(checkpoint)
        let path = store.path(of: checkpoint.key)
        let (m, t, n) = ("m", "t", "n")
        for (what, other) in [
            ("model", ("x", t, n)), ("tokenizer", (m, "x", n)), ("numerics class", (m, t, "x")),
        ] {
            let identity = CheckpointIdentity(
                modelFingerprint: other.0, tokenizerFingerprint: other.1, numericsClass: other.2)
            #expect(
                performing: { try store.load(checkpoint.key, identity: identity) },
                throws: {
                    guard case .mismatch(path, what, _, "x")? = $0 as? CheckpointError else { return false }
                    return true
                })
        }
        #expect(store.contains(checkpoint.key))
        // A file under another key's name is not trusted either.
        let other = checkpoint.key.extended(by: [4])
        try FileManager.default.copyItem(atPath: path, toPath: store.path(of: other))
        #expect(throws: CheckpointError.self) { try store.load(other) }
    }

    @Test("a place that cannot be written says so and leaves nothing half done")
    func unwritable() throws {
        #expect(throws: CheckpointError.self) { try CheckpointStore(folder: "/proc/none/states") }
        #expect(throws: CheckpointError.self) { try CheckpointStore(folder: "/dev/null") }
    }
}

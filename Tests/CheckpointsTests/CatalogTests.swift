import Checkpoints
import Foundation
import Testing

@Suite struct CatalogTests {
    let folder = NSTemporaryDirectory() + "/lector-catalog-\(UUID().uuidString)"

    private static func small(_ tokens: Int, _ kind: Checkpoint.Kind = .interval) -> Checkpoint {
        var checkpoint = CrashTests.checkpoint(tokens: tokens)
        checkpoint.kind = kind
        checkpoint.sections = [.init(name: "kda.0", type: "u8", bytes: [UInt8](repeating: 1, count: 10_000))]
        return checkpoint
    }

    @Test("a file of version 1 is read, by a program that knows it by its description only")
    func versionOne() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/v1.state").path
        var expected = CheckpointStoreTests.sample()
        try FileManager.default.copyItem(atPath: fixture, toPath: store.path(of: expected.key))
        #expect(try store.load(expected.key, verifyDigest: true) == expected)
        #expect(try store.summary(of: expected.key)?.formatVersion == 1)
        // Import writes it anew.
        try FileManager.default.removeItem(atPath: store.path(of: expected.key))
        #expect(try store.importing(fixture).formatVersion == 2)
        expected.kind = .interval
        #expect(try store.load(expected.key, verifyDigest: true) == expected)
    }

    @Test("latents that only grow are written once: a longer state adds its new blocks and its rest")
    func sharedBlocks() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        func grown(_ tokens: Int) -> Checkpoint {
            var checkpoint = CrashTests.checkpoint(tokens: tokens)
            checkpoint.sections.removeFirst()
            return checkpoint
        }
        let first = try store.save(grown(5100))
        let second = try store.save(grown(6200))
        #expect(first > 5100 && second < 2500, "\(first) \(second)")
        #expect(try store.catalog().blocks.count == 12)
        for tokens in [5100, 6200] {
            #expect(try store.load(grown(tokens).key, verifyDigest: true) == grown(tokens))
            let summary = try #require(try store.summary(of: grown(tokens).key))
            #expect(summary.sections.last?.byteCount == tokens)
        }
        // Only what no state names goes.
        store.remove(grown(6200).key)
        #expect(try store.collect(budgetBytes: .max).removedBlocks == 2)
        #expect(try store.load(grown(5100).key, verifyDigest: true) == grown(5100))
        // A changed bit in a block is found by the state that needs it; both are set aside.
        let block = try #require(try store.catalog().blocks.keys.first)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + block))
        bytes[77] ^= 4
        try bytes.write(to: URL(fileURLWithPath: folder + "/" + block))
        #expect(
            performing: { try store.load(grown(5100).key) }, throws: { "\($0)".contains(block) })
        #expect(!store.contains(grown(5100).key))
        #expect(try store.catalog().damaged.count == 2)
        let collected = try store.collect(budgetBytes: .max, removesDamaged: true)
        #expect(collected.removedDamaged == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["lock"])
    }

    @Test(
        "over the budget the longest unused goes first; pinned and held states stay",
        arguments: [false, true])
    func budget(inMemory: Bool) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = inMemory ? CheckpointStore(MemoryFolder()) : try CheckpointStore(folder: folder)
        let states = (1...6).map { Self.small(1000 * $0, .document) }
        for state in states {
            try store.save(state)
            usleep(25_000)  // the kernel's file times go by its tick, up to 10 ms
        }
        try store.pin(states[0].key, true)
        let hold = store.hold(states[1].key)
        #expect(hold != nil && store.isPinned(states[0].key))
        _ = try store.load(states[2].key)  // used last
        let dry = try store.collect(budgetBytes: 45_000, isDryRun: true)
        let real = try store.collect(budgetBytes: 45_000)
        #expect(dry.removed.map(\.summary.key) == real.removed.map(\.summary.key))
        #expect(real.removed.map(\.summary.key) == [states[3], states[4]].map(\.key))
        #expect(real.kept == 2 && real.keptBytes <= 45_000)
        #expect(try store.catalog().entries.map(\.summary.tokenCount).sorted() == [1000, 2000, 3000, 6000])
        try store.pin(states[0].key, false)
        withExtendedLifetime(hold) {}
    }

    @Test("a clock that went backwards changes the order of removal and nothing else")
    func clock() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        for tokens in [1000, 2000, 3000] { try store.save(Self.small(tokens)) }
        for (tokens, time) in [(1000, 4e9), (2000, 0), (3000, 1e9)] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: time)],
                ofItemAtPath: store.path(of: Self.small(tokens).key))
        }
        let gone = try store.collect(budgetBytes: 25_000).removed.map(\.summary.tokenCount)
        #expect(gone == [2000])
        #expect(try store.load(Self.small(1000).key) != nil && store.load(Self.small(3000).key) != nil)
    }

    @Test("of a finished text's intervals those at about powers of two are kept, and all other kinds")
    func thinning() throws {
        let store = CheckpointStore(MemoryFolder())
        var path: [CheckpointSummary] = []
        for tokens in 1...40 {
            try store.save(Self.small(tokens * 100, tokens % 13 == 0 ? .edge : .interval))
            path.append(try #require(try store.summary(of: Self.small(tokens * 100).key)))
        }
        try store.pin(Self.small(700).key, true)
        store.thin(path)
        #expect(
            try store.catalog().entries.map { $0.summary.tokenCount / 100 }.sorted()
                == [1, 2, 4, 7, 8, 13, 16, 26, 32, 39])
    }

    @Test("an exported state is one file that another folder takes, blocks and all; a damaged one is refused")
    func transfer() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder + "/a")
        let other = try CheckpointStore(folder: folder + "/b")
        let checkpoint = CrashTests.checkpoint(tokens: 1700)
        try store.save(checkpoint)
        let file = folder + "/moved.state"
        #expect(try store.export(checkpoint.key, to: file) > 1_200_000)
        #expect(try other.importing(file).key == checkpoint.key)
        #expect(try other.load(checkpoint.key, verifyDigest: true) == checkpoint)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(throws: CheckpointError.self) { try other.importing(file) }
        #expect(FileManager.default.fileExists(atPath: file))
        #expect(throws: CheckpointError.self) { try other.importing(folder + "/none.state") }
    }

    @Test("one bit flipped anywhere in a large file is refused, by load or by verify")
    func largeDamage() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let checkpoint = CrashTests.checkpoint(tokens: 1700)
        try store.save(checkpoint)
        let path = store.path(of: checkpoint.key)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<40 {
            let (byte, bit) = (Int.random(in: 12..<whole.count, using: &generator), UInt8.random(in: 0...7))
            var bytes = whole
            bytes[byte] ^= 1 << bit
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(throws: CheckpointError.self, "bit \(bit) of byte \(byte)") {
                try store.load(checkpoint.key)
            }
        }
    }

    @Test(
        "one bit flipped in a block that states share is refused with the block named; what stood before is rebuilt"
    )
    func blockDamage() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let checkpoint = CrashTests.checkpoint(tokens: 1700)
        try store.save(checkpoint)
        let blocks = try store.catalog().blocks.keys.sorted()
        #expect(blocks.count == 3)
        for round in 0..<24 {
            let block = blocks[round % blocks.count]
            let path = folder + "/" + block
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[Int.random(in: 0..<bytes.count)] ^= 1 << UInt8(round % 8)
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(
                performing: { try store.load(checkpoint.key) },
                throws: {
                    guard case .damaged(_, let what, _)? = $0 as? CheckpointError else { return false }
                    return what.contains(block)
                })
            // Saved again, the missing block is written again.
            try store.save(checkpoint)
            #expect(try store.load(checkpoint.key, verifyDigest: true) == checkpoint)
        }
    }

    @Test("keys come back from their text, and from nothing else")
    func keyText() {
        let key = CheckpointKey(KeyTests.identity)
        #expect(CheckpointKey(key.description) == key)
        #expect(CheckpointKey("") == nil && CheckpointKey(key.description.uppercased()) == nil)
        var chain = TokenChain(start: key)
        let ids = (0..<10_000).map { Int32($0) }
        for cut in stride(from: 0, to: ids.count, by: 77) {
            chain.append(ids[cut..<min(cut + 77, ids.count)])
        }
        var whole = TokenChain(start: key)
        whole.append(ids)
        #expect(chain.key == whole.key && chain.trail == whole.trail && chain.trail.count == 3)
        #expect(
            chain.key
                == key.extended(by: ids[..<4096]).extended(by: ids[4096..<8192]).extended(by: ids[8192...]))
    }
}

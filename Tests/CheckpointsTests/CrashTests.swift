import Checkpoints
import Foundation
import Synchronization
import Testing

/// What a crash or a full disk leaves behind.
@Suite struct CrashTests {
    let folder = NSTemporaryDirectory() + "/lector-crash-\(UUID().uuidString)"

    /// Counts the steps and strikes at one of them.
    final class Hook: Sendable {
        let fault: DiskFolder.Fault
        let at: Int
        let count = Mutex(0)

        init(_ fault: DiskFolder.Fault, at: Int) {
            self.fault = fault
            self.at = at
        }

        func callAsFunction(_ step: DiskFolder.Step) -> DiskFolder.Fault? {
            count.withLock {
                $0 += 1
                guard $0 == at else { return nil }
                if case .tears = fault, step != .write { return .dies }
                return fault
            }
        }
    }

    /// Two blocks of each layer shared, a rest, and a section of more than one write.
    static func checkpoint(tokens: Int, fill: UInt8 = 3) -> Checkpoint {
        let key = CheckpointKey(KeyTests.identity).extended(by: [Int32](repeating: 7, count: tokens))
        let grown = (0..<tokens).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        return Checkpoint(
            key: key, identity: KeyTests.identity, tokenCount: tokens, kind: .document, title: "t",
            trail: [key],
            nextLogits: [0.5], cursor: [1],
            sections: [
                .init(name: "kda.0", type: "u8", bytes: [UInt8](repeating: fill, count: 1_200_000)),
                .init(name: "mla.0", type: "u8", bytes: grown, blockBytes: 500),
            ])
    }

    enum Strike: String, CaseIterable { case dies, tears, full }

    @Test(
        "a process that is gone, or out of space, before any single write, fsync or rename leaves whole files only",
        arguments: Strike.allCases)
    func everyStep(strike: Strike) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (old, new) = (Self.checkpoint(tokens: 1200), Self.checkpoint(tokens: 2300))
        var step = 1
        while true {
            try? FileManager.default.removeItem(atPath: folder)
            try CheckpointStore(folder: folder).save(old)
            let fault: DiskFolder.Fault =
                switch strike {
                case .dies: .dies
                case .tears: .tears
                case .full: .fails(ENOSPC)
                }
            let hook = Hook(fault, at: step)
            let failing = CheckpointStore(try DiskFolder(folder) { hook($0) })
            let result = Result { try failing.save(new) }
            let store = try CheckpointStore(folder: folder)
            #expect(try store.load(old.key, verifyDigest: true) == old)
            // The new state is there whole, or not at all.
            let found = try store.load(new.key, verifyDigest: true)
            #expect(found == nil || found == new)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(!names.contains { $0.hasSuffix(".damaged") })
            if strike == .full, case .failure = result {
                #expect(!names.contains { $0.hasSuffix(".part") }, "\(names)")
                #expect("\(result)".contains("space"))
            }
            try store.save(new)
            #expect(try store.load(new.key, verifyDigest: true) == new)
            _ = try store.collect(budgetBytes: .max)
            #expect(try store.catalog().leftovers.isEmpty && store.catalog().blocks.count == 4)
            guard hook.count.withLock({ $0 }) >= step else { break }
            step += 1
        }
        // Two new blocks and the state: create, write, sync, rename, folder each, one write more.
        #expect(step == 17)
    }

    @Test("a folder that vanished or that nobody may write to is a typed error; loading from one still works")
    func places() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let checkpoint = Self.checkpoint(tokens: 1000)
        try store.save(checkpoint)
        try FileManager.default.removeItem(atPath: folder)
        #expect(throws: CheckpointError.self) { try store.save(checkpoint) }
        #expect(throws: CheckpointError.self) { try store.catalog() }
        #expect(try store.load(checkpoint.key) == nil)
    }

    @Test("processes that save, load and collect in one folder at once disturb nobody")
    func concurrent() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try CheckpointStore(folder: folder)
        let folder = self.folder
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    // A store of its own has descriptors of its own, as another process would.
                    let store = try CheckpointStore(folder: folder)
                    for round in 0..<12 {
                        let checkpoint = Self.checkpoint(tokens: 1000 + 500 * ((worker + round) % 3))
                        try store.save(checkpoint)
                        let found = try store.load(checkpoint.key, verifyDigest: true)
                        #expect(found == nil || found == checkpoint)
                        if round % 3 == worker % 3 { _ = try store.collect(budgetBytes: 2_500_000) }
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = try store.collect(budgetBytes: .max)
        let catalog = try store.catalog()
        #expect(catalog.damaged.isEmpty && catalog.unreadable.isEmpty && catalog.leftovers.isEmpty)
        for entry in catalog.entries { try store.verify(entry.summary.key) }
    }
}

import Synchronization

/// A place for states that lasts as long as the process: for tests, and for those who want no file.
package final class MemoryFolder: StateFolder {
    private struct File {
        var bytes: [UInt8]
        var lastUse: Double
        var holders: [WeakHolder] = []
    }

    private struct WeakHolder { weak var holder: Holder? }
    private final class Holder: Sendable {}

    private struct Contents {
        var files: [String: File] = [:]
        var clock = 0.0
    }

    package let path = "memory"
    private let contents = Mutex(Contents())

    package init() {}

    package func names() -> [String] { contents.withLock { $0.files.keys.sorted() } }

    package func contains(_ name: String) -> Bool { contents.withLock { $0.files[name] != nil } }

    package func status(_ name: String) -> (bytes: Int, lastUse: Double)? {
        contents.withLock { $0.files[name].map { ($0.bytes.count, $0.lastUse) } }
    }

    package func read<R>(
        _ name: String, _ body: (UnsafeRawBufferPointer) throws(CheckpointError) -> R
    ) throws(CheckpointError) -> R? {
        guard let bytes = contents.withLock({ $0.files[name]?.bytes }) else { return nil }
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(CheckpointError) in try body(buffer) }
        }
        return try result.get()
    }

    package func beginning(_ name: String, count: Int) -> [UInt8]? {
        contents.withLock { contents in contents.files[name].map { Array($0.bytes.prefix(count)) } }
    }

    package func put(_ bytes: [UInt8], as name: String) {
        contents.withLock {
            $0.clock += 1
            $0.files[name] = File(bytes: bytes, lastUse: $0.clock)
        }
    }

    package func rename(_ name: String, to other: String) throws(CheckpointError) {
        let isDone = contents.withLock { contents in
            guard let file = contents.files.removeValue(forKey: name) else { return false }
            contents.files[other] = file
            return true
        }
        if !isDone { throw .unwritable(path: other, reason: "there is no \(name)") }
    }

    package func remove(_ name: String, secure: Bool) -> Bool {
        contents.withLock { $0.files.removeValue(forKey: name) != nil }
    }

    package func touch(_ name: String) {
        contents.withLock {
            $0.clock += 1
            $0.files[name]?.lastUse = $0.clock
        }
    }

    package func hold(_ name: String) -> (any Sendable)? {
        let holder = Holder()
        return contents.withLock { contents in
            guard contents.files[name] != nil else { return nil }
            contents.files[name]!.holders.append(WeakHolder(holder: holder))
            return holder
        }
    }

    package func isHeld(_ name: String) -> Bool {
        contents.withLock { $0.files[name]?.holders.contains { $0.holder != nil } ?? false }
    }

    package func locked<R>(
        exclusively: Bool, _ body: () throws(CheckpointError) -> R
    ) throws(CheckpointError) -> R { try body() }
}

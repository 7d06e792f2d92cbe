import Digests

/// A folder of checkpoints, each under the name of its key.
///
///     KEY.state           a checkpoint; never changes
///     KEY.pin             that one is not to be removed
///     KEY.*               what others keep beside it; it goes when the checkpoint goes
///     SHA256.block        bytes that several checkpoints share
///     NAME.damaged        a file that was not what it said; nobody reads it
///     lock                held, shared, by who reads or writes; alone, by who collects
///
/// Several processes may use one folder: a file appears whole, by rename, and never changes.
public struct CheckpointStore: Sendable {
    let place: any StateFolder

    /// Opens `folder`, making it and its parents as needed (0700).
    ///
    /// - Throws: ``CheckpointError/unwritable(path:reason:)``.
    public init(folder: String) throws(CheckpointError) { place = try DiskFolder(folder) }

    package init(_ place: any StateFolder) { self.place = place }

    public var folder: String { place.path }

    static func name(_ key: CheckpointKey) -> String { "\(key).state" }

    /// Where the checkpoint of `key` lies or would lie.
    public func path(of key: CheckpointKey) -> String { "\(folder)/\(Self.name(key))" }

    /// Where something that belongs to the checkpoint of `key` lies or would lie.
    public func companionPath(of key: CheckpointKey, _ ending: String) -> String {
        "\(folder)/\(key).\(ending)"
    }

    public func contains(_ key: CheckpointKey) -> Bool { place.contains(Self.name(key)) }

    /// Writes a checkpoint: temporary file in the same folder, fsync, rename, fsync of the folder.
    /// When this returns, the state survives a crash of the machine. Blocks that another checkpoint
    /// has already are not written again.
    ///
    /// - Returns: Bytes that were written.
    /// - Throws: ``CheckpointError/unwritable(path:reason:)``; no state is left behind then.
    @discardableResult
    public func save(_ checkpoint: Checkpoint) throws(CheckpointError) -> Int {
        try place.locked(exclusively: false) { () throws(CheckpointError) in
            var written = 0
            var blocks: [[CheckpointSummary.Block]] = []
            for section in CheckpointFormat.storedSections(checkpoint) {
                var list: [CheckpointSummary.Block] = []
                if let size = section.blockBytes, size > 0 {
                    for index in 0..<section.bytes.count / size {
                        let range = index * size..<(index + 1) * size
                        let (digest, crc) = section.bytes.withUnsafeBytes { bytes in
                            let block = UnsafeRawBufferPointer(rebasing: bytes[range])
                            return (SHA256.digest(of: block), crc32c(block))
                        }
                        let block = CheckpointSummary.Block(digest: digest, crc: crc)
                        list.append(block)
                        guard !place.contains(block.name) else { continue }
                        try place.put(Array(section.bytes[range]), as: block.name)
                        written += size
                    }
                }
                blocks.append(list)
            }
            let bytes = CheckpointFormat.encode(checkpoint, blocks: blocks)
            try place.put(bytes, as: Self.name(checkpoint.key))
            return written + bytes.count
        }
    }

    /// The checkpoint of `key`; nil when there is none.
    ///
    /// - Parameters:
    ///   - identity: Refuse a state of anything else.
    ///   - verifyDigest: Also recompute the SHA-256 of the whole (CRCs are always checked).
    /// - Throws: ``CheckpointError``. A damaged file is renamed to `*.damaged` first.
    public func load(
        _ key: CheckpointKey, identity: CheckpointIdentity? = nil, verifyDigest: Bool = false
    ) throws(CheckpointError) -> Checkpoint? {
        let name = Self.name(key)
        return try place.locked(exclusively: false) { () throws(CheckpointError) -> Checkpoint? in
            guard let checkpoint = try read(name, verifyDigest: verifyDigest) else { return nil }
            guard checkpoint.key == key else {
                throw setAside(name, "it holds the key \(checkpoint.key)")
            }
            if let identity, let other = checkpoint.identity.difference(from: identity) {
                throw .mismatch(
                    path: "\(folder)/\(name)", what: other.what, checkpoint: other.here, loaded: other.there)
            }
            place.touch(name)
            return checkpoint
        }
    }

    /// Keeps the checkpoint of `key` from being collected by any process, until what is returned
    /// goes away; nil when it is not there.
    public func hold(_ key: CheckpointKey) -> (any Sendable)? { place.hold(Self.name(key)) }

    /// Deletes the checkpoint of `key` with all that belongs to it; true when there was one. Shared
    /// blocks stay until ``collect(budgetBytes:isSecure:removesDamaged:isDryRun:)``.
    @discardableResult
    public func remove(_ key: CheckpointKey, secure: Bool = false) -> Bool {
        let wasThere = place.remove(Self.name(key), secure: secure)
        for name in (try? place.names()) ?? [] where name.hasPrefix("\(key).") && !name.hasSuffix(".damaged")
        {
            place.remove(name, secure: secure)
        }
        return wasThere
    }

    // MARK: Reading files

    /// Header and size of a state file by name; nil when it is gone.
    func summary(_ name: String) throws(CheckpointError) -> CheckpointSummary? {
        guard let size = place.status(name)?.bytes,
            let preface = try place.beginning(name, count: CheckpointFormat.prefaceBytes)
        else { return nil }
        do throws(CheckpointFormat.Flaw) {
            let end = try preface.withTypedBytes { bytes throws(CheckpointFormat.Flaw) in
                try CheckpointFormat.headerEnd(bytes, fileBytes: size)
            }
            guard let header = try? place.beginning(name, count: end), header.count == end else { return nil }
            return try header.withTypedBytes { bytes throws(CheckpointFormat.Flaw) in
                try CheckpointFormat.header(bytes, fileBytes: size)
            }
        } catch { throw problem(error, name, setAside: false) }
    }

    private func read(_ name: String, verifyDigest: Bool) throws(CheckpointError) -> Checkpoint? {
        try place.read(name) { bytes throws(CheckpointError) in
            do throws(CheckpointFormat.Flaw) {
                return try CheckpointFormat.decode(bytes, verifyDigest: verifyDigest) {
                    block, size, out throws(CheckpointFormat.Flaw) in
                    try append(block, size, verifyDigest: verifyDigest, to: &out)
                }
            } catch { throw problem(error, name, setAside: true) }
        }
    }

    private func append(
        _ block: CheckpointSummary.Block, _ size: Int, verifyDigest: Bool, to out: inout [UInt8]
    ) throws(CheckpointFormat.Flaw) {
        var flaw: String? = "is not there"
        var copy: [UInt8] = []
        _ = try? place.read(block.name) { bytes throws(CheckpointError) in
            flaw = nil
            if bytes.count != size {
                flaw = "has \(bytes.count) bytes, \(size) were expected"
            } else if crc32c(bytes) != block.crc {
                flaw = "does not match its CRC"
            } else if verifyDigest, SHA256.digest(of: bytes) != block.digest {
                flaw = "does not match its digest"
            } else {
                copy = Array(bytes)
            }
        }
        if let flaw { throw .block(name: block.name, flaw) }
        out += copy
    }

    /// The error of a flaw. A damaged file, and a shared block that is, is set aside if asked for.
    private func problem(
        _ flaw: CheckpointFormat.Flaw, _ name: String, setAside moves: Bool
    ) -> CheckpointError {
        let path = "\(folder)/\(name)"
        switch flaw {
        case .version(let found):
            return .version(path: path, found: found, expected: CheckpointFormat.version)
        case .damaged(let what):
            return moves ? setAside(name, what) : .damaged(path: path, what: what, setAside: "nothing yet")
        case .block(let block, let what):
            if moves, place.contains(block) { try? place.rename(block, to: block + ".damaged") }
            let told = "the shared block \(block) \(what)"
            return moves ? setAside(name, told) : .damaged(path: path, what: told, setAside: "nothing yet")
        }
    }

    private func setAside(_ name: String, _ what: String) -> CheckpointError {
        let (path, aside) = ("\(folder)/\(name)", name + ".damaged")
        do throws(CheckpointError) {
            try place.rename(name, to: aside)
            return .damaged(path: path, what: what, setAside: "\(folder)/\(aside)")
        } catch { return .damaged(path: path, what: what, setAside: "nothing: \(error)") }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` for a body whose errors have a type.
    func withTypedBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result = withUnsafeBytes { bytes in Result { () throws(E) in try body(bytes) } }
        return try result.get()
    }
}

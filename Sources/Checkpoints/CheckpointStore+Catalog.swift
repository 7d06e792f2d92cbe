/// What lies in a store, and what may go.
extension CheckpointStore {
    /// One checkpoint as a list shows it.
    public struct Entry: Sendable {
        public var summary: CheckpointSummary
        /// Bytes on disk: the file and what belongs to it, without shared blocks.
        public var bytes: Int
        /// Seconds since 1970 by the clock of then.
        public var lastUse: Double
        public var isPinned: Bool
    }

    /// Everything that a folder holds.
    public struct Catalog: Sendable {
        /// Oldest use first.
        public var entries: [Entry] = []
        /// States whose header cannot be read, and why.
        public var unreadable: [(name: String, error: CheckpointError)] = []
        /// Files that were set aside.
        public var damaged: [(name: String, bytes: Int)] = []
        /// Shared blocks, with their sizes.
        public var blocks: [String: Int] = [:]
        /// Temporary files of processes that are at work, or were killed.
        public var leftovers: [String] = []

        public var bytes: Int {
            entries.reduce(0) { $0 + $1.bytes } + blocks.values.reduce(0, +)
                + damaged.reduce(0) { $0 + $1.bytes }
        }
    }

    /// Looks at every file's header; the sections are not read.
    ///
    /// - Throws: ``CheckpointError/unreadable(path:reason:)`` for the folder itself.
    public func catalog() throws(CheckpointError) -> Catalog {
        var catalog = Catalog()
        var companions: [Substring: Int] = [:]
        var pinned: Set<Substring> = []
        for name in try place.names() {
            guard let status = place.status(name) else { continue }
            if name.hasSuffix(".damaged") || name.hasSuffix(".damaged.part") {
                catalog.damaged.append((name, status.bytes))
            } else if name.hasSuffix(".part") {
                catalog.leftovers.append(name)
            } else if name.hasSuffix(".block") {
                catalog.blocks[name] = status.bytes
            } else if name.hasSuffix(".state") {
                do throws(CheckpointError) {
                    guard let summary = try summary(name) else { continue }
                    catalog.entries.append(
                        Entry(
                            summary: summary, bytes: status.bytes, lastUse: status.lastUse, isPinned: false))
                } catch { catalog.unreadable.append((name, error)) }
            } else if name.utf8.count > 64 {
                companions[name.prefix(64), default: 0] += status.bytes
                if name.hasSuffix(".pin") { pinned.insert(name.prefix(64)) }
            }
        }
        for index in catalog.entries.indices {
            let key = catalog.entries[index].summary.key.description[...]
            catalog.entries[index].bytes += companions[key] ?? 0
            catalog.entries[index].isPinned = pinned.contains(key)
        }
        catalog.entries.sort {
            ($0.lastUse, $0.summary.key.description) < ($1.lastUse, $1.summary.key.description)
        }
        return catalog
    }

    /// What the header of a checkpoint says; nil when there is none.
    public func summary(of key: CheckpointKey) throws(CheckpointError) -> CheckpointSummary? {
        try summary(Self.name(key))
    }

    /// Keeps a checkpoint whatever the budget, or no longer.
    public func pin(_ key: CheckpointKey, _ isPinned: Bool) throws(CheckpointError) {
        if isPinned { try place.put([], as: "\(key).pin") } else { place.remove("\(key).pin", secure: false) }
    }

    public func isPinned(_ key: CheckpointKey) -> Bool { place.contains("\(key).pin") }

    /// What a collection did, or would do.
    public struct Collection: Sendable {
        public var removed: [Entry] = []
        public var removedBlocks = 0
        public var removedDamaged = 0
        public var freedBytes = 0
        public var keptBytes = 0
        /// Over the budget and kept: pinned, or in use by a process.
        public var kept = 0
    }

    /// Removes what was not used for longest until the rest fits the budget; never what is pinned or
    /// held. Then shared blocks that no state names, and temporary files of killed processes.
    ///
    /// - Parameters:
    ///   - isSecure: Overwrite before removing.
    ///   - removesDamaged: Also files that were set aside.
    ///   - isDryRun: Only say what would be done.
    /// - Throws: ``CheckpointError``, also when a file cannot be removed.
    public func collect(
        budgetBytes: Int, isSecure: Bool = false, removesDamaged: Bool = false, isDryRun: Bool = false
    ) throws(CheckpointError) -> Collection {
        try place.locked(exclusively: true) { () throws(CheckpointError) in
            let catalog = try catalog()
            var result = Collection()
            var left = catalog.entries
            var bytes = catalog.bytes
            func free(_ name: String, _ size: Int) throws(CheckpointError) {
                if !isDryRun, !place.remove(name, secure: isSecure) { try expectGone(name) }
                result.freedBytes += size
                bytes -= size
            }
            if removesDamaged {
                for (name, size) in catalog.damaged {
                    try free(name, size)
                    result.removedDamaged += 1
                }
            }
            // How many of the states that are left name a block; one that none names goes.
            var uses: [String: Int] = [:]
            for entry in left { for block in entry.summary.blockNames { uses[block, default: 0] += 1 } }
            let isComplete = catalog.unreadable.isEmpty
            func freeBlock(_ name: String) throws(CheckpointError) {
                // A state that cannot be read may name any block.
                guard isComplete, let size = catalog.blocks[name] else { return }
                try free(name, size)
                result.removedBlocks += 1
            }
            for name in catalog.blocks.keys where uses[name] == nil { try freeBlock(name) }
            for entry in catalog.entries where bytes > budgetBytes {
                let key = entry.summary.key
                if entry.isPinned || place.isHeld(Self.name(key)) {
                    result.kept += 1
                    continue
                }
                if !isDryRun, !remove(key, secure: isSecure) { try expectGone(Self.name(key)) }
                result.removed.append(entry)
                result.freedBytes += entry.bytes
                bytes -= entry.bytes
                left.removeAll { $0.summary.key == key }
                for block in entry.summary.blockNames {
                    uses[block]! -= 1
                    if uses[block] == 0 { try freeBlock(block) }
                }
            }
            if !isDryRun { for name in catalog.leftovers { place.remove(name, secure: isSecure) } }
            result.keptBytes = bytes
            return result
        }
    }

    /// - Throws: ``CheckpointError/unwritable(path:reason:)`` for a file that is still there after its removal.
    private func expectGone(_ name: String) throws(CheckpointError) {
        guard place.contains(name) else { return }
        throw .unwritable(path: "\(folder)/\(name)", reason: "it could not be removed")
    }

    /// Of the interval checkpoints of a finished text, keeps those at about powers of two and drops
    /// the others: from any place, at most half of what stands before it is read again.
    ///
    /// - Parameter path: The text's checkpoints, in any order; pinned ones and those of other kinds stay.
    /// - Returns: The keys that went.
    @discardableResult
    public func thin(_ path: [CheckpointSummary]) -> [CheckpointKey] {
        var kept = 0
        var gone: [CheckpointKey] = []
        for state in path.filter({ $0.kind == .interval }).sorted(by: { $0.tokenCount < $1.tokenCount }) {
            if state.tokenCount >= 2 * kept {
                kept = max(1, state.tokenCount)
            } else if !isPinned(state.key), !place.isHeld(Self.name(state.key)) {
                if remove(state.key) { gone.append(state.key) }
            }
        }
        return gone
    }

    /// Every byte of a checkpoint and of its blocks against CRCs and digests.
    ///
    /// - Throws: ``CheckpointError``, after setting a damaged file aside.
    public func verify(_ key: CheckpointKey) throws(CheckpointError) {
        guard try load(key, verifyDigest: true) != nil else {
            throw .unreadable(path: path(of: key), reason: "it is not there")
        }
    }

    /// Writes a checkpoint with all its bytes into one file elsewhere.
    ///
    /// - Returns: Bytes of the file.
    public func export(_ key: CheckpointKey, to path: String) throws(CheckpointError) -> Int {
        guard let checkpoint = try load(key, verifyDigest: true) else {
            throw .unreadable(path: self.path(of: key), reason: "it is not there")
        }
        let (folder, name) = Self.split(path)
        let bytes = CheckpointFormat.encode(
            checkpoint, blocks: CheckpointFormat.storedSections(checkpoint).map { _ in [] })
        try DiskFolder(folder).put(bytes, as: name)
        return bytes.count
    }

    /// Takes a file that ``export(_:to:)`` wrote into the store.
    ///
    /// - Throws: ``CheckpointError``; a damaged file stays where it is.
    public func importing(_ path: String) throws(CheckpointError) -> CheckpointSummary {
        let (folder, name) = Self.split(path)
        let source = try DiskFolder(existing: folder)
        let read = try source.read(name) { bytes throws(CheckpointError) -> Checkpoint in
            do throws(CheckpointFormat.Flaw) {
                return try CheckpointFormat.decode(bytes, verifyDigest: true) {
                    block, _, _ throws(CheckpointFormat.Flaw) in
                    throw .block(
                        name: block.name, "is not in this file; export the state instead of copying it")
                }
            } catch {
                switch error {
                case .version(let found):
                    throw .version(path: path, found: found, expected: CheckpointFormat.version)
                case .damaged(let what), .block(_, let what):
                    throw .unreadable(path: path, reason: "it is damaged (\(what))")
                }
            }
        }
        guard let checkpoint = read else { throw .unreadable(path: path, reason: "there is no such file") }
        try save(checkpoint)
        guard let summary = try summary(Self.name(checkpoint.key)) else {
            throw .unreadable(path: self.path(of: checkpoint.key), reason: "it went away")
        }
        return summary
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        return (folder, String(path[path.index(after: slash)...]))
    }
}

import Documents

/// An archive or a compressed file: each file in it is opened like any other bytes, in the
/// order of the archive and while it is unpacked.
///
/// Nothing is ever written where an entry says; names are parts of addresses and no more.
/// Folders, links and devices have no bytes and get no row. A damaged archive gives what
/// came before the damage, then one `failed.damaged` row for the rest; limits end it the
/// same way.
final class ArchiveReader: DocumentProducer {
    private let address: String
    private let depth: Int
    private let file: ArchiveFile
    private let budget: UnpackBudget
    private var entries = 0
    private var entry: EntrySource?
    private var isOpen = false
    /// The number of the entry, from 1.
    private(set) var place: [Int]?
    /// The next entry ended a process before.
    private var passesOverNext = false

    /// - Parameters:
    ///   - depth: Containers around the entries, this one counted.
    ///   - budget: That of the outermost archive around this one, if there is one.
    init(_ reader: ByteReader, address: String, depth: Int, budget: UnpackBudget?, limits: IngestLimits) {
        self.address = address
        self.depth = depth
        self.budget = budget ?? UnpackBudget(limits)
        file = ArchiveFile(reader, budget: self.budget, isOutermost: budget == nil)
    }

    func step(_ context: StreamContext) -> Bool {
        if !isOpen {
            isOpen = true
            if let failure = file.open(limits: context.limits, passwords: context.options.passwords) {
                context.emitFailure(address, .failed(failure.reason), failure.message)
                return false
            }
            if let step = context.takeStep() {
                // Where a process ended amid it, nobody has seen that it stays within its limits.
                budget.isWaived = context.voice?.isRecovering != true
                guard step.count == 1, passOver(step[0] - 1) else {
                    context.isLost = true
                    return false
                }
            }
        }
        if let entry {
            self.entry = nil
            entry.drain()
            if budget.failure != nil { context.hasStruckLimit = true }
            // The one stream of a compressed file: what came of it has said all, unless it was an archive.
            if file.isRaw, budget.failure == nil || !budget.hasUnreadRest { return false }
        }
        if let failure = budget.failure {
            // The outermost archive speaks for all that are inside.
            if file.isOutermost {
                context.emitFailure(
                    address, .failed(failure.reason), failure.message + "; the rest is not read")
            } else {
                budget.hasUnreadRest = true
            }
            return false
        }
        if !passesOverNext { passesOverNext = !context.enter([entries + 1], address) }
        switch file.nextHeader() {
        case .end:
            if entries == 0 { context.emitFailure(address, .skipped(.empty), "an archive without entries") }
            return false
        case .failed(let failure):
            context.emitFailure(address, .failed(failure.reason), failure.message + "; the rest is not read")
            return false
        case .nothing:
            return true
        case .entry(let name, let isEncrypted):
            entries += 1
            place = [entries]
            if passesOverNext {
                passesOverNext = false
                return true
            }
            if entries > context.limits.maxEntries {
                context.emitFailure(
                    address, .failed(.limitEntries),
                    "more than \(context.limits.maxEntries) entries; the rest is not read")
                return false
            }
            let inner = file.isRaw ? address : "\(address)!/\(name)"
            context.voice?.note(inner)
            if isEncrypted, context.options.passwords.isEmpty {
                context.emitFailure(
                    inner, .failed(.encrypted),
                    "the entry is encrypted; a password can be given with --password-file")
                return true
            }
            let source = EntrySource(file)
            entry = source
            context.push(
                ContentOpener(
                    ByteReader(source, isUnpacked: file.isRaw), address: inner, depth: depth,
                    isPlainFile: false, budget: budget))
            return true
        }
    }

    /// Goes on after so many entries, whose data libarchive need not give.
    private func passOver(_ count: Int) -> Bool {
        while entries < count {
            switch file.nextHeader() {
            case .entry: entries += 1
            case .nothing: break
            case .end, .failed: return false
            }
        }
        return true
    }
}

import Checkpoints
import KimiLinear

/// Reads a text of any length into one session: on from the longest kept state that is a beginning
/// of it, keeping new states on the way.
///
/// Tokens come in as a stream and are held only as long as a longer kept state could still turn
/// out to fit: 4,096 of them when no state begins with this text, else at most those between two kept
/// states. Where the text differs from what a state has read, the last state before it is used.
///
///     let reading = try StateReading(engine: engine, store: store, ..., prefix: ids, title: "book.txt")
///     while let tokens = nextTokens() { try reading.append(tokens) }
///     let state = try reading.finish()
public final class StateReading {
    public struct Options: Sendable {
        /// A state is kept after this many tokens at the latest ...
        public var intervalTokens = 65_536
        /// ... or after this many seconds of work.
        public var intervalSeconds = 30.0
        /// Tokens of one call of the engine.
        public var rowsPerStep = 1024
        /// Keep states; false only uses those that are there.
        public var keeps = true
        /// The folder's limit; states not used for longest go first. Nil never removes one.
        public var budgetBytes: Int?
        public var precision = StatePrecision.f32

        public init() {}
    }

    /// A text that has been read.
    public struct Finished {
        /// At the end of the text. Fork it.
        public let session: Session
        /// Logits of the next token, `[vocabulary]`.
        public let logits: [Float]?
        public let key: CheckpointKey
        public let identity: CheckpointIdentity
        /// Tokens of the prefix and of the text.
        public let tokens: Int
        /// Those of them that a kept state had read.
        public let cachedTokens: Int
        /// Those of them that went through the model now.
        public let readTokens: Int
        /// Why not all of them were cached; nil when they were.
        public let miss: Miss?

        package init(
            session: Session, logits: [Float]?, key: CheckpointKey, identity: CheckpointIdentity, tokens: Int,
            cachedTokens: Int, readTokens: Int, miss: Miss?
        ) {
            self.session = session
            self.logits = logits
            self.key = key
            self.identity = identity
            self.tokens = tokens
            self.cachedTokens = cachedTokens
            self.readTokens = readTokens
            self.miss = miss
        }
    }

    /// Why tokens had to be read.
    public enum Miss: Sendable, Equatable, CustomStringConvertible {
        case nothingKept
        /// States are there, but another model, tokenizer or numerics class (`what`) made them.
        case otherIdentity(what: String, kept: String, loaded: String)
        /// No state begins as this text does.
        case otherText
        /// A state of `title` agrees up to some token of this range, and not beyond.
        case differs(title: String, from: Int, to: Int)
        /// The longest state that fits ends before the text does.
        case longer(by: Int)

        public var description: String {
            switch self {
            case .nothingKept: "no state is kept yet"
            case .otherIdentity(let what, let kept, let loaded):
                "the kept states belong to \(what) \(kept.prefix(40)), and \(loaded.prefix(40)) is loaded"
            case .otherText: "no kept state begins with this text"
            case .differs(let title, let from, let to):
                "the text differs from that of \(title) between its tokens \(from) and \(to)"
            case .longer(let tokens): "\(tokens) tokens are new"
            }
        }
    }

    private struct Candidate {
        let summary: CheckpointSummary
        /// Tokens behind the prefix.
        let count: Int
    }

    /// Told once for each thing that went wrong and was got over.
    public var onProblem: (String) -> Void = { _ in }
    /// Called after each call of the engine; false stops the reading at its place.
    public var onStep: () -> Bool = { true }
    public private(set) var isStopped = false
    /// Tokens of the prefix and the text that the session has read or a state has.
    public var position: Int { session.tokenCount }
    /// Tokens that came so far, and the prefix.
    public var appendedTokens: Int { prefix.count + readChain.count + pending.count }
    public private(set) var cachedTokens = 0
    /// Tokens that went through the model.
    public private(set) var readTokens = 0
    /// Whether all further tokens go through the model.
    public private(set) var isSettled = false
    /// When a state was kept last, in seconds of a clock that never goes back.
    public private(set) var lastSaved: Double?
    public private(set) var savedBytes = 0

    private let engine: Engine
    private let store: CheckpointStore?
    private let identity: CheckpointIdentity
    private let prefix: [Int32]
    private let title: String
    private let options: Options
    private var session: Session
    private var logits: [Float]?
    /// Of what the session has read.
    private var readChain: TokenChain
    /// Of all tokens that came; runs ahead until the reading is settled.
    private var chain: TokenChain
    /// Tokens behind `readChain`.
    private var pending: [Int32] = []
    private var candidates: [Candidate] = []
    private var path: [CheckpointSummary] = []
    private var differing: Miss?
    private var firstMiss: Miss
    private var edge: Int?
    private var safePosition = 0
    private var safeTime = seconds()
    private var hold: (any Sendable)?

    /// - Parameters:
    ///   - store: Nil reads from the start and keeps nothing.
    ///   - prefix: What stands before the text; a segment of its own.
    ///   - title: What is read, for lists of states.
    /// - Throws: `CheckpointError` when the store's folder cannot be read.
    public init(
        engine: Engine, store: CheckpointStore?, tokenizerFingerprint: String, prefix: [Int32], title: String,
        options: Options = .init()
    ) throws(CheckpointError) {
        self.engine = engine
        self.store = store
        self.prefix = prefix
        self.title = title
        self.options = options
        identity = engine.identity(
            tokenizerFingerprint: tokenizerFingerprint, precision: options.precision)
        let start = CheckpointKey(identity).extended(by: prefix)
        chain = TokenChain(start: start)
        readChain = chain
        session = engine.makeSession()
        firstMiss = .nothingKept
        guard let store else { return }
        let states = try store.catalog().entries.map(\.summary).filter { $0.kind != .answer }
        if let other = states.last {
            firstMiss = .otherText
            if !states.contains(where: { $0.identity == identity }),
                let part = other.identity.difference(from: identity)
            {
                firstMiss = .otherIdentity(what: part.what, kept: part.here, loaded: part.there)
            }
        }
        candidates = states.filter {
            $0.identity == identity && $0.tokenCount >= prefix.count && ($0.trail.first ?? start) == start
        }
        .map { Candidate(summary: $0, count: $0.tokenCount - prefix.count) }
        .sorted { $0.count < $1.count }
    }

    /// Adds tokens of the text, and reads some when there are enough of them.
    public func append(_ tokens: some Collection<Int32>) {
        var rest = tokens[...]
        while !isSettled, !rest.isEmpty {
            // Up to the next place where a state could stand, or where a block ends.
            let toBlock = TokenChain.blockTokens - chain.count % TokenChain.blockTokens
            let next = candidates.first { $0.count > chain.count }.map { $0.count - chain.count } ?? .max
            let piece = rest.prefix(min(toBlock, next))
            chain.append(piece)
            pending += piece
            rest = rest.dropFirst(piece.count)
            match()
        }
        pending += rest
        while isSettled, !isStopped, pending.count >= options.rowsPerStep { step(limit: pending.count) }
    }

    /// The tokens so far are those of any longer version of the text as well; what follows before the
    /// end may not be. A state is kept here when the text ends, so that a text that grew
    /// is read on from here.
    public func markEdge() { edge = readChain.count + pending.count }

    /// Keeps the state where the text stands now, so that the same reading later goes on from here.
    ///
    /// - Returns: Tokens that are safe.
    /// - Throws: `CheckpointError`.
    public func stop() throws(CheckpointError) -> Int {
        if readTokens > 0, options.keeps { try save(.interval) }
        return session.tokenCount
    }

    /// Reads what is left and keeps the state of the whole text.
    ///
    /// - Returns: Nil when it was told to stop; call ``stop()`` then.
    /// - Throws: `CheckpointError`.
    public func finish() throws(CheckpointError) -> Finished? {
        if !isSettled { settle() }
        let end = readChain.count + pending.count
        for (target, kind) in [(edge ?? end, Checkpoint.Kind.edge), (end, .document)] {
            let isNew = target > readChain.count
            while target > readChain.count {
                if isStopped { return nil }
                step(limit: target - readChain.count)
            }
            if session.tokenCount < prefix.count { step(limit: 0) }
            guard options.keeps, kind == .document ? !isKept(.document) : isNew && target < end else {
                continue
            }
            try save(kind)
        }
        if let store, options.keeps, readTokens > 0 {
            store.thin(path)
            if let budget = options.budgetBytes { _ = try store.collect(budgetBytes: budget) }
        }
        let total = prefix.count + end
        var miss: Miss?
        if readTokens > 0 {
            miss = cachedTokens == 0 ? differing ?? firstMiss : differing ?? .longer(by: readTokens)
        }
        return Finished(
            session: session, logits: logits, key: readChain.key, identity: identity, tokens: total,
            cachedTokens: cachedTokens, readTokens: readTokens, miss: miss)
    }

    // MARK: The longest kept state

    /// Looks whether a state stands exactly here, and drops those that can no longer fit.
    private func match() {
        var key: CheckpointKey?
        while let candidate = candidates.first, candidate.count <= chain.count {
            candidates.removeFirst()
            guard candidate.count == chain.count else { continue }
            key = key ?? chain.key
            if candidate.summary.key == key {
                take(candidate.summary)
            } else if differing == nil, case let blocks = candidate.summary.trail.count - 1, blocks > 0 {
                // All full blocks agree, or it would be gone; what is left does not.
                differing = .differs(
                    title: candidate.summary.title, from: blocks * TokenChain.blockTokens, to: candidate.count
                )
            }
        }
        let block = chain.trail.count - 1
        if chain.count % TokenChain.blockTokens == 0, block > 0 {
            candidates.removeAll { candidate in
                let trail = candidate.summary.trail
                guard block < trail.count, trail[block] != chain.trail[block] else { return false }
                if differing == nil, block > 1 || !path.isEmpty {
                    let start = (block - 1) * TokenChain.blockTokens
                    differing = .differs(
                        title: candidate.summary.title, from: start, to: start + TokenChain.blockTokens)
                }
                return true
            }
        }
        if candidates.isEmpty { settle() }
    }

    /// Goes on from a kept state; one that is damaged is set aside and told.
    private func take(_ summary: CheckpointSummary) {
        guard let store else { return }
        do {
            guard let checkpoint = try store.load(summary.key, identity: identity) else { return }
            let restored = try engine.restore(checkpoint)
            guard restored.tokenCount == prefix.count + chain.count else {
                onProblem("\(store.path(of: summary.key)) stands at another token than it says")
                return
            }
            hold = store.hold(summary.key)
            session = restored
            logits = checkpoint.nextLogits
        } catch {
            onProblem("\(error)")
            return
        }
        readChain = chain
        differing = nil
        pending.removeAll(keepingCapacity: true)
        cachedTokens = session.tokenCount
        safePosition = session.tokenCount
        path.append(summary)
    }

    private func settle() {
        isSettled = true
        candidates = []
        safeTime = seconds()
    }

    private func isKept(_ kind: Checkpoint.Kind) -> Bool {
        guard readTokens == 0, let last = path.last, last.tokenCount == session.tokenCount else {
            return false
        }
        return last.kind == kind && logits != nil
    }

    // MARK: Reading and keeping

    /// Sends up to `limit` pending tokens through the model, and the prefix before the first.
    private func step(limit: Int) {
        var count = min(options.rowsPerStep, limit, pending.count)
        // End on the edge, if it is near, so that a state can be kept there.
        if let edge, case let toEdge = edge - readChain.count, toEdge > count / 2, toEdge < count {
            count = toEdge
        }
        let head = session.tokenCount == 0 ? prefix : []
        let tokens = head + pending[..<count]
        if !tokens.isEmpty {
            logits =
                engine.advance([PrefillItem(session: session, tokens: tokens[...], wantsLogits: true)])[0]
        }
        readTokens += tokens.count
        readChain.append(pending[..<count])
        pending.removeFirst(count)
        defer { if !onStep() { isStopped = true } }
        guard options.keeps, store != nil else { return }
        let isDue =
            session.tokenCount - safePosition >= options.intervalTokens
            || seconds() - safeTime >= options.intervalSeconds
        if isDue {
            do throws(CheckpointError) { try save(.interval) } catch {
                onProblem("\(error) Reading goes on; the next state is tried later.")
                safePosition = session.tokenCount
                safeTime = seconds()
            }
        }
    }

    private func save(_ kind: Checkpoint.Kind) throws(CheckpointError) {
        guard let store else { return }
        let checkpoint = session.checkpoint(
            key: readChain.key, identity: identity, kind: kind, title: title, trail: readChain.trail,
            nextLogits: logits, precision: options.precision)
        savedBytes += try store.save(checkpoint)
        hold = store.hold(checkpoint.key)
        path.removeAll { $0.key == checkpoint.key }
        if let summary = try store.summary(of: checkpoint.key) { path.append(summary) }
        safePosition = session.tokenCount
        safeTime = seconds()
        lastSaved = safeTime
        if kind == .interval, let budget = options.budgetBytes { _ = try store.collect(budgetBytes: budget) }
    }
}

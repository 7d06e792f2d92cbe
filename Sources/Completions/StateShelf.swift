import Checkpoints
import Inference
import JSON

/// States on disk: those that clients keep by the name of their key, and those of long prompts that a
/// shutdown interrupted.
///
/// The folder may be that of `lector read`; its states serve here, too.
public final class StateShelf: Sendable {
    /// A kept state, with the key under which what follows is chained.
    struct Kept {
        var session: Session
        var key: CheckpointKey
        /// Of the token after; there when the state was kept with them.
        var logits: [Float]?
    }

    private let store: CheckpointStore
    private let identity: CheckpointIdentity
    private let engine: Engine
    private let limitBytes: Int

    /// - Parameter limitBytes: What all states of the folder may take together; more is not kept.
    /// - Throws: `CheckpointError` when the folder cannot be used.
    public init(folder: String, model: LoadedModel, limitBytes: Int = .max) throws(CheckpointError) {
        store = try CheckpointStore(folder: folder)
        self.limitBytes = limitBytes
        engine = model.engine
        identity = model.engine.identity(tokenizerFingerprint: model.tokenizer.fingerprint)
    }

    /// The key before the first token of a prompt.
    var start: CheckpointKey { CheckpointKey(identity).extended(by: []) }

    private static func missing(_ text: String) -> APIError {
        APIError(
            status: 404,
            "there is no state `\(RequestReader.shown(text))`; GET /v1/states lists those there are",
            parameter: "state", code: "state_not_found")
    }

    /// - Throws: ``APIError``: 404 when there is none of this key, 409 when it cannot serve.
    func load(_ text: String) throws(APIError) -> Kept {
        guard let key = CheckpointKey(text) else { throw Self.missing(text) }
        let checkpoint: Checkpoint?
        do throws(CheckpointError) { checkpoint = try store.load(key, identity: identity) } catch {
            // Not the error's own words: they name a path of this machine.
            var reason = "it cannot be read"
            if case .mismatch(_, let what, _, _) = error { reason = "another \(what) made it" }
            if case .damaged = error { reason = "it is damaged, and was set aside" }
            throw APIError(
                status: 409, "the state \(text.prefix(16)) cannot be used: \(reason)", parameter: "state",
                code: "state_unusable")
        }
        guard let checkpoint, checkpoint.kind != .answer, let session = try? engine.restore(checkpoint) else {
            throw Self.missing(text)
        }
        return Kept(session: session, key: key, logits: checkpoint.nextLogits)
    }

    /// The longest kept state whose tokens begin a prompt, longer than `least`.
    func longest(for tokens: [Int32], longerThan least: Int) -> Kept? {
        guard tokens.count > least, let entries = try? store.catalog().entries else { return nil }
        let own = entries.map(\.summary).filter { summary in
            guard summary.identity == identity, summary.kind != .answer else { return false }
            guard summary.trail.first == start else { return false }
            return summary.tokenCount > least && summary.tokenCount <= tokens.count
        }
        let candidates = own.sorted { $0.tokenCount < $1.tokenCount }
        var chain = TokenChain(start: start)
        var fits: [CheckpointKey] = []
        for candidate in candidates {
            chain.append(tokens[chain.count..<candidate.tokenCount])
            if candidate.key == chain.key { fits.append(candidate.key) }
        }
        for key in fits.reversed() {
            guard let checkpoint = try? store.load(key, identity: identity),
                checkpoint.tokenCount < tokens.count || checkpoint.nextLogits != nil,
                let session = try? engine.restore(checkpoint)
            else { continue }
            return Kept(session: session, key: key, logits: checkpoint.nextLogits)
        }
        return nil
    }

    /// Keeps the state of a session that has read `tokens` behind the state `base`.
    ///
    /// - Returns: Its key.
    @discardableResult
    func save(
        _ session: Session, tokens: ArraySlice<Int32>, behind base: CheckpointKey?, logits: [Float]?,
        kind: Checkpoint.Kind, title: String
    ) throws(APIError) -> CheckpointKey {
        var chain = TokenChain(start: base ?? start)
        chain.append(tokens)
        if limitBytes < .max, !store.contains(chain.key) {
            let counts = session.byteCounts
            let there = (try? store.catalog().bytes) ?? 0
            guard there + counts.constant + counts.growing <= limitBytes else {
                throw APIError(
                    status: 507, type: "server_error",
                    "kept states take \(there) bytes, and \(limitBytes) are possible; delete some first",
                    code: "states_full")
            }
        }
        let checkpoint = session.checkpoint(
            key: chain.key, identity: identity, kind: kind, title: title, trail: chain.trail,
            nextLogits: logits)
        do { try store.save(checkpoint) } catch {
            throw APIError(
                status: 507, type: "server_error",
                "the state cannot be kept: the disk is full or not writable")
        }
        return chain.key
    }

    // MARK: What clients see

    /// One state, as `/v1/states` shows it.
    private static func json(_ entry: CheckpointStore.Entry) -> JSONValue {
        .object([
            JSONMember("id", .string(entry.summary.key.description)), JSONMember("object", .string("state")),
            JSONMember("tokens", .integer(entry.summary.tokenCount)),
            JSONMember("bytes", .integer(entry.summary.stateBytes)),
            JSONMember("title", .string(entry.summary.title)),
            JSONMember("last_used", .integer(Int(entry.lastUse))),
        ])
    }

    /// The states that this model can go on from.
    public func list() throws(APIError) -> JSONValue {
        let entries: [CheckpointStore.Entry]
        do { entries = try store.catalog().entries } catch {
            throw APIError(status: 500, type: "server_error", "the states cannot be listed")
        }
        let mine = entries.filter { $0.summary.identity == identity && $0.summary.kind != .answer }
        return .object([
            JSONMember("object", .string("list")), JSONMember("data", .array(mine.reversed().map(Self.json))),
        ])
    }

    /// - Throws: ``APIError`` 404.
    public func show(_ text: String) throws(APIError) -> JSONValue {
        guard let key = CheckpointKey(text),
            let entry = (try? store.catalog().entries)?.first(where: { $0.summary.key == key })
        else { throw Self.missing(text) }
        return Self.json(entry)
    }

    /// - Throws: ``APIError`` 404.
    public func remove(_ text: String) throws(APIError) {
        guard let key = CheckpointKey(text), store.remove(key) else { throw Self.missing(text) }
    }
}

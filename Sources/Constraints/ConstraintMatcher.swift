/// A compiled constraint: what a text must look like. Make a ``ConstraintMatcher`` per text.
///
/// Use a constraint, and all matchers of one compiler, from one thread at a time.
public final class Constraint {
    let grammar: Grammar
    let arena: RegexArena
    let trie: TokenTrie
    let profiles: ProfileCache

    /// Frames under an expression that is being read: a stack, shared between alternatives.
    private struct Frame: Hashable {
        var symbol: Grammar.Symbol
        var below: Int32
    }

    /// One way to read what stands there so far.
    struct Thread: Hashable {
        var expression: RegexArena.ID
        /// Index of the frames that follow; 0 for none.
        var frames: Int32
    }

    /// All ways to read it.
    struct State: Hashable {
        var threads: [Thread]
        /// Whether the text may end here.
        var isComplete: Bool
    }

    private var frames: [Frame] = [Frame(symbol: 0, below: -1)]
    private var frameIDs: [Frame: Int32] = [:]
    private var entries: [Int32: State] = [:]
    private var stateIDs: [State: Int32] = [:]
    private(set) var states: [State] = []
    private var steps: [UInt64: Int32] = [:]
    private var leaving: [Thread: [Int32]] = [:]
    private var leavingCount = 0
    private let start: Int32
    static let dead: Int32 = -1

    init(grammar: Grammar, trie: TokenTrie, profiles: ProfileCache) {
        self.grammar = grammar
        self.trie = trie
        self.profiles = profiles
        arena = grammar.arena
        start = 0
        let first = push(grammar.root, 0)
        _ = intern(entry(first))
    }

    public func makeMatcher() -> ConstraintMatcher { ConstraintMatcher(self, state: start) }

    private func push(_ symbol: Grammar.Symbol, _ below: Int32) -> Int32 {
        let frame = Frame(symbol: symbol, below: below)
        if let id = frameIDs[frame] { return id }
        let id = Int32(frames.count)
        frames.append(frame)
        frameIDs[frame] = id
        return id
    }

    /// The ways to go on at a stack of frames.
    private func entry(_ id: Int32) -> State {
        if id == 0 { return State(threads: [], isComplete: true) }
        if let known = entries[id] { return known }
        let frame = frames[Int(id)]
        var result = State(threads: [], isComplete: false)
        if frame.symbol >= 0 {
            result.threads.append(Thread(expression: frame.symbol, frames: frame.below))
            if arena.nullable[Int(frame.symbol)] { merge(entry(frame.below), into: &result) }
        } else {
            for alternative in grammar.unfold(Int(~frame.symbol)) {
                var top = frame.below
                for symbol in alternative.reversed() { top = push(symbol, top) }
                merge(entry(top), into: &result)
            }
        }
        entries[id] = result
        return result
    }

    private func merge(_ other: State, into state: inout State) {
        for thread in other.threads where !state.threads.contains(thread) { state.threads.append(thread) }
        state.isComplete = state.isComplete || other.isComplete
    }

    private func intern(_ state: State) -> Int32 {
        if let id = stateIDs[state] { return id }
        let id = Int32(states.count)
        states.append(state)
        stateIDs[state] = id
        return id
    }

    /// The state behind one more byte.
    func step(_ id: Int32, _ byte: UInt8) -> Int32 {
        let key = UInt64(UInt32(bitPattern: id)) << 8 | UInt64(byte)
        if let known = steps[key] { return known }
        var result = State(threads: [], isComplete: false)
        for thread in states[Int(id)].threads {
            let target = arena.next(thread.expression, byte)
            guard target != RegexArena.nothing else { continue }
            if target != RegexArena.empty {
                let next = Thread(expression: target, frames: thread.frames)
                if !result.threads.contains(next) { result.threads.append(next) }
            }
            if arena.nullable[Int(target)] { merge(entry(thread.frames), into: &result) }
        }
        let target = result.threads.isEmpty && !result.isComplete ? Self.dead : intern(result)
        steps[key] = target
        return target
    }

    /// The tokens that may come next.
    func mask(_ id: Int32) -> TokenMask {
        var mask = TokenMask(vocabularySize: trie.vocabularySize)
        for thread in states[Int(id)].threads {
            let profile = profiles.profile(of: thread.expression)
            switch profile.inside {
            case .many(let inside): mask.formUnion(inside)
            case .few(let tokens): for token in tokens { mask.insert(token) }
            }
            for token in tokensLeaving(thread, profile) { mask.insert(token) }
        }
        return mask
    }

    /// Tokens that begin inside a thread's expression and end behind it.
    private func tokensLeaving(_ thread: Thread, _ profile: ProfileCache.Profile) -> [Int32] {
        if profile.exits.isEmpty { return [] }
        if let known = leaving[thread] { return known }
        if leavingCount > 1 << 22 {
            leaving.removeAll()
            leavingCount = 0
        }
        var tokens: [Int32] = []
        let after = intern(entry(thread.frames))
        var path = [Int32](repeating: 0, count: trie.maximumDepth + 2)
        for exit in profile.exits {
            let top = Int(trie.depths[Int(exit)])
            path[top] = after
            var node = Int(exit) + 1
            let end = Int(trie.ends[Int(exit)])
            while node < end {
                let depth = Int(trie.depths[node])
                let target = step(path[depth - 1], trie.bytes[node])
                if target == Self.dead {
                    node = Int(trie.ends[node])
                    continue
                }
                path[depth] = target
                trie.forEachToken(at: node) { tokens.append($0) }
                node += 1
            }
        }
        leaving[thread] = tokens
        leavingCount += tokens.count + 8
        return tokens
    }

    /// The only byte that may come next, if the text may not end.
    func onlyByte(_ id: Int32) -> UInt8? {
        let state = states[Int(id)]
        guard !state.isComplete else { return nil }
        var only: UInt8?
        for thread in state.threads {
            let row = arena.row(thread.expression)
            for byte in 0..<256 where row[byte] != RegexArena.nothing {
                if let only, only != UInt8(byte) { return nil }
                only = UInt8(byte)
            }
        }
        return only
    }
}

/// A text under a constraint, byte by byte or token by token.
public struct ConstraintMatcher {
    public let constraint: Constraint
    private var state: Int32

    init(_ constraint: Constraint, state: Int32) {
        self.constraint = constraint
        self.state = state
    }

    /// Whether the text so far is a whole answer.
    public var isComplete: Bool { constraint.states[Int(state)].isComplete }

    /// Whether nothing may follow.
    public var isExhausted: Bool { constraint.states[Int(state)].threads.isEmpty }

    /// The tokens that may come next; none when the text can only end.
    public func mask() -> TokenMask { constraint.mask(state) }

    /// Reads bytes.
    ///
    /// - Returns: Whether they fit; if not, the matcher stays where it was.
    public mutating func advance(_ bytes: some Sequence<UInt8>) -> Bool {
        var at = state
        for byte in bytes {
            at = constraint.step(at, byte)
            if at == Constraint.dead { return false }
        }
        state = at
        return true
    }

    /// The bytes that must come next whatever is chosen, `limit` at most.
    public func forcedBytes(limit: Int = 4096) -> [UInt8] {
        var result: [UInt8] = []
        var at = state
        while result.count < limit, let byte = constraint.onlyByte(at) {
            result.append(byte)
            at = constraint.step(at, byte)
        }
        return result
    }

    /// Forced bytes as the tokens a tokenizer makes of them, as far as no other token could
    /// take their place: the last is left off while a longer one fits as well.
    public func forcedTokens(_ encode: ([UInt8]) -> [Int32], bytes: (Int32) -> [UInt8]) -> [Int32] {
        let forced = forcedBytes()
        guard !forced.isEmpty else { return [] }
        var tokens = encode(forced)
        guard tokens.flatMap(bytes) == forced else { return [] }
        while let last = tokens.last {
            let text = bytes(last)
            var before = self
            guard before.advance(forced.prefix(tokens.reduce(0) { $0 + bytes($1).count } - text.count)),
                constraint.hasLongerToken(than: text, at: before.state)
            else { break }
            tokens.removeLast()
        }
        return tokens
    }
}

extension Constraint {
    /// Whether a token that begins with `text` and goes on may come at a state.
    fileprivate func hasLongerToken(than text: [UInt8], at state: Int32) -> Bool {
        guard let node = trie.node(of: text) else { return false }
        var at = state
        for byte in text {
            at = step(at, byte)
            if at == Self.dead { return false }
        }
        var path = [Int32](repeating: 0, count: trie.maximumDepth + 2)
        path[Int(trie.depths[node])] = at
        var child = node + 1
        while child < Int(trie.ends[node]) {
            let depth = Int(trie.depths[child])
            let target = step(path[depth - 1], trie.bytes[child])
            if target == Self.dead {
                child = Int(trie.ends[child])
                continue
            }
            if trie.tokens[child] >= 0 { return true }
            path[depth] = target
            child += 1
        }
        return false
    }
}

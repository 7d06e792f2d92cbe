/// Keys and values of one sequence as attention reads them (ck_mla_blocks), kept between chunks.
///
/// Derived from the latents and nothing else: dropping it changes no bit, only the time to make
/// it again. It is made when a sequence is read in several chunks or steps, is no part of a
/// copied or stored state, and all of a model's together stay within ``KeyBudget``.
final class KeyBlocks {
    /// Number of the first block in memory.
    private(set) var firstBlock: Int
    /// Per MLA layer, the position after the last key that is known.
    var ends: [Int]
    /// Blocks a layer.
    let capacity: Int
    private let blockWords: Int
    private let memory: AlignedBytes
    private let budget: KeyBudget
    private let bytes: Int

    /// Blocks from number `firstBlock` on; nil when the budget is spent.
    init?(firstBlock: Int, capacity: Int, blockWords: Int, layers: Int, budget: KeyBudget) {
        bytes = capacity * blockWords * layers * 2
        guard budget.take(bytes) else { return nil }
        self.firstBlock = firstBlock
        self.capacity = capacity
        self.blockWords = blockWords
        self.budget = budget
        ends = Array(repeating: firstBlock * 64, count: layers)
        memory = AlignedBytes(bytes)
    }

    deinit { budget.give(bytes) }

    /// The first block of a layer.
    func layer(_ layer: Int) -> UnsafeMutablePointer<UInt16> {
        memory.pointer.assumingMemoryBound(to: UInt16.self) + layer * capacity * blockWords
    }

    /// Drops the blocks before `block`, so that the next ones fit.
    func shift(to block: Int) {
        for index in ends.indices {
            let kept = (ends[index] + 63) / 64 - block
            if kept > 0 {
                layer(index).update(
                    from: layer(index) + (block - firstBlock) * blockWords, count: kept * blockWords)
            }
            ends[index] = max(block * 64, ends[index])
        }
        firstBlock = block
    }
}

/// The memory that all expanded keys of a model may take together.
final class KeyBudget: @unchecked Sendable {
    private let lock = Lock()
    private var rest: Int

    init(bytes: Int) { rest = bytes }

    func take(_ bytes: Int) -> Bool {
        lock.withLock {
            guard bytes <= rest else { return false }
            rest -= bytes
            return true
        }
    }

    func give(_ bytes: Int) { lock.withLock { rest += bytes } }
}

extension KimiLinearModel {
    /// Calls of at most this many tokens are steps of decoding.
    private static let shortCall = 16
    /// The short call in a row from which on blocks are kept; forks that answer in one or two
    /// calls never pay for them.
    private static let patience = 3

    /// Makes, keeps or drops the key blocks of the piece's sequence.
    func updateKeyBlocks(_ piece: Piece, of item: Item) {
        let state = piece.state
        guard !stateShape.exactLatents, stateShape.mlaLayers > 0 else { return }
        // A step of decoding reads latents.
        guard !piece.isDecoding else {
            state.keyBlocks = nil
            return
        }
        state.shortCalls = piece.count <= Self.shortCall ? state.shortCalls + 1 : 0
        let first = firstKey(piece) / 64
        let end = (piece.position + piece.count + 63) / 64
        if let blocks = state.keyBlocks {
            if end - blocks.firstBlock <= blocks.capacity { return }
            if end - first <= blocks.capacity { return blocks.shift(to: first) }
            state.keyBlocks = nil
        }
        // Without logits nothing ends here: more of the sequence comes.
        let goesOn = item.logits == .none && piece.count > Self.shortCall
        guard goesOn || state.shortCalls >= Self.patience || piece.count < item.tokens.count else { return }
        // Twice what is needed without a window; with one, room for some chunks between shifts.
        let chunk = (workspace.rows + 63) / 64
        let capacity = config.window.map { ($0 + 62) / 64 + 2 * chunk + 2 } ?? (end - first) * 2 + chunk
        state.keyBlocks = KeyBlocks(
            firstBlock: first, capacity: max(capacity, end - first), blockWords: keyBlockWords,
            layers: stateShape.mlaLayers, budget: keyBudget)
    }
}

/// Keys and values of one sequence as attention reads them, kept between short calls.
///
/// Derived from the latents and nothing else: dropping it changes no bit, only the time to make
/// it again. It is made when a sequence is read in steps of few tokens (decoding), is no part of
/// a copied or stored state, and all of a model's together stay within ``KeyBudget``.
final class ExpandedKeys {
    /// Position of the first row in memory.
    private(set) var first: Int
    /// Per MLA layer, the position after the last row that is known.
    var ends: [Int]
    let capacity: Int
    private let width: Int
    private let memory: AlignedBytes
    private let budget: KeyBudget
    private let bytes: Int

    /// Rows from position `first` on; nil when the budget is spent.
    init?(first: Int, capacity: Int, width: Int, layers: Int, budget: KeyBudget) {
        bytes = capacity * width * layers * 4
        guard budget.take(bytes) else { return nil }
        self.first = first
        self.capacity = capacity
        self.width = width
        self.budget = budget
        ends = Array(repeating: first, count: layers)
        memory = AlignedBytes(bytes)
    }

    deinit { budget.give(bytes) }

    func row(_ layer: Int, _ position: Int) -> UnsafeMutablePointer<Float> {
        memory.floats() + (layer * capacity + position - first) * width
    }

    /// Drops the rows before `position`, so that the next ones fit.
    func shift(to position: Int) {
        for layer in ends.indices {
            let kept = max(0, ends[layer] - position)
            if kept > 0 { row(layer, first).update(from: row(layer, position), count: kept * width) }
            ends[layer] = max(position, ends[layer])
        }
        first = position
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
    /// The short call in a row that makes expanded keys; forks that answer in one or two calls
    /// never pay for them.
    private static let patience = 3

    /// Makes, keeps or drops the expanded keys of the piece's sequence.
    func updateExpandedKeys(_ piece: Piece) {
        let state = piece.state
        guard !stateShape.exactLatents, stateShape.mlaLayers > 0, piece.count <= Self.shortCall else {
            state.shortCalls = 0
            state.expandedKeys = nil
            return
        }
        state.shortCalls += 1
        let start = firstKey(piece)
        let end = piece.position + piece.count
        if let keys = state.expandedKeys {
            if end - keys.first <= keys.capacity { return }
            if end - start <= keys.capacity {
                keys.shift(to: start)
                return
            }
            state.expandedKeys = nil
        }
        guard state.shortCalls >= Self.patience, end - start <= workspace.keyRows else { return }
        let width = config.mlaHeads * (config.nopeWidth + config.valueWidth)
        let wanted = (end - start) * 3 / 2 + 256
        let capacity = config.window.map { min(wanted, $0 + 256 + piece.count) } ?? wanted
        state.expandedKeys = ExpandedKeys(
            first: start, capacity: capacity, width: width, layers: stateShape.mlaLayers, budget: keyBudget)
    }
}

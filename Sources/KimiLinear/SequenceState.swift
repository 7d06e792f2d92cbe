import WeightFiles

/// Everything that the next token of one sequence needs: docs/decisions/0004-stored-state.md.
///
/// A state belongs to exactly one token position. Copy it to branch; it cannot be rewound.
/// Use one state from one thread at a time.
public final class SequenceState: @unchecked Sendable {
    public let shape: StateShape
    /// Tokens read so far.
    public internal(set) var tokenCount: Int

    /// `[kda layers][heads, keyWidth, valueWidth]`.
    let recurrent: UnsafeMutablePointer<Float>
    /// `[kda layers][3 streams q k v][taps - 1, width]`, rows before the convolution.
    let tails: UnsafeMutablePointer<Float>
    /// `[mla layers][capacity, latent words]`, bf16, or Float32 as two words when the shape says
    /// so; row r of a layer is position `firstLatent` + r.
    private(set) var latents: UnsafeMutablePointer<UInt16>
    private var capacity: Int
    /// Position of the first latent in `latents`.
    private(set) var firstLatent: Int
    /// The latents before it, when there is no window.
    private var segments: [LatentSegment] = []
    private let store: LatentStore

    /// Derived from the latents while the sequence is read in several chunks or steps.
    var keyBlocks: KeyBlocks?
    /// Whether a decoding step has read a token into the state. Such a state is near the one that the
    /// same tokens prefilled give, not equal to it: go on with it, but store a prefilled one.
    public internal(set) var hasDecoded = false
    /// Short calls in a row.
    var shortCalls = 0

    /// The state before any token.
    public convenience init(shape: StateShape) { self.init(shape: shape, store: .shared) }

    /// - Parameter store: Takes the latents of a sequence without a window.
    package init(shape: StateShape, store: LatentStore) {
        self.shape = shape
        self.store = store
        tokenCount = 0
        firstLatent = 0
        capacity = 0
        recurrent = .allocate(capacity: max(1, shape.recurrentCount))
        recurrent.initialize(repeating: 0, count: shape.recurrentCount)
        tails = .allocate(capacity: max(1, shape.tailCount))
        tails.initialize(repeating: 0, count: shape.tailCount)
        latents = .allocate(capacity: 1)
    }

    deinit {
        recurrent.deallocate()
        tails.deallocate()
        latents.deallocate()
    }

    /// An independent copy at the same position.
    public func copy() -> SequenceState {
        let other = SequenceState(shape: shape, store: store)
        other.segments = segments
        other.tokenCount = tokenCount
        other.hasDecoded = hasDecoded
        other.recurrent.update(from: recurrent, count: shape.recurrentCount)
        other.tails.update(from: tails, count: shape.tailCount)
        let kept = keptInPlace
        other.firstLatent = tokenCount - kept
        other.makeRoom(for: 0, keeping: kept)
        for layer in 0..<shape.mlaLayers {
            other.latentRow(layer, other.firstLatent).update(
                from: latentRow(layer, tokenCount - kept), count: kept * shape.latentWords)
        }
        return other
    }

    /// Latents that the next token can see: all, or the window's without its own.
    var keptLatents: Int { shape.window.map { min(tokenCount, $0 - 1) } ?? tokenCount }

    /// Those of them that lie in `latents`.
    private var keptInPlace: Int { shape.window == nil ? tokenCount - firstLatent : keptLatents }

    /// The latent of `position` in MLA layer `layer` (counted among the MLA layers). Rows before the
    /// tokens of this call are for reading only, and lie together up to ``contiguousEnd(_:)``.
    func latentRow(_ layer: Int, _ position: Int) -> UnsafeMutablePointer<UInt16> {
        if position < firstLatent {
            return segments[position / store.rows].layer(layer) + position % store.rows * shape.latentWords
        }
        return latents + (layer * capacity + position - firstLatent) * shape.latentWords
    }

    /// The position, a multiple of 64, before which the rows from `position` on lie together.
    func contiguousEnd(_ position: Int) -> Int {
        position < firstLatent ? (position / store.rows + 1) * store.rows : .max
    }

    /// Positions of one segment.
    var segmentRows: Int { store.rows }

    /// Says that a layer's latents `positions` have been read for this call. What of them is mapped does
    /// not stay in memory.
    func letGo(_ layer: Int, _ positions: Range<Int>) {
        let end = min(positions.upperBound, firstLatent)
        guard positions.lowerBound < end else { return }
        for segment in positions.lowerBound / store.rows...(end - 1) / store.rows {
            segments[segment].letGo(layer)
        }
    }

    /// Latents in memory that are this state's alone, and in segments, in memory and mapped.
    package var latentPlaces: (own: Int, inMemory: Int, mapped: Int) {
        let mapped = segments.count(where: \.isMapped) * store.rows
        return (keptInPlace, segments.count * store.rows - mapped, mapped)
    }

    /// The same row when the shape keeps Float32.
    func exactLatentRow(_ layer: Int, _ position: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer(latentRow(layer, position)).assumingMemoryBound(to: Float.self)
    }

    /// Makes room for the latents of the next `count` tokens; drops what no token will see again.
    func reserve(_ count: Int) {
        if shape.window == nil, shape.mlaLayers > 0 { seal() }
        let used = tokenCount - firstLatent
        if used + count > capacity { makeRoom(for: count, keeping: keptInPlace) }
    }

    /// Whole segments of rows leave `latents`.
    private func seal() {
        let old = firstLatent
        var first = old
        while tokenCount - first >= store.rows {
            segments.append(
                LatentSegment(
                    store, layers: shape.mlaLayers, layerBytes: store.rows * shape.latentWords * 2
                ) { latents + ($0 * capacity + first - old) * shape.latentWords })
            first += store.rows
        }
        guard first > old else { return }
        for layer in 0..<shape.mlaLayers {
            let base = latents + layer * capacity * shape.latentWords
            base.update(
                from: base + (first - old) * shape.latentWords,
                count: (tokenCount - first) * shape.latentWords)
        }
        firstLatent = first
    }

    private func makeRoom(for count: Int, keeping kept: Int) {
        guard shape.mlaLayers > 0 else { return }
        let first = tokenCount - kept
        let need = kept + count
        if need <= capacity {
            // Every layer keeps its place; its rows move to the front.
            for layer in 0..<shape.mlaLayers {
                let base = latents + layer * capacity * shape.latentWords
                base.update(
                    from: base + (first - firstLatent) * shape.latentWords, count: kept * shape.latentWords)
            }
        } else {
            // Twice what is needed, but no more than a window asks for.
            var wanted = max(need, min(need * 3 / 2, need + 65536))
            if let window = shape.window { wanted = max(need, min(wanted, window - 1 + max(count, 256))) }
            let fresh = UnsafeMutablePointer<UInt16>.allocate(
                capacity: wanted * shape.mlaLayers * shape.latentWords)
            for layer in 0..<shape.mlaLayers where kept > 0 && capacity > 0 {
                (fresh + layer * wanted * shape.latentWords).update(
                    from: latentRow(layer, first), count: kept * shape.latentWords)
            }
            latents.deallocate()
            latents = fresh
            capacity = wanted
        }
        firstLatent = first
    }

    /// Stands at `tokens` with room for the last `kept` latents, whose values the caller writes.
    func restore(tokens: Int, kept: Int) {
        tokenCount = tokens
        firstLatent = tokens - kept
        capacity = 0
        makeRoom(for: kept, keeping: 0)
        firstLatent = tokens - kept
    }

    /// A state that claims `position` tokens and has read none: made-up latents in -2 ..< 2, nothing
    /// else. Steps behind it cost what they cost behind a text.
    package convenience init(shape: StateShape, madeAt position: Int) {
        self.init(shape: shape)
        var random: UInt32 = 1
        func make(_ first: Int, _ count: Int) {
            for layer in 0..<shape.mlaLayers where count > 0 {
                for index in 0..<count * shape.latentWidth {
                    random = random &* 1_664_525 &+ 1_013_904_223
                    let value = Float(Int32(bitPattern: random)) * 0x1p-30
                    if shape.exactLatents {
                        exactLatentRow(layer, first)[index] = value
                    } else {
                        latentRow(layer, first)[index] = UInt16(value.bitPattern >> 16)
                    }
                }
            }
        }
        if let window = shape.window {
            let kept = min(position, window - 1)
            restore(tokens: position, kept: kept)
            make(position - kept, kept)
        }
        while tokenCount < position {
            let count = min(store.rows, position - tokenCount)
            reserve(count)
            make(tokenCount, count)
            tokenCount += count
        }
    }

    /// Bytes that grow with the tokens read (the latents without a window), and bytes that do not.
    public var byteCounts: (constant: Int, growing: Int) {
        let fixed = (shape.recurrentCount + shape.tailCount) * 4
        let cache = keptLatents * shape.latentWords * shape.mlaLayers * 2
        return shape.window == nil ? (fixed, cache) : (fixed + cache, 0)
    }
}

/// The sizes that fix a state's layout.
public struct StateShape: Sendable, Equatable {
    public let kdaLayers, heads, headWidth, convTaps: Int
    public let mlaLayers, latentWidth: Int
    public let window: Int?
    /// Whether latents are kept in Float32, as the float32 recipe does; else they are bf16.
    public let exactLatents: Bool

    public init(_ config: ModelConfig, exactLatents: Bool) {
        kdaLayers = config.layers.count { $0 == .kda }
        heads = config.kdaHeads
        headWidth = config.kdaHeadWidth
        convTaps = config.convTaps
        mlaLayers = config.layers.count { $0 == .mla }
        latentWidth = config.latentWidth
        window = config.window
        self.exactLatents = exactLatents
    }

    /// 16-bit words of one latent row.
    var latentWords: Int { exactLatents ? 2 * latentWidth : latentWidth }
    var recurrentPerLayer: Int { heads * headWidth * headWidth }
    var recurrentCount: Int { kdaLayers * recurrentPerLayer }
    var tailPerStream: Int { (convTaps - 1) * heads * headWidth }
    var tailCount: Int { kdaLayers * 3 * tailPerStream }
}

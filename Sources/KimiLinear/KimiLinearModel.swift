import CKernels
import JSON
import WeightFiles

/// A loaded model: config, weights, kernels, threads. Immutable but for its scratch memory;
/// calls from several threads follow each other.
public final class KimiLinearModel: @unchecked Sendable {
    public let config: ModelConfig
    /// `q4`, `q8`, `bf16`, `f32` or `closest`.
    public let recipe: String
    public let level: KernelLevel
    public var threads: Int { pool.threads }
    public let stateShape: StateShape

    /// Rows of one internal chunk unless the caller says otherwise. Longer input is cut; the cut
    /// changes no bit.
    public static let defaultChunkRows = 512

    let weights: ModelWeights
    let kernels: ck_kernels
    let pool: WorkPool
    let lock = Lock()
    let workspace: Workspace
    let keyBudget = KeyBudget(bytes: 64 << 20)
    /// Reused lists of one forward pass.
    var pieces: [Piece] = []

    init(
        config: ModelConfig, recipe: String, weights: ModelWeights, level: KernelLevel, threads: Int?,
        chunkRows: Int
    ) {
        precondition(chunkRows > 0)
        self.config = config
        self.recipe = recipe
        self.weights = weights
        stateShape = StateShape(config, exactLatents: recipe == Recipe.f32.rawValue)
        self.level = level
        kernels = level.table.pointee
        pool = WorkPool(threads: threads)
        workspace = Workspace(
            config: config, rows: chunkRows, threads: pool.threads, exactLatents: stateShape.exactLatents)
    }

    /// A model whose matrices are used where they lie in the mapped file.
    ///
    /// - Parameters:
    ///   - config: Instead of the file's own, for another attention window.
    ///   - threads: Nil for one a core.
    public convenience init(
        packed file: PackedFile, config: ModelConfig? = nil, level: KernelLevel, threads: Int? = nil,
        chunkRows: Int = defaultChunkRows
    ) throws(WeightFileError) {
        let config = if let config { config } else { try ModelConfig(json: file.config, path: file.path) }
        let weights = try ModelWeights(config: config, source: file)
        self.init(
            config: config, recipe: file.recipe, weights: weights, level: level, threads: threads,
            chunkRows: chunkRows)
    }

    /// A model packed into memory from a Hugging Face folder or a GGUF.
    ///
    /// - Parameters:
    ///   - config: Instead of the model's own, for another attention window.
    ///   - recipe: Nil takes the model's default.
    ///   - threads: Nil for one a core.
    /// - Throws: `WeightFileError`; `.memory` before loading what cannot fit.
    public convenience init(
        published model: PublishedModel, config: ModelConfig? = nil, recipe: Recipe? = nil,
        level: KernelLevel,
        threads: Int? = nil, chunkRows: Int = defaultChunkRows
    ) throws(WeightFileError) {
        let recipe = recipe ?? model.defaultRecipe
        try model.checkMemory(recipe)
        let source = PackingSource(tensors: model.tensors, recipe: recipe)
        let weights = try ModelWeights(config: config ?? model.config, source: source)
        self.init(
            config: config ?? model.config, recipe: recipe.rawValue, weights: weights, level: level,
            threads: threads, chunkRows: chunkRows)
    }

    /// Operations a second (a multiply-add is two) that all threads reach together in registers,
    /// with the instructions that this model's larger matrices use; nil where no loop is known.
    public func measurePeak() -> Double? {
        let format = weights.head.packed.format
        let perIteration = Double(ck_peak(kernels.name, format, 1))
        guard perIteration > 0 else { return nil }
        let iterations: Int64 = 200_000
        let pieces = pool.threads * 4
        var best = 0.0
        for _ in 0..<5 {
            let start = monotonicSeconds()
            lock.withLock {
                pool.run(pieces) { begin, end, _ in
                    for _ in begin..<end { _ = ck_peak(kernels.name, format, iterations) }
                }
            }
            best = max(
                best, Double(pieces) * Double(iterations) * perIteration / (monotonicSeconds() - start))
        }
        return best
    }

    /// The state before any token.
    public func makeState() -> SequenceState { SequenceState(shape: stateShape) }

    /// Which rows of an item get logits.
    public enum LogitsWanted: Sendable {
        case none
        case last
        case all
    }

    /// Tokens to read into one sequence's state.
    public struct Item {
        public let state: SequenceState
        public let tokens: ArraySlice<Int32>
        public let logits: LogitsWanted

        public init(state: SequenceState, tokens: ArraySlice<Int32>, logits: LogitsWanted) {
            self.state = state
            self.tokens = tokens
            self.logits = logits
        }
    }

    /// Rows of one item inside the current chunk.
    struct Piece {
        let item: Int
        let state: SequenceState
        let row: Int
        let count: Int
        /// Offset of the first row's token in its item.
        let offset: Int
        /// Absolute position of the first row.
        var position: Int { state.tokenCount }
    }

    /// Reads every item's tokens into its state. All rows share each matrix product; neither the
    /// neighbours in the batch nor the cut of a sequence into calls changes a bit.
    ///
    /// - Parameters:
    ///   - items: One entry a sequence; no state twice.
    ///   - onLogits: Called with the item's index, the token's offset in the item, and the
    ///     logits of the token after it, `[vocabulary]`; in ascending order within an item.
    /// - Throws: ``TokenError`` for an id outside the vocabulary; no state has changed then.
    public func advance(
        _ items: [Item], onLogits: (_ item: Int, _ offset: Int, UnsafeBufferPointer<Float>) -> Void
    ) throws(TokenError) {
        for item in items {
            if let bad = item.tokens.first(where: { $0 < 0 || Int($0) >= config.vocabularySize }) {
                throw TokenError(id: bad, vocabularySize: config.vocabularySize)
            }
            precondition(item.state.shape == stateShape, "a state of another model")
        }
        precondition(
            Set(items.map { ObjectIdentifier($0.state) }).count == items.count, "one state twice in a batch")
        lock.withLock {
            pieces.removeAll(keepingCapacity: true)
            var rows = 0
            for (index, item) in items.enumerated() {
                var offset = 0
                while offset < item.tokens.count {
                    let count = min(item.tokens.count - offset, workspace.rows - rows)
                    pieces.append(
                        Piece(item: index, state: item.state, row: rows, count: count, offset: offset))
                    offset += count
                    rows += count
                    if rows == workspace.rows {
                        forward(items, rows: rows, onLogits)
                        pieces.removeAll(keepingCapacity: true)
                        rows = 0
                    }
                }
            }
            if rows > 0 { forward(items, rows: rows, onLogits) }
        }
    }

    /// One chunk through all layers.
    private func forward(
        _ items: [Item], rows: Int, _ onLogits: (Int, Int, UnsafeBufferPointer<Float>) -> Void
    ) {
        let w = workspace
        let hidden = config.hidden
        for piece in pieces {
            piece.state.reserve(piece.count)
            updateExpandedKeys(piece)
        }
        let pieces = pieces
        pool.run(rows, grain: 32) { begin, end, _ in
            forEachPiece(pieces, begin..<end) { piece, part in
                let tokens = items[piece.item].tokens
                for row in part {
                    let id = tokens[tokens.startIndex + piece.offset + row - piece.row]
                    withUnsafePointer(to: weights.embedding.packed) {
                        ck_unpack_row(w.x + row * hidden, $0, Int64(id))
                    }
                }
            }
        }
        var kdaIndex = 0
        var mlaIndex = 0
        var addsDelta = false
        for layer in weights.layers {
            switch layer.mixer {
            case .kda(let kda):
                var needs = Activations.Needs(kda.q, kda.k, kda.v)
                for matrix in [kda.fA, kda.b, kda.gA] { needs.add(matrix) }
                norm(rows, layer.inputNorm, needs, addsDelta: addsDelta)
                mix(kda, layer: kdaIndex, rows: rows)
                kdaIndex += 1
            case .mla(let mla):
                norm(rows, layer.inputNorm, .init(mla.q, mla.kvA), addsDelta: addsDelta)
                mix(mla, layer: mlaIndex, rows: rows)
                mlaIndex += 1
            }
            switch layer.feed {
            case .dense(let feed):
                norm(rows, layer.postNorm, .init(feed.gate, feed.up), addsDelta: true)
                feedForward(feed, rows: rows)
            case .moe(let experts):
                var needs = Activations.Needs(experts.router)
                if let shared = experts.shared {
                    needs.add(shared.gate)
                    needs.add(shared.up)
                }
                for expert in experts.experts {
                    needs.add(expert.gate)
                    needs.add(expert.up)
                }
                norm(rows, layer.postNorm, needs, addsDelta: true)
                feedForward(experts, rows: rows)
            }
            addsDelta = true
        }
        pool.run(rows, grain: 16) { begin, end, _ in
            kernels.add(w.x + begin * hidden, w.delta + begin * hidden, Int64((end - begin) * hidden))
        }
        for piece in pieces { piece.state.tokenCount += piece.count }
        head(items, onLogits)
    }

    /// x += delta, then normed = RMSNorm(x), prepared for the matrices that read it.
    private func norm(
        _ rows: Int, _ weight: UnsafePointer<Float>, _ needs: Activations.Needs, addsDelta: Bool
    ) {
        let w = workspace
        let hidden = config.hidden
        pool.run(rows, grain: 16) { begin, end, _ in
            let x = w.x + begin * hidden
            if addsDelta { kernels.add(x, w.delta + begin * hidden, Int64((end - begin) * hidden)) }
            kernels.rms_norm(
                w.normed.floats + begin * hidden, Int64(hidden), x, Int64(hidden), weight, Int64(end - begin),
                Int64(hidden), config.normEpsilon)
            w.normed.prepare(kernels, needs, begin..<end)
        }
    }

    /// delta = W_down(SiLU(W_gate normed) * W_up normed).
    func feedForward(_ feed: ModelWeights.FeedForward, rows: Int) {
        let w = workspace
        let width = feed.gate.rows
        let inner = w.inner.narrowed(to: width)
        multiply([
            Product(feed.gate, w.normed, rows: rows, to: inner.floats, stride: width),
            Product(feed.up, w.normed, rows: rows, to: w.up, stride: width),
        ])
        let needs = Activations.Needs(feed.down)
        pool.run(rows, grain: 16) { begin, end, _ in
            let gate = inner.floats + begin * width
            kernels.silu_multiply(
                gate, Int64(width), gate, Int64(width), w.up + begin * width, Int64(width),
                Int64(end - begin),
                Int64(width))
            inner.prepare(kernels, needs, begin..<end)
        }
        multiply([Product(feed.down, inner, rows: rows, to: w.delta, stride: config.hidden)])
    }

    /// Logits of the wanted rows, a few at a time.
    private func head(_ items: [Item], _ onLogits: (Int, Int, UnsafeBufferPointer<Float>) -> Void) {
        let w = workspace
        let hidden = config.hidden
        let vocabulary = config.vocabularySize
        let needs = Activations.Needs(weights.head)
        var wanted: [(item: Int, offset: Int)] = []
        func flush() {
            guard !wanted.isEmpty else { return }
            kernels.rms_norm(
                w.headIn.floats, Int64(hidden), w.headIn.floats, Int64(hidden), weights.finalNorm,
                Int64(wanted.count), Int64(hidden), config.normEpsilon)
            w.headIn.prepare(kernels, needs, 0..<wanted.count)
            multiply([Product(weights.head, w.headIn, rows: wanted.count, to: w.logits, stride: vocabulary)])
            for (row, entry) in wanted.enumerated() {
                onLogits(
                    entry.item, entry.offset,
                    UnsafeBufferPointer(start: w.logits + row * vocabulary, count: vocabulary))
            }
            wanted.removeAll(keepingCapacity: true)
        }
        for piece in pieces {
            let item = items[piece.item]
            var first = piece.count
            switch item.logits {
            case .none: break
            case .last: if piece.offset + piece.count == item.tokens.count { first = piece.count - 1 }
            case .all: first = 0
            }
            for row in first..<piece.count {
                (w.headIn.floats + wanted.count * hidden).update(
                    from: w.x + (piece.row + row) * hidden, count: hidden)
                wanted.append((piece.item, piece.offset + row))
                if wanted.count == w.headRows { flush() }
            }
        }
        flush()
    }

    // MARK: Matrix products

    /// One matrix product of a phase: `rows` rows of an activation times a matrix.
    struct Product {
        let matrix: Matrix
        let input: Activations
        let firstRow: Int
        let rows: Int
        let output: UnsafeMutablePointer<Float>
        let stride: Int

        /// - Parameter output: Where row `firstRow` of the input goes.
        init(
            _ matrix: Matrix, _ input: Activations, firstRow: Int = 0, rows: Int,
            to output: UnsafeMutablePointer<Float>, stride: Int
        ) {
            self.matrix = matrix
            self.input = input
            self.firstRow = firstRow
            self.rows = rows
            self.output = output
            self.stride = stride
        }
    }

    /// Runs independent products as one parallel loop over tiles of panels and rows.
    func multiply(_ products: [Product]) {
        let rowBlock = 96
        var panelWork = 0
        for product in products {
            panelWork += product.matrix.panels * ((product.rows + rowBlock - 1) / rowBlock)
        }
        let panelBlock = max(1, min(16, panelWork / (pool.threads * 6)))
        func panelBlocks(_ product: Product) -> Int { (product.matrix.panels + panelBlock - 1) / panelBlock }
        func tiles(_ product: Product) -> Int {
            panelBlocks(product) * ((product.rows + rowBlock - 1) / rowBlock)
        }
        var total = 0
        for product in products { total += tiles(product) }
        pool.run(total) { begin, end, _ in
            var index = 0
            var base = 0
            for tile in begin..<end {
                while tile - base >= tiles(products[index]) {
                    base += tiles(products[index])
                    index += 1
                }
                let product = products[index]
                let blocks = panelBlocks(product)
                let row = (tile - base) / blocks * rowBlock
                let panel = (tile - base) % blocks * panelBlock
                let rows = min(rowBlock, product.rows - row)
                let input = product.input.input(product.matrix.packed.format, row: product.firstRow + row)
                withUnsafePointer(to: product.matrix.packed) {
                    kernels.gemm(
                        product.output + row * product.stride, Int64(product.stride), input.pointer,
                        Int64(input.rowBytes), Int64(rows), $0, Int64(panel),
                        Int64(min(panel + panelBlock, product.matrix.panels)))
                }
            }
        }
    }

    /// Calls `body` with each piece and the part of `rows` that lies in it.
    func forEachPiece(_ pieces: [Piece], _ rows: Range<Int>, _ body: (Piece, Range<Int>) -> Void) {
        // The first piece that ends after rows.lowerBound.
        var low = 0
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].row + pieces[middle].count <= rows.lowerBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        while low < pieces.count, pieces[low].row < rows.upperBound {
            let piece = pieces[low]
            body(piece, max(piece.row, rows.lowerBound)..<min(piece.row + piece.count, rows.upperBound))
            low += 1
        }
    }
}

/// A token id that the vocabulary does not have.
public struct TokenError: Error, Equatable, CustomStringConvertible {
    public let id: Int32
    public let vocabularySize: Int

    public init(id: Int32, vocabularySize: Int) {
        self.id = id
        self.vocabularySize = vocabularySize
    }

    public var description: String {
        "token id \(id) is outside 0 ..< \(vocabularySize). Check that tokenizer and model belong together."
    }
}

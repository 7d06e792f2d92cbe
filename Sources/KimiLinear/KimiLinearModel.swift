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
    let keyBudget = KeyBudget(bytes: 128 << 20)
    /// Made by the first decoding step.
    private(set) var absorbed: AbsorbedForm?
    /// Each layer's number among the layers of its kind.
    let places: [Int]
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
        var counts = (kda: 0, mla: 0)
        places = config.layers.map { kind in
            switch kind {
            case .kda:
                counts.kda += 1
                return counts.kda - 1
            case .mla:
                counts.mla += 1
                return counts.mla - 1
            }
        }
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

    /// The state before any token.
    public func makeState() -> SequenceState { SequenceState(shape: stateShape) }

    /// Which rows of an item get logits.
    public enum LogitsWanted: Sendable {
        case none
        case last
        case all
        /// The last row, and not its logits but what they are made from: the final-normed hidden
        /// state, `[hidden]`.
        case hidden
    }

    /// Tokens to read into one sequence's state.
    public struct Item {
        public let state: SequenceState
        public let tokens: ArraySlice<Int32>
        public let logits: LogitsWanted
        /// Whether attention may take the form that is fastest for single tokens: the same
        /// mathematics, but not the bits of a prefill. Marks the state; see ``SequenceState/hasDecoded``.
        public let isDecoding: Bool

        public init(
            state: SequenceState, tokens: ArraySlice<Int32>, logits: LogitsWanted, isDecoding: Bool = false
        ) {
            self.state = state
            self.tokens = tokens
            self.logits = logits
            self.isDecoding = isDecoding
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
        let isDecoding: Bool
        /// Absolute position of the first row.
        var position: Int { state.tokenCount }
    }

    /// Reads every item's tokens into its state. All rows share each matrix product; neither the
    /// neighbours in the batch nor the cut of a sequence into calls changes a bit.
    ///
    /// - Parameters:
    ///   - items: One entry a sequence; no state twice.
    ///   - onLogits: Called with the item's index, the token's offset in the item, and the
    ///     logits of the token after it, `[vocabulary]`, or its hidden state; in ascending order within an item.
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
            if absorbed == nil, !stateShape.exactLatents, items.contains(where: \.isDecoding) {
                absorbed = AbsorbedForm(config: config, weights: weights, threads: pool.threads)
            }
            for (index, item) in items.enumerated() {
                let isDecoding = item.isDecoding && absorbed != nil
                if isDecoding, !item.tokens.isEmpty { item.state.hasDecoded = true }
                var offset = 0
                while offset < item.tokens.count {
                    let count = min(item.tokens.count - offset, workspace.rows - rows)
                    pieces.append(
                        Piece(
                            item: index, state: item.state, row: rows, count: count, offset: offset,
                            isDecoding: isDecoding))
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

    /// Runs `body` for `0 ..< count` on the model's threads and waits.
    public func forEach(_ count: Int, _ body: (Int) -> Void) {
        pool.run(count) { begin, end, _ in
            for index in begin..<end { body(index) }
        }
    }

    /// One chunk through all layers. What concerns rows alone runs in blocks of rows that stay in a
    /// core's cache from one mixer to the next; the mixers run by sequence and head.
    private func forward(
        _ items: [Item], rows: Int, _ onLogits: (Int, Int, UnsafeBufferPointer<Float>) -> Void
    ) {
        for piece in pieces {
            piece.state.reserve(piece.count)
            updateKeyBlocks(piece, of: items[piece.item])
        }
        let places = places
        runRows(rows) { block in
            embed(items, block)
            enter(0, block, places[0])
        }
        for (index, layer) in weights.layers.enumerated() {
            switch layer.mixer {
            case .kda(let kda): mix(kda, layer: places[index])
            case .mla(let mla): mix(mla, layer: places[index])
            }
            let isLast = index + 1 == weights.layers.count
            var isDense = true
            if case .moe = layer.feed { isDense = false }
            runRows(rows) { block in
                leave(index, block)
                if isDense, !isLast { enter(index + 1, block, places[index + 1]) }
            }
            if case .moe(let experts) = layer.feed {
                feedForward(experts, norm: layer.postNorm, rows: rows)
                if !isLast { runRows(rows) { block in enter(index + 1, block, places[index + 1]) } }
            }
        }
        for piece in pieces { piece.state.tokenCount += piece.count }
        head(items, onLogits)
    }

    /// The output head's weights for one token, `[hidden]`: its logit is their product with a final-normed hidden state.
    public func headRow(_ token: Int32) -> [Float] {
        precondition((0..<config.vocabularySize).contains(Int(token)), "a token of the vocabulary")
        return [Float](unsafeUninitializedCapacity: config.hidden) { buffer, filled in
            withUnsafePointer(to: weights.head.packed) {
                ck_unpack_row(buffer.baseAddress!, $0, Int64(token))
            }
            filled = config.hidden
        }
    }

    /// Logits of the wanted rows, a few at a time.
    private func head(_ items: [Item], _ onLogits: (Int, Int, UnsafeBufferPointer<Float>) -> Void) {
        let w = workspace
        let hidden = config.hidden
        let vocabulary = config.vocabularySize
        let needs = Activations.Needs(weights.head)
        var wanted: [(item: Int, offset: Int)] = []
        func isHidden(_ item: Int) -> Bool { if case .hidden = items[item].logits { true } else { false } }
        func flush() {
            guard !wanted.isEmpty else { return }
            kernels.rms_norm(
                w.headIn.floats, Int64(hidden), w.headIn.floats, Int64(hidden), weights.finalNorm,
                Int64(wanted.count), Int64(hidden), config.normEpsilon)
            if !wanted.allSatisfy({ isHidden($0.item) }) {
                w.headIn.prepare(kernels, needs, 0..<wanted.count)
                multiply([
                    Product(weights.head, w.headIn, rows: wanted.count, to: w.logits, stride: vocabulary)
                ])
            }
            for (row, entry) in wanted.enumerated() {
                let values =
                    isHidden(entry.item)
                    ? UnsafeBufferPointer(start: w.headIn.floats + row * hidden, count: hidden)
                    : UnsafeBufferPointer(start: w.logits + row * vocabulary, count: vocabulary)
                onLogits(entry.item, entry.offset, values)
            }
            wanted.removeAll(keepingCapacity: true)
        }
        for piece in pieces {
            let item = items[piece.item]
            var first = piece.count
            switch item.logits {
            case .none: break
            case .last, .hidden:
                if piece.offset + piece.count == item.tokens.count { first = piece.count - 1 }
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

    /// Runs independent products: in a block of its own thread one after the other, else as one
    /// parallel loop over tiles of panels and rows.
    func multiply(_ products: [Product], alone: Bool = false) {
        if alone {
            for product in products { multiply(product, rows: 0..<product.rows, 0..<product.matrix.panels) }
            return
        }
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
                multiply(
                    product, rows: row..<min(row + rowBlock, product.rows),
                    panel..<min(panel + panelBlock, product.matrix.panels))
            }
        }
    }

    /// Some rows of a product, counted from its first, and some panels of its matrix.
    @inline(__always)
    func multiply(_ product: Product, rows: Range<Int>, _ panels: Range<Int>) {
        let input = product.input.input(
            product.matrix.packed.format, row: product.firstRow + rows.lowerBound)
        withUnsafePointer(to: product.matrix.packed) {
            kernels.gemm(
                product.output + rows.lowerBound * product.stride, Int64(product.stride), input.pointer,
                Int64(input.rowBytes), Int64(rows.count), $0, Int64(panels.lowerBound),
                Int64(panels.upperBound))
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

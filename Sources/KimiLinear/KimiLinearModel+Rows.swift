import CKernels

/// Rows of a chunk that one thread takes from mixer to mixer, or all rows shared by all threads.
struct RowBlock {
    let rows: Range<Int>
    /// Where the block's rows lie in scratch that only one step needs.
    let local: Int
    /// Whether a thread has the block for itself; else its steps are spread over the pool.
    let isAlone: Bool
}

extension KimiLinearModel {
    /// Calls `body` with blocks that cover `0..<rows`: as many as threads or more when there are
    /// rows enough, else one that all threads share.
    func runRows(_ rows: Int, _ body: (RowBlock) -> Void) {
        let most = Workspace.blockRows
        let share = (rows + pool.threads - 1) / pool.threads
        guard share >= 24 else { return body(RowBlock(rows: 0..<rows, local: 0, isAlone: false)) }
        let rounds = (share + most - 1) / most
        let size = min(most, ((rows + rounds * pool.threads - 1) / (rounds * pool.threads) + 5) / 6 * 6)
        pool.run((rows + size - 1) / size) { begin, end, worker in
            for block in begin..<end {
                body(
                    RowBlock(
                        rows: block * size..<min(rows, (block + 1) * size), local: worker * most,
                        isAlone: true))
            }
        }
    }

    /// `body(rows, local)` over the block's rows, in parts of `grain` rows when it is shared.
    private func each(_ block: RowBlock, grain: Int, _ body: (Range<Int>, Int) -> Void) {
        if block.isAlone { return body(block.rows, block.local) }
        pool.run(block.rows.count, grain: grain) { begin, end, _ in
            body(block.rows.lowerBound + begin..<block.rows.lowerBound + end, block.local + begin)
        }
    }

    /// x = the embeddings of the block's tokens.
    func embed(_ items: [Item], _ block: RowBlock) {
        let w = workspace
        let pieces = pieces
        each(block, grain: 32) { rows, _ in
            forEachPiece(pieces, rows) { piece, part in
                let tokens = items[piece.item].tokens
                for row in part {
                    let id = tokens[tokens.startIndex + piece.offset + row - piece.row]
                    withUnsafePointer(to: weights.embedding.packed) {
                        ck_unpack_row(w.x + row * config.hidden, $0, Int64(id))
                    }
                }
            }
        }
    }

    /// normed = RMSNorm(x), prepared for the matrices that read it, after x += delta.
    private func norm(
        _ block: RowBlock, _ weight: UnsafePointer<Float>, _ needs: Activations.Needs, addsDelta: Bool
    ) {
        let w = workspace
        let hidden = config.hidden
        each(block, grain: 16) { rows, local in
            // A few rows at a time, which stay in the first-level cache from step to step.
            for row in stride(from: 0, to: rows.count, by: 4) {
                let count = min(4, rows.count - row)
                let x = w.x + (rows.lowerBound + row) * hidden
                let first = local + row
                if addsDelta { kernels.add(x, w.delta + first * hidden, Int64(count * hidden)) }
                kernels.rms_norm(
                    w.normed.floats + first * hidden, Int64(hidden), x, Int64(hidden), weight, Int64(count),
                    Int64(hidden), config.normEpsilon)
                w.normed.prepare(kernels, needs, first..<first + count)
            }
        }
    }

    /// From x to what the layer's mixer reads.
    ///
    /// - Parameter place: The layer's number among those of its kind.
    func enter(_ index: Int, _ block: RowBlock, _ place: Int) {
        let layer = weights.layers[index]
        switch layer.mixer {
        case .kda(let kda): enter(kda, norm: layer.inputNorm, block)
        case .mla(let mla): enter(mla, norm: layer.inputNorm, block, layer: place)
        }
    }

    private func enter(_ kda: ModelWeights.KDA, norm weight: UnsafePointer<Float>, _ block: RowBlock) {
        let w = workspace
        let (heads, head, width) = (config.kdaHeads, config.kdaHeadWidth, config.kdaWidth)
        let (first, count, local) = (block.rows.lowerBound, block.rows.count, block.local)
        norm(block, weight, .init(kda.q, kda.k, kda.v, kda.fA, kda.b, kda.gA), addsDelta: false)
        func product(_ matrix: Matrix, _ output: UnsafeMutablePointer<Float>, _ stride: Int) -> Product {
            Product(matrix, w.normed, firstRow: local, rows: count, to: output, stride: stride)
        }
        let streams = w.beforeConv + first * 3 * width
        multiply(
            [
                product(kda.q, streams, 3 * width), product(kda.k, streams + width, 3 * width),
                product(kda.v, streams + 2 * width, 3 * width),
                product(kda.fA, w.narrowF.floats + local * head, head),
                product(kda.gA, w.narrowG.floats + local * head, head),
                product(kda.b, w.beta + first * heads, heads),
            ], alone: block.isAlone)
        let needsF = Activations.Needs(kda.fB)
        let needsG = Activations.Needs(kda.gB)
        each(block, grain: 32) { rows, local in
            w.narrowF.prepare(kernels, needsF, local..<local + rows.count)
            w.narrowG.prepare(kernels, needsG, local..<local + rows.count)
            let beta = w.beta + rows.lowerBound * heads
            kernels.sigmoid(beta, Int64(heads), beta, Int64(heads), Int64(rows.count), Int64(heads))
        }
        multiply(
            [
                Product(
                    kda.fB, w.narrowF, firstRow: local, rows: count, to: w.decay + first * width,
                    stride: width),
                Product(
                    kda.gB, w.narrowG, firstRow: local, rows: count, to: w.gate + first * width,
                    stride: width),
            ], alone: block.isAlone)
    }

    private func enter(
        _ mla: ModelWeights.MLA, norm weight: UnsafePointer<Float>, _ block: RowBlock, layer: Int
    ) {
        let w = workspace
        let c = config
        let queryStride = c.mlaHeads * c.queryWidth
        let (first, count, local) = (block.rows.lowerBound, block.rows.count, block.local)
        norm(block, weight, .init(mla.q, mla.kvA), addsDelta: false)
        multiply(
            [
                Product(
                    mla.q, w.normed, firstRow: local, rows: count, to: w.query + first * queryStride,
                    stride: queryStride),
                Product(
                    mla.kvA, w.normed, firstRow: local, rows: count, to: w.latent + local * c.latentWidth,
                    stride: c.latentWidth),
            ], alone: block.isAlone)
        let pieces = pieces
        each(block, grain: 32) { rows, local in
            forEachPiece(pieces, rows) { piece, part in
                let latent = w.latent + (local + part.lowerBound - rows.lowerBound) * c.latentWidth
                storeLatents(mla, layer: layer, piece, part, latent)
            }
        }
    }

    /// x += W_o mixed, and the feed-forward of a dense layer.
    func leave(_ index: Int, _ block: RowBlock) {
        let layer = weights.layers[index]
        let w = workspace
        let (mixed, o) =
            switch layer.mixer {
            case .kda(let kda): (w.kdaOut, kda.o)
            case .mla(let mla): (w.mlaOut, mla.o)
            }
        let needs = Activations.Needs(o)
        each(block, grain: 16) { rows, _ in mixed.prepare(kernels, needs, rows) }
        let delta = w.delta + block.local * config.hidden
        multiply(
            [
                Product(
                    o, mixed, firstRow: block.rows.lowerBound, rows: block.rows.count, to: delta,
                    stride: config.hidden)
            ], alone: block.isAlone)
        if case .dense(let feed) = layer.feed {
            norm(block, layer.postNorm, .init(feed.gate, feed.up), addsDelta: true)
            feedForward(feed, block)
        }
        addDelta(block)
    }

    private func addDelta(_ block: RowBlock) {
        let hidden = config.hidden
        each(block, grain: 16) { rows, local in
            kernels.add(
                workspace.x + rows.lowerBound * hidden, workspace.delta + local * hidden,
                Int64(rows.count * hidden))
        }
    }

    /// normed = RMSNorm(x) of all rows, prepared for the matrices that read it.
    func normAll(_ rows: Int, _ weight: UnsafePointer<Float>, _ needs: Activations.Needs) {
        norm(RowBlock(rows: 0..<rows, local: 0, isAlone: false), weight, needs, addsDelta: false)
    }

    /// delta = W_down(SiLU(W_gate normed) * W_up normed).
    func feedForward(_ feed: ModelWeights.FeedForward, _ block: RowBlock) {
        let w = workspace
        let width = feed.gate.rows
        let inner = w.inner.narrowed(to: width)
        let (count, local) = (block.rows.count, block.local)
        let gate = Product(
            feed.gate, w.normed, firstRow: local, rows: count, to: inner.floats + local * width, stride: width
        )
        let up = Product(
            feed.up, w.normed, firstRow: local, rows: count, to: w.up + local * width, stride: width)
        let needs = Activations.Needs(feed.down)
        func combine(_ row: Int, _ rows: Int, _ columns: Range<Int>) {
            let gate = inner.floats + row * width + columns.lowerBound
            kernels.silu_multiply(
                gate, Int64(width), gate, Int64(width), w.up + row * width + columns.lowerBound, Int64(width),
                Int64(rows), Int64(columns.count))
        }
        if block.isAlone {
            // A strip of columns at a time, so that it is combined before it leaves the cache.
            for panel in stride(from: 0, to: feed.gate.panels, by: 16) {
                let panels = panel..<min(panel + 16, feed.gate.panels)
                multiply(gate, rows: 0..<count, panels)
                multiply(up, rows: 0..<count, panels)
                combine(local, count, panels.lowerBound * 16..<min(panels.upperBound * 16, width))
            }
            inner.prepare(kernels, needs, local..<local + count)
        } else {
            multiply([gate, up])
            each(block, grain: 16) { rows, local in
                combine(local, rows.count, 0..<width)
                inner.prepare(kernels, needs, local..<local + rows.count)
            }
        }
        multiply(
            [
                Product(
                    feed.down, inner, firstRow: local, rows: count, to: w.delta + local * config.hidden,
                    stride: config.hidden)
            ], alone: block.isAlone)
    }
}

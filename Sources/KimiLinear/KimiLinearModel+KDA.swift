import CKernels

extension KimiLinearModel {
    /// delta = KDA(normed): sections 3 and 4 of arXiv:2510.26692.
    ///
    /// - Parameter layer: Counted among the KDA layers.
    func mix(_ kda: ModelWeights.KDA, layer: Int, rows: Int) {
        let w = workspace
        let (heads, head, width) = (config.kdaHeads, config.kdaHeadWidth, config.kdaWidth)
        multiply([
            Product(kda.q, w.normed, rows: rows, to: w.beforeConv, stride: 3 * width),
            Product(kda.k, w.normed, rows: rows, to: w.beforeConv + width, stride: 3 * width),
            Product(kda.v, w.normed, rows: rows, to: w.beforeConv + 2 * width, stride: 3 * width),
            Product(kda.fA, w.normed, rows: rows, to: w.narrowF.floats, stride: head),
            Product(kda.gA, w.normed, rows: rows, to: w.narrowG.floats, stride: head),
            Product(kda.b, w.normed, rows: rows, to: w.beta, stride: heads),
        ])
        let needsF = Activations.Needs(kda.fB)
        let needsG = Activations.Needs(kda.gB)
        pool.run(rows, grain: 32) { begin, end, _ in
            w.narrowF.prepare(kernels, needsF, begin..<end)
            w.narrowG.prepare(kernels, needsG, begin..<end)
            let beta = w.beta + begin * heads
            kernels.sigmoid(beta, Int64(heads), beta, Int64(heads), Int64(end - begin), Int64(heads))
        }
        multiply([
            Product(kda.fB, w.narrowF, rows: rows, to: w.decay, stride: width),
            Product(kda.gB, w.narrowG, rows: rows, to: w.gate, stride: width),
        ])
        let pieces = pieces
        pool.run(pieces.count * heads) { begin, end, _ in
            for index in begin..<end {
                recur(kda, layer: layer, piece: pieces[index / heads], head: index % heads)
            }
        }
        let needsO = Activations.Needs(kda.o)
        pool.run(rows, grain: 16) { begin, end, _ in w.kdaOut.prepare(kernels, needsO, begin..<end) }
        multiply([Product(kda.o, w.kdaOut, rows: rows, to: w.delta, stride: config.hidden)])
    }

    /// One head of one sequence, from the projections to the gated norm, a few tokens at a time
    /// so that what lies between the steps stays in the cache.
    private func recur(_ kda: ModelWeights.KDA, layer: Int, piece: Piece, head h: Int) {
        let w = workspace
        let (head, width) = (Int64(config.kdaHeadWidth), Int64(config.kdaWidth))
        let (taps, wide) = (Int64(config.convTaps), 3 * Int64(config.kdaWidth))
        let column = h * config.kdaHeadWidth
        let shape = piece.state.shape
        let tails = piece.state.tails + layer * 3 * shape.tailPerStream
        let state = piece.state.recurrent + layer * shape.recurrentPerLayer
        var row = piece.row
        while row < piece.row + piece.count {
            let count = Int64(min(64, piece.row + piece.count - row))
            let before = w.beforeConv + row * Int(wide)
            let after = w.afterConv + row * Int(wide)
            for (stream, weight) in [kda.qConv, kda.kConv, kda.vConv].enumerated() {
                kernels.short_conv(
                    after + stream * Int(width), wide, tails + stream * shape.tailPerStream, width,
                    before + stream * Int(width), wide, weight, width, count, taps, Int64(column),
                    Int64(column) + head)
            }
            let epsilon = ModelConfig.headNormEpsilon
            let scale = 1 / Float(head).squareRoot()
            kernels.l2_norm(after + column, wide, count, 1, head, epsilon, scale)
            kernels.l2_norm(after + Int(width) + column, wide, count, 1, head, epsilon, 1)
            let decay = w.decay + row * Int(width)
            kernels.kda_gate(
                decay + column, width, decay + column, width, kda.aLog + h, kda.dtBias + column, count, 1,
                head)
            let out = w.kdaOut.floats + row * Int(width)
            kernels.kda_recurrence(
                out, width, state, after, wide, after + Int(width), wide, after + 2 * Int(width), wide, decay,
                width, w.beta + row * config.kdaHeads, Int64(config.kdaHeads), count, head, head, Int64(h),
                Int64(h) + 1)
            let gate = w.gate + row * Int(width) + column
            kernels.gated_rms_norm(
                out + column, width, out + column, width, gate, width, kda.oNorm, count, 1, head,
                config.normEpsilon)
            row += Int(count)
        }
    }
}

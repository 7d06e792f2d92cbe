import CKernels

extension KimiLinearModel {
    /// From the projections to the gated norm: sections 3 and 4 of arXiv:2510.26692.
    ///
    /// - Parameter layer: Counted among the KDA layers.
    func mix(_ kda: ModelWeights.KDA, layer: Int) {
        let heads = config.kdaHeads
        let pieces = pieces
        pool.run(pieces.count * heads) { begin, end, worker in
            for index in begin..<end {
                recur(kda, layer: layer, piece: pieces[index / heads], head: index % heads, worker)
            }
        }
    }

    /// One head of one sequence, a few tokens at a time, so that what lies between the steps stays
    /// in the first-level cache.
    private func recur(_ kda: ModelWeights.KDA, layer: Int, piece: Piece, head h: Int, _ worker: Int) {
        let w = workspace
        let (head, width) = (Int64(config.kdaHeadWidth), Int64(config.kdaWidth))
        let (taps, wide) = (Int64(config.convTaps), 3 * Int64(config.kdaWidth))
        let column = h * config.kdaHeadWidth
        let shape = piece.state.shape
        let tails = piece.state.tails + layer * 3 * shape.tailPerStream + column
        let state = piece.state.recurrent + layer * shape.recurrentPerLayer + column * config.kdaHeadWidth
        let (epsilon, scale) = (ModelConfig.headNormEpsilon, 1 / Float(head).squareRoot())
        // q, k, v and decay of the head, `[recurrenceRows, head]` each.
        let scratch = w.recurrence + worker * 4 * Workspace.recurrenceRows * config.kdaHeadWidth
        let size = Workspace.recurrenceRows * config.kdaHeadWidth
        let (q, k, v, decay) = (scratch, scratch + size, scratch + 2 * size, scratch + 3 * size)
        var row = piece.row
        while row < piece.row + piece.count {
            let count = Int64(min(Workspace.recurrenceRows, piece.row + piece.count - row))
            let before = w.beforeConv + row * Int(wide) + column
            @inline(__always)
            func convolve(_ out: UnsafeMutablePointer<Float>, _ stream: Int, _ weight: UnsafePointer<Float>) {
                kernels.short_conv(
                    out, head, tails + stream * shape.tailPerStream, width, before + stream * Int(width),
                    wide,
                    weight + column, width, count, taps, 0, head)
            }
            convolve(q, 0, kda.qConv)
            convolve(k, 1, kda.kConv)
            convolve(v, 2, kda.vConv)
            kernels.l2_norm(q, head, count, 1, head, epsilon, scale)
            kernels.l2_norm(k, head, count, 1, head, epsilon, 1)
            kernels.kda_gate(
                decay, head, w.decay + row * Int(width) + column, width, kda.aLog + h, kda.dtBias + column,
                count, 1, head)
            let out = w.kdaOut.floats + row * Int(width) + column
            kernels.kda_recurrence(
                out, width, state, q, head, k, head, v, head, decay, head, w.beta + row * config.kdaHeads + h,
                Int64(config.kdaHeads), count, head, head, 0, 1)
            kernels.gated_rms_norm(
                out, width, out, width, w.gate + row * Int(width) + column, width, kda.oNorm, count, 1, head,
                config.normEpsilon)
            row += Int(count)
        }
    }
}

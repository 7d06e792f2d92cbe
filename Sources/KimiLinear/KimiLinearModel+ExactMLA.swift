import CKernels

extension KimiLinearModel {
    /// Keys that are expanded and attended to in one round, in Float32 throughout.
    private struct Round {
        let piece: Piece
        let key: Int
        let count: Int
        /// Row in the workspace of the first key.
        let row: Int
        let isFirst, isLast: Bool
    }

    /// Attention of the f32 recipe, which rounds neither latents nor keys.
    func mixExactly(_ mla: ModelWeights.MLA, layer: Int) {
        let capacity = workspace.exactKeyRows
        var rounds: [Round] = []
        var used = 0
        func flush() {
            if !rounds.isEmpty { attendExactly(mla, layer: layer, rounds) }
            for round in rounds { round.piece.state.letGo(layer, round.key..<round.key + round.count) }
            rounds.removeAll(keepingCapacity: true)
            used = 0
        }
        for piece in pieces {
            let end = piece.position + piece.count
            let start = firstKey(piece)
            var key = start
            while key < end {
                if used == capacity { flush() }
                var stop = min(end, key + capacity - used)
                if stop < end { stop = stop / 64 * 64 }
                if stop <= key {  // no whole block fits any more
                    used = capacity
                    continue
                }
                rounds.append(
                    Round(
                        piece: piece, key: key, count: stop - key, row: used, isFirst: key == start,
                        isLast: stop == end))
                used += stop - key
                key = stop
                if key < end { used = capacity }  // the next keys of this sequence come in order
            }
        }
        flush()
    }

    private func attendExactly(_ mla: ModelWeights.MLA, layer: Int, _ rounds: [Round]) {
        let w = workspace
        let c = config
        let rank = c.latentRank
        let expanded = c.mlaHeads * (c.nopeWidth + c.valueWidth)
        let whole = c.mlaHeads * (c.queryWidth + c.valueWidth)
        let (block, queryBlock) = (64, Workspace.queryBlock)
        var blocks: [(round: Int, row: Int)] = []
        var queryBlocks: [(round: Int, row: Int)] = []
        for (index, round) in rounds.enumerated() {
            for row in stride(from: 0, to: round.count, by: block) { blocks.append((index, row)) }
            for row in stride(from: 0, to: round.piece.count, by: queryBlock) {
                queryBlocks.append((index, row))
            }
        }
        pool.run(blocks.count) { begin, end, worker in
            for (index, row) in blocks[begin..<end] {
                let round = rounds[index]
                let count = min(block, round.count - row)
                let target = worker * block
                func latent(_ i: Int) -> UnsafeMutablePointer<Float> {
                    round.piece.state.exactLatentRow(layer, round.key + row + i)
                }
                for i in 0..<count {
                    (w.keyLatents.floats + (target + i) * rank).update(from: latent(i), count: rank)
                }
                w.keyLatents.prepare(kernels, .init(mla.kvB), target..<target + count)
                let keys = w.keysValues + target * expanded
                multiply(
                    [
                        Product(
                            mla.kvB, w.keyLatents, firstRow: target, rows: count, to: keys, stride: expanded)
                    ],
                    alone: true)
                for i in 0..<count {
                    widen(
                        keys + i * expanded, latent(i) + rank,
                        into: w.wholeKeysValues + (round.row + row + i) * whole)
                }
            }
        }
        pool.run(queryBlocks.count * c.mlaHeads) { begin, end, worker in
            for item in begin..<end {
                let (index, row) = queryBlocks[item / c.mlaHeads]
                let head = Int64(item % c.mlaHeads)
                let round = rounds[index]
                let query = round.piece.row + row
                var arguments = ck_mla_expanded(
                    out: w.mlaOut.floats + query * w.mlaOut.stride, ld_out: Int64(w.mlaOut.stride),
                    row_max: w.rowMax + query * c.mlaHeads, row_sum: w.rowSum + query * c.mlaHeads,
                    q: w.query + query * c.mlaHeads * c.queryWidth, ld_q: Int64(c.mlaHeads * c.queryWidth),
                    kv: w.wholeKeysValues + round.row * whole, ld_kv: Int64(whole),
                    // Not read, since the shared part lies in kv.
                    k_r: round.piece.state.latentRow(layer, round.key), ld_kr: 0,
                    T: Int64(min(queryBlock, round.piece.count - row)), H: Int64(c.mlaHeads),
                    dn: Int64(c.queryWidth), dr: 0, dv: Int64(c.valueWidth),
                    query0: Int64(round.piece.position + row), key0: Int64(round.key), S: Int64(round.count),
                    window: Int64(c.window ?? 0), scale: 1 / Float(c.queryWidth).squareRoot(),
                    first: round.isFirst, last: round.isLast)
                kernels.mla_expanded(&arguments, head, head + 1, w.attention + worker * w.attentionBytes)
            }
        }
    }

    /// Per head [k_n, v] and the shared k_r to per head [k_n, k_r, v]: the kernels read k_r in
    /// bf16, so exact latents go in as part of the key.
    private func widen(
        _ expanded: UnsafePointer<Float>, _ shared: UnsafePointer<Float>,
        into out: UnsafeMutablePointer<Float>
    ) {
        let c = config
        for head in 0..<c.mlaHeads {
            let source = expanded + head * (c.nopeWidth + c.valueWidth)
            let target = out + head * (c.queryWidth + c.valueWidth)
            target.update(from: source, count: c.nopeWidth)
            (target + c.nopeWidth).update(from: shared, count: c.ropeWidth)
            (target + c.queryWidth).update(from: source + c.nopeWidth, count: c.valueWidth)
        }
    }
}

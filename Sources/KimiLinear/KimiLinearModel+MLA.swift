import CKernels

extension KimiLinearModel {
    /// Keys of one sequence that are expanded and attended to in one round.
    private struct Segment {
        let piece: Piece
        /// Absolute position of the first key.
        let key: Int
        let count: Int
        /// Where expanded keys are kept, if they are, and how many of these are there already.
        let keys: ExpandedKeys?
        let known: Int
        /// Row in the workspace of the first key that must be expanded.
        let row: Int
        let isFirst, isLast: Bool
    }

    /// delta = MLA(normed), without positions, keys and values expanded from the latent cache.
    ///
    /// - Parameter layer: Counted among the MLA layers.
    func mix(_ mla: ModelWeights.MLA, layer: Int, rows: Int) {
        let w = workspace
        let c = config
        let queryStride = c.mlaHeads * c.queryWidth
        multiply([
            Product(mla.q, w.normed, rows: rows, to: w.query, stride: queryStride),
            Product(mla.kvA, w.normed, rows: rows, to: w.latent, stride: c.latentWidth),
        ])
        let pieces = pieces
        let latentWidth = Int64(c.latentWidth)
        pool.run(rows, grain: 32) { begin, end, _ in
            forEachPiece(pieces, begin..<end) { piece, part in
                let latent = w.latent + part.lowerBound * c.latentWidth
                kernels.rms_norm(
                    latent, latentWidth, latent, latentWidth, mla.latentNorm, Int64(part.count),
                    Int64(c.latentRank), ModelConfig.latentNormEpsilon)
                let position = piece.position + part.lowerBound - piece.row
                if stateShape.exactLatents {
                    piece.state.exactLatentRow(layer, position).update(
                        from: latent, count: part.count * c.latentWidth)
                    return
                }
                kernels.to_bf16(
                    piece.state.latentRow(layer, position), latentWidth, latent, latentWidth,
                    Int64(part.count), latentWidth)
            }
        }
        attend(mla, layer: layer)
        let needs = Activations.Needs(mla.o)
        pool.run(rows, grain: 16) { begin, end, _ in w.mlaOut.prepare(kernels, needs, begin..<end) }
        multiply([Product(mla.o, w.mlaOut, rows: rows, to: w.delta, stride: c.hidden)])
    }

    /// Attention of all pieces, in rounds of at most `keyRows` keys to expand.
    private func attend(_ mla: ModelWeights.MLA, layer: Int) {
        let capacity = workspace.keyRows
        var segments: [Segment] = []
        var used = 0
        func flush() {
            if !segments.isEmpty { attend(mla, layer: layer, segments) }
            segments.removeAll(keepingCapacity: true)
            used = 0
        }
        for piece in pieces {
            let end = piece.position + piece.count
            let start = firstKey(piece)
            if let keys = piece.state.expandedKeys {
                let known = max(start, keys.ends[layer])
                if used + end - known > capacity { flush() }
                segments.append(
                    Segment(
                        piece: piece, key: start, count: end - start, keys: keys, known: known - start,
                        row: used,
                        isFirst: true, isLast: true))
                used += end - known
                keys.ends[layer] = end
                continue
            }
            var key = start
            while key < end {
                if used == capacity { flush() }
                var stop = min(end, key + capacity - used)
                if stop < end { stop = stop / 64 * 64 }
                if stop <= key {  // no whole block fits any more
                    used = capacity
                    continue
                }
                segments.append(
                    Segment(
                        piece: piece, key: key, count: stop - key, keys: nil, known: 0, row: used,
                        isFirst: key == start, isLast: stop == end))
                used += stop - key
                key = stop
                if key < end { used = capacity }  // the next keys of this sequence come in order
            }
        }
        flush()
    }

    /// The first key that the piece's first query sees.
    func firstKey(_ piece: Piece) -> Int { config.window.map { max(0, piece.position - $0 + 1) } ?? 0 }

    private func attend(_ mla: ModelWeights.MLA, layer: Int, _ segments: [Segment]) {
        let w = workspace
        let c = config
        let rank = c.latentRank
        let expanded = c.mlaHeads * (c.nopeWidth + c.valueWidth)
        let needs = Activations.Needs(mla.kvB)
        let block = 64
        let queryBlock = 128
        var blocks: [(segment: Int, row: Int)] = []
        var queryBlocks: [(segment: Int, row: Int)] = []
        for (index, segment) in segments.enumerated() {
            for row in stride(from: segment.known, to: segment.count, by: block) {
                blocks.append((index, row))
            }
            for row in stride(from: 0, to: segment.piece.count, by: queryBlock) {
                queryBlocks.append((index, row))
            }
        }
        pool.run(blocks.count) { begin, end, _ in
            for (index, row) in blocks[begin..<end] {
                let segment = segments[index]
                let count = min(block, segment.count - row)
                let target = segment.row + row - segment.known
                if stateShape.exactLatents {
                    for i in 0..<count {
                        (w.keyLatents.floats + (target + i) * rank).update(
                            from: segment.piece.state.exactLatentRow(layer, segment.key + row + i),
                            count: rank)
                    }
                } else {
                    kernels.from_bf16(
                        w.keyLatents.floats + target * rank, Int64(rank),
                        segment.piece.state.latentRow(layer, segment.key + row), Int64(c.latentWidth),
                        Int64(count), Int64(rank))
                }
                w.keyLatents.prepare(kernels, needs, target..<target + count)
            }
        }
        multiply(
            segments.map {
                Product(
                    mla.kvB, w.keyLatents, firstRow: $0.row, rows: $0.count - $0.known,
                    to: $0.keys?.row(layer, $0.key + $0.known) ?? w.keysValues + $0.row * expanded,
                    stride: expanded)
            })
        let isExact = stateShape.exactLatents
        let whole = c.mlaHeads * (c.queryWidth + c.valueWidth)
        if isExact {
            pool.run(blocks.count) { begin, end, _ in
                for (index, row) in blocks[begin..<end] {
                    let segment = segments[index]
                    for i in row..<min(row + block, segment.count) {
                        widen(
                            w.keysValues + (segment.row + i) * expanded,
                            segment.piece.state.exactLatentRow(layer, segment.key + i) + rank,
                            into: w.wholeKeysValues + (segment.row + i) * whole)
                    }
                }
            }
        }
        pool.run(queryBlocks.count * c.mlaHeads) { begin, end, worker in
            for item in begin..<end {
                let (index, row) = queryBlocks[item / c.mlaHeads]
                let head = Int64(item % c.mlaHeads)
                let segment = segments[index]
                let piece = segment.piece
                let query = piece.row + row
                var arguments = ck_mla_expanded(
                    out: w.mlaOut.floats + query * w.mlaOut.stride, ld_out: Int64(w.mlaOut.stride),
                    row_max: w.rowMax + query * c.mlaHeads, row_sum: w.rowSum + query * c.mlaHeads,
                    q: w.query + query * c.mlaHeads * c.queryWidth, ld_q: Int64(c.mlaHeads * c.queryWidth),
                    kv: isExact
                        ? w.wholeKeysValues + segment.row * whole
                        : segment.keys?.row(layer, segment.key) ?? w.keysValues + segment.row * expanded,
                    ld_kv: Int64(isExact ? whole : expanded),
                    k_r: piece.state.latentRow(layer, segment.key) + rank, ld_kr: Int64(c.latentWidth),
                    T: Int64(min(queryBlock, piece.count - row)), H: Int64(c.mlaHeads),
                    dn: Int64(isExact ? c.queryWidth : c.nopeWidth), dr: Int64(isExact ? 0 : c.ropeWidth),
                    dv: Int64(c.valueWidth), query0: Int64(piece.position + row),
                    key0: Int64(segment.key), S: Int64(segment.count), window: Int64(c.window ?? 0),
                    scale: 1 / Float(c.queryWidth).squareRoot(), first: segment.isFirst, last: segment.isLast)
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

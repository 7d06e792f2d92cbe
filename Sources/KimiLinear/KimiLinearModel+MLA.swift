import CKernels

extension KimiLinearModel {
    /// Keys of one sequence that are attended to in one round.
    struct Segment {
        let piece: Piece
        /// Absolute position of the first key.
        let key: Int
        let count: Int
        /// Position of the first key that is not in its block yet.
        let known: Int
        let blocks: UnsafeMutablePointer<UInt16>
        /// Number of the first block there.
        let firstBlock: Int
        let isFirst, isLast: Bool
        var end: Int { key + count }
    }

    /// Words of one block of keys, all heads.
    var keyBlockWords: Int { config.mlaHeads * workspace.headBlockWords }

    /// The latents of a piece's rows `part`, normed, into the sequence's cache.
    func storeLatents(
        _ mla: ModelWeights.MLA, layer: Int, _ piece: Piece, _ part: Range<Int>,
        _ latent: UnsafeMutablePointer<Float>
    ) {
        let width = Int64(config.latentWidth)
        kernels.rms_norm(
            latent, width, latent, width, mla.latentNorm, Int64(part.count), Int64(config.latentRank),
            ModelConfig.latentNormEpsilon)
        let position = piece.position + part.lowerBound - piece.row
        if stateShape.exactLatents {
            piece.state.exactLatentRow(layer, position).update(
                from: latent, count: part.count * config.latentWidth)
        } else {
            kernels.to_bf16(
                piece.state.latentRow(layer, position), width, latent, width, Int64(part.count), width)
        }
    }

    /// Attention without positions, keys and values expanded from the latent cache.
    ///
    /// - Parameter layer: Counted among the MLA layers.
    func mix(_ mla: ModelWeights.MLA, layer: Int) {
        if stateShape.exactLatents { return mixExactly(mla, layer: layer) }
        if let absorbed {
            let decoding = pieces.filter(\.isDecoding)
            if !decoding.isEmpty { mixAbsorbed(absorbed, mla, layer: layer, decoding) }
        }
        let capacity = workspace.keyBlockCount
        var segments: [Segment] = []
        var used = 0
        func flush() {
            if !segments.isEmpty { attend(mla, layer: layer, segments) }
            for segment in segments {
                segment.piece.state.letGo(layer, min(segment.known, segment.end)..<segment.end)
            }
            segments.removeAll(keepingCapacity: true)
            used = 0
        }
        for piece in pieces where !piece.isDecoding {
            let end = piece.position + piece.count
            var key = firstKey(piece)
            if let kept = piece.state.keyBlocks {
                segments.append(
                    Segment(
                        piece: piece, key: key, count: end - key, known: max(key, kept.ends[layer]),
                        blocks: kept.layer(layer), firstBlock: kept.firstBlock, isFirst: true, isLast: true))
                kept.ends[layer] = end
                continue
            }
            let start = key
            while key < end {
                if used == capacity { flush() }
                let stop = min(end, (key / 64 + capacity - used) * 64)
                segments.append(
                    Segment(
                        piece: piece, key: key, count: stop - key, known: key,
                        blocks: workspace.keyBlocks + used * keyBlockWords, firstBlock: key / 64,
                        isFirst: key == start, isLast: stop == end))
                used += (stop - 1) / 64 - key / 64 + 1
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
        let queryBlock = Workspace.queryBlock
        var blocks: [(segment: Int, block: Int)] = []
        var queryBlocks: [(segment: Int, row: Int)] = []
        for (index, segment) in segments.enumerated() {
            if segment.known < segment.end {
                for block in segment.known / 64...(segment.end - 1) / 64 { blocks.append((index, block)) }
            }
            for row in stride(from: 0, to: segment.piece.count, by: queryBlock) {
                queryBlocks.append((index, row))
            }
        }
        pool.run(blocks.count) { begin, end, worker in
            for (index, block) in blocks[begin..<end] {
                expand(mla, layer: layer, segments[index], block, worker)
            }
        }
        pool.run(queryBlocks.count * c.mlaHeads) { begin, end, worker in
            for item in begin..<end {
                let (index, row) = queryBlocks[item / c.mlaHeads]
                let head = Int64(item % c.mlaHeads)
                let segment = segments[index]
                let query = segment.piece.row + row
                var arguments = ck_mla_blocks(
                    out: w.mlaOut.floats + query * w.mlaOut.stride, ld_out: Int64(w.mlaOut.stride),
                    row_max: w.rowMax + query * c.mlaHeads, row_sum: w.rowSum + query * c.mlaHeads,
                    q: w.query + query * c.mlaHeads * c.queryWidth, ld_q: Int64(c.mlaHeads * c.queryWidth),
                    blocks: segment.blocks, block0: Int64(segment.firstBlock),
                    T: Int64(min(queryBlock, segment.piece.count - row)), H: Int64(c.mlaHeads),
                    width: Int64(c.queryWidth), dv: Int64(c.valueWidth),
                    query0: Int64(segment.piece.position + row), key0: Int64(segment.key),
                    S: Int64(segment.count), window: Int64(c.window ?? 0),
                    scale: 1 / Float(c.queryWidth).squareRoot(), first: segment.isFirst, last: segment.isLast)
                kernels.mla_blocks(&arguments, head, head + 1, w.attention + worker * w.attentionBytes)
            }
        }
    }

    /// Expands the segment's unknown keys that lie in one block, and packs them.
    private func expand(
        _ mla: ModelWeights.MLA, layer: Int, _ segment: Segment, _ block: Int, _ worker: Int
    ) {
        let w = workspace
        let c = config
        let first = max(segment.known, block * 64)
        let count = min(segment.end, (block + 1) * 64) - first
        let row = worker * 64
        let width = c.mlaHeads * (c.nopeWidth + c.valueWidth)
        let latents = UnsafePointer(segment.piece.state.latentRow(layer, first))
        kernels.from_bf16(
            w.keyLatents.floats + row * c.latentRank, Int64(c.latentRank), latents, Int64(c.latentWidth),
            Int64(count), Int64(c.latentRank))
        w.keyLatents.prepare(kernels, .init(mla.kvB), row..<row + count)
        let expanded = w.keysValues + row * width
        multiply(
            [Product(mla.kvB, w.keyLatents, firstRow: row, rows: count, to: expanded, stride: width)],
            alone: true)
        let isFresh = segment.known <= max(segment.key, block * 64)
        kernels.pack_keys(
            segment.blocks + (block - segment.firstBlock) * keyBlockWords, expanded, Int64(width),
            latents + c.latentRank, Int64(c.latentWidth), Int64(c.mlaHeads), Int64(c.nopeWidth),
            Int64(c.ropeWidth), Int64(c.valueWidth), Int64(first - block * 64),
            Int64(first + count - block * 64), isFresh)
    }
}

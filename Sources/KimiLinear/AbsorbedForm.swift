import CKernels

/// What decoding steps need to attend to latents as they are: W_UK and W_UV of every MLA layer as
/// matrices of their own per head, and scratch. Made with the first such step.
final class AbsorbedForm {
    struct Layer {
        /// Per head `[rank, nope width]`: a query's part to a query of latents.
        let keyUp: [Matrix]
        /// Per head `[value width, rank]`.
        let valueUp: [Matrix]
    }

    /// Rows of one round.
    static let rows = 64
    /// Parts of the keys of all rows of a round that are attended to at a time.
    static let parts = 128

    let layers: [Layer]
    /// `[rows]` queries, per head `rank + rope` wide, and their parts without positions for gemm.
    let query: UnsafeMutablePointer<Float>
    let queryIn: UnsafeMutableRawPointer
    let queryInBytes: Int
    /// `[parts, heads, rank]` sums of latents, and `[parts, heads]` maxima and sums of weights.
    let sums, partMax, partSum: UnsafeMutablePointer<Float>
    /// `[rows, heads]` merged sums, for gemm.
    let merged: UnsafeMutablePointer<Float>
    let mergedIn: UnsafeMutableRawPointer
    let mergedInBytes: Int
    /// A thread's scratch of the kernel.
    let scratch: UnsafeMutableRawPointer
    let scratchBytes: Int
    private let memory: [AlignedBytes]

    /// Nil where widths are odd, which bf16 matrices do not fit.
    init?(config c: ModelConfig, weights: ModelWeights, threads: Int) {
        let (rank, nope, value) = (c.latentRank, c.nopeWidth, c.valueWidth)
        guard rank % 2 == 0, nope % 2 == 0, nope > 0 else { return nil }
        var memory: [AlignedBytes] = []
        func bytes(_ count: Int) -> UnsafeMutableRawPointer {
            memory.append(AlignedBytes(count))
            return memory[memory.count - 1].pointer
        }
        func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
            bytes(count * 4).assumingMemoryBound(to: Float.self)
        }
        func packed(_ values: [Float], _ n: Int, _ k: Int) -> Matrix {
            let data = bytes(Int(ck_matrix_bytes(CK_BF16, Int64(n), Int64(k))))
            _ = ck_pack(data, CK_BF16, values, Int64(k), Int64(n), Int64(k), 0, ck_panel_count(Int64(n)))
            return Matrix(packed: ck_matrix(data: data, N: Int64(n), K: Int64(k), format: CK_BF16))
        }
        layers = weights.layers.compactMap { layer in
            guard case .mla(let mla) = layer.mixer else { return nil }
            var keyUp: [Matrix] = []
            var valueUp: [Matrix] = []
            var row = [Float](repeating: 0, count: rank)
            for head in 0..<c.mlaHeads {
                func up(_ index: Int) {
                    withUnsafePointer(to: mla.kvB.packed) {
                        ck_unpack_row(&row, $0, Int64(head * (nope + value) + index))
                    }
                }
                var key = [Float](repeating: 0, count: rank * nope)
                for i in 0..<nope {
                    up(i)
                    for j in 0..<rank { key[j * nope + i] = row[j] }
                }
                keyUp.append(packed(key, rank, nope))
                var values: [Float] = []
                for i in nope..<nope + value {
                    up(i)
                    values += row
                }
                valueUp.append(packed(values, value, rank))
            }
            return Layer(keyUp: keyUp, valueUp: valueUp)
        }
        query = floats(Self.rows * c.mlaHeads * c.latentWidth)
        queryInBytes = Int(ck_activation_row_bytes(CK_BF16, Int64(nope)))
        queryIn = bytes(c.mlaHeads * Self.rows * queryInBytes)
        sums = floats(Self.parts * c.mlaHeads * rank)
        partMax = floats(Self.parts * c.mlaHeads)
        partSum = floats(Self.parts * c.mlaHeads)
        merged = floats(Self.rows * c.mlaHeads * rank)
        mergedInBytes = Int(ck_activation_row_bytes(CK_BF16, Int64(rank)))
        mergedIn = bytes(c.mlaHeads * Self.rows * mergedInBytes)
        scratchBytes = (Int(ck_mla_scratch_bytes(Int64(c.latentWidth), Int64(rank))) + 63) / 64 * 64
        scratch = bytes(scratchBytes * threads)
        self.memory = memory
    }
}

extension KimiLinearModel {
    /// Keys of one row that one thread reads at a time: a number that depends on the position alone.
    private struct Part {
        let row: Int
        let key: Int
        let end: Int
    }

    /// Attention of decoding pieces over the latents themselves: a quarter of the memory that
    /// expanded keys take, whatever the number of heads.
    func mixAbsorbed(_ form: AbsorbedForm, _ mla: ModelWeights.MLA, layer: Int, _ pieces: [Piece]) {
        var rows: [(piece: Piece, row: Int)] = []
        for piece in pieces { for row in 0..<piece.count { rows.append((piece, row)) } }
        for first in stride(from: 0, to: rows.count, by: AbsorbedForm.rows) {
            attendAbsorbed(
                form, form.layers[layer], layer,
                Array(rows[first..<min(first + AbsorbedForm.rows, rows.count)]))
        }
    }

    private func attendAbsorbed(
        _ form: AbsorbedForm, _ up: AbsorbedForm.Layer, _ layer: Int, _ rows: [(piece: Piece, row: Int)]
    ) {
        let w = workspace
        let c = config
        let (heads, rank, nope, value) = (c.mlaHeads, c.latentRank, c.nopeWidth, c.valueWidth)
        let queryStride = heads * c.latentWidth
        let count = Int64(rows.count)
        pool.run(heads) { begin, end, _ in
            for head in begin..<end {
                let input = form.queryIn + head * AbsorbedForm.rows * form.queryInBytes
                for (index, row) in rows.enumerated() {
                    let source = w.query + ((row.piece.row + row.row) * heads + head) * c.queryWidth
                    kernels.prepare(
                        input + index * form.queryInBytes, CK_BF16, source, Int64(nope), 1, Int64(nope))
                    (form.query + index * queryStride + head * c.latentWidth + rank).update(
                        from: source + nope, count: c.ropeWidth)
                }
                withUnsafePointer(to: up.keyUp[head].packed) {
                    kernels.gemm(
                        form.query + head * c.latentWidth, Int64(queryStride), input,
                        Int64(form.queryInBytes),
                        count, $0, 0, ck_panel_count(Int64(rank)))
                }
            }
        }
        // Rounds of as many parts as there is room for, whole rows at a time.
        var parts: [Part] = []
        var firstParts: [Int] = []
        var firstRow = 0
        for (index, row) in rows.enumerated() {
            let end = row.piece.position + row.row + 1
            let start = c.window.map { max(0, end - $0) } ?? 0
            var size = 512
            while (end - 1) / size - start / size >= AbsorbedForm.parts / 2 { size *= 2 }
            let needed = (end - 1) / size - start / size + 1
            if parts.count + needed > AbsorbedForm.parts {
                readParts(form, layer, rows, parts)
                merge(form, firstRow, firstParts, parts.count)
                (firstRow, parts, firstParts) = (index, [], [])
            }
            firstParts.append(parts.count)
            for part in start / size...(end - 1) / size {
                parts.append(Part(row: index, key: max(start, part * size), end: min(end, (part + 1) * size)))
            }
        }
        readParts(form, layer, rows, parts)
        merge(form, firstRow, firstParts, parts.count)
        pool.run(heads) { begin, end, _ in
            for head in begin..<end {
                let input = form.mergedIn + head * AbsorbedForm.rows * form.mergedInBytes
                kernels.prepare(
                    input, CK_BF16, form.merged + head * rank, Int64(heads * rank), count, Int64(rank))
                withUnsafePointer(to: up.valueUp[head].packed) { matrix in
                    for (index, row) in rows.enumerated() {
                        kernels.gemm(
                            w.mlaOut.floats + (row.piece.row + row.row) * w.mlaOut.stride + head * value,
                            Int64(value), input + index * form.mergedInBytes, Int64(form.mergedInBytes), 1,
                            matrix, 0, ck_panel_count(Int64(value)))
                    }
                }
            }
        }
    }

    private func readParts(
        _ form: AbsorbedForm, _ layer: Int, _ rows: [(piece: Piece, row: Int)], _ parts: [Part]
    ) {
        let c = config
        let heads = c.mlaHeads
        pool.run(parts.count) { begin, end, worker in
            for index in begin..<end {
                let part = parts[index]
                let (piece, row) = rows[part.row]
                // In stretches that lie together; a cut at a multiple of 64 changes no bit.
                var key = part.key
                while key < part.end {
                    let end = min(part.end, piece.state.contiguousEnd(key))
                    var arguments = ck_mla_absorbed(
                        z: form.sums + index * heads * c.latentRank, ld_z: Int64(heads * c.latentRank),
                        row_max: form.partMax + index * heads, row_sum: form.partSum + index * heads,
                        q: form.query + part.row * heads * c.latentWidth, ld_q: Int64(heads * c.latentWidth),
                        cache: piece.state.latentRow(layer, key), ld_cache: Int64(c.latentWidth), T: 1,
                        H: Int64(heads), r: Int64(c.latentRank), dr: Int64(c.ropeWidth),
                        query0: Int64(piece.position + row), key0: Int64(key), S: Int64(end - key),
                        window: Int64(c.window ?? 0), scale: 1 / Float(c.queryWidth).squareRoot(),
                        first: key == part.key, last: false)
                    kernels.mla_absorbed(
                        &arguments, 0, Int64(heads), form.scratch + worker * form.scratchBytes)
                    if end % piece.state.segmentRows == 0 { piece.state.letGo(layer, key..<end) }
                    key = end
                }
            }
        }
    }

    /// Rows `firstRow...`, row i of which has its parts from `firstParts[i]` on.
    private func merge(_ form: AbsorbedForm, _ firstRow: Int, _ firstParts: [Int], _ count: Int) {
        let heads = config.mlaHeads
        let rank = config.latentRank
        pool.run(firstParts.count * heads, grain: 8) { begin, end, _ in
            for item in begin..<end {
                let (row, head) = (item / heads, item % heads)
                let first = firstParts[row]
                let parts = (row + 1 < firstParts.count ? firstParts[row + 1] : count) - first
                kernels.mla_merge(
                    form.merged + ((firstRow + row) * heads + head) * rank,
                    form.sums + (first * heads + head) * rank, Int64(heads * rank),
                    form.partMax + first * heads + head, form.partSum + first * heads + head, Int64(heads),
                    Int64(parts), Int64(rank))
            }
        }
    }
}

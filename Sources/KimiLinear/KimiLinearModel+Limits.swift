import CKernels

// What this machine could do at most: the measures that `lector bench` sets its rates against.
extension KimiLinearModel {
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

    /// Seconds of one bare pass over the weights that a decoding step reads, the head's among them:
    /// every matrix times one row in a single parallel loop, nothing between. The median of some
    /// passes, as a step meets the memory.
    public func measureWeightPass() -> Double {
        let matrices = stepMatrices.map(\.packed)
        let row = AlignedBytes(matrices.map { Int(ck_activation_row_bytes($0.format, $0.K)) }.max()!)
        row.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: row.count)
        let out = AlignedBytes(matrices.map { Int($0.N) * 4 }.max()!)
        // Tiles of panels, in the order of the layers.
        let size: Int64 = 8
        var tiles: [(matrix: Int, panel: Int64)] = []
        for (index, matrix) in matrices.enumerated() {
            for panel in stride(from: 0, to: ck_panel_count(matrix.N), by: Int(size)) {
                tiles.append((index, panel))
            }
        }
        var seconds: [Double] = []
        lock.withLock {
            for _ in 0..<15 {
                let start = monotonicSeconds()
                pool.run(tiles.count, grain: 2) { begin, end, _ in
                    for tile in tiles[begin..<end] {
                        withUnsafePointer(to: matrices[tile.matrix]) {
                            kernels.gemm(
                                out.floats(), $0.pointee.N, row.pointer,
                                ck_activation_row_bytes($0.pointee.format, $0.pointee.K), 1, $0, tile.panel,
                                min(tile.panel + size, ck_panel_count($0.pointee.N)))
                        }
                    }
                }
                seconds.append(monotonicSeconds() - start)
            }
        }
        return seconds.sorted()[seconds.count / 2]
    }

    /// The matrices that one token meets; of experts, as many as it chooses.
    private var stepMatrices: [Matrix] {
        var all: [Matrix] = []
        func add(_ feed: ModelWeights.FeedForward) { all += [feed.gate, feed.up, feed.down] }
        for layer in weights.layers {
            switch layer.mixer {
            case .kda(let kda):
                all += [kda.q, kda.k, kda.v, kda.fA, kda.gA, kda.b, kda.fB, kda.gB, kda.o]
            case .mla(let mla): all += [mla.q, mla.kvA, mla.kvB, mla.o]
            }
            switch layer.feed {
            case .dense(let feed): add(feed)
            case .moe(let moe):
                all.append(moe.router)
                for expert in moe.experts.prefix(config.expertsPerToken) { add(expert) }
                if let shared = moe.shared { add(shared) }
            }
        }
        return all + [weights.head]
    }
}

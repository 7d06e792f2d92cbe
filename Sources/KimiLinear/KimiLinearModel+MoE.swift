import CKernels

extension KimiLinearModel {
    /// x += shared(normed) + sum over the chosen experts of weight * expert(normed).
    ///
    /// Rows are grouped by expert, so that each expert's matrices meet all their rows at once;
    /// a row's sum runs over its experts in descending order of score, whatever its neighbours.
    func feedForward(_ moe: ModelWeights.Experts, norm weight: UnsafePointer<Float>, rows: Int) {
        let w = workspace
        let c = config
        let choices = c.expertsPerToken
        let hidden = c.hidden
        let width = c.expertIntermediate
        var needs = Activations.Needs(moe.router)
        if let shared = moe.shared {
            needs.add(shared.gate)
            needs.add(shared.up)
        }
        for expert in moe.experts {
            needs.add(expert.gate)
            needs.add(expert.up)
        }
        normAll(rows, weight, needs)
        multiply([Product(moe.router, w.normed, rows: rows, to: w.routerLogits, stride: c.experts)])
        pool.run(rows, grain: 32) { begin, end, _ in
            kernels.moe_route(
                w.routerIndex + begin * choices, w.routerWeight + begin * choices,
                w.routerLogits + begin * c.experts, Int64(c.experts), moe.bias, Int64(end - begin),
                Int64(c.experts), Int64(choices), Int64(c.expertGroups), Int64(c.groupsPerToken),
                c.renormalizesRouter, c.routedScale)
        }
        // Counting sort of the slots by expert.
        var starts = [Int](repeating: 0, count: c.experts + 1)
        let slots = rows * choices
        for choice in 0..<slots { starts[Int(w.routerIndex[choice]) + 1] += 1 }
        for expert in 0..<c.experts { starts[expert + 1] += starts[expert] }
        var next = starts
        for choice in 0..<slots {
            let expert = Int(w.routerIndex[choice])
            w.slotOfChoice[choice] = Int32(next[expert])
            w.rowOfSlot[next[expert]] = Int32(choice / choices)
            next[expert] += 1
        }
        var inputNeeds = Activations.Needs()
        var outputNeeds = Activations.Needs()
        var usesFloats = false
        for expert in moe.experts {
            inputNeeds.add(expert.gate)
            inputNeeds.add(expert.up)
            outputNeeds.add(expert.down)
            usesFloats =
                usesFloats || expert.gate.packed.format == CK_F32 || expert.up.packed.format == CK_F32
        }
        pool.run(slots, grain: 32) { begin, end, _ in
            for slot in begin..<end {
                let row = Int(w.rowOfSlot[slot])
                if usesFloats {
                    (w.slotIn.floats + slot * hidden).update(
                        from: w.normed.floats + row * hidden, count: hidden)
                }
                if inputNeeds.contains(.eight) {
                    let size = w.normed.eightBytes
                    (w.slotIn.eight + slot * size).copyMemory(
                        from: w.normed.eight + row * size, byteCount: size)
                }
                if inputNeeds.contains(.sixteen) {
                    let size = w.normed.sixteenBytes
                    (w.slotIn.sixteen + slot * size).copyMemory(
                        from: w.normed.sixteen + row * size, byteCount: size)
                }
            }
        }
        var products: [Product] = []
        func collect(
            _ matrix: (ModelWeights.FeedForward) -> Matrix, _ input: Activations,
            _ output: UnsafeMutablePointer<Float>, _ stride: Int
        ) {
            for (expert, weights) in moe.experts.enumerated() where starts[expert + 1] > starts[expert] {
                let first = starts[expert]
                products.append(
                    Product(
                        matrix(weights), input, firstRow: first, rows: starts[expert + 1] - first,
                        to: output + first * stride, stride: stride))
            }
        }
        collect(\.gate, w.slotIn, w.slotInner.floats, width)
        collect(\.up, w.slotIn, w.slotUp, width)
        multiply(products)
        pool.run(slots, grain: 16) { begin, end, _ in
            let gate = w.slotInner.floats + begin * width
            kernels.silu_multiply(
                gate, Int64(width), gate, Int64(width), w.slotUp + begin * width, Int64(width),
                Int64(end - begin), Int64(width))
            w.slotInner.prepare(kernels, outputNeeds, begin..<end)
        }
        products.removeAll(keepingCapacity: true)
        collect(\.down, w.slotInner, w.slotDown, hidden)
        multiply(products)
        if let shared = moe.shared {
            feedForward(shared, RowBlock(rows: 0..<rows, local: 0, isAlone: false))
        } else {
            w.delta.update(repeating: 0, count: rows * hidden)
        }
        pool.run(rows, grain: 16) { begin, end, _ in
            for row in begin..<end {
                let out = w.delta + row * hidden
                for choice in row * choices..<(row + 1) * choices {
                    let weight = w.routerWeight[choice]
                    let part = w.slotDown + Int(w.slotOfChoice[choice]) * hidden
                    for i in 0..<hidden { out[i] += weight * part[i] }
                }
                kernels.add(w.x + row * hidden, out, Int64(hidden))
            }
        }
    }
}

extension ModelConfig {
    /// Weights of all matrices that one token meets, each one multiply-add: projections, feed-forward
    /// and the chosen experts; not the recurrence, not attention's own products.
    ///
    /// - Parameter withHead: Whether logits are computed.
    public func multiplyAddsPerToken(withHead: Bool) -> Int {
        var total = withHead ? vocabularySize * hidden : 0
        for (kind, feed) in zip(layers, feedForward) {
            switch kind {
            case .kda:
                total += 4 * kdaWidth * hidden + 2 * kdaHeadWidth * (hidden + kdaWidth) + kdaHeads * hidden
            case .mla:
                total += mlaHeads * (queryWidth + valueWidth) * hidden + latentWidth * hidden
                total += mlaHeads * (nopeWidth + valueWidth) * latentRank
            }
            switch feed {
            case .dense: total += 3 * hidden * intermediate
            case .moe:
                total +=
                    experts * hidden + 3 * hidden * expertIntermediate * (expertsPerToken + sharedExperts)
            }
        }
        return total
    }

    /// Numbers in all tensors.
    public var parameterCount: Int { catalog.reduce(0) { $0 + $1.count } }
}

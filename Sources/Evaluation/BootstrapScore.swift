import JSON

/// A score of a set of documents, with the middle 95 % of 1,000 resamples of them (seeded).
package struct BootstrapScore: Equatable, Sendable {
    package var value: Double
    package var low: Double
    package var high: Double

    init<Item>(of items: [Item], _ statistic: ([Item]) -> Double) {
        guard !items.isEmpty else {
            (value, low, high) = (0, 0, 0)
            return
        }
        var random = SplitMix64(state: 1)
        var values: [Double] = []
        for _ in 0..<1000 {
            values.append(statistic(items.map { _ in items[Int(random.next() % UInt64(items.count))] }))
        }
        values.sort()
        (value, low, high) = (statistic(items), values[25], values[974])
    }

    package var json: JSONValue {
        .object([
            JSONMember("value", .decimal(value)), JSONMember("low", .decimal(low)),
            JSONMember("high", .decimal(high)),
        ])
    }
}

import JSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether two runs over the same items differ by more than chance.
package struct PairedTest: Sendable, Equatable {
    /// The score that is compared.
    package var name: String
    package var first: Double
    package var second: Double
    /// How often a difference as large comes about when the runs are exchanged at random, item by item.
    package var p: Double
    /// Items on which the first alone is right, and the second alone; nil where items are not right or wrong.
    package var alone: (first: Int, second: Int)?

    package static func == (left: PairedTest, right: PairedTest) -> Bool { left.json == right.json }

    /// Approximate randomization: 2,000 exchanges, seeded.
    ///
    /// Source: Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989.
    init<Item>(
        _ name: String, _ first: [Item], _ second: [Item], statistic: ([Item]) -> Double
    ) {
        self.name = name
        self.first = statistic(first)
        self.second = statistic(second)
        let seen = abs(self.first - self.second)
        var random = SplitMix64(state: 2)
        var asLarge = 1
        let rounds = 2000
        for _ in 0..<rounds {
            var (one, two) = (first, second)
            for index in one.indices where random.next() & 1 == 1 {
                (one[index], two[index]) = (second[index], first[index])
            }
            if abs(statistic(one) - statistic(two)) >= seen - 1e-12 { asLarge += 1 }
        }
        p = Double(asLarge) / Double(rounds + 1)
    }

    /// McNemar's exact test of two lists of right and wrong.
    ///
    /// Source: McNemar, Psychometrika 12, 1947; the binomial form.
    package init(accuracyOf first: [Bool], _ second: [Bool]) {
        name = "accuracy"
        let share = { (list: [Bool]) in list.isEmpty ? 0 : Double(list.count { $0 }) / Double(list.count) }
        (self.first, self.second) = (share(first), share(second))
        let own = zip(first, second).count { $0 && !$1 }
        let others = zip(first, second).count { !$0 && $1 }
        alone = (own, others)
        let count = own + others
        // Twice the tail of the binomial distribution of the smaller number, a half each.
        var (sum, term) = (0.0, -Double(count) * log(2))
        for k in 0...min(own, others) {
            sum += exp(term)
            term += log(Double(count - k)) - log(Double(k + 1))
        }
        p = min(1, 2 * sum)
    }

    package var json: JSONValue {
        var members = [
            JSONMember("score", .string(name)), JSONMember("first", .decimal(first)),
            JSONMember("second", .decimal(second)), JSONMember("p", .decimal(p)),
        ]
        if let alone {
            members.append(JSONMember("firstAlone", .integer(alone.first)))
            members.append(JSONMember("secondAlone", .integer(alone.second)))
        }
        return .object(members)
    }

    /// Lines for a terminal.
    package static func table(_ tests: [PairedTest]) -> String {
        aligned(
            [["paired", "this", "other", "difference", "p"]]
                + tests.map {
                    [
                        $0.name, percent($0.first), percent($0.second), percent($0.first - $0.second),
                        fixed($0.p, 4),
                    ]
                })
    }
}

/// Numbers at random, the same every time.
///
/// Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

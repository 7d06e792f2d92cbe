import JSON

/// Rows of extract or summarize against gold answers.
///
/// A gold line is `{"item": ADDRESS, "data": {FIELD: VALUE, ...}}` or `{"item": ADDRESS, "summary": TEXT}`
/// (or a list of texts); without `item` lines go by the order of the rows. Each score has a bootstrap
/// interval over the documents (1,000 resamples, seeded, 95 %).
package struct AnswerScores {
    /// A mean over documents with the ends of its interval.
    package struct Score: Equatable, Sendable {
        package var value: Double
        package var low: Double
        package var high: Double
    }

    private struct Counts {
        var expected = 0.0, given = 0.0, exact = 0.0, partial = 0.0
        var grounded = 0.0, spans = 0.0
    }

    private var gold: [JSONValue]
    private var byItem: [String: Int] = [:]
    private var used: Set<Int> = []
    private var rows = 0
    private var counts: [Counts] = []
    private var rouge: [Rouge] = []
    package let isSummary: Bool

    /// - Throws: ``RowError`` with the line's number.
    package init(jsonLines text: some Collection<UInt8>) throws(RowError) {
        gold = []
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            let value: JSONValue
            do { value = try JSONValue(parsing: line) } catch {
                throw RowError("line \(index + 1) of the gold file is \(error)")
            }
            guard value["data"] != nil || value["summary"] != nil else {
                throw RowError("line \(index + 1) of the gold file has neither \"data\" nor \"summary\"")
            }
            if let item = value["item"]?.string { byItem[item] = gold.count }
            gold.append(value)
        }
        isSummary = gold.first?["summary"] != nil
    }

    /// Whether a gold file is of this kind: its first line has `data` or `summary`.
    package static func fits(_ text: some Collection<UInt8>) -> Bool {
        guard let line = text.split(separator: UInt8(ascii: "\n")).first,
            let value = try? JSONValue(parsing: line)
        else {
            return false
        }
        return value["label"] == nil && (value["data"] != nil || value["summary"] != nil)
    }

    package mutating func add(_ row: JSONValue) {
        defer { rows += 1 }
        let item = row["item"]?.string ?? ""
        let name = item.split(separator: "/").last.map(String.init) ?? item
        guard let place = byItem.isEmpty ? (rows < gold.count ? rows : nil) : byItem[item] ?? byItem[name],
            used.insert(place).inserted
        else { return }
        score(row, gold[place])
    }

    /// Gold lines without a row count as rows without an answer.
    package mutating func finish() {
        for place in gold.indices where !used.contains(place) { score(.object([]), gold[place]) }
    }

    private mutating func score(_ row: JSONValue, _ gold: JSONValue) {
        if isSummary {
            let references =
                gold["summary"]?.string.map { [$0] } ?? gold["summary"]?.array?.compactMap(\.string) ?? []
            rouge.append(Rouge(summary: row["summary"]?.string ?? "", references: references))
            return
        }
        var count = Counts()
        for member in gold["data"]?.members ?? [] {
            let expected = Self.values(member.value)
            var given = Self.values(row["data"]?[member.name] ?? .null)
            count.expected += Double(expected.count)
            count.given += Double(given.count)
            var rest: [String] = []
            for value in expected {
                if let index = given.firstIndex(of: value) {
                    given.remove(at: index)
                    count.exact += 1
                    count.partial += 1
                } else {
                    rest.append(value)
                }
            }
            for value in rest {
                guard let index = given.firstIndex(where: { $0.contains(value) || value.contains($0) }) else {
                    continue
                }
                given.remove(at: index)
                count.partial += 1
            }
        }
        for field in row["fields"]?.array ?? [] where field["grounded"] != nil {
            count.spans += 1
            let isSlice = (field["spans"]?.array ?? []).first?["text"]?.string == field["value"]?.string
            if field["grounded"]?.bool == true, isSlice { count.grounded += 1 }
        }
        counts.append(count)
    }

    /// The values of a field as texts, white space and letter case apart.
    private static func values(_ value: JSONValue) -> [String] {
        switch value {
        case .null: []
        case .array(let list): list.flatMap { values($0) }
        case .object(let members): members.flatMap { values($0.value) }
        case .string(let text):
            [text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")]
        default: [value.text]
        }
    }

    private static func f1(_ counts: [Counts], _ hits: (Counts) -> Double) -> Double {
        let hit = counts.reduce(0) { $0 + hits($1) }
        let both = counts.reduce(0) { $0 + $1.expected + $1.given }
        return both == 0 ? 1 : 2 * hit / both
    }

    /// Names of scores with their values.
    package var scores: [(name: String, score: Score)] {
        if isSummary {
            func mean(_ part: @escaping (Rouge) -> Double) -> Score {
                Self.interval(rouge) { $0.isEmpty ? 0 : $0.reduce(0) { $0 + part($1) } / Double($0.count) }
            }
            return [("rouge-1", mean(\.one)), ("rouge-2", mean(\.two)), ("rouge-l", mean(\.longest))]
        }
        return [
            ("exact f1", Self.interval(counts) { Self.f1($0, \.exact) }),
            ("partial f1", Self.interval(counts) { Self.f1($0, \.partial) }),
            (
                "exact precision",
                Self.interval(counts) { list in
                    let given = list.reduce(0) { $0 + $1.given }
                    return given == 0 ? 1 : list.reduce(0) { $0 + $1.exact } / given
                }
            ),
            (
                "exact recall",
                Self.interval(counts) { list in
                    let expected = list.reduce(0) { $0 + $1.expected }
                    return expected == 0 ? 1 : list.reduce(0) { $0 + $1.exact } / expected
                }
            ),
            (
                "strings that are their span",
                Self.interval(counts) { list in
                    let spans = list.reduce(0) { $0 + $1.spans }
                    return spans == 0 ? 1 : list.reduce(0) { $0 + $1.grounded } / spans
                }
            ),
        ]
    }

    package var documents: Int { isSummary ? rouge.count : counts.count }

    /// A statistic with the middle 95 % of 1,000 resamples (SplitMix64 from 1).
    private static func interval<Element>(_ list: [Element], _ statistic: ([Element]) -> Double) -> Score {
        guard !list.isEmpty else { return Score(value: 0, low: 0, high: 0) }
        var state: UInt64 = 1
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        var values: [Double] = []
        for _ in 0..<1000 {
            values.append(statistic(list.map { _ in list[Int(next() % UInt64(list.count))] }))
        }
        values.sort()
        return Score(value: statistic(list), low: values[25], high: values[974])
    }

    package var json: JSONValue {
        .object(
            [JSONMember("documents", .integer(documents))]
                + scores.map { name, score in
                    JSONMember(
                        name,
                        .object([
                            JSONMember("value", .decimal(score.value)),
                            JSONMember("low", .decimal(score.low)),
                            JSONMember("high", .decimal(score.high)),
                        ]))
                })
    }

    package var table: String {
        var out = "\(documents) documents\n"
        for (name, score) in scores {
            let percent = { (value: Double) in JSONValue.decimal(value * 100, places: 1).text }
            out +=
                "  \(name): \(percent(score.value)) (95 %: \(percent(score.low)) to \(percent(score.high)))\n"
        }
        return out
    }
}

import JSON

/// Rows of extract or summarize against gold answers.
///
/// A gold line is `{"item": ADDRESS, "data": {FIELD: VALUE, ...}}` or `{"item": ADDRESS, "summary": TEXT}`
/// (or a list of texts); without `item` lines go by the order of the rows. With `data` may stand
/// `"spans": {FIELD: [{"start": BYTE, "end": BYTE}, ...]}` (and `part`): where the values stand. Each score has a
/// bootstrap interval over the documents (1,000 resamples, seeded, 95 %).
package struct AnswerScores {
    /// What one document counts.
    struct Outcome: Sendable {
        var item = ""
        var expected = 0.0, given = 0.0, exact = 0.0, partial = 0.0
        var strings = 0.0, grounded = 0.0
        var spansExpected = 0.0, spansGiven = 0.0, spansExact = 0.0, spansTouched = 0.0
        var rouge: Rouge?

        mutating func add(_ other: Outcome) {
            expected += other.expected
            given += other.given
            exact += other.exact
            partial += other.partial
            strings += other.strings
            grounded += other.grounded
            spansExpected += other.spansExpected
            spansGiven += other.spansGiven
            spansExact += other.spansExact
            spansTouched += other.spansTouched
        }
    }

    package let isSummary: Bool
    private var gold: [JSONValue]
    private var byItem: [String: Int] = [:]
    private var rows = 0
    /// By gold line; nil until its row came.
    private(set) var outcomes: [Outcome?]
    /// Counts of each field, in the order of the gold file.
    private(set) var fields: [(name: String, counts: Outcome)] = []
    /// Every value that was found, right or wrong, with its probability.
    private(set) var valueScores = ClassificationScores(labels: ["right", "wrong"])

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
        outcomes = [Outcome?](repeating: nil, count: gold.count)
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
            outcomes[place] == nil
        else { return }
        outcomes[place] = score(row, gold[place])
        outcomes[place]!.item = item
    }

    /// Gold lines without a row count as rows without an answer.
    package mutating func finish() {
        for place in gold.indices where outcomes[place] == nil {
            outcomes[place] = score(.object([]), gold[place])
            outcomes[place]!.item = gold[place]["item"]?.string ?? "row \(place)"
        }
    }

    // MARK: One document

    private mutating func score(_ row: JSONValue, _ gold: JSONValue) -> Outcome {
        var outcome = Outcome()
        if isSummary {
            let references =
                gold["summary"]?.string.map { [$0] } ?? gold["summary"]?.array?.compactMap(\.string) ?? []
            outcome.rouge = Rouge(summary: row["summary"]?.string ?? "", references: references)
            return outcome
        }
        for member in gold["data"]?.members ?? [] {
            var counts = Self.compare(
                Self.values(member.value), Self.values(row["data"]?[member.name] ?? .null))
            let found = Self.found(row, member.name)
            if let spans = gold["spans"]?[member.name]?.array {
                Self.compare(spans.compactMap(Place.init), found.compactMap(\.place), into: &counts)
            }
            let right = Set(Self.values(member.value))
            for leaf in found {
                guard let probability = leaf.probability, let value = Self.values(leaf.value).first else {
                    continue
                }
                valueScores.add(
                    gold: "right", predicted: right.contains(value) ? "right" : "wrong",
                    probability: probability)
            }
            outcome.add(counts)
            if let known = fields.firstIndex(where: { $0.name == member.name }) {
                fields[known].counts.add(counts)
            } else {
                fields.append((member.name, counts))
            }
        }
        for field in row["fields"]?.array ?? [] where field["grounded"] != nil {
            outcome.strings += 1
            let isSlice = (field["spans"]?.array ?? []).first?["text"]?.string == field["value"]?.string
            if field["grounded"]?.bool == true, isSlice { outcome.grounded += 1 }
        }
        return outcome
    }

    /// Bytes of a part; of any part where none is named.
    private struct Place: Equatable {
        var part: String?
        var range: Range<Int>

        init?(_ json: JSONValue) {
            guard let start = json["start"]?.integer ?? json.array?.first?.integer,
                let end = json["end"]?.integer ?? json.array?.last?.integer, 0 <= start, start <= end
            else { return nil }
            part = json["part"]?.string
            range = start..<end
        }

        func isSamePart(_ other: Place) -> Bool { part == nil || other.part == nil || part == other.part }
    }

    private typealias Leaf = (value: JSONValue, probability: Double?, place: Place?)

    /// The values of a field that a row has and does not hold back.
    private static func found(_ row: JSONValue, _ name: String) -> [Leaf] {
        (row["fields"]?.array ?? []).compactMap { field in
            let steps = (field["field"]?.string ?? "").split(separator: "/").filter { Int($0) == nil }
            guard steps.first.map(String.init) == name, let value = field["value"], !value.isNull,
                field["withheld"] == nil
            else { return nil }
            return (value, field["probability"]?.double, field["spans"]?.array?.first.flatMap(Place.init))
        }
    }

    private static func compare(_ expected: [String], _ given: [String]) -> Outcome {
        var counts = Outcome()
        var given = given
        counts.expected = Double(expected.count)
        counts.given = Double(given.count)
        var rest: [String] = []
        for value in expected {
            if let index = given.firstIndex(of: value) {
                given.remove(at: index)
                counts.exact += 1
                counts.partial += 1
            } else {
                rest.append(value)
            }
        }
        for value in rest {
            guard let index = given.firstIndex(where: { $0.contains(value) || value.contains($0) }) else {
                continue
            }
            given.remove(at: index)
            counts.partial += 1
        }
        return counts
    }

    private static func compare(_ expected: [Place], _ given: [Place], into counts: inout Outcome) {
        counts.spansExpected = Double(expected.count)
        counts.spansGiven = Double(given.count)
        var (exact, touched) = (given, given)
        for place in expected {
            if let index = exact.firstIndex(where: { $0.range == place.range && $0.isSamePart(place) }) {
                exact.remove(at: index)
                counts.spansExact += 1
            }
            if let index = touched.firstIndex(where: {
                $0.range.overlaps(place.range) && $0.isSamePart(place)
            }) {
                touched.remove(at: index)
                counts.spansTouched += 1
            }
        }
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

    // MARK: Scores

    private static func ratio(
        _ list: [Outcome], _ hits: (Outcome) -> Double, of all: (Outcome) -> Double, times factor: Double = 1
    ) -> Double {
        let whole = list.reduce(0) { $0 + all($1) }
        return whole == 0 ? 1 : factor * list.reduce(0) { $0 + hits($1) } / whole
    }

    static func f1(_ list: [Outcome], _ hits: (Outcome) -> Double) -> Double {
        ratio(list, hits, of: { $0.expected + $0.given }, times: 2)
    }

    /// Names of scores with how they are had from documents.
    var statistics: [(name: String, value: @Sendable ([Outcome]) -> Double)] {
        if isSummary {
            @Sendable func mean(_ list: [Outcome], _ part: (Rouge) -> Double) -> Double {
                list.isEmpty ? 0 : list.reduce(0) { $0 + part($1.rouge!) } / Double(list.count)
            }
            return [
                ("rouge-1", { mean($0, \.one) }), ("rouge-2", { mean($0, \.two) }),
                ("rouge-l", { mean($0, \.longest) }),
            ]
        }
        var list: [(name: String, value: @Sendable ([Outcome]) -> Double)] = [
            ("exact f1", { Self.f1($0, \.exact) }), ("partial f1", { Self.f1($0, \.partial) }),
            ("exact precision", { Self.ratio($0, \.exact, of: \.given) }),
            ("exact recall", { Self.ratio($0, \.exact, of: \.expected) }),
        ]
        if outcomes.contains(where: { ($0?.spansExpected ?? 0) > 0 }) {
            let both = { @Sendable (outcome: Outcome) in outcome.spansExpected + outcome.spansGiven }
            list.append(("span f1", { Self.ratio($0, \.spansExact, of: both, times: 2) }))
            list.append(("span overlap f1", { Self.ratio($0, \.spansTouched, of: both, times: 2) }))
        }
        list.append(("strings that are their span", { Self.ratio($0, \.grounded, of: \.strings) }))
        return list
    }

    /// Names of scores with their values.
    package var scores: [(name: String, score: BootstrapScore)] {
        let list = outcomes.compactMap { $0 }
        return statistics.map { ($0.name, BootstrapScore(of: list, $0.value)) }
    }

    package var documents: Int { outcomes.count { $0 != nil } }

    /// This run against another one over the same gold file.
    package func compared(with other: AnswerScores) -> [PairedTest] {
        let (own, others) = (outcomes.compactMap { $0 }, other.outcomes.compactMap { $0 })
        precondition(own.count == others.count, "two runs are compared over one gold file")
        return statistics.map { PairedTest($0.name, own, others, statistic: $0.value) }
    }

    package var json: JSONValue {
        var members = [JSONMember("documents", .integer(documents))]
        for (name, score) in scores { members.append(JSONMember(name, score.json)) }
        if !isSummary {
            members.append(
                JSONMember(
                    "fields",
                    .object(
                        fields.map {
                            JSONMember(
                                $0.name,
                                .object([
                                    JSONMember("exact f1", .decimal(Self.f1([$0.counts], \.exact))),
                                    JSONMember("partial f1", .decimal(Self.f1([$0.counts], \.partial))),
                                    JSONMember("expected", .integer(Int($0.counts.expected))),
                                    JSONMember("given", .integer(Int($0.counts.given))),
                                ]))
                        })))
            members.append(
                JSONMember("expectedCalibrationError", .decimal(valueScores.expectedCalibrationError)))
        }
        return .object(members)
    }

    package var table: String {
        var out = "\(documents) documents\n"
        for (name, score) in scores {
            let percent = { (value: Double) in JSONValue.decimal(value * 100, places: 1).text }
            out +=
                "  \(name): \(percent(score.value)) (95 %: \(percent(score.low)) to \(percent(score.high)))\n"
        }
        guard !isSummary else { return out }
        if valueScores.items > 0 {
            out += "  calibration of values: ECE \(fixed(valueScores.expectedCalibrationError, 4))\n"
        }
        let rows = fields.map { field in
            [
                HTMLText.cut(field.name, to: 40), "\(Int(field.counts.expected))",
                "\(Int(field.counts.given))",
                percent(Self.f1([field.counts], \.exact)), percent(Self.f1([field.counts], \.partial)),
            ]
        }
        return out + "\n" + aligned([["field", "gold", "given", "exact F1", "partial F1"]] + rows)
    }
}

import Documents
import JSON

/// A row of classify, extract, summarize or ask as the review page shows it.
package struct ReviewRow: Sendable {
    /// One value with the places that bear it out.
    struct Value: Sendable {
        /// What stands above the first of several that belong together.
        var group = ""
        var name: String
        var text: String
        var probability: Double?
        var nullProbability: Double?
        /// Words about it, such as `several places`.
        var notes: [String] = []
        var evidence: [Evidence] = []
    }

    struct Evidence: Sendable, Equatable {
        var part: String
        var range: Range<Int>
    }

    /// Values, and places of all of them, that a page shows of one row at most.
    static let mostValues = 200
    static let mostPlaces = 400
    /// Labels whose probabilities a page shows of one row at most.
    static let mostShares = 24
    /// Stands for an empty list of labels.
    static let noneOfThese = "none of these"

    package let item: String
    package let status: String
    let kind: ReviewKind
    /// What filters go by; a row of classify may have several.
    var labels: [String] = []
    var probability: Double?
    /// Whether it is of several documents, so that its evidence stands in more than one.
    package let isGroup: Bool
    /// What the list shows: a subject, a question, the first words of a summary.
    var headline = ""
    /// What the document is called, where the list shows what was found in it.
    private var title: String?
    var values: [Value] = []
    private let row: JSONValue

    /// - Throws: ``RowError`` for a line that is no row.
    package init(_ row: JSONValue, kind: ReviewKind) throws(RowError) {
        guard row.members != nil else { throw RowError("the line is not a JSON object") }
        guard let status = row["status"]?.string else { throw RowError("the row has no \"status\"") }
        self.row = row
        self.kind = kind
        self.status = status
        isGroup = row["documents"] != nil
        item = row["item"]?.string ?? row["id"]?.text ?? ""
        let metadata = row["metadata"]
        headline = metadata?["subject"]?.string ?? metadata?["title"]?.string ?? ""
        switch kind {
        case .classify:
            labels = ClassificationRow.given(row)
            let isRead = row["distribution"]?.members?.isEmpty == false
            if labels.isEmpty, isRead, row["labels"] != nil { labels = [Self.noneOfThese] }
            probability = row["probability"]?.double
        case .extract: readFields()
        case .summarize: readSentences()
        case .ask: readAnswer()
        }
        if kind == .extract || kind == .summarize {
            title =
                metadata?["subject"]?.string ?? metadata?["title"]?.string
                ?? item.split(separator: "/").last.map(String.init)
        }
        limitPlaces()
    }

    private mutating func readFields() {
        for field in (row["fields"]?.array ?? []).prefix(Self.mostValues) {
            let value = field["value"] ?? .null
            let (group, name) = Self.place(field["field"]?.string ?? "")
            var shown = Value(
                group: group, name: name, text: value.string ?? (value.isNull ? "" : value.text),
                probability: field["probability"]?.double, nullProbability: field["null_probability"]?.double)
            if value.isNull { shown.notes.append("not in the text") }
            if field["grounded"]?.bool == false { shown.notes.append("not copied from the text") }
            if field["withheld"]?.bool == true { shown.notes.append("below the threshold, not in the data") }
            if field["ambiguous"]?.bool == true { shown.notes.append("in several places") }
            shown.evidence = Self.evidence(field["spans"])
            values.append(shown)
        }
        let found = values.filter { $0.notes.first != "not in the text" }
        probability = found.compactMap(\.probability).min()
        labels = [found.isEmpty ? "nothing found" : found.count < values.count ? "in part" : "all found"]
        if !found.isEmpty {
            headline = found.prefix(6).map { "\($0.name.drop { $0 == "/" }): \($0.text)" }.joined(
                separator: " · ")
        }
    }

    /// The record that a JSON pointer leads into, and its field: `/orders/2/buyer` is `buyer` of `orders 3`.
    private static func place(_ pointer: String) -> (group: String, name: String) {
        let steps = pointer.split(separator: "/")
        guard let record = steps.dropLast().lastIndex(where: { Int($0) != nil }) else { return ("", pointer) }
        let words = steps[...record].map { Int($0).map { "\($0 + 1)" } ?? String($0) }
        return (
            (words.count == 1 ? ["record"] + words : words).joined(separator: " "),
            steps[(record + 1)...].joined(separator: "/")
        )
    }

    private mutating func readSentences() {
        let lists = [
            ("Summary", row["sentences"]), ("Summary of what is new", row["update"]?["sentences"]),
            ("Outline", row["outline"]),
        ]
        for (name, list) in lists {
            for (index, sentence) in (list?.array ?? []).prefix(Self.mostValues).enumerated() {
                // The lines of the source are no lines of a sentence.
                let text = sentence["text"]?.string ?? sentence["span"]?["text"]?.string ?? ""
                var value = Value(
                    group: name, name: sentence["heading"]?.string ?? "\(index + 1)",
                    text: text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
                if let count = sentence["sentences"]?.integer {
                    value.notes.append("the most telling of \(count)")
                }
                if let score = sentence["score"]?.double { value.notes.append("weight \(fixed(score, 4))") }
                if let support = sentence["support"]?.double {
                    value.notes.append("support \(fixed(support, 2))")
                }
                let spans = sentence["spans"] ?? .array([sentence["span"] ?? .null])
                value.evidence = Self.evidence(spans)
                values.append(value)
            }
        }
        labels = row["style"]?.string.map { [$0] } ?? []
        if let summary = row["summary"]?.string { headline = summary }
    }

    private mutating func readAnswer() {
        headline = row["question"]?.string ?? row["warning"]?.string ?? ""
        probability = row["probability"]?.double
        labels = [row["answer"]?.string == nil ? "not in the text" : "answered"]
        var answer = Value(
            name: "answer", text: row["answer"]?.string ?? "The text does not say.", probability: probability)
        if let from = row["from"]?.string { answer.notes.append("from \(from)") }
        answer.evidence = Self.evidence(row["spans"])
        values = [answer]
    }

    private static func evidence(_ spans: JSONValue?) -> [Evidence] {
        (spans?.array ?? []).compactMap { span in
            guard let part = span["part"]?.string, let start = span["start"]?.integer,
                let end = span["end"]?.integer, 0 <= start, start <= end
            else { return nil }
            return Evidence(part: part, range: start..<end)
        }
    }

    private mutating func limitPlaces() {
        // The chosen place of each value comes before the other places of any.
        var left = Self.mostPlaces - values.count { !$0.evidence.isEmpty }
        for index in values.indices where !values[index].evidence.isEmpty {
            values[index].evidence = Array(values[index].evidence.prefix(1 + max(0, left)))
            left -= values[index].evidence.count - 1
        }
    }

    /// Parts and bytes that the page marks.
    package var evidence: [(part: String, range: Range<Int>)] {
        values.flatMap { $0.evidence.map { ($0.part, $0.range) } }
    }

    /// Passages that `ask` read again.
    package var passages: [(part: String, range: Range<Int>)] {
        Self.evidence(row["passages"]).map { ($0.part, $0.range) }
    }

    // MARK: For the page's script

    /// What the list and its filters need.
    var summary: JSONValue {
        var members = [
            JSONMember("i", .string(ReviewText.line(item, 400))), JSONMember("s", .string(status)),
            JSONMember("t", .string(ReviewText.line(headline, 240))),
        ]
        if let title { members.append(JSONMember("u", .string(ReviewText.line(title, 240)))) }
        if !labels.isEmpty {
            members.append(JSONMember("l", .array(labels.map { .string(ReviewText.line($0, 200)) })))
        }
        if let probability { members.append(JSONMember("p", .decimal(probability, places: 4))) }
        if let from = row["metadata"]?["from"]?.string {
            members.append(JSONMember("f", .string(ReviewText.line(from, 200))))
        }
        return .object(members)
    }

    /// What is shown of a row that is chosen.
    package func details(_ excerpts: [ReviewExcerpts.Excerpt]) -> JSONValue {
        var members = [
            JSONMember("v", .array(values.map(Self.json))),
            JSONMember("x", .array(excerpts.map { json($0) })),
        ]
        var facts: [(String, String)] = [("status", status)]
        if row["labels"] != nil { facts.append(("labels", labels.joined(separator: ", "))) }
        facts += (row["metadata"]?.members ?? []).map { ($0.name, $0.value.string ?? $0.value.text) }
        if let twin = row["duplicate_of"]?.string { facts.append(("same text as", twin)) }
        if let tokens = row["tokens"]?.integer ?? row["read_tokens"]?.integer {
            facts.append(("tokens", "\(tokens)"))
        }
        if let read = row["read"]?.double, read < 1 { facts.append(("read", percent(read))) }
        members.append(
            JSONMember(
                "h",
                .array(
                    facts.prefix(24).map {
                        .array([
                            .string(ReviewText.line($0.0, 80)), .string(ReviewText.line($0.1, 400)),
                        ])
                    })))
        let warnings = (row["warnings"]?.array ?? []).prefix(8).compactMap(\.string)
        if !warnings.isEmpty {
            members.append(JSONMember("w", .array(warnings.map { .string(ReviewText.line($0, 300)) })))
        }
        let shares = Self.mostProbable(row["distribution"]?.members ?? [])
        if !shares.isEmpty {
            members.append(
                JSONMember(
                    "g", .array(shares.map { .array([.string(ReviewText.line($0.name, 200)), $0.value]) }))
            )
        }
        return .object(members)
    }

    /// The most probable labels, in the order in which they were given.
    private static func mostProbable(_ shares: [JSONMember]) -> [JSONMember] {
        let order = shares.indices.sorted {
            (shares[$1].value.double ?? 0, $0) < (shares[$0].value.double ?? 0, $1)
        }
        return order.prefix(mostShares).sorted().map { shares[$0] }
    }

    private static func json(_ value: Value) -> JSONValue {
        let group = value.group.isEmpty ? [] : [JSONMember("g", .string(ReviewText.line(value.group, 200)))]
        return .object(
            group + [
                JSONMember("n", .string(ReviewText.line(value.name, 200))),
                JSONMember("t", .string(ReviewText.visible(HTMLText.cut(value.text, to: 4000).utf8).text)),
                JSONMember("p", value.probability.map { .decimal($0, places: 4) } ?? .null),
                JSONMember("z", value.nullProbability.map { .decimal($0, places: 4) } ?? .null),
                JSONMember("o", .string(value.notes.joined(separator: ", "))),
            ])
    }

    /// An excerpt with its marks: `[start, end, place in the list of values]`, in UTF-16 units.
    private func json(_ excerpt: ReviewExcerpts.Excerpt) -> JSONValue {
        let shown = excerpt.start..<excerpt.start + excerpt.utf8.count
        var marks: [(range: Range<Int>, value: Int)] = []
        for (index, value) in values.enumerated() {
            for evidence in value.evidence where evidence.part == excerpt.part {
                let range = evidence.range.clamped(to: shown)
                if !range.isEmpty { marks.append((range, index)) }
            }
        }
        let edges = Set(marks.flatMap { [$0.range.lowerBound, $0.range.upperBound] }).sorted()
        let (text, places) = ReviewText.visible(excerpt.utf8, offsets: edges.map { $0 - excerpt.start })
        let unit = Dictionary(uniqueKeysWithValues: zip(edges, places))
        return .object([
            JSONMember("a", .string(ReviewText.line(excerpt.part, 400))),
            JSONMember("b", .integer(excerpt.start)), JSONMember("c", .bool(excerpt.isCut)),
            JSONMember("t", .string(text)),
            JSONMember(
                "m",
                .array(
                    marks.map {
                        .array([
                            .integer(unit[$0.range.lowerBound]!), .integer(unit[$0.range.upperBound]!),
                            .integer($0.value),
                        ])
                    })),
        ])
    }
}

/// Which verb made the rows of a page.
package enum ReviewKind: String, Sendable {
    case classify, extract, summarize, ask

    /// What a row is called.
    var noun: String { self == .ask ? "question" : "document" }
}

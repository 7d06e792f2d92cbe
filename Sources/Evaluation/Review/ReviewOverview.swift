import Documents
import JSON

/// Counts over all rows of a page, whether they are shown or not.
struct ReviewOverview: Sendable {
    private(set) var total = 0
    private var labels: [String: (count: Int, sum: Double)] = [:]
    /// Rows with a label or several.
    private var labelled = 0
    private var statuses: [String: Int] = [:]
    private var fields: [String: Int] = [:]
    private var fieldOrder: [String] = []
    private var tokens = 0
    private var duplicates = 0
    private var values = 0
    private var ungrounded = 0
    private var ambiguous = 0
    private var sections = 0

    mutating func add(_ row: ReviewRow, _ json: JSONValue) {
        total += 1
        statuses[row.status, default: 0] += 1
        for label in row.labels {
            let before = labels[label] ?? (0, 0)
            let probability = json["distribution"]?[label]?.double ?? row.probability ?? 0
            labels[label] = (before.count + 1, before.sum + probability)
        }
        if !row.labels.isEmpty, row.labels != [ReviewRow.noneOfThese] { labelled += 1 }
        if json["duplicate_of"] != nil {
            duplicates += 1
        } else {
            tokens += json["tokens"]?.integer ?? json["read_tokens"]?.integer ?? 0
        }
        guard row.kind == .extract else {
            values += row.values.count { $0.group != "Outline" }
            sections += row.values.count { $0.group == "Outline" }
            return
        }
        var seen: Set<String> = []
        for field in json["fields"]?.array ?? [] {
            let name = Self.fieldName(field["field"]?.string ?? "")
            if fields[name] == nil {
                guard fieldOrder.count < 40 else { continue }
                fieldOrder.append(name)
                fields[name] = 0
            }
            guard field["value"]?.isNull != true else { continue }
            values += 1
            if field["grounded"]?.bool == false { ungrounded += 1 }
            if field["ambiguous"]?.bool == true { ambiguous += 1 }
            if seen.insert(name).inserted { fields[name]! += 1 }
        }
    }

    /// A JSON pointer without the places in lists: `/decisions/3/owner` is `decisions/owner`.
    private static func fieldName(_ pointer: String) -> String {
        pointer.split(separator: "/").filter { Int($0) == nil }.joined(separator: "/")
    }

    func html(_ heading: ReviewPage.Heading) -> String {
        var out = "<div class=\"tiles\">\n"
        func tile(_ count: Int, _ name: String) { out += ReportPage.tile(ReportPage.grouped(count), name) }
        tile(total, heading.kind.noun + (total == 1 ? "" : "s"))
        switch heading.kind {
        case .classify:
            tile(labelled, "labelled")
            tile(statuses["abstained"] ?? 0, "abstained")
            tile(duplicates, "exact duplicates")
        case .extract:
            tile(values, "values found")
            tile(ambiguous, "in several places")
            tile(ungrounded, "not copied from the text")
        case .summarize:
            tile(values, "sentences chosen")
            if sections > 0 { tile(sections, "sections in outlines") }
        case .ask:
            tile(labels["answered"]?.count ?? 0, "answered")
            tile(labels["not in the text"]?.count ?? 0, "not in the text")
        }
        let unread = statuses.filter { $0.key.hasPrefix("failed") || $0.key.hasPrefix("skipped") }.values
        tile(unread.reduce(0, +), heading.kind == .ask ? "not understood" : "not read")
        if tokens > 0 { tile(tokens, "tokens read") }
        out += "</div>\n"
        guard total > 0 else { return out + "<p class=\"soft\">Nothing was found in the input.</p>\n" }
        return out + "<div class=\"two\">\n" + bars(heading) + statusBars(heading.kind) + "</div>\n"
    }

    private func bars(_ heading: ReviewPage.Heading) -> String {
        if heading.kind == .extract {
            guard !fieldOrder.isEmpty else { return "" }
            return card(
                "Fields",
                fieldOrder.enumerated().map { index, name in
                    (name, nil, fields[name]!, index, "documents have it")
                })
        }
        guard heading.kind == .classify else { return "" }
        let names = heading.labels + labels.keys.filter { !heading.labels.contains($0) }.sorted()
        return card(
            "Labels",
            names.prefix(40).enumerated().map { index, name in
                let (count, sum) = labels[name] ?? (0, 0)
                let mean = count > 0 ? "mean probability \(fixed(sum / Double(count), 3))" : ""
                return (name, "data-label", count, index, mean)
            })
    }

    private func statusBars(_ kind: ReviewKind) -> String {
        guard statuses.keys.contains(where: { $0 != "ok" }) else { return "" }
        let order = statuses.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return card(
            "Status",
            order.prefix(20).map {
                ($0.key, "data-state", $0.value, $0.key == "ok" ? 2 : 1, Self.meaning($0.key, kind))
            })
    }

    private func card(
        _ title: String, _ lines: [(name: String, filter: String?, count: Int, colour: Int, note: String)]
    ) -> String {
        var out = "<div><h2>\(title)</h2>\n<div class=\"card bars\">\n"
        for line in lines {
            let name = HTMLText.escaped(HTMLText.cut(line.name, to: 120))
            let share = Double(line.count) / Double(max(1, total))
            let shown = line.filter.map {
                "<button type=\"button\" class=\"pick\" \($0)=\"\(HTMLText.escaped(ReviewText.line(line.name, 200)))\">"
                    + "\(name)</button>"
            }
            out += "<div class=\"label\">\(shown ?? name)</div>\(ReportPage.bar(share, line.colour))"
            out += "<div class=\"n\">\(ReportPage.grouped(line.count)) <small>(\(fixed(share * 100, 1)) %"
            out += line.note.isEmpty ? ")" : "; \(HTMLText.escaped(line.note)))"
            out += "</small></div>\n"
        }
        return out + "</div></div>\n"
    }

    /// A status in words.
    private static func meaning(_ status: String, _ kind: ReviewKind) -> String {
        switch ItemStatus(status) {
        case .abstained: kind == .ask ? "the text does not say" : "no label reached the threshold"
        case .partial(.tokens): kind == .classify ? "longer than --max-tokens" : "the answer was cut off"
        case .partial(.damaged): "damaged; what could be read was read"
        case .skipped(.empty), .failed(.empty): "no text in it"
        case .failed(.encrypted), .skipped(.encrypted): "encrypted"
        case .failed(.damaged): "damaged beyond reading"
        case .failed(.unsupported), .skipped(.unsupported): "a kind that is not read"
        case .failed(.missing): "not there"
        case .failed(.unreadable): "may not be read"
        case .failed(.cycle): "a link to itself"
        case .failed(.crashed): "ended the process that read it"
        case .partial(let reason), .skipped(let reason), .failed(let reason):
            reason.rawValue.hasPrefix("limit.") ? "a limit was reached" : reason.rawValue
        case .ok, nil: ""
        }
    }
}

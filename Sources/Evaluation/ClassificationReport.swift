import Documents

/// `report.html` of a classification run, built from rows as they pass by.
///
/// Memory is bounded: counts, and at most `shownRows` rows, with those that need attention
/// kept before the others.
public struct ClassificationReport: Sendable {
    private var title: String
    private var labels: [String]
    private var model = ""
    private var note: String?
    private let shownRows: Int

    private var total = 0
    private var tokens = 0
    private var duplicates = 0
    private var abstained = 0
    private var notRead = 0
    private var partial = 0
    private var counts: [String: Int] = [:]
    private var sums: [String: Double] = [:]
    private var reasons: [String: Int] = [:]
    private var attention: [(index: Int, row: ClassificationRow)] = []
    private var others: [(index: Int, row: ClassificationRow)] = []

    /// - Parameters:
    ///   - title: What was classified, for the headline.
    ///   - labels: In the order in which they were given.
    ///   - note: One sentence under the headline, for example that this is a sample.
    public init(title: String, labels: [String], note: String? = nil, shownRows: Int = 4000) {
        self.title = title
        self.labels = labels
        self.note = note
        self.shownRows = shownRows
    }

    public mutating func add(_ row: ClassificationRow) {
        if model.isEmpty { model = row.model }
        total += 1
        if row.duplicateOf != nil { duplicates += 1 } else { tokens += row.tokens }
        switch row.status {
        case .ok: break
        case .abstained: abstained += 1
        case .partial: partial += 1
        case .skipped, .failed: notRead += 1
        }
        if !row.status.isComplete { reasons[row.status.description, default: 0] += 1 }
        if let label = row.label {
            counts[label, default: 0] += 1
            sums[label, default: 0] += row.probability ?? 0
        }
        let short = Self.shortened(row)
        if row.status == .ok {
            if others.count < shownRows { others.append((total - 1, short)) }
        } else if attention.count < shownRows {
            attention.append((total - 1, short))
        }
    }

    /// What the page shows of a row, so that a subject of a megabyte is not kept.
    private static func shortened(_ row: ClassificationRow) -> ClassificationRow {
        var short = row
        short.item = HTMLText.cut(row.item, to: 400)
        short.metadata = row.metadata.filter { ["subject", "from", "title"].contains($0.name) }
            .map { MetadataField(name: $0.name, value: HTMLText.cut($0.value, to: 200)) }
        short.warnings = row.warnings.prefix(3).map { HTMLText.cut($0, to: 200) }
        short.attachments = []
        return short
    }

    /// The page. `write` gets it in pieces, in order.
    public func write(_ write: (String) throws -> Void) rethrows {
        try write(ReportPage.head(title: "\(title) · lector"))
        try write(summary)
        try write(bars)
        try write(attentionList)
        try write(table)
        try write(
            "<footer>Made by <b>lector</b>: one file, no network; nothing of the documents runs in it. "
                + "Every row, with the whole distribution, is in the results file.</footer>\n")
        try write(ReportPage.foot)
    }

    private var summary: String {
        var out = "<header><div class=\"mark\">lector</div><h1>\(HTMLText.escaped(title))</h1>"
        out += "<div class=\"soft\">Labels: \(labels.map { HTMLText.escaped($0) }.joined(separator: ", "))"
        out += " · model \(HTMLText.escaped(model))</div>"
        if let note { out += "<div class=\"soft\">\(HTMLText.escaped(note))</div>" }
        out += "</header>\n<div class=\"tiles\">\n"
        let labelled = counts.values.reduce(0, +)
        out += ReportPage.tile(ReportPage.grouped(total), total == 1 ? "document" : "documents")
        out += ReportPage.tile(ReportPage.grouped(labelled), "labelled")
        out += ReportPage.tile(ReportPage.grouped(abstained), "abstained")
        out += ReportPage.tile(ReportPage.grouped(partial), "read in part")
        out += ReportPage.tile(ReportPage.grouped(notRead), "not read")
        out += ReportPage.tile(ReportPage.grouped(duplicates), "exact duplicates")
        out += ReportPage.tile(ReportPage.grouped(tokens), "tokens read")
        return out + "</div>\n"
    }

    private var bars: String {
        guard total > 0 else { return "<p class=\"soft\">Nothing was found in the input.</p>\n" }
        var out = "<h2>Labels</h2>\n<div class=\"card bars\">\n"
        let all = labels + counts.keys.filter { !labels.contains($0) }.sorted()
        for (index, label) in all.enumerated() {
            let count = counts[label] ?? 0
            let share = Double(count) / Double(total)
            let mean = count == 0 ? "" : ", mean probability \(fixed((sums[label] ?? 0) / Double(count), 3))"
            out += "<div class=\"label\">\(HTMLText.escaped(label))</div>\(ReportPage.bar(share, index))"
            out += "<div class=\"n\">\(ReportPage.grouped(count)) "
            out += "<small>(\(fixed(share * 100, 1)) %\(mean))</small></div>\n"
        }
        return out + "</div>\n"
    }

    private var attentionList: String {
        guard !reasons.isEmpty || abstained > 0 else { return "" }
        var out = "<h2>What needs a look</h2>\n<div class=\"card bars\">\n"
        var lines = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        if abstained > 0 { lines.insert((key: "abstained", value: abstained), at: 0) }
        for (status, count) in lines {
            out += "<div>\(Self.chip(status))</div>\(ReportPage.bar(Double(count) / Double(total), 1))"
            out += "<div class=\"n\">\(ReportPage.grouped(count)) "
            out += "<small>\(HTMLText.escaped(Self.meaning(status)))</small></div>\n"
        }
        return out + "</div>\n"
    }

    private static func chip(_ status: String) -> String {
        let kind =
            status == "ok"
            ? ""
            : status == "abstained" || status.hasPrefix("partial") || status.hasPrefix("skipped")
                ? " warn" : " bad"
        return "<span class=\"chip\(kind)\">\(HTMLText.escaped(status))</span>"
    }

    /// A status in words.
    private static func meaning(_ status: String) -> String {
        switch ItemStatus(status) {
        case .abstained: "no label reached the threshold"
        case .partial(.tokens): "longer than --max-tokens"
        case .partial(.damaged): "damaged; what could be read was read"
        case .skipped(.empty), .failed(.empty): "no text in it"
        case .failed(.encrypted), .skipped(.encrypted): "encrypted"
        case .failed(.damaged): "damaged beyond reading"
        case .failed(.unsupported), .skipped(.unsupported): "a kind that is not read"
        case .failed(.missing): "not there"
        case .failed(.unreadable): "may not be read"
        case .failed(.cycle): "a link to itself"
        case .partial(let reason), .skipped(let reason), .failed(let reason):
            reason.rawValue.hasPrefix("limit.") ? "a limit was reached" : reason.rawValue
        case .ok, nil: ""
        }
    }

    private var table: String {
        let kept = attention + others.prefix(max(0, shownRows - attention.count))
        let shown = kept.sorted { $0.index < $1.index }
        guard !shown.isEmpty else { return "" }
        var out = "<h2>Documents</h2>\n"
        if shown.count < total {
            out +=
                "<p class=\"soft\">\(ReportPage.grouped(shown.count)) of \(ReportPage.grouped(total)) rows, "
            out += "those that need a look first; all of them are in the results file.</p>\n"
        }
        out += "<div class=\"tools\" id=\"tools\" hidden><input id=\"find\" type=\"search\" "
        out += "placeholder=\"Find in item, subject, sender\" aria-label=\"Find\">"
        out += "<select id=\"label\" aria-label=\"Label\"><option value=\"\">every label</option>"
        for label in labels {
            let text = HTMLText.escaped(label)
            out += "<option value=\"\(text)\">\(text)</option>"
        }
        out += "</select><select id=\"state\" aria-label=\"Status\"><option value=\"\">every status</option>"
        for status in Set(shown.map { $0.row.status.description }).sorted() {
            let text = HTMLText.escaped(status)
            out += "<option value=\"\(text)\">\(text)</option>"
        }
        out += "</select><span class=\"soft\" id=\"shown\"></span></div>\n<div class=\"card scroll\">"
        out += "<table id=\"rows\"><thead><tr><th>Item</th><th>Label</th><th class=\"n\">Probability</th>"
        out += "<th>Status</th><th>Subject</th><th class=\"n\">Tokens</th></tr></thead>\n<tbody>\n"
        for entry in shown { out += line(entry.index, entry.row) }
        return out + "</tbody></table></div>\n"
    }

    private func line(_ index: Int, _ row: ClassificationRow) -> String {
        let status = row.status.description
        let label = HTMLText.escaped(row.label ?? "")
        let distribution = row.distribution.prefix(12)
            .map { "\(HTMLText.escaped($0.label)) \(fixed($0.probability, 4))" }.joined(separator: ", ")
        var out = "<tr data-label=\"\(label)\" data-state=\"\(HTMLText.escaped(status))\">"
        out +=
            "<td class=\"item\" data-sort=\"\(String(repeating: "0", count: max(0, 9 - String(index).count)))"
        out += "\(index)\">\(HTMLText.escaped(row.item))</td><td class=\"label\">\(label)</td>"
        out += "<td class=\"n\" title=\"\(distribution)\">"
        out += "\(row.probability.map { fixed($0, 4) } ?? "")</td><td class=\"state\">\(Self.chip(status))"
        if let first = row.duplicateOf {
            out += "<span class=\"why\">same as \(HTMLText.escaped(HTMLText.cut(first, to: 120)))</span>"
        }
        out += "</td><td class=\"subject\">"
        out += HTMLText.escaped(row.first("subject") ?? row.first("title") ?? "")
        if let from = row.first("from") { out += "<span class=\"why\">\(HTMLText.escaped(from))</span>" }
        for warning in row.warnings { out += "<span class=\"why\">\(HTMLText.escaped(warning))</span>" }
        out += "</td><td class=\"n\">\(row.tokens)</td></tr>\n"
        return out
    }
}

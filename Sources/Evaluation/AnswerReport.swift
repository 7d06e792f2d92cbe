extension AnswerScores {
    /// The scores as a page of their own, in the frame of every report.
    package func report(title: String, against tests: [PairedTest] = [], other: String = "") -> String {
        var out = ReportPage.head(title: "\(title) · lector eval")
        out +=
            "<header><div class=\"mark\">lector eval</div><h1>\(HTMLText.escaped(HTMLText.cut(title, to: 200)))"
        out += "</h1></header>\n<div class=\"tiles\">\n"
        let scores = scores
        for (name, score) in scores.prefix(4) { out += ReportPage.tile(percent(score.value), name) }
        out += ReportPage.tile(ReportPage.grouped(documents), "documents with gold") + "</div>\n"
        out += ReportPage.intervals(scores)
        out += PairedTest.card(tests, other: other)
        if !isSummary {
            out += fieldTable
            if valueScores.items > 0 {
                out +=
                    "<div class=\"two\">\n" + valueScores.reliabilityChart + valueScores.coverageChart
                    + "</div>\n"
            }
        }
        return out + worst + ReportPage.foot()
    }

    private var fieldTable: String {
        var out = ReportPage.tableHead(
            "Fields", ["Field", "Gold", "Given", "Exact", "Partial", "Exact F1", "Partial F1"])
        for (name, counts) in fields {
            out += "<tr><th>\(HTMLText.escaped(HTMLText.cut(name, to: 120)))</th>"
            for count in [counts.expected, counts.given, counts.exact, counts.partial] {
                out += "<td>\(Int(count))</td>"
            }
            out += "<td>\(percent(Self.f1([counts], \.exact)))</td>"
            out += "<td>\(percent(Self.f1([counts], \.partial)))</td></tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }

    /// Documents with the lowest score.
    private var worst: String {
        let (name, statistic) = statistics[0]
        let list = outcomes.compactMap { $0 }.map { ($0.item, statistic([$0])) }
        let lowest = list.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(30)
        guard !lowest.isEmpty else { return "" }
        var out = "<h2>Documents with the lowest \(name)</h2>\n<div class=\"card scroll\"><table><tbody>\n"
        for (item, value) in lowest {
            out += "<tr><td class=\"item\">\(HTMLText.escaped(HTMLText.cut(item, to: 300)))</td>"
            out += "<td class=\"n\">\(percent(value))</td></tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }
}

extension ReportPage {
    /// Scores as bars, with their intervals.
    static func intervals(_ scores: [(name: String, score: BootstrapScore)]) -> String {
        var out = "<h2>Scores</h2>\n<div class=\"card bars\">\n"
        for (index, entry) in scores.enumerated() {
            let score = entry.score
            out += "<div class=\"label\">\(HTMLText.escaped(entry.name))</div>"
            out += bar(score.value, index)
            out += "<div class=\"n\">\(percent(score.value)) <small>(95 %: \(fixed(score.low * 100, 1)) to "
            out += "\(fixed(score.high * 100, 1)))</small></div>\n"
        }
        return out + "</div>\n"
    }
}

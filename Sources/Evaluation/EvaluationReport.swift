extension EvaluationResult {
    /// The scores as a page of their own, in the frame of every report.
    public func report(title: String) -> String { page(title: title, tests: [], other: "") }

    /// The same with a comparison with another run.
    package func report(title: String, against test: PairedTest, other: String) -> String {
        page(title: title, tests: [test], other: other)
    }

    private func page(title: String, tests: [PairedTest], other: String) -> String {
        ReportPage.head(title: "\(title) · lector eval") + header(title)
            + ReportPage.labelTable(scores.labelScores) + matrix
            + PairedTest.card(tests, other: other) + "<div class=\"two\">\n" + scores.reliabilityChart
            + scores.coverageChart + "</div>\n" + errorTable
            + ReportPage.unmatched(missing: missing, extra: extra, extraCount: extraCount) + ReportPage.foot()
    }

    private func header(_ title: String) -> String {
        let interval = scores.accuracyInterval
        var out = "<header><div class=\"mark\">lector eval</div><h1>\(HTMLText.escaped(title))</h1>"
        out += "<div class=\"soft\">model \(HTMLText.escaped(model))</div></header>\n<div class=\"tiles\">\n"
        out += ReportPage.tile(percent(scores.accuracy), "accuracy")
        out += ReportPage.tile(
            "\(fixed(interval.lowerBound * 100, 1)) to \(fixed(interval.upperBound * 100, 1))",
            "95 % Wilson interval")
        out += ReportPage.tile(fixed(scores.macroF1, 4), "macro F1")
        out += ReportPage.tile(fixed(scores.expectedCalibrationError, 4), "calibration error (ECE)")
        out += ReportPage.tile(percent(scores.coverage), "answered")
        out += ReportPage.tile(ReportPage.grouped(scores.items), "items with gold")
        return out + "</div>\n"
    }

    private var matrix: String {
        var out = ReportPage.tableHead("Confusion", ["gold ↓ given →"] + scores.labels + ["no answer"])
        for row in scores.labels.indices {
            out += "<tr><th>\(HTMLText.escaped(scores.labels[row]))</th>"
            for (column, count) in scores.confusion[row].enumerated() {
                let kind = column == row ? " class=\"hit\"" : count > 0 ? " class=\"miss\"" : ""
                out += "<td\(kind)>\(count)</td>"
            }
            out += "</tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }

    private var errorTable: String {
        guard !errors.isEmpty else { return "" }
        var out = "<h2>Wrong answers, the surest first</h2>\n<div class=\"card scroll\"><table><thead><tr>"
        out += "<th>Item</th><th>Gold</th><th>Given</th><th class=\"n\">Probability</th><th>Subject</th>"
        out += "</tr></thead><tbody>\n"
        for error in errors {
            out += "<tr><td class=\"item\">\(HTMLText.escaped(HTMLText.cut(error.row.item, to: 300)))</td>"
            out += "<td class=\"label\">\(HTMLText.escaped(error.gold))</td>"
            out += "<td class=\"label\">\(HTMLText.escaped(error.row.label ?? ""))</td>"
            out += "<td class=\"n\">\(error.row.probability.map { fixed($0, 4) } ?? "")</td>"
            let subject = HTMLText.cut(error.row.first("subject") ?? "", to: 200)
            out += "<td class=\"subject\">\(HTMLText.escaped(subject))</td></tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }
}

/// What reports on labels have in common.
extension ReportPage {
    /// Precision, recall and F1 of each label.
    static func labelTable(_ scores: [ClassificationScores.LabelScore]) -> String {
        var out = tableHead(
            "Labels", ["Label", "Gold", "Given", "Right", "Precision", "Recall", "F1"])
        for score in scores {
            out += "<tr><th>\(HTMLText.escaped(score.label))</th><td>\(score.gold)</td>"
            out += "<td>\(score.predicted)</td><td>\(score.correct)</td><td>\(percent(score.precision))</td>"
            out += "<td>\(percent(score.recall))</td><td>\(fixed(score.f1, 4))</td></tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }

    /// Gold items without a row, and rows without gold.
    static func unmatched(missing: [String], extra: [String], extraCount: Int) -> String {
        guard !missing.isEmpty || extraCount > 0 else { return "" }
        var out = "<h2>Not compared</h2>\n<div class=\"card\"><p>\(missing.count) gold items have no row, "
        out += "\(extraCount) rows have no gold label.</p><ul>\n"
        for name in missing.prefix(20) {
            out += "<li>no row: \(HTMLText.escaped(HTMLText.cut(name, to: 300)))</li>\n"
        }
        for name in extra {
            out += "<li>no gold label: \(HTMLText.escaped(HTMLText.cut(name, to: 300)))</li>\n"
        }
        return out + "</ul></div>\n"
    }
}

extension MultiLabelScores {
    /// Scores by the names that people read.
    private var named: [(name: String, score: BootstrapScore)] {
        let words = ["micro F1", "macro F1", "exact match", "precision", "recall"]
        return zip(words, scores).map { ($0, $1.score) }
    }

    /// The threshold with the best F1 over all decisions; the lowest of equals.
    package var bestThreshold: ThresholdPoint { thresholdCurve.max { $0.f1 < $1.f1 }! }

    /// The scores as a table for a terminal.
    ///
    /// - Parameter clean: Makes a text from a file safe to print.
    package func table(clean: (String) -> String) -> String {
        var out = "items        \(compared.count)"
        if !missing.isEmpty { out += "   (\(missing.count) gold without a row)" }
        if extraCount > 0 { out += "   (\(extraCount) rows without gold)" }
        out += "\n"
        for (name, score) in named {
            out += name + String(repeating: " ", count: 13 - name.count) + percent(score.value)
            out += "   95 % interval \(percent(score.low)) to \(percent(score.high))\n"
        }
        out += "calibration  ECE \(fixed(decisions.expectedCalibrationError, 4))\n"
        let best = bestThreshold
        out +=
            "threshold    \(fixed(best.threshold, 2)) gives these rows the best micro F1, \(percent(best.f1))\n"
        var rows: [[String]] = [["label", "gold", "given", "precision", "recall", "F1"]]
        for score in labelScores {
            rows.append([
                clean(score.label), "\(score.gold)", "\(score.predicted)", percent(score.precision),
                percent(score.recall), fixed(score.f1, 4),
            ])
        }
        out += "\n" + aligned(rows)
        for name in missing.prefix(5) { out += "no row: \(clean(name))\n" }
        for name in extra.prefix(5) { out += "no gold labels: \(clean(name))\n" }
        return out
    }

    /// The scores as a page of their own, in the frame of every report.
    package func report(title: String, against tests: [PairedTest] = [], other: String = "") -> String {
        var out = ReportPage.head(title: "\(title) · lector eval")
        out += "<header><div class=\"mark\">lector eval</div><h1>\(HTMLText.escaped(title))</h1>"
        out += "<div class=\"soft\">model \(HTMLText.escaped(model))</div></header>\n<div class=\"tiles\">\n"
        for (name, score) in named { out += ReportPage.tile(percent(score.value), name) }
        out += ReportPage.tile(ReportPage.grouped(compared.count), "items with gold") + "</div>\n"
        out += ReportPage.intervals(named) + ReportPage.labelTable(labelScores)
        out += PairedTest.card(tests, other: other)
        out += "<div class=\"two\">\n\(decisions.reliabilityChart)\(thresholdTable)</div>\n" + differences
        return out + ReportPage.unmatched(missing: missing, extra: extra, extraCount: extraCount)
            + ReportPage.foot()
    }

    private var thresholdTable: String {
        var out = "<div>" + ReportPage.tableHead("Threshold", ["Threshold", "Precision", "Recall", "F1"])
        for point in thresholdCurve {
            out += "<tr><th>\(fixed(point.threshold, 2))</th><td>\(percent(point.precision))</td>"
            out += "<td>\(percent(point.recall))</td><td>\(fixed(point.f1, 4))</td></tr>\n"
        }
        return out + "</tbody></table></div></div>\n"
    }

    /// Documents with the most labels too many or too few.
    private var differences: String {
        let wrong = compared.filter { $0.gold != $0.given }
        guard !wrong.isEmpty else { return "" }
        func count(_ outcome: Outcome) -> Int { outcome.gold.symmetricDifference(outcome.given).count }
        func names(_ places: Set<Int>) -> String {
            let list = places.sorted().map { labels[$0] }.joined(separator: ", ")
            return HTMLText.escaped(HTMLText.cut(list, to: 300))
        }
        var out =
            "<h2>Documents whose labels differ, the most first</h2>\n<div class=\"card scroll\"><table><thead>"
        out += "<tr><th>Item</th><th>Right</th><th>Missing</th><th>Too many</th></tr></thead><tbody>\n"
        for outcome in wrong.sorted(by: { (count($1), $0.item) < (count($0), $1.item) }).prefix(200) {
            out += "<tr><td class=\"item\">\(HTMLText.escaped(HTMLText.cut(outcome.item, to: 300)))</td>"
            out += "<td class=\"label\">\(names(outcome.correct))</td>"
            out += "<td class=\"label\">\(names(outcome.gold.subtracting(outcome.given)))</td>"
            out += "<td class=\"label\">\(names(outcome.given.subtracting(outcome.gold)))</td></tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }
}

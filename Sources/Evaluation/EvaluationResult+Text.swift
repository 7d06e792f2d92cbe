extension EvaluationResult {
    /// The scores as a table for a terminal, under 100 columns where the labels allow it.
    ///
    /// - Parameter clean: Makes a text from a file safe to print.
    public func table(clean: (String) -> String) -> String {
        let interval = scores.accuracyInterval
        var out = ""
        out += "items        \(scores.items)"
        if !missing.isEmpty { out += "   (\(missing.count) gold without a row)" }
        if extraCount > 0 { out += "   (\(extraCount) rows without gold)" }
        out += "\naccuracy     \(percent(scores.accuracy))   95 % interval "
        out += "\(percent(interval.lowerBound)) to \(percent(interval.upperBound))"
        out += "   (\(scores.correct) of \(scores.items))\n"
        if scores.answered < scores.items {
            out += "answered     \(percent(scores.coverage)), of which right "
            out += "\(percent(scores.accuracyOfAnswered))\n"
        }
        out += "macro F1     \(fixed(scores.macroF1, 4))\n"
        out += "calibration  ECE \(fixed(scores.expectedCalibrationError, 4))\n"

        var rows: [[String]] = [["label", "gold", "given", "precision", "recall", "F1"]]
        for score in scores.labelScores {
            rows.append([
                clean(score.label), "\(score.gold)", "\(score.predicted)", percent(score.precision),
                percent(score.recall), fixed(score.f1, 4),
            ])
        }
        out += "\n" + aligned(rows)

        let columns = min(scores.labels.count, 12)
        var matrix: [[String]] = [["gold \\ given"]]
        matrix[0] += scores.labels.prefix(columns).map { clean($0) } + ["none"]
        for (label, counts) in zip(scores.labels, scores.confusion) where counts.contains(where: { $0 > 0 }) {
            var cells = [clean(label)]
            for count in counts.prefix(columns) { cells.append(String(count)) }
            cells.append(String(counts[scores.labels.count]))
            matrix.append(cells)
        }
        out += "\n" + aligned(matrix)
        if columns < scores.labels.count {
            out += "(the first \(columns) of \(scores.labels.count) labels; all of them with --json)\n"
        }
        for name in missing.prefix(5) { out += "no row: \(clean(name))\n" }
        for name in extra.prefix(5) { out += "no gold label: \(clean(name))\n" }
        return out
    }
}

/// Rows of cells as lines: the first column to the left, the others to the right.
func aligned(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
        for (column, cell) in row.enumerated() {
            if column == widths.count { widths.append(0) }
            widths[column] = max(widths[column], cell.count)
        }
    }
    return rows.map { row in
        row.enumerated().map { column, cell in
            let pad = String(repeating: " ", count: widths[column] - cell.count)
            return column == 0 ? cell + pad : pad + cell
        }.joined(separator: "  ") + "\n"
    }.joined()
}

/// `value` as a percentage with two decimals.
func percent(_ value: Double) -> String { fixed(value * 100, 2) + " %" }

/// `value` with exactly `places` decimals.
func fixed(_ value: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    guard value.isFinite, abs(value) < 1e12 else { return "-" }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
}

/// Plots of the reports, as inline SVG in the colours of ``ReportPage``.
extension ClassificationScores {
    /// Share right by stated probability.
    var reliabilityChart: String {
        var out = "<div><h2>Calibration</h2><div class=\"card\"><svg viewBox=\"0 0 330 250\" role=\"img\" "
        out += "aria-label=\"Share right by stated probability\">"
        out += "<line class=\"axis\" x1=\"30\" y1=\"220\" x2=\"310\" y2=\"220\"/>"
        out += "<line class=\"guide\" x1=\"30\" y1=\"220\" x2=\"310\" y2=\"20\"/>"
        for (index, bin) in reliability.enumerated() where bin.count > 0 {
            let height = bin.accuracy * 200
            out += "<rect class=\"k0\" x=\"\(32 + index * 28)\" y=\"\(fixed(220 - height, 1))\" width=\"24\" "
            out += "height=\"\(fixed(height, 1))\"><title>\(bin.count) answers, stated "
            out += "\(fixed(bin.confidence, 3)), right \(fixed(bin.accuracy, 3))</title></rect>"
        }
        return out + Self.ticks + "</svg><p class=\"soft\">Share right (bars) by stated probability; "
            + "on the dotted line the model says what it knows.</p></div></div>\n"
    }

    /// Share right of what is answered, by how much is answered, over the threshold.
    var coverageChart: String {
        var out = "<div><h2>Threshold</h2><div class=\"card\"><svg viewBox=\"0 0 330 250\" role=\"img\" "
        out += "aria-label=\"Share right by share answered\">"
        out += "<line class=\"axis\" x1=\"30\" y1=\"220\" x2=\"310\" y2=\"220\"/>"
        let points = thresholdCurve.filter { $0.coverage > 0 }
        let places = points.map { "\(fixed(30 + $0.coverage * 280, 1)),\(fixed(220 - $0.accuracy * 200, 1))" }
        out += "<polyline class=\"curve\" points=\"\(places.joined(separator: " "))\"/>"
        for (point, place) in zip(points, places) {
            let xy = place.split(separator: ",")
            out += "<circle class=\"k1\" cx=\"\(xy[0])\" cy=\"\(xy[1])\" r=\"3.5\"><title>threshold "
            out += "\(fixed(point.threshold, 2)): \(percent(point.coverage)) answered, of which right "
            out += "\(percent(point.accuracy))</title></circle>"
        }
        out += Self.ticks + "</svg><p class=\"soft\">Share right (upwards) by share answered (to the right), "
        out += "a point for each threshold.</p></div></div>\n"
        return out
    }

    private static var ticks: String {
        stride(from: 0, through: 10, by: 2).map { tenth in
            "<text x=\"\(24 + tenth * 28)\" y=\"238\">\(fixed(Double(tenth) / 10, 1))</text>"
                + "<text x=\"4\" y=\"\(224 - tenth * 20)\">\(fixed(Double(tenth) / 10, 1))</text>"
        }.joined()
    }
}

extension PairedTest {
    /// A table of comparisons.
    static func card(_ tests: [PairedTest], other: String) -> String {
        guard !tests.isEmpty else { return "" }
        var out = ReportPage.tableHead(
            "Against \(HTMLText.escaped(HTMLText.cut(other, to: 200)))",
            ["Score", "This", "Other", "Difference", "p"])
        for test in tests {
            out += "<tr><th>\(HTMLText.escaped(test.name))</th><td>\(percent(test.first))</td>"
            out += "<td>\(percent(test.second))</td><td>\(percent(test.first - test.second))</td>"
            out += "<td>\(fixed(test.p, 4))</td></tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }
}

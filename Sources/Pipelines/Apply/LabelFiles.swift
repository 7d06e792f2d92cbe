import Answers
import Documents
import Evaluation

/// Names for labels where files are named after them: harmless, and no two the same.
struct LabelFiles {
    /// Where mails without a label go.
    static let abstained = "_abstained"
    static let notRead = "_not-read"
    /// Where mails go to which none of several labels applies.
    static let none = "_none"

    private var names: [String: String] = [:]

    init(_ labels: LabelList) {
        var taken: Set<String> = [Self.abstained, Self.notRead, Self.none]
        for label in labels {
            var stem = ""
            for scalar in label.name.unicodeScalars.prefix(80) {
                let isSafe =
                    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || "-_.,+@ ".unicodeScalars.contains(scalar)
                stem.unicodeScalars.append(isSafe ? scalar : "_")
            }
            while stem.hasPrefix(".") || stem.hasPrefix(" ") || stem.hasPrefix("-") { stem.removeFirst() }
            if stem.isEmpty { stem = "label" }
            var name = stem
            var number = 1
            while !taken.insert(name.lowercased()).inserted {
                number += 1
                name = "\(stem)-\(number)"
            }
            names[label.name] = name
        }
    }

    /// The files or folders of a row: one for each label, or one for all rows without any.
    func names(of row: ClassificationRow) -> [String] {
        let given = row.given.compactMap { names[$0] }
        guard given.isEmpty else { return given }
        switch row.status {
        case .failed, .skipped: return [Self.notRead]
        default: return [row.labels == nil ? Self.abstained : Self.none]
        }
    }
}

import Answers
import Documents

/// Names for labels where files are named after them: harmless, and no two the same.
struct LabelFiles {
    /// Where mails without a label go.
    static let abstained = "_abstained"
    static let notRead = "_not-read"

    private var names: [String: String] = [:]

    init(_ labels: LabelList) {
        var taken: Set<String> = [Self.abstained, Self.notRead]
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

    /// The file or folder of a row.
    func name(label: String?, status: ItemStatus) -> String {
        if let label, let name = names[label] { return name }
        switch status {
        case .failed, .skipped: return Self.notRead
        default: return Self.abstained
        }
    }
}

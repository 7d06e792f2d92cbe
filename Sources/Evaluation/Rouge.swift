/// Overlap of a summary with a reference: ROUGE-1, -2 and -L, by F1.
///
/// Words are runs of letters and digits in lower case, without stemming; equal to the
/// `rouge-score` package with `use_stemmer=False` on ASCII text.
///
/// Source: Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004.
package struct Rouge: Equatable, Sendable {
    package var one: Double
    package var two: Double
    package var longest: Double

    package init(summary: String, reference: String) {
        let a = Self.words(summary)
        let b = Self.words(reference)
        one = Self.overlap(a.map { [$0] }, b.map { [$0] })
        two = Self.overlap(Self.pairs(a), Self.pairs(b))
        longest = Self.f1(Self.commonLength(a, b), a.count, b.count)
    }

    /// The best of several references, score by score.
    package init(summary: String, references: [String]) {
        let scores = references.map { Rouge(summary: summary, reference: $0) }
        self.init(summary: "", reference: "")
        one = scores.map(\.one).max() ?? 0
        two = scores.map(\.two).max() ?? 0
        longest = scores.map(\.longest).max() ?? 0
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().unicodeScalars.split {
            !($0.properties.isAlphabetic || $0.properties.numericType != nil)
        }
        .map { String($0) }
    }

    private static func pairs(_ words: [String]) -> [[String]] {
        zip(words, words.dropFirst()).map { [$0, $1] }
    }

    private static func overlap(_ a: [[String]], _ b: [[String]]) -> Double {
        var counts: [[String]: Int] = [:]
        for gram in b { counts[gram, default: 0] += 1 }
        var common = 0
        for gram in a where counts[gram, default: 0] > 0 {
            counts[gram]! -= 1
            common += 1
        }
        return f1(common, a.count, b.count)
    }

    private static func f1(_ common: Int, _ a: Int, _ b: Int) -> Double {
        common == 0 ? 0 : 2 * Double(common) / Double(a + b)
    }

    /// Length of the longest common subsequence.
    private static func commonLength(_ a: [String], _ b: [String]) -> Int {
        var row = [Int](repeating: 0, count: b.count + 1)
        for word in a {
            var diagonal = 0
            for index in b.indices {
                let above = row[index + 1]
                row[index + 1] = word == b[index] ? diagonal + 1 : max(above, row[index])
                diagonal = above
            }
        }
        return row[b.count]
    }
}

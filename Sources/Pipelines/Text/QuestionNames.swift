/// What a question calls by name: a capital inside the sentence.
///
/// A small model that is asked where the ring of one person is answers with that of another when the
/// passage has one. A name that stands nowhere in the text settles such a question without it
/// (decision 29). Where many words have capitals, as every noun has in German, none is taken for a name.
enum QuestionNames {
    /// A share of capitals inside sentences from which on they mark no names: novels have 0.04, mail 0.11, German 0.24.
    static let commonShare = 0.15

    private static let calendar = Set(
        """
        january february march april may june july august september october november december
        monday tuesday wednesday thursday friday saturday sunday
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    /// The names, each as its words: `["Mary", "Lennox"]`. Initials, abbreviations and dates are none.
    static func names(_ question: String) -> [[String]] {
        var names: [[String]] = []
        var isOpen = false
        for (index, token) in question.split(whereSeparator: \.isWhitespace).enumerated() {
            let word = token.split(whereSeparator: { !$0.isLetter && !$0.isNumber }).first ?? ""
            guard index > 0, isName(word) else {
                isOpen = false
                continue
            }
            if isOpen {
                names[names.count - 1].append(String(word))
            } else {
                names.append([String(word)])
            }
            // What stands behind a comma is another name.
            isOpen = token.last?.isLetter == true
        }
        return names
    }

    private static func isName(_ word: Substring) -> Bool {
        word.first?.isUppercase == true && word.dropFirst().contains(where: \.isLowercase)
            && !calendar.contains(word.lowercased())
    }

    /// Whether capitals mark names in this text: words with one behind a word without a full stop are few.
    static func areMarked(in text: String) -> Bool {
        var (inside, capital) = (0, 0)
        var isBehindWord = false
        for token in text.split(whereSeparator: \.isWhitespace) {
            if isBehindWord {
                inside += 1
                if token.first!.isUppercase, token != "I" { capital += 1 }
            }
            isBehindWord = token.last!.isLetter || token.last == ","
        }
        return inside >= 20 && Double(capital) < commonShare * Double(inside)
    }
}

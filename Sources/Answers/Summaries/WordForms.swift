/// Forms of words that count as one, and words that say nothing of a text's subject.
enum WordForms {
    /// English endings off; other scripts stay as they are.
    static func stem(_ word: String) -> String {
        guard word.utf8.count > 4, word.utf8.allSatisfy({ (0x61...0x7A).contains($0) }) else { return word }
        for ending in ["ing", "ed", "es", "ly", "s"]
        where word.hasSuffix(ending) && word.utf8.count - ending.utf8.count >= 3 {
            return String(word.dropLast(ending.utf8.count))
        }
        return word
    }

    static func isFunctionWord(_ word: String) -> Bool {
        functionWords.contains(word) || word.unicodeScalars.count < 2
    }

    static let functionWords: Set<String> = Set(
        ("the and to of a in is that for you it with on this be are have not your we i at from will was as by or an if but "
            + "can all our has do my they so me he no what there which would their been more out about up one any when were "
            + "his who had please just how her she them its than then some other only also into over after get us new here "
            + "yeah okay um uh like well know think mean going really said very could should these those because did does "
            + "don't i'm it's that's didn't i've you're we're can't isn't wasn't there's won't couldn't doesn't he's she's")
            .split(separator: " ").map(String.init))
}

import Constraints
import JSON

/// A small vocabulary: every byte, and tokens that cross the joints of JSON.
enum Vocabulary {
    static let tokens: [[UInt8]] =
        (0...255).map { [UInt8($0)] }
        + [
            "{\"", "\": ", "\": \"", "\", \"", "\"}", "\"]", "}, {", "[]", "{}", "null", "true", "false",
            "name", "na",
            "me", "John", " Doe", "John Doe", "12", "123", ", ", ": ", "2024", "-0", ".5", "é", "日本", "本語",
            "\\n", "\\\"", "  ",
            "null, \"", "\"a\": 1", "abc", "ab", "e9", "\u{1F600}",
        ].map { Array($0.utf8) }

    static let trie = TokenTrie(tokens: tokens)

    static func compiler() -> ConstraintCompiler { ConstraintCompiler(trie: trie) }

    static func schema(_ text: String, _ options: ConstraintCompiler.SchemaOptions = .init()) throws
        -> Constraint
    {
        try compiler().constraint(schema: JSONValue(parsing: text), options: options)
    }
}

/// Whether a constraint accepts a text, read byte by byte.
func accepts(_ constraint: Constraint, _ text: String) -> Bool {
    var matcher = constraint.makeMatcher()
    return matcher.advance(text.utf8) && matcher.isComplete
}

/// A seeded generator (SplitMix64), so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

import Tokenization

/// What is asked of a text, in the ids of one vocabulary: one question, or one for each label.
///
///     prefix | TEXT | tail | rest 0
///                          | rest 1 ...
///
/// What all questions begin with is read once behind each text; of the state there each gets a copy.
package struct EncodedQuestions: Sendable {
    /// One for each question; all have the same prefix.
    package let prompts: [EncodedPrompt]
    /// What follows a text: its only question, or what all begin with.
    package let tail: [Int32]
    /// What is left of each question behind ``tail``.
    package let rests: [ArraySlice<Int32>]

    /// - Throws: ``TokenizerError`` or ``LabelError`` when the prompt does not fit the vocabulary or the readout.
    package init(
        _ prompt: ClassificationPrompt, readout: Classifier.Readout, tokenizer: Tokenizer
    ) throws {
        var asked = [prompt]
        if case .eachLabel = readout { asked = try prompt.forEachLabel() }
        prompts = try asked.map { try EncodedPrompt($0, tokenizer: tokenizer) }
        let whole = prompts.map { readout.readsLabels ? $0.question + $0.tree.forced : $0.question }
        var shared = whole[0]
        // Where copies of a state are asked, something is left for each.
        if case .eachLabel = readout { shared.removeLast() }
        for question in whole.dropFirst() {
            shared = Array(shared.prefix(zip(shared, question.dropLast()).prefix { $0 == $1 }.count))
        }
        tail = shared
        rests = whole.map { $0.dropFirst(shared.count) }
    }

    /// The tokens before each text.
    package var prefix: [Int32] { prompts[0].prefix }

    /// Tokens that are read for a text besides its own.
    package var tokenCount: Int { rests.reduce(tail.count) { $0 + $1.count } }
}

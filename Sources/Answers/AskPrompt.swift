import Tokenization

/// The words around a text that ask a question about it.
///
/// The text comes first and its prefix is that of ``ClassificationPrompt/Order/document``: one state of a text
/// serves labels and any number of questions. Segments are tokenized each by itself:
///
///     <|im_start|> "user\nText:\n" | TEXT | "\n\nQuestion: Q" <|im_end|> "\n" <|im_start|> "assistant\nAnswer:"
///
/// With passages read again, there stands before the question's segment:
///
///     "\n\nPassages:\n" | PASSAGE | "\n\n" | PASSAGE ...
///
/// The answer is `" ANSWER" <|im_end|>`, with ``unanswerable`` as the answer to what the text does not say.
/// Training writes the same bytes: a change here is a change of the model.
public struct AskPrompt: Sendable, Equatable {
    public static let unanswerable = "not in the text"
    static let answerEnd = "<|im_end|>"

    public var question: String
    /// Passages of the text, in its order; empty asks from memory.
    public var passages: [String]

    public init(question: String, passages: [String] = []) {
        self.question = question
        self.passages = passages
    }

    /// What stands before the text.
    public static let prefix: [ChatTemplate.Segment] = [.special("<|im_start|>"), .text("user\nText:\n")]

    /// What stands behind the text; the answer comes next.
    public var segments: [ChatTemplate.Segment] {
        var segments: [ChatTemplate.Segment] = []
        for (index, passage) in passages.enumerated() {
            segments += [.text(index == 0 ? "\n\nPassages:\n" : "\n\n"), .text(passage)]
        }
        return segments + [
            .text("\n\nQuestion: \(question)"), .special(Self.answerEnd), .text("\n"),
            .special("<|im_start|>"),
            .text("assistant\nAnswer:"),
        ]
    }
}

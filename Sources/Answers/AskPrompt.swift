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

    public var question: String
    /// Passages of the text, in its order; empty asks from memory.
    public var passages: [String]

    public init(question: String, passages: [String] = []) {
        self.question = question
        self.passages = passages
    }

    /// How turns are written; that of the vocabulary.
    public var template = ChatTemplate.chatML

    /// What stands before the text.
    public static func prefix(_ template: ChatTemplate = .chatML) -> [ChatTemplate.Segment] {
        template.opening("user") + [.text("Text:\n")]
    }

    /// What stands behind text and passages; the answer comes next.
    public var turn: [ChatTemplate.Segment] {
        [.text("\n\nQuestion: \(question)")] + template.closing + template.opening("assistant")
            + [.text("Answer:")]
    }

    /// The ids of what stands behind the text.
    ///
    /// - Throws: ``TokenizerError`` when the vocabulary lacks a special token of the prompt.
    public func encoded(by tokenizer: Tokenizer) throws(TokenizerError) -> [Int32] {
        var ids: [Int32] = []
        for (index, passage) in passages.enumerated() {
            ids += tokenizer.encode(index == 0 ? "\n\nPassages:\n" : "\n\n") + tokenizer.encode(passage)
        }
        return try ids + tokenizer.encode(turn)
    }
}

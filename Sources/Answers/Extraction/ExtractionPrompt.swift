import Tokenization

/// The words around a text that ask for its fields.
///
/// Three segments, each tokenized by itself, in one of the forms of `Training/mixture.py`
/// (`extraction`): a change here is a change of the model.
public struct ExtractionPrompt: Sendable, Equatable {
    /// Names of the fields, in the order of the schema.
    public var fields: [String]
    public var order: ClassificationPrompt.Order
    /// How turns are written; that of the vocabulary.
    public var template = ChatTemplate.chatML

    public init(fields: [String], order: ClassificationPrompt.Order = .batch) {
        self.fields = fields
        self.order = order
    }

    public var instruction: String {
        "Extract these fields from the text as JSON: \(fields.joined(separator: ", "))."
    }

    /// What stands before the document.
    public var prefix: [ChatTemplate.Segment] {
        template.opening("user") + [.text(order == .batch ? "\(instruction)\n\nText:\n" : "Text:\n")]
    }

    /// What stands behind it; the JSON comes next.
    public var question: [ChatTemplate.Segment] {
        let end = template.closing + template.opening("assistant")
        return order == .batch ? end : [.text("\n\n\(instruction)")] + end
    }
}

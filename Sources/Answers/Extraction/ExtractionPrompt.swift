import Tokenization

/// The words around a text that ask for its fields.
///
/// Three segments, each tokenized by itself, in one of the forms of `Training/mixture.py`
/// (`extraction`): a change here is a change of the model.
public struct ExtractionPrompt: Sendable, Equatable {
    /// Names of the fields, in the order of the schema.
    public var fields: [String]
    /// How turns are written; that of the vocabulary.
    public var template = ChatTemplate.chatML

    public init(fields: [String]) { self.fields = fields }

    public var instruction: String {
        "Extract these fields from the text as JSON: \(fields.joined(separator: ", "))."
    }

    /// What stands before the document.
    public var prefix: [ChatTemplate.Segment] {
        template.opening("user") + [.text("\(instruction)\n\nText:\n")]
    }

    /// What stands behind it; the JSON comes next.
    public var question: [ChatTemplate.Segment] {
        template.closing + template.opening("assistant")
    }
}

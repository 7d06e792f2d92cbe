import Tokenization

/// The words around a text that ask for its label.
///
/// Three segments, each tokenized by itself: prefix, document, question. Training writes the
/// same bytes (`Training/prompts.py`; Tests/TokenizationTests/Fixtures/prompts.jsonl holds both
/// to it): a change here is a change of the model.
public struct ClassificationPrompt: Sendable, Equatable {
    /// What comes first.
    public enum Order: String, Sendable, CaseIterable {
        /// Instruction and labels, then the text: the prefix is read once for any number of texts.
        case batch
        /// The text, then instruction and labels: the text is read once for any number of questions.
        case document
    }

    public static let defaultInstruction = "Which label fits the text best?"
    /// The other answer where each label is asked for by itself.
    public static let noneOfThese = "none of these"

    public var labels: LabelList
    public var instruction: String
    public var order: Order
    /// How turns are written; ``EncodedPrompt`` takes that of the vocabulary.
    public var template = ChatTemplate.chatML

    public init(
        labels: LabelList = .spamOrHam, instruction: String = Self.defaultInstruction, order: Order = .batch
    ) {
        self.labels = labels
        self.instruction = instruction
        self.order = order
    }

    /// What stands before the document.
    public var prefix: [ChatTemplate.Segment] {
        switch order {
        case .batch:
            template.opening("user") + [.text("\(instruction)\n\nLabels:\n\(labelLines)\nText:\n")]
        case .document: template.opening("user") + [.text("Text:\n")]
        }
    }

    /// What stands behind it; the answer comes next.
    public var question: [ChatTemplate.Segment] {
        let end = template.closing + template.opening("assistant") + [.text("Label:")]
        switch order {
        case .batch: return end
        case .document: return [.text("\n\n\(instruction)\n\nLabels:\n\(labelLines.dropLast())")] + end
        }
    }

    /// The prompts that ask for each label by itself: does it fit the text, or none of these? Any number may.
    ///
    /// All begin with the text, so that one state of it serves every question.
    ///
    /// - Throws: ``LabelError/isNone(position:)`` when the list has a label for no label.
    public func forEachLabel() throws(LabelError) -> [ClassificationPrompt] {
        var prompts: [ClassificationPrompt] = []
        for (index, label) in labels.enumerated() {
            if label.name.words.lowercased() == Self.noneOfThese { throw .isNone(position: index + 1) }
            var prompt = self
            prompt.order = .document
            prompt.labels = try LabelList([label, Label(name: Self.noneOfThese)])
            prompts.append(prompt)
        }
        return prompts
    }

    /// The tokens of a label as an answer: its name behind a space, and the end of the turn.
    public func answer(_ label: Label) -> [ChatTemplate.Segment] {
        [.text(" \(label.name)"), .special(template.end)]
    }

    private var labelLines: String {
        labels.map { label in
            label.description.map { "- \(label.name): \($0)\n" } ?? "- \(label.name)\n"
        }.joined()
    }
}

/// A prompt in the ids of one vocabulary.
public struct EncodedPrompt: Sendable {
    public let labels: LabelList
    /// Ids before the document.
    public let prefix: [Int32]
    /// Ids behind it.
    public let question: [Int32]
    public let tree: LabelTree

    /// - Throws: ``TokenizerError`` when the vocabulary lacks a special token of the prompt,
    ///   ``LabelError/sameTokens(_:_:)`` when it cannot tell two labels apart.
    public init(_ prompt: ClassificationPrompt, tokenizer: Tokenizer) throws {
        var prompt = prompt
        prompt.template = tokenizer.chatTemplate
        labels = prompt.labels
        prefix = try tokenizer.encode(prompt.prefix)
        question = try tokenizer.encode(prompt.question)
        tree = try LabelTree(
            names: prompt.labels.names, answers: prompt.labels.map { try tokenizer.encode(prompt.answer($0)) }
        )
    }
}

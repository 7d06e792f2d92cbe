/// Why a tokenizer could not be loaded or used.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// The file is not there or cannot be read.
    case unreadable(path: String, reason: String)
    /// The file is not valid JSON, or a field is missing or of the wrong kind.
    case malformed(what: String, expected: String)
    /// The file is sound, but asks for a way of tokenizing that is not implemented.
    case unsupported(field: String, found: String, expected: String)
    /// A template or prompt names a special token that this vocabulary does not have.
    case noSuchSpecial(name: String, known: [String])

    /// One line fit for a terminal.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason). Give the path of a tokenizer.json or of the model folder "
                + "that holds one."
        case .malformed(let what, let expected):
            "The tokenizer is damaged: \(what); expected \(expected). Fetch the file again from the "
                + "model's source."
        case .unsupported(let field, let found, let expected):
            "The tokenizer asks for \(field) \(found), which is not implemented; supported: \(expected). "
                + "Use a model whose tokenizer is byte-level BPE."
        case .noSuchSpecial(let name, let known):
            "The vocabulary has no special token \(name); it has \(known.joined(separator: " ")). "
                + "Choose the chat template of this model."
        }
    }
}

/// How turns of a conversation become token ids: which special tokens stand around them.
///
/// Each run of text is tokenized by itself, so that no merge crosses a special token, and
/// special tokens enter as ids, so that no text can forge one.
public enum ChatTemplate: Sendable, Equatable {
    /// `<|im_start|>ROLE\nCONTENT<|im_end|>\n`, as SmolLM2 and the bundled model use it.
    case chatML
    /// `<|im_user|>ROLE<|im_middle|>CONTENT<|im_end|>`: Kimi. Source: the golden ids of the published
    /// checkpoint. Roles other than user and assistant open with `<|im_system|>`.
    case kimi

    /// A run of plain text, or one special token by name.
    public enum Segment: Sendable, Equatable {
        case special(String)
        case text(String)
    }

    public struct Turn: Sendable, Equatable {
        public var role: String
        public var content: String

        public init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }

    /// The template that a model's Jinja text describes, told by the tokens it writes; nil for others.
    public init?(jinja text: String) {
        if text.contains("<|im_middle|>") {
            self = .kimi
        } else if text.contains("<|im_start|>") {
            self = .chatML
        } else {
            return nil
        }
    }

    /// The special token behind a turn's content; a reply that is complete ends with it.
    public var end: String { "<|im_end|>" }

    /// What stands before the content of a turn.
    public func opening(_ role: String) -> [Segment] {
        switch self {
        case .chatML: return [.special("<|im_start|>"), .text("\(role)\n")]
        case .kimi:
            let start = ["user": "<|im_user|>", "assistant": "<|im_assistant|>"][role] ?? "<|im_system|>"
            return [.special(start), .text(role), .special("<|im_middle|>")]
        }
    }

    /// What stands behind the content of a turn.
    public var closing: [Segment] {
        switch self {
        case .chatML: [.special(end), .text("\n")]
        case .kimi: [.special(end)]
        }
    }

    /// The segments of a conversation. No system message is put in by itself.
    ///
    /// - Parameter reply: The role whose words come next, opened at the end; nil leaves the
    ///   conversation closed.
    public func segments(_ turns: [Turn], reply: String? = "assistant") -> [Segment] {
        var segments: [Segment] = []
        for turn in turns { segments += opening(turn.role) + [.text(turn.content)] + closing }
        if let reply { segments += opening(reply) }
        return segments
    }
}

extension Tokenizer {
    /// The ids of segments. Texts that touch are one text; each is encoded by itself.
    ///
    /// - Throws: ``TokenizerError/noSuchSpecial(name:known:)``.
    public func encode(_ segments: [ChatTemplate.Segment]) throws(TokenizerError) -> [Int32] {
        var ids: [Int32] = []
        var text = ""
        for segment in segments {
            switch segment {
            case .text(let more): text += more
            case .special(let name):
                ids += encode(text)
                text = ""
                guard let id = specialID(name) else {
                    throw .noSuchSpecial(
                        name: name, known: specialTokens.sorted { $0.key < $1.key }.map(\.value))
                }
                ids.append(id)
            }
        }
        return ids + encode(text)
    }
}

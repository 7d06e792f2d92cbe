/// How turns of a conversation become token ids: which special tokens stand around them.
///
/// Each run of text is tokenized by itself, so that no merge crosses a special token, and
/// special tokens enter as ids, so that no text can forge one.
public struct ChatTemplate: Sendable, Equatable {
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

    /// Stands before the role of a turn.
    public var start: String
    /// Stands behind its content; a reply that is complete ends with it.
    public var end: String

    /// ChatML, as SmolLM2 and the bundled model use it. No system message is put in by itself.
    public static let chatML = ChatTemplate(start: "<|im_start|>", end: "<|im_end|>")

    public init(start: String, end: String) {
        self.start = start
        self.end = end
    }

    /// The segments of a conversation.
    ///
    /// - Parameter reply: The role whose words come next, opened at the end; nil leaves the
    ///   conversation closed.
    public func segments(_ turns: [Turn], reply: String? = "assistant") -> [Segment] {
        var segments: [Segment] = []
        for turn in turns {
            segments += [.special(start), .text("\(turn.role)\n\(turn.content)"), .special(end), .text("\n")]
        }
        if let reply { segments += [.special(start), .text("\(reply)\n")] }
        return segments
    }
}

extension Tokenizer {
    /// The ids of segments, each encoded by itself.
    ///
    /// - Throws: ``TokenizerError/noSuchSpecial(name:known:)``.
    public func encode(_ segments: [ChatTemplate.Segment]) throws(TokenizerError) -> [Int32] {
        var ids: [Int32] = []
        for segment in segments {
            switch segment {
            case .text(let text): ids += encode(text)
            case .special(let name):
                guard let id = specialID(name) else {
                    throw .noSuchSpecial(
                        name: name, known: specialTokens.sorted { $0.key < $1.key }.map(\.value))
                }
                ids.append(id)
            }
        }
        return ids
    }
}

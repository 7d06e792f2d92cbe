import Inference
import Tokenization

/// A request whose prompts are tokens.
public struct PreparedRequest: Sendable {
    public struct Prompt: Sendable {
        public var tokens: [Int32]
        /// Places in `tokens` where a state is worth keeping, since other prompts may go on from there.
        public var boundaries: [Int]
        /// Tokens that may be written behind it.
        public var room: Int
    }

    public var request: CompletionRequest
    public var prompts: [Prompt]

    /// Encodes the prompts; any thread may do it.
    ///
    /// - Parameters:
    ///   - context: Tokens of a prompt and its text together.
    ///   - opensReply: Whether turns end with the beginning of an answer; false where more turns are to follow.
    /// - Throws: ``APIError`` for ids and lengths that the model does not have.
    public init(
        _ request: CompletionRequest, model: LoadedModel, context: Int, opensReply: Bool = true
    ) throws(APIError) {
        self.request = request
        prompts = []
        let vocabulary = model.engine.vocabularySize
        do throws(SamplingError) { try request.sampling.check(vocabularySize: vocabulary) } catch {
            throw APIError(error.message, parameter: error.parameter)
        }
        let parameter = request.kind == .chat ? "messages" : "prompt"
        let texts = request.prompts.count * request.count
        guard texts <= CompletionRequest.maximumCount else {
            throw APIError(
                "\(request.prompts.count) prompts of \(request.count) texts each; "
                    + "\(CompletionRequest.maximumCount) texts in all are possible", parameter: "n")
        }
        for prompt in request.prompts {
            var prepared = try Self.encode(prompt, tokenizer: model.tokenizer, opensReply: opensReply)
            if let bad = model.engine.firstInvalidID(in: prepared.tokens) {
                throw APIError(
                    "there is no token \(bad); the model has 0 to \(vocabulary - 1)", parameter: parameter)
            }
            guard !prepared.tokens.isEmpty || request.state != nil else {
                throw APIError("`\(parameter)` has no tokens", parameter: parameter)
            }
            prepared.room = context - prepared.tokens.count
            guard prepared.room >= request.maximumTokens ?? 0 else {
                let wanted = request.maximumTokens.map { " and \($0) are to be written" } ?? ""
                throw APIError(
                    "the prompt has \(prepared.tokens.count) tokens\(wanted); \(context) are possible together",
                    parameter: parameter, code: "context_length_exceeded")
            }
            prompts.append(prepared)
        }
    }

    private static func encode(
        _ prompt: CompletionRequest.Prompt, tokenizer: Tokenizer, opensReply: Bool
    ) throws(APIError) -> Prompt {
        switch prompt {
        case .tokens(let ids): return Prompt(tokens: ids, boundaries: [], room: 0)
        case .text(let text): return Prompt(tokens: tokenizer.encode(text), boundaries: [], room: 0)
        case .turns(let turns):
            let template = tokenizer.chatTemplate
            do throws(TokenizerError) {
                // Turn by turn: a turn begins with a special token, so that no merge crosses.
                var tokens: [Int32] = []
                var boundaries: [Int] = []
                for (index, turn) in turns.enumerated() {
                    tokens += try tokenizer.encode(
                        template.opening(turn.role) + [.text(turn.content)] + template.closing)
                    if index == turns.count - 1 || (index == 0 && turn.role == "system") {
                        boundaries.append(tokens.count)
                    }
                }
                if opensReply { tokens += try tokenizer.encode(template.opening("assistant")) }
                return Prompt(tokens: tokens, boundaries: boundaries, room: 0)
            } catch {
                throw APIError("the model's vocabulary has no chat turns: \(error)", parameter: "messages")
            }
        }
    }
}

import Inference
import JSON

/// Why a text ended.
public enum FinishReason: String, Sendable, Equatable {
    /// The model ended it, or a stop string, or its constraint was met.
    case stop
    /// The limit of tokens came first.
    case length
}

/// Tokens of a request.
public struct TokenUsage: Sendable, Equatable {
    /// Of the prompts, the state before them left out.
    public var prompt = 0
    /// Those of them that a kept state had read.
    public var cached = 0
    /// Written, the ends of texts among them.
    public var completion = 0
    public var total: Int { prompt + completion }
    /// Those that went through the model as prompts.
    public var read: Int { prompt - cached }

    public init() {}

    public var json: JSONValue { json(tellsCached: true) }

    /// - Parameter tellsCached: False where the same request must give the same bytes, whatever was read before.
    func json(tellsCached: Bool) -> JSONValue {
        let counts = [
            JSONMember("prompt_tokens", .integer(prompt)),
            JSONMember("completion_tokens", .integer(completion)),
            JSONMember("total_tokens", .integer(total)),
        ]
        let details = JSONMember(
            "prompt_tokens_details", .object([JSONMember("cached_tokens", .integer(cached))]))
        return .object(tellsCached ? counts + [details] : counts)
    }
}

/// A token of a text with its log-probability and those of the likeliest.
public struct WrittenToken: Sendable, Equatable {
    public var bytes: [UInt8]
    /// Bytes of the text before it.
    public var offset: Int
    /// Characters (Unicode scalars) of the text before it.
    public var characterOffset: Int
    public var logProbability: Double
    public var top: [(bytes: [UInt8], logProbability: Double)]

    public static func == (left: WrittenToken, right: WrittenToken) -> Bool {
        left.bytes == right.bytes && left.offset == right.offset
            && left.logProbability == right.logProbability
            && left.top.map(\.bytes) == right.top.map(\.bytes)
            && left.top.map(\.logProbability) == right.top.map(\.logProbability)
    }
}

/// What becomes of a request, in order.
public enum CompletionEvent: Sendable {
    /// Nothing is wrong with it, and its turn has come.
    case begun
    /// Tokens of all prompts, those that kept states had read, and those that are read.
    case progress(total: Int, cached: Int, processed: Int)
    /// More text of one choice. `tokens` are told when log-probabilities are.
    case text(choice: Int, text: String, tokens: [WrittenToken])
    case finished(choice: Int, reason: FinishReason)
    /// The end. `state` is the key of the state that was kept, if that was asked for.
    case done(usage: TokenUsage, state: String?)
    /// The end, too.
    case failed(APIError)
}

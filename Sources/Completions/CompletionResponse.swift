import JSON

/// The JSON of one request's answer, whole or in chunks.
public struct CompletionResponse: Sendable {
    private struct Choice: Sendable {
        var text = ""
        var reason: FinishReason?
        var tokens: [WrittenToken] = []
    }

    public let id: String
    /// Seconds since 1970.
    public let created: Int
    public let model: String
    /// Names the weights.
    public let fingerprint: String
    private let request: CompletionRequest
    private var choices: [Choice]
    /// Of streams: choices that have begun.
    private var begun: Set<Int> = []
    public private(set) var usage = TokenUsage()

    /// - Parameter name: What makes the id unique.
    public init(_ request: CompletionRequest, name: String, created: Int, model: String, fingerprint: String)
    {
        id = (request.kind == .chat ? "chatcmpl-" : "cmpl-") + name
        self.request = request
        self.created = created
        self.model = model
        self.fingerprint = "lector-" + fingerprint.prefix(12)
        choices = Array(repeating: Choice(), count: request.count * request.prompts.count)
    }

    private var isChat: Bool { request.kind == .chat }
    private var tellsTokens: Bool { request.topLogProbabilities != nil }

    // MARK: Whole

    /// Takes what became of the request; `failed` is the caller's.
    public mutating func add(_ event: CompletionEvent) {
        switch event {
        case .text(let choice, let text, let tokens):
            choices[choice].text += text
            choices[choice].tokens += tokens
        case .finished(let choice, let reason): choices[choice].reason = reason
        case .done(let usage, _): self.usage = usage
        case .begun, .progress, .failed: break
        }
    }

    /// `chat.completion` or `text_completion`.
    public var json: JSONValue { json(tellsCached: true) }

    /// - Parameter tellsCached: Whether `usage` has `cached_tokens`, which depend on what was read before.
    public func json(tellsCached: Bool) -> JSONValue {
        let list = choices.enumerated().map { index, choice -> JSONValue in
            var members = [JSONMember("index", .integer(index))]
            if isChat {
                members.append(
                    JSONMember(
                        "message",
                        .object([
                            JSONMember("role", .string("assistant")),
                            JSONMember("content", .string(choice.text)),
                            JSONMember("refusal", .null),
                        ])))
            } else {
                members.append(JSONMember("text", .string(choice.text)))
            }
            members.append(JSONMember("logprobs", logProbabilities(choice.tokens)))
            members.append(JSONMember("finish_reason", .optional(choice.reason?.rawValue)))
            return .object(members)
        }
        return envelope(
            isChat ? "chat.completion" : "text_completion", choices: list,
            [JSONMember("usage", usage.json(tellsCached: tellsCached))])
    }

    private func envelope(_ object: String, choices: [JSONValue], _ more: [JSONMember]) -> JSONValue {
        .object(
            [
                JSONMember("id", .string(id)), JSONMember("object", .string(object)),
                JSONMember("created", .integer(created)), JSONMember("model", .string(model)),
                JSONMember("system_fingerprint", .string(fingerprint)),
                JSONMember("choices", .array(choices)),
            ] + more)
    }

    // MARK: In chunks

    /// The chunks of a stream that an event makes; `failed` makes none.
    public mutating func chunks(_ event: CompletionEvent) -> [JSONValue] {
        switch event {
        case .progress(let total, let cached, let processed):
            let progress = JSONValue.object([
                JSONMember("total", .integer(total)), JSONMember("cache", .integer(cached)),
                JSONMember("processed", .integer(processed)),
            ])
            return [chunk([], [JSONMember("prompt_progress", progress)])]
        case .text(let choice, let text, let tokens):
            return begin(choice) + [chunk([piece(choice, text, tokens, nil)])]
        case .finished(let choice, let reason):
            return begin(choice) + [chunk([piece(choice, nil, [], reason)])]
        case .done(let usage, _):
            self.usage = usage
            return request.includesUsage ? [chunk([], usage: usage)] : []
        case .begun, .failed: return []
        }
    }

    /// The first chunk of a choice of a chat says who speaks.
    private mutating func begin(_ choice: Int) -> [JSONValue] {
        guard isChat, begun.insert(choice).inserted else { return [] }
        let delta = JSONValue.object([
            JSONMember("role", .string("assistant")), JSONMember("content", .string("")),
        ])
        return [
            chunk([
                .object([
                    JSONMember("index", .integer(choice)), JSONMember("delta", delta),
                    JSONMember("logprobs", .null), JSONMember("finish_reason", .null),
                ])
            ])
        ]
    }

    private func piece(
        _ choice: Int, _ text: String?, _ tokens: [WrittenToken], _ reason: FinishReason?
    ) -> JSONValue {
        var members = [JSONMember("index", .integer(choice))]
        if isChat {
            members.append(
                JSONMember("delta", .object(text.map { [JSONMember("content", .string($0))] } ?? [])))
        } else {
            members.append(JSONMember("text", .string(text ?? "")))
        }
        members.append(JSONMember("logprobs", reason == nil ? logProbabilities(tokens) : .null))
        members.append(JSONMember("finish_reason", .optional(reason?.rawValue)))
        return .object(members)
    }

    private func chunk(_ choices: [JSONValue], _ more: [JSONMember] = [], usage: TokenUsage? = nil)
        -> JSONValue
    {
        let tail = request.includesUsage ? [JSONMember("usage", usage?.json ?? .null)] : []
        return envelope(isChat ? "chat.completion.chunk" : "text_completion", choices: choices, more + tail)
    }

    // MARK: Log-probabilities

    private func logProbabilities(_ tokens: [WrittenToken]) -> JSONValue {
        guard tellsTokens else { return .null }
        if isChat {
            let content = tokens.map { token -> JSONValue in
                .object(
                    Self.entry(token.bytes, token.logProbability) + [
                        JSONMember(
                            "top_logprobs",
                            .array(token.top.map { .object(Self.entry($0.bytes, $0.logProbability)) }))
                    ])
            }
            return .object([JSONMember("content", .array(content)), JSONMember("refusal", .null)])
        }
        // The chosen token is always among those that are told.
        let top = tokens.map { token -> JSONValue in
            var members: [JSONMember] = []
            for (bytes, value) in token.top + [(token.bytes, token.logProbability)] {
                let name = Self.text(bytes)
                if !members.contains(where: { $0.name == name }) {
                    members.append(JSONMember(name, Self.number(value)))
                }
            }
            return .object(members)
        }
        return .object([
            JSONMember("tokens", .array(tokens.map { .string(Self.text($0.bytes)) })),
            JSONMember("token_logprobs", .array(tokens.map { Self.number($0.logProbability) })),
            JSONMember("top_logprobs", .array(top)),
            JSONMember("text_offset", .array(tokens.map { .integer($0.characterOffset) })),
        ])
    }

    private static func entry(_ bytes: [UInt8], _ value: Double) -> [JSONMember] {
        [
            JSONMember("token", .string(text(bytes))), JSONMember("logprob", number(value)),
            JSONMember("bytes", .array(bytes.map { .integer(Int($0)) })),
        ]
    }

    private static func number(_ value: Double) -> JSONValue { .number("\(value)") }
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

import Inference
import JSON
import Tokenization

/// A request for texts, every value checked against its type and range.
public struct CompletionRequest: Sendable {
    public enum Kind: Sendable, Equatable {
        /// `/v1/chat/completions`
        case chat
        /// `/v1/completions`
        case text
    }

    /// What the texts go on from.
    public enum Prompt: Sendable, Equatable {
        case turns([ChatTemplate.Turn])
        case text(String)
        case tokens([Int32])
    }

    /// What a text must look like.
    public enum Format: Sendable, Equatable {
        case text
        /// Any JSON object.
        case object
        /// JSON that fits a schema; lenient where `strict` is false: what cannot be enforced is let be.
        case schema(JSONValue, isLenient: Bool)
        case regex(String)
        case choice([String])
    }

    /// Which log-probabilities are told.
    public enum LogProbabilityMode: String, Sendable, CaseIterable {
        /// The model's own, before mask, bias, penalties and temperature.
        case raw
        /// Of the distribution from which the token was drawn.
        case processed
    }

    public var kind = Kind.chat
    public var model: String?
    public var prompts: [Prompt] = []
    public var sampling = SamplingParameters()
    /// Nil leaves it to the engine.
    public var maximumTokens: Int?
    public var stop: [String] = []
    /// Texts for each prompt.
    public var count = 1
    public var format = Format.text
    /// Nil tells none; 0 tells those of the chosen tokens only.
    public var topLogProbabilities: Int?
    public var logProbabilityMode = LogProbabilityMode.raw
    public var streams = false
    public var includesUsage = false
    /// Chunks with `prompt_progress` while a long prompt is read.
    public var tellsProgress = false
    /// Key of a kept state that the prompt goes on from.
    public var state: String?

    public static let maximumCount = 128
    public static let maximumStops = 64

    public init() {}
}

extension CompletionRequest {
    /// Of no effect on what is written.
    private static let ignored: Set<String> = [
        "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
        "prompt_cache_retention", "verbosity", "reasoning_effort",
    ]
    private static let known: Set<String> = [
        "model", "max_tokens", "temperature", "top_p", "min_p", "top_k", "frequency_penalty",
        "presence_penalty",
        "logit_bias", "seed", "stop", "n", "stream", "stream_options", "logprobs", "logprobs_mode",
        "response_format", "structured_outputs", "return_progress", "state",
    ]
    private static let knownInChat: Set<String> = ["messages", "max_completion_tokens", "top_logprobs"]
    private static let knownInText: Set<String> = ["prompt"]
    /// Members that would change the answer, with the values at which they do not.
    private static let inert: [String: [JSONValue]] = [
        "tools": [.array([])], "tool_choice": [.string("none"), .string("auto")], "functions": [.array([])],
        "function_call": [.string("none")], "parallel_tool_calls": [.bool(true), .bool(false)],
        "modalities": [.array([.string("text")])], "echo": [.bool(false)], "suffix": [.string("")],
        "best_of": [.number("1")], "repetition_penalty": [.number("1"), .number("1.0")],
        "ignore_eos": [.bool(false)], "skip_special_tokens": [.bool(true)], "min_tokens": [.number("0")],
        "include_stop_str_in_output": [.bool(false)], "stop_token_ids": [.array([])],
    ]

    /// Reads the body of a request.
    ///
    /// - Throws: ``APIError`` with status 400 that names the parameter.
    public init(_ kind: Kind, body: JSONValue) throws(APIError) {
        self.init()
        self.kind = kind
        let reader = try RequestReader(body)
        try Self.checkNames(reader, kind)
        model = try reader.string("model")
        switch kind {
        case .chat: prompts = [.turns(try Self.turns(reader.value("messages")))]
        case .text: prompts = try Self.textPrompts(reader.value("prompt"))
        }
        try readSampling(reader)
        try readLimits(reader)
        try readLogProbabilities(reader)
        try readStreaming(reader)
        format = try Self.format(reader)
        state = try reader.string("state")
    }

    private static func checkNames(_ reader: RequestReader, _ kind: Kind) throws(APIError) {
        for name in reader.names.sorted() {
            if known.contains(name) || ignored.contains(name) { continue }
            if (kind == .chat ? knownInChat : knownInText).contains(name) { continue }
            guard let value = reader.value(name) else { continue }
            if let inert = inert[name] {
                if inert.contains(value) { continue }
                throw APIError(
                    "`\(name)` is not supported here", parameter: name, code: "unsupported_parameter")
            }
            throw APIError(
                "there is no parameter `\(RequestReader.shown(name))`", parameter: RequestReader.shown(name),
                code: "unknown_parameter")
        }
    }

    private mutating func readSampling(_ reader: RequestReader) throws(APIError) {
        sampling.temperature = try reader.double("temperature") ?? 1
        sampling.topP = try reader.double("top_p") ?? 1
        sampling.minP = try reader.double("min_p") ?? 0
        sampling.topK = max(0, try reader.integer("top_k", -1...Int(Int32.max)) ?? 0)
        sampling.frequencyPenalty = try reader.double("frequency_penalty") ?? 0
        sampling.presencePenalty = try reader.double("presence_penalty") ?? 0
        if let seed = try reader.integer("seed", .min ... .max), seed != -1 {
            sampling.seed = UInt64(bitPattern: Int64(seed))
        }
        for member in try reader.object("logit_bias")?.members ?? [] {
            guard let id = Int32(member.name), id >= 0 else {
                throw APIError(
                    "`logit_bias` has the key `\(RequestReader.shown(member.name))`; a token id was expected",
                    parameter: "logit_bias")
            }
            guard let bias = member.value.double, bias.isFinite else {
                throw RequestReader.wrongType("logit_bias", member.value, "a number for the token \(id)")
            }
            sampling.logitBias[id] = bias
        }
        do throws(SamplingError) { try sampling.check(vocabularySize: Int(Int32.max)) } catch {
            throw APIError(error.message, parameter: error.parameter)
        }
    }

    private mutating func readLimits(_ reader: RequestReader) throws(APIError) {
        let limit = 0...Int(Int32.max)
        let newer = kind == .chat ? try reader.integer("max_completion_tokens", limit) : nil
        let older = try reader.integer("max_tokens", limit)
        maximumTokens = newer ?? older
        count = try reader.integer("n", 1...Self.maximumCount) ?? 1
        switch reader.value("stop") {
        case nil: break
        case .string(let text): stop = [text]
        case .array(let values):
            for value in values {
                guard let text = value.string else { throw RequestReader.wrongType("stop", value, "strings") }
                stop.append(text)
            }
        case .some(let value): throw RequestReader.wrongType("stop", value, "a string or an array of strings")
        }
        guard stop.count <= Self.maximumStops else {
            throw APIError(
                "`stop` has \(stop.count) texts; \(Self.maximumStops) are possible", parameter: "stop")
        }
        guard !stop.contains("") else { throw APIError("`stop` has an empty text", parameter: "stop") }
        guard stop.allSatisfy({ $0.utf8.count <= 4096 }) else {
            throw APIError("a text of `stop` is longer than 4096 bytes", parameter: "stop")
        }
    }

    private mutating func readLogProbabilities(_ reader: RequestReader) throws(APIError) {
        switch kind {
        case .chat:
            let wanted = try reader.bool("logprobs") ?? false
            let top = try reader.integer("top_logprobs", 0...20)
            if let top, top > 0, !wanted {
                throw APIError("`top_logprobs` needs `logprobs: true`", parameter: "top_logprobs")
            }
            if wanted { topLogProbabilities = top ?? 0 }
        case .text: topLogProbabilities = try reader.integer("logprobs", 0...20)
        }
        if let name = try reader.string("logprobs_mode") {
            guard let mode = LogProbabilityMode(rawValue: name) else {
                throw APIError("`logprobs_mode` is raw or processed", parameter: "logprobs_mode")
            }
            logProbabilityMode = mode
        }
    }

    private mutating func readStreaming(_ reader: RequestReader) throws(APIError) {
        streams = try reader.bool("stream") ?? false
        tellsProgress = try reader.bool("return_progress") ?? false
        guard let options = try reader.object("stream_options") else { return }
        guard streams else {
            throw APIError("`stream_options` needs `stream: true`", parameter: "stream_options")
        }
        let inner = try RequestReader(options)
        for name in inner.names where !["include_usage", "include_obfuscation"].contains(name) {
            throw APIError(
                "`stream_options` has no member `\(RequestReader.shown(name))`", parameter: "stream_options")
        }
        _ = try inner.bool("include_obfuscation")
        includesUsage = try inner.bool("include_usage") ?? false
    }
}

/// How the next token is chosen. Names, ranges and defaults are those of OpenAI's and vLLM's endpoints.
public struct SamplingParameters: Sendable, Equatable {
    /// 0 takes the likeliest token always, the lowest id of equals; `0 ... 2`. What lies between 0 and
    /// ``lowestTemperature`` is that.
    public var temperature = 1.0
    /// The likeliest tokens that together have this probability, above 0 and at most 1.
    public var topP = 1.0
    /// Tokens with at least this share of the likeliest token's probability, `0 ... 1`.
    public var minP = 0.0
    /// The likeliest tokens by number; equals of the last one stay. 0 keeps all.
    public var topK = 0
    /// Taken off a token's logit once for each time it was generated, `-2 ... 2`.
    public var frequencyPenalty = 0.0
    /// Taken off the logit of each token that was generated, `-2 ... 2`.
    public var presencePenalty = 0.0
    /// Added to logits, `-100 ... 100`.
    public var logitBias: [Int32: Double] = [:]
    /// The same seed gives the same tokens, whatever else is generated at the same time; nil draws one.
    public var seed: UInt64?

    public static let lowestTemperature = 0.01

    public init() {}

    /// Temperature 0.
    public static var greedy: SamplingParameters {
        var parameters = SamplingParameters()
        parameters.temperature = 0
        return parameters
    }

    /// - Throws: ``SamplingError`` for the first value outside its range.
    public func check(vocabularySize: Int) throws(SamplingError) {
        func range(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws(SamplingError) {
            guard range.contains(value) else {
                throw SamplingError(
                    parameter: name,
                    message:
                        "\(name) is \(value); from \(range.lowerBound) to \(range.upperBound) is possible")
            }
        }
        try range("temperature", temperature, 0...2)
        try range("top_p", topP, 0...1)
        guard topP > 0 else {
            throw SamplingError(parameter: "top_p", message: "top_p is 0; above 0 and up to 1 is possible")
        }
        try range("min_p", minP, 0...1)
        guard topK >= 0 else {
            throw SamplingError(
                parameter: "top_k",
                message: "top_k is \(topK); 0 or -1 for all, or a number of tokens is possible")
        }
        try range("frequency_penalty", frequencyPenalty, -2...2)
        try range("presence_penalty", presencePenalty, -2...2)
        for (id, bias) in logitBias.sorted(by: { $0.key < $1.key }) {
            guard id >= 0, Int(id) < vocabularySize else {
                throw SamplingError(
                    parameter: "logit_bias",
                    message: "logit_bias names the token \(id); the model has 0 to \(vocabularySize - 1)")
            }
            try range("logit_bias", bias, -100...100)
        }
    }
}

/// A parameter outside its range.
public struct SamplingError: Error, Equatable, CustomStringConvertible {
    /// As the endpoints spell it.
    public let parameter: String
    public let message: String
    public var description: String { message }
}

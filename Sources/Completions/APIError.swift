import JSON

/// A refusal as OpenAI's endpoints write it: all four keys, always.
public struct APIError: Error, Equatable, Sendable, CustomStringConvertible {
    /// HTTP status.
    public var status: Int
    /// `invalid_request_error`, `rate_limit_error`, `server_error` and the like.
    public var type: String
    public var message: String
    /// The parameter at fault.
    public var parameter: String?
    public var code: String?

    public init(
        status: Int = 400, type: String = "invalid_request_error", _ message: String,
        parameter: String? = nil,
        code: String? = nil
    ) {
        self.status = status
        self.type = type
        self.message = message
        self.parameter = parameter
        self.code = code
    }

    public var description: String { message }

    /// `{"error": {"message", "type", "param", "code"}}`.
    public var json: JSONValue {
        .object([
            JSONMember(
                "error",
                .object([
                    JSONMember("message", .string(message)), JSONMember("type", .string(type)),
                    JSONMember("param", .optional(parameter)), JSONMember("code", .optional(code)),
                ]))
        ])
    }
}

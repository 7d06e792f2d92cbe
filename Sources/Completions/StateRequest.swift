import JSON

/// A request to read a prompt and keep the state behind it: what `POST /v1/states` takes.
///
/// With `state` it goes on from a kept state, which stays as it is: a fork.
public struct StateRequest: Sendable {
    /// Writes nothing.
    public var completion: CompletionRequest
    /// What was read, for people.
    public var title: String

    /// - Throws: ``APIError`` with status 400 that names the parameter.
    public init(_ body: JSONValue) throws(APIError) {
        let reader = try RequestReader(body)
        let known: Set<String> = [
            "model", "prompt", "messages", "state", "title", "stream", "return_progress",
        ]
        for name in reader.names.sorted() where !known.contains(name) {
            throw APIError(
                "there is no parameter `\(RequestReader.shown(name))`", parameter: RequestReader.shown(name),
                code: "unknown_parameter")
        }
        title = try reader.string("title") ?? ""
        guard title.unicodeScalars.count <= 256 else {
            throw APIError("`title` is longer than 256 characters", parameter: "title")
        }
        let isChat = reader.value("messages") != nil
        guard !isChat || reader.value("prompt") == nil else {
            throw APIError("`prompt` and `messages` exclude each other", parameter: "prompt")
        }
        let members = (body.members ?? []).filter { $0.name != "title" }
        completion = try CompletionRequest(isChat ? .chat : .text, body: .object(members))
        guard completion.prompts.count == 1 else {
            throw APIError("a state has one prompt", parameter: "prompt")
        }
        completion.maximumTokens = 0
    }
}

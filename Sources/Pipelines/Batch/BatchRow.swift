import Completions
import Digests
import Inference
import JSON

/// A line of OpenAI's Batch format, and the line that answers it.
struct BatchRow {
    /// `batch_req_` and a digest of the line and its place: the same file gives the same names.
    let id: String
    let customID: JSONValue
    /// The request, or why it is none.
    let request: Result<CompletionRequest, APIError>

    /// - Parameter place: Of the row in its file, from 0.
    init(line: [UInt8], place: Int) {
        var hash = SHA256()
        hash.update("batch row \(place)\n".utf8)
        hash.update(line)
        let digest = hash.finalize()
        id = "batch_req_" + digest.prefix(12).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue(parsing: line) } catch {
            customID = .null
            request = .failure(APIError("the line is \(error)", code: "invalid_json_line"))
            return
        }
        customID = value["custom_id"]?.string.map { .string($0) } ?? .null
        do throws(APIError) {
            var parsed = try Self.request(value)
            // Without a seed of its own a row would be another text at each run.
            if parsed.sampling.seed == nil {
                parsed.sampling.seed = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            }
            request = .success(parsed)
        } catch { request = .failure(error) }
    }

    private static func request(_ value: JSONValue) throws(APIError) -> CompletionRequest {
        guard value["custom_id"]?.string != nil else {
            throw APIError("the line has no `custom_id`, or it is no string", parameter: "custom_id")
        }
        guard value["method"]?.string == "POST" else {
            throw APIError("`method` is not POST", parameter: "method")
        }
        guard let body = value["body"] else { throw APIError("the line has no `body`", parameter: "body") }
        let kinds = ["/v1/chat/completions": CompletionRequest.Kind.chat, "/v1/completions": .text]
        guard let kind = value["url"]?.string.flatMap({ kinds[$0] }) else {
            throw APIError("`url` is /v1/chat/completions or /v1/completions", parameter: "url")
        }
        let request = try CompletionRequest(kind, body: body)
        guard !request.streams else {
            throw APIError("`stream` is not possible in a batch", parameter: "stream")
        }
        guard request.state == nil else {
            throw APIError("`state` is not possible in a batch", parameter: "state")
        }
        return request
    }

    /// The line that answers this one.
    func answer(status: Int, body: JSONValue) -> JSONValue {
        .object([
            JSONMember("id", .string(id)), JSONMember("custom_id", customID),
            JSONMember(
                "response",
                .object([
                    JSONMember("status_code", .integer(status)), JSONMember("request_id", .string(id)),
                    JSONMember("body", body),
                ])),
            JSONMember("error", .null),
        ])
    }

    func answer(_ error: APIError) -> JSONValue { answer(status: error.status, body: error.json) }
}

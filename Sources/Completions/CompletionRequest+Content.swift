import JSON
import Tokenization

/// Prompts and formats.
extension CompletionRequest {
    static func turns(_ value: JSONValue?) throws(APIError) -> [ChatTemplate.Turn] {
        guard let value else { throw APIError("`messages` is missing", parameter: "messages") }
        guard let messages = value.array else { throw RequestReader.wrongType("messages", value, "an array") }
        guard !messages.isEmpty else { throw APIError("`messages` is empty", parameter: "messages") }
        var turns: [ChatTemplate.Turn] = []
        for (index, message) in messages.enumerated() {
            turns.append(try turn(message, "messages[\(index)]"))
        }
        return turns
    }

    private static func turn(_ message: JSONValue, _ place: String) throws(APIError) -> ChatTemplate.Turn {
        guard message.members != nil else { throw RequestReader.wrongType(place, message, "an object") }
        guard let role = message["role"]?.string else {
            throw APIError("`\(place)` has no `role`", parameter: place)
        }
        let names = ["system", "developer", "user", "assistant", "tool"]
        guard names.contains(role) else {
            throw APIError(
                "`\(place).role` is `\(RequestReader.shown(role))`; \(names.joined(separator: ", ")) are possible",
                parameter: place)
        }
        for name in ["tool_calls", "function_call", "audio"] {
            guard message[name]?.isNull ?? true else {
                throw APIError(
                    "`\(place).\(name)` is not supported here", parameter: place,
                    code: "unsupported_parameter")
            }
        }
        return ChatTemplate.Turn(
            role: role == "developer" ? "system" : role, content: try content(message["content"], role, place)
        )
    }

    private static func content(_ value: JSONValue?, _ role: String, _ place: String) throws(APIError)
        -> String
    {
        switch value {
        case .string(let text): return text
        case .array(let parts):
            var text = ""
            for part in parts {
                guard part["type"]?.string == "text", let piece = part["text"]?.string else {
                    throw APIError(
                        "`\(place).content` has a part that is not text; parts of type text are possible",
                        parameter: place)
                }
                text += piece
            }
            return text
        case nil, .null:
            if role == "assistant" { return "" }
            throw APIError("`\(place).content` is missing", parameter: place)
        case .some(let value):
            throw RequestReader.wrongType("\(place).content", value, "a string or an array of parts")
        }
    }

    static func textPrompts(_ value: JSONValue?) throws(APIError) -> [Prompt] {
        guard let value else { throw APIError("`prompt` is missing", parameter: "prompt") }
        let mixed = APIError(
            "`prompt` is a text, an array of texts, an array of token ids or an array of these",
            parameter: "prompt")
        func ids(_ values: [JSONValue]) throws(APIError) -> [Int32] {
            var ids: [Int32] = []
            for value in values {
                guard let id = value.integer, let small = Int32(exactly: id) else { throw mixed }
                ids.append(small)
            }
            return ids
        }
        switch value {
        case .string(let text): return [.text(text)]
        case .array(let values):
            guard let first = values.first else { throw APIError("`prompt` is empty", parameter: "prompt") }
            if first.integer != nil { return [.tokens(try ids(values))] }
            guard values.count <= 1024 else {
                throw APIError("`prompt` has \(values.count) texts; 1024 are possible", parameter: "prompt")
            }
            var prompts: [Prompt] = []
            for value in values {
                if let text = value.string {
                    prompts.append(.text(text))
                } else if let list = value.array {
                    prompts.append(.tokens(try ids(list)))
                } else {
                    throw mixed
                }
            }
            return prompts
        default: throw mixed
        }
    }

    /// `response_format`, in OpenAI's spelling and in those that llama.cpp takes, and `structured_outputs`.
    static func format(_ reader: RequestReader) throws(APIError) -> Format {
        let format = try reader.object("response_format")
        let structured = try reader.object("structured_outputs")
        if let structured {
            guard format == nil || format?["type"]?.string == "text" else {
                throw APIError(
                    "`response_format` and `structured_outputs` exclude each other",
                    parameter: "structured_outputs")
            }
            return try structuredOutputs(structured)
        }
        guard let format else { return .text }
        let parameter = "response_format"
        switch format["type"]?.string {
        case "text": return .text
        case "json_object":
            if let schema = format["schema"], !schema.isNull { return .schema(schema, isLenient: false) }
            return .object
        case "json_schema":
            let inner = format["json_schema"] ?? format
            guard let schema = inner["schema"], !schema.isNull else {
                throw APIError("`response_format` of type json_schema has no schema", parameter: parameter)
            }
            if let name = inner["name"] {
                let isGood = name.string.map { text in
                    (1...64).contains(text.utf8.count)
                        && text.utf8.allSatisfy { byte in
                            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                                || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
                        }
                }
                guard isGood == true else {
                    throw APIError(
                        "the schema's `name` is 1 to 64 letters, digits, underscores and dashes",
                        parameter: parameter)
                }
            }
            if let strict = inner["strict"], !strict.isNull, strict.bool == nil {
                throw RequestReader.wrongType("response_format.json_schema.strict", strict, "true or false")
            }
            return .schema(schema, isLenient: inner["strict"]?.bool == false)
        default:
            throw APIError(
                "`response_format.type` is text, json_object or json_schema", parameter: parameter)
        }
    }

    private static func structuredOutputs(_ value: JSONValue) throws(APIError) -> Format {
        let parameter = "structured_outputs"
        let set = (value.members ?? []).filter { !$0.value.isNull }
        guard set.count == 1 else {
            throw APIError(
                "`structured_outputs` has exactly one of json, regex, choice and json_object",
                parameter: parameter)
        }
        switch (set[0].name, set[0].value) {
        case ("json", .string(let text)):
            guard let schema = try? JSONValue(parsing: text) else {
                throw APIError("`structured_outputs.json` is not JSON", parameter: parameter)
            }
            return .schema(schema, isLenient: false)
        case ("json", let schema): return .schema(schema, isLenient: false)
        case ("regex", .string(let pattern)): return .regex(pattern)
        case ("json_object", .bool(true)): return .object
        case ("choice", .array(let values)):
            var choices: [String] = []
            for value in values {
                guard let text = value.string, !text.isEmpty else {
                    throw RequestReader.wrongType(
                        "structured_outputs.choice", value, "texts that are not empty")
                }
                choices.append(text)
            }
            guard !choices.isEmpty else {
                throw APIError("`structured_outputs.choice` is empty", parameter: parameter)
            }
            return .choice(choices)
        default:
            throw APIError(
                "`structured_outputs.\(RequestReader.shown(set[0].name))` is not supported, or not of its type; json, regex, choice and json_object are",
                parameter: parameter)
        }
    }
}

import Completions
import Inference
import JSON
import Testing
import Tokenization

/// What a request may say, and how it is refused.
struct RequestTests {
    static func chat(_ more: String) throws -> CompletionRequest {
        try CompletionRequest(
            .chat, body: JSONValue(parsing: #"{"messages":[{"role":"user","content":"x"}]\#(more)}"#))
    }

    @Test("every parameter is taken")
    func everything() throws {
        let request = try Self.chat(
            #"""
            , "model": "m", "temperature": 0.5, "top_p": 0.9, "min_p": 0.1, "top_k": 7, "frequency_penalty": 0.25,
            "presence_penalty": -0.5, "logit_bias": {"3": 5, "4": -1.5}, "seed": 11, "stop": ["a", "b"], "n": 3,
            "max_completion_tokens": 9, "max_tokens": 8, "logprobs": true, "top_logprobs": 4,
            "logprobs_mode": "processed", "stream": true, "stream_options": {"include_usage": true},
            "return_progress": true, "state": "k", "user": "u", "tools": [], "response_format": {"type": "json_object"}
            """#)
        var sampling = SamplingParameters()
        sampling.temperature = 0.5
        sampling.topP = 0.9
        sampling.minP = 0.1
        sampling.topK = 7
        sampling.frequencyPenalty = 0.25
        sampling.presencePenalty = -0.5
        sampling.logitBias = [3: 5, 4: -1.5]
        sampling.seed = 11
        #expect(request.sampling == sampling)
        #expect(request.stop == ["a", "b"] && request.count == 3 && request.maximumTokens == 9)
        #expect(request.topLogProbabilities == 4 && request.logProbabilityMode == .processed)
        #expect(request.streams && request.includesUsage && request.tellsProgress)
        #expect(request.state == "k" && request.model == "m" && request.format == .object)
    }

    @Test("defaults are those of the endpoints; null is absent")
    func defaults() throws {
        let request = try Self.chat(#", "temperature": null, "stop": null, "n": null, "seed": -1"#)
        #expect(request.sampling == SamplingParameters())
        #expect(
            request.sampling.temperature == 1 && request.sampling.topP == 1 && request.sampling.seed == nil)
        #expect(request.count == 1 && request.stop.isEmpty && request.maximumTokens == nil)
        #expect(request.topLogProbabilities == nil && request.format == .text && !request.streams)
        #expect(request.prompts == [.turns([.init(role: "user", content: "x")])])
    }

    @Test(
        "what is wrong is refused with the parameter's name",
        arguments: [
            (#", "temperature": "1""#, "temperature"), (#", "temperature": 3"#, "temperature"),
            (#", "temperature": 1e999"#, "temperature"), (#", "temperature": true"#, "temperature"),
            (#", "top_p": 0"#, "top_p"), (#", "min_p": 2"#, "min_p"), (#", "top_k": 1.5"#, "top_k"),
            (#", "n": 0"#, "n"), (#", "n": 129"#, "n"), (#", "n": "2""#, "n"),
            (#", "max_tokens": -1"#, "max_tokens"),
            (#", "seed": "1""#, "seed"), (#", "seed": 99999999999999999999"#, "seed"),
            (#", "stop": 5"#, "stop"),
            (#", "stop": [""]"#, "stop"), (#", "stop": [1]"#, "stop"), (#", "logit_bias": []"#, "logit_bias"),
            (#", "logit_bias": {"x": 1}"#, "logit_bias"), (#", "logit_bias": {"1": 101}"#, "logit_bias"),
            (#", "logit_bias": {"-1": 1}"#, "logit_bias"), (#", "top_logprobs": 2"#, "top_logprobs"),
            (#", "logprobs": 1"#, "logprobs"), (#", "logprobs": true, "top_logprobs": "2""#, "top_logprobs"),
            (#", "logprobs": true, "top_logprobs": 21"#, "top_logprobs"), (#", "stream": "yes""#, "stream"),
            (#", "stream_options": {"include_usage": true}"#, "stream_options"),
            (#", "stream": true, "stream_options": {"what": 1}"#, "stream_options"),
            (#", "response_format": "json""#, "response_format"),
            (#", "response_format": {"type": "xml"}"#, "response_format"),
            (#", "response_format": {"type": "json_schema"}"#, "response_format"),
            (
                #", "response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}"#,
                "response_format"
            ),
            (#", "structured_outputs": {"json": {}, "regex": "a"}"#, "structured_outputs"),
            (#", "structured_outputs": {"grammar": "a"}"#, "structured_outputs"),
            (#", "structured_outputs": {"choice": []}"#, "structured_outputs"),
            (#", "tools": [{"type": "function"}]"#, "tools"), (#", "echo": true"#, "echo"),
            (#", "temprature": 1"#, "temprature"), (#", "prompt": "x""#, "prompt"),
            (#", "n": 1, "n": 2"#, "n"),
        ])
    func refusals(more: String, parameter: String) {
        let error = #expect(throws: APIError.self) { try Self.chat(more) }
        #expect(
            error?.status == 400 && error?.parameter == parameter && error?.type == "invalid_request_error")
    }

    @Test(
        "messages that are none are refused",
        arguments: [
            "{}", #"{"messages": []}"#, #"{"messages": 1}"#, #"{"messages": ["x"]}"#, #"{"messages": [{}]}"#,
            #"{"messages": [{"role": "robot", "content": "x"}]}"#, #"{"messages": [{"role": "user"}]}"#,
            #"{"messages": [{"role": "user", "content": 3}]}"#,
            #"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#, "[]", "3",
        ])
    func badMessages(body: String) {
        #expect(throws: APIError.self) { try CompletionRequest(.chat, body: JSONValue(parsing: body)) }
    }

    @Test("prompts of completions: a text, texts, ids, lists of ids")
    func prompts() throws {
        func prompts(_ prompt: String) throws -> [CompletionRequest.Prompt] {
            try CompletionRequest(.text, body: JSONValue(parsing: #"{"prompt": \#(prompt)}"#)).prompts
        }
        #expect(try prompts(#""a""#) == [.text("a")])
        #expect(try prompts(#"["a", "b"]"#) == [.text("a"), .text("b")])
        #expect(try prompts("[1, 2]") == [.tokens([1, 2])])
        #expect(try prompts("[[1, 2], [3]]") == [.tokens([1, 2]), .tokens([3])])
        for bad in ["[]", "3", "[1, \"a\"]", "[[\"a\"]]", "[1.5]", "[99999999999]", "{}"] {
            #expect(throws: APIError.self) { try prompts(bad) }
        }
    }

    @Test("three spellings of a schema, and the parts of a message")
    func spellings() throws {
        let schema = #"{"type": "integer"}"#
        let spellings = [
            #"{"type": "json_schema", "json_schema": {"name": "a", "schema": \#(schema)}}"#,
            #"{"type": "json_schema", "schema": \#(schema)}"#,
            #"{"type": "json_object", "schema": \#(schema)}"#,
        ]
        for spelling in spellings {
            let format = try Self.chat(#", "response_format": \#(spelling)"#).format
            #expect(format == .schema(try JSONValue(parsing: schema), isLenient: false))
        }
        let parts = try CompletionRequest(
            .chat,
            body: JSONValue(
                parsing:
                    #"{"messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, {"role": "assistant", "content": null}]}"#
            ))
        #expect(
            parts.prompts == [
                .turns([.init(role: "system", content: "ab"), .init(role: "assistant", content: "")])
            ])
    }

    @Test("an error has all four keys")
    func fourKeys() {
        #expect(
            APIError("m").json.text
                == #"{"error": {"message": "m", "type": "invalid_request_error", "param": null, "code": null}}"#
        )
    }

    @Test("prices")
    func prices() throws {
        let price = try #require(TokenPrice("0.30,0.60"))
        #expect(price.dollars(read: 1_000_000, written: 500_000) == 0.6)
        #expect(price.text(read: 1000, written: 0) == "$0.0003")
        #expect(price.text(read: 10_000_000, written: 1_000_000) == "$3.6")
        for bad in ["", "1", "1,2,3", "a,b", "-1,2", "nan,1"] { #expect(TokenPrice(bad) == nil) }
    }
}

import Completions
import Foundation
import Inference
import JSON
import Testing
import Tokenization

/// Texts of the bundled model: what holds whatever the model is.
@Suite(.serialized) struct CompletionEngineTests {
    static let model = try! LoadedModel.open(threads: 2)

    struct Result {
        var texts: [Int: String] = [:]
        var reasons: [Int: FinishReason] = [:]
        var tokens: [Int: [WrittenToken]] = [:]
        var pieces: [String] = []
        var usage: TokenUsage?
        var error: APIError?
        var progress: [Int] = []
        var text: String { texts[0] ?? "" }
    }

    final class Box { var result = Result() }

    static func submit(_ engine: CompletionEngine, _ kind: CompletionRequest.Kind = .text, _ body: String)
        throws -> Box
    {
        let request = try CompletionRequest(kind, body: JSONValue(parsing: body))
        let prepared = try PreparedRequest(request, model: model, context: engine.context)
        let box = Box()
        engine.submit(prepared) { event in
            switch event {
            case .begun: break
            case .progress(_, _, let processed): box.result.progress.append(processed)
            case .text(let choice, let text, let tokens):
                box.result.texts[choice, default: ""] += text
                box.result.tokens[choice, default: []] += tokens
                box.result.pieces.append(text)
            case .finished(let choice, let reason): box.result.reasons[choice] = reason
            case .done(let usage, _): box.result.usage = usage
            case .failed(let error): box.result.error = error
            }
        }
        return box
    }

    static func run(
        _ body: String, _ kind: CompletionRequest.Kind = .text,
        engine: CompletionEngine = CompletionEngine(model: model)
    ) throws -> Result {
        let box = try submit(engine, kind, body)
        while engine.step() {}
        return box.result
    }

    @Test("temperature 0 is the likeliest token of the engine's own logits, and repeats")
    func greedy() throws {
        let prompt = "From: a@example.com\nSubject: "
        let result = try Self.run(
            #"{"prompt": "\#(prompt.replacing("\n", with: "\\n"))", "temperature": 0, "max_tokens": 8}"#)
        let session = Self.model.engine.makeSession()
        let ids = Self.model.tokenizer.encode(prompt)
        var logits = Self.model.engine.advance([
            PrefillItem(session: session, tokens: ids[...], wantsLogits: true)
        ])[0]!
        var bytes: [UInt8] = []
        for _ in 0..<8 {
            let best = Int32(
                logits.indices.max { logits[$0] < logits[$1] || (logits[$0] == logits[$1] && $0 > $1) }!)
            if Self.model.tokenizer.specialTokens[best] != nil { break }
            bytes += Self.model.tokenizer.tokenBytes(best)
            logits = Self.model.engine.decode([(session, best)])[0]
        }
        #expect(result.text == String(decoding: bytes, as: UTF8.self))
        #expect(!result.text.isEmpty)
        #expect(result.usage?.prompt == ids.count)
    }

    @Test("a seed gives the same text alone, beside others, and after others")
    func neighbours() throws {
        let body = #"{"prompt": "The meeting is", "seed": 5, "max_tokens": 20, "logit_bias": {"0": 0}}"#
        let alone = try Self.run(body)
        let engine = CompletionEngine(model: Self.model)
        var others: [Box] = []
        for index in 0..<7 {
            let filler = String(repeating: "word \(index) ", count: 40 * index)
            others.append(try Self.submit(engine, .text, #"{"prompt": "\#(filler) x", "max_tokens": 12}"#))
        }
        let box = try Self.submit(engine, .text, body)
        while engine.step() {}
        #expect(box.result.text == alone.text && !alone.text.isEmpty)
        #expect(others.allSatisfy { $0.result.usage != nil })
        // Now from a kept state.
        let again = try Self.run(body, engine: engine)
        #expect(again.text == alone.text)
        let other = try Self.run(#"{"prompt": "The meeting is", "seed": 6, "max_tokens": 20}"#)
        #expect(other.text != alone.text)
    }

    @Test("each parameter's tokens and log-probabilities have the same bits alone and drawn beside others")
    func drawnTogether() throws {
        let each = [
            #""temperature": 0"#, #""temperature": 0.7, "top_p": 0.9"#, #""min_p": 0.02, "top_k": 50"#,
            #""frequency_penalty": 1.5, "presence_penalty": 0.5"#, #""logit_bias": {"40": 3, "41": -100}"#,
            #""n": 3, "top_p": 0.5"#, #""structured_outputs": {"regex": "[a-z ]{4,9}"}"#,
            #""temperature": 1.3, "structured_outputs": {"choice": ["yes", "no", "perhaps"]}"#,
        ]
        let bodies = each.indices.flatMap { index in
            ["raw", "processed"].map { mode in
                #"{"prompt": "Dear Mira, \#(index)", "seed": \#(index), "max_tokens": 12, "logprobs": 3, "#
                    + #""logprobs_mode": "\#(mode)", \#(each[index])}"#
            }
        }
        let alone = try bodies.map { try Self.run($0) }
        let engine = CompletionEngine(model: Self.model)
        let together = try bodies.map { try Self.submit(engine, .text, $0) }
        while engine.step() {}
        for (index, (one, other)) in zip(alone, together).enumerated() {
            #expect(one.texts == other.result.texts && one.error == nil, "\(bodies[index])")
            #expect(one.tokens == other.result.tokens && one.tokens[0]?.isEmpty == false, "\(bodies[index])")
        }
    }

    @Test("a text that ends while another prompt of its request is read waits for it")
    func promptsOfUnlikeLength() throws {
        var options = CompletionEngine.Options()
        options.rowsPerStep = 16
        options.rowsBesideWriting = 16
        let long = String(repeating: "and then another word ", count: 40)
        let result = try Self.run(
            #"{"prompt": ["Dear", "\#(long)"], "temperature": 0, "max_tokens": 3}"#,
            engine: CompletionEngine(model: Self.model, options: options))
        #expect(result.reasons.count == 2 && result.error == nil)
        let alone = try Self.run(#"{"prompt": "Dear", "temperature": 0, "max_tokens": 3}"#)
        #expect(result.texts[0] == alone.text && !alone.text.isEmpty)
    }

    @Test("n texts differ, each what it is without the others; greedy ones are equal")
    func choices() throws {
        let result = try Self.run(#"{"prompt": "Dear", "seed": 3, "n": 4, "max_tokens": 12}"#)
        #expect(result.reasons.count == 4 && Set(result.texts.values).count > 1)
        let fewer = try Self.run(#"{"prompt": "Dear", "seed": 3, "n": 2, "max_tokens": 12}"#)
        #expect(fewer.texts[0] == result.texts[0] && fewer.texts[1] == result.texts[1])
        let greedy = try Self.run(#"{"prompt": "Dear", "temperature": 0, "n": 3, "max_tokens": 6}"#)
        #expect(Set((0..<3).map { greedy.texts[$0] ?? "" }).count == 1)
        #expect(greedy.usage!.completion % 3 == 0)
    }

    @Test("max_tokens ends with length, 0 writes nothing")
    func lengths() throws {
        let three = try Self.run(#"{"prompt": "Dear", "temperature": 0, "max_tokens": 3, "logprobs": 0}"#)
        #expect(three.reasons[0] == .length && three.usage?.completion == 3 && three.tokens[0]?.count == 3)
        let none = try Self.run(#"{"prompt": "Dear", "max_tokens": 0}"#)
        #expect(none.reasons[0] == .length && none.text.isEmpty && none.usage?.completion == 0)
        #expect(none.usage!.prompt > 0)
    }

    @Test("prompt and text fit into the context together, or the request is refused")
    func context() throws {
        func prepare(_ body: String) throws -> PreparedRequest {
            let request = try CompletionRequest(.text, body: JSONValue(parsing: body))
            return try PreparedRequest(request, model: Self.model, context: 10)
        }
        #expect(try prepare(#"{"prompt": [5, 6, 7], "max_tokens": 7}"#).prompts[0].room == 7)
        for body in [
            #"{"prompt": [5, 6, 7], "max_tokens": 8}"#, #"{"prompt": [5, 6, 7, 8, 9, 5, 6, 7, 8, 9, 5]}"#,
        ] {
            let error = #expect(throws: APIError.self) { try prepare(body) }
            #expect(error?.code == "context_length_exceeded")
        }
        let engine = CompletionEngine(model: Self.model)
        var reason: FinishReason?
        let id = Self.model.tokenizer.encode("x")[0]
        engine.submit(try prepare(#"{"prompt": [5, 6, 7], "temperature": 0, "logit_bias": {"\#(id)": 100}}"#))
        {
            if case .finished(_, let why) = $0 { reason = why }
        }
        while engine.step() {}
        #expect(reason == .length)
    }

    @Test("logit_bias: 100 is always written, -100 never")
    func bias() throws {
        let id = Self.model.tokenizer.encode("x")[0]
        let always = try Self.run(#"{"prompt": "Dear", "max_tokens": 5, "logit_bias": {"\#(id)": 100}}"#)
        #expect(always.text == "xxxxx")
        let greedy = try Self.run(#"{"prompt": "Dear", "temperature": 0, "max_tokens": 1, "logprobs": 0}"#)
        let first = greedy.tokens[0]![0].bytes
        let banned = (0..<Int32(Self.model.tokenizer.vocabularySize)).first {
            Self.model.tokenizer.tokenBytes($0) == first
        }!
        let without = try Self.run(
            #"{"prompt": "Dear", "temperature": 0, "max_tokens": 1, "logit_bias": {"\#(banned)": -100}}"#)
        #expect(without.text != greedy.text)
    }

    @Test("penalties keep a greedy text from repeating a token")
    func penalties() throws {
        let id = Self.model.tokenizer.encode("x")[0]
        let bias = #""logit_bias": {"\#(id)": 30}"#
        let plain = try Self.run(#"{"prompt": "Dear", "temperature": 0, "max_tokens": 24, \#(bias)}"#)
        let often = try Self.run(
            #"{"prompt": "Dear", "temperature": 0, "max_tokens": 24, "frequency_penalty": 2, \#(bias)}"#)
        let count = { (text: String) in text.filter { $0 == "x" }.count }
        #expect(count(plain.text) > count(often.text))
    }

    @Test("a text ends before its stop string, wherever the tokens are cut; pieces make the text")
    func stops() throws {
        let whole = try Self.run(#"{"prompt": "Dear", "seed": 9, "max_tokens": 30}"#).text
        try #require(whole.count > 8)
        let characters = Array(whole)
        let stop = String(characters[4..<7])
        let body = JSONValue.object([
            JSONMember("prompt", .string("Dear")), JSONMember("seed", .integer(9)),
            JSONMember("max_tokens", .integer(30)),
            JSONMember("stop", .string(stop)), JSONMember("logprobs", .integer(1)),
        ])
        let result = try Self.run(body.text)
        #expect(result.text == String(whole[..<whole.range(of: stop)!.lowerBound]))
        #expect(result.reasons[0] == .stop)
        #expect(result.pieces.joined() == result.text)
        // Tokens behind the stop string are not told.
        let told = result.tokens[0]!.dropLast().flatMap(\.bytes)
        #expect(told.count <= result.text.utf8.count)
    }

    @Test(
        "log-probabilities: raw ones are the model's, processed ones those of the draw; the text is their bytes"
    )
    func logProbabilities() throws {
        let raw = try Self.run(
            #"{"prompt": "Dear", "seed": 1, "max_tokens": 6, "logprobs": 5, "temperature": 0.5}"#)
        let tokens = try #require(raw.tokens[0])
        #expect(tokens.flatMap(\.bytes) == Array(raw.text.utf8) || tokens.count == 6)
        for token in tokens {
            #expect(token.top.count == 5 && token.logProbability <= 0)
            #expect(
                zip(token.top, token.top.dropFirst()).allSatisfy { $0.logProbability >= $1.logProbability })
        }
        let processed = try Self.run(
            #"{"prompt": "Dear", "seed": 1, "max_tokens": 6, "logprobs": 5, "temperature": 0.5, "logprobs_mode": "processed"}"#
        )
        #expect(processed.text == raw.text)
        #expect(processed.tokens[0]!.map(\.logProbability) != tokens.map(\.logProbability))
        // The prompt's own logits give the first one.
        let session = Self.model.engine.makeSession()
        let ids = Self.model.tokenizer.encode("Dear")
        let logits = Self.model.engine.advance([
            PrefillItem(session: session, tokens: ids[...], wantsLogits: true)
        ])[0]!
        let top = logits.max()!
        let norm = Double(top) + log(logits.reduce(0.0) { $0 + exp(Double($1 - top)) })
        #expect(abs(tokens[0].top[0].logProbability - (Double(top) - norm)) < 1e-6)
    }

    @Test("under a schema every text is valid or ends with length, with n and stop strings, too")
    func schemas() throws {
        let schema =
            #"{"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "count": {"type": "integer", "minimum": 0, "maximum": 99}, "kind": {"enum": ["a", "b"]}}, "required": ["name", "count", "kind"], "additionalProperties": false}"#
        let body =
            #"{"prompt": "A thing:", "seed": 2, "n": 6, "max_tokens": 200, "stop": ["\"", "a"], "response_format": {"type": "json_schema", "json_schema": {"name": "thing", "schema": \#(schema)}}}"#
        let result = try Self.run(body)
        #expect(result.reasons.count == 6)
        for index in 0..<6 where result.reasons[index] == .stop {
            let value = try JSONValue(parsing: result.texts[index] ?? "")
            #expect(value["name"]?.string != nil && (0...99).contains(value["count"]?.integer ?? -1))
            #expect(["a", "b"].contains(value["kind"]?.string))
        }
        #expect(result.reasons.values.contains(.stop))
        let short = try Self.run(body.replacing(#""max_tokens": 200"#, with: #""max_tokens": 3"#))
        #expect(short.reasons.values.allSatisfy { $0 == .length })
        let choice = try Self.run(
            #"{"prompt": "Yes or no:", "n": 5, "structured_outputs": {"choice": ["yes", "no", "not sure"]}}"#)
        #expect(choice.texts.values.allSatisfy { ["yes", "no", "not sure"].contains($0) })
        let regex = try Self.run(#"{"prompt": "7", "n": 3, "structured_outputs": {"regex": "[0-9]{4}"}}"#)
        #expect(regex.texts.values.allSatisfy { $0.utf8.count == 4 && Int($0) != nil })
        let refused = try Self.run(
            #"{"prompt": "x", "response_format": {"type": "json_schema", "schema": {"type": "string", "pattern": "(?=a)b"}}}"#
        )
        #expect(refused.error?.status == 400 && refused.error?.parameter == "response_format")
    }

    @Test("a prompt that begins like an earlier one is not read again, and gives the same text")
    func prefixes() throws {
        let engine = CompletionEngine(model: Self.model)
        let long = String(repeating: "All work and no play. ", count: 60)
        func body(_ question: String) -> String {
            #"{"messages": [{"role": "system", "content": "\#(long)"}, {"role": "user", "content": "\#(question)"}], "temperature": 0, "max_tokens": 5}"#
        }
        let first = try Self.run(body("One?"), .chat, engine: engine)
        #expect(first.usage?.cached == 0)
        let second = try Self.run(body("Two?"), .chat, engine: engine)
        #expect(second.usage!.cached > 200 && second.usage!.read < 40)
        let same = try Self.run(body("One?"), .chat, engine: engine)
        #expect(same.usage?.read == 0 && same.text == first.text)
        #expect(second.text == (try Self.run(body("Two?"), .chat)).text)
        // A common beginning without a turn's end: the third finds what the second left.
        let text = { (end: String) in #"{"prompt": "\#(long)\#(end)", "temperature": 0, "max_tokens": 4}"# }
        _ = try Self.run(text("north"), engine: engine)
        _ = try Self.run(text("south and so on"), engine: engine)
        let third = try Self.run(text("east"), engine: engine)
        #expect(third.usage!.cached > 200)
        #expect(third.text == (try Self.run(text("east"))).text)
    }

    @Test("what prompts that come together have in common is read once, and each gets the text it gets alone")
    func together() throws {
        let engine = CompletionEngine(model: Self.model)
        let shared = String(repeating: "Minutes of the meeting on Monday, all were there. ", count: 60)
        func body(_ end: String) -> String {
            #"{"prompt": "\#(shared)\#(end)", "temperature": 0, "max_tokens": 8}"#
        }
        // Two are the same, one is a beginning of the others, one has hardly anything in common.
        let ends = ["Who spoke?", "Who spoke? And about what, and for how long?", "When?", "When?", ""]
        let boxes = try ends.map { try Self.submit(engine, .text, body($0)) }
        let other = try Self.submit(
            engine, .text, #"{"prompt": "Minutes", "temperature": 0, "max_tokens": 8}"#)
        while engine.step() {}
        let total = boxes.reduce(0) { $0 + $1.result.usage!.prompt }
        let read = boxes.reduce(0) { $0 + $1.result.usage!.read }
        #expect(read < total / 4, "\(read) of \(total)")
        for (end, box) in zip(ends, boxes) {
            #expect(try box.result.text == Self.run(body(end)).text && box.result.usage!.completion > 0)
        }
        #expect(other.result.usage!.completion > 0)
        // The one that the others wait for is cancelled: they read themselves.
        let second = CompletionEngine(model: Self.model)
        let request = try CompletionRequest(.text, body: JSONValue(parsing: body("Who spoke?")))
        let id = second.submit(
            try PreparedRequest(request, model: Self.model, context: second.context)
        ) { _ in }
        let left = try Self.submit(second, .text, body("When?"))
        second.step()
        second.cancel(id)
        while second.step() {}
        #expect(left.result.text == boxes[2].result.text)
    }

    @Test("states are made, gone on from, found by prompts and after a stop")
    func states() throws {
        let folder = NSTemporaryDirectory() + "/lector-shelf-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let shelf = try StateShelf(folder: folder, model: Self.model)
        var options = CompletionEngine.Options()
        options.leastTokensKept = 64
        options.rowsPerStep = 64
        let engine = CompletionEngine(model: Self.model, options: options, shelf: shelf)
        let long = String(repeating: "A book has many words. ", count: 100)
        let request = try CompletionRequest(
            .text, body: JSONValue(parsing: #"{"prompt": "\#(long)", "max_tokens": 0}"#))
        var key: String?
        engine.submit(
            try PreparedRequest(request, model: Self.model, context: 1 << 20), keepsState: "book"
        ) {
            if case .done(_, let state) = $0 { key = state }
        }
        while engine.step() {}
        let state = try #require(key)
        #expect(try shelf.list()["data"]?.array?.count == 1)
        let from = #"{"prompt": "The end", "state": "\#(state)", "temperature": 0, "max_tokens": 6}"#
        let branch = try Self.run(from, engine: engine)
        #expect(branch.usage!.prompt < 8 && branch.error == nil)
        // The same ids read at once.
        let ids = Self.model.tokenizer.encode(long) + Self.model.tokenizer.encode("The end")
        let list = ids.map { "\($0)" }.joined(separator: ",")
        #expect(
            branch.text == (try Self.run(#"{"prompt": [\#(list)], "temperature": 0, "max_tokens": 6}"#)).text)
        let other = CompletionEngine(model: Self.model, options: options, shelf: shelf)
        let found = try Self.run(#"{"prompt": [\#(list)], "temperature": 0, "max_tokens": 6}"#, engine: other)
        #expect(found.usage!.cached >= ids.count - 8 && found.text == branch.text)
        #expect(try Self.run(#"{"prompt": "x", "state": "nothing"}"#, engine: engine).error?.status == 404)

        // A long prompt is cut by a stop and goes on in another engine.
        let longer = String(repeating: "Something else altogether is told here. ", count: 200)
        let cut = try Self.submit(
            engine, .text, #"{"prompt": "\#(longer)", "temperature": 0, "max_tokens": 6}"#)
        for _ in 0..<5 { engine.step() }
        #expect(engine.stop() > 200)
        #expect(cut.result.error?.status == 503 && engine.isIdle)
        let resumed = try Self.run(
            #"{"prompt": "\#(longer)", "temperature": 0, "max_tokens": 6}"#, engine: other)
        #expect(resumed.usage!.cached > 200)
        #expect(
            resumed.text
                == (try Self.run(#"{"prompt": "\#(longer)", "temperature": 0, "max_tokens": 6}"#)).text)
        try shelf.remove(state)
        #expect(throws: APIError.self) { try shelf.remove(state) }
    }

    @Test("a short prompt passes by a long one; a request that is cancelled costs nothing more")
    func fairness() throws {
        var options = CompletionEngine.Options()
        options.rowsPerStep = 64
        options.rowsBesideWriting = 64
        let engine = CompletionEngine(model: Self.model, options: options)
        let long = String(repeating: "Many words stand in this long text. ", count: 400)
        let slow = try Self.submit(
            engine, .text, #"{"prompt": "\#(long)", "max_tokens": 2, "return_progress": true}"#)
        for _ in 0..<3 { engine.step() }
        let quick = try Self.submit(engine, .text, #"{"prompt": "Hello", "max_tokens": 4, "temperature": 0}"#)
        var steps = 0
        while quick.result.usage == nil, steps < 12 {
            engine.step()
            steps += 1
        }
        #expect(quick.result.usage != nil && slow.result.usage == nil)
        #expect(slow.result.progress.count > 3 && slow.result.progress == slow.result.progress.sorted())
        engine.cancel(1)
        #expect(engine.isIdle && !engine.step())
        #expect(slow.result.usage == nil && slow.result.error == nil)
    }

    @Test("responses and chunks have the shapes of the endpoints")
    func shapes() throws {
        let request = try CompletionRequest(
            .chat,
            body: JSONValue(
                parsing:
                    #"{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0, "logprobs": true, "top_logprobs": 2, "stream": true, "stream_options": {"include_usage": true}}"#
            ))
        let engine = CompletionEngine(model: Self.model)
        var whole = CompletionResponse(request, name: "x", created: 7, model: "m", fingerprint: "abc")
        var stream = whole
        var chunks: [JSONValue] = []
        engine.submit(try PreparedRequest(request, model: Self.model, context: 4096)) {
            whole.add($0)
            chunks += stream.chunks($0)
        }
        while engine.step() {}
        let message = whole.json["choices"]?.array?[0]
        #expect(whole.json["object"]?.string == "chat.completion" && whole.json["id"]?.string == "chatcmpl-x")
        #expect(message?["message"]?["role"]?.string == "assistant")
        let content = message?["logprobs"]?["content"]?.array ?? []
        #expect(content.allSatisfy { $0["top_logprobs"]?.array?.count == 2 && $0["bytes"]?.array != nil })
        #expect(whole.json["usage"]?["total_tokens"]?.integer == whole.usage.total)
        #expect(chunks.first?["choices"]?.array?[0]["delta"]?["role"]?.string == "assistant")
        let text = chunks.compactMap { $0["choices"]?.array?.first?["delta"]?["content"]?.string }.joined()
        #expect(text == message?["message"]?["content"]?.string)
        #expect(chunks.dropLast().allSatisfy { $0["usage"]?.isNull == true })
        #expect(chunks.last?["choices"]?.array?.isEmpty == true)
        #expect(chunks.last?["usage"]?["completion_tokens"]?.integer == whole.usage.completion)
        let reasons = chunks.compactMap { $0["choices"]?.array?.first?["finish_reason"]?.string }
        #expect(reasons.count == 1 && ["stop", "length"].contains(reasons[0]))
        #expect(Set(chunks.map { $0["id"]?.string }).count == 1)
    }
}

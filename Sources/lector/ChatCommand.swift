import ArgumentParser
import Completions
import Documents
import Glibc
import Inference
import JSON
import Pipelines
import Tokenization

struct ChatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talks with a model: turns in its own template, every parameter of the endpoints.",
        discussion: """
            Each line is a message; an empty line or Ctrl-D ends, Ctrl-C ends an answer. What was said before is
            not read again. With -p: one message, and the answer on standard output.

            The bundled model is made for labels, fields and answers out of texts, not for talk; give --model a
            Kimi-Linear checkpoint for that.

            EXAMPLES
              lector chat --model kimi.gguf
              lector chat -p "Say it in one word." --temperature 0
              lector chat -p "A person" --schema person.json --seed 7
            """)

    @Option(name: .customShort("p"), help: ArgumentHelp("One message.", valueName: "text"))
    var prompt: String?

    @Option(help: "What the model is told first.")
    var system: String?

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: "0 takes the likeliest token always (1).")
    var temperature: Double?

    @Option(help: "The likeliest tokens with this probability together (1).")
    var topP: Double?

    @Option(help: "Tokens with this share of the likeliest one's probability (0).")
    var minP: Double?

    @Option(help: "Taken off a token for each time it was written (0).")
    var frequencyPenalty: Double?

    @Option(help: "Taken off tokens that were written (0).")
    var presencePenalty: Double?

    @Option(help: "The same seed gives the same answer.")
    var seed: Int?

    @Option(help: "Tokens of an answer at most (4096).")
    var maxTokens: Int?

    @Option(help: ArgumentHelp("Ends an answer. May be given again.", valueName: "text"))
    var stop: [String] = []

    @Option(help: ArgumentHelp("Answers are JSON that fits a schema.", valueName: "file"))
    var schema: String?

    @Flag(name: .shortAndLong, help: "Say nothing but the answers.")
    var quiet = false

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            var common = RunOptions.parseOrExit([])
            common.model = model
            common.threads = threads
            var opening = RunRequest.Output()
            try common.apply(to: &opening, try common.settings())
            let parameters = try parameters()
            // Before the model is opened: what is wrong with a flag shows at once.
            _ = try request([.init(role: "user", content: "x")], parameters)
            let loaded = try ModelOpening.open(opening)
            let engine = CompletionEngine(model: loaded)
            var turns: [ChatTemplate.Turn] = system.map { [.init(role: "system", content: $0)] } ?? []
            if let prompt {
                turns.append(.init(role: "user", content: prompt))
                _ = try answer(turns, parameters, engine)
                return StopSignal.received.map { StopSignal.exitStatus($0) } ?? 0
            }
            let isTerminal = isatty(STDIN_FILENO) == 1
            if isTerminal, !quiet {
                CommandSupport.complain(
                    "model \(loaded.name); an empty line or Ctrl-D ends, Ctrl-C ends an answer")
            }
            while StopSignal.received == nil {
                if isTerminal {
                    CommandSupport.put("> ", to: STDERR_FILENO)
                    guard Self.waitForLine() else {
                        CommandSupport.put("\n", to: STDERR_FILENO)
                        break
                    }
                }
                guard let line = readLine(), !line.isEmpty else { break }
                turns.append(.init(role: "user", content: line))
                turns.append(.init(role: "assistant", content: try answer(turns, parameters, engine)))
                if isTerminal { StopSignal.forgetInterrupt() }
            }
            return StopSignal.received.map { StopSignal.exitStatus($0) } ?? 0
        }
    }

    /// Waits for a line of the terminal; a signal ends the waiting, which `readLine` would go on with.
    ///
    /// - Returns: Whether there is a line, or the end.
    private static func waitForLine() -> Bool {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        while poll(&input, 1, -1) < 0 {
            if StopSignal.received != nil { return false }
        }
        return true
    }

    /// The flags as members of a request.
    private func parameters() throws(PipelineError) -> [JSONMember] {
        var members: [JSONMember] = []
        func add(_ name: String, _ value: Double?) {
            if let value { members.append(JSONMember(name, .number("\(value)"))) }
        }
        add("temperature", temperature)
        add("top_p", topP)
        add("min_p", minP)
        add("frequency_penalty", frequencyPenalty)
        add("presence_penalty", presencePenalty)
        if let seed { members.append(JSONMember("seed", .integer(seed))) }
        if let maxTokens { members.append(JSONMember("max_tokens", .integer(maxTokens))) }
        if !stop.isEmpty { members.append(JSONMember("stop", .array(stop.map { .string($0) }))) }
        if let schema {
            let json: JSONValue
            do { json = try JSONValue(parsing: try FileSystem.read(schema, limit: 1 << 24)) } catch let error
                as PipelineError
            { throw error } catch { throw .data("\(CommandSupport.clean(schema)): \(error)") }
            let format = JSONValue.object([
                JSONMember("type", .string("json_schema")), JSONMember("schema", json),
            ])
            members.append(JSONMember("response_format", format))
        }
        return members
    }

    private func request(
        _ turns: [ChatTemplate.Turn], _ parameters: [JSONMember]
    ) throws(PipelineError) -> CompletionRequest {
        let messages = turns.map {
            JSONValue.object([
                JSONMember("role", .string($0.role)), JSONMember("content", .string($0.content)),
            ])
        }
        do throws(APIError) {
            return try CompletionRequest(
                .chat, body: .object([JSONMember("messages", .array(messages))] + parameters))
        } catch { throw .usage(CommandSupport.clean(error.message)) }
    }

    /// Writes the answer as it comes.
    private func answer(
        _ turns: [ChatTemplate.Turn], _ parameters: [JSONMember], _ engine: CompletionEngine
    ) throws(PipelineError) -> String {
        let request = try request(turns, parameters)
        let prepared: PreparedRequest
        do throws(APIError) {
            prepared = try PreparedRequest(
                request, model: engine.model, context: engine.context)
        } catch { throw .usage(CommandSupport.clean(error.message)) }
        var text = ""
        var failure: PipelineError?
        var usage: TokenUsage?
        let start = Clock.seconds
        let id = engine.submit(prepared) { event in
            switch event {
            case .text(_, let piece, _):
                text += piece
                // Escape sequences of a model never reach a terminal; line breaks and tabs do.
                let lines = piece.split(separator: "\n", omittingEmptySubsequences: false)
                do throws(PipelineError) {
                    try CommandSupport.print(
                        lines.map { TerminalText.sanitized(String($0), limit: .max) }.joined(separator: "\n"))
                } catch { failure = error }
            case .failed(let error): failure = .data(CommandSupport.clean(error.message))
            case .done(let counts, _): usage = counts
            case .begun, .progress, .finished: break
            }
        }
        while failure == nil, StopSignal.received == nil, engine.step() {}
        engine.cancel(id)
        if let failure { throw failure }
        try CommandSupport.print("\n")
        if let usage, !quiet {
            let rate = Double(usage.read + usage.completion) / max(1e-9, Clock.seconds - start)
            CommandSupport.complain(
                "\(usage.read) tokens read, \(usage.cached) cached, \(usage.completion) written; \(Int(rate)) tokens/s"
            )
        }
        return text
    }
}

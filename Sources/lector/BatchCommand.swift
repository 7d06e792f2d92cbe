import ArgumentParser
import Completions
import Inference
import JSON
import Pipelines

struct BatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch",
        abstract: "Answers a file of requests in OpenAI's Batch format, offline.",
        discussion: """
            REQUESTS has one JSON object a line: custom_id, method (POST), url (/v1/chat/completions or
            /v1/completions) and body. RESULTS gets a row for every row, in their order: its response with
            status_code and body, be it an answer or an error. Many requests are read and written at once, and what
            their prompts have in common is read once. A row without a seed gets one from its own bytes, so that
            the same file gives the same rows. A killed run goes on when the same command is given again.

            EXAMPLES
              lector batch requests.jsonl -o results.jsonl
              lector batch requests.jsonl -o results.jsonl --unordered --price 0.30,0.60

            EXIT STATUS
              0 every row is 200; 1 finished, some rows are not; 64 usage; 65 data; 74 I/O; 75 another process
              answers the same file; 130 and 143 stopped by a signal: the same command goes on
            """)

    @Argument(help: ArgumentHelp("Requests, one a line.", valueName: "requests.jsonl"))
    var requests: String

    @Option(
        name: .short, help: ArgumentHelp("Where the rows go; without it standard output.", valueName: "file"))
    var output: String?

    @Flag(help: "Rows in the order in which they were answered.")
    var unordered = false

    @Flag(help: "With -o: print the summary as JSON.")
    var json = false

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Option(help: "Threads; without it one a core.")
    var threads: Int?

    @Option(help: "Tokens that a row may write when it does not say (4096).")
    var maxTokens: Int?

    @Option(help: "Requests at once (32).")
    var parallel: Int?

    @Option(help: ArgumentHelp("Where unfinished rows lie.", valueName: "folder"))
    var stateDir: String?

    @Option(help: ArgumentHelp("Dollars for a million tokens read and written.", valueName: "in,out"))
    var price: TokenPrice?

    @Option(help: "auto, bar, json or none.")
    var progress: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    func run() throws {
        try CommandSupport.run {
            StopSignal.install()
            var common = RunOptions.parseOrExit([])
            common.model = model
            common.threads = threads
            common.progress = progress
            common.quiet = quiet
            common.stateDir = stateDir
            let settings = try common.settings()
            let meter = try common.meter(settings)
            var opening = RunRequest.Output()
            try common.apply(to: &opening, settings)
            var options = CompletionEngine.Options()
            if let maxTokens {
                guard maxTokens >= 0 else {
                    throw PipelineError.usage("--max-tokens \(maxTokens): 0 or more")
                }
                options.defaultTokens = maxTokens
            }
            if let parallel {
                guard (1...1024).contains(parallel) else {
                    throw PipelineError.usage("--parallel \(parallel): 1 to 1024 are possible")
                }
                options.maximumOpen = parallel
            }
            let run = try BatchRun(
                requests: requests, stateFolder: common.stateFolder(settings),
                model: try ModelOpening.open(opening), options: options, progress: meter)
            var summary = try run.run()
            meter.clear()
            if let signal = summary.stopped {
                CommandSupport.complain(
                    "stopped after \(summary.requests) rows; nothing is lost: the same command goes on")
                return StopSignal.exitStatus(signal)
            }
            summary.failed = try run.countFailures()
            try write(run)
            run.finish()
            if json, output != nil { try CommandSupport.print(summary.json.text + "\n") }
            if !quiet { meter.say(words(summary)) }
            return summary.exitStatus
        }
    }

    private func write(_ run: BatchRun) throws(PipelineError) {
        guard let output else {
            try run.rows(unordered: unordered) { row throws(PipelineError) in
                try CommandSupport.print(row.text + "\n")
            }
            return
        }
        let file = try AtomicFile(output)
        try run.rows(unordered: unordered) { row throws(PipelineError) in try file.write(row.text + "\n") }
        try file.commit()
    }

    private func words(_ summary: BatchRun.Summary) -> String {
        let usage = summary.usage
        var text = "\(summary.requests) rows"
        if summary.failed > 0 { text += ", \(summary.failed) of them errors" }
        if summary.resumed > 0 { text += ", \(summary.resumed) were there" }
        text += "; \(usage.read) tokens read, \(usage.cached) cached, \(usage.completion) written in "
        text += "\(JSONValue.decimal(summary.seconds, places: 1).text) s"
        if let price {
            text += "; at that price \(price.text(read: usage.prompt, written: usage.completion))"
        }
        return text
    }
}

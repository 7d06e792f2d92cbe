import ArgumentParser
import Inference
import JSON
import KimiLinear
import WeightFiles

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures prefill and decode rates by position.",
        discussion: """
            Best of the runs. shareOfPeak is the matrices' multiply-adds against what all threads do in
            a register-only loop of the same instructions, measured at the start; shareOfPass is the
            time of a bare pass over the weights against a decoding step's. Kernels are compared
            with the plain reference first; on a difference nothing is measured.

            EXAMPLES
              lector bench
              lector bench --model my-model.lector --positions 0,32768 --tokens 2048 --json
            """)

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Option(help: "How weights of a folder or a GGUF are packed: f32, bf16, q8, q4 or closest.")
    var weights: String?

    @Option(help: "Tokens read before the measurement, separated by commas.")
    var positions: String = "0,1024,8192"

    @Option(help: "Tokens of one prefill measurement.")
    var tokens: Int = 512

    @Option(help: "Tokens of one decode measurement; 0 for none.")
    var decodeTokens: Int = 16

    @Option(help: "Runs of each measurement; the best counts.")
    var runs: Int = 3

    @Option(help: "Threads; default one a core.")
    var threads: Int?

    @Flag(help: "Make up the state before each position instead of reading text up to it.")
    var made = false

    @Flag(help: "One JSON object a measurement.")
    var json = false

    func run() throws {
        let recipe = try ModelSupport.recipe(weights, option: "--weights")
        let places = positions.split(separator: ",").compactMap { Int($0) }
        guard !places.isEmpty, places.count == positions.split(separator: ",").count,
            places.allSatisfy({ $0 >= 0 }),
            tokens > 0, decodeTokens >= 0, runs > 0, threads ?? 1 > 0
        else { throw ValidationError("positions, tokens, runs and threads are positive whole numbers") }
        try CommandSupport.run {
            let engine = try Engine(modelPath: try ModelSupport.path(model), threads: threads, recipe: recipe)
            let failed = KernelSelfTest.run(try KernelLevel(named: engine.kernelLevel)).filter { !$0.passed }
            guard failed.isEmpty else {
                CommandSupport.complain(
                    "kernels '\(engine.kernelLevel)' differ from the reference in "
                        + failed.map(\.kernel).joined(separator: ", ")
                        + "; nothing was measured. Set LECTOR_KERNELS=reference and report this.")
                return 70
            }
            let test = SpeedTest(engine: engine, isMade: made)
            if !json {
                try CommandSupport.print(
                    "phase    position  tokens    tokens/s  share of peak  share of pass\n")
            }
            for position in places.sorted() {
                try show(test.prefill(position: position, tokens: tokens, runs: runs), engine)
                if decodeTokens > 0 {
                    try show(test.decode(position: position, tokens: decodeTokens, runs: runs), engine)
                }
            }
            return 0
        }
    }

    private func show(_ row: SpeedTest.Measurement, _ engine: Engine) throws {
        let rate = (row.tokensPerSecond * 10).rounded() / 10
        let share = row.shareOfPeak.map { ($0 * 1000).rounded() / 1000 }
        let pass = row.shareOfPass.map { ($0 * 1000).rounded() / 1000 }
        if json {
            return try CommandSupport.print(
                JSONValue.object([
                    JSONMember("phase", .string(row.phase.rawValue)),
                    JSONMember("position", .integer(row.position)),
                    JSONMember("tokens", .integer(row.tokens)),
                    JSONMember("tokensPerSecond", .decimal(rate, places: 1)),
                    JSONMember("threads", .integer(engine.threads)),
                    JSONMember("kernels", .string(engine.kernelLevel)),
                    JSONMember("weights", .string(engine.recipe)),
                    JSONMember("shareOfPeak", share.map { .decimal($0, places: 3) } ?? .null),
                    JSONMember("shareOfPass", pass.map { .decimal($0, places: 3) } ?? .null),
                    JSONMember("constantStateBytes", .integer(row.stateBytes.constant)),
                    JSONMember("growingStateBytes", .integer(row.stateBytes.growing)),
                ]).text + "\n")
        }
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let phase = row.phase.rawValue + String(repeating: " ", count: 7 - row.phase.rawValue.count)
        try CommandSupport.print(
            phase + right("\(row.position)", 10) + right("\(row.tokens)", 8) + right("\(rate)", 12)
                + right(share.map { "\($0)" } ?? "-", 15)
                + right(pass.map { "\($0)" } ?? "-", 15) + "\n")
    }
}

import ArgumentParser
import Inference
import JSON
import KimiLinear
import WeightFiles

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "CPU level, model digest, self-test and expected speed: first thing in a bug report.",
        discussion: """
            EXAMPLES
              lector doctor
              lector doctor --model my-model.lector --json
            """)

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        try CommandSupport.run {
            let level = try KernelLevel()
            var fields = [
                JSONMember("version", .string(LectorCommand.configuration.version)),
                JSONMember("kernels", .string(level.name)),
                JSONMember("kernelsAvailable", .array(KernelLevel.available.map { .string($0) })),
            ]
            let checks = KernelSelfTest.run(level)
            let failed = checks.filter { !$0.passed }.map(\.kernel)
            let worst = checks.map(\.difference).max() ?? 0
            fields.append(
                JSONMember(
                    "selfTest",
                    .string(
                        failed.isEmpty
                            ? "ok, \(checks.count) kernels, largest difference \(worst)"
                            : "FAILED: \(failed.joined(separator: ", "))")))
            var status: Int32 = failed.isEmpty ? 0 : 70
            do {
                let path = try ModelSupport.path(model)
                if case .packed(let file) = try ModelFile(path: path) { try file.checkDigest() }
                let loaded = try LoadedModel.open(path: path)
                let engine = loaded.engine
                fields += [
                    JSONMember("model", .string(path)),
                    JSONMember("fingerprint", .string(engine.fingerprint)),
                    JSONMember("tokenizer", .string(loaded.tokenizer.fingerprint)),
                    JSONMember("weights", .string(engine.recipe)),
                    JSONMember("threads", .integer(engine.threads)),
                    JSONMember("numericsClass", .string(engine.numericsClass)),
                ]
                if failed.isEmpty {
                    let rate = SpeedTest(engine: engine).prefill(position: 0, tokens: 512, runs: 4)
                        .tokensPerSecond
                    fields.append(JSONMember("tokensPerSecond", .integer(Int(rate))))
                }
            } catch {
                fields.append(JSONMember("problem", .string("\(error)")))
                status = ModelSupport.exitStatus(of: error) ?? 70
            }
            try ModelSupport.show(fields, json: json)
            return status
        }
    }
}

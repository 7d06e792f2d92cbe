import ArgumentParser
import BundledModel
import Glibc
import Inference
import JSON
import KimiLinear
import Tokenization
import WeightFiles

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Weights: what they are, packing, checking, raw logits.",
        subcommands: [
            ModelInfoCommand.self, ModelConvertCommand.self, ModelVerifyCommand.self, ModelLogitsCommand.self,
        ])
}

/// Which model a verb is about: `--model PATH`, or the path alone where nothing else stands.
struct ModelChoice: ParsableArguments {
    @Argument(help: ArgumentHelp("The same as --model.", valueName: "model"))
    var path: String?

    @Option(help: "A Hugging Face folder, a GGUF or a packed file; without it the bundled model.")
    var model: String?

    mutating func validate() throws {
        if path != nil, model != nil { throw ValidationError("give the model once, by --model or alone") }
    }

    func located() throws -> String { try ModelSupport.path(model ?? path) }
}

/// What the model verbs share.
enum ModelSupport {
    /// The given path, or the bundled model's.
    static func path(_ given: String?) throws -> String { try given ?? BundledModel.locate() }

    static func recipe(_ name: String?, option: String) throws -> Recipe? {
        guard let name else { return nil }
        guard let recipe = Recipe(rawValue: name) else {
            throw ValidationError("\(option) \(CommandSupport.clean(name)): one of \(Recipe.names)")
        }
        return recipe
    }

    /// A progress line on stderr, when that is a terminal.
    static func progress(_ what: String) -> (Double) -> Void {
        guard isatty(STDERR_FILENO) == 1 else { return { _ in } }
        var shown = -1
        return { share in
            let percent = Int(share * 100)
            guard percent > shown else { return }
            shown = percent
            CommandSupport.put("\r\(what) \(percent) %" + (percent == 100 ? "\n" : ""), to: STDERR_FILENO)
        }
    }

    /// The exit status for an error of the model modules; nil for others.
    static func exitStatus(of error: any Error) -> Int32? {
        switch error {
        case let error as WeightFileError:
            switch error {
            case .unreadable, .unwritable, .changed: 74
            case .config, .memory: 78
            default: 65
            }
        case is BundledModel.NotFound, is KernelLevel.Unavailable, is LoadedModel.VocabularyMismatch: 78
        case is StateBytesError, is TokenError, is TokenizerError: 65
        default: nil
        }
    }

    /// Fields in order as one line of JSON or as aligned lines for people.
    static func show(_ fields: [JSONMember], json: Bool) throws {
        if json { return try CommandSupport.print(JSONValue.object(fields).text + "\n") }
        let width = fields.map(\.name.count).max() ?? 0
        var text = ""
        for field in fields {
            let value = field.value.string ?? field.value.text
            text += field.name + String(repeating: " ", count: width - field.name.count + 2)
            text += CommandSupport.clean(value) + "\n"
        }
        try CommandSupport.print(text)
    }
}

struct ModelInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Prints shape, weights and state size of a model.",
        discussion: """
            EXAMPLES
              lector model info
              lector model info --model ./my-model --json
            """)

    @OptionGroup var choice: ModelChoice

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        try CommandSupport.run {
            let path = try choice.located()
            let config: ModelConfig
            var fields = [JSONMember("path", .string(path))]
            switch try ModelFile(path: path) {
            case .published(let model):
                config = model.config
                fields += [
                    JSONMember("kind", .string(model.kind)), JSONMember("bytes", .integer(model.byteCount)),
                    JSONMember("tensors", .integer(model.tensorCount)),
                    JSONMember("fingerprint", .string(try model.fingerprint())),
                ]
                if let types = model.gguf?.typeCounts { fields.append(JSONMember("types", .string(types))) }
            case .packed(let file):
                config = try ModelConfig(json: file.config, path: path)
                fields += [
                    JSONMember("kind", .string("packed file")), JSONMember("weights", .string(file.recipe)),
                    JSONMember("bytes", .integer(file.byteCount)),
                    JSONMember("tensors", .integer(file.entries.count)),
                    JSONMember("fingerprint", .string(file.fingerprint)), JSONMember("source", file.source),
                ]
                if !file.files.isEmpty {
                    fields.append(JSONMember("files", .array(file.files.map { .string($0.name) })))
                }
            }
            let kda = config.layers.count { $0 == .kda }
            let moe = config.feedForward.count { $0 == .moe }
            let shape = StateShape(config, exactLatents: false)
            let state = SequenceState(shape: shape).byteCounts.constant
            let perToken = (config.layers.count - kda) * config.latentWidth * 2
            fields += [
                JSONMember("parameters", .integer(config.parameterCount)),
                JSONMember("hidden", .integer(config.hidden)),
                JSONMember("layers", .integer(config.layers.count)),
                JSONMember("kdaLayers", .integer(kda)),
                JSONMember("mlaLayers", .integer(config.layers.count - kda)),
                JSONMember("moeLayers", .integer(moe)), JSONMember("experts", .integer(config.experts)),
                JSONMember("vocabulary", .integer(config.vocabularySize)),
                JSONMember("window", config.window.map { .integer($0) } ?? .null),
                JSONMember(
                    "stateBytes", .integer(state + (config.window.map { ($0 - 1) * perToken } ?? 0))),
                JSONMember("stateBytesPerToken", .integer(config.window == nil ? perToken : 0)),
            ]
            try ModelSupport.show(fields, json: json)
            return 0
        }
    }
}

struct ModelConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Packs a Hugging Face folder or a GGUF into one file that opens in milliseconds.",
        discussion: """
            Holds one tensor in memory at a time; writes under a temporary name and renames, so that OUTPUT is
            never a part of a model. The tokenizer goes into the file. Weights that lie on the 4- or 8-bit
            grid are converted exactly; 'closest' keeps Q4_0 bit for bit and other quantized types in 8 bits.

            EXAMPLES
              lector model convert ./my-model -o my-model.lector --to q4
              lector model convert model-Q4_K_M.gguf -o my-model.lector
            """)

    @OptionGroup var choice: ModelChoice

    @Option(name: [.short, .long], help: "The packed file to write.")
    var output: String

    @Option(help: "q4, q8, bf16, f32 or closest; default q4 for a folder, closest for a GGUF.")
    var to: String?

    func run() throws {
        let recipe = try ModelSupport.recipe(to, option: "--to")
        try CommandSupport.run {
            let path = try choice.located()
            guard case .published(let model) = try ModelFile(path: path) else {
                throw ValidationError("\(CommandSupport.clean(path)) is packed already")
            }
            let files = try TokenizerFiles(of: model)
            let fingerprint = try ModelConverter(model, recipe: recipe).write(
                to: output, files: files.files, progress: ModelSupport.progress("packing"))
            if files.isEmpty {
                CommandSupport.complain(
                    "\(CommandSupport.clean(path)) has no tokenizer: put tokenizer.json beside \(output)")
            }
            try CommandSupport.print("\(output) \(fingerprint)\n")
            return 0
        }
    }
}

struct ModelVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks shapes, digests and that every value is finite.",
        discussion: """
            EXAMPLES
              lector model verify
              lector model verify --model my-model.lector
            """)

    @OptionGroup var choice: ModelChoice

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        try CommandSupport.run {
            let path = try choice.located()
            let progress = ModelSupport.progress("checking")
            let report =
                switch try ModelFile(path: path) {
                case .published(let model): try ModelVerifier.verify(model, progress: progress)
                case .packed(let file): try ModelVerifier.verify(file, progress: progress)
                }
            _ = try LoadedModel.tokenizer(of: path)
            try ModelSupport.show(
                [
                    JSONMember("path", .string(path)), JSONMember("status", .string("ok")),
                    JSONMember("tensors", .integer(report.tensors)),
                    JSONMember("parameters", .integer(report.parameters)),
                    JSONMember("unused", .array(report.unused.map { .string($0) })),
                ], json: json)
            return 0
        }
    }
}

struct ModelLogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Writes the logits after each token id, as a NumPy file.",
        discussion: """
            float32 [tokens, vocabulary]; for comparing with other programs.

            EXAMPLES
              lector model logits --ids 1,2,3 --output logits.npy
              lector model logits --model ./my-model --weights f32 --ids 1,2,3 --output logits.npy
            """)

    @OptionGroup var choice: ModelChoice

    @Option(help: "Token ids, separated by commas, or @FILE with ids between commas or white space.")
    var ids: String

    @Option(name: [.short, .long], help: "The .npy file to write.")
    var output: String

    @Option(help: "How weights of a folder or a GGUF are packed: f32, bf16, q8, q4 or closest.")
    var weights: String = "f32"

    @Option(help: "Threads; default one a core.")
    var threads: Int?

    func run() throws {
        let recipe = try ModelSupport.recipe(weights, option: "--weights")
        try CommandSupport.run {
            let tokens = try parsedIDs()
            let engine = try Engine(modelPath: try choice.located(), threads: threads, recipe: recipe)
            if let bad = engine.firstInvalidID(in: tokens) {
                throw TokenError(id: bad, vocabularySize: engine.vocabularySize)
            }
            let file = try NumPyFile(path: output, rows: tokens.count, columns: engine.vocabularySize)
            var failure: (any Error)?
            engine.allLogits(tokens[...], session: engine.makeSession()) { _, logits in
                if failure != nil { return }
                do { try file.append(logits) } catch { failure = error }
            }
            if let failure { throw failure }
            try file.finish()
            return 0
        }
    }

    private func parsedIDs() throws -> [Int32] {
        var text = ids
        if ids.hasPrefix("@") {
            let file = try ReadableFile(path: String(ids.dropFirst()))
            text = String(decoding: try file.bytes(0..<file.byteCount), as: UTF8.self)
        }
        let words = text.split { ", \n\t\r[]".contains($0) }
        let numbers = words.compactMap { Int32($0) }
        guard numbers.count == words.count, !numbers.isEmpty else {
            throw ValidationError("--ids: expected whole numbers separated by commas")
        }
        return numbers
    }
}

/// A float32 matrix in NumPy's format 1.0, written row by row under a temporary name.
final class NumPyFile {
    private let path, temporary: String
    private let file: UnsafeMutablePointer<FILE>

    init(path: String, rows: Int, columns: Int) throws(WeightFileError) {
        self.path = path
        temporary = path + ".\(getpid()).part"
        guard let file = fopen(temporary, "wb") else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        self.file = file
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        let bytes =
            [0x93] + Array("NUMPY".utf8) + [
                1, 0, UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8),
            ]
        try write(bytes + Array(header.utf8))
    }

    func append(_ row: UnsafeBufferPointer<Float>) throws(WeightFileError) {
        try check(fwrite(row.baseAddress!, 4, row.count, file) == row.count)
    }

    func finish() throws(WeightFileError) {
        guard fclose(file) == 0, rename(temporary, path) == 0 else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    private func write(_ bytes: [UInt8]) throws(WeightFileError) {
        try check(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    private func check(_ isWritten: Bool) throws(WeightFileError) {
        guard !isWritten else { return }
        let reason = String(cString: strerror(errno))
        unlink(temporary)
        throw .unwritable(path: path, reason: reason)
    }
}

import Digests
import KimiLinear
import WeightFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How far back the attention layers look, where that is not as the model says.
public enum AttentionWindow: Sendable, Equatable {
    /// At so many tokens, the one that is read among them.
    case tokens(Int)
    /// At the whole text: memory and time grow with it.
    case all
}

/// A model ready to read: weights, kernels and threads, shared by any number of sessions.
///
/// Calls from several threads are safe and follow each other; batches are how work is shared.
public final class Engine: Sendable {
    public let config: ModelConfig
    /// SHA-256 that names the weights, in hexadecimal.
    public let fingerprint: String
    /// Everything that decides the bits of a result besides weights and tokens: kernel level,
    /// weight recipe, precision of the cache, window, block constants. Thread count, chunk size
    /// and batch neighbours are not in it, since they change none.
    public let numericsClass: String
    /// Path that was opened.
    public let modelPath: String
    /// `q4`, `q8`, `bf16`, `f32` or `closest`.
    public let recipe: String
    /// The kernels' level, such as `avx512`.
    public var kernelLevel: String { model.level.name }
    public var threads: Int { model.threads }
    public var vocabularySize: Int { config.vocabularySize }
    let model: KimiLinearModel
    /// The mapped weights, where they are mapped.
    private let mapped: PackedFile?

    /// Opens a packed file, a Hugging Face folder or a GGUF.
    ///
    /// - Parameters:
    ///   - threads: Nil asks `LECTOR_THREADS`, and without that takes one a core.
    ///   - recipe: How matrices are packed on load; nil takes bf16 for a folder, `closest` for a
    ///     GGUF. A packed file keeps its own.
    ///   - window: Instead of the model's own; a state belongs to the window it was made with.
    ///   - kernels: Kernel level; nil asks `LECTOR_KERNELS`, and without that takes the fastest.
    /// - Throws: `WeightFileError`, `KernelLevel.Unavailable`.
    public init(
        modelPath: String, threads: Int? = nil, recipe: Recipe? = nil, window: AttentionWindow? = nil,
        kernels: String? = nil
    ) throws {
        func configured(_ config: ModelConfig) -> ModelConfig {
            var config = config
            switch window {
            case .tokens(let count):
                precondition(count > 0, "a window of no token")
                config.window = count
            case .all: config.window = nil
            case nil: break
            }
            return config
        }
        let level = try KernelLevel(named: kernels)
        let threads = threads ?? Self.environmentThreads
        self.modelPath = modelPath
        switch try ModelFile(path: modelPath) {
        case .packed(let file):
            model = try KimiLinearModel(
                packed: file, config: configured(ModelConfig(json: file.config, path: file.path)),
                level: level, threads: threads)
            fingerprint = file.fingerprint
            mapped = file
        case .published(let published):
            model = try KimiLinearModel(
                published: published, config: configured(published.config), recipe: recipe, level: level,
                threads: threads)
            var hash = SHA256()
            hash.update("\(model.recipe) \(try published.fingerprint())".utf8)
            fingerprint = hash.finalize().hex
            mapped = nil
        }
        config = model.config
        self.recipe = model.recipe
        let window = config.window.map { " window \($0)" } ?? ""
        numericsClass =
            "3 \(level.name) \(model.recipe) latents \(model.stateShape.exactLatents ? "f32" : "bf16") "
            + "key block 64\(window)"
    }

    private static var environmentThreads: Int? {
        getenv("LECTOR_THREADS").flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
    }

    /// The output head's weights for one token, `[hidden]`.
    public func headRow(_ token: Int32) -> [Float] { model.headRow(token) }

    /// A session before its first token.
    public func makeSession() -> Session { Session(state: model.makeState()) }

    /// Reads each item's tokens into its session, sharing every matrix product.
    ///
    /// A session's state and logits have the same bits whatever the batch, the number of threads
    /// and, for what is prefilled (``PrefillItem/isDecoding``), the cut into calls.
    ///
    /// - Parameter batch: No session twice; ids in `0 ..< vocabularySize` (a precondition, see ``firstInvalidID(in:)``).
    /// - Returns: Per item the logits of the token after its last, Float32 `[vocabularySize]`, or the
    ///   final-normed hidden state of its last, Float32 `[config.hidden]`; nil when not wanted, or
    ///   when the item had no tokens.
    public func advance(_ batch: [PrefillItem]) -> [[Float]?] {
        var results = [[Float]?](repeating: nil, count: batch.count)
        run(
            batch.map {
                .init(
                    state: $0.session.state, tokens: $0.tokens,
                    logits: $0.wantsHidden ? .hidden : $0.wantsLogits ? .last : .none,
                    isDecoding: $0.isDecoding)
            }
        ) {
            results[$0] = Array($2)
        }
        return results
    }

    /// One decoding step of several sessions at once: reads one token into each, faster than
    /// ``advance(_:)`` where the text behind it is long.
    ///
    /// The same mathematics as ``advance(_:)``, but not its bits, so a session that has decoded
    /// cannot become a checkpoint (``Session/isPrefilled``): to store what was decoded, fork before,
    /// and prefill the fork with the tokens.
    ///
    /// - Parameter batch: No session twice; ids in `0 ..< vocabularySize` (a precondition).
    /// - Returns: Per session the logits of the token after, Float32 `[vocabularySize]`.
    public func decode(_ batch: [(session: Session, token: Int32)]) -> [[Float]] {
        var results = [[Float]](repeating: [], count: batch.count)
        run(batch.map { .init(state: $0.session.state, tokens: [$0.token], logits: .last, isDecoding: true) })
        {
            results[$0] = Array($2)
        }
        return results
    }

    /// ``advance(_:)`` of some sessions and ``decode(_:)`` of others in one pass over the weights.
    ///
    /// - Returns: What each would return.
    public func advance(
        _ batch: [PrefillItem], decoding: [(session: Session, token: Int32)]
    ) -> (prefilled: [[Float]?], decoded: [[Float]]) {
        var prefilled = [[Float]?](repeating: nil, count: batch.count)
        var decoded = [[Float]](repeating: [], count: decoding.count)
        let items: [KimiLinearModel.Item] =
            decoding.map {
                .init(state: $0.session.state, tokens: [$0.token], logits: .last, isDecoding: true)
            }
            + batch.map {
                .init(state: $0.session.state, tokens: $0.tokens, logits: $0.wantsLogits ? .last : .none)
            }
        run(items) { item, _, logits in
            if item < decoding.count {
                decoded[item] = Array(logits)
            } else {
                prefilled[item - decoding.count] = Array(logits)
            }
        }
        return (prefilled, decoded)
    }

    /// Runs `body` for `0 ..< count` on the engine's threads and waits.
    package func forEach(_ count: Int, _ body: (Int) -> Void) { model.forEach(count, body) }

    /// Reads `tokens` into `session` and hands over the logits after each of them.
    ///
    /// - Parameter onLogits: The token's offset in `tokens` and `[vocabularySize]` logits.
    public func allLogits(
        _ tokens: ArraySlice<Int32>, session: Session, onLogits: (Int, UnsafeBufferPointer<Float>) -> Void
    ) {
        run([.init(state: session.state, tokens: tokens, logits: .all)]) { onLogits($1, $2) }
    }

    /// The first id that the vocabulary does not have.
    public func firstInvalidID(in tokens: some Sequence<Int32>) -> Int32? {
        tokens.first { $0 < 0 || Int($0) >= vocabularySize }
    }

    private func run(
        _ items: [KimiLinearModel.Item], _ onLogits: (Int, Int, UnsafeBufferPointer<Float>) -> Void
    ) {
        do {
            try model.advance(items, onLogits: onLogits)
        } catch {
            preconditionFailure(error.description)
        }
        do { try mapped?.checkUnchanged() } catch {
            // Weights that changed under the arithmetic make its results worthless: nothing of them may
            // be written. Runs go on from what was stored before.
            let line = Array("lector: \(error)\n".utf8)
            _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress!, $0.count) }
            exit(MappedFile.lossExitStatus)
        }
    }
}

/// Tokens to read into a session.
public struct PrefillItem {
    public var session: Session
    public var tokens: ArraySlice<Int32>
    public var wantsLogits: Bool
    /// Whether the tokens were generated and the session will never be stored: attention then takes
    /// the form of ``Engine/decode(_:)``, with its bits, which is faster for a token or a few.
    public var isDecoding: Bool
    /// The final-normed hidden state of the last token, instead of logits.
    public var wantsHidden = false

    public init(
        session: Session, tokens: ArraySlice<Int32>, wantsLogits: Bool = false, isDecoding: Bool = false
    ) {
        self.session = session
        self.tokens = tokens
        self.wantsLogits = wantsLogits
        self.isDecoding = isDecoding
    }
}

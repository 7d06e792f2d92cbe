import Checkpoints
import Constraints
import Inference
import JSON
import Tokenization

/// Reads the prompts and writes the texts of many requests at once.
///
/// Each ``step()`` is one pass over the weights: one token of every text that is being written, and rows of the
/// prompts that are being read, so that a short prompt passes by a long one.
/// What a request gets does not depend on its neighbours: with a seed, not a bit.
///
/// Use an engine from one thread at a time.
public final class CompletionEngine {
    public struct Options: Sendable {
        /// Texts that are written, and prompts that are read, at once; others wait in the order of their coming.
        public var maximumOpen = 32
        /// Rows of prompts in a step.
        public var rowsPerStep = 512
        /// The same while texts are written: their next tokens wait for it.
        public var rowsBesideWriting = 192
        /// When a request does not say.
        public var defaultTokens = 4096
        /// States of prompts in memory.
        public var stateBytes = 512 << 20
        /// At a shutdown, prompts with so many tokens read are kept on disk.
        public var leastTokensKept = 2048

        public init() {}
    }

    public let model: LoadedModel
    public let options: Options
    /// Nil keeps nothing on disk.
    public let shelf: StateShelf?
    private let prefixes: PrefixStates
    private var compiler: ConstraintCompiler?
    private var constraints: [String: Constraint] = [:]
    private var waiting: [OpenRequest] = []
    private var open: [OpenRequest] = []
    private var lastID = 0

    public init(model: LoadedModel, options: Options = .init(), shelf: StateShelf? = nil) {
        self.model = model
        self.options = options
        self.shelf = shelf
        prefixes = PrefixStates(budgetBytes: options.stateBytes)
    }

    // MARK: Requests

    /// Requests that wait for others to end.
    public var waitingCount: Int { waiting.count }
    public var openCount: Int { open.count }
    public var isIdle: Bool { open.isEmpty && waiting.isEmpty }
    /// States of prompts in memory, and their bytes.
    public var keptInMemory: (count: Int, bytes: Int) { (prefixes.count, prefixes.bytes) }

    /// Tokens of a prompt and its text together that the model allows.
    public var context: Int { model.engine.config.maximumLength }

    /// Takes a request.
    ///
    /// - Parameters:
    ///   - keepsState: Keep the state behind the prompt on disk under this title; its key comes with `done`.
    ///   - onEvent: Called in ``step()``; the last event is `done` or `failed`.
    /// - Returns: What ``cancel(_:)`` takes.
    @discardableResult
    public func submit(
        _ request: PreparedRequest, keepsState: String? = nil, onEvent: @escaping (CompletionEvent) -> Void
    ) -> Int {
        lastID += 1
        waiting.append(OpenRequest(id: lastID, request, keepsState: keepsState, onEvent: onEvent))
        return lastID
    }

    /// Forgets a request; no event comes any more.
    public func cancel(_ id: Int) {
        waiting.removeAll { $0.id == id }
        open.removeAll { $0.id == id }
    }

    private func begin() {
        var texts = open.reduce(0) { $0 + $1.width }
        while let next = waiting.first, open.isEmpty || texts + next.width <= options.maximumOpen {
            waiting.removeFirst()
            do throws(APIError) {
                try start(next)
                next.onEvent(.begun)
                tellProgress(next)
                open.append(next)
                texts += next.width
            } catch { next.onEvent(.failed(error)) }
        }
    }

    /// Finds what the prompts can go on from.
    private func start(_ request: OpenRequest) throws(APIError) {
        request.constraint = try constraint(request.prepared.request.format)
        var base: StateShelf.Kept?
        if let key = request.prepared.request.state {
            guard let shelf else { throw APIError("no states are kept here", parameter: "state") }
            base = try shelf.load(key)
        }
        for (index, prompt) in request.prepared.prompts.enumerated() {
            request.usage.prompt += prompt.tokens.count
            let reading = ReadingPrompt(prompt, index: index, session: model.engine.makeSession())
            if let base {
                reading.session = base.session.fork()
                reading.base = base.key
                reading.boundaries = []
                if prompt.tokens.isEmpty {
                    guard let logits = base.logits else {
                        throw APIError(
                            "this state needs at least one token behind it", parameter: "prompt")
                    }
                    reading.logits = logits
                }
            } else {
                findPrefix(reading)
                request.usage.cached += reading.position
                if let junction = prefixes.junction(of: reading.tokens, behind: reading.position) {
                    reading.boundaries.append(junction)
                }
                reading.boundaries = reading.boundaries.filter { $0 > reading.position }.sorted()
                follow(reading, request.reading)
            }
            request.reading.append(reading)
        }
    }

    /// What several prompts have in common is read once, also when they come together: one reads it, the others wait.
    private func follow(_ reading: ReadingPrompt, _ siblings: [ReadingPrompt]) {
        guard !reading.isRead else { return }
        var best: (leader: ReadingPrompt, count: Int)?
        for other in open.flatMap(\.reading) + siblings where other.base == nil {
            var count = PrefixStates.shared(other.tokens, reading.tokens)
            // The logits behind the last token come only with the whole of a prompt.
            if count == reading.tokens.count, count != other.tokens.count { count -= 1 }
            guard count >= max(other.position, reading.position) + PrefixStates.leastTokens,
                count > best?.count ?? 0
            else { continue }
            best = (other, count)
        }
        if let best { reading.follow(best.leader, upTo: best.count) }
    }

    /// Those that have waited for another prompt go on from its state.
    private func goOn() {
        for request in open {
            for reading in request.reading where reading.hasArrived {
                reading.stopFollowing()
                request.usage.cached -= reading.position
                findPrefix(reading)
                request.usage.cached += reading.position
                reading.boundaries.removeAll { $0 <= reading.position }
            }
        }
    }

    private func findPrefix(_ reading: ReadingPrompt) {
        if let match = prefixes.longest(for: reading.tokens) {
            reading.session = match.session
            reading.position = match.count
            reading.logits = match.count == reading.tokens.count ? match.logits : nil
        }
        // A state on disk costs reading a file, so it must save some work.
        if let kept = shelf?.longest(for: reading.tokens, longerThan: reading.position + 256) {
            reading.session = kept.session
            reading.position = kept.session.tokenCount
            reading.logits = reading.position == reading.tokens.count ? kept.logits : nil
        }
    }

    private func constraint(_ format: CompletionRequest.Format) throws(APIError) -> Constraint? {
        guard format != .text else { return nil }
        let name = "\(format)"
        if let known = constraints[name] { return known }
        let compiler = compiler ?? ConstraintCompiler(trie: TokenTrie(model.tokenizer))
        self.compiler = compiler
        do throws(ConstraintError) {
            let made: Constraint
            switch format {
            case .text: return nil
            case .object:
                made = try compiler.constraint(schema: .object([JSONMember("type", .string("object"))]))
            case .schema(let schema, let isLenient):
                made = try compiler.constraint(schema: schema, options: .init(isLenient: isLenient))
            case .regex(let pattern): made = try compiler.constraint(regex: pattern)
            case .choice(let choices): made = try compiler.constraint(choice: choices)
            }
            if constraints.count >= 64 { constraints.removeAll() }
            constraints[name] = made
            return made
        } catch {
            throw APIError("\(error)", parameter: "response_format", code: "unsupported_schema")
        }
    }

    // MARK: Steps

    /// One pass over the weights for all open requests.
    ///
    /// - Returns: Whether there is more to do.
    @discardableResult
    public func step() -> Bool {
        begin()
        guard !open.isEmpty else { return false }
        goOn()
        let writing = open.flatMap { request in request.texts.map { (request, $0) } }
        let pieces = share(writing.isEmpty ? options.rowsPerStep : options.rowsBesideWriting)
        let items = pieces.map { piece in
            PrefillItem(
                session: piece.reading.session,
                tokens: piece.reading.tokens[piece.reading.position..<piece.reading.position + piece.count],
                wantsLogits: piece.reading.isLast(piece.count))
        }
        let results = model.engine.advance(
            items, decoding: writing.map { (session: $0.1.session, token: $0.1.next) })
        for (piece, logits) in zip(pieces, results.prefilled) { finishPiece(piece, logits) }
        let begun = open.flatMap { finishReading($0) }
        write(begun + zip(writing, results.decoded).map { Step(request: $0.0, text: $0.1, logits: $1) })
        for request in open where !request.isClosed {
            request.texts.removeAll { $0.finish != nil }
            if request.reading.isEmpty, request.texts.isEmpty {
                request.isClosed = true
                request.onEvent(.done(usage: request.usage, state: request.keptState))
            }
        }
        open.removeAll(where: \.isClosed)
        return !isIdle
    }

    private struct Piece {
        let request: OpenRequest
        let reading: ReadingPrompt
        let count: Int
    }

    /// Rows of a piece at least, where its prompt has as many: all keys that a piece sees are expanded for it,
    /// however few its rows, so that a step of many small pieces takes half as long again.
    private static let leastPiece = 64

    /// The prompt that came first gets a piece in any case, so that none waits for ever; then the shortest, so that they
    /// pass by the long ones. What is left over goes to those in equal shares.
    private func share(_ rows: Int) -> [Piece] {
        var prompts: [(OpenRequest, ReadingPrompt)] = []
        for request in open {
            for reading in request.reading where reading.needed > 0 && !reading.isFollowing {
                prompts.append((request, reading))
            }
        }
        guard let first = prompts.first else { return [] }
        let others = prompts.dropFirst().sorted { $0.1.needed < $1.1.needed }
        var left = rows
        var chosen: [(request: OpenRequest, reading: ReadingPrompt, count: Int)] = []
        let piece = min(Self.leastPiece, others.isEmpty ? rows : max(1, rows / 2))
        for (request, reading) in [first] + others {
            let count = min(reading.needed, piece)
            guard count <= left else { break }
            chosen.append((request, reading, count))
            left -= count
        }
        chosen.sort { $0.reading.needed < $1.reading.needed }
        return chosen.enumerated().map { index, one in
            let more = min(one.reading.needed - one.count, left / (chosen.count - index))
            left -= more
            return Piece(request: one.request, reading: one.reading, count: one.count + more)
        }
    }

    private func finishPiece(_ piece: Piece, _ logits: [Float]?) {
        let reading = piece.reading
        reading.position += piece.count
        if let logits { reading.logits = logits }
        guard reading.base == nil else { return }
        let isBoundary = reading.boundaries.first == reading.position
        if isBoundary { reading.boundaries.removeFirst() }
        if isBoundary || reading.isRead {
            prefixes.keep(
                reading.session, tokens: reading.tokens[..<reading.position], logits: reading.logits)
        }
    }

    /// A text and what its next token is drawn from.
    private struct Step {
        let request: OpenRequest
        let text: TextGeneration
        let logits: [Float]
    }

    /// Writes a token of each text; draws them on all threads.
    private func write(_ steps: [Step]) {
        let steps = steps.filter { !$0.request.isClosed }
        for step in steps { step.text.prepare() }
        model.engine.forEach(steps.count) { steps[$0].text.draw(steps[$0].logits) }
        for step in steps { emit(step.text.take(), of: step.text, step.request) }
    }

    /// Turns prompts that are read into texts.
    private func finishReading(_ request: OpenRequest) -> [Step] {
        guard !request.isClosed, !request.reading.isEmpty else { return [] }
        var begun: [Step] = []
        let done = request.reading.filter(\.isRead)
        request.reading.removeAll(where: \.isRead)
        tellProgress(request)
        for reading in done {
            guard !request.isClosed, let logits = reading.logits else { continue }
            if let title = request.keepsState, let shelf {
                do throws(APIError) {
                    request.keptState = try shelf.save(
                        reading.session, tokens: reading.tokens[...], behind: reading.base, logits: logits,
                        kind: .document, title: title
                    ).description
                } catch {
                    fail(request, error)
                    return []
                }
            }
            let wanted = request.prepared.request
            for choice in 0..<wanted.count {
                let text = TextGeneration(
                    wanted, choice: reading.index * wanted.count + choice,
                    session: choice == wanted.count - 1 ? reading.session : reading.session.fork(),
                    constraint: request.constraint,
                    maximumTokens: wanted.maximumTokens ?? min(options.defaultTokens, reading.room),
                    tokenizer: model.tokenizer)
                request.texts.append(text)
                begun.append(Step(request: request, text: text, logits: logits))
            }
        }
        return begun
    }

    private func emit(_ output: TextGeneration.Output?, of text: TextGeneration, _ request: OpenRequest) {
        guard !request.isClosed else { return }
        guard let output else {
            fail(
                request,
                APIError(
                    status: 500, type: "server_error", "the model gave no number for any token that may come")
            )
            return
        }
        if !output.text.isEmpty || !output.tokens.isEmpty {
            request.onEvent(
                .text(
                    choice: text.choice, text: String(decoding: output.text, as: UTF8.self),
                    tokens: output.tokens))
        }
        if let reason = text.finish {
            request.usage.completion += text.count
            request.onEvent(.finished(choice: text.choice, reason: reason))
        }
    }

    private func fail(_ request: OpenRequest, _ error: APIError) {
        request.isClosed = true
        request.onEvent(.failed(error))
    }

    private func tellProgress(_ request: OpenRequest) {
        guard request.prepared.request.tellsProgress else { return }
        let left = request.reading.reduce(0) { $0 + $1.tokens.count - $1.position }
        request.onEvent(
            .progress(
                total: request.usage.prompt, cached: request.usage.cached,
                processed: request.usage.prompt - left))
    }

    // MARK: Shutdown

    /// Keeps on disk what was read of long prompts, so that the same request goes on from there another time, and
    /// ends every request.
    ///
    /// - Returns: Tokens that are kept.
    @discardableResult
    public func stop() -> Int {
        var kept = 0
        for request in open {
            for reading in request.reading
            where reading.base == nil && reading.position >= options.leastTokensKept {
                let saved = try? shelf?.save(
                    reading.session, tokens: reading.tokens[..<reading.position], behind: nil, logits: nil,
                    kind: .interval, title: "an interrupted prompt")
                if saved != nil { kept += reading.position }
            }
        }
        let error = APIError(
            status: 503, type: "server_error",
            "the server stops; what was read of a long prompt is kept, and the same request goes on from there",
            code: "shutting_down")
        for request in open + waiting { fail(request, error) }
        open = []
        waiting = []
        return kept
    }
}

import Constraints
import Inference
import Tokenization

/// One text on its way: what a session's logits become.
final class TextGeneration {
    /// What a token brought.
    struct Output {
        var text: [UInt8] = []
        var tokens: [WrittenToken] = []
    }

    let choice: Int
    let session: Session
    /// To be read into the session next.
    private(set) var next: Int32 = 0
    private(set) var finish: FinishReason?
    private(set) var count = 0

    private var sampler: Sampler
    private var stops: StopStrings
    private var matcher: ConstraintMatcher?
    private let maximumTokens: Int
    private let topCount: Int?
    private let mode: CompletionRequest.LogProbabilityMode
    private let tokenizer: Tokenizer
    private let end: Int32?
    /// Tokens whose text has not been released.
    private var held: [WrittenToken] = []
    private var writtenBytes = 0
    private var writtenCharacters = 0
    /// Between ``prepare()`` and ``take()``.
    private var mask: [UInt64]?
    private var drawn: Int32?
    private var drawnValues: LogProbabilities?

    init(
        _ request: CompletionRequest, choice: Int, session: Session, constraint: Constraint?,
        maximumTokens: Int,
        tokenizer: Tokenizer
    ) {
        self.choice = choice
        self.session = session
        self.maximumTokens = maximumTokens
        self.tokenizer = tokenizer
        sampler = Sampler(request.sampling, choice: choice)
        // A constraint says where a text ends; cut by a stop string it would be no longer what was asked for.
        stops = StopStrings(constraint == nil ? request.stop : [])
        matcher = constraint?.makeMatcher()
        topCount = request.topLogProbabilities
        mode = request.logProbabilityMode
        end = tokenizer.specialID(tokenizer.chatTemplate.end)
    }

    // A token is chosen in three parts. The one that costs time, in the middle, touches nothing that texts share,
    // so that it may run on a thread of its own.

    /// Finds what may come.
    func prepare() {
        precondition(finish == nil)
        mask = nil
        guard maximumTokens > 0, let matcher else { return }
        var allowed = matcher.mask()
        if matcher.isComplete, let end { allowed.insert(end) }
        mask = allowed.words
    }

    /// Draws the next token.
    func draw(_ logits: [Float]) {
        guard maximumTokens > 0 else { return }
        // Of the counts before the token.
        let processed =
            topCount != nil && mode == .processed ? sampler.processedDistribution(logits, mask: mask) : nil
        drawn = sampler.next(logits, mask: mask)
        drawnValues = nil
        if let topCount, let drawn {
            drawnValues =
                processed.map { LogProbabilities($0, chosen: drawn, top: topCount) }
                ?? LogProbabilities(raw: logits, chosen: drawn, top: topCount)
        }
    }

    /// Goes on to the token that was drawn.
    ///
    /// - Returns: Nil when none can come although the text may not end: the logits are no numbers.
    func take() -> Output? {
        guard maximumTokens > 0 else { return close(.length) }
        guard let token = drawn else { return matcher?.isComplete == true ? close(.stop) : nil }
        count += 1
        let bytes = tokenizer.tokenBytes(token)
        // Every special token ends a text; none of their names is ever part of one.
        if bytes.isEmpty || tokenizer.specialTokens[token] != nil { return close(.stop) }
        if let values = drawnValues {
            held.append(
                WrittenToken(
                    bytes: bytes, offset: writtenBytes, characterOffset: writtenCharacters,
                    logProbability: values.chosen.logProbability,
                    top: values.top.map { (tokenizer.tokenBytes($0.id), $0.logProbability) }))
        }
        writtenBytes += bytes.count
        for byte in bytes where byte & 0xC0 != 0x80 { writtenCharacters += 1 }
        return write(token, bytes)
    }

    private func write(_ token: Int32, _ bytes: [UInt8]) -> Output {
        if matcher != nil {
            let fits = matcher!.advance(bytes)
            precondition(fits, "a token of the mask does not fit")
        }
        let text = stops.append(bytes)
        if stops.matched != nil { return close(.stop, text) }
        if matcher?.isExhausted == true { return close(.stop, text) }
        if count >= maximumTokens { return close(.length, text) }
        next = token
        return release(text)
    }

    private func close(_ reason: FinishReason, _ text: [UInt8] = []) -> Output {
        finish = reason
        return release(text + stops.finish())
    }

    /// Tokens come out with the first of their bytes; those behind a stop string never.
    private func release(_ text: [UInt8]) -> Output {
        let ready = held.prefix { $0.offset < stops.releasedBytes }
        held.removeFirst(ready.count)
        return Output(text: text, tokens: Array(ready))
    }
}

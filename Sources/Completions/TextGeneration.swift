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

    /// Chooses the next token.
    ///
    /// - Returns: Nil when none can come although the text may not end: the logits are no numbers.
    func advance(_ logits: [Float]) -> Output? {
        precondition(finish == nil)
        guard maximumTokens > 0 else { return close(.length) }
        var mask: [UInt64]?
        if let matcher {
            var allowed = matcher.mask()
            if matcher.isComplete, let end { allowed.insert(end) }
            mask = allowed.words
        }
        let before = sampler
        guard let token = sampler.next(logits, mask: mask) else {
            return matcher?.isComplete == true ? close(.stop) : nil
        }
        count += 1
        let bytes = tokenizer.tokenBytes(token)
        // Every special token ends a text; none of their names is ever part of one.
        if bytes.isEmpty || tokenizer.specialTokens[token] != nil { return close(.stop) }
        if let topCount {
            let values =
                mode == .raw
                ? LogProbabilities(raw: logits, chosen: token, top: topCount)
                : LogProbabilities(
                    before.processedDistribution(logits, mask: mask), chosen: token, top: topCount)
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

import Inference
import Tokenization

/// Answers many questions about one text from copies of its state, several at a time.
///
/// From memory the answer is what the model says. With passages read again it is a quote: a stretch of a
/// passage word for word, or nothing. What a question gets depends on no other question.
public final class Asker {
    public struct Options: Sendable, Equatable {
        /// Tokens of an answer at most.
        public var answerTokens = 48
        /// Questions being answered at the same time, each with a state of its own.
        public var maxSessions = 16

        public init() {}
    }

    public struct Question: Sendable {
        public var text: String
        /// Passages of the text to read again, in its order; nil answers from memory.
        public var passages: [String]?

        public init(text: String, passages: [String]? = nil) {
            self.text = text
            self.passages = passages
        }
    }

    public struct Answer: Sendable, Equatable {
        /// Nil when the text does not say.
        public var text: String?
        /// Product of the answer's token probabilities among those allowed.
        public var probability: Double
        /// The passage that is quoted, and the bytes of it.
        public var quote: (passage: Int, range: Range<Int>)?
        /// Tokens that went through the model for this question.
        public var readTokens: Int
        /// Whether the answer ended by itself.
        public var isWhole: Bool

        public static func == (left: Answer, right: Answer) -> Bool {
            left.text == right.text && left.probability == right.probability
                && left.quote?.passage == right.quote?.passage && left.quote?.range == right.quote?.range
                && left.readTokens == right.readTokens && left.isWhole == right.isWhole
        }
    }

    /// One question on its way.
    private final class Asking {
        let index: Int
        let session: Session
        var next: [Int32]
        let passages: [String]
        var quote: PassageQuote?
        var answer: [Int32] = []
        var probability = 1.0
        var readTokens = 0

        init(index: Int, session: Session, tokens: [Int32], passages: [String], quote: PassageQuote?) {
            self.index = index
            self.passages = passages
            self.session = session
            next = tokens
            self.quote = quote
        }
    }

    private let model: LoadedModel
    private let options: Options
    private let end: Int32

    /// - Throws: ``TokenizerError`` when the vocabulary lacks a special token of the prompt.
    public init(model: LoadedModel, options: Options = .init()) throws {
        self.model = model
        self.options = options
        end = try model.tokenizer.encode([.special(model.tokenizer.chatTemplate.end)])[0]
    }

    /// Answers questions from `state`, which is not changed.
    ///
    /// - Parameters:
    ///   - next: The next question; nil when there is none.
    ///   - answered: Gets each answer when it is ready, with the question's place among those taken.
    /// - Returns: Whether all were answered; false when `shouldStop` said so.
    @discardableResult
    public func answer(
        from state: Session, next: () throws -> Question?, shouldStop: () -> Bool = { false },
        answered: (Int, Answer) throws -> Void
    ) throws -> Bool {
        var open: [Asking] = []
        var count = 0
        var isAtEnd = false
        while true {
            while !isAtEnd, open.count < options.maxSessions {
                guard let question = try next() else {
                    isAtEnd = true
                    break
                }
                open.append(try begin(question, count, state))
                count += 1
            }
            if open.isEmpty { return true }
            if shouldStop() { return false }
            let logits = model.engine.advance(
                open.map {
                    PrefillItem(
                        session: $0.session, tokens: $0.next[...], wantsLogits: true,
                        isDecoding: !$0.answer.isEmpty)
                })
            var ended: [(Int, Answer)] = []
            for (asking, logits) in zip(open, logits) {
                asking.readTokens += asking.next.count
                if let answer = advance(asking, logits!) { ended.append((asking.index, answer)) }
            }
            let gone = Set(ended.map(\.0))
            open.removeAll { gone.contains($0.index) }
            for (index, answer) in ended { try answered(index, answer) }
        }
    }

    private func begin(_ question: Question, _ index: Int, _ state: Session) throws -> Asking {
        var prompt = AskPrompt(question: question.text, passages: question.passages ?? [])
        prompt.template = model.tokenizer.chatTemplate
        let quote = question.passages.map {
            PassageQuote(
                passages: $0, decline: AskPrompt.unanswerable, end: end, tokenizer: model.tokenizer)
        }
        return Asking(
            index: index, session: state.fork(), tokens: try prompt.encoded(by: model.tokenizer),
            passages: question.passages ?? [], quote: quote)
    }

    /// Takes the likeliest next token; the answer when that ends it.
    private func advance(_ asking: Asking, _ logits: [Float]) -> Answer? {
        let allowed = asking.quote?.allowed
        let (best, share) = Self.likeliest(logits, among: allowed)
        asking.probability *= share
        if best == end { return finish(asking, isWhole: true) }
        asking.answer.append(best)
        asking.quote?.append(best)
        if asking.answer.count >= options.answerTokens { return finish(asking, isWhole: false) }
        asking.next = [best]
        return nil
    }

    private func finish(_ asking: Asking, isWhole: Bool) -> Answer {
        let text = String(decoding: model.tokenizer.decode(asking.answer), as: UTF8.self).trimmed
        var answer = Answer(
            text: text, probability: asking.probability, readTokens: asking.readTokens, isWhole: isWhole)
        if let place = asking.quote?.place {
            answer.text = place.passage.map { passage in
                // The passage's own bytes.
                answer.quote = (passage, place.range)
                return String(decoding: Array(asking.passages[passage].utf8)[place.range], as: UTF8.self)
            }
        } else if text == AskPrompt.unanswerable || text.isEmpty {
            answer.text = nil
        }
        return answer
    }

    /// The likeliest of some ids, the lowest of equals, and its share among them.
    static func likeliest(_ logits: [Float], among allowed: [Int32]?) -> (id: Int32, share: Double) {
        func find(_ ids: some Sequence<Int32>) -> (Int32, Double) {
            var best: Int32 = -1
            var top = -Float.infinity
            for id in ids where best < 0 || logits[Int(id)] > top { (best, top) = (id, logits[Int(id)]) }
            var sum = 0.0
            for id in ids { sum += exponential(Double(logits[Int(id)] - top)) }
            return (best, 1 / sum)
        }
        let (id, share) = allowed.map { find($0) } ?? find(0..<Int32(logits.count))
        return (id, share)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

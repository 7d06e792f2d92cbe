import Answers
import Checkpoints
import Documents
import Inference
import JSON

/// Answers questions about a text that was read, as rows.
///
/// An answer that was given before is kept beside the state, and the same question again runs no token.
package final class TextQuestions {
    /// Where answers come from.
    package enum Source: String, CaseIterable, Sendable {
        /// What the state remembers; a state of a few megabytes cannot quote a long text.
        case memory
        /// The best passages are found by words, read again behind the state, and quoted.
        case reread
        /// The same passages without the state, to compare: what the text's memory adds.
        case passages
    }

    package struct Options: Sendable {
        package var source = Source.reread
        /// Passages that are read again for each question.
        package var passages = 1
        package var asker = Asker.Options()
        /// Use and keep answers given before.
        package var keepsAnswers = true

        package init() {}
    }

    private struct Pending {
        var question: AskedQuestion
        var hits: [PassageIndex.Hit]
        var key: CheckpointKey
        /// Names that stand nowhere in the text; there is nothing to ask then.
        var missing: [String] = []
    }

    package private(set) var count = 0
    /// Rows whose answer was given before.
    package private(set) var keptAnswers = 0
    package private(set) var declined = 0
    package private(set) var failed = 0
    /// Tokens that went through the model.
    package private(set) var readTokens = 0

    private let text: TextReading.Text
    private let model: LoadedModel
    private let options: Options
    private let asker: Asker
    /// What questions fork.
    private let base: Session

    /// - Throws: ``TokenizerError`` when the vocabulary lacks a special token of the prompt.
    package init(_ text: TextReading.Text, model: LoadedModel, options: Options = .init()) throws {
        self.text = text
        self.model = model
        self.options = options
        asker = try Asker(model: model, options: options.asker)
        guard options.source == .passages else {
            base = text.state.session
            return
        }
        base = model.engine.makeSession()
        let prefix = try model.tokenizer.encode(AskPrompt.prefix(model.tokenizer.chatTemplate))
        _ = model.engine.advance([PrefillItem(session: base, tokens: prefix[...])])
    }

    /// Answers one question.
    package func answer(_ question: AskedQuestion) throws -> JSONValue {
        var question: AskedQuestion? = question
        var row = JSONValue.null
        try answer {
            defer { question = nil }
            return question
        } row: {
            row = $0
        }
        return row
    }

    /// Answers questions in batches; rows come in the order of the questions.
    ///
    /// - Returns: Whether all were answered; false after a signal.
    @discardableResult
    package func answer(next: () throws -> AskedQuestion?, row: (JSONValue) throws -> Void) throws -> Bool {
        var pending: [Int: Pending] = [:]
        var ready: [Int: JSONValue] = [:]
        // Questions taken, rows written, and the places of those that the model answers.
        var (taken, written) = (0, 0)
        var places: [Int] = []
        func write() throws {
            while let next = ready.removeValue(forKey: written) {
                try row(next)
                written += 1
            }
        }
        let isWhole = try asker.answer(from: base) {
            while let question = try next() {
                let place = taken
                taken += 1
                count += 1
                if let problem = question.problem {
                    failed += 1
                    ready[place] = failure(question, problem)
                } else {
                    let hits =
                        options.source != .memory
                        ? try text.index.search(question.text, limit: options.passages) : []
                    var entry = Pending(question: question, hits: hits, key: key(question.text, hits))
                    entry.missing = try text.index.missingNames(question.text, hits: hits)
                    if !entry.missing.isEmpty {
                        let declined = Result(status: "abstained", answer: nil, probability: 1, spans: [])
                        ready[place] = self.row(entry, declined, readTokens: 0)
                    } else if let kept = keptAnswer(entry) {
                        keptAnswers += 1
                        ready[place] = self.row(entry, kept, readTokens: 0)
                    } else {
                        pending[place] = entry
                        places.append(place)
                        return Asker.Question(
                            text: question.text,
                            passages: options.source != .memory ? hits.map(\.passage.text) : nil)
                    }
                }
                try write()
            }
            return nil
        } shouldStop: {
            StopSignal.received != nil
        } answered: { index, answer in
            let place = places[index]
            let entry = pending.removeValue(forKey: place)!
            let result = try kept(entry, answer)
            readTokens += answer.readTokens
            ready[place] = self.row(entry, result, readTokens: answer.readTokens)
            keep(entry, result)
            try write()
        }
        try write()
        return isWhole
    }

    // MARK: Answers that were given before

    /// What an answer comes to, apart from what it cost.
    private struct Result: Equatable {
        var status: String
        var answer: String?
        var probability: Double
        var spans: [JSONValue]
    }

    /// The text's key, extended by all that decides the answer.
    private func key(_ question: String, _ hits: [PassageIndex.Hit]) -> CheckpointKey {
        let told =
            [options.source.rawValue, "\(options.asker.answerTokens)", question] + hits.map(\.passage.text)
        let ids = told.flatMap { [Int32($0.utf8.count)] + $0.utf8.map { Int32($0) } }
        return text.state.key.extended(by: ids)
    }

    private func keptAnswer(_ entry: Pending) -> Result? {
        guard options.keepsAnswers, text.store.contains(entry.key),
            let checkpoint = try? text.store.load(entry.key, identity: text.state.identity),
            let json = try? JSONValue(parsing: checkpoint.cursor), let status = json["status"]?.string,
            let probability = json["probability"]?.double
        else { return nil }
        return Result(
            status: status, answer: json["answer"]?.string, probability: probability,
            spans: json["spans"]?.array ?? [])
    }

    private func keep(_ entry: Pending, _ result: Result) {
        guard options.keepsAnswers else { return }
        let json = JSONValue.object([
            JSONMember("question", .string(entry.question.text)),
            JSONMember("status", .string(result.status)),
            JSONMember("answer", .optional(result.answer)),
            JSONMember("probability", .decimal(result.probability)),
            JSONMember("spans", .array(result.spans)),
        ])
        // An answer that cannot be kept is given all the same.
        _ = try? text.store.save(
            Checkpoint(
                key: entry.key, identity: text.state.identity, tokenCount: text.state.tokens, kind: .answer,
                title: entry.question.text, cursor: json.bytes, sections: []))
    }

    // MARK: Rows

    private func kept(_ entry: Pending, _ answer: Asker.Answer) throws -> Result {
        var spans: [JSONValue] = []
        if let quote = answer.quote {
            spans.append(Self.span(entry.hits[quote.passage].passage, quote.range))
        } else if options.source == .memory, let words = answer.text, let found = try text.index.find(words) {
            spans.append(Self.span(found.passage, found.range))
        }
        let isDeclined = answer.text == nil
        return Result(
            status: isDeclined ? "abstained" : answer.isWhole ? "ok" : "partial.tokens", answer: answer.text,
            // As it is kept, so that a kept row has the same digits.
            probability: JSONValue.decimal(answer.probability).double ?? 0, spans: spans)
    }

    private static func span(_ passage: Passage, _ range: Range<Int>) -> JSONValue {
        let bytes = Array(passage.text.utf8)
        return .object([
            JSONMember("part", .string(passage.part)),
            JSONMember("start", .integer(passage.range.lowerBound + range.lowerBound)),
            JSONMember("end", .integer(passage.range.lowerBound + range.upperBound)),
            JSONMember("text", .string(String(decoding: bytes[range], as: UTF8.self))),
        ])
    }

    private func row(_ entry: Pending, _ result: Result, readTokens: Int) -> JSONValue {
        if result.status == "abstained" { declined += 1 }
        let passages = entry.hits.map { hit in
            JSONValue.object([
                JSONMember("part", .string(hit.passage.part)),
                JSONMember("start", .integer(hit.passage.range.lowerBound)),
                JSONMember("end", .integer(hit.passage.range.upperBound)),
                JSONMember("score", .decimal(hit.score, places: 3)),
            ])
        }
        return .object(
            (entry.question.id.map { [JSONMember("id", $0)] } ?? []) + [
                JSONMember("question", .string(entry.question.text)),
                JSONMember("status", .string(result.status)),
                JSONMember("answer", .optional(result.answer)),
                JSONMember("from", .string(options.source.rawValue)),
                JSONMember("probability", .decimal(result.probability)),
                JSONMember("spans", .array(result.spans)),
                JSONMember("passages", .array(passages)),
                JSONMember("cached_tokens", .integer(base.tokenCount)),
                JSONMember("read_tokens", .integer(readTokens)),
                JSONMember("state", .string(text.state.key.description)),
                JSONMember("model", .string("\(model.name)@\(model.engine.fingerprint.prefix(12))")),
            ]
                + (entry.missing.isEmpty
                    ? []
                    : [
                        JSONMember(
                            "warning", .string("the text has no \(entry.missing.joined(separator: ", "))"))
                    ]))
    }

    private func failure(_ question: AskedQuestion, _ problem: String) -> JSONValue {
        .object(
            (question.id.map { [JSONMember("id", $0)] } ?? []) + [
                JSONMember("question", .null), JSONMember("status", .string("failed.damaged")),
                JSONMember("answer", .null), JSONMember("warning", .string(problem)),
            ])
    }
}

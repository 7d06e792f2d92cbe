import Inference
import Tokenization

/// Sorts many documents at once: the prompt's prefix is read once and its state forked for
/// every document, and the rows of several documents share each matrix product.
///
/// A step-wise object, driven by one thread. Fill it while it ``wantsMore``, then ``step()``:
///
///     classifier.begin(0)
///     classifier.append(ids, to: 0)   // as often as the text has chunks
///     classifier.finish(0)
///     let step = classifier.step()    // results come out as they are ready, in any order
///
/// With ``Readout/eachLabel`` a document's text is read once, and each label is asked for from a copy of its state.
///
/// What a document gets does not depend on its neighbours, on how it was cut into `append`s, nor
/// on where it was stopped and resumed: not by one bit. Memory is bounded by
/// ``Options``, whatever the documents' sizes.
public final class Classifier {
    public struct Options: Sendable, Equatable {
        /// Tokens of a document that are read at most; nil reads all. What is behind is counted.
        public var maxTokens: Int?
        /// Tokens that go through the model in one step, over all documents.
        public var rowsPerStep = 512
        /// Documents being read at the same time, each with a state of its own.
        public var maxSessions = 16
        /// A long document's reading pauses at every multiple of this, and the step reports it,
        /// so that its state can be kept. Nil for never.
        public var milestoneTokens: Int?
        /// Whether labels' probabilities are corrected by ``LabelCalibration``, for which a few tokens
        /// are read first. Heads have no need of it.
        public var calibrates = false

        public init() {}
    }

    /// What is read off behind the question.
    public enum Readout: Sendable {
        /// The probabilities of the labels as answers.
        case labels
        /// The probability of each label by itself, against none of these: any number may apply. The text comes first,
        /// whatever the prompt's order.
        case eachLabel
        /// What a head makes of the hidden state. It must fit the model, see ``LinearHead/check(_:)``.
        case head(LinearHead)
        /// The hidden state itself, ``Classification/features``, from which a head is learned.
        case features

        var readsLabels: Bool {
            switch self {
            case .labels, .eachLabel: true
            case .head, .features: false
            }
        }
    }

    /// What one step brought.
    public struct Step {
        /// Documents that are done, in order of submission within the step.
        public var results: [Classification] = []
        /// Long documents that stand at a multiple of ``Options/milestoneTokens``.
        public var milestones: [Progress] = []
        /// Tokens that went through the model, prompts included.
        public var rows = 0
    }

    /// How far an unfinished document has been read.
    public struct Progress {
        public let item: Int
        /// Tokens of the document that the session has read, behind the prompt's prefix.
        public let readTokens: Int
        /// The state there. It moves on with the next step: fork it or save it now.
        public let session: Session
    }

    public let model: LoadedModel
    /// What is asked of each document.
    package let questions: EncodedQuestions
    public let options: Options
    public let readout: Readout
    /// The state behind the prompt's prefix.
    public let prefix: Session
    /// One for each question.
    private var calibrations: [LabelCalibration] = []

    private var readings: [Reading] = []
    private var branchings: [Branching] = []

    /// Reads the prompt's prefix.
    ///
    /// - Parameter prefix: The state behind the prefix, when it is at hand; it is not changed.
    /// - Throws: ``TokenizerError`` or ``LabelError`` when the prompt does not fit the vocabulary.
    public init(
        model: LoadedModel, prompt: ClassificationPrompt = ClassificationPrompt(),
        options: Options = Options(), readout: Readout = .labels, prefix: Session? = nil
    ) throws {
        precondition(options.rowsPerStep > 0 && options.maxSessions > 0)
        self.model = model
        self.options = options
        self.readout = readout
        questions = try EncodedQuestions(prompt, readout: readout, tokenizer: model.tokenizer)
        if let prefix {
            precondition(prefix.tokenCount == questions.prefix.count, "the state of another prefix")
            self.prefix = prefix
        } else {
            self.prefix = model.engine.makeSession()
            _ = model.engine.advance([PrefillItem(session: self.prefix, tokens: questions.prefix[...])])
        }
        guard options.calibrates, readout.readsLabels else { return }
        var plain = Options()
        plain.rowsPerStep = options.rowsPerStep
        for prompt in asksForEach ? try prompt.forEachLabel() : [prompt] {
            let neutral = try Classifier(model: model, prompt: prompt, options: plain, prefix: self.prefix)
            let found = neutral.classify(LabelCalibration.neutralTexts)
            calibrations.append(LabelCalibration(neutral: found.map(\.distribution)))
        }
    }

    /// Whether another document, or more text, would help to fill the next step. Not a limit.
    public var wantsMore: Bool {
        var rows = 0
        for branching in branchings {
            rows += branching.path.count
            if rows >= options.rowsPerStep { return false }
        }
        for reading in readings {
            rows += reading.pendingCount
            if rows >= options.rowsPerStep { return false }
        }
        return readings.count < options.maxSessions
    }

    /// Whether nothing is left to do.
    public var isIdle: Bool { readings.isEmpty }

    /// Opens a document.
    ///
    /// - Parameters:
    ///   - item: A number of the caller's choice, not in use by an open document.
    ///   - progress: Where an earlier reading of the same document stopped, with its restored
    ///     session. Append the tokens from the start all the same: what was read is skipped.
    public func begin(_ item: Int, resuming progress: (session: Session, readTokens: Int)? = nil) {
        precondition(!readings.contains { $0.item == item }, "item \(item) is open already")
        let reading = Reading(
            item: item, tail: questions.tail, limit: options.maxTokens, keepsState: asksForEach)
        if let progress {
            precondition(
                progress.session.tokenCount == questions.prefix.count + progress.readTokens,
                "a state of another position")
            reading.session = progress.session
            reading.read = progress.readTokens
        }
        readings.append(reading)
    }

    /// Adds tokens to an open document.
    public func append(_ tokens: some Collection<Int32>, to item: Int) {
        let reading = open(item)
        precondition(!reading.isFinished, "item \(item) has been finished")
        reading.append(tokens)
    }

    /// Ends a document's text; its question is asked when all of it has been read.
    public func finish(_ item: Int) {
        let reading = open(item)
        precondition(
            reading.tokens >= reading.read, "item \(item) is shorter than what was read of it before")
        reading.isFinished = true
    }

    /// Gives up a document, for example because its input failed half way.
    public func cancel(_ item: Int) {
        readings.removeAll { $0.item == item }
        branchings.removeAll { $0.reading.item == item }
    }

    public func isOpen(_ item: Int) -> Bool { readings.contains { $0.item == item } }

    /// How far an open document has been read; nil before its first token and, unless each label is asked for by
    /// itself, once its question is being asked.
    public func progress(of item: Int) -> Progress? {
        let reading = open(item)
        guard let session = reading.session, reading.asked == 0 || reading.keepsState else { return nil }
        return Progress(item: item, readTokens: reading.read, session: session)
    }

    /// Sends up to ``Options/rowsPerStep`` tokens through the model.
    ///
    /// Documents are read in order of submission, the rest of the rows going to the next. Does
    /// nothing when every open document waits for more text.
    public func step() -> Step {
        var batch: [PrefillItem] = []
        var step = Step()

        // Questions and branchings come first: their documents are nearest to their end.
        var asked: [Branching] = []
        while asked.count < branchings.count, step.rows < options.rowsPerStep {
            var branching = branchings[asked.count]
            let item = branching.take(options.rowsPerStep - step.rows)
            step.rows += item.tokens.count
            batch.append(item)
            asked.append(branching)
        }
        branchings.removeFirst(asked.count)
        if let last = asked.last, !last.isRead { branchings.insert(last, at: 0) }
        var moved: [(reading: Reading, take: Reading.Take)] = []
        var sessions = readings.count { $0.session != nil }
        for reading in readings where step.rows < options.rowsPerStep {
            guard reading.hasWork, reading.session != nil || sessions < options.maxSessions else { continue }
            if reading.session == nil {
                reading.session = prefix.fork()
                sessions += 1
            }
            let take = reading.take(options.rowsPerStep - step.rows, milestone: options.milestoneTokens)
            step.rows += take.tokens.count
            reading.rows += take.tokens.count
            var item = PrefillItem(session: take.session, tokens: take.tokens[...])
            switch readout {
            case .labels: item.wantsLogits = take.isLast
            case .head, .features: item.wantsHidden = take.isLast
            case .eachLabel: break
            }
            batch.append(item)
            moved.append((reading, take))
        }
        guard !batch.isEmpty else { return step }

        let logits = model.engine.advance(batch)
        for (branching, logits) in zip(asked, logits) where branching.isRead {
            branching.reading.branchings -= 1
            expand(branching, logits: logits!)
        }
        for ((reading, take), logits) in zip(moved, logits.dropFirst(asked.count)) {
            if take.isLast {
                conclude(reading, with: logits)
            } else if take.isMilestone {
                step.milestones.append(
                    Progress(item: reading.item, readTokens: reading.read, session: reading.session!))
            }
        }
        readings.removeAll { reading in
            guard let answers = reading.answers, reading.branchings == 0 else { return false }
            step.results.append(
                Classification(
                    item: reading.item, distribution: distribution(answers), tokens: reading.tokens,
                    readTokens: reading.read, rows: reading.rows, features: reading.features))
            return true
        }
        return step
    }

    /// Sorts whole texts; results in their order.
    public func classify(_ texts: some Sequence<String>) -> [Classification] {
        precondition(isIdle, "documents are open")
        var results: [Classification] = []
        var next = 0
        var texts = texts.makeIterator()
        var isAtEnd = false
        while !(isAtEnd && isIdle) {
            while wantsMore, !isAtEnd {
                guard let text = texts.next() else {
                    isAtEnd = true
                    break
                }
                begin(next)
                append(model.tokenizer.encode(text), to: next)
                finish(next)
                next += 1
            }
            results += step().results
        }
        return results.sorted { $0.item < $1.item }
    }

    private var asksForEach: Bool { if case .eachLabel = readout { true } else { false } }

    /// - Parameter values: Logits, or the hidden state, behind the question.
    private func conclude(_ reading: Reading, with values: [Float]?) {
        switch readout {
        case .labels:
            reading.answers = [[]]
            let root = Branching(reading: reading, question: 0, path: [], session: reading.session)
            expand(root, logits: values!)
        case .eachLabel:
            reading.answers = [[Double]](repeating: [], count: questions.prompts.count)
            reading.branchings = questions.prompts.count
            for (index, rest) in questions.rests.enumerated() {
                branchings.append(Branching(reading: reading, question: index, path: rest))
            }
        case .head(let head): reading.answers = [head.distribution(of: values!)]
        case .features:
            reading.features = values!
            reading.answers = [[]]
        }
    }

    /// Turns a branching's logits into shares of labels and into deeper branchings.
    private func expand(_ branching: Branching, logits: [Float]) {
        let (reading, question, session) = (branching.reading, branching.question, branching.session!)
        let tree = questions.prompts[question].tree
        let edges = tree.branches[branching.branch]
        let shares = tree.shares(at: branching.branch, logits: logits)
        var answer = reading.answers![question]
        if answer.isEmpty { answer = [Double](repeating: 0, count: tree.labelCount) }
        let last = edges.lastIndex { $0.path.count > 0 }
        for (index, edge) in edges.enumerated() {
            let share = branching.share * shares[index]
            switch edge.target {
            case .label(let label): answer[label] = share
            case .branch(let next):
                reading.branchings += 1
                branchings.append(
                    Branching(
                        reading: reading, question: question, branch: next, share: share,
                        path: edge.path[...],
                        session: index == last ? session : session.fork()))
            }
        }
        reading.answers![question] = answer
    }

    /// What a document's answers come to, by label.
    private func distribution(_ answers: [[Double]]) -> [Double] {
        let corrected = calibrations.isEmpty ? answers : zip(calibrations, answers).map { $0.apply(to: $1) }
        return asksForEach ? corrected.map { $0[0] } : corrected[0]
    }

    private func open(_ item: Int) -> Reading {
        guard let reading = readings.last(where: { $0.item == item }) else {
            preconditionFailure("item \(item) is not open")
        }
        return reading
    }
}

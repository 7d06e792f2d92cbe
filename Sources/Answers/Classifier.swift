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
        /// What a head makes of the hidden state. It must fit the model, see ``LinearHead/check(_:)``.
        case head(LinearHead)
        /// The hidden state itself, ``Classification/features``, from which a head is learned.
        case features
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
    public let prompt: EncodedPrompt
    public let options: Options
    public let readout: Readout
    /// The state behind the prompt's prefix.
    public let prefix: Session
    private var calibration: LabelCalibration?

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
        self.prompt = try EncodedPrompt(prompt, tokenizer: model.tokenizer)
        if let prefix {
            precondition(prefix.tokenCount == self.prompt.prefix.count, "the state of another prefix")
            self.prefix = prefix
        } else {
            self.prefix = model.engine.makeSession()
            _ = model.engine.advance([PrefillItem(session: self.prefix, tokens: self.prompt.prefix[...])])
        }
        if options.calibrates, readsLabels {
            var plain = Options()
            plain.rowsPerStep = options.rowsPerStep
            let neutral = try Classifier(model: model, prompt: prompt, options: plain, prefix: self.prefix)
            calibration = LabelCalibration(
                neutral: neutral.classify(LabelCalibration.neutralTexts).map(\.distribution))
        }
    }

    /// Whether another document, or more text, would help to fill the next step. Not a limit.
    public var wantsMore: Bool {
        var rows = 0
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
        let reading = Reading(item: item, question: question, limit: options.maxTokens)
        if let progress {
            precondition(
                progress.session.tokenCount == prompt.prefix.count + progress.readTokens,
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

    /// How far an open document has been read; nil before its first token and
    /// once its question is being asked.
    public func progress(of item: Int) -> Progress? {
        let reading = open(item)
        guard let session = reading.session, reading.asked == 0 else { return nil }
        return Progress(item: item, readTokens: reading.read, session: session)
    }

    /// Sends up to ``Options/rowsPerStep`` tokens through the model.
    ///
    /// Documents are read in order of submission, the rest of the rows going to the next. Does
    /// nothing when every open document waits for more text.
    public func step() -> Step {
        var batch: [PrefillItem] = []
        var step = Step()

        let branchings = self.branchings
        self.branchings = []
        for branching in branchings {
            batch.append(
                PrefillItem(session: branching.session, tokens: branching.path[...], wantsLogits: true))
            step.rows += branching.path.count
            branching.reading.rows += branching.path.count
        }
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
            var item = PrefillItem(session: reading.session!, tokens: take.tokens[...])
            if take.isLast { if readsLabels { item.wantsLogits = true } else { item.wantsHidden = true } }
            batch.append(item)
            moved.append((reading, take))
        }
        guard !batch.isEmpty else { return step }

        let logits = model.engine.advance(batch)
        for (branching, logits) in zip(branchings, logits) {
            branching.reading.branchings -= 1
            expand(
                branching.branch, share: branching.share, logits: logits!, branching.session,
                branching.reading)
        }
        for ((reading, take), logits) in zip(moved, logits.dropFirst(branchings.count)) {
            if take.isLast {
                conclude(reading, with: logits!)
            } else if take.isMilestone {
                step.milestones.append(
                    Progress(item: reading.item, readTokens: reading.read, session: reading.session!))
            }
        }
        readings.removeAll { reading in
            guard let distribution = reading.distribution, reading.branchings == 0 else { return false }
            step.results.append(
                Classification(
                    item: reading.item, distribution: calibration?.apply(to: distribution) ?? distribution,
                    tokens: reading.tokens,
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

    private var readsLabels: Bool { if case .labels = readout { true } else { false } }

    /// What follows a document, up to where something is read off.
    private var question: [Int32] { readsLabels ? prompt.question + prompt.tree.forced : prompt.question }

    /// - Parameter values: Logits, or the hidden state, behind the question.
    private func conclude(_ reading: Reading, with values: [Float]) {
        switch readout {
        case .labels: expand(0, share: 1, logits: values, reading.session!, reading)
        case .head(let head): reading.distribution = head.distribution(of: values)
        case .features:
            reading.features = values
            reading.distribution = []
        }
    }

    /// Turns a branching's logits into shares of labels and into deeper branchings.
    private func expand(
        _ branch: Int, share: Double, logits: [Float], _ session: Session, _ reading: Reading
    ) {
        let edges = prompt.tree.branches[branch]
        let shares = prompt.tree.shares(at: branch, logits: logits)
        var distribution = reading.distribution ?? [Double](repeating: 0, count: prompt.tree.labelCount)
        let last = edges.lastIndex { $0.path.count > 0 }
        for (index, edge) in edges.enumerated() {
            switch edge.target {
            case .label(let label): distribution[label] = share * shares[index]
            case .branch(let next):
                reading.branchings += 1
                branchings.append(
                    Branching(
                        reading: reading, branch: next, share: share * shares[index], path: edge.path,
                        session: index == last ? session : session.fork()))
            }
        }
        reading.distribution = distribution
    }

    private func open(_ item: Int) -> Reading {
        guard let reading = readings.last(where: { $0.item == item }) else {
            preconditionFailure("item \(item) is not open")
        }
        return reading
    }
}

/// One document on its way through the model.
private final class Reading {
    /// What goes through the model in one step.
    struct Take {
        var tokens: [Int32]
        /// The question has been read to its end.
        var isLast: Bool
        var isMilestone: Bool
    }

    let item: Int
    private let question: [Int32]
    private let limit: Int
    /// Appended and not yet read, from `at` on.
    private var pending: [Int32] = []
    private var at = 0
    var session: Session?
    /// Tokens appended, read or not.
    private(set) var tokens = 0
    /// Tokens of the document that the session has read.
    var read = 0
    /// Rows that have gone through the model.
    var rows = 0
    /// Tokens of the question that it has read.
    private(set) var asked = 0
    var isFinished = false
    var distribution: [Double]?
    var features: [Float] = []
    /// Branchings below the root whose logits are still to come.
    var branchings = 0

    init(item: Int, question: [Int32], limit: Int?) {
        self.item = item
        self.question = question
        self.limit = max(limit ?? .max, 0)
    }

    func append(_ more: some Collection<Int32>) {
        // Skip what a restored session has read; drop what is behind the limit.
        let skipped = min(max(read - tokens, 0), more.count)
        let kept = max(min(limit - tokens, more.count), skipped)
        if at > 0, at == pending.count || at > 1 << 16 {
            pending.removeFirst(at)
            at = 0
        }
        pending.append(contentsOf: more.dropFirst(skipped).prefix(kept - skipped))
        tokens += more.count
    }

    /// Rows that could be read now.
    var pendingCount: Int { pending.count - at + (isFinished ? question.count - asked : 0) }

    var hasWork: Bool { distribution == nil && pendingCount > 0 }

    func take(_ rows: Int, milestone: Int?) -> Take {
        var count = min(rows, pending.count - at)
        var isMilestone = false
        if let milestone, count > 0 {
            let next = (read / milestone + 1) * milestone
            if read + count >= next {
                count = next - read
                isMilestone = true
            }
        }
        var taken = Array(pending[at..<at + count])
        at += count
        read += count
        if isFinished, at == pending.count, !isMilestone {
            let more = min(rows - count, question.count - asked)
            taken += question[asked..<asked + more]
            asked += more
        }
        return Take(tokens: taken, isLast: asked == question.count, isMilestone: isMilestone)
    }
}

/// A branching below the root of the label tree, about to be read.
private struct Branching {
    let reading: Reading
    let branch: Int
    let share: Double
    let path: [Int32]
    let session: Session
}

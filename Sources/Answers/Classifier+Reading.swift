import Inference

/// One document on its way through the model.
final class Reading {
    /// What goes through the model in one step.
    struct Take {
        var session: Session
        var tokens: [Int32]
        /// The tail has been read to its end.
        var isLast: Bool
        var isMilestone: Bool
    }

    let item: Int
    /// What follows the text.
    private let tail: [Int32]
    private let limit: Int
    /// Whether questions are asked of copies, so that the state of the text can still be saved.
    let keepsState: Bool
    /// Appended and not yet read, from `at` on.
    private var pending: [Int32] = []
    private var at = 0
    var session: Session?
    /// The state behind the tail, of which questions are asked, where ``session`` is kept.
    private(set) var asker: Session?
    /// Tokens appended, read or not.
    private(set) var tokens = 0
    /// Tokens of the document that the session has read.
    var read = 0
    /// Rows that have gone through the model.
    var rows = 0
    /// Tokens of the tail that have been read.
    private(set) var asked = 0
    var isFinished = false
    /// By question, the shares of its answers; nil until the tail has been read.
    var answers: [[Double]]?
    var features: [Float] = []
    /// Branchings whose logits are still to come.
    var branchings = 0

    init(item: Int, tail: [Int32], limit: Int?, keepsState: Bool) {
        self.item = item
        self.tail = tail
        self.limit = max(limit ?? .max, 0)
        self.keepsState = keepsState
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
    var pendingCount: Int { pending.count - at + (isFinished ? tail.count - asked : 0) }

    var hasWork: Bool { answers == nil && pendingCount > 0 }

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
        // A state that is kept stays behind the text.
        if isFinished, at == pending.count, !isMilestone, !(keepsState && count > 0) {
            if keepsState, asker == nil { asker = session!.fork() }
            let more = min(rows - count, tail.count - asked)
            taken += tail[asked..<asked + more]
            asked += more
        }
        return Take(
            session: asker ?? session!, tokens: taken, isLast: asked == tail.count, isMilestone: isMilestone)
    }
}

/// A question about a document, or a branching below the root of its label tree, on its way through the model.
struct Branching {
    let reading: Reading
    /// Which of the classifier's questions.
    let question: Int
    var branch = 0
    var share = 1.0
    /// What is still to be read on the way to it.
    var path: ArraySlice<Int32>
    /// Nil until its turn for a question that begins with a copy of the document's state.
    var session: Session?

    var isRead: Bool { path.isEmpty }

    /// Up to `rows` tokens of what is still to be read.
    mutating func take(_ rows: Int) -> PrefillItem {
        let session = session ?? reading.asker!.fork()
        self.session = session
        let tokens = path.prefix(rows)
        path = path.dropFirst(tokens.count)
        reading.rows += tokens.count
        return PrefillItem(session: session, tokens: tokens, wantsLogits: isRead)
    }
}

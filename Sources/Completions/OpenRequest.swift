import Checkpoints
import Constraints
import Inference

/// A request that has been begun.
final class OpenRequest {
    let id: Int
    let prepared: PreparedRequest
    let keepsState: String?
    let onEvent: (CompletionEvent) -> Void
    var reading: [ReadingPrompt] = []
    var texts: [TextGeneration] = []
    var usage = TokenUsage()
    var constraint: Constraint?
    var keptState: String?
    var isClosed = false
    /// Texts that it writes.
    var width: Int { prepared.prompts.count * prepared.request.count }

    init(
        id: Int, _ prepared: PreparedRequest, keepsState: String?,
        onEvent: @escaping (CompletionEvent) -> Void
    ) {
        self.id = id
        self.prepared = prepared
        self.keepsState = keepsState
        self.onEvent = onEvent
    }
}

/// A prompt that is being read.
final class ReadingPrompt {
    let index: Int
    let tokens: [Int32]
    let room: Int
    var boundaries: [Int]
    var session: Session
    /// The state that the prompt goes on from by request.
    var base: CheckpointKey?
    var position = 0
    var logits: [Float]?
    /// Another prompt begins the same and is being read: this one waits until the other has come so far, and goes
    /// on from a copy of its state.
    private weak var leader: ReadingPrompt?
    private var follows = 0
    var isFollowing: Bool { follows > 0 && (leader?.position ?? .max) < follows }
    /// Whether it has followed, and its turn has come.
    var hasArrived: Bool { follows > 0 && !isFollowing }
    var isRead: Bool { position == tokens.count }
    /// Rows up to the end or to the next place where a state is kept.
    var needed: Int { (boundaries.first ?? tokens.count) - position }

    init(_ prompt: PreparedRequest.Prompt, index: Int, session: Session) {
        self.index = index
        tokens = prompt.tokens
        boundaries = prompt.boundaries
        room = prompt.room
        self.session = session
    }

    func follow(_ other: ReadingPrompt, upTo count: Int) {
        leader = other
        follows = count
        if count > other.position, count < other.tokens.count, !other.boundaries.contains(count) {
            other.boundaries.append(count)
            other.boundaries.sort()
        }
    }

    func stopFollowing() {
        leader = nil
        follows = 0
    }

    func isLast(_ count: Int) -> Bool { position + count == tokens.count }
}

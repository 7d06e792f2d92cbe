/// How an item ended: the `status` of its row.
public enum ItemStatus: Sendable, Equatable, Hashable, CustomStringConvertible {
    case ok
    /// Read in full, but no answer is probable enough.
    case abstained
    /// Read in part; the row has an answer and says how much was read.
    case partial(Reason)
    /// Not read, on purpose.
    case skipped(Reason)
    /// Not read, because it could not be.
    case failed(Reason)

    /// Why; the text after the dot.
    public enum Reason: String, Sendable, CaseIterable {
        case limitDepth = "limit.depth"
        case limitRatio = "limit.ratio"
        case limitBytes = "limit.bytes"
        case limitEntries = "limit.entries"
        case limitTime = "limit.time"
        case limitMemory = "limit.memory"
        case tokens
        case encrypted
        case damaged
        case unsupported
        case empty
        case missing
        case unreadable
        case cycle
        /// The process that read it ended amid it.
        case crashed
    }

    public var description: String {
        switch self {
        case .ok: "ok"
        case .abstained: "abstained"
        case .partial(let reason): "partial.\(reason.rawValue)"
        case .skipped(let reason): "skipped.\(reason.rawValue)"
        case .failed(let reason): "failed.\(reason.rawValue)"
        }
    }

    /// The inverse of `description`; nil for a text that is none.
    public init?(_ text: String) {
        switch text {
        case "ok": self = .ok
        case "abstained": self = .abstained
        default:
            guard let dot = text.firstIndex(of: "."),
                let reason = Reason(rawValue: String(text[text.index(after: dot)...]))
            else { return nil }
            switch text[..<dot] {
            case "partial": self = .partial(reason)
            case "skipped": self = .skipped(reason)
            case "failed": self = .failed(reason)
            default: return nil
            }
        }
    }

    /// Exit status 0 needs every row to be this.
    public var isComplete: Bool { self == .ok || self == .abstained }
}

import Inference

/// States of prompts that were read, kept in memory so that a prompt that begins the same is not read again.
///
/// A state is used only where all of its tokens begin the prompt: it stands at exactly one place.
final class PrefixStates {
    private struct Entry {
        var tokens: [Int32]
        var session: Session
        var logits: [Float]?
        var bytes: Int
        var lastUse: Int
    }

    /// What a prompt can go on from.
    struct Match {
        var session: Session
        var count: Int
        /// Of the token after; there when the whole prompt has been read.
        var logits: [Float]?
    }

    /// Shorter beginnings are read again.
    static let leastTokens = 24
    private static let rememberedPrompts = 64
    private static let rememberedTokens = 1 << 15

    private let budgetBytes: Int
    private var entries: [Entry] = []
    private var prompts: [[Int32]] = []
    private var clock = 0
    private(set) var bytes = 0
    var count: Int { entries.count }

    init(budgetBytes: Int) { self.budgetBytes = budgetBytes }

    /// A copy of the state that has read most of `tokens`.
    func longest(for tokens: [Int32]) -> Match? {
        var best: Int?
        for (index, entry) in entries.enumerated() {
            guard
                entry.tokens.count < tokens.count
                    || (entry.tokens.count == tokens.count && entry.logits != nil),
                entry.tokens.count > best.map({ entries[$0].tokens.count }) ?? 0,
                Self.begins(tokens, with: entry.tokens)
            else { continue }
            best = index
        }
        guard let best else { return nil }
        clock += 1
        entries[best].lastUse = clock
        let entry = entries[best]
        return Match(session: entry.session.fork(), count: entry.tokens.count, logits: entry.logits)
    }

    /// Where `tokens` part from a prompt of before, if that is further on than `read`: a state there
    /// serves both, and the next one that begins so.
    func junction(of tokens: [Int32], behind read: Int) -> Int? {
        var longest = 0
        for prompt in prompts { longest = max(longest, Self.shared(prompt, tokens)) }
        prompts.append(Array(tokens.prefix(Self.rememberedTokens)))
        if prompts.count > Self.rememberedPrompts { prompts.removeFirst() }
        return longest >= read + Self.leastTokens && longest < tokens.count ? longest : nil
    }

    /// Keeps a copy of a state that has read `tokens`.
    func keep(_ session: Session, tokens: ArraySlice<Int32>, logits: [Float]?) {
        guard tokens.count >= Self.leastTokens else { return }
        clock += 1
        if let known = entries.firstIndex(where: { $0.tokens.elementsEqual(tokens) }) {
            entries[known].lastUse = clock
            if entries[known].logits == nil, let logits {
                entries[known].logits = logits
                entries[known].bytes += logits.count * 4
                bytes += logits.count * 4
            }
        } else {
            let counts = session.byteCounts
            let size = counts.constant + counts.growing + tokens.count * 4 + (logits?.count ?? 0) * 4
            guard size <= budgetBytes else { return }
            entries.append(
                Entry(
                    tokens: Array(tokens), session: session.fork(), logits: logits, bytes: size,
                    lastUse: clock))
            bytes += size
        }
        while bytes > budgetBytes,
            let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse })
        {
            bytes -= entries[oldest].bytes
            entries.remove(at: oldest)
        }
    }

    private static func begins(_ tokens: [Int32], with prefix: [Int32]) -> Bool {
        // The last one first: prompts of one template all begin alike.
        guard let last = prefix.last, tokens[prefix.count - 1] == last else { return false }
        return tokens[..<prefix.count] == prefix[...]
    }

    static func shared(_ a: [Int32], _ b: [Int32]) -> Int {
        var count = 0
        let end = min(a.count, b.count)
        while count < end, a[count] == b[count] { count += 1 }
        return count
    }
}

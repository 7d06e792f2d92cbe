import Tokenization

/// The tokens of a vocabulary as a trie over bytes, laid out in preorder so that a walk is a
/// scan and a dead branch is one jump.
///
/// Special tokens and tokens without bytes are not in it: no constraint ever produces them.
public final class TokenTrie: Sendable {
    public let vocabularySize: Int
    /// The byte that leads to a node. Node 0 is the root.
    let bytes: [UInt8]
    /// Nodes from the root; the root's is 0.
    let depths: [UInt16]
    /// The first node behind a node's subtree.
    let ends: [Int32]
    /// The token that ends at a node, or -1.
    let tokens: [Int32]
    /// Further tokens with the same bytes.
    let twins: [Int32: [Int32]]
    let maximumDepth: Int

    /// - Parameter tokens: The bytes of each id; empty for an id that must never be produced.
    /// - Complexity: O(n log n) in the bytes of all tokens.
    public init(tokens list: [[UInt8]]) {
        vocabularySize = list.count
        let order = list.indices.filter { !list[$0].isEmpty && list[$0].count < 1 << 15 }
            .sorted { list[$0].lexicographicallyPrecedes(list[$1]) || (list[$0] == list[$1] && $0 < $1) }
        var bytes: [UInt8] = [0]
        var depths: [UInt16] = [0]
        var ends: [Int32] = [0]
        var tokens: [Int32] = [-1]
        var twins: [Int32: [Int32]] = [:]
        var path = [0]
        var before: [UInt8] = []
        for id in order {
            let text = list[id]
            var shared = 0
            while shared < before.count, shared < text.count, before[shared] == text[shared] { shared += 1 }
            while path.count > shared + 1 { ends[path.removeLast()] = Int32(bytes.count) }
            for index in shared..<text.count {
                path.append(bytes.count)
                bytes.append(text[index])
                depths.append(UInt16(index + 1))
                ends.append(0)
                tokens.append(-1)
            }
            let node = path[path.count - 1]
            if tokens[node] < 0 {
                tokens[node] = Int32(id)
            } else {
                twins[Int32(node), default: []].append(Int32(id))
            }
            before = text
        }
        for node in path { ends[node] = Int32(bytes.count) }
        self.bytes = bytes
        self.depths = depths
        self.ends = ends
        self.tokens = tokens
        self.twins = twins
        maximumDepth = Int(depths.max() ?? 0)
    }

    /// The vocabulary of a tokenizer, its special tokens left out.
    public convenience init(_ tokenizer: Tokenizer) {
        self.init(
            tokens: (0..<Int32(tokenizer.vocabularySize)).map {
                tokenizer.specialTokens[$0] == nil ? tokenizer.tokenBytes($0) : []
            })
    }

    /// The node that a run of bytes leads to.
    func node(of text: some Sequence<UInt8>) -> Int? {
        var node = 0
        for byte in text {
            var child = node + 1
            while child < ends[node], bytes[child] != byte { child = Int(ends[child]) }
            guard child < ends[node] else { return nil }
            node = child
        }
        return node
    }

    /// Calls `body` for the token of a node and its twins.
    func forEachToken(at node: Int, _ body: (Int32) -> Void) {
        guard tokens[node] >= 0 else { return }
        body(tokens[node])
        if let more = twins[Int32(node)] { more.forEach(body) }
    }
}

/// The answers as a tree of tokens, in which a label's probability is read off.
///
/// At every branching the model's logits are masked to the tokens that go on with some label;
/// a label's probability is the product of its tokens' probabilities under that mask, its end
/// among them. Where only one token is left, its probability is 1 and nothing is computed: most
/// label sets cost no step behind the question. The probabilities of all labels sum to 1.
public struct LabelTree: Sendable, Equatable {
    /// One token that may follow at a branching.
    public struct Edge: Sendable, Equatable {
        /// Its logit competes with those of its siblings.
        public var token: Int32
        /// What the model reads on the way to `target`: `token` and the forced tokens behind
        /// it. Empty when a label is reached, since nothing is asked behind it.
        public var path: [Int32]
        public var target: Target
    }

    public enum Target: Sendable, Equatable {
        /// Index of the next branching.
        case branch(Int)
        /// Index of the label.
        case label(Int)
    }

    /// Forced tokens that all answers begin with; read together with the question.
    public let forced: [Int32]
    /// Each branching's edges, in order of token; the first branching is the root.
    public let branches: [[Edge]]
    public let labelCount: Int

    /// - Parameters:
    ///   - names: For messages only.
    ///   - answers: The tokens of each answer; none may be the beginning of another, which a
    ///     common end token guarantees.
    /// - Throws: ``LabelError/sameTokens(_:_:)``.
    public init(names: [String], answers: [[Int32]]) throws(LabelError) {
        precondition(answers.count >= 2 && names.count == answers.count)
        var builder = Builder(names: names, answers: answers)
        let (forced, target) = try builder.grow(Array(answers.indices), depth: 0)
        guard case .branch(0) = target else { preconditionFailure("two labels, yet no branching") }
        self.forced = forced
        branches = builder.branches
        labelCount = answers.count
    }

    /// For each label the token that the first branching asks for on the way to it; several may share one.
    public var firstTokens: [Int32] {
        var tokens = [Int32](repeating: 0, count: labelCount)
        func fill(_ target: Target, _ token: Int32) {
            switch target {
            case .label(let label): tokens[label] = token
            case .branch(let next): for edge in branches[next] { fill(edge.target, token) }
            }
        }
        for edge in branches[0] { fill(edge.target, edge.token) }
        return tokens
    }

    private struct Builder {
        let names: [String]
        let answers: [[Int32]]
        var branches: [[Edge]] = []

        /// The forced tokens from `depth` on and where they lead, for answers equal up to there.
        mutating func grow(_ members: [Int], depth: Int) throws(LabelError) -> ([Int32], Target) {
            guard members.count > 1 else { return ([], .label(members[0])) }
            var depth = depth
            var forced: [Int32] = []
            while true {
                if let ended = members.first(where: { answers[$0].count <= depth }) {
                    let other = members.first { $0 != ended }!
                    throw .sameTokens(names[min(ended, other)], names[max(ended, other)])
                }
                let token = answers[members[0]][depth]
                guard members.allSatisfy({ answers[$0][depth] == token }) else { break }
                forced.append(token)
                depth += 1
            }
            let index = branches.count
            branches.append([])
            var edges: [Edge] = []
            for token in Set(members.map { answers[$0][depth] }).sorted() {
                let (path, target) = try grow(
                    members.filter { answers[$0][depth] == token }, depth: depth + 1)
                if case .branch = target {
                    edges.append(Edge(token: token, path: [token] + path, target: target))
                } else {
                    edges.append(Edge(token: token, path: [], target: target))
                }
            }
            branches[index] = edges
            return (forced, .branch(index))
        }
    }

    /// The share of each edge at a branching: a softmax over the logits of its tokens alone.
    ///
    /// - Parameter logits: Float32, `[vocabulary]`, after everything up to the branching.
    public func shares(at branch: Int, logits: [Float]) -> [Double] {
        let values = branches[branch].map { edge -> Double in
            let value = Double(logits[Int(edge.token)])
            return value.isNaN ? -.infinity : value
        }
        let largest = values.max()!
        guard largest.isFinite else {  // a broken model: say nothing rather than not-a-number
            return values.map { $0 == largest ? 1 / Double(values.count { $0 == largest }) : 0 }
        }
        let weights = values.map { exponential($0 - largest) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The distribution over labels.
    ///
    /// - Parameters:
    ///   - root: Logits after the question and the ``forced`` tokens.
    ///   - read: Logits at a deeper branching, after what leads to it; `path` holds the tokens
    ///     behind the parent branching. Asked for in an order in which parents come first.
    /// - Returns: `[labelCount]`, in label order.
    public func distribution(
        root: [Float], read: (_ branch: Int, _ parent: Int, _ path: [Int32]) throws -> [Float]
    ) rethrows -> [Double] {
        var result = [Double](repeating: 0, count: labelCount)
        var open: [(branch: Int, share: Double, logits: [Float])] = [(0, 1, root)]
        while let (branch, share, logits) = open.popLast() {
            for (edge, part) in zip(branches[branch], shares(at: branch, logits: logits)) {
                switch edge.target {
                case .label(let label): result[label] = share * part
                case .branch(let next): open.append((next, share * part, try read(next, branch, edge.path)))
                }
            }
        }
        return result
    }
}

import Documents

/// What the model says of one document.
public struct Classification: Sendable, Equatable {
    /// The number under which the document was submitted.
    public var item: Int
    /// Probability by label, in label order; sums to 1, unless each label was asked for by itself. Empty where
    /// ``features`` were asked for.
    public var distribution: [Double]
    /// Tokens of the document.
    public var tokens: Int
    /// How many of them went through the model.
    public var readTokens: Int
    /// Rows that went through the model for it since it was begun here: tokens, question and
    /// branches of the labels; less what a restored session had read.
    public var rows: Int
    /// The final-normed hidden state behind the question, Float32 `[hidden]`, where it was asked for.
    public var features: [Float]

    public init(
        item: Int, distribution: [Double], tokens: Int, readTokens: Int, rows: Int = 0,
        features: [Float] = []
    ) {
        self.item = item
        self.distribution = distribution
        self.tokens = tokens
        self.readTokens = readTokens
        self.rows = rows
        self.features = features
    }

    /// Index of the most probable label; the first of equals.
    public var best: Int { distribution.firstIndex(of: distribution.max()!)! }

    public var probability: Double { distribution[best] }

    /// Indices of the labels that apply, where each was asked for by itself; may be empty.
    public func labels(threshold: Double = Self.defaultThreshold) -> [Int] {
        distribution.indices.filter { distribution[$0] >= threshold }
    }

    /// The probability of that answer where it is least sure: of the labels that apply, and of those that do not, the
    /// least.
    public func leastProbability(threshold: Double = Self.defaultThreshold) -> Double {
        distribution.map { $0 >= threshold ? $0 : 1 - $0 }.min() ?? 1
    }

    /// Probability from which on a label that was asked for by itself applies.
    public static let defaultThreshold = 0.5

    /// The share of the document's tokens that was read; 1 for a document without any.
    public var read: Double { tokens == 0 ? 1 : Double(readTokens) / Double(tokens) }

    /// How the item ended: in part when not all was read, abstained below `threshold`.
    public func status(threshold: Double? = nil) -> ItemStatus {
        if readTokens < tokens { return .partial(.tokens) }
        if let threshold, probability < threshold { return .abstained }
        return .ok
    }
}

import Inference

/// A linear classifier over the frozen model's hidden state behind a label prompt, learned from
/// labelled examples by ``HeadTrainer``.
///
/// The feature is the final-normed hidden state of the prompt's last token, the one whose logits
/// the label tree would read: what the model knows of text and labels at the moment of answering.
public struct LinearHead: Sendable, Equatable {
    /// How it was learned; for people.
    public struct Training: Sendable, Equatable {
        public var examples: Int
        /// Weight of the squared norm against the mean loss, chosen by cross-validation.
        public var regularization: Double
        /// Mean loss in nats and share of right labels on examples left out of the fit.
        public var validationLoss: Double
        public var validationAccuracy: Double

        public init(examples: Int, regularization: Double, validationLoss: Double, validationAccuracy: Double)
        {
            self.examples = examples
            self.regularization = regularization
            self.validationLoss = validationLoss
            self.validationAccuracy = validationAccuracy
        }
    }

    public let labels: LabelList
    public let instruction: String
    /// Fingerprints of the weights and of the tokenizer that made the features.
    public let modelFingerprint, tokenizerFingerprint: String
    /// Width of the hidden state.
    public let width: Int
    /// Float32 `[labels, width + 1]`; the last of each row is the bias.
    public let weights: [Float]
    public let training: Training

    /// - Parameter weights: `[labels, width + 1]`, finite (preconditions).
    public init(
        labels: LabelList, instruction: String = ClassificationPrompt.defaultInstruction,
        modelFingerprint: String, tokenizerFingerprint: String, width: Int, weights: [Float],
        training: Training
    ) {
        precondition(weights.count == labels.count * (width + 1) && weights.allSatisfy(\.isFinite))
        self.labels = labels
        self.instruction = instruction
        self.modelFingerprint = modelFingerprint
        self.tokenizerFingerprint = tokenizerFingerprint
        self.width = width
        self.weights = weights
        self.training = training
    }

    /// The prompt behind which features are read.
    public var prompt: ClassificationPrompt { ClassificationPrompt(labels: labels, instruction: instruction) }

    /// Probability by label; sums to 1.
    ///
    /// - Parameter features: Float32 `[width]`.
    public func distribution(of features: [Float]) -> [Double] {
        precondition(features.count == width, "features of another width")
        let scores = labels.indices.map { label -> Double in
            let row = label * (width + 1)
            var sum = Double(weights[row + width])
            for index in 0..<width { sum += Double(weights[row + index]) * Double(features[index]) }
            return sum
        }
        return softmax(scores)
    }

    /// Refuses a model that did not make the features.
    public func check(_ model: LoadedModel) throws(HeadError) {
        guard modelFingerprint == model.engine.fingerprint, width == model.engine.config.hidden else {
            throw .otherModel(head: modelFingerprint, loaded: model.engine.fingerprint)
        }
        guard tokenizerFingerprint == model.tokenizer.fingerprint else {
            throw .otherTokenizer(head: tokenizerFingerprint, loaded: model.tokenizer.fingerprint)
        }
    }
}

/// Why a head cannot be read or used.
public enum HeadError: Error, Equatable, CustomStringConvertible {
    /// The bytes are not a head's, or not whole.
    case damaged(String)
    case format(found: Int, expected: Int)
    case otherModel(head: String, loaded: String)
    case otherTokenizer(head: String, loaded: String)
    case otherLabels(head: [String], asked: [String])

    /// One line fit for a terminal.
    public var description: String {
        switch self {
        case .damaged(let what):
            "This is no whole head: \(what). Expected a file that `lector train-head` wrote; train it again."
        case .format(let found, let expected):
            "The head has format \(found), this version reads \(expected). Train it again with this version."
        case .otherModel(let head, let loaded):
            "The head was trained on model \(head.prefix(12)), but \(loaded.prefix(12)) is loaded. "
                + "Give that model by --model, or train the head again."
        case .otherTokenizer(let head, let loaded):
            "The head was trained with tokenizer \(head.prefix(12)), but \(loaded.prefix(12)) is loaded. "
                + "Train the head again."
        case .otherLabels(let head, let asked):
            "The head knows the labels \(short(head)), but \(short(asked)) are asked for. "
                + "Leave the labels away, or train a head for them."
        }
    }

    private func short(_ names: [String]) -> String {
        let shown = names.prefix(8).map { $0.words.filter { !$0.isNewline } }.joined(separator: ", ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }
}

/// Probabilities in proportion to e to the power of the scores.
func softmax(_ scores: [Double]) -> [Double] {
    var shares = scores
    softmaxRows(&shares, width: scores.count)
    return shares
}

/// The same for each row of a table.
func softmaxRows(_ table: inout [Double], width: Int) {
    for row in stride(from: 0, to: table.count, by: width) {
        let largest = table[row..<row + width].max()!
        var sum = 0.0
        for at in row..<row + width {
            table[at] = exponential(table[at] - largest)
            sum += table[at]
        }
        for at in row..<row + width { table[at] /= sum }
    }
}

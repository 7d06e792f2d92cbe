/// Takes back what the model prefers before it has read anything.
///
/// A model leans towards some names of a list whatever the text is. How far shows in what it answers
/// about texts that say nothing; each label's share is divided by its mean share there, to the power
/// 1 - 1 / labels: half of the lean between two names, nearly all of it in a long list. One such
/// correction holds for all documents of a prompt, so that a row depends on its own document alone.
/// See docs/decisions/0025-labels-never-trained-on.md for the measurement.
///
/// Source: Zhao et al., Calibrate Before Use (arXiv:2102.09690), which takes the whole of it.
public struct LabelCalibration: Sendable, Equatable {
    package static let neutralTexts = [
        "N/A", "n/a", "N/A N/A N/A", "[MASK]", "xxx", "Lorem ipsum dolor sit amet",
    ]
    /// The method in a run's configuration; another method has another name.
    public static let name = "neutral-1-1/labels"
    /// A label that hardly gets a share of a neutral text is raised by no more than from here.
    static let smallestShare = 0.01

    let factors: [Double]

    /// - Parameter neutral: The distributions of neutral texts, `[texts, labels]`.
    package init(neutral: [[Double]]) {
        precondition(!neutral.isEmpty)
        let strength = 1 - 1 / Double(neutral[0].count)
        factors = neutral[0].indices.map { label in
            let mean = neutral.reduce(0) { $0 + $1[label] } / Double(neutral.count)
            return exponential(-strength * logarithm(max(mean, Self.smallestShare)))
        }
    }

    /// The corrected distribution; sums to 1.
    package func apply(to distribution: [Double]) -> [Double] {
        let raised = zip(distribution, factors).map { $0 * $1 }
        let sum = raised.reduce(0, +)
        return raised.map { $0 / sum }
    }
}

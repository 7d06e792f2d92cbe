import Dispatch

/// Learns a linear head: multinomial logistic regression with an L2 penalty, by L-BFGS.
///
/// Deterministic: examples are taken in their order, sums run in a fixed order over a fixed number of
/// lanes whatever the number of threads, and there is no random choice. The penalty is chosen by
/// cross-validation, its folds taken by turns within each label; so is whether the head begins at
/// nothing or at what the model itself would answer, which a few examples only have to correct.
///
/// Source of the method: Nocedal and Wright, Numerical Optimization, algorithm 7.5.
public struct HeadTrainer: Sendable {
    /// Penalties that are tried, strongest first.
    static let penalties: [Double] = [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5]
    static let folds = 5
    /// More examples than these are validated on one fold instead of all.
    static let manyExamples = 2_000

    /// What was learned.
    public struct Result: Sendable, Equatable {
        /// Float32 `[labels, width + 1]`, on features as they were added; the last of each row is the bias.
        public var weights: [Float]
        public var training: LinearHead.Training
    }

    let width: Int
    let labelCount: Int
    private let answers: [Float]?
    private(set) var labels: [Int] = []
    private var features: [Float] = []

    /// - Parameter answers: Float32 `[labels, width]`, weights whose scores are the model's own answer; nil where
    ///   there are none.
    public init(width: Int, labelCount: Int, answers: [Float]? = nil) {
        precondition(width > 0 && labelCount >= 2 && answers.map { $0.count == labelCount * width } ?? true)
        self.width = width
        self.labelCount = labelCount
        self.answers = answers
    }

    public var count: Int { labels.count }

    /// How many examples each label has.
    public var counts: [Int] { labels.reduce(into: [Int](repeating: 0, count: labelCount)) { $0[$1] += 1 } }

    /// - Parameters:
    ///   - example: Float32 `[width]`.
    ///   - label: Its label's index.
    public mutating func add(_ example: [Float], label: Int) {
        precondition(example.count == width && (0..<labelCount).contains(label))
        features += example
        labels.append(label)
    }

    /// Fits all examples, with the penalty that does best on examples left out.
    ///
    /// - Parameter onStep: Told the penalty and its loss on the examples left out, as they are known.
    /// - Returns: Nil when fewer than two labels have an example.
    public func train(onStep: (_ penalty: Double, _ loss: Double) -> Void = { _, _ in }) -> Result? {
        guard counts.count(where: { $0 > 0 }) >= 2 else { return nil }
        let scaling = Scaling(features, width: width)
        let rows = scaling.apply(to: features)
        var turn = [Int](repeating: 0, count: labelCount)
        let fold = labels.map { label -> Int in
            turn[label] += 1
            return (turn[label] - 1) % Self.folds
        }
        // With many examples it is all the same where the head begins.
        let starts = count > Self.manyExamples ? [nil] : answers.map { [nil, $0] } ?? [nil]
        let fits = starts.map { start in
            let loss = LogisticLoss(
                rows: rows, labels: labels, offsets: start.map(scores), width: width, labelCount: labelCount)
            return (start: start, loss: loss, choice: validated(loss, folds: fold, onStep))
        }
        let best = fits.min { $0.choice.loss < $1.choice.loss }!  // the first of equals
        var weights = scaling.unscaled(
            best.loss.minimized(best.choice.penalty, from: best.loss.zeros), stride: best.loss.stride,
            labelCount: labelCount)
        if let start = best.start {
            for label in 0..<labelCount {
                for index in 0..<width {
                    weights[label * (width + 1) + index] += start[label * width + index]
                }
            }
        }
        return Result(
            weights: weights,
            training: LinearHead.Training(
                examples: count, regularization: best.choice.penalty,
                validationLoss: best.choice.loss.isFinite ? best.choice.loss : 0,
                validationAccuracy: best.choice.accuracy))
    }

    /// `[count, labels]`: each example's scores by weights `[labels, width]`.
    private func scores(_ weights: [Float]) -> [Float] {
        labels.indices.flatMap { row in
            (0..<labelCount).map { label -> Float in
                var sum = 0.0
                for index in 0..<width {
                    sum += Double(weights[label * width + index]) * Double(features[row * width + index])
                }
                return Float(sum)
            }
        }
    }

    /// The penalty that does best on examples left out, and how it does; 1 where none can be.
    private func validated(
        _ all: LogisticLoss, folds fold: [Int], _ onStep: (_ penalty: Double, _ loss: Double) -> Void
    ) -> (penalty: Double, loss: Double, accuracy: Double) {
        let rounds = count > Self.manyExamples ? 1 : Self.folds
        var splits: [(fit: LogisticLoss, held: LogisticLoss, start: [Double])] = []
        for round in 0..<rounds where fold.contains(round) && fold.contains(where: { $0 != round }) {
            let fit = all.subset(fold.indices.filter { fold[$0] != round })
            splits.append(
                (fit, all.subset(fold.indices.filter { fold[$0] == round }), fit.zeros))
        }
        guard !splits.isEmpty else { return (1, .infinity, 0) }
        var best = (penalty: Self.penalties[0], loss: Double.infinity, accuracy: 0.0)
        var worse = 0
        for penalty in Self.penalties {
            var (loss, right, held) = (0.0, 0.0, 0)
            for index in splits.indices {
                splits[index].start = splits[index].fit.minimized(penalty, from: splits[index].start)
                let score = splits[index].held.score(splits[index].start)
                loss += score.loss
                right += Double(score.right)
                held += splits[index].held.count
            }
            loss /= Double(held)
            onStep(penalty, loss)
            if loss < best.loss {
                best = (penalty, loss, right / Double(held))
                worse = 0
            } else {
                worse += 1
                if worse == 2 { break }  // the loss falls and rises once along the penalties
            }
        }
        return best
    }
}

/// Each feature moved to mean 0 and all of them scaled to a mean square of 1 / width together, so that a
/// penalty means the same for every model. Features keep their own spread: a direction in which the
/// model's states hardly differ stays a weak one.
private struct Scaling {
    let width: Int
    private var mean: [Double]
    private var factor: Double

    init(_ features: [Float], width: Int) {
        self.width = width
        let count = Double(features.count / width)
        mean = [Double](repeating: 0, count: width)
        for at in features.indices { mean[at % width] += Double(features[at]) }
        for index in mean.indices { mean[index] /= count }
        var square = 0.0
        for at in features.indices {
            let difference = Double(features[at]) - mean[at % width]
            square += difference * difference
        }
        factor = square > 0 ? (count / square).squareRoot() : 1
    }

    func apply(to features: [Float]) -> [Float] {
        features.indices.map { Float((Double(features[$0]) - mean[$0 % width]) * factor) }
    }

    /// Weights on features as they were before ``apply(to:)``.
    func unscaled(_ weights: [Double], stride: Int, labelCount: Int) -> [Float] {
        (0..<labelCount).flatMap { label -> [Float] in
            var bias = weights[label * stride + width]
            var row: [Float] = []
            for index in 0..<width {
                let weight = weights[label * stride + index] * factor
                bias -= weight * mean[index]
                row.append(Float(weight))
            }
            return row + [Float(bias)]
        }
    }
}

/// The mean loss of some examples as a function of the weights `[labels, stride]`, and its gradient.
private struct LogisticLoss {
    private typealias Lane = SIMD16<Float>
    private static let lanes = 4

    let width, labelCount, stride: Int
    private let rows: [Float]
    private let labels: [Int]
    /// `[count, labelCount]`, scores that are there before any weight.
    private let offsets: [Float]?

    var count: Int { labels.count }
    var zeros: [Double] { [Double](repeating: 0, count: labelCount * stride) }

    /// - Parameter rows: `[count, width]`; a 1 for the bias and zeros up to whole vectors are added.
    init(rows: [Float], labels: [Int], offsets: [Float]?, width: Int, labelCount: Int) {
        let stride = (width + 16) / 16 * 16
        self.width = width
        self.labelCount = labelCount
        self.stride = stride
        self.labels = labels
        self.offsets = offsets
        var padded = [Float](repeating: 0, count: labels.count * stride)
        for row in labels.indices {
            for index in 0..<width { padded[row * stride + index] = rows[row * width + index] }
            padded[row * stride + width] = 1
        }
        self.rows = padded
    }

    private init(_ other: LogisticLoss, chosen: [Int]) {
        (width, labelCount, stride) = (other.width, other.labelCount, other.stride)
        labels = chosen.map { other.labels[$0] }
        rows = chosen.flatMap { other.rows[$0 * other.stride..<($0 + 1) * other.stride] }
        let labelCount = other.labelCount
        offsets = other.offsets.map { offsets in
            chosen.flatMap { offsets[$0 * labelCount..<($0 + 1) * labelCount] }
        }
    }

    func subset(_ chosen: [Int]) -> LogisticLoss { LogisticLoss(self, chosen: chosen) }

    /// The sum of the losses, and how many examples get their label.
    func score(_ weights: [Double]) -> (loss: Double, right: Int) {
        let parts = sweep(weights, gradient: false)
        return (parts.reduce(0) { $0 + $1.loss }, parts.reduce(0) { $0 + $1.right })
    }

    /// Mean loss with its penalty, and the gradient of both.
    func evaluate(_ weights: [Double], _ penalty: Double) -> (loss: Double, gradient: [Double]) {
        let parts = sweep(weights, gradient: true)
        var gradient = zeros
        var loss = 0.0
        for part in parts {
            loss += part.loss
            for index in gradient.indices { gradient[index] += Double(part.gradient[index]) }
        }
        loss /= Double(count)
        let share = 1 / Double(count)
        for label in 0..<labelCount {
            for index in 0..<stride {
                let at = label * stride + index
                gradient[at] *= share
                guard index < width else { continue }  // the bias is free
                loss += 0.5 * penalty * share * weights[at] * weights[at]
                gradient[at] += penalty * share * weights[at]
            }
        }
        return (loss, gradient)
    }

    private struct Part {
        var loss = 0.0
        var right = 0
        var gradient: [Float] = []
    }

    private func sweep(_ weights: [Double], gradient wantsGradient: Bool) -> [Part] {
        let narrow = weights.map { Float($0) }
        nonisolated(unsafe) var parts = [Part](repeating: Part(), count: Self.lanes)
        parts.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let buffer = buffer
            DispatchQueue.concurrentPerform(iterations: Self.lanes) { lane in
                buffer[lane] = part(
                    narrow, rows: count * lane / Self.lanes..<count * (lane + 1) / Self.lanes, wantsGradient)
            }
        }
        return parts
    }

    private func part(_ weights: [Float], rows range: Range<Int>, _ wantsGradient: Bool) -> Part {
        var part = Part()
        if wantsGradient { part.gradient = [Float](repeating: 0, count: weights.count) }
        let vectors = stride / 16
        var scores = [Double](repeating: 0, count: labelCount)
        rows.withUnsafeBytes { rowBytes in
            weights.withUnsafeBytes { weightBytes in
                part.gradient.withUnsafeMutableBytes { gradientBytes in
                    for row in range {
                        let offset = row * stride * 4
                        for label in 0..<labelCount {
                            var sum = Lane.zero
                            let start = label * stride * 4
                            for vector in 0..<vectors {
                                let a = rowBytes.loadUnaligned(
                                    fromByteOffset: offset + vector * 64, as: Lane.self)
                                let b = weightBytes.loadUnaligned(
                                    fromByteOffset: start + vector * 64, as: Lane.self)
                                sum += a * b
                            }
                            scores[label] =
                                Double(sum.sum()) + Double(offsets?[row * labelCount + label] ?? 0)
                        }
                        let shares = softmax(scores)
                        let truth = labels[row]
                        part.loss -= logarithm(max(shares[truth], 1e-300))
                        if scores.firstIndex(of: scores.max()!)! == truth { part.right += 1 }
                        guard wantsGradient else { continue }
                        for label in 0..<labelCount {
                            let slope = Float(shares[label] - (label == truth ? 1 : 0))
                            guard slope.magnitude > 1e-9 else { continue }
                            let start = label * stride * 4
                            for vector in 0..<vectors {
                                let a = rowBytes.loadUnaligned(
                                    fromByteOffset: offset + vector * 64, as: Lane.self)
                                let g = gradientBytes.loadUnaligned(
                                    fromByteOffset: start + vector * 64, as: Lane.self)
                                gradientBytes.storeBytes(
                                    of: g + slope * a, toByteOffset: start + vector * 64, as: Lane.self)
                            }
                        }
                    }
                }
            }
        }
        return part
    }

    /// L-BFGS with ten pairs and backtracking.
    func minimized(_ penalty: Double, from start: [Double]) -> [Double] {
        var weights = start
        var (loss, gradient) = evaluate(weights, penalty)
        var pairs: [(step: [Double], change: [Double], product: Double)] = []
        for _ in 0..<200 {
            let slope = gradient.reduce(0) { max($0, $1.magnitude) }
            if slope < 1e-6 { break }
            var direction = gradient.map { -$0 }
            var factors: [Double] = []
            for pair in pairs.reversed() {
                let factor = dot(pair.step, direction) / pair.product
                factors.append(factor)
                add(-factor, pair.change, to: &direction)
            }
            if let last = pairs.last {
                let scale = last.product / dot(last.change, last.change)
                for index in direction.indices { direction[index] *= scale }
            }
            for (pair, factor) in zip(pairs, factors.reversed()) {
                add(factor - dot(pair.change, direction) / pair.product, pair.step, to: &direction)
            }
            var descent = dot(direction, gradient)
            if !(descent < 0) {
                pairs = []
                direction = gradient.map { -$0 }
                descent = -dot(gradient, gradient)
            }
            var length = pairs.isEmpty ? min(1, 1 / dot(gradient, gradient).squareRoot()) : 1.0
            var next = weights
            var (nextLoss, nextGradient) = (loss, gradient)
            var isFound = false
            for _ in 0..<25 {
                next = weights
                add(length, direction, to: &next)
                (nextLoss, nextGradient) = evaluate(next, penalty)
                if nextLoss <= loss + 1e-4 * length * descent {
                    isFound = true
                    break
                }
                length /= 2
            }
            guard isFound else { break }
            let step = zip(next, weights).map { $0 - $1 }
            let change = zip(nextGradient, gradient).map { $0 - $1 }
            let product = dot(step, change)
            if product > 1e-12 {
                pairs.append((step, change, product))
                if pairs.count > 10 { pairs.removeFirst() }
            }
            let gain = loss - nextLoss
            (weights, loss, gradient) = (next, nextLoss, nextGradient)
            if gain < 1e-7 * max(1e-3, loss) { break }
        }
        return weights
    }
}

/// `a` and `b` have whole vectors of 16 values.
private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = SIMD8<Double>.zero
    a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in
            for offset in stride(from: 0, to: a.count, by: 64) {
                sum +=
                    a.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
                    * b.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
            }
        }
    }
    return sum.sum()
}

private func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
    for index in b.indices { b[index] += factor * a[index] }
}

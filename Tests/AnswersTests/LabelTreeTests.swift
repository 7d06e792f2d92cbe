import Answers
import Foundation
import Testing

@Suite struct LabelTreeTests {
    /// Logits of a made-up model: a function of the tokens read behind the question.
    static func logits(after tokens: [Int32]) -> [Float] {
        (0..<40).map { id in
            var x = UInt64(truncatingIfNeeded: id) &* 0x9E37_79B9_7F4A_7C15
            for token in tokens { x = (x ^ UInt64(token)) &* 0xBF58_476D_1CE4_E5B9 ^ (x >> 29) }
            return Float(Double(x >> 40) / Double(1 << 24) * 6 - 3)
        }
    }

    /// The product of masked token probabilities, token by token, over the plain trie.
    static func expected(_ answers: [[Int32]]) -> [Double] {
        answers.map { answer in
            var product = 1.0
            for depth in answer.indices {
                let before = Array(answer[..<depth])
                let allowed = Set(
                    answers.filter { $0.starts(with: before) && $0.count > depth }.map { $0[depth] })
                let row = logits(after: before).map(Double.init)
                let sum = allowed.map { exp(row[Int($0)]) }.reduce(0, +)
                product *= exp(row[Int(answer[depth])]) / sum
            }
            return product
        }
    }

    @Test(
        "a label's probability is the product of its masked token probabilities",
        arguments: [
            [[5, 2], [6, 2]],
            [[5, 2], [5, 6, 2]],
            [[5, 6, 7, 2], [5, 6, 8, 2]],
            [[5, 6, 7, 2], [5, 6, 8, 2], [9, 2], [5, 10, 2], [5, 6, 2]],
            [[5, 2], [6, 7, 8, 2], [6, 7, 9, 10, 2], [6, 7, 9, 11, 2], [12, 13, 2], [12, 2]],
        ] as [[[Int32]]])
    func product(answers: [[Int32]]) throws {
        let tree = try LabelTree(names: answers.map { "\($0)" }, answers: answers)
        var read: [Int: [Int32]] = [0: tree.forced]
        let result = tree.distribution(root: Self.logits(after: tree.forced)) { branch, parent, path in
            read[branch] = read[parent]! + path
            return Self.logits(after: read[branch]!)
        }
        #expect(abs(result.reduce(0, +) - 1) < 1e-12)
        for (found, expected) in zip(result, Self.expected(answers)) {
            #expect(abs(found - expected) < 1e-12)
        }
    }

    @Test("labels that differ in their first token cost no step behind the question")
    func oneStep() throws {
        let tree = try LabelTree(names: ["x", "y"], answers: [[5, 7, 8, 2], [6, 2]])
        #expect(tree.branches.count == 1 && tree.forced == [])
        _ = tree.distribution(root: Self.logits(after: [])) { _, _, _ in
            Issue.record("nothing is to be read")
            return []
        }
    }

    @Test("each label's token at the first branching")
    func firstTokens() throws {
        let tree = try LabelTree(
            names: ["a", "b", "c", "d"], answers: [[9, 5, 7, 2], [9, 6, 2], [9, 5, 8, 2], [9, 5, 8, 3]])
        #expect(tree.forced == [9] && tree.firstTokens == [5, 6, 5, 5])
    }

    @Test("logits that are not numbers never become probabilities that are not")
    func brokenLogits() throws {
        let tree = try LabelTree(names: ["x", "y"], answers: [[1, 0], [2, 0]])
        for row in [[0, .nan, .nan], [0, .nan, 1], [0, .infinity, 1], [0, -.infinity, -.infinity]]
            as [[Float]]
        {
            let shares = tree.shares(at: 0, logits: row)
            #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
        }
    }
}

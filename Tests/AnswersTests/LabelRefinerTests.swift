import Answers
import Foundation
import Testing

@Suite("Labels refined by words") struct LabelRefinerTests {
    private struct Golden: Decodable {
        var documents: [[Int32]]
        var given: [[Double]]
        var copies: [Bool]
        var senders: [String?]
        var rounds: Int
        var refined: [[Double]]
    }

    private static func refined(
        _ documents: [Set<Int32>], _ given: [[Double]], copies: [Bool]? = nil, senders: [String?]? = nil
    ) -> LabelRefiner.Result {
        var refiner = LabelRefiner(labelCount: given.first?.count ?? 2)
        for at in documents.indices {
            refiner.add(
                documents[at], distribution: given[at], sender: senders?[at] ?? nil,
                learns: copies.map { !$0[at] } ?? true)
        }
        return refiner.refined()
    }

    private static func best(_ shares: [Double]) -> Int { shares.indices.max { shares[$0] < shares[$1] }! }

    @Test("the same as NumPy makes of it, where every scale is tried in every round")
    func independent() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/refine.json")
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
        let found = Self.refined(
            golden.documents.map { Set($0) }, golden.given, copies: golden.copies, senders: golden.senders)
        #expect(found.rounds == golden.rounds)
        for (ours, theirs) in zip(found.distributions, golden.refined) {
            for (a, b) in zip(ours, theirs) { #expect(abs(a - b) < 1e-7) }
        }
        #expect(zip(golden.given, golden.refined).contains { Self.best($0) != Self.best($1) })
    }

    /// Two kinds of documents with words of their own and some in common; every fifth is called the other kind.
    private static func batch(_ count: Int, sure: Double) -> (documents: [Set<Int32>], given: [[Double]]) {
        var documents: [Set<Int32>] = []
        var given: [[Double]] = []
        for n in 0..<count {
            let kind = Int32(n % 2)
            documents.append(
                Set((0..<8).map { kind * 50 + Int32((n * 7 + $0 * 11) % 40) } + [100 + Int32(n % 9)]))
            let said = n % 5 == 4 ? 1 - kind : kind
            given.append(said == 0 ? [sure, 1 - sure] : [1 - sure, sure])
        }
        return (documents, given)
    }

    @Test("a fifth of wrong labels is put right, however sure the model was", arguments: [0.7, 0.999])
    func corrected(sure: Double) {
        let (documents, given) = Self.batch(100, sure: sure)
        let found = Self.refined(documents, given)
        #expect(found.distributions.enumerated().allSatisfy { Self.best($1) == $0 % 2 })
        #expect(found.distributions.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-12 })
    }

    @Test("where documents share no word, every label stays")
    func nothingShared() {
        let given = [[0.8, 0.2], [0.4, 0.6], [0.45, 0.55], [0.5, 0.5]]
        let apart = Self.refined((0..<4).map { [Int32($0)] }, given)
        #expect(apart.rounds == 0)
        for (found, was) in zip(apart.distributions, given) { #expect(abs(found[0] - was[0]) < 1e-12) }
        // Nor do words that all of them have count, nor documents without a word.
        let alike = Self.refined([[1, 2], [1, 2], [1, 2], []], given)
        #expect(
            zip(alike.distributions, given).allSatisfy { Self.best($0) == Self.best($1) || $1[0] == $1[1] })
        #expect(LabelRefiner(labelCount: 2).refined().distributions.isEmpty)
    }

    @Test("copies get the answer of their original and teach nothing")
    func copies() {
        let (documents, given) = Self.batch(60, sure: 0.8)
        let alone = Self.refined(documents, given)
        let many = Self.refined(
            documents + [Set<Int32>](repeating: documents[4], count: 200),
            given + [[Double]](repeating: given[4], count: 200),
            copies: (0..<260).map { $0 >= 60 })
        #expect(Array(many.distributions.prefix(60)) == alone.distributions)
        #expect(many.distributions[60...].allSatisfy { $0 == alone.distributions[4] })
    }

    @Test("who writes often is no stranger, whatever the words are")
    func senders() {
        // Strangers write of one kind; of those who write often, one is taken for a stranger by the model.
        var (documents, given) = Self.batch(120, sure: 0.9)
        var senders = (0..<120).map { $0 % 2 == 0 ? "stranger \($0)" : "friend \($0 % 7)" }
        for _ in 0..<8 {
            documents.append([90, 91, 95])
            given.append([0.6, 0.4])
            senders.append("friend 9")
        }
        #expect(Self.refined(documents, given).distributions[120...].allSatisfy { Self.best($0) == 0 })
        let known = Self.refined(documents, given, senders: senders)
        #expect(known.distributions[120...].allSatisfy { Self.best($0) == 1 })
        #expect(known.distributions.prefix(120).enumerated().allSatisfy { Self.best($1) == $0 % 2 })
        // Without a sender anywhere nothing is learned from there.
        let none = Self.refined(documents, given, senders: senders.map { _ in nil })
        #expect(none == Self.refined(documents, given))
    }

    @Test("a label that nothing was given stays possible, and no share is lost")
    func emptyLabel() {
        let (documents, given) = Self.batch(40, sure: 0.9)
        let found = Self.refined(documents, given.map { $0 + [0] })
        #expect(
            found.distributions.enumerated().allSatisfy {
                Self.best($1) == $0 % 2 && $1[2] >= 0 && $1[2] < 0.1
            })
    }
}

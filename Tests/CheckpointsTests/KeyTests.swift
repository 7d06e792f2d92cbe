import Checkpoints
import Testing

@Suite struct KeyTests {
    static let identity = CheckpointIdentity(
        modelFingerprint: "m", tokenizerFingerprint: "t", numericsClass: "n")

    @Test("keys depend on identity, on every id, on their order and on where segments end")
    func chain() {
        let root = CheckpointKey(Self.identity)
        var keys: Set<CheckpointKey> = [root]
        let others = [
            CheckpointIdentity(modelFingerprint: "x", tokenizerFingerprint: "t", numericsClass: "n"),
            CheckpointIdentity(modelFingerprint: "m", tokenizerFingerprint: "x", numericsClass: "n"),
            CheckpointIdentity(modelFingerprint: "m", tokenizerFingerprint: "t", numericsClass: "x"),
            CheckpointIdentity(modelFingerprint: "mt", tokenizerFingerprint: "", numericsClass: "n"),
        ].map(CheckpointKey.init)
        let segments: [[[Int32]]] = [[[]], [[1]], [[2]], [[1, 2]], [[2, 1]], [[1], [2]], [[1], []]]
        let chained = segments.map { $0.reduce(root) { $0.extended(by: $1) } }
        for key in others + chained { #expect(keys.insert(key).inserted) }
        #expect(CheckpointKey(Self.identity).extended(by: [1, 2]) == root.extended(by: [Int32(1), 2][...]))
        #expect(root.description.count == 64)
    }
}

/// A set of token ids, one bit each.
public struct TokenMask: Sendable, Equatable {
    /// 64 tokens a word, the lowest id in the lowest bit.
    public private(set) var words: [UInt64]
    public let vocabularySize: Int

    public init(vocabularySize: Int) {
        self.vocabularySize = vocabularySize
        words = [UInt64](repeating: 0, count: (vocabularySize + 63) / 64)
    }

    public func contains(_ token: Int32) -> Bool {
        token >= 0 && Int(token) < vocabularySize && words[Int(token) >> 6] >> (UInt64(token) & 63) & 1 == 1
    }

    public mutating func insert(_ token: Int32) { words[Int(token) >> 6] |= 1 << (UInt64(token) & 63) }

    public mutating func remove(_ token: Int32) { words[Int(token) >> 6] &= ~(1 << (UInt64(token) & 63)) }

    public mutating func formUnion(_ other: TokenMask) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// The only member, if there is exactly one.
    public var onlyToken: Int32? {
        guard count == 1, let index = words.firstIndex(where: { $0 != 0 }) else { return nil }
        return Int32(index * 64 + words[index].trailingZeroBitCount)
    }

    /// Members in ascending order.
    public var tokens: [Int32] {
        var result: [Int32] = []
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                result.append(Int32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return result
    }

    /// Sets the logits of every token that is not a member to minus infinity.
    public func apply(to logits: inout [Float]) {
        logits.withUnsafeMutableBufferPointer { buffer in
            for index in words.indices where words[index] != .max {
                let first = index * 64
                for bit in 0..<min(64, buffer.count - first) where words[index] >> UInt64(bit) & 1 == 0 {
                    buffer[first + bit] = -.infinity
                }
            }
            for index in min(vocabularySize, buffer.count)..<buffer.count { buffer[index] = -.infinity }
        }
    }
}

/// Tokens by their bytes.
struct TokenTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where token n begins; one entry more at the end.
    private var starts: [Int] = [0]
    private var ids: [Int32] = []
    /// Index of a token plus one; 0 is free.
    private var slots: [Int32]
    private let mask: Int

    /// Room for `count` tokens.
    init(count: Int) {
        var capacity = 16
        while capacity < 2 * count { capacity *= 2 }
        slots = Array(repeating: 0, count: capacity)
        mask = capacity - 1
    }

    /// Adds a token; false when its bytes are there already.
    mutating func insert(_ token: [UInt8], id: Int32) -> Bool {
        let slot = token.withUnsafeBufferPointer { place(of: $0) }
        guard slots[slot] == 0 else { return false }
        bytes += token
        starts.append(bytes.count)
        ids.append(id)
        slots[slot] = Int32(ids.count)
        return true
    }

    /// The id of the token with these bytes.
    func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
        let index = slots[place(of: token)]
        return index == 0 ? nil : ids[Int(index) - 1]
    }

    private func place(of token: UnsafeBufferPointer<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in token { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var slot = Int(truncatingIfNeeded: hash ^ hash >> 29) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            let known = bytes[starts[index]..<starts[index + 1]]
            if known.count == token.count, known.elementsEqual(token) { break }
            slot = (slot + 1) & mask
        }
        return slot
    }
}

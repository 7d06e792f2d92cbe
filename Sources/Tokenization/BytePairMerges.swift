/// The merges of a vocabulary, and the two ways to apply them: a scan for short words, a heap
/// for long ones. Both merge the leftmost pair of the lowest rank until none is left.
final class BytePairMerges: @unchecked Sendable {  // tables are never written after init
    private struct Entry {
        var key: UInt64
        var rank: UInt32
        var merged: Int32
    }

    private static let noRank = UInt32.max
    /// Words of up to this many bytes are scanned; longer ones would cost the square of it.
    private static let scanLimit = 48

    private let pairs: UnsafeMutablePointer<Entry>
    private let pairMask: Int
    /// The token of a single byte; -1 where the vocabulary has none.
    private let byteTokens: UnsafeMutablePointer<Int32>

    private struct Word {
        var low: UInt64
        var high: UInt64
        var length: UInt32
        var token: Int32
    }

    /// Tokens that a whole word is compared with first, of any length; nil when words only merge.
    private let wholeWords: TokenTable?
    /// Words that are one token after all merges (or by `wholeWords`), at most 16 bytes long.
    private let words: UnsafeMutablePointer<Word>
    private let wordMask: Int

    /// - Parameter file: A checked vocabulary.
    init(_ file: TokenizerFile) {
        let pairCapacity = Self.capacity(for: file.merges.count)
        pairMask = pairCapacity - 1
        pairs = .allocate(capacity: pairCapacity)
        pairs.initialize(
            repeating: Entry(key: .max, rank: Self.noRank, merged: -1), count: pairCapacity)
        byteTokens = .allocate(capacity: 256)
        byteTokens.initialize(repeating: -1, count: 256)
        let wordCapacity = Self.capacity(for: file.tokens.count)
        wordMask = wordCapacity - 1
        words = .allocate(capacity: wordCapacity)
        words.initialize(repeating: Word(low: 0, high: 0, length: 0, token: -1), count: wordCapacity)

        wholeWords = file.wholeWords
        for merge in file.merges {
            let key = Self.key(merge.left, merge.right)
            var slot = Self.slot(key) & pairMask
            while pairs[slot].key != .max, pairs[slot].key != key { slot = (slot + 1) & pairMask }
            pairs[slot] = Entry(key: key, rank: merge.rank, merged: merge.merged)
        }
        let added = Set(file.added.map(\.id))
        for (id, token) in file.tokens.enumerated() where token.count == 1 && !added.contains(id) {
            byteTokens[Int(token[0])] = Int32(id)
        }
        var ids: [Int32] = []
        for (id, token) in file.tokens.enumerated()
        where token.count <= 16 && !token.isEmpty && !added.contains(id) {
            ids.removeAll(keepingCapacity: true)
            if wholeWords == nil {
                guard token.allSatisfy({ byteTokens[Int($0)] >= 0 }) else { continue }
                token.withUnsafeBufferPointer { merge($0.baseAddress!, $0.count, into: &ids) }
                guard ids == [Int32(id)] else { continue }
            }
            let (low, high) = token.withUnsafeBufferPointer { Self.load($0.baseAddress!, $0.count) }
            var slot = Self.slot(low, high, token.count) & wordMask
            while words[slot].length != 0 { slot = (slot + 1) & wordMask }
            words[slot] = Word(low: low, high: high, length: UInt32(token.count), token: Int32(id))
        }
    }

    deinit {
        pairs.deallocate()
        byteTokens.deallocate()
        words.deallocate()
    }

    /// Whether a byte has a token; bytes without one are dropped, as Hugging Face does when
    /// `unk_token` is null.
    func hasToken(for byte: UInt8) -> Bool { byteTokens[Int(byte)] >= 0 }

    /// Appends the ids of one word.
    @inline(__always)
    func encode(_ word: UnsafePointer<UInt8>, _ count: Int, into ids: inout [Int32]) {
        if count <= 16 {
            let (low, high) = Self.load(word, count)
            var slot = Self.slot(low, high, count) & wordMask
            while words[slot].length != 0 {
                if words[slot].low == low, words[slot].high == high, words[slot].length == UInt32(count) {
                    ids.append(words[slot].token)
                    return
                }
                slot = (slot + 1) & wordMask
            }
        } else if let id = wholeWords?.id(of: UnsafeBufferPointer(start: word, count: count)) {
            ids.append(id)
            return
        }
        merge(word, count, into: &ids)
    }

    private func merge(_ word: UnsafePointer<UInt8>, _ count: Int, into ids: inout [Int32]) {
        if count <= Self.scanLimit {
            mergeByScan(word, count, into: &ids)
        } else {
            mergeByHeap(word, count, into: &ids)
        }
    }

    private func mergeByScan(_ word: UnsafePointer<UInt8>, _ count: Int, into ids: inout [Int32]) {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 3 * Self.scanLimit) { scratch in
            let symbols = scratch.baseAddress!
            let merged = symbols + Self.scanLimit
            let ranks = UnsafeMutableRawPointer(symbols + 2 * Self.scanLimit)
                .assumingMemoryBound(to: UInt32.self)
            // ranks[i] and merged[i] belong to the pair of symbols i and i + 1.
            func look(_ index: Int) {
                (ranks[index], merged[index]) = find(symbols[index], symbols[index + 1])
            }
            var length = 0
            for index in 0..<count {
                symbols[length] = byteTokens[Int(word[index])]
                if symbols[length] >= 0 { length += 1 }
            }
            for index in 0..<max(length - 1, 0) { look(index) }
            while length > 1 {
                var best = 0
                for index in 1..<max(length - 1, 1) where ranks[index] < ranks[best] { best = index }
                if ranks[best] == Self.noRank { break }
                symbols[best] = merged[best]
                for index in best + 1..<max(length - 1, best + 1) {
                    symbols[index] = symbols[index + 1]
                    ranks[index] = ranks[index + 1]
                    merged[index] = merged[index + 1]
                }
                length -= 1
                if best > 0 { look(best - 1) }
                if best + 1 < length { look(best) }
            }
            ids.append(contentsOf: UnsafeBufferPointer(start: symbols, count: length))
        }
    }

    private func mergeByHeap(_ word: UnsafePointer<UInt8>, _ count: Int, into ids: inout [Int32]) {
        var symbols = UnsafeBufferPointer(start: word, count: count)
            .map { byteTokens[Int($0)] }.filter { $0 >= 0 }
        let count = symbols.count
        guard count > 0 else { return }
        // A chain of the symbols that are left; a merged symbol stands at its first byte.
        var next = (1...Int32(count)).map { $0 }
        var previous = (-1..<Int32(count - 1)).map { $0 }
        // Rank above, position below: the smallest is the leftmost pair of the lowest rank.
        var heap = Heap()
        func offer(_ left: Int, _ right: Int, _ heap: inout Heap) {
            let (rank, _) = find(symbols[left], symbols[right])
            if rank != Self.noRank { heap.push(UInt64(rank) << 32 | UInt64(left)) }
        }
        for index in 0..<count - 1 { offer(index, index + 1, &heap) }
        while let item = heap.pop() {
            let left = Int(item & 0xFFFF_FFFF)
            let right = Int(next[left])
            guard symbols[left] >= 0, right < count else { continue }
            let (rank, merged) = find(symbols[left], symbols[right])
            guard UInt64(rank) == item >> 32 else { continue }  // the pair has changed since
            symbols[left] = merged
            symbols[right] = -1
            let after = next[right]
            next[left] = after
            if after < count {
                previous[Int(after)] = Int32(left)
                offer(left, Int(after), &heap)
            }
            if previous[left] >= 0 { offer(Int(previous[left]), left, &heap) }
        }
        for symbol in symbols where symbol >= 0 { ids.append(symbol) }
    }

    @inline(__always)
    private func find(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32) {
        let key = Self.key(left, right)
        var slot = Self.slot(key) & pairMask
        while true {
            let entry = pairs[slot]
            if entry.key == key { return (entry.rank, entry.merged) }
            if entry.key == .max { return (Self.noRank, -1) }
            slot = (slot + 1) & pairMask
        }
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private static func slot(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    @inline(__always)
    private static func slot(_ low: UInt64, _ high: UInt64, _ length: Int) -> Int {
        let mixed = (low ^ (high &* 0xC2B2_AE3D_27D4_EB4F) ^ UInt64(length)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 32)
    }

    /// A power of two at least twice `count`.
    private static func capacity(for count: Int) -> Int {
        var capacity = 16
        while capacity < 2 * count { capacity *= 2 }
        return capacity
    }

    /// The word's bytes in two numbers, zeros behind its end.
    @inline(__always)
    private static func load(_ word: UnsafePointer<UInt8>, _ count: Int) -> (low: UInt64, high: UInt64) {
        let raw = UnsafeRawPointer(word)
        @inline(__always) func wide(_ offset: Int) -> UInt64 {
            raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        if count >= 8 {
            let low = wide(0)
            if count == 8 { return (low, 0) }
            // The last eight bytes overlap the first: shift out what is already there.
            return (low, wide(count - 8) >> UInt64(8 * (16 - count)))
        }
        if count >= 4 {
            let first = UInt64(raw.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let last = UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
            return (first | last << UInt64(8 * (count - 4)), 0)
        }
        // 1 to 3 bytes: first, middle and last cover them all.
        let first = UInt64(word[0])
        let middle = UInt64(word[count >> 1]) << UInt64(8 * (count >> 1))
        let last = UInt64(word[count - 1]) << UInt64(8 * (count - 1))
        return (first | middle | last, 0)
    }
}

/// A binary min-heap of numbers.
private struct Heap {
    private var items: [UInt64] = []

    mutating func push(_ item: UInt64) {
        items.append(item)
        var at = items.count - 1
        while at > 0 {
            let parent = (at - 1) / 2
            if items[parent] <= item { break }
            items[at] = items[parent]
            at = parent
        }
        items[at] = item
    }

    mutating func pop() -> UInt64? {
        guard let top = items.first else { return nil }
        let item = items.removeLast()
        if items.isEmpty { return top }
        var at = 0
        while true {
            var child = 2 * at + 1
            if child >= items.count { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            if items[child] >= item { break }
            items[at] = items[child]
            at = child
        }
        items[at] = item
        return top
    }
}

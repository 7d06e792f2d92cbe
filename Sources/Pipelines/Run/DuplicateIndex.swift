import Digests
import Documents

/// Which contents a run has met, and where their rows stand.
///
/// Two documents are duplicates when ingestion found the same content in the same state and
/// the model would read the same tokens, so that reading again could not change the answer.
/// Costs some 40 bytes a document that was read.
struct DuplicateIndex {
    /// Half of a SHA-256.
    struct Key: Hashable {
        let high: UInt64
        let low: UInt64

        var text: String {
            [high, low].map { word in
                let digits = String(word, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined()
        }

        init?(_ text: String) {
            guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
                let low = UInt64(text.suffix(16), radix: 16)
            else { return nil }
            self.high = high
            self.low = low
        }

        init(contentDigest: String, status: ItemStatus, tokens: [Int32]) {
            var hash = SHA256()
            hash.update("\(contentDigest) \(status)\n".utf8)
            tokens.withUnsafeBytes { hash.update($0) }
            let bytes = hash.finalize()
            high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
            low = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private var places: [Key: (offset: Int, length: Int32)] = [:]

    func place(of key: Key) -> Journal.Place? {
        places[key].map { Journal.Place(offset: $0.offset, length: Int($0.length)) }
    }

    /// Remembers the row of the first item with that content.
    mutating func insert(_ key: Key, at place: Journal.Place) {
        if places[key] == nil { places[key] = (place.offset, Int32(clamping: place.length)) }
    }
}

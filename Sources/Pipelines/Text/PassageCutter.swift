import Documents

/// A stretch of a part's text, some lines or sentences long.
package struct Passage: Sendable, Equatable {
    /// Address of the part.
    package var part: String
    /// Bytes of the decoded text of the part.
    package var range: Range<Int>
    /// What the document is called: its title, or subject and sender.
    package var heading: String
    package var text: String

    package init(part: String, range: Range<Int>, heading: String, text: String) {
        self.part = part
        self.range = range
        self.heading = heading
        self.text = text
    }
}

/// Cuts a stream of text into passages of about a thousand bytes: at an empty line if there is one, else
/// at a line's end, a sentence's, a word's. Memory is bounded by one passage and one chunk.
package struct PassageCutter {
    static let smallest = 500
    static let largest = 1200

    private var part = ""
    private var heading = ""
    private var start = 0
    private var bytes: [UInt8] = []
    private let emit: (Passage) throws -> Void

    package init(emit: @escaping (Passage) throws -> Void) { self.emit = emit }

    package mutating func append(_ event: DocumentEvent) throws {
        switch event {
        case .begin(let document):
            try flush(all: true)
            heading = ["title", "subject", "from"].compactMap { document.first($0) }.joined(separator: " ")
        case .text(let chunk):
            if chunk.part != part || chunk.start != start + bytes.count {
                try flush(all: true)
                part = chunk.part
                start = chunk.start
            }
            bytes += chunk.utf8
            try flush(all: false)
        case .end: try flush(all: true)
        }
    }

    private mutating func flush(all: Bool) throws {
        var at = 0
        while bytes.count - at > Self.largest || (all && at < bytes.count) {
            let rest = bytes[at...]
            let length = rest.count <= Self.largest ? rest.count : Self.cut(rest.prefix(Self.largest))
            try put(at..<at + length)
            at += length
        }
        bytes.removeFirst(at)
        start += at
    }

    /// Where to cut: behind the last good place.
    private static func cut(_ bytes: ArraySlice<UInt8>) -> Int {
        let newline = UInt8(ascii: "\n")
        var best = (rank: 0, length: 0)
        for index in bytes.indices.dropFirst(smallest) {
            let (byte, before) = (bytes[index], bytes[index - 1])
            let rank =
                byte == newline
                ? (before == newline ? 4 : 3)
                : byte == 0x20 ? (before == 0x2E || before == 0x3F || before == 0x21 ? 2 : 1) : 0
            if rank > 0, rank >= best.rank { best = (rank, index + 1 - bytes.startIndex) }
        }
        if best.length > 0 { return best.length }
        // No white space: not inside a character.
        var end = bytes.endIndex
        while end > bytes.startIndex + 1, bytes[end - 1] & 0xC0 == 0x80 { end -= 1 }
        if bytes[end - 1] >= 0xC0 { end -= 1 }
        return end > bytes.startIndex ? end - bytes.startIndex : bytes.count
    }

    private func put(_ range: Range<Int>) throws {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high, isSpace(bytes[low]) { low += 1 }
        while high > low, isSpace(bytes[high - 1]) { high -= 1 }
        guard low < high else { return }
        try emit(
            Passage(
                part: part, range: start + low..<start + high, heading: heading,
                text: String(decoding: bytes[low..<high], as: UTF8.self)))
    }
}

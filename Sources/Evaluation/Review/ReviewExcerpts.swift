import Documents

/// The stretches of one document that a page shows: its beginning, and the surroundings of its evidence.
///
/// Takes text as it streams by, so that a log of a gigabyte costs what is shown of it.
package struct ReviewExcerpts: Sendable {
    package struct Excerpt: Sendable, Equatable {
        package var part: String
        /// Bytes of the part's decoded text.
        package var start: Int
        package var utf8: [UInt8]
        /// Whether text of the part stands behind it and is not shown.
        package var isCut: Bool

        package init(part: String, start: Int, utf8: [UInt8], isCut: Bool = false) {
            self.part = part
            self.start = start
            self.utf8 = utf8
            self.isCut = isCut
        }
    }

    /// Bytes shown before and behind a piece of evidence.
    static let surroundings = 600

    private var windows: [String: [Range<Int>]] = [:]
    private var beginning: Int
    private var ends: [String: Int] = [:]
    private var taken: [Excerpt] = []

    /// - Parameters:
    ///   - evidence: Parts and bytes of them.
    ///   - beginning: Bytes of the document that are shown whatever they hold.
    package init(evidence: [(part: String, range: Range<Int>)], beginning: Int) {
        self.beginning = beginning
        for (part, range) in evidence {
            windows[part, default: []].append(
                max(0, range.lowerBound - Self.surroundings)..<range.upperBound + Self.surroundings)
        }
        windows = windows.mapValues { Self.joined($0) }
    }

    private static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// Takes the next run of a part; runs of a part come in order.
    package mutating func append(part: String, start: Int, utf8: [UInt8]) {
        ends[part] = start + utf8.count
        let whole = start..<start + utf8.count
        var wanted = (windows[part] ?? []).map { $0.clamped(to: whole) }.filter { !$0.isEmpty }
        if beginning > 0 { wanted.append(start..<start + min(beginning, utf8.count)) }
        beginning -= min(beginning, utf8.count)
        for range in Self.joined(wanted) {
            let bytes = utf8[range.lowerBound - start..<range.upperBound - start]
            if let last = taken.last, last.part == part, last.start + last.utf8.count == range.lowerBound {
                taken[taken.count - 1].utf8 += bytes
            } else {
                taken.append(Excerpt(part: part, start: range.lowerBound, utf8: Array(bytes)))
            }
        }
    }

    /// What is shown, in the order of the document, each cut between scalars.
    package func finish() -> [Excerpt] {
        taken.compactMap { excerpt in
            var excerpt = excerpt
            let head = excerpt.utf8.prefix(3).prefix { $0 & 0xC0 == 0x80 }.count
            excerpt.utf8.removeFirst(head)
            excerpt.start += head
            excerpt.isCut = excerpt.start + excerpt.utf8.count < ends[excerpt.part] ?? 0
            if excerpt.isCut { Self.dropCutScalar(&excerpt.utf8) }
            return excerpt.utf8.isEmpty ? nil : excerpt
        }
    }

    private static func dropCutScalar(_ bytes: inout [UInt8]) {
        guard let lead = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return }
        let length = bytes[lead] < 0x80 ? 1 : bytes[lead] < 0xE0 ? 2 : bytes[lead] < 0xF0 ? 3 : 4
        if lead + length > bytes.count { bytes.removeSubrange(lead...) }
    }
}

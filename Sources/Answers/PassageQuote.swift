import Tokenization

/// Which tokens can come next when an answer is a stretch of one of some passages, word for word, or
/// the words that decline.
///
/// Follows all places at which the tokens so far stand; a quote begins and ends between words.
package struct PassageQuote {
    /// A stretch of one passage.
    package struct Place: Equatable {
        /// Nil for the words that decline.
        package var passage: Int?
        /// Bytes of the passage.
        package var range: Range<Int>
    }

    private struct Source {
        let passage: Int?
        let tokens: [Token]
        /// Whether a quote may begin, or end before, this token; one more for the end.
        let isBoundary: [Bool]
        /// The tokens with which an answer begins here, in place of this one: with a space before the
        /// word. Often one; two before a digit, which the vocabularies keep apart from a space. Empty: none begins.
        let leads: [[Int32]]

        /// The token of the text that comes after the first `taken` of an answer that begins at `first`;
        /// nil within its lead.
        func next(_ first: Int, _ taken: Int) -> Int? {
            taken < leads[first].count ? nil : first + 1 + taken - leads[first].count
        }
    }

    private let sources: [Source]
    private let end: Int32
    /// Where the tokens so far may stand: source, first token; at the start wherever an answer may begin.
    private var places: [(source: Int, first: Int)]
    private var taken = 0

    /// - Parameters:
    ///   - decline: Words that are allowed besides the passages'.
    ///   - end: The token that ends an answer.
    package init(passages: [String], decline: String, end: Int32, tokenizer: Tokenizer) {
        self.end = end
        var spaced: [Int32: [Int32]] = [:]
        func source(_ text: String, passage: Int?) -> Source {
            let bytes = Array(text.utf8)
            let tokens = tokenizer.encodeWithRanges(bytes)
            func isWord(_ byte: UInt8) -> Bool {
                byte >= 0x80 || (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
            }
            var boundary = [Bool](repeating: true, count: tokens.count + 1)
            var leads = [[Int32]](repeating: [], count: tokens.count)
            for (index, token) in tokens.enumerated() {
                let range = token.range
                guard !range.isEmpty else { continue }
                let isSpace = bytes[range.lowerBound] == 0x20
                let start = isSpace ? range.lowerBound + 1 : range.lowerBound
                if index > 0, !isSpace, isWord(bytes[range.lowerBound]), isWord(bytes[range.lowerBound - 1]) {
                    boundary[index] = false
                }
                guard start < range.upperBound, bytes[start] > 0x20, boundary[index] else { continue }
                if isSpace {
                    leads[index] = [token.id]
                } else {
                    if spaced[token.id] == nil {
                        let wanted = [0x20] + bytes[range]
                        let ids = tokenizer.encode(wanted)
                        // A token that ends inside a character is nothing that can be encoded.
                        let isSame = tokenizer.decode(ids) == wanted
                        spaced[token.id] = isSame ? ids : tokenizer.encode([0x20]) + [token.id]
                    }
                    leads[index] = spaced[token.id]!
                }
            }
            return Source(passage: passage, tokens: tokens, isBoundary: boundary, leads: leads)
        }
        sources =
            passages.enumerated().map { source($1, passage: $0) } + [source(" " + decline, passage: nil)]
        places = sources.enumerated().flatMap { number, source in
            source.leads.indices.prefix(source.passage == nil ? 1 : .max)
                .filter { !source.leads[$0].isEmpty }.map { (number, $0) }
        }
    }

    /// The tokens that may come next, each once, ascending; `end` among them where the answer may end.
    package var allowed: [Int32] {
        var ids: Set<Int32> = []
        for (number, first) in places {
            let source = sources[number]
            guard let next = source.next(first, taken) else {
                ids.insert(source.leads[first][taken])
                continue
            }
            let isWhole = next == source.tokens.count
            if source.isBoundary[next], source.passage != nil || isWhole { ids.insert(end) }
            if !isWhole { ids.insert(source.tokens[next].id) }
        }
        return ids.sorted()
    }

    /// Takes one of ``allowed`` that is not the end.
    package mutating func append(_ id: Int32) {
        places = places.filter { number, first in
            let source = sources[number]
            guard let next = source.next(first, taken) else { return source.leads[first][taken] == id }
            return next < source.tokens.count && source.tokens[next].id == id
        }
        taken += 1
    }

    /// Where the tokens so far stand; the first place, when there are several. Nil when they end nowhere.
    package var place: Place? {
        let standing = places.compactMap { number, first in
            sources[number].next(first, taken).map { (source: sources[number], first: first, next: $0) }
        }
        guard
            let place = standing.first(where: { $0.source.isBoundary[$0.next] }) ?? standing.first
        else { return nil }
        let source = place.source
        let range = source.tokens[place.first].range
        // The space before the word is the answer's and not the quote's, where there is one.
        let isSpaced = source.leads[place.first] == [source.tokens[place.first].id]
        return Place(
            passage: source.passage,
            range: range.lowerBound + (isSpaced ? 1 : 0)..<source.tokens[place.next - 1].range.upperBound)
    }
}

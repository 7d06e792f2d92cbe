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
        /// The token with which an answer begins here: with a space before the word.
        let first: [Int32?]
    }

    private let sources: [Source]
    private let end: Int32
    /// Where the tokens so far may stand: source, first token, next token.
    private var places: [(source: Int, first: Int, next: Int)] = []
    private var isEmpty = true

    /// - Parameters:
    ///   - decline: Words that are allowed besides the passages'.
    ///   - end: The token that ends an answer.
    package init(passages: [String], decline: String, end: Int32, tokenizer: Tokenizer) {
        self.end = end
        var spaced: [Int32: Int32?] = [:]
        func source(_ text: String, passage: Int?) -> Source {
            let bytes = Array(text.utf8)
            let tokens = tokenizer.encodeWithRanges(bytes)
            func isWord(_ byte: UInt8) -> Bool {
                byte >= 0x80 || (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
            }
            var boundary = [Bool](repeating: true, count: tokens.count + 1)
            var first = [Int32?](repeating: nil, count: tokens.count)
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
                    first[index] = token.id
                } else {
                    if spaced[token.id] == nil {
                        let ids = tokenizer.encode([0x20] + bytes[range])
                        spaced[token.id] = .some(ids.count == 1 ? ids[0] : nil)
                    }
                    first[index] = spaced[token.id]!
                }
            }
            return Source(passage: passage, tokens: tokens, isBoundary: boundary, first: first)
        }
        sources =
            passages.enumerated().map { source($1, passage: $0) } + [source(" " + decline, passage: nil)]
    }

    /// The tokens that may come next, each once, ascending; `end` among them where the answer may end.
    package var allowed: [Int32] {
        var ids: Set<Int32> = []
        if isEmpty {
            for source in sources {
                let range = source.passage == nil ? source.first.prefix(1) : source.first[...]
                for case let id? in range { ids.insert(id) }
            }
        } else {
            for place in places {
                let source = sources[place.source]
                let isWhole = place.next == source.tokens.count
                if source.isBoundary[place.next], source.passage != nil || isWhole { ids.insert(end) }
                if !isWhole { ids.insert(source.tokens[place.next].id) }
            }
        }
        return ids.sorted()
    }

    /// Takes one of ``allowed`` that is not the end.
    package mutating func append(_ id: Int32) {
        if isEmpty {
            isEmpty = false
            for (number, source) in sources.enumerated() {
                let count = source.passage == nil ? min(1, source.first.count) : source.first.count
                for index in 0..<count where source.first[index] == id {
                    places.append((number, index, index + 1))
                }
            }
        } else {
            places = places.compactMap { place in
                let tokens = sources[place.source].tokens
                guard place.next < tokens.count, tokens[place.next].id == id else { return nil }
                return (place.source, place.first, place.next + 1)
            }
        }
    }

    /// Where the tokens so far stand; the first place, when there are several. Nil when they end nowhere.
    package var place: Place? {
        func isEnd(_ place: (source: Int, first: Int, next: Int)) -> Bool {
            sources[place.source].isBoundary[place.next]
        }
        guard let place = places.first(where: isEnd) ?? places.first else { return nil }
        let source = sources[place.source]
        let range = source.tokens[place.first].range
        // The space before the word is the answer's and not the quote's, where there is one.
        let isSpaced = source.first[place.first] == source.tokens[place.first].id
        return Place(
            passage: source.passage,
            range: range.lowerBound + (isSpaced ? 1 : 0)..<source.tokens[place.next - 1].range.upperBound)
    }
}

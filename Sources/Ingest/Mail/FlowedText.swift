/// Paragraphs of `format=flowed` (RFC 3676): lines that were broken for the way, made whole.
///
/// A line that ends in a space goes on in the next one where both are quoted as often. What
/// joining takes out are line ends, the quote marks of lines that are joined, the space that
/// protects the start of a line, and with `DelSp` the space at its end; nothing is put in, so
/// that the result is stretches of the text as it came.
enum FlowedText {
    /// Longer texts stay as they are: each stretch is remembered with its place.
    static let maxBytes = 1 << 20

    /// The stretches of `text` that make up the paragraphs, in order and not touching.
    ///
    /// - Parameters:
    ///   - text: UTF-8 with LF line ends.
    ///   - deletesSpace: `DelSp=yes`: for writing without spaces between words.
    static func stretches(_ text: UnsafeRawBufferPointer, deletesSpace: Bool) -> [Range<Int>] {
        var kept: [Range<Int>] = []
        func keep(_ range: Range<Int>) {
            if range.isEmpty { return }
            if let last = kept.last, last.upperBound == range.lowerBound {
                kept[kept.count - 1] = last.lowerBound..<range.upperBound
            } else {
                kept.append(range)
            }
        }
        var position = 0
        /// Depth of quoting of a line that waits for its end, which starts with its line feed.
        var open: (depth: Int, end: Range<Int>, textEnd: Int)?
        while position < text.count {
            let lineEnd = text.firstOffset(of: 0x0A, from: position) ?? text.count
            let next = min(lineEnd + 1, text.count)
            var start = position
            while start < lineEnd, text[start] == 0x3E { start += 1 }
            let depth = start - position
            let isStuffed = start < lineEnd && text[start] == 0x20
            let content = isStuffed ? start + 1 : start
            let isSignature = text.slice(content..<lineEnd).elementsEqual([0x2D, 0x2D, 0x20])
            if let line = open {
                if line.depth == depth, !isSignature {
                    start = content  // the paragraph goes on
                } else {
                    keep(line.textEnd..<line.end.upperBound)  // it was the end after all
                    open = nil
                }
            }
            if open == nil {
                // A quoted line looks better with its space; a line that would look quoted without
                // it keeps it, too.
                let isBare =
                    depth == 0 && isStuffed && content < lineEnd && text[content] != 0x3E
                start = isBare ? content : position
            }
            let isFlowed =
                lineEnd > content && text[lineEnd - 1] == 0x20 && !isSignature && lineEnd < text.count
            if isFlowed {
                let end = deletesSpace ? lineEnd - 1 : lineEnd
                keep(start..<end)
                open = (depth, lineEnd..<next, end)
            } else {
                keep(start..<next)
                open = nil
            }
            position = next
        }
        if let line = open { keep(line.textEnd..<line.end.upperBound) }
        return kept
    }
}

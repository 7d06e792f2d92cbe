/// Makes any bytes valid UTF-8: what is ill-formed becomes U+FFFD, one for each maximal
/// stretch, as the Unicode standard recommends (and Python's `errors="replace"` does).
struct TextRepair: Sendable {
    /// A U+FFFD that was put in.
    struct Edit {
        /// Its three bytes in the repaired text.
        var repaired: Range<Int>
        /// What it stands for.
        var source: Range<Int>
    }

    /// The length of the leading bytes that need no repair; a scalar cut off by the end is not
    /// among them.
    func cleanPrefix(_ text: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int {
        var at = start
        while at < text.count {
            if text[at] < 0x80 {
                at += 1
            } else if case .fine(let length) = look(text, at) {
                at += length
            } else {
                break
            }
        }
        return at
    }

    /// Appends the repaired text.
    ///
    /// - Parameters:
    ///   - isEnd: Whether a scalar cut off by the end of `text` will never be completed.
    ///   - edit: Called for every U+FFFD that was put in, with offsets in `output` and `text`.
    /// - Returns: How many bytes of `text` were used: all, or all but a cut-off scalar.
    func repair(
        _ text: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: inout [UInt8],
        edit: (Edit) -> Void = { _ in }
    ) -> Int {
        var at = 0
        while true {
            let end = cleanPrefix(text, from: at)
            output.append(contentsOf: UnsafeBufferPointer(rebasing: text[at..<end]))
            at = end
            if at == text.count { return at }
            switch look(text, at) {
            case .fine: break
            case .bad(let length):
                replace(at..<at + length)
            case .cut:
                if !isEnd { return at }
                replace(at..<text.count)
            }
        }

        func replace(_ source: Range<Int>) {
            edit(Edit(repaired: output.count..<output.count + 3, source: source))
            output.append(contentsOf: [0xEF, 0xBF, 0xBD])
            at = source.upperBound
        }
    }

    private enum Finding {
        /// A whole scalar.
        case fine(length: Int)
        /// To be replaced.
        case bad(length: Int)
        /// The text ends within a scalar that is well-formed so far.
        case cut
    }

    @inline(__always)
    private func look(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Finding {
        let lead = text[at]
        if lead < 0x80 { return .fine(length: 1) }
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xED: (length, high) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF4: (length, high) = (4, 0x8F)
        case 0xF1...0xF3: length = 4
        default: return .bad(length: 1)
        }
        for offset in 1..<length {
            guard at + offset < text.count else { return .cut }
            let byte = text[at + offset]
            guard byte >= low, byte <= high else { return .bad(length: offset) }
            (low, high) = (0x80, 0xBF)
        }
        return .fine(length: length)
    }
}

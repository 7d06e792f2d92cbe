/// Where the parts of a multipart stand among the bytes of its mail.
///
/// GMime takes nothing from a part in which no empty line comes, and makes none of it where it has no field either;
/// it does not say where a part begins that has no fields.
struct MultipartText {
    struct Part {
        /// Between two boundaries; the line end before a boundary belongs to it.
        var range: Range<Int>
        /// Whether an empty line ends its fields.
        var hasEmptyLine: Bool
        /// Whether GMime makes a part of it.
        var isMade: Bool
    }

    /// The part that is being read, where it can be told.
    var current: Range<Int>?
    private let mark: [UInt8]

    init(boundary: [UInt8]) {
        mark = boundary.isEmpty ? [] : Array("--".utf8) + boundary
    }

    /// At most `limit` parts in a range of a message.
    func parts(of message: UnsafeRawBufferPointer, in range: Range<Int>, limit: Int) -> [Part] {
        var parts: [Part] = []
        var open: Int?
        var position = range.lowerBound
        let text = message.slice(0..<range.upperBound)
        while parts.count < limit, let line = next(text, from: position) {
            if let open { parts.append(Self.part(message, open..<line.lowerBound)) }
            let isLast = message.slice(line).begins(with: "--", at: mark.count)
            position = min(line.upperBound + 1, range.upperBound)
            open = isLast ? nil : position
            if isLast { break }
        }
        if let open, parts.count < limit { parts.append(Self.part(message, open..<range.upperBound)) }
        return parts
    }

    /// Where the part ends that has the beginning of a line at `start`.
    func end(_ message: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let line = next(message, from: start) else { return message.count }
        return Self.part(message, start..<line.lowerBound).range.upperBound
    }

    /// The next line that begins or ends a part, without its end. `from` is where a line begins.
    private func next(_ text: UnsafeRawBufferPointer, from: Int) -> Range<Int>? {
        var position = from
        while !mark.isEmpty, position < text.count {
            let end = text.firstOffset(of: 0x0A, from: position) ?? text.count
            if text.begins(with: mark, at: position) {
                let rest = text.slice(position + mark.count..<end)
                if rest.begins(with: "--") || rest.allSatisfy(isSpace) { return position..<end }
            }
            position = end + 1
        }
        return nil
    }

    private static func part(_ message: UnsafeRawBufferPointer, _ range: Range<Int>) -> Part {
        var end = range.upperBound
        if end > range.lowerBound, message[end - 1] == 0x0A { end -= 1 }
        if end > range.lowerBound, end < range.upperBound, message[end - 1] == 0x0D { end -= 1 }
        let hasEmptyLine = emptyLine(message.slice(range)) != nil
        return Part(
            range: range.lowerBound..<end, hasEmptyLine: hasEmptyLine,
            isMade: hasEmptyLine || hasField(message.slice(range)))
    }

    /// Whether a line begins as GMime has a field begin: a name without blanks, a colon.
    private static func hasField(_ text: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < text.count {
            let end = text.firstOffset(of: 0x0A, from: position) ?? text.count
            let line = text.slice(position..<end)
            let name = line.prefix { $0 > 0x20 && $0 != 0x3A }
            let rest = line[name.endIndex...].drop { $0 == 0x20 || $0 == 0x09 }
            if !name.isEmpty, rest.first == 0x3A { return true }
            position = end + 1
        }
        return false
    }

    /// What stands behind the first empty line of a part.
    static func emptyLine(_ text: UnsafeRawBufferPointer) -> Int? {
        var position = 0
        while let end = text.firstOffset(of: 0x0A, from: position) {
            if end == position || end == position + 1 && text[position] == 0x0D { return end + 1 }
            position = end + 1
        }
        return nil
    }
}

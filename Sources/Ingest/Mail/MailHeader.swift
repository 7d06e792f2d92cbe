import Glibc

/// The header of a mail whose lines are all as they must be: fields, with what goes on in the next line, up to an
/// empty one and a body.
///
/// There GMime has nothing to decide, and would keep each field in objects of its own, addresses and dates taken apart,
/// which is most of its time. Of such a mail it is shown the fields that tell the structure, and none where there are none.
struct MailHeader {
    private static let maxFields = 100_000

    /// Where names and values stand, but for those that begin with `Content-`.
    private(set) var fields: [(name: Range<Int>, value: Range<Int>)] = []
    /// Whole lines of the others.
    private var structure: [Range<Int>] = []
    /// Offset of the empty line.
    private var end = 0
    /// Offset of the body.
    private(set) var bodyStart = 0

    /// - Returns: Nil for anything out of order, which is GMime's to decide.
    init?(_ message: UnsafeRawBufferPointer) {
        fields.reserveCapacity(32)
        var position = 0
        var open: (start: Int, colon: Int)?
        while let lineEnd = message.firstOffset(of: 0x0A, from: position) {
            let first = message[position]
            let isEmpty = first == 0x0A || first == 0x0D && lineEnd == position + 1
            if first == 0x20 || first == 0x09 {
                if open == nil { return nil }
            } else {
                if let field = open { add(message, field.start, field.colon, position) }
                if isEmpty {
                    guard open != nil, lineEnd + 1 < message.count, fields.count <= Self.maxFields,
                        message.slice(0..<position).firstOffset(of: 0x00) == nil
                    else { return nil }
                    end = position
                    bodyStart = lineEnd + 1
                    return
                }
                var colon = position
                while message[colon] > 0x20, message[colon] < 0x7F, message[colon] != 0x3A { colon += 1 }
                guard message[colon] == 0x3A, colon > position else { return nil }
                open = (position, colon)
            }
            position = lineEnd + 1
        }
        return nil
    }

    private mutating func add(_ message: UnsafeRawBufferPointer, _ start: Int, _ colon: Int, _ end: Int) {
        if message.beginsIgnoringCase("content-", at: start) {
            structure.append(start..<end)
        } else {
            fields.append((start..<colon, colon + 1..<end))
        }
    }

    /// Whether the mail is anything but one plain text.
    var hasStructure: Bool { !structure.isEmpty }

    /// Moves the fields that tell the structure to the end of the header, over the others.
    ///
    /// - Returns: Where they begin.
    func gatherStructure(in message: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = message.baseAddress else { return 0 }
        var start = end
        for field in structure.reversed() {
            start -= field.count
            memmove(base + start, base + field.lowerBound, field.count)
        }
        return start
    }

    /// The text of a mail whose header goes over into it with no empty line between, and which has none later either.
    static func textWithoutEmptyLine(_ message: UnsafeRawBufferPointer) -> Range<Int>? {
        var position = 0
        var text: Int?
        while position < message.count {
            let lineEnd = message.firstOffset(of: 0x0A, from: position) ?? message.count
            let line = message.slice(position..<lineEnd)
            if line.allSatisfy(isSpace) { return nil }
            if text == nil, line[0] != 0x20, line[0] != 0x09 {
                let name = line.prefix { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
                if name.isEmpty || name.count == line.count || line[name.count] != 0x3A {
                    if position == 0 { return nil }
                    text = position
                }
            }
            position = lineEnd + 1
        }
        return text.map { $0..<message.count }
    }
}

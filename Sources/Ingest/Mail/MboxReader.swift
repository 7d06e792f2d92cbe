import Documents

/// A mailbox in one file (mboxo, mboxrd): one mail after the other, each held in memory
/// alone.
///
/// The splitting is ours and not GMime's, which takes every `From ` at the start of a line
/// for a new mail. A line begins a mail when it follows an empty line and ends like an
/// envelope (`From WHO ... 10:00:00 2026`). Two weaker signs are taken too, with a warning
/// that names line and byte: no date, but header fields of mail in the next line; or no
/// empty line before, but date and header fields. Everything else stays in the body;
/// doubtful lines are named there as well. Where a mail says how long it is
/// (`Content-Length`, mboxcl) and a divider or the end stands right there, lines before
/// that end are body, whatever they look like.
final class MboxReader: DocumentProducer {
    private static let lookahead = 4096

    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool
    private let depth: Int
    private let budget: UnpackBudget?
    private var messageStart = 0
    private var ordinal = 0
    private var line = 1
    private var message: [UInt8] = []
    private var doubts: [String] = []
    private var isStarted = false
    /// Offset, number and line of the mail.
    private(set) var place: [Int]?

    init(
        _ reader: ByteReader, address: String, isPlainFile: Bool, depth: Int = 0, budget: UnpackBudget? = nil
    ) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
        self.depth = depth
        self.budget = budget
    }

    /// Whether bytes begin with the `From ` line of a mailbox.
    static func isMailbox(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = envelopeStart(bytes)
        let rest = bytes.slice(start..<bytes.count)
        guard rest.begins(with: "From ") else { return false }
        let line = EnvelopeLine(rest.slice(0..<min(rest.count, lookahead)))
        return line.isComplete && (line.hasDate ? line.next != .other : line.next == .mailField)
    }

    /// A byte order mark and empty lines may stand before the first mail.
    private static func envelopeStart(_ bytes: UnsafeRawBufferPointer) -> Int {
        var start = bytes.begins(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while start < bytes.count, start < 256, bytes[start] == 0x0A || bytes[start] == 0x0D { start += 1 }
        return start
    }

    func step(_ context: StreamContext) -> Bool {
        if !isStarted {
            isStarted = true
            if let step = context.takeStep() {
                guard step.count == 3, reader.advance(to: step[0]),
                    reader.look(Self.lookahead).begins(with: "From ")
                else {
                    context.isLost = true
                    return false
                }
                ordinal = step[1] - 1
                line = step[2]
            } else {
                take(Self.envelopeStart(reader.look(Self.lookahead)), keep: nil)
            }
        }
        guard !reader.isAtEnd else { return false }
        place = [reader.offset, ordinal + 1, line]
        readMessage(context, isWanted: context.enter(place!, "\(address)#\(ordinal + 1)"))
        return !reader.isAtEnd
    }

    private func readMessage(_ context: StreamContext, isWanted: Bool) {
        ordinal += 1
        let limit = context.limits.maxMessageBytes
        let start = reader.offset
        if message.capacity > 1 << 20 { message = [] } else { message.removeAll(keepingCapacity: true) }
        doubts.removeAll(keepingCapacity: true)
        skipLine()
        messageStart = reader.offset
        var isLineStart = true
        var total = 0
        var last: (UInt8, UInt8, UInt8) = (0, 0x0A, 0x0A)  // an envelope counts as an empty line before

        func note(_ piece: UnsafeRawBufferPointer) {
            total += piece.count
            for byte in piece.suffix(3) { last = (last.1, last.2, byte) }
        }
        while true {
            let view = reader.look(Self.lookahead)
            if view.isEmpty { break }
            if isLineStart, view.begins(with: "From ") {
                let isBlankBefore = last.2 == 0x0A && (last.1 == 0x0A || (last.1 == 0x0D && last.0 == 0x0A))
                let envelope = EnvelopeLine(view.slice(0..<min(view.count, Self.lookahead)))
                if isDivider(envelope, isBlankBefore: isBlankBefore), !isBodyByLength() { break }
                note(view.slice(0..<5))
                take(5, keep: limit)
                isLineStart = false
                continue
            }
            let end: Int
            if let found = view.firstOffset(of: "\nFrom ") {
                end = found + 1
                isLineStart = true
            } else {
                // The last bytes may be the beginning of a divider.
                end = reader.isSourceExhausted || view.count <= 5 ? view.count : view.count - 5
                isLineStart = false
            }
            note(view.slice(0..<end))
            take(end, keep: limit)
        }
        guard isWanted else { return }
        let end = reader.offset
        if total <= limit { dropFramingLine() }
        let dropped = unquoteFromLines()
        var failure: SourceFailure?
        if reader.isAtEnd { failure = reader.failure }
        MailReader(context, depth: depth, budget: budget).read(
            &message, address: "\(address)#\(ordinal)",
            envelope: .init(
                source: isPlainFile ? SourceSpan(start: start, end: end) : nil,
                bytesStart: isPlainFile && dropped.isEmpty ? messageStart : nil,
                container: .init(
                    address: reader.container(address), start: messageStart, mail: "\(address)#\(ordinal)",
                    dropped: dropped),
                warnings: doubts,
                missingBytes: max(0, total - limit), failure: failure))
    }

    /// Consumes bytes; `keep` is how long the message may grow, nil to drop them.
    private func take(_ count: Int, keep limit: Int?) {
        let view = reader.look().slice(0..<count)
        line += view.lineFeeds
        if let limit {
            message.append(contentsOf: view.slice(0..<max(0, min(count, limit - message.count))))
        }
        reader.consume(count)
    }

    private func skipLine() {
        while true {
            let view = reader.look()
            if view.isEmpty { return }
            if let end = view.firstOffset(of: 0x0A) { return take(end + 1, keep: nil) }
            take(view.count, keep: nil)
        }
    }

    private func isDivider(_ envelope: EnvelopeLine, isBlankBefore: Bool) -> Bool {
        let place = "line \(line), byte \(reader.offset)"
        switch (isBlankBefore, envelope.hasDate, envelope.next) {
        case (true, true, .field), (true, true, .mailField), (true, true, .empty):
            return true
        case (true, true, .other):
            doubts.append(
                "doubtful From line at \(place): a date, but no header after it; the mail ends there")
            return true
        case (true, false, .mailField):
            doubts.append(
                "doubtful From line at \(place): no date, but a header after it; the mail ends there")
            return true
        case (false, true, .mailField):
            doubts.append("doubtful From line at \(place): no empty line before it; the mail ends there")
            return true
        case (true, false, _):
            doubts.append("doubtful From line at \(place): no date and no header after it; kept in the body")
            return false
        case (false, true, _):
            doubts.append("doubtful From line at \(place): no empty line before it; kept in the body")
            return false
        case (false, false, _):
            return false
        }
    }

    /// Whether the mail's own `Content-Length` puts what stands here into its body.
    private func isBodyByLength() -> Bool {
        let end = message.withUnsafeBytes { bytes -> Int? in
            guard
                let header = bytes.firstOffset(of: "\n\n").map({ $0 + 2 })
                    ?? bytes.firstOffset(of: "\r\n\r\n").map({ $0 + 4 }),
                let length = Self.contentLength(bytes.slice(0..<header))
            else { return nil }
            return messageStart + header + length
        }
        guard let end, end > reader.offset, end - reader.offset < ByteReader.capacity - 64 else {
            return false
        }
        let distance = end - reader.offset
        let view = reader.look(distance + 64)
        var next = distance
        while next < view.count, next < distance + 2, view[next] == 0x0A || view[next] == 0x0D { next += 1 }
        let isEnd = view.count <= next && view.count >= distance
        guard isEnd || view.begins(with: "From ", at: next), view.count >= distance else { return false }
        doubts.append(
            "From line at line \(line), byte \(reader.offset): inside the Content-Length of its mail; kept in the body"
        )
        return true
    }

    private static func contentLength(_ header: UnsafeRawBufferPointer) -> Int? {
        var position = 0
        while position < header.count {
            let end = header.firstOffset(of: 0x0A, from: position) ?? header.count
            let line = header.slice(position..<end)
            if line.beginsIgnoringCase("content-length:") {
                let digits = line.dropFirst(15).filter { !isSpace($0) }
                guard !digits.isEmpty, digits.count < 12, digits.allSatisfy({ (0x30...0x39).contains($0) })
                else {
                    return nil
                }
                return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            }
            position = end + 1
        }
        return nil
    }

    /// The empty line before the next divider belongs to the mailbox.
    private func dropFramingLine() {
        let count = message.count
        guard count >= 1, message[count - 1] == 0x0A else { return }
        if count >= 2, message[count - 2] == 0x0D {
            if count == 2 || message[count - 3] == 0x0A { message.removeLast(2) }
        } else if count == 1 || message[count - 2] == 0x0A {
            message.removeLast()
        }
    }

    /// Takes one `>` from lines `>From `, `>>From `: mboxrd's rule, and mboxo's for all mail
    /// that does not quote such lines itself.
    ///
    /// - Returns: Where they stood.
    private func unquoteFromLines() -> [Int] {
        let drops = message.withUnsafeBytes { bytes -> [Int] in
            var drops: [Int] = []
            var position = 0
            while let found = bytes.firstOffset(of: ">From ", from: position) {
                var start = found
                while start > 0, bytes[start - 1] == 0x3E { start -= 1 }
                if start == 0 || bytes[start - 1] == 0x0A { drops.append(start) }
                position = found + 6
            }
            return drops
        }
        if drops.isEmpty { return [] }
        var next = 0
        var target = drops[0]
        for index in drops[0]..<message.count {
            if next < drops.count, drops[next] == index {
                next += 1
            } else {
                message[target] = message[index]
                target += 1
            }
        }
        message.removeLast(message.count - target)
        return drops
    }
}

/// A line `From ...` and what the next line looks like.
private struct EnvelopeLine {
    enum Next: Equatable {
        /// A header field that mail is known to have, or a quoted From line.
        case mailField
        case field
        case empty
        case other
    }

    /// Whether the line ends within the bytes looked at.
    var isComplete = false
    /// Whether it holds a time of day and a year.
    var hasDate = false
    var next = Next.other

    init(_ bytes: UnsafeRawBufferPointer) {
        guard let end = bytes.firstOffset(of: 0x0A), end < 1024 else { return }
        isComplete = true
        hasDate = Self.hasDate(bytes.slice(0..<end))
        let rest = bytes.slice(end + 1..<bytes.count)
        let nextEnd = rest.firstOffset(of: 0x0A) ?? rest.count
        var line = rest.slice(0..<nextEnd)
        if let last = line.last, last == 0x0D { line = line.slice(0..<line.count - 1) }
        if line.isEmpty {
            next = .empty
        } else if line.begins(with: ">From ") {
            next = .mailField
        } else if ContentKind.isKnownMailField(line) {
            next = .mailField
        } else if ContentKind.headerNameLength(line) != nil {
            next = .field
        }
    }

    private static func hasDate(_ line: UnsafeRawBufferPointer) -> Bool {
        func isDigit(_ index: Int) -> Bool {
            index >= 0 && index < line.count && line[index] >= 0x30 && line[index] <= 0x39
        }
        var hasTime = false
        var hasYear = false
        for index in 5..<line.count {
            if line[index] == 0x3A, isDigit(index - 1), isDigit(index + 1), isDigit(index + 2) {
                hasTime = true
            }
            let isYear =
                (line[index] == 0x31 && index + 1 < line.count && line[index + 1] == 0x39)
                || (line[index] == 0x32 && index + 1 < line.count && line[index + 1] == 0x30)
            if isYear, !isDigit(index - 1), isDigit(index + 2), isDigit(index + 3), !isDigit(index + 4) {
                hasYear = true
            }
        }
        return hasTime && hasYear
    }
}

import Documents

/// What lines of a mail's plain text are: quoted, a signature, forwarded.
///
/// Structure decides before language: `>` at the start of a line, the RFC 3676 signature
/// line, the rules that mail programs draw. Words are asked only for the line that
/// announces a quote.
enum MailMarks {
    /// Marks in order of their start; the text has LF line ends.
    static func find(_ text: UnsafeRawBufferPointer) -> [TextMark] {
        var marks: [TextMark] = []
        var quoteStart: Int?
        var quoteEnd = 0
        var signatureStart: Int?
        // Start of the paragraph that may announce a quote, and of the line after it.
        var announcement: Range<Int>?
        var position = 0

        func closeQuote() {
            if let start = quoteStart { marks.append(TextMark(kind: .quoted, range: start..<quoteEnd)) }
            quoteStart = nil
        }
        func closeSignature(at end: Int) {
            if let start = signatureStart, start < end {
                marks.append(TextMark(kind: .signature, range: start..<end))
            }
            signatureStart = nil
        }
        while position < text.count {
            let lineEnd = text.firstOffset(of: 0x0A, from: position) ?? text.count
            let next = min(lineEnd + 1, text.count)
            let line = text.slice(position..<lineEnd)
            if isQuoted(line) {
                if quoteStart == nil {
                    let start = announcement?.lowerBound ?? position
                    closeSignature(at: start)
                    quoteStart = start
                }
                quoteEnd = next
                announcement = nil
            } else if line.allSatisfy(isSpace) {
                // An empty line ends neither a quote that goes on after it nor an announcement.
                if let waiting = announcement, waiting.upperBound < position { announcement = nil }
            } else {
                closeQuote()
                if let kind = divider(line) {
                    closeSignature(at: position)
                    marks.append(TextMark(kind: kind, range: position..<text.count))
                    break
                }
                if isSignatureLine(line, rest: text.slice(next..<text.count)), signatureStart == nil {
                    signatureStart = position
                }
                if isAnnouncement(line) {
                    // `On DATE, NAME` may have been wrapped before `wrote:`.
                    let start = previousLineOpens(text, before: position) ?? position
                    announcement = start..<next
                } else {
                    announcement = nil
                }
            }
            position = next
        }
        closeQuote()
        if let start = disclaimerStart(text) {
            marks.append(TextMark(kind: .disclaimer, range: start..<text.count))
        }
        closeSignature(
            at: marks.last?.range.upperBound == text.count && marks.last!.kind != .disclaimer
                ? marks.last!.range.lowerBound : text.count)
        marks.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        return marks
    }

    /// Where a closing paragraph of legal words begins: in the last 4,000 bytes, at the start of
    /// a paragraph that says who the mail is meant for and that it is confidential.
    private static func disclaimerStart(_ text: UnsafeRawBufferPointer) -> Int? {
        let start = max(0, text.count - 4_000)
        let text = text.slice(start..<text.count)
        guard var offset = disclaimerWords(text) else { return nil }
        // Back to the empty line, or rule of dashes, before the paragraph.
        while offset > 0 {
            guard text[offset - 1] == 0x0A else {
                offset -= 1
                continue
            }
            if offset < 2 || text[offset - 2] == 0x0A { break }
            offset -= 1
        }
        // A quoted disclaimer is part of its quote; one at the very beginning is the mail.
        if offset == 0 && start == 0 || text[offset] == 0x3E { return nil }
        return start + offset
    }

    /// Where the first of these words stands at the start of a word.
    private static func disclaimerWords(_ text: UnsafeRawBufferPointer) -> Int? {
        let end = text.count - shortestDisclaimer + 1
        var index = 0
        while index < end {
            // This runs over the end of every mail. No step depends on the one before: 32 of them become vectors.
            let next = min(index + 32, end)
            if next == index + 32 {
                var found: UInt8 = 0
                for step in 0..<32 { found |= mayBeginDisclaimer(text, index &+ step) }
                if found == 0 {
                    index = next
                    continue
                }
            }
            for at in index..<next
            where mayBeginDisclaimer(text, at) != 0 && (at == 0 || !isLetter(text[at - 1])) {
                if disclaimers.contains(where: { text.beginsIgnoringCase($0, at: at) }) { return at }
            }
            index = next
        }
        return nil
    }

    /// 1 where the first, the fifth and the sixth byte are those of such words, which tell nearly always; without a
    /// branch.
    @inline(__always)
    private static func mayBeginDisclaimer(_ text: UnsafeRawBufferPointer, _ index: Int) -> UInt8 {
        let first = text[index] | 0x20
        let fifth = text[index &+ 4] | 0x20
        let sixth = text[index &+ 5] | 0x20
        func isZero(_ byte: UInt8) -> UInt8 { byte == 0 ? 1 : 0 }
        return isZero((first ^ 0x74) | (fifth ^ 0x20) | ((sixth ^ 0x65) & ~0x08))  // this e, this m
            | isZero((first ^ 0x69) | (fifth ^ 0x6E) | (sixth ^ 0x64))  // intend
            | isZero((first ^ 0x69) | (fifth ^ 0x6F) | (sixth ^ 0x75))  // if you
            | isZero((first ^ 0x63) | (fifth ^ 0x69) | (sixth ^ 0x64))  // confid
            | isZero((first ^ 0x63) | (fifth ^ 0x65) | (sixth ^ 0x73))  // ce mes
            | isZero((first ^ 0x65) | (fifth ^ 0x20) | (sixth ^ 0x6D))  // este m
            | isZero((first ^ 0x64) | (fifth ^ 0x65) | (sixth ^ 0x20))  // diese
            | isZero((first ^ 0x64) | (fifth ^ 0x69) | (sixth ^ 0x6E))  // der in
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x61...0x7A).contains(lowercaseASCII(byte))
    }

    private static let shortestDisclaimer = disclaimers.map(\.utf8CodeUnitCount).min() ?? 0
    private static let disclaimers: [StaticString] = [
        "this e-mail and any attachments", "this email and any attachments",
        "this message and any attachments",
        "this e-mail (and any attachments)", "this email (and any attachments)", "confidentiality notice",
        "intended solely for the use of the individual", "intended only for the person or entity",
        "if you are not the intended recipient", "if you have received this e-mail in error",
        "if you have received this email in error", "diese e-mail enth", "ce message et toutes les pi",
        "este mensaje y cualquier", "der inhalt dieser e-mail ist vertraulich",
    ]

    private static func isQuoted(_ line: UnsafeRawBufferPointer) -> Bool {
        guard let first = line.first else { return false }
        if first == 0x3E { return true }
        return first == 0x20 && line.count > 1 && line[1] == 0x3E
    }

    private static func isSignatureLine(_ line: UnsafeRawBufferPointer, rest: UnsafeRawBufferPointer) -> Bool
    {
        guard line.begins(with: "--") else { return false }
        if line.count == 3, line[2] == 0x20 { return true }
        // The space is often lost on the way; then the rest must be as short as a signature.
        return line.count == 2 && rest.count < 1000 && rest.lineFeeds <= 10
    }

    private static func divider(_ line: UnsafeRawBufferPointer) -> TextMark.Kind? {
        guard line.count < 100, line.begins(with: "--") || line.begins(with: "Begin forwarded message:")
        else { return nil }
        if line.begins(with: "Begin") { return .forwarded }
        if line.allSatisfy({ $0 == 0x2D || $0 == 0x20 }) { return nil }
        let words = String(decoding: line, as: UTF8.self).lowercased().filter { $0 != "-" }
        let name = words.split(separator: " ").joined(separator: " ")
        let originals = [
            "original message", "ursprüngliche nachricht", "message d'origine", "mensaje original",
            "messaggio originale", "oprindelig meddelelse", "oorspronkelijk bericht", "исходное сообщение",
            "mensagem original", "originalmeddelande", "původní zpráva",
        ]
        let forwards = [
            "forwarded message", "weitergeleitete nachricht", "message transféré", "mensaje reenviado",
            "messaggio inoltrato", "doorgestuurd bericht", "forwarded by", "start of forwarded message",
        ]
        if originals.contains(name) { return .quoted }
        return forwards.contains(where: { name.hasPrefix($0) }) ? .forwarded : nil
    }

    /// A line like `On Monday, Jane Doe <jane@example.org> wrote:`, in any language: it ends
    /// with a colon and holds an address, a verb of writing or a time.
    private static func isAnnouncement(_ line: UnsafeRawBufferPointer) -> Bool {
        var end = line.count
        while end > 0, isSpace(line[end - 1]) { end -= 1 }
        guard end > 0, end < 300,
            line[end - 1] == 0x3A || line[end - 1] == 0x9A && end >= 3 && line.begins(with: "：", at: end - 3)
        else { return false }
        let lower = line.map(lowercaseASCII)
        return lower.withUnsafeBytes { line in
            if verbs.contains(where: { line.firstOffset(of: $0) != nil }) { return true }
            return line.firstOffset(of: 0x40) != nil && line.contains { $0 >= 0x30 && $0 <= 0x39 }
        }
    }

    private static let verbs: [StaticString] = [
        "wrote", "writes", "schrieb", "a écrit", "escribió", "ha scritto", "skrev", "schreef", "napisał",
        "napsal", "написал", "пишет", "写道", "escreveu", "said", "kirjoitti", "írta", "yazdı", "のメール",
    ]

    /// Start of the line before `position` if it looks like the first half of a wrapped
    /// announcement.
    private static func previousLineOpens(_ text: UnsafeRawBufferPointer, before position: Int) -> Int? {
        guard position >= 2, text[position - 1] == 0x0A else { return nil }
        var start = position - 1
        while start > 0, text[start - 1] != 0x0A, position - start < 300 { start -= 1 }
        let line = text.slice(start..<position - 1)
        let openers: [StaticString] = ["On ", "Am ", "Le ", "El ", "Il ", "Den ", "Op ", "W dniu ", "Em "]
        guard line.count > 10, openers.contains(where: { line.begins(with: $0) }) else { return nil }
        return start
    }
}

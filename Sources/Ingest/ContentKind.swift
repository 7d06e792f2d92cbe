import Documents

/// What bytes are, told from their beginning and never from a name.
enum ContentKind: Equatable {
    case empty
    case mbox
    case mail
    case html
    case xml
    case text
    /// One mail as Apple's Mail keeps it (`.emlx`).
    case appleMail
    case rtf
    case pdf
    /// An archive or a compressed file: libarchive's.
    case archive
    /// What mail carried before MIME.
    case uuencoded
    /// A zip that is one document: OOXML, OpenDocument, EPUB.
    case package
    /// Outlook's `winmail.dat`.
    case tnef
    /// Old Office files and Outlook's `.msg`.
    case ole
    /// Outlook's `.pst`.
    case outlookMailbox
    case xar
    /// Nothing that is read here; the text names it.
    case unsupported(String)

    /// Bytes at the beginning that decide; more are not looked at.
    static let sniffBytes = 64 << 10

    init(_ beginning: UnsafeRawBufferPointer) {
        let bytes = beginning.slice(0..<min(beginning.count, Self.sniffBytes))
        if bytes.isEmpty {
            self = .empty
        } else if Self.isPackage(bytes) {
            self = .package
        } else if Self.isArchive(bytes) {
            self = .archive
        } else if UUEncoding.begins(bytes) {
            self = .uuencoded
        } else if let known = Self.magicKind(bytes) {
            self = known
        } else if let name = Self.binaryName(bytes) {
            self = .unsupported(name)
        } else if Charset.byteOrderMark(bytes) != nil || Charset.wideWithoutMark(bytes) != nil {
            self = Self.wideMarkup(bytes) ?? .text
        } else if MboxReader.isMailbox(bytes) {
            self = .mbox
        } else if Self.isMail(bytes) {
            self = .mail
        } else if Self.isAppleMail(bytes) {
            self = .appleMail
        } else if Self.hasBinaryControls(bytes) {
            self = .unsupported("binary data")
        } else {
            self = Self.markup(bytes) ?? .text
        }
    }

    // MARK: Archives

    private static let magics: [(offset: Int, magic: StaticString)] = [
        (0, "PK\u{3}\u{4}"), (0, "PK\u{5}\u{6}"), (0, "PK00PK\u{3}\u{4}"), (0, "BZh"), (0, "7z\u{BC}"),
        (0, "Rar!\u{1A}\u{7}"), (0, "MSCF\0\0\0\0"), (0, "070701"), (0, "070702"), (0, "070707"),
        (0, "!<arch>\n"), (0, "LZIP"), (257, "ustar"), (0, "WARC/"), (32769, "CD001"),
        (2, "-lh"), (2, "-lz"),
    ]
    private static let rawMagics: [[UInt8]] = [
        [0x1F, 0x8B, 0x08], [0x1F, 0x9D], [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00],
        [0x28, 0xB5, 0x2F, 0xFD], [0x04, 0x22, 0x4D, 0x18], [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C],
        [0x02, 0x21, 0x4C, 0x18], [0xED, 0xAB, 0xEE, 0xDB],
    ]

    private static func isArchive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if rawMagics.contains(where: { bytes.begins(with: $0) }) { return true }
        for (offset, magic) in magics where bytes.begins(with: magic, at: offset) {
            switch magic.description {
            case "BZh": return bytes.count > 3 && (0x31...0x39).contains(bytes[3])
            case "-lh", "-lz": return bytes.count > 21 && bytes[6] == 0x2D && bytes[20] <= 3
            case "WARC/": return bytes.count > 6 && (0x30...0x39).contains(bytes[5])
            default: return true
            }
        }
        return isLZMA(bytes) || isOldTar(bytes)
    }

    /// LZMA alone: one of the two properties in use, a dictionary that is a power of two, a size that is known to
    /// be unknown or below a terabyte, and the zero that begins its data. libarchive leaves others as they are.
    static func isLZMA(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 13, bytes[0] == 0x5D || bytes[0] == 0x5E, bytes[1] == 0, bytes[13] == 0 else {
            return false
        }
        let dictionary = (1..<5).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) }
        let size = (5..<13).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        return (1 << 12...1 << 28).contains(dictionary) && dictionary.nonzeroBitCount == 1
            && (size == .max || size < 1 << 40)
    }

    /// A tar without the ustar magic has a header whose checksum fits.
    private static func isOldTar(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 512, bytes[0] != 0 else { return false }
        var stored = 0
        var digits = 0
        for byte in bytes[148..<156] {
            if (0x30...0x37).contains(byte) {
                stored = stored * 8 + Int(byte - 0x30)
                digits += 1
            } else if byte != 0x20 && byte != 0 {
                return false
            }
        }
        guard digits >= 3 else { return false }
        var sum = 0
        for index in 0..<512 { sum += (148..<156).contains(index) ? 0x20 : Int(bytes[index]) }
        return sum == stored
    }

    // MARK: Documents with a magic of their own

    private static func magicKind(_ bytes: UnsafeRawBufferPointer) -> ContentKind? {
        if bytes.begins(with: "{\\rtf") { return .rtf }
        if bytes.begins(with: TNEFFile.signature) { return .tnef }
        if bytes.begins(with: OLEReader.signature) { return .ole }
        if bytes.begins(with: "!BDN") { return .outlookMailbox }
        if bytes.begins(with: "xar!") { return .xar }
        // Some PDFs begin with a line of another program.
        let beginning = bytes.slice(0..<min(bytes.count, 1024))
        guard let found = beginning.firstOffset(of: "%PDF-") else { return nil }
        return found == 0 || bytes[found - 1] == 0x0A || bytes[found - 1] == 0x0D ? .pdf : nil
    }

    /// A zip whose first entries are those of OOXML, OpenDocument or EPUB.
    private static func isPackage(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.begins(with: "PK\u{3}\u{4}"), bytes.count > 34 else { return false }
        let nameEnd = 30 + Int(bytes[26]) + Int(bytes[27]) << 8
        guard nameEnd < bytes.count else { return false }
        let name = String(decoding: bytes[30..<nameEnd], as: UTF8.self).asciiLowercased
        if name == "mimetype" {
            let start = nameEnd + Int(bytes[28]) + Int(bytes[29]) << 8
            let content = bytes.slice(min(start, bytes.count)..<min(bytes.count, start + 64))
            return content.begins(with: "application/vnd.oasis.opendocument")
                || content.begins(with: "application/vnd.sun.xml")
                || content.begins(with: "application/epub+zip")
        }
        if name == "[content_types].xml" || name == "_rels/.rels" || name.hasPrefix("meta-inf/container.xml")
        {
            return true
        }
        let folders = ["word/", "xl/", "ppt/", "docprops/", "customxml/"]
        if folders.contains(where: { name.hasPrefix($0) }) { return true }
        return bytes.firstOffset(of: "[Content_Types].xml") != nil
            || bytes.firstOffset(of: "application/epub+zip") != nil
    }

    /// Digits in the first line, a mail after it.
    private static func isAppleMail(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let end = bytes.slice(0..<min(bytes.count, 32)).firstOffset(of: 0x0A), end > 0 else {
            return false
        }
        let line = bytes[..<end]
        guard (0x30...0x39).contains(line[line.startIndex]),
            line.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x20 || $0 == 0x0D })
        else { return false }
        return isMail(bytes.slice(end + 1..<bytes.count))
    }

    // MARK: What is not read

    private static let binaries: [(magic: [UInt8], name: String)] = [
        ([0x89, 0x50, 0x4E, 0x47], "a PNG image"),
        ([0xFF, 0xD8, 0xFF], "a JPEG image"), (Array("GIF87a".utf8), "a GIF image"),
        (Array("GIF89a".utf8), "a GIF image"), ([0x7F, 0x45, 0x4C, 0x46], "an ELF binary"),

        (Array("SQLite format 3\0".utf8), "an SQLite database"),
        (Array("OggS".utf8), "Ogg media"), (Array("ID3".utf8), "MP3 audio"),
        ([0x49, 0x49, 0x2A, 0x00], "a TIFF image"), ([0x4D, 0x4D, 0x00, 0x2A], "a TIFF image"),
        ([0xCA, 0xFE, 0xBA, 0xBE], "a Java class or Mach-O binary"), (Array("wOFF".utf8), "a web font"),
        (Array("RIFF".utf8), "RIFF media"), ([0x1A, 0x45, 0xDF, 0xA3], "Matroska media"),
        ([0xE4, 0x52, 0x5C, 0x7B, 0x8C, 0xD8, 0xA7, 0x4D], "a OneNote notebook"),
    ]

    private static func binaryName(_ bytes: UnsafeRawBufferPointer) -> String? {
        for (magic, name) in binaries where bytes.begins(with: magic) { return name }
        return nil
    }

    /// Text of any charset has few control characters; noise has one byte in ten.
    private static func hasBinaryControls(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var controls = 0
        var nulls = 0
        for byte in bytes where byte < 0x20 || byte == 0x7F {
            switch byte {
            case 0: nulls += 1
            case 0x08...0x0D, 0x0E, 0x0F, 0x1A, 0x1B: break  // tabs, breaks, ISO 2022 shifts, DOS end, ESC
            default: controls += 1
            }
        }
        return controls * 25 > bytes.count || nulls * 100 > bytes.count
    }

    // MARK: Mail

    /// Field names that letters have and other headed texts rarely.
    private static let mailFields: Set<String> = [
        "from", "to", "subject", "date", "cc", "bcc", "sender", "reply-to", "newsgroups", "path", "xref",
        "organization", "lines", "in-reply-to", "references", "status", "return-path", "received",
        "message-id", "mime-version", "delivered-to", "content-type", "content-transfer-encoding",
        "x-mailer", "list-id", "dkim-signature", "authentication-results", "arc-seal", "x-originating-ip",
        "envelope-to", "errors-to", "precedence", "user-agent", "resent-from", "resent-to", "x-received",
        "received-spf", "x-mozilla-status", "x-uidl", "x-gmail-labels", "disposition-notification-to",
    ]
    private static let strongFields: Set<String> = [
        "return-path", "received", "message-id", "mime-version", "delivered-to", "dkim-signature", "arc-seal",
        "envelope-to", "x-received", "received-spf", "x-mozilla-status",
    ]

    /// An RFC 822 header block: lines `Name: value`, at least two of them of mail, or one
    /// that nothing but mail has, up to an empty line.
    static func isMail(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < bytes.count, bytes[position] == 0x0A || bytes[position] == 0x0D { position += 1 }
        var known: Set<String> = []
        var isStrong = false
        var lines = 0
        var broken = 0
        while position < bytes.count {
            let end = bytes.firstOffset(of: 0x0A, from: position) ?? bytes.count
            let line = bytes.slice(position..<end)
            position = end + 1
            if line.isEmpty || (line.count == 1 && line[0] == 0x0D) { break }
            if line[0] == 0x20 || line[0] == 0x09 {
                if lines == 0 { return false }
                continue
            }
            guard let length = headerNameLength(line) else {
                // One broken line does not make a letter something else; the first must be sound.
                broken += 1
                if lines == 0 || broken > 1 + lines / 2 { return false }
                continue
            }
            lines += 1
            let name = String(decoding: line[..<length], as: UTF8.self).asciiLowercased
            if mailFields.contains(name) { known.insert(name) }
            if strongFields.contains(name) { isStrong = true }
            if lines > 200 { break }
        }
        return isStrong ? lines >= 2 : known.count >= 2
    }

    /// Length of the field name if a line is `Name: ...`.
    static func headerNameLength(_ line: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        while index < line.count, index < 100 {
            let byte = line[index]
            if byte == 0x3A { return index > 0 ? index : nil }
            if byte <= 0x20 || byte >= 0x7F {
                // White space before the colon is seen in the wild.
                var rest = index
                while rest < line.count, line[rest] == 0x20 || line[rest] == 0x09 { rest += 1 }
                return index > 0 && rest < line.count && line[rest] == 0x3A ? index : nil
            }
            index += 1
        }
        return nil
    }

    /// Whether a line has the form of a header field that mail is known to have.
    static func isKnownMailField(_ line: UnsafeRawBufferPointer) -> Bool {
        guard let length = headerNameLength(line) else { return false }
        let name = String(decoding: line[..<length], as: UTF8.self).asciiLowercased
        return mailFields.contains(name) || name.hasPrefix("x-")
    }

    // MARK: Markup

    private static let htmlStarts: [StaticString] = [
        "<!doctype html", "<html", "<head", "<body", "<script", "<title", "<meta", "<table", "<div",
        "<style", "<iframe", "<h1", "<br", "<font", "<center", "<p>",
    ]

    private static func markup(_ bytes: UnsafeRawBufferPointer) -> ContentKind? {
        var position = bytes.begins(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while true {
            while position < bytes.count, isSpace(bytes[position]) { position += 1 }
            guard position < bytes.count, bytes[position] == 0x3C else { return nil }
            guard bytes.begins(with: "<!--", at: position) else { break }
            guard let end = bytes.firstOffset(of: "-->", from: position + 4) else { return nil }
            position = end + 3
        }
        if bytes.begins(with: "<?xml", at: position) {
            // XHTML is read as what it is for its readers.
            let beginning = bytes.slice(position..<min(bytes.count, position + 2048))
            let isPage = ["<html", "<HTML"].contains { (tag: StaticString) in
                guard let offset = beginning.firstOffset(of: tag), offset + 5 < beginning.count else {
                    return false
                }
                return isSpace(beginning[offset + 5]) || beginning[offset + 5] == 0x3E
            }
            return isPage ? .html : .xml
        }
        for start in htmlStarts where bytes.beginsIgnoringCase(start, at: position) {
            let next = position + start.utf8CodeUnitCount
            if start.description.hasSuffix(">") || next == bytes.count { return .html }
            let byte = bytes[next]
            if isSpace(byte) || byte == 0x3E || byte == 0x2F { return .html }
        }
        if bytes.begins(with: "<!DOCTYPE", at: position) { return .xml }
        // No declaration: a first tag with a name, and a tag that closes.
        let name = position + 1
        guard name < bytes.count, lowercaseASCII(bytes[name]) >= 0x61, lowercaseASCII(bytes[name]) <= 0x7A,
            let close = bytes.firstOffset(of: 0x3E, from: name),
            bytes[name..<close].allSatisfy({ $0 != 0x3C }),
            bytes.firstOffset(of: "</", from: close) != nil || bytes[close - 1] == 0x2F
        else { return nil }
        var end = name
        while end < close, !isSpace(bytes[end]), bytes[end] != 0x2F { end += 1 }
        let isName = bytes[name..<end].allSatisfy {
            (0x61...0x7A).contains(lowercaseASCII($0)) || (0x30...0x39).contains($0) || $0 >= 0x80
                || $0 == 0x2D || $0 == 0x2E || $0 == 0x3A || $0 == 0x5F
        }
        guard isName else { return nil }
        let tail = bytes.slice(end..<close)
        return tail.isEmpty || tail.firstOffset(of: 0x3D) != nil
            || tail.allSatisfy { isSpace($0) || $0 == 0x2F }
            ? .xml : nil
    }

    /// Markup in UTF-16 or UTF-32: the same rules on the ASCII among it.
    private static func wideMarkup(_ bytes: UnsafeRawBufferPointer) -> ContentKind? {
        var narrow = bytes.filter { $0 != 0 && $0 < 0x80 }
        if narrow.isEmpty { narrow = [0x20] }
        return narrow.withUnsafeBytes { markup($0) }
    }
}

import Documents
import Evaluation
import Glibc
import JSON

/// What `lector apply` makes of labelled mails.
package enum ApplyTarget: String, CaseIterable, Sendable {
    /// One mailbox a label.
    case mboxPerLabel = "mbox-per-label"
    /// One Maildir a label.
    case maildir
    /// Copies of the sources in which each mail says its label in its header.
    case xHeader = "x-header"
}

/// Writes mails into a folder that is put in its place when all is done.
final class MailWriter {
    private let target: ApplyTarget
    private let folder: String
    private let labels: LabelFiles
    private let digest: String
    private var files: [String: AtomicFile] = [:]
    private var sources: [String: String] = [:]

    /// - Parameters:
    ///   - folder: An empty folder of our own.
    ///   - digest: Hex that tells this run's files from others in a Maildir.
    init(_ target: ApplyTarget, folder: String, labels: LabelFiles, digest: String) {
        self.target = target
        self.folder = folder
        self.labels = labels
        self.digest = digest
    }

    /// Writes one mail, to each of its labels.
    ///
    /// - Parameters:
    ///   - slice: Its bytes, opened anew for each copy.
    ///   - isMbox: Whether the slice begins with a `From ` line and is quoted as mboxrd.
    ///   - source: File that the mail comes from; an x-header copy gets its name.
    func write(
        _ slice: () throws(PipelineError) -> SourceSlice, isMbox: Bool, source: String,
        row: ClassificationRow,
        index: Int
    ) throws(PipelineError) {
        switch target {
        case .mboxPerLabel:
            for name in labels.names(of: row) {
                try append(try slice(), to: try file("\(name).mbox"), isMbox: isMbox, headers: nil)
            }
        case .xHeader:
            let name = copyName(of: source)
            let headers = Self.headers(row)
            try append(
                try slice(), to: try file(name), isMbox: isMbox, staysSingle: !isMbox, headers: headers)
        case .maildir:
            for name in labels.names(of: row) {
                let box = "\(folder)/\(name)"
                for part in ["cur", "new", "tmp"] { try FileSystem.makeFolder("\(box)/\(part)") }
                let number = String(index)
                let place = String(repeating: "0", count: max(0, 9 - number.count)) + number
                let path = "\(box)/new/\(place).\(digest).lector"
                let file = try AtomicFile(path)
                try unquoted(try slice(), to: file, isMbox: isMbox)
                try file.commit()
            }
        }
    }

    /// Puts the open files in their places.
    func finish() throws(PipelineError) {
        for name in files.keys.sorted() { try files[name]!.commit() }
        files = [:]
    }

    private func file(_ name: String) throws(PipelineError) -> AtomicFile {
        if let file = files[name] { return file }
        let file = try AtomicFile("\(folder)/\(name)")
        files[name] = file
        return file
    }

    /// A name for the copy of a source; two sources never share one.
    private func copyName(of source: String) -> String {
        if let name = sources[source] { return name }
        let base = source == "-" ? "stdin.mbox" : String(source.split(separator: "/").last ?? "mail")
        let taken = Set(sources.values)
        var name = base
        var number = 1
        while taken.contains(name) {
            number += 1
            name = "\(number)-\(base)"
        }
        sources[source] = name
        return name
    }

    // MARK: Bytes

    /// Appends a mail to a mailbox as it stands there, or quoted when it comes from a file of
    /// its own; `staysSingle` copies such a file as a file of its own.
    private func append(
        _ slice: consuming SourceSlice, to file: AtomicFile, isMbox: Bool, staysSingle: Bool = false,
        headers: [String]?
    ) throws(PipelineError) {
        if !isMbox, !staysSingle { try file.write("From lector@localhost Thu Jan  1 00:00:00 1970\n") }
        var isFirst = isMbox
        var inHeader = true
        var skipsField = false
        var pendingHeaders = headers
        var last: [UInt8] = []
        var lineBreak = "\n"
        while let piece = try slice.next() {
            if piece.bytes.suffix(2).elementsEqual([0x0D, 0x0A]) { lineBreak = "\r\n" }
            if isFirst {  // the `From ` line
                isFirst = !(piece.bytes.last == 0x0A)
                try file.write(piece.bytes)
                continue
            }
            if let headers = pendingHeaders {
                for header in headers { try file.write(header + lineBreak) }
                pendingHeaders = nil
            }
            if headers != nil, inHeader, piece.isLineStart {
                if piece.bytes.isBlankLine {
                    inHeader = false
                } else if !(piece.bytes.first == 0x20 || piece.bytes.first == 0x09) {
                    skipsField = Self.isOurs(piece.bytes)
                }
            }
            // A sender's own X-Lector field would pass for ours.
            if headers != nil, inHeader, skipsField { continue }
            if !isMbox, !staysSingle, piece.isLineStart, piece.bytes.isFromLine { try file.write(">") }
            try file.write(piece.bytes)
            last = Array((last + piece.bytes).suffix(4))
        }
        if let headers = pendingHeaders { for header in headers { try file.write(header + lineBreak) } }
        if !staysSingle, !last.isEmpty {  // an empty line stands before the next mail
            if last.last != 0x0A { try file.write(lineBreak) }
            let isBlank =
                last.suffix(2).elementsEqual([0x0A, 0x0A]) || last.elementsEqual([0x0D, 0x0A, 0x0D, 0x0A])
            if !isBlank { try file.write(lineBreak) }
        }
    }

    /// Writes a mail as it was sent: without the `From ` line, one `>` off quoted ones, and
    /// without the empty line that ends it in a mailbox.
    private func unquoted(_ slice: consuming SourceSlice, to file: AtomicFile, isMbox: Bool)
        throws(PipelineError)
    {
        var isFirst = isMbox
        var held: ArraySlice<UInt8> = []
        while let piece = try slice.next() {
            if isFirst {
                isFirst = !(piece.bytes.last == 0x0A)
                continue
            }
            if !held.isEmpty {
                try file.write(held)
                held = []
            }
            if isMbox, piece.isLineStart, piece.bytes.isBlankLine {
                held = piece.bytes
                continue
            }
            let isQuoted =
                isMbox && piece.isLineStart && piece.bytes.first == UInt8(ascii: ">")
                && piece.bytes.isFromLine
            try file.write(isQuoted ? piece.bytes.dropFirst() : piece.bytes)
        }
    }

    private static func isOurs(_ line: ArraySlice<UInt8>) -> Bool {
        line.prefix(9).map { $0 | 0x20 }.elementsEqual("x-lector-".utf8.map { $0 | 0x20 })
    }

    private static func headers(_ row: ClassificationRow) -> [String] {
        var lines = row.given.map { "X-Lector-Label: \(headerText($0))" }
        lines.append("X-Lector-Status: \(row.status)")
        if let probability = row.probability {
            lines.append("X-Lector-Probability: \(JSONValue.decimal(probability).text)")
        }
        return lines
    }

    /// A label as a header value: as it is, or as encoded words (RFC 2047).
    package static func headerText(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var words: [String] = []
        var word: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if word.count + bytes.count > 42 {
                words.append("=?utf-8?B?\(base64(word))?=")
                word = []
            }
            word += bytes
        }
        words.append("=?utf-8?B?\(base64(word))?=")
        return words.joined(separator: " ")
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let three = bytes[start..<min(start + 3, bytes.count)]
            let word = three.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - three.count))
            for sextet in 0..<4 {
                out.append(
                    sextet <= three.count ? alphabet[word >> (18 - 6 * sextet) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

import Documents
import Glibc

/// Kinds that a program of the system reads, and the Debian package that it comes in.
enum Tool {
    static let pdf = (program: "pdftotext", package: "poppler-utils")
    static let outlookMessage = (
        program: "msgconvert", package: "libemail-outlook-message-perl libemail-address-perl"
    )
    static let outlookMailbox = (program: "readpst", package: "pst-utils")
    static let xar = (program: "bsdtar", package: "libarchive-tools")
    static let sevenZip = (program: "7z", package: "p7zip-full")
    static let word = (program: "catdoc", package: "catdoc")
    static let excel = (program: "xls2csv", package: "catdoc")
    static let powerPoint = (program: "catppt", package: "catdoc")

    static func missing(_ what: String, _ tool: (program: String, package: String)) -> String {
        "\(what); it is read by \(tool.program), which is not installed: apt-get install \(tool.package)"
    }
}

/// A PDF by poppler's `pdftotext`: each page a part.
final class PDFReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let isPlainFile: Bool

    init(_ reader: ByteReader, address: String, isPlainFile: Bool) {
        self.reader = reader
        self.address = address
        self.isPlainFile = isPlainFile
    }

    func step(_ context: StreamContext) -> Bool {
        guard let path = ToolProcess.path(of: Tool.pdf.program) else {
            context.emitFailure(address, .skipped(.unsupported), Tool.missing("a PDF", Tool.pdf))
            return false
        }
        guard let spool = Spool.keep(reader, address: address, context) else { return false }
        let writer = DocumentWriter(context, Document(address: address, kind: .pdf))
        var failure: SourceFailure?
        var words: String?
        for password in [nil] + context.options.passwords.map(Optional.some) {
            (failure, words) = read(spool, path, password, writer)
            if words?.contains("assword") != true || writer.textBytes > 0 { break }
        }
        if let words, words.contains("assword") {
            context.emitFailure(
                address, .failed(.encrypted),
                "the PDF is encrypted; a password can be given with --password-file")
            return false
        }
        if let words, writer.textBytes == 0 {
            context.emitFailure(address, .failed(.damaged), "pdftotext: \(words)")
            return false
        }
        var status = ItemStatus.ok
        if let words {
            writer.warn("pdftotext: \(words)")
            status = .partial(.damaged)
        } else if let failure {
            writer.warn(failure.message)
            status = .partial(failure.reason)
        } else if !hasText {
            writer.warn("no text in the PDF; its pages are pictures")
            status = .skipped(.empty)
        }
        writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: spool.count) : nil)
        return false
    }

    private var hasText = false

    private func read(_ spool: Spool, _ path: String, _ password: String?, _ writer: DocumentWriter) -> (
        failure: SourceFailure?, words: String?
    ) {
        var arguments = ["-enc", "UTF-8", "-eol", "unix"]
        if let password { arguments += ["-upw", password] }
        let process: ToolProcess
        switch ToolProcess.start(path, arguments + ["/dev/stdin", "-"], input: spool.descriptor) {
        case .success(let started): process = started
        case .failure(let failure): return (failure, nil)
        }
        let output = ByteReader(process)
        var decoded: [UInt8] = []
        // The form feed that ends the last page begins no other.
        var isPagePending = true
        while case let block = output.look(), !block.isEmpty, !writer.isFull {
            var position = 0
            while position < block.count {
                let end = block.firstOffset(of: 0x0C, from: position) ?? block.count
                if end > position {
                    if isPagePending {
                        writer.beginPart()
                        isPagePending = false
                    }
                    decoded.removeAll(keepingCapacity: true)
                    UTF8Text.repair(block.slice(position..<end), isLast: false, into: &decoded)
                    writer.append(decoded)
                    if !hasText { hasText = !decoded.allSatisfy(isSpace) }
                }
                if end < block.count {
                    if isPagePending { writer.beginPart() }  // an empty page is a part, too: parts are pages
                    isPagePending = true
                }
                position = end + 1
            }
            output.consume(block.count)
        }
        if let failure = output.failure { return (failure, nil) }
        if writer.isFull { return (nil, nil) }
        return (nil, process.finish())
    }
}

/// An OLE file: Outlook's `.msg`, old Word, Excel and PowerPoint, or an encrypted OOXML
/// document. What it is say the names of its streams.
final class OLEReader: DocumentProducer {
    static let signature: [UInt8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]

    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let isPlainFile: Bool
    private let budget: UnpackBudget?

    init(_ reader: ByteReader, address: String, depth: Int, isPlainFile: Bool, budget: UnpackBudget?) {
        self.reader = reader
        self.address = address
        self.depth = depth
        self.isPlainFile = isPlainFile
        self.budget = budget
    }

    /// In the CurrentUserAtom of a show that is encrypted: its size, and the token that says so ([MS-PPT] 2.3.2).
    private static let encryptedShow: [UInt8] = [0x14, 0, 0, 0, 0xDF, 0xC4, 0xD1, 0xF3]

    private static func wide(_ name: String) -> [UInt8] {
        name.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    }

    func step(_ context: StreamContext) -> Bool {
        guard let spool = Spool.keep(reader, address: address, context) else { return false }
        if spool.contains(Self.wide("EncryptedPackage")) {
            context.emitFailure(
                address, .failed(.encrypted), "an OOXML document that is encrypted with a password")
        } else if spool.contains(Self.wide("__properties_version1.0")) {
            readMessage(spool, context)
        } else if spool.contains(Self.wide("WordDocument")) {
            readText(spool, .doc, Tool.word, ["-d", "utf-8", "-w"], "an old Word document (.doc)", context)
        } else if spool.contains(Self.wide("Workbook")) || spool.contains(Self.wide("Book")) {
            readText(spool, .xls, Tool.excel, ["-d", "utf-8"], "an old Excel workbook (.xls)", context)
        } else if spool.contains(Self.wide("PowerPoint Document")) {
            if spool.contains(Self.encryptedShow) {
                context.emitFailure(address, .failed(.encrypted), "an old PowerPoint show that is encrypted")
                return false
            }
            readText(spool, .ppt, Tool.powerPoint, ["-d", "utf-8"], "an old PowerPoint show (.ppt)", context)
        } else {
            context.emitFailure(
                address, .skipped(.unsupported),
                "an OLE file, but no Outlook message, Word, Excel or PowerPoint")
        }
        return false
    }

    private func readMessage(_ spool: Spool, _ context: StreamContext) {
        guard let path = ToolProcess.path(of: Tool.outlookMessage.program) else {
            return context.emitFailure(
                address, .skipped(.unsupported),
                Tool.missing("an Outlook message (.msg)", Tool.outlookMessage))
        }
        switch ToolProcess.start(path, ["--outfile", "/dev/stdout", "/dev/stdin"], input: spool.descriptor) {
        case .failure(let failure): context.emitFailure(address, .failed(failure.reason), failure.message)
        case .success(let process):
            let output = ByteReader(process)
            var (message, isCut) = output.readAll(limit: context.limits.maxMessageBytes)
            let words = process.finish()
            if message.isEmpty {
                let reason = output.failure?.reason ?? .damaged
                return context.emitFailure(
                    address, .failed(reason), output.failure?.message ?? "msgconvert: \(words ?? "no output")"
                )
            }
            var envelope = MailReader.Envelope(
                source: isPlainFile ? SourceSpan(start: 0, end: spool.count) : nil,
                missingBytes: isCut ? 1 : 0, failure: output.failure)
            if let words {
                envelope.failure = SourceFailure(reason: .damaged, message: "msgconvert: \(words)")
            }
            MailReader(context, depth: depth, budget: budget).read(
                &message, address: address, envelope: envelope)
        }
    }

    private func readText(
        _ spool: Spool, _ kind: DocumentKind, _ tool: (program: String, package: String),
        _ arguments: [String],
        _ what: String, _ context: StreamContext
    ) {
        guard let path = ToolProcess.path(of: tool.program) else {
            return context.emitFailure(address, .skipped(.unsupported), Tool.missing(what, tool))
        }
        switch ToolProcess.start(path, arguments + ["/dev/stdin"], input: spool.descriptor) {
        case .failure(let failure): context.emitFailure(address, .failed(failure.reason), failure.message)
        case .success(let process):
            let output = ByteReader(process)
            let writer = DocumentWriter(context, Document(address: address, kind: kind))
            guard let decoder = CharsetDecoder("UTF-8") else { return }
            var isRead = false
            while case let block = output.look(), !writer.isFull {
                var utf8: [UInt8] = []
                decoder.decode(block, isLast: block.isEmpty, into: &utf8)
                utf8.removeAll { $0 == 0x0C }
                if !isRead { isRead = !utf8.allSatisfy(isSpace) }
                writer.append(utf8)
                if block.isEmpty { break }
                output.consume(block.count)
            }
            let words = writer.isFull || output.failure != nil ? nil : process.finish()
            if !isRead {
                if let failure = output.failure {
                    return context.emitFailure(address, .failed(failure.reason), failure.message)
                }
                guard let complaint = words ?? process.complaint else {
                    return context.emitFailure(
                        address, .skipped(.empty), "\(tool.program): it found no text")
                }
                let isEncrypted = words?.asciiLowercased.contains("encrypted") == true
                return context.emitFailure(
                    address, .failed(isEncrypted ? .encrypted : .damaged), "\(tool.program): \(complaint)")
            }
            var status = ItemStatus.ok
            if let failure = output.failure {
                writer.warn(failure.message)
                status = .partial(failure.reason)
            } else if let words {
                writer.warn("\(tool.program): \(words)")
                status = .partial(.damaged)
            }
            writer.finish(status, source: isPlainFile ? SourceSpan(start: 0, end: spool.count) : nil)
        }
    }
}

/// Outlook's mailbox (`.pst`, `.ost`) by `readpst`, which writes one mbox a folder into a
/// temporary folder; they are read from there and the folder is removed.
final class OutlookMailboxReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private var folder: String?

    init(_ reader: ByteReader, address: String, depth: Int) {
        self.reader = reader
        self.address = address
        self.depth = depth
    }

    deinit { if let folder { TemporaryFolder.remove(folder) } }

    func step(_ context: StreamContext) -> Bool {
        if folder != nil { return false }
        guard let path = ToolProcess.path(of: Tool.outlookMailbox.program) else {
            context.emitFailure(
                address, .skipped(.unsupported),
                Tool.missing("an Outlook mailbox (.pst)", Tool.outlookMailbox))
            return false
        }
        guard let spool = Spool.keep(reader, address: address, context) else { return false }
        guard let folder = TemporaryFolder.make() else {
            context.emitFailure(address, .failed(.unreadable), "no temporary folder: \(systemMessage(errno))")
            return false
        }
        self.folder = folder
        let arguments = ["-q", "-r", "-w", "-j", "0", "-o", folder, "/dev/stdin"]
        // It writes files and says nothing; its processor time is limited.
        switch ToolProcess.start(path, arguments, input: spool.descriptor, silenceSeconds: 3600) {
        case .failure(let failure):
            context.emitFailure(address, .failed(failure.reason), failure.message)
            return false
        case .success(let process):
            let output = ByteReader(process)
            _ = output.readAll(limit: 0)
            if let words = output.failure?.message ?? process.finish() {
                context.emitFailure(
                    address, .failed(output.failure?.reason ?? .damaged), "readpst: \(words)")
            }
        }
        PathOpener.open(Array(folder.utf8), address: address + "!", parents: [], walk: .init(), context)
        return true
    }
}

/// Folders that a program writes into.
enum TemporaryFolder {
    static func make() -> String? {
        var template = Array((temporaryFolder() + "/lector-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ path: String) {
        if let folder = opendir(path) {
            var names: [String] = []
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != "." && name != ".." { names.append("\(path)/\(name)") }
            }
            closedir(folder)
            for name in names where unlink(name) != 0 { remove(name) }
        }
        rmdir(path)
    }
}

/// A xar archive, turned into tar by `bsdtar`: libarchive's reader of xar (3.6.2) loops for ever
/// on some damaged ones, and a program can be stopped.
final class XarReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let budget: UnpackBudget?
    private var process: ToolProcess?

    init(_ reader: ByteReader, address: String, depth: Int, budget: UnpackBudget?) {
        self.reader = reader
        self.address = address
        self.depth = depth
        self.budget = budget
    }

    func step(_ context: StreamContext) -> Bool {
        if let process {
            if let words = process.finish() {
                context.emitFailure(address, .failed(.damaged), "bsdtar: \(words); the rest is not read")
            }
            return false
        }
        guard let path = ToolProcess.path(of: Tool.xar.program) else {
            context.emitFailure(address, .skipped(.unsupported), Tool.missing("a xar archive", Tool.xar))
            return false
        }
        guard let spool = Spool.keep(reader, address: address, context) else { return false }
        let arguments = ["-c", "-f", "-", "--format=pax", "@/dev/stdin"]
        switch ToolProcess.start(path, arguments, input: spool.descriptor, silenceSeconds: 5) {
        case .failure(let failure):
            context.emitFailure(address, .failed(failure.reason), failure.message)
            return false
        case .success(let started):
            process = started
            context.push(
                ArchiveReader(
                    ByteReader(started), address: address, depth: depth + 1, budget: budget,
                    limits: context.limits))
            return true
        }
    }
}

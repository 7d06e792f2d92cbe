import ArgumentParser
import Documents
import Glibc
import Ingest
import JSON

struct DocumentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "documents",
        abstract: "Reads inputs and prints one JSON row a document; no model is used.",
        discussion: """
            INPUT is a file, a folder, an archive or '-', several of them too. What it is is told by
            its content: mailboxes, mails, archives, HTML, XML, plain text.

            EXAMPLES
              lector documents inbox.mbox
              lector documents --text letter.eml
              lector documents --metadata mail.zip -o metadata.jsonl
              tar c ~/Mail | lector documents - | grep '"failed'

            EXIT STATUS
              0 every row is ok; 1 finished, some rows are not; 64 usage; 74 the output cannot be
              written
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Flag(help: "Print the decoded text of the documents and nothing else.")
    var text = false

    @Flag(help: "Print only item, status and metadata.")
    var metadata = false

    @Flag(help: "Rows are JSON anyway; accepted so that every verb has it.")
    var json = false

    @Option(name: .short, help: "Write to a file.")
    var output: String?

    @Flag(help: "Leave out files whose name begins with a dot.")
    var skipHidden = false

    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    func validate() throws {
        if text && metadata {
            throw ValidationError("--text and --metadata print different things; choose one")
        }
    }

    func run() throws {
        var options = IngestOptions(limits: try limits.limits())
        options.includesHidden = !skipHidden
        do {
            let output = try OutputFile(path: output)
            let isComplete = try print(DocumentStream(inputs: inputs, options: options), output)
            try output.finish()
            if !isComplete { throw ExitCode(1) }
        } catch let error as OutputFile.Failure {
            CommandSupport.complain(error.description)
            throw ExitCode(74)
        }
    }

    /// - Returns: Whether every row is ok.
    private func print(_ stream: DocumentStream, _ output: OutputFile) throws -> Bool {
        var isComplete = true
        var document: Document?
        var parts: [(address: String, bytes: Int)] = []
        var progress = DocumentProgress()
        while let event = stream.next() {
            switch event {
            case .begin(let begun):
                document = begun
                parts = []
            case .text(let chunk):
                progress.addText(chunk.utf8.count)
                if text {
                    try output.write(chunk.utf8)
                } else if parts.last?.address == chunk.part {
                    parts[parts.count - 1].bytes += chunk.utf8.count
                } else {
                    parts.append((chunk.part, chunk.utf8.count))
                }
            case .end(let end):
                progress.addDocument(end.status)
                isComplete = isComplete && end.status.isComplete
                guard let document else { continue }
                if text {
                    if !end.status.isComplete {
                        progress.clear()
                        CommandSupport.complain("\(TerminalText.sanitized(document.address)): \(end.status)")
                    }
                } else {
                    let row = metadata ? metadataRow(document, end) : row(document, parts, end)
                    try output.write(row.bytes)
                    try output.write([0x0A])
                }
            }
        }
        progress.clear()
        return isComplete
    }

    private func metadataRow(_ document: Document, _ end: DocumentEnd) -> JSONValue {
        .object([
            JSONMember("item", .string(document.address)),
            JSONMember("status", .string(end.status.description)),
            JSONMember("metadata", metadataValue(document)),
        ])
    }

    /// Fields in source order; one that stands several times is a list.
    private func metadataValue(_ document: Document) -> JSONValue {
        var members: [JSONMember] = []
        for field in document.metadata {
            if let index = members.firstIndex(where: { $0.name == field.name }) {
                let values = members[index].value.array ?? [members[index].value]
                members[index].value = .array(values + [.string(field.value)])
            } else {
                members.append(JSONMember(field.name, .string(field.value)))
            }
        }
        return .object(members)
    }

    private func row(_ document: Document, _ parts: [(address: String, bytes: Int)], _ end: DocumentEnd)
        -> JSONValue
    {
        var members = [
            JSONMember("item", .string(document.address)),
            JSONMember("kind", .string(document.kind.rawValue)),
            JSONMember("status", .string(end.status.description)),
            JSONMember("bytes", .integer(end.textBytes)),
            JSONMember("metadata", metadataValue(document)),
            JSONMember(
                "attachments",
                .array(
                    document.attachments.map {
                        .object([
                            JSONMember("name", .string($0.name)), JSONMember("type", .string($0.mediaType)),
                            JSONMember("bytes", $0.bytes.map { .integer($0) } ?? .null),
                        ])
                    })),
            JSONMember(
                "parts",
                .array(
                    parts.map {
                        .object([
                            JSONMember("part", .string($0.address)), JSONMember("bytes", .integer($0.bytes)),
                        ])
                    })),
            JSONMember("warnings", .array(end.warnings.map { .string($0) })),
        ]
        if !end.contentDigest.isEmpty { members.append(JSONMember("digest", .string(end.contentDigest))) }
        if let source = end.source {
            members.append(
                JSONMember(
                    "source",
                    .object([
                        JSONMember("start", .integer(source.start)), JSONMember("end", .integer(source.end)),
                    ])))
        }
        return .object(members)
    }
}

/// The limits of ingestion as options, for every verb that reads inputs.
struct LimitOptions: ParsableArguments {
    @Option(help: "Containers inside containers (limit.depth).")
    var maxDepth = IngestLimits().maxDepth

    @Option(help: "Entries of one archive or folder (limit.entries).")
    var maxEntries = IngestLimits().maxEntries

    @Option(help: "Unpacked bytes for each packed byte (limit.ratio).")
    var maxRatio = IngestLimits().maxRatio

    @Option(help: "Bytes unpacked from one archive, such as 500M or 64G (limit.bytes).")
    var maxUnpacked = ByteCount(IngestLimits().maxUnpackedBytes)

    @Option(help: "Decoded text of one document (limit.bytes).")
    var maxDocument = ByteCount(IngestLimits().maxDocumentBytes)

    @Option(help: "Bytes of one mail, which is held in memory (limit.bytes).")
    var maxMessage = ByteCount(IngestLimits().maxMessageBytes)

    func limits() throws -> IngestLimits {
        var limits = IngestLimits()
        limits.maxDepth = maxDepth
        limits.maxEntries = maxEntries
        limits.maxRatio = maxRatio
        limits.maxUnpackedBytes = maxUnpacked.bytes
        limits.maxDocumentBytes = maxDocument.bytes
        limits.maxMessageBytes = maxMessage.bytes
        let isSound = maxDepth >= 0 && maxEntries >= 1 && maxRatio >= 1
        guard isSound else { throw ValidationError("a limit must be a positive number") }
        guard maxMessage.bytes <= 1 << 30 else {
            throw ValidationError("--max-message: a mail is held in memory; at most 1G")
        }
        return limits
    }
}

/// A number of bytes as people write it: `500`, `64K`, `20M`, `1G`, `2T`.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
    var bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var digits = Substring(argument.uppercased())
        var shift = 0
        if digits.hasSuffix("IB") {
            digits = digits.dropLast(2)
        } else if digits.hasSuffix("B") {
            digits = digits.dropLast()
        }
        if let unit = digits.last.flatMap({ units[$0] }) {
            shift = unit
            digits = digits.dropLast()
        }
        guard let number = Int(digits), number > 0, number <= Int.max >> shift else { return nil }
        bytes = number << shift
    }

    var description: String {
        for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")]
        where bytes % (1 << shift) == 0 && bytes > 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    var defaultValueDescription: String { description }
}

/// One line on stderr while documents are read, where that is a terminal.
private struct DocumentProgress {
    private let isShown = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0
    private var documents = 0
    private var failures = 0
    private var bytes = 0
    private var lastShown = 0
    private var isOnScreen = false

    mutating func addText(_ count: Int) {
        bytes += count
        show()
    }

    mutating func addDocument(_ status: ItemStatus) {
        documents += 1
        if !status.isComplete { failures += 1 }
        show()
    }

    mutating func clear() {
        if isOnScreen { CommandSupport.put("\r\u{1B}[K", to: STDERR_FILENO) }
        isOnScreen = false
    }

    private mutating func show() {
        guard isShown else { return }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let tenths = now.tv_sec * 10 + now.tv_nsec / 100_000_000
        if tenths - lastShown < 2 { return }
        lastShown = tenths
        isOnScreen = true
        CommandSupport.put(
            "\r\u{1B}[K\(documents) documents, \(bytes >> 20) MiB of text, \(failures) not ok",
            to: STDERR_FILENO)
    }
}

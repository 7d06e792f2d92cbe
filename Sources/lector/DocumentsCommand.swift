import ArgumentParser
import Documents
import Glibc
import Ingest
import JSON
import Pipelines

struct DocumentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "documents",
        abstract: "Reads inputs and prints one JSON row a document; no model is used.",
        discussion: """
            INPUT is a file, a folder, an archive or '-', several of them too. What it is is told by
            its content: mailboxes (mbox, Maildir, MH, Outlook .pst), mails (.eml, .emlx, .msg,
            winmail.dat), archives, Word, Excel, PowerPoint, OpenDocument, EPUB, PDF, RTF, HTML, XML,
            plain text. PDF, .msg, .pst and old Office files are read by programs of Debian; a row
            names the package where one is missing. Attachments are documents of their own, after the
            mail that holds them.

            --follow waits for more, as tail -F does. A mail of a mailbox is complete when the next one begins, or when
            the file ends in an empty line and did not grow for two seconds; one that goes on after that gets its row again.
            A mailbox that became shorter, was replaced or rewritten with another length is read from its start; standard error
            says so. Ctrl-C ends after whole rows, names the first mail that has none, and gives the file of -o its name.

            EXAMPLES
              lector documents inbox.mbox
              lector documents --text letter.eml
              lector documents --metadata mail.zip -o metadata.jsonl
              tar c ~/Mail | lector documents - | grep '"failed'
              lector documents --stats ~/Mail
              lector documents dump.xml --xml-record mediawiki/page --xml-text revision/text
              lector documents reviews.jsonl --json-text body
              lector documents --follow /var/mail/ada --metadata | jq .metadata.subject

            EXIT STATUS
              0 every row is ok; 1 finished, some rows are not; 64 usage; 65 data; 74 I/O; 130 and 143
              stopped by a signal
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "input"))
    var inputs: [String]

    @Flag(help: "Print the decoded text of the documents, each part on lines of its own, and nothing else.")
    var text = false

    @Flag(help: "Print only item, status and metadata.")
    var metadata = false

    @Flag(help: "Print counts by kind and status, duplicates and threads; no rows.")
    var stats = false

    @Flag(help: "Add to each row its thread, and which earlier document it repeats.")
    var threads = false

    @Flag(
        help:
            "Go on with a mailbox that grows: a row for each mail once it is complete, until Ctrl-C.")
    var follow = false

    @Flag(help: "Rows are JSON anyway; accepted so that every verb has it.")
    var json = false

    @Option(name: .short, help: "Write to a file.")
    var output: String?

    @Flag(help: "Leave out files whose name begins with a dot.")
    var skipHidden = false

    @Flag(inversion: .prefixedNo, help: "Open attachments and files inside documents.")
    var attachments = true

    @OptionGroup(title: "Documents")
    var reading: ReadingOptions

    func validate() throws {
        if [text, metadata, stats].count(where: { $0 }) > 1 {
            throw ValidationError("--text, --metadata and --stats print different things; choose one")
        }
        if follow, inputs.count != 1 || inputs[0] == "-" {
            throw ValidationError("--follow takes one mailbox, a plain file")
        }
    }

    func run() throws {
        try CommandSupport.run { try print() }
    }

    private func print() throws -> Int32 {
        var options = try reading.over()
        options.includesHidden = !skipHidden
        options.opensAttachments = attachments
        do {
            let output = try OutputFile(path: output)
            var printer = DocumentPrinter(self, output)
            var signal: Int32?
            if follow {
                StopSignal.install()
                let follower = try MailboxFollower(inputs[0], options: options) {
                    try printer.take($0)
                } say: {
                    printer.say($0)
                }
                signal = try follower.run { try output.flush() }
            } else {
                let stream = DocumentStream(inputs: inputs, options: options)
                while let event = stream.next() { try printer.take(event) }
            }
            try printer.finish()
            try output.finish()
            return signal.map { StopSignal.exitStatus($0) } ?? (printer.isComplete ? 0 : 1)
        } catch let error as OutputFile.Failure {
            CommandSupport.complain(error.description)
            return 74
        }
    }

    fileprivate func metadataRow(_ document: Document, _ end: DocumentEnd) -> JSONValue {
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

    fileprivate func row(_ document: Document, _ parts: [PartRow], _ end: DocumentEnd)
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
                    parts.map(\.row))),
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

/// Prints documents as the command says.
private struct DocumentPrinter {
    private let command: DocumentsCommand
    private let output: OutputFile
    /// Whether every row is ok.
    private(set) var isComplete = true
    private var document: Document?
    private var parts: [PartRow] = []
    private var progress = DocumentProgress()
    private var counts = DocumentCounts()
    private var threads = MailThreads()
    /// The part of the document whose text was written last, and whether its last line has not ended.
    private var part: String?
    private var isLineOpen = false

    init(_ command: DocumentsCommand, _ output: OutputFile) {
        self.command = command
        self.output = output
    }

    mutating func take(_ event: DocumentEvent) throws {
        switch event {
        case .begin(let begun):
            document = begun
            parts = []
            part = nil
        case .text(let chunk):
            progress.addText(chunk.utf8.count)
            if command.text {
                try write(chunk)
            } else if parts.last?.address == chunk.part {
                parts[parts.count - 1].add(chunk)
            } else {
                parts.append(PartRow(chunk))
            }
        case .end(let end):
            progress.addDocument(end.status)
            isComplete = isComplete && end.status.isComplete
            if let document { try print(document, end) }
        }
    }

    /// Each part on lines of its own, so that no words of two become one.
    private mutating func write(_ chunk: TextChunk) throws {
        guard let last = chunk.utf8.last else { return }
        if isLineOpen, part != chunk.part { try output.write([0x0A]) }
        try output.write(chunk.utf8)
        (part, isLineOpen) = (chunk.part, last != 0x0A)
    }

    private mutating func print(_ document: Document, _ end: DocumentEnd) throws {
        if command.stats {
            counts.add(document, end, threads.place(document, end))
        } else if command.text {
            if !end.status.isComplete { say("\(TerminalText.sanitized(document.address)): \(end.status)") }
        } else {
            var row =
                command.metadata ? command.metadataRow(document, end) : command.row(document, parts, end)
            if command.threads { row = row.adding(threads.place(document, end).members) }
            try output.write(row.bytes)
            try output.write([0x0A])
        }
    }

    mutating func say(_ text: String) {
        progress.clear()
        CommandSupport.complain(text)
    }

    mutating func finish() throws {
        progress.clear()
        if command.stats {
            try output.write(command.json ? counts.row.bytes + [0x0A] : Array(counts.text.utf8))
        }
    }
}

/// A part of a document as its row names it.
private struct PartRow {
    let address: String
    private var bytes: Int
    private var source: SourceSpan?
    /// What the text was decoded from, where that is one stretch; the file's own row says it
    /// where no encoding stands between.
    private var origin: TextOrigin?

    init(_ chunk: TextChunk) {
        address = chunk.part
        bytes = chunk.utf8.count
        source = chunk.source
        origin = chunk.origins.count == 1 ? chunk.origins[0] : nil
    }

    mutating func add(_ chunk: TextChunk) {
        bytes += chunk.utf8.count
        if let more = chunk.origins.first, chunk.origins.count == 1, let last = origin,
            more.container == last.container, more.transfer == last.transfer, more.charset == last.charset,
            more.bytes.start == last.bytes.start || more.bytes.start == last.bytes.end
        {
            origin!.range = last.range.lowerBound..<more.range.upperBound
            origin!.bytes.end = more.bytes.end
        } else {
            origin = nil
        }
        if let more = chunk.source, source?.end == more.start { source!.end = more.end } else { source = nil }
    }

    /// With the slice of the file, where all of the text is one.
    var row: JSONValue {
        var members = [JSONMember("part", .string(address)), JSONMember("bytes", .integer(bytes))]
        if let source {
            members.append(
                JSONMember(
                    "source",
                    .object([
                        JSONMember("start", .integer(source.start)), JSONMember("end", .integer(source.end)),
                    ])))
        } else if let origin {
            members.append(
                JSONMember(
                    "origin",
                    .object([
                        JSONMember("container", .string(origin.container)),
                        JSONMember("start", .integer(origin.bytes.start)),
                        JSONMember("end", .integer(origin.bytes.end)),
                        JSONMember("transfer", .string(origin.transfer.rawValue)),
                        JSONMember("charset", .string(origin.charset)),
                    ])))
        }
        return .object(members)
    }
}

extension JSONValue {
    fileprivate func adding(_ more: [JSONMember]) -> JSONValue { .object((members ?? []) + more) }
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

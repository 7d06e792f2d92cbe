import Digests
import Documents
import Glibc
import Ingest
import JSON

/// A run whose rows are made one document at a time: extraction, summaries.
///
/// Rows, and what the sections of a long document gave, go to a journal under the state folder as they are ready,
/// named by everything that decides them, so that the same command goes on where a killed one stopped; the outputs
/// are written from it at the end.
package struct AnswerRun {
    package struct Summary: Sendable, Equatable {
        package var documents = 0
        package var incomplete = 0
        package var tokens = 0
        /// Rows that an earlier process had made.
        package var resumed = 0
        package var seconds = 0.0
        /// The signal that stopped the run.
        package var stopped: Int32?

        package var exitStatus: Int32 {
            stopped.map { StopSignal.exitStatus($0) } ?? (incomplete == 0 ? 0 : 1)
        }
    }

    /// Makes the row of a document out of its events.
    package protocol RowMaker: AnyObject {
        /// Begins a document.
        ///
        /// - Parameter parts: What ``takePart()`` gave of it in a process that was stopped, in order.
        func begin(_ document: Document, after parts: [JSONValue])
        /// Takes text; long documents are worked on as they come.
        func append(_ event: DocumentEvent) throws
        /// What was found since the last call in a document that goes on, to be kept for a process that goes on with it.
        func takePart() -> JSONValue?
        /// The row of the document; nil where rows come at the end alone.
        func finish(_ end: DocumentEnd) throws -> JSONValue?
        /// Rows of several documents each, when all are read.
        func close() throws -> [JSONValue]
        /// Whether rows come at the end alone: a run that was killed then begins again.
        var isGrouped: Bool { get }
        /// Tokens read and written so far.
        var rows: Int { get }
    }

    private let inputs: DocumentInputs
    private let sample: Int?
    private let journalPath: String

    /// - Parameters:
    ///   - identity: Everything besides the inputs that decides a row.
    ///   - sample: Documents to work on, chosen by digest; nil for all.
    package init(
        inputs: DocumentInputs, identity: String, stateFolder: String, sample: Int? = nil
    ) throws(PipelineError) {
        self.inputs = inputs
        self.sample = sample
        let folder = stateFolder + "/answers"
        try FileSystem.makeFolder(folder)
        var spool: String?
        if inputs.includesStandardInput {
            let path = "\(folder)/stdin.\(getpid())"
            try StandardInput.spool(to: path)
            spool = path
        }
        let inventory = try InputInventory(paths: inputs.paths, spool: spool)
        if let spool {
            // The copy stays as long as it is open.
            try StandardInput.replace(with: spool)
            unlink(spool)
        }
        let chosen = sample.map { "\nsample \($0)" } ?? ""
        let reading = ReadingConfiguration(inputs.reading).json.map { "\nreading \($0.text)" } ?? ""
        let digest =
            SHA256.digest(of: "answers 2\n\(identity)\(chosen)\(reading)\n\(inventory.json.text)".utf8).hex
        journalPath = "\(folder)/\(digest.prefix(32)).jsonl"
    }

    /// Reads every document and hands its row on, in the order of the input.
    package func run(_ maker: some RowMaker, progress: ProgressMeter, emit: (JSONValue) throws -> Void) throws
        -> Summary
    {
        let start = Clock.seconds
        var summary = Summary()
        let journal = try RowJournal(journalPath)
        defer { journal.close() }
        var done = 0
        // Other passwords can open other documents, and no file tells which they were: what was not opened is tried again,
        // and the items of the rows before it are compared.
        let hasPasswords = !inputs.reading.passwords.isEmpty
        var items: [Int] = []
        if maker.isGrouped { try journal.clear() }
        // Of the document that was being read.
        var parts: [JSONValue] = []
        try journal.replay { row in
            if let part = row["part"] {
                parts.append(part)
                return true
            }
            if hasPasswords {
                if row["status"]?.string == ItemStatus.failed(.encrypted).description { return false }
                items.append((row["item"]?.string ?? "").hashValue)
            }
            parts = []
            done += 1
            count(row, &summary)
            try emit(row)
            return true
        }
        summary.resumed = done
        var places: ArraySlice<Int>?
        if let sample { places = try SampleSelection(sample, of: inputs).places[...] }
        if inputs.includesStandardInput { StandardInput.rewind() }
        var (place, documentsSeen, isChosen) = (-1, 0, true)
        let stream = inputs.documents()
        while let event = stream.next() {
            if let signal = StopSignal.received {
                summary.stopped = signal
                break
            }
            if case .begin = event, places != nil {
                documentsSeen += 1
                isChosen = places?.first == documentsSeen - 1
                if isChosen { places?.removeFirst() }
            }
            guard isChosen else { continue }
            if case .begin(let document) = event {
                place += 1
                if place >= done {
                    maker.begin(document, after: parts)
                    parts = []
                }
                if hasPasswords, place < done, items[place] != document.address.hashValue {
                    throw PipelineError.data(
                        "\(TerminalText.sanitized(document.address)) is not what a stopped command read there: the "
                            + "passwords are others. Give those of before, or remove \(TerminalText.sanitized(journalPath)) to begin anew"
                    )
                }
            }
            guard place >= done else { continue }
            try maker.append(event)
            if case .end(let end) = event {
                if let row = try maker.finish(end) {
                    try journal.append(row)
                    count(row, &summary)
                    try emit(row)
                }
                progress.counts.documents = place + 1
                progress.counts.lastSafe = Clock.seconds
            } else if let part = maker.takePart() {
                try journal.append(.object([JSONMember("part", part)]))
                progress.counts.lastSafe = Clock.seconds
            }
            progress.counts.tokens = maker.rows
            progress.tick()
        }
        if summary.stopped == nil {
            for row in try maker.close() {
                count(row, &summary)
                try emit(row)
            }
        }
        summary.tokens = maker.rows
        summary.seconds = Clock.seconds - start
        return summary
    }

    private func count(_ row: JSONValue, _ summary: inout Summary) {
        summary.documents += 1
        if ItemStatus(row["status"]?.string ?? "")?.isComplete != true { summary.incomplete += 1 }
    }

    /// Forgets the journal: the outputs hold everything.
    package func finish() { unlink(journalPath) }
}

/// Rows as lines; a line that was cut off by a kill is taken back.
private final class RowJournal {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws(PipelineError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.error("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(descriptor)
            throw .busy("another lector works on the same rows; wait for it, or stop it")
        }
    }

    /// - Parameter body: Takes a line; false when it and what follows it are to be taken back.
    func replay(_ body: (JSONValue) throws -> Bool) throws {
        var reader = try LineReader(path)
        var whole = 0
        while let line = try reader.next() {
            guard let row = try? JSONValue(parsing: line.bytes), try body(row) else { break }
            whole += line.bytes.count + 1
        }
        guard ftruncate(descriptor, off_t(whole)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
            throw FileSystem.error("write", path)
        }
    }

    /// Forgets every row.
    func clear() throws(PipelineError) {
        guard ftruncate(descriptor, 0) == 0 else { throw FileSystem.error("write", path) }
    }

    func append(_ row: JSONValue) throws(PipelineError) {
        var bytes = row.bytes
        bytes.append(0x0A)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress! + done, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileSystem.error("write", path) }
            done += count
        }
        guard fdatasync(descriptor) == 0 else { throw FileSystem.error("write", path) }
    }

    func close() { Glibc.close(descriptor) }
}

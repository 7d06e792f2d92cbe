import Answers
import Digests
import Documents
import Evaluation
import Glibc
import Ingest
import JSON

/// `lector apply`: acts on the labels of a finished run, on copies.
///
/// The input is read once more, without a model, and every document must have the content
/// that the run labelled; at the first that has not, nothing is kept. The original bytes of
/// each mail are then copied from its slice of its file. Mails inside archives have no such
/// slice: they are counted and named, never left out in silence.
package struct ApplyRun {
    package struct Summary: Sendable, Equatable {
        package var written = 0
        /// Rows that are no mail in a plain file, with the reason; the first few.
        package var leftOut: [String] = []
        package var leftOutCount = 0

        package var json: JSONValue {
            .object([
                JSONMember("written", .integer(written)), JSONMember("leftOut", .integer(leftOutCount)),
            ])
        }

        /// 0 when every row was acted on, else 1.
        package var exitStatus: Int32 { leftOutCount == 0 ? 0 : 1 }
    }

    private let folder: RunFolder
    private let manifest: RunManifest
    private let inputs: DocumentInputs
    private let target: ApplyTarget
    private let output: String

    /// - Throws: `.usage` for an output folder that holds something, `.configuration` for a run
    ///   that is not finished.
    package init(
        _ folder: RunFolder, to target: ApplyTarget, output: String, passwords: [String] = []
    ) throws(PipelineError) {
        self.folder = RunFolder(FileSystem.absolute(folder.path))
        self.target = target
        self.output = FileSystem.absolute(output)
        manifest = try RunManifest(path: self.folder.manifestPath)
        inputs = try manifest.inputs(passwords: passwords)
        guard self.folder.isFinished else {
            throw .configuration(
                "the run \(TerminalText.sanitized(folder.path)) is not finished; first: lector resume "
                    + TerminalText.sanitized(folder.path))
        }
        if FileSystem.exists(output), (try? FileSystem.names(in: output))?.isEmpty != true {
            throw .usage(
                "\(TerminalText.sanitized(output)) is there already; give a folder that is not, or an empty one"
            )
        }
        if inputs.includesStandardInput {
            try StandardInput.replace(with: self.folder.standardInputPath)
        }
    }

    /// Reads the input again, from the folder in which the run was begun, and writes.
    package func run() throws -> Summary {
        guard chdir(manifest.workingFolder) == 0 else {
            throw FileSystem.error("enter", manifest.workingFolder)
        }
        let digest = String(SHA256.digest(of: manifest.json.bytes).hex.prefix(12))
        let part = output + ".part"
        try FileSystem.makeFolder(FileSystem.parent(of: output))
        guard mkdir(part, 0o700) == 0 else {
            if errno == EEXIST {
                throw PipelineError.io(
                    "\(TerminalText.sanitized(part)) is left from a try before; remove it, then try again")
            }
            throw FileSystem.error("make the folder", part)
        }
        do {
            let summary = try write(to: part, digest: digest)
            rmdir(output)
            guard rename(part, output) == 0 else { throw FileSystem.error("make the folder", output) }
            FileSystem.syncFolder(FileSystem.parent(of: output))
            return summary
        } catch {
            FileSystem.removeTree(part)
            throw error
        }
    }

    private func write(to part: String, digest: String) throws -> Summary {
        var places: [Int: Journal.Place] = [:]
        try Journal.scan(folder.journalPath) { record, place in
            if let record { places[record.index] = places[record.index] ?? place }
        }
        let reader = try JournalReader(folder.journalPath)
        let writer = MailWriter(
            target, folder: part, labels: LabelFiles(manifest.configuration.labels), digest: digest)
        var summary = Summary()
        var chosen = SampleSelection(path: folder.samplePath)?.places[...]
        if manifest.configuration.sample == nil { chosen = nil }
        var place = -1
        var index = -1
        var document: Document?
        let stream = inputs.documents()
        while let event = stream.next() {
            switch event {
            case .begin(let begun):
                place += 1
                document = nil
                if chosen != nil {
                    guard chosen?.first == place else { continue }
                    chosen?.removeFirst()
                }
                index += 1
                document = begun
            case .text: continue
            case .end(let end):
                guard let document else { continue }
                guard let known = places[index] else { throw changed(document) }
                let record = try reader.record(at: known)
                let row = try ClassificationRow(json: record.row)
                guard row.item == document.address, record.contentDigest == end.contentDigest,
                    record.source == end.source
                else { throw changed(document) }
                if let reason = try act(on: document, end, row, index, writer) {
                    summary.leftOutCount += 1
                    if summary.leftOut.count < 10 {
                        summary.leftOut.append("\(TerminalText.sanitized(document.address)): \(reason)")
                    }
                } else {
                    summary.written += 1
                }
            }
        }
        guard index + 1 == places.count else {
            throw PipelineError.data(
                "the input has fewer documents than the run labelled; nothing was written")
        }
        try writer.finish()
        return summary
    }

    private func changed(_ document: Document) -> PipelineError {
        .data(
            "\(TerminalText.sanitized(document.address)) is not what the run labelled: the input changed since. "
                + "Nothing was written; classify it again first")
    }

    /// - Returns: Why the item is left out; nil when it was written.
    private func act(
        on document: Document, _ end: DocumentEnd, _ row: ClassificationRow, _ index: Int,
        _ writer: MailWriter
    ) throws -> String? {
        guard let (file, isMbox) = sourceFile(of: document.address) else {
            return document.address.contains("!/")
                ? "inside an archive; unpack it and classify the files" : "not a file"
        }
        guard isMbox || document.kind == .mail else { return "no mail (\(document.kind.rawValue))" }
        guard !isMbox || end.source != nil else { return "no slice of a file" }
        let path = file == "-" ? folder.standardInputPath : file
        try writer.write(
            { () throws(PipelineError) in try SourceSlice(path, span: end.source) }, isMbox: isMbox,
            source: file, row: row, index: index)
        return nil
    }

    /// The plain file that an address leads into, and whether that is a mailbox.
    private func sourceFile(of address: String) -> (path: String, isMbox: Bool)? {
        if isFile(address) { return (address, false) }
        guard let hash = address.lastIndex(of: "#"), Int(address[address.index(after: hash)...]) != nil else {
            return nil
        }
        let path = String(address[..<hash])
        return path == "-" || isFile(path) ? (path, true) : nil
    }

    private func isFile(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG
    }
}

import Answers
import Documents
import Glibc
import Inference
import Ingest
import JSON

/// One call of `lector classify`, `run` or `resume`: finds or makes the run folder, reads what
/// has no row yet, and writes the results.
///
/// A run stops at any moment and loses at most `checkpointTokens` of work; the results of a
/// run that was stopped and gone on with are the bytes of one that was not.
package final class ClassificationRun {
    /// How a call ended.
    package enum Ending: Equatable {
        case finished(RunSummary)
        /// A signal asked to stop; everything is safe in the folder.
        case stopped(signal: Int32, summary: RunSummary)
    }

    package let request: RunRequest
    package let folder: RunFolder
    package let configuration: RunConfiguration
    private let model: LoadedModel
    private let progress: ProgressMeter
    /// Size of all inputs on disk.
    private let inputBytes: Int
    /// Told what happens, in lines for people; `detail` only matters to the curious.
    private let verbose: Bool

    /// Prepares a run: looks at the inputs, finds the folder and takes it.
    ///
    /// - Parameters:
    ///   - run: The run's folder; nil finds it by name under the state folder.
    ///   - model: Already open.
    /// - Throws: ``PipelineError``: `.configuration` when the folder is a run of something
    ///   else, `.busy` while another process works on it.
    package init(
        _ request: RunRequest, run: String?, stateFolder: String, model: LoadedModel, progress: ProgressMeter,
        verbose: Bool = false
    ) throws(PipelineError) {
        try request.check()
        if let head = request.head {
            do { try head.check(model) } catch { throw .configuration(error.description) }
        }
        self.request = request
        self.model = model
        self.progress = progress
        self.verbose = verbose
        configuration = Self.configuration(request, model: model)

        let readsStandardInput = request.inputs.includesStandardInput
        var spool: String?
        if readsStandardInput {
            let given = run.map { RunFolder($0) }
            if let given, FileSystem.exists(given.standardInputPath) {
                spool = given.standardInputPath
            } else {
                let place = run ?? stateFolder + "/runs"
                try FileSystem.makeFolder(place)
                let path = "\(place)/stdin.\(getpid())"
                try StandardInput.spool(to: path)
                spool = path
            }
        }
        let manifest = RunManifest(
            configuration: configuration,
            inventory: try InputInventory(paths: request.inputs.paths, spool: spool),
            workingFolder: FileSystem.absolute(".").droppingSuffix("/."))
        inputBytes = manifest.inventory.bytes
        folder = RunFolder(run ?? "\(stateFolder)/runs/\(manifest.name)")
        try folder.lock()
        if let spool, spool != folder.standardInputPath {
            guard rename(spool, folder.standardInputPath) == 0 else { throw FileSystem.error("move", spool) }
        }
        try folder.adopt(manifest)
        try AtomicFile.write(request.output.json.indentedText.utf8, to: folder.commandPath)
        if let head = request.head { try AtomicFile.write(head.bytes, to: folder.headPath) }
        if readsStandardInput { try StandardInput.replace(with: folder.standardInputPath) }
    }

    /// Everything that changes rows, from what was asked and the model that answers.
    package static func configuration(_ request: RunRequest, model: LoadedModel) -> RunConfiguration {
        RunConfiguration(
            labels: request.labels, multi: request.multi, instruction: request.instruction,
            threshold: request.threshold ?? (request.multi ? Classification.defaultThreshold : nil),
            maxTokens: request.maxTokens, skipQuoted: request.skipQuoted, sample: request.sample,
            reading: ReadingConfiguration(request.inputs.reading), head: request.head?.digest,
            calibration: request.calibrates && request.head == nil ? LabelCalibration.name : nil,
            modelName: model.name, modelFingerprint: model.engine.fingerprint,
            tokenizerFingerprint: model.tokenizer.fingerprint, numericsClass: model.engine.numericsClass)
    }

    /// Reads what is left, then writes the results.
    package func run() throws -> Ending {
        let live = request.output.files.isEmpty ? LiveRows(unordered: request.output.unordered) : nil
        let store = try RowStore(
            folder, labels: configuration.labels.names, live: live,
            remembersItems: configuration.reading.usesPasswords)
        report(store.recovery)
        var sample: SampleSelection?
        if let count = configuration.sample { sample = try selection(count) }
        if let signal = StopSignal.received { return .stopped(signal: signal, summary: store.summary) }

        var summary = store.summary
        let started = Clock.seconds
        if folder.isFinished {
            if verbose { progress.say("every row was there; the results are written again") }
        } else {
            let states = try SavedStates(folder: folder.statesPath, model: model, finished: store.finished)
            var counter = try WorkCounter(path: folder.workPath)
            let again = try counter.settle(kept: store.work + states.tokens)
            if store.summary.resumedRows > 0 || counter.total > 0 {
                progress.say(
                    "going on: \(store.summary.resumedRows) rows are there, read again: \(again) tokens "
                        + "(at most \(request.output.checkpointTokens))")
            }
            countInput()
            progress.counts.documents = store.finished.count
            let loop = try ClassificationLoop(
                configuration: configuration, head: request.head, model: model, store: store, states: states,
                counter: counter,
                readAgain: again, interval: request.output.checkpointTokens, sample: sample,
                progress: progress)
            let isFinished = try loop.run(request.inputs.documents())
            progress.tick(force: verbose)
            progress.clear()
            try store.sync()
            summary = store.summary
            summary.processTokens = loop.processTokens
            summary.readAgain = loop.readAgain
            summary.seconds = Clock.seconds - started
            guard isFinished else { return .stopped(signal: StopSignal.received ?? SIGINT, summary: summary) }
        }
        summary.sampledFrom = sample?.total
        try AtomicFile.write(summary.json.indentedText.utf8, to: folder.summaryPath)
        try Self.export(request, folder: folder, configuration: configuration, summary: summary)
        SavedStates.removeFolder(folder.statesPath)
        return .finished(summary)
    }

    private func report(_ recovery: Journal.Recovery) {
        if verbose, recovery.tornBytes > 0 {
            progress.say("an unfinished row of \(recovery.tornBytes) bytes was cut off")
        }
        if let aside = recovery.setAside {
            progress.say(
                "\(recovery.damagedLines) rows were damaged on disk and are read again; the damaged journal is kept as "
                    + TerminalText.sanitized(aside))
        }
    }

    private func selection(_ count: Int) throws -> SampleSelection {
        if let known = SampleSelection(path: folder.samplePath) { return known }
        let chosen = try SampleSelection(count, of: request.inputs)
        if request.inputs.includesStandardInput { StandardInput.rewind() }
        if StopSignal.received == nil { try chosen.save(to: folder.samplePath) }
        return chosen
    }

    /// Finds out how much there is to read, where that takes no time to speak of.
    private func countInput() {
        guard configuration.sample == nil else { return }
        let count = InputCount.count(request.inputs, inputBytes: inputBytes, seconds: 2)
        if request.inputs.includesStandardInput { StandardInput.rewind() }
        progress.counts.totalDocuments = count?.documents
        progress.counts.totalTextBytes = count?.textBytes
    }

    /// Writes all result files from the journal. Each appears whole or not at all.
    static func export(
        _ request: RunRequest, folder: RunFolder, configuration: RunConfiguration, summary: RunSummary
    ) throws {
        let files = request.files
        guard !files.isEmpty else { return }
        var note: String?
        if let total = summary.sampledFrom {
            note = "A sample of \(summary.documents) from \(total) documents, chosen by digest."
        }
        let context = ResultContext(
            title: request.inputs.paths.map { TerminalText.sanitized($0) }.joined(separator: " "),
            configuration: configuration, inputs: request.inputs, note: note)
        let writers = try files.map { try context.writer($0) }
        var failure: (any Error)?
        func write(_ row: JSONValue) {
            guard failure == nil else { return }
            do { for writer in writers { try writer.write(row) } } catch { failure = error }
        }
        if request.output.unordered {
            try Journal.scan(folder.journalPath) { record, _ in
                if let record { write(record.row) }
            }
        } else {
            try ResultsReader.rows(of: folder) { write($0) }
        }
        if let failure { throw failure }
        for writer in writers { try writer.finish() }
    }
}

extension String {
    fileprivate func droppingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

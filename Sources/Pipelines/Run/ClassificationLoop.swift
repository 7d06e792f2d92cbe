import Answers
import Checkpoints
import Documents
import Evaluation
import Inference
import Ingest
import JSON

/// Reads documents and sorts them, committing each row as it is ready.
///
/// One thread pulls events from ingestion, fills the classifier and steps it. What is open
/// at any moment is bounded: a few sessions, their tokens, and documents that wait for an
/// open one of which they are duplicates.
final class ClassificationLoop {
    /// A document between its first event and its row.
    private struct Open {
        var document: Document
        var end: DocumentEnd?
        var key: DuplicateIndex.Key?
        var textBytes = 0
        var warnings: [String] = []
        var chain: TokenChain
        /// Appended to the classifier, behind the chain.
        var tokens: [Int32] = []
        var appended = 0
        /// Where an earlier process stopped, with the name of the state there.
        var resumed: SavedStates.Saved?
        /// Tokens that an earlier process read and saved.
        var startedAt = 0
        /// Tokens that are safe in a state, those of earlier processes among them.
        var saved = 0
        var duplicates: [(index: Int, document: Document, end: DocumentEnd)] = []
    }

    /// Tokens of a document that are held until its end, so that a duplicate is known before
    /// it is read; a longer document is read as it comes, and is no one's duplicate.
    static let heldTokens = 65_536

    private let configuration: RunConfiguration
    private let model: LoadedModel
    private let classifier: Classifier
    private let store: RowStore
    private let states: SavedStates
    private let progress: ProgressMeter
    private let interval: Int
    private let sample: SampleSelection?
    /// The rows that are wanted; nil for all.
    private let rows: Range<Int>?
    /// Called now and then; what it throws ends the run.
    var heartbeat: () throws -> Void = {}
    private var counter: WorkCounter
    private var open: [Int: Open] = [:]
    private var openKeys: [DuplicateIndex.Key: Int] = [:]
    private var waitingDuplicates = 0
    /// Tokens that this process sent through the model, and those of them in its rows.
    private(set) var processTokens = 0
    private var rowTokens = 0
    private(set) var readAgain: Int

    init(
        configuration: RunConfiguration, head: LinearHead?, model: LoadedModel, store: RowStore,
        states: SavedStates,
        counter: WorkCounter, readAgain: Int, interval: Int, sample: SampleSelection?,
        rows: Range<Int>? = nil, progress: ProgressMeter
    ) throws {
        self.configuration = configuration
        self.model = model
        self.store = store
        self.states = states
        self.counter = counter
        self.readAgain = readAgain
        self.interval = interval
        self.sample = sample
        self.rows = rows
        self.progress = progress
        var options = Classifier.Options()
        options.maxTokens = configuration.maxTokens
        options.calibrates = configuration.calibration != nil
        options.rowsPerStep = min(options.rowsPerStep, max(16, interval / 4))
        classifier = try Classifier(
            model: model,
            prompt: ClassificationPrompt(
                labels: configuration.labels,
                instruction: configuration.instruction ?? ClassificationPrompt.defaultInstruction),
            options: options,
            readout: configuration.multi ? .eachLabel : head.map { .head($0) } ?? .labels)
    }

    /// Reads all of `stream`, or until a signal asks to stop.
    ///
    /// - Parameter first: The row of its first document.
    /// - Returns: Whether everything has its row.
    func run(_ stream: DocumentStream, first: Int = 0) throws -> Bool {
        var place = -1
        var row = first - 1
        var chosen = sample?.places[...]
        var reader: ItemReader?
        reading: while let event = stream.next() {
            if StopSignal.received != nil {
                try stop()
                return false
            }
            try heartbeat()
            switch event {
            case .begin(let document):
                place += 1
                reader = nil
                if chosen != nil {
                    guard chosen?.first == place else { continue }
                    chosen?.removeFirst()
                }
                row += 1
                if let rows, row >= rows.upperBound { break reading }
                if store.finished.contains(row) {
                    guard store.holds(document.address, at: row) else { throw changed(document) }
                } else if rows?.contains(row) != false {
                    reader = ItemReader(
                        index: row, document: document, tokenizer: model.tokenizer,
                        skipsQuoted: configuration.skipQuoted)
                }
            case .text:
                guard reader != nil else { continue }
                reader!.append(event)
                if open[reader!.index] != nil || reader!.tokens.count >= Self.heldTokens {
                    try passOn(&reader!)
                }
            case .end(let end):
                if rows?.contains(row) != false { progress.counts.textBytes += end.textBytes }
                if var ended = reader {
                    ended.append(event)
                    reader = nil
                    try finish(&ended, end)
                }
                progress.tick()
            }
        }
        while !classifier.isIdle {
            if StopSignal.received != nil {
                try stop()
                return false
            }
            try step()
        }
        precondition(open.isEmpty, "a document has no row")
        return true
    }

    // MARK: Documents in

    /// Gives a long document's tokens on while it is still being read.
    private func passOn(_ reader: inout ItemReader) throws {
        let index = reader.index
        if open[index] == nil { begin(index, reader.document) }
        append(reader.takeTokens(), to: index)
        try pump()
    }

    /// The end of a document: a row at once, a wait for its twin, or its turn to be read.
    private func finish(_ reader: inout ItemReader, _ end: DocumentEnd) throws {
        let index = reader.index
        let isUnread: Bool
        switch end.status {
        case .failed, .skipped: isUnread = true
        default: isUnread = false
        }
        if isUnread || (reader.isEmpty && open[index] == nil) {
            var work = 0
            if let entry = open.removeValue(forKey: index) {
                work = classifier.progress(of: index)?.readTokens ?? entry.startedAt
                rowTokens += work - entry.startedAt
                classifier.cancel(index)
                states.remove(index)
            }
            let status = isUnread ? end.status : ItemStatus.skipped(.empty)
            try commit(unread(reader.document, end, status), index: index, end: end, key: nil, work: work)
            return
        }
        var warnings = end.warnings
        if let warning = reader.languageWarning { warnings.append(warning) }
        if open[index] == nil {
            let key = DuplicateIndex.Key(
                contentDigest: end.contentDigest, status: end.status, tokens: reader.tokens)
            if let place = store.duplicates.place(of: key) {
                let first = try store.row(at: place)
                try commit(
                    duplicate(of: first, reader.document, end), index: index, end: end, key: nil, work: 0)
                return
            }
            if let twin = openKeys[key] {
                open[twin]!.duplicates.append((index, reader.document, end))
                waitingDuplicates += 1
                while waitingDuplicates > 1000 { try step() }
                return
            }
            begin(index, reader.document)
            openKeys[key] = index
            open[index]!.key = key
        }
        append(reader.takeTokens(), to: index)
        open[index]!.end = end
        open[index]!.textBytes = reader.textBytes
        open[index]!.warnings = warnings
        if let resumed = open[index]!.resumed {
            guard open[index]!.appended >= resumed.tokens else { throw changed(open[index]!.document) }
        }
        classifier.finish(index)
        try pump()
    }

    private func begin(_ index: Int, _ document: Document) {
        var entry = Open(document: document, chain: states.chain(prefix: classifier.questions.prefix))
        let saved = states.saved[index]
        let restored = states.restore(index, prefixCount: classifier.questions.prefix.count) { problem in
            progress.say("\(problem) The document is read from its start.")
        }
        if let restored {
            entry.resumed = saved
            entry.startedAt = restored.readTokens
            entry.saved = restored.readTokens
        } else if let saved {
            readAgain += saved.tokens
        }
        open[index] = entry
        classifier.begin(index, resuming: restored)
    }

    private func append(_ tokens: [Int32], to index: Int) {
        // What lies behind --max-tokens is counted and never read.
        let room = max(0, (configuration.maxTokens ?? .max) - open[index]!.appended)
        open[index]!.tokens += tokens.prefix(room)
        open[index]!.appended += tokens.count
        classifier.append(tokens, to: index)
    }

    /// What was saved must belong to what is there now.
    private func verifyResumed(_ index: Int) throws {
        guard let entry = open[index], let resumed = entry.resumed, entry.appended >= resumed.tokens else {
            return
        }
        advanceChain(index, to: resumed.tokens)
        guard open[index]!.chain.key.description == resumed.key else { throw changed(entry.document) }
        open[index]!.resumed = nil
    }

    private func changed(_ document: Document) -> PipelineError {
        .data(
            "\(TerminalText.sanitized(document.address)) is not what it was when the run was stopped"
                + (configuration.reading.usesPasswords ? ", or the passwords are others" : "")
                + "; give another --run folder to read it anew")
    }

    private func advanceChain(_ index: Int, to tokens: Int) {
        let more = tokens - open[index]!.chain.count
        guard more > 0 else { return }
        open[index]!.chain.append(open[index]!.tokens[..<more])
        open[index]!.tokens.removeFirst(more)
    }

    // MARK: Steps

    /// Steps until the classifier could use more documents.
    private func pump() throws {
        while !classifier.wantsMore, !classifier.isIdle, StopSignal.received == nil { try step() }
    }

    private func step() throws {
        try heartbeat()
        for index in open.keys { try verifyResumed(index) }
        try keepWithinInterval()
        try counter.willRead(classifier.options.rowsPerStep)
        let step = classifier.step()
        try counter.didRead(step.rows, of: classifier.options.rowsPerStep)
        processTokens += step.rows
        progress.counts.tokens = processTokens

        for result in step.results { try commit(result) }
        progress.tick()
    }

    /// Saves states so that a kill from here on costs at most the interval.
    private func keepWithinInterval() throws {
        let reserve = 2 * classifier.options.rowsPerStep
        var risk = processTokens - rowTokens - open.values.reduce(0) { $0 + $1.saved - $1.startedAt }
        guard risk + reserve > interval else { return }
        let unsaved = open.keys.map { index in
            (index: index, tokens: (classifier.progress(of: index)?.readTokens ?? 0) - open[index]!.saved)
        }
        for entry in unsaved.sorted(by: { ($1.tokens, $0.index) < ($0.tokens, $1.index) })
        where risk > interval / 4 {
            if try save(entry.index) { risk -= entry.tokens }
        }
        try store.sync()
    }

    /// - Returns: Whether there was something that could be saved.
    private func save(_ index: Int) throws -> Bool {
        guard let now = classifier.progress(of: index), now.readTokens > open[index]!.saved else {
            return false
        }
        advanceChain(index, to: now.readTokens)
        try states.save(now.session, index: index, tokens: now.readTokens, chain: open[index]!.chain)
        open[index]!.saved = now.readTokens
        progress.counts.lastSafe = Clock.seconds
        return true
    }

    /// Makes everything safe before the process ends.
    private func stop() throws {
        for index in open.keys.sorted() {
            try verifyResumed(index)
            _ = try save(index)
        }
        try store.sync()
    }

    // MARK: Rows out

    private func commit(_ result: Classification) throws {
        let index = result.item
        guard let entry = open.removeValue(forKey: index), let end = entry.end else {
            preconditionFailure("row \(index) was not open")
        }
        if let key = entry.key { openKeys[key] = nil }
        let row = self.row(result, entry, end)
        rowTokens += result.rows
        let place = try commit(
            row, index: index, end: end, key: entry.key, work: entry.startedAt + result.rows)
        progress.counts.readTextBytes += entry.textBytes
        states.remove(index)
        if !entry.duplicates.isEmpty {
            let first = try store.row(at: place)
            for twin in entry.duplicates {
                waitingDuplicates -= 1
                try commit(
                    duplicate(of: first, twin.document, twin.end), index: twin.index, end: twin.end, key: nil,
                    work: 0)
            }
        }
    }

    @discardableResult
    private func commit(
        _ row: ClassificationRow, index: Int, end: DocumentEnd, key: DuplicateIndex.Key?, work: Int
    ) throws -> Journal.Place {
        let place = try store.commit(
            Journal.Record(
                index: index, key: key?.text, contentDigest: end.contentDigest, work: work,
                source: end.source,
                row: row.json), key: key)
        progress.counts.documents = store.finished.count
        if !row.status.isComplete { progress.counts.failures += 1 }
        if row.duplicateOf != nil { progress.counts.duplicates += 1 }
        progress.counts.lastSafe = Clock.seconds
        return place
    }

    private func row(_ result: Classification, _ entry: Open, _ end: DocumentEnd) -> ClassificationRow {
        // That no label applies is an answer, and no abstention.
        let multi = configuration.multi
        var status = result.status(threshold: multi ? nil : configuration.threshold)
        if case .partial = end.status { status = end.status }
        let isSure = !multi && result.probability >= configuration.threshold ?? 0
        let threshold = configuration.threshold ?? Classification.defaultThreshold
        return ClassificationRow(
            item: entry.document.address, status: status,
            label: isSure ? configuration.labels[result.best].name : nil,
            labels: multi ? result.labels(threshold: threshold).map { configuration.labels[$0].name } : nil,
            probability: multi ? result.leastProbability(threshold: threshold) : result.probability,
            distribution: zip(configuration.labels, result.distribution).map {
                .init(label: $0.name, probability: $1)
            },
            source: configuration.head == nil ? nil : "head", tokens: result.readTokens, read: result.read,
            metadata: entry.document.metadata,
            attachments: entry.document.attachments, warnings: entry.warnings, model: configuration.modelText)
    }

    private func unread(_ document: Document, _ end: DocumentEnd, _ status: ItemStatus) -> ClassificationRow {
        ClassificationRow(
            item: document.address, status: status, labels: configuration.multi ? [] : nil,
            metadata: document.metadata, attachments: document.attachments, warnings: end.warnings,
            model: configuration.modelText)
    }

    /// The first item's answer in a row of its own.
    private func duplicate(of first: JSONValue, _ document: Document, _ end: DocumentEnd) throws
        -> ClassificationRow
    {
        try ClassificationRow(json: first).duplicate(
            item: document.address, metadata: document.metadata, attachments: document.attachments)
    }
}

import Documents
import Evaluation
import JSON

/// Makes one run of finished shards: afterwards the folder is that of a run that one process did, and the results
/// have the same bytes.
///
/// Shards know nothing of each other, so that an exact duplicate in another shard was read again. Here it becomes
/// what it would have been: a row that points at the first.
package enum ShardMerge {
    /// - Throws: `.busy` while shards are not finished, with their numbers.
    package static func run(_ folder: RunFolder, output: RunRequest.Output?, passwords: [String] = []) throws
        -> (RunSummary, [String])
    {
        guard folder.isPlanned else {
            throw PipelineError.usage("\(TerminalText.sanitized(folder.path)) is not a planned run")
        }
        try folder.lock()
        let manifest = try RunManifest(path: folder.manifestPath)
        var request = try RunRequest(resuming: folder, passwords: passwords)
        if let output { request.output = output }
        try request.check()
        let plan = try ShardPlan(path: folder.planPath)
        let shards = plan.shards.indices.map { ShardFolder(run: folder, number: $0) }
        let missing = shards.filter { $0.done == nil }
        guard missing.isEmpty else {
            throw PipelineError.busy(
                "\(missing.count) of \(shards.count) shards are not finished (\(list(missing.map(\.number)))); "
                    + "`lector work` does them, `lector status` shows them")
        }
        var summary = RunSummary(labels: manifest.configuration.labels.names)
        if folder.isFinished {
            try ResultsReader.rows(of: folder) { summary.add($0) }
        } else {
            try join(shards, plan, into: folder, summary: &summary)
        }
        guard summary.documents == plan.rows else {
            throw PipelineError.data(
                "\(summary.documents) rows are there, \(plan.rows) were planned; remove summary.json and merge again"
            )
        }
        try AtomicFile.write(summary.json.indentedText.utf8, to: folder.summaryPath)
        try ClassificationRun.export(
            request, folder: folder, configuration: manifest.configuration, summary: summary)
        for shard in shards { shard.removeOthers() }
        return (summary, request.files)
    }

    private static func list(_ numbers: [Int]) -> String {
        numbers.prefix(12).map(String.init).joined(separator: ", ") + (numbers.count > 12 ? ", ..." : "")
    }

    /// Writes the journal of the whole run, in the order of the input.
    private static func join(
        _ shards: [ShardFolder], _ plan: ShardPlan, into folder: RunFolder, summary: inout RunSummary
    ) throws {
        let journal = try AtomicFile(folder.journalPath)
        var readers: [JournalReader] = []
        var firsts: [DuplicateIndex.Key: (shard: Int, place: Journal.Place)] = [:]
        // Addresses of rows that turned out to be duplicates, by the shard's own rows that point at them.
        var turned: [String: DuplicateIndex.Key] = [:]
        for shard in shards {
            let worker = shard.worker(shard.done!.token)
            let reader = try JournalReader(worker.journalPath)
            readers.append(reader)
            let rows = plan.shards[shard.number].rows
            var order = OrderedRows(from: rows.lowerBound)
            var failure: (any Error)?
            func put(_ record: Journal.Record, _ place: Journal.Place) throws {
                var record = record
                var first: DuplicateIndex.Key?
                if let key = record.key.flatMap({ DuplicateIndex.Key($0) }) {
                    if firsts[key] == nil {
                        firsts[key] = (shard.number, place)
                    } else {
                        first = key
                        turned[record.row["item"]?.string ?? ""] = key
                    }
                } else if let twin = record.row["duplicate_of"]?.string {
                    first = turned[twin]
                }
                if let first, let known = firsts[first] {
                    let row = try ClassificationRow(
                        json: try readers[known.shard].record(at: known.place).row)
                    let own = try ClassificationRow(json: record.row)
                    record.row =
                        row.duplicate(
                            item: own.item, metadata: own.metadata, attachments: own.attachments
                        ).json
                    record.key = nil
                    record.work = 0
                }
                try journal.write(Journal.encode(record))
                summary.add(record.row)
            }
            try Journal.scan(worker.journalPath) { record, place in
                guard let record, failure == nil, rows.contains(record.index) else { return }
                do {
                    try order.add(index: record.index, place: place) { ready in
                        try put(ready == place ? record : try reader.record(at: ready), ready)
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
            guard order.count == rows.upperBound else {
                throw PipelineError.data(
                    "\(TerminalText.sanitized(worker.journalPath)) lacks rows; remove \(shard.donePath) and work on "
                        + "shard \(shard.number) again")
            }
        }
        try journal.commit()
    }
}

extension ClassificationRow {
    /// This row's answer for another item with the same content.
    func duplicate(item: String, metadata: [MetadataField], attachments: [Attachment]) -> ClassificationRow {
        var row = self
        row.duplicateOf = self.item
        row.item = item
        row.metadata = metadata
        row.attachments = attachments
        return row
    }
}

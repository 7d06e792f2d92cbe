import Documents
import JSON

/// Finished rows: the journal, what is known of it, and whoever waits for rows on standard
/// output.
final class RowStore {
    private let journal: Journal
    private(set) var finished = FinishedRows()
    private(set) var duplicates = DuplicateIndex()
    private(set) var summary: RunSummary
    /// Tokens of work in finished rows.
    private(set) var work = 0
    private var order = OrderedRows()
    private let live: LiveRows?
    /// Hashes of the items of earlier processes' rows, where they are wanted.
    private var items: [Int: Int] = [:]
    private var lastSync = Clock.seconds

    /// Opens the journal of a run.
    ///
    /// - Parameters:
    ///   - live: Gets every row, those of earlier processes first.
    ///   - remembersItems: For ``holds(_:at:)``.
    init(_ folder: RunFolder, labels: [String], live: LiveRows?, remembersItems: Bool = false)
        throws(PipelineError)
    {
        self.live = live
        var summary = RunSummary(labels: labels)
        var finished = FinishedRows()
        var duplicates = DuplicateIndex()
        var work = 0
        var places: [Journal.Place] = []
        var indices: [Int] = []
        var items: [Int: Int] = [:]
        journal = try Journal(folder.journalPath) { record, place in
            guard finished.insert(record.index) else { return }
            summary.add(record.row)
            work += record.work
            if remembersItems { items[record.index] = (record.row["item"]?.string ?? "").hashValue }
            if let key = record.key.flatMap({ DuplicateIndex.Key($0) }) { duplicates.insert(key, at: place) }
            if live != nil {
                places.append(place)
                indices.append(record.index)
            }
        }
        summary.resumedRows = finished.count
        self.summary = summary
        self.finished = finished
        self.duplicates = duplicates
        self.work = work
        self.items = items
        for (index, place) in zip(indices, places) { try show(index: index, place: place) }
    }

    var recovery: Journal.Recovery { journal.recovery }

    /// Whether a finished row can be that of `item`.
    func holds(_ item: String, at index: Int) -> Bool {
        items[index].map { $0 == item.hashValue } ?? true
    }

    func row(at place: Journal.Place) throws(PipelineError) -> JSONValue { try journal.record(at: place).row }

    /// Makes a row safe against a kill, and shows it when it is its turn.
    func commit(_ record: Journal.Record, key: DuplicateIndex.Key?) throws(PipelineError) -> Journal.Place {
        let place = try journal.append(record)
        finished.insert(record.index)
        summary.add(record.row)
        work += record.work
        if let key { duplicates.insert(key, at: place) }
        try show(index: record.index, place: place)
        if Clock.seconds - lastSync > 2 { try sync() }
        return place
    }

    /// Makes all rows safe against a power cut.
    func sync() throws(PipelineError) {
        try journal.sync()
        lastSync = Clock.seconds
    }

    private func show(index: Int, place: Journal.Place) throws(PipelineError) {
        guard let live else { return }
        if live.unordered {
            try live.write(try row(at: place))
            return
        }
        var ready: [Journal.Place] = []
        order.add(index: index, place: place) { ready.append($0) }
        for place in ready { try live.write(try row(at: place)) }
    }
}

/// Standard output as a place for rows, one line each.
final class LiveRows {
    let unordered: Bool

    init(unordered: Bool) { self.unordered = unordered }

    func write(_ row: JSONValue) throws(PipelineError) {
        var line = row.bytes
        line.append(UInt8(ascii: "\n"))
        try FileSystem.write(line, to: 1, path: "standard output")
    }
}

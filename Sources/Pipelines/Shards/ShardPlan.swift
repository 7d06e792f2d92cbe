import Documents
import Ingest
import JSON

/// A run cut into shards, once and for all: stretches of documents of about equal text.
///
/// `lector plan` writes it, and nothing changes it. Workers and merge take the number of rows from here, so that
/// a run is complete when every document has its row, and not before.
package struct ShardPlan: Sendable, Equatable {
    package struct Shard: Sendable, Equatable {
        /// Places of the documents in the input, from 0.
        package var rows: Range<Int>
        package var textBytes: Int
        /// Where a stream can begin to read the shard, with the document that stands there; nil for the input's start.
        package var start: Start?

        package init(rows: Range<Int>, textBytes: Int, start: Start? = nil) {
            self.rows = rows
            self.textBytes = textBytes
            self.start = start
        }
    }

    package struct Start: Sendable, Equatable {
        package var row: Int
        package var place: StreamPlace
    }

    package static let currentFormat = 1
    package var shards: [Shard]

    package var rows: Int { shards.last?.rows.upperBound ?? 0 }

    /// Walks over the inputs without a model and cuts them into at most `count` shards.
    ///
    /// - Returns: Nil after a signal.
    package init?(_ count: Int, inputs: DocumentInputs) {
        let stream = inputs.documents(findsPlaces: true)
        var sizes: [Int] = []
        var starts = ShardStarts()
        while let event = stream.next() {
            if StopSignal.received != nil { return nil }
            if stream.hasStruckLimit() { starts.removeArchive() }
            switch event {
            case .begin:
                if let place = stream.place { starts.add(Start(row: sizes.count, place: place)) }
            case .text: break
            case .end(let end):
                // A document without text costs something, too.
                sizes.append(end.textBytes + 64)
                switch end.status {
                case .failed, .partial: starts.removeArchive()
                default: break
                }
            }
        }
        self.init(count, sizes: sizes)
        for index in shards.indices { shards[index].start = starts.last(upTo: shards[index].rows.lowerBound) }
    }

    package init(_ count: Int, sizes: [Int]) {
        shards = []
        var left = sizes.reduce(0, +)
        var start = 0
        for number in 0..<max(1, count) where start < sizes.count {
            let share = left / (max(1, count) - number)
            var (end, bytes) = (start, 0)
            // At least one document; the one that crosses the share goes where more of it lies.
            while end < sizes.count, end == start || bytes + sizes[end] / 2 <= share {
                bytes += sizes[end]
                end += 1
            }
            if number == count - 1 {
                bytes = left
                end = sizes.count
            }
            shards.append(Shard(rows: start..<end, textBytes: bytes))
            left -= bytes
            start = end
        }
    }

    package init(path: String) throws(PipelineError) {
        let shown = TerminalText.sanitized(path)
        guard let json = try? JSONValue(parsing: try FileSystem.read(path)),
            let format = json["format"]?.integer
        else { throw .data("\(shown) cannot be read; plan the run anew in another folder") }
        guard format == Self.currentFormat else {
            throw .configuration(
                "\(shown) has format \(format), this version reads \(Self.currentFormat); finish the run with the "
                    + "version that planned it")
        }
        shards = []
        for value in json["shards"]?.array ?? [] {
            guard let first = value["first"]?.integer, let count = value["count"]?.integer, count >= 0,
                first == rows, let bytes = value["textBytes"]?.integer
            else { throw .data("\(shown) is damaged; plan the run anew in another folder") }
            shards.append(
                Shard(rows: first..<first + count, textBytes: bytes, start: Start(json: value["start"])))
        }
    }

    package func save(to path: String) throws(PipelineError) {
        let list = shards.map {
            JSONValue.object([
                JSONMember("first", .integer($0.rows.lowerBound)),
                JSONMember("count", .integer($0.rows.count)),
                JSONMember("textBytes", .integer($0.textBytes)),
                JSONMember("start", $0.start?.json ?? .null),
            ])
        }
        let json = JSONValue.object([
            JSONMember("format", .integer(Self.currentFormat)), JSONMember("shards", .array(list)),
        ])
        try AtomicFile.write(json.indentedText.utf8, to: path)
    }
}

extension ShardPlan.Start {
    var json: JSONValue {
        .object([
            JSONMember("row", .integer(row)), JSONMember("item", .string(place.item)),
            JSONMember("steps", .array(place.steps.map { .array($0.map { .integer($0) }) })),
        ])
    }

    /// Nil for what is not there or not understood: the shard is then read from the input's start.
    init?(json: JSONValue?) {
        guard let json, let row = json["row"]?.integer, let item = json["item"]?.string,
            let steps = json["steps"]?.array?.map({ $0.array?.compactMap(\.integer) ?? [] })
        else { return nil }
        self.init(row: row, place: StreamPlace(steps: steps, item: item))
    }
}

/// Places to begin at, some thousand spread over all documents, however many there are.
struct ShardStarts {
    private static let most = 1 << 15
    private var starts: [ShardPlan.Start] = []
    private var stride = 1
    /// Around the last place, kept or not; and the one that none is kept of.
    private var archive: [[Int]]?
    private var spoiled: [[Int]]?

    mutating func add(_ start: ShardPlan.Start) {
        archive = start.place.archive
        if archive != nil, archive == spoiled { return }
        if let last = starts.last, start.row - last.row < stride { return }
        starts.append(start)
        guard starts.count > Self.most else { return }
        stride *= 2
        var kept: [ShardPlan.Start] = []
        for start in starts where kept.isEmpty || start.row - kept.last!.row >= stride { kept.append(start) }
        starts = kept
    }

    /// Has no stream begin in the archive that was read last. Where one strikes a limit, or something in it cannot be
    /// read, what comes after may depend on what was read before.
    mutating func removeArchive() {
        guard let archive else { return }
        spoiled = archive
        while starts.last?.place.archive == archive { starts.removeLast() }
    }

    func last(upTo row: Int) -> ShardPlan.Start? {
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle].row <= row { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? starts[low - 1] : nil
    }
}

/// One shard on disk, below the run's folder.
///
///     shards/3/worker-1/   a run folder of its own: journal, states, lock, and `heartbeat`
///     shards/3/worker-2/   of whoever took it over; the highest number is the token that is valid
///     shards/3/done        which worker finished it, and with how many rows
///
/// A worker that was given up may still be alive somewhere. It writes in a folder that nobody reads any more, sees at
/// its next heartbeat that the token is another's, and stops. See ``ShardLease``.
package struct ShardFolder {
    package let path: String
    package let number: Int

    package init(run: RunFolder, number: Int) {
        self.number = number
        path = "\(run.path)/shards/\(number)"
    }

    package var donePath: String { path + "/done" }

    /// The token that is valid now; 0 before anyone worked on the shard.
    package var token: Int {
        let names = (try? FileSystem.names(in: path)) ?? []
        return names.compactMap { $0.hasPrefix("worker-") ? Int($0.dropFirst(7)) : nil }.max() ?? 0
    }

    package func worker(_ token: Int) -> RunFolder { RunFolder("\(path)/worker-\(token)") }
    func heartbeatPath(_ token: Int) -> String { worker(token).path + "/heartbeat" }

    /// Who finished the shard, with how many rows; nil while it is not finished.
    package var done: (token: Int, rows: Int, json: JSONValue)? {
        guard let json = try? JSONValue(parsing: try FileSystem.read(donePath)),
            let token = json["token"]?.integer,
            let rows = json["rows"]?.integer
        else { return nil }
        return (token, rows, json)
    }

    /// Removes what workers left that did not finish it.
    func removeOthers() {
        guard let done else { return }
        for token in 1...max(1, token) where token != done.token { FileSystem.removeTree(worker(token).path) }
    }
}

extension RunFolder {
    package var planPath: String { path + "/shards.json" }
    package var isPlanned: Bool { FileSystem.exists(planPath) }
}

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
    }

    package static let currentFormat = 1
    package var shards: [Shard]

    package var rows: Int { shards.last?.rows.upperBound ?? 0 }

    /// Walks over the inputs without a model and cuts them into at most `count` shards.
    ///
    /// - Returns: Nil after a signal.
    package init?(_ count: Int, of stream: DocumentStream) {
        var sizes: [Int] = []
        while let event = stream.next() {
            if StopSignal.received != nil { return nil }
            // A document without text costs something, too.
            if case .end(let end) = event { sizes.append(end.textBytes + 64) }
        }
        self.init(count, sizes: sizes)
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
            shards.append(Shard(rows: first..<first + count, textBytes: bytes))
        }
    }

    package func save(to path: String) throws(PipelineError) {
        let list = shards.map {
            JSONValue.object([
                JSONMember("first", .integer($0.rows.lowerBound)),
                JSONMember("count", .integer($0.rows.count)),
                JSONMember("textBytes", .integer($0.textBytes)),
            ])
        }
        let json = JSONValue.object([
            JSONMember("format", .integer(Self.currentFormat)), JSONMember("shards", .array(list)),
        ])
        try AtomicFile.write(json.indentedText.utf8, to: path)
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

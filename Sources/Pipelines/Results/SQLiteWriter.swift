import Documents
import GRDB
import Glibc
import JSON

/// Rows as a SQLite database, ready for queries and for Datasette.
///
///     run            one row: model, labels, options
///     items          id (place in the input, from 1), item, subject, sender, date, metadata
///     results        item_id, status, label, probability, tokens, read, duplicate_of, ...
///     distribution   item_id, label, probability
///     classified     a view that joins items and results
///
/// No time stands in it: the same run gives the same bytes.
final class SQLiteWriter: ResultWriter {
    private let path: String
    private let temporaryPath: String
    private var queue: DatabaseQueue?
    private var pending: [JSONValue] = []
    private var count = 0

    static let schema = """
        CREATE TABLE run (
            id INTEGER PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL,
            model_fingerprint TEXT NOT NULL, labels TEXT NOT NULL, instruction TEXT,
            threshold REAL, max_tokens INTEGER, skip_quoted INTEGER NOT NULL, sample INTEGER);
        CREATE TABLE items (
            id INTEGER PRIMARY KEY, item TEXT NOT NULL, subject TEXT, sender TEXT, date TEXT,
            metadata TEXT NOT NULL, attachments TEXT NOT NULL);
        CREATE TABLE results (
            item_id INTEGER PRIMARY KEY REFERENCES items(id), status TEXT NOT NULL, label TEXT,
            probability REAL, tokens INTEGER NOT NULL, read REAL NOT NULL, duplicate_of TEXT,
            warnings TEXT NOT NULL);
        CREATE TABLE distribution (
            item_id INTEGER NOT NULL REFERENCES items(id), label TEXT NOT NULL, probability REAL NOT NULL,
            PRIMARY KEY (item_id, label)) WITHOUT ROWID;
        CREATE INDEX results_by_label ON results(label, probability);
        CREATE INDEX results_by_status ON results(status);
        CREATE VIEW classified AS
            SELECT items.id, item, label, probability, status, subject, sender, date, tokens, read,
                duplicate_of, warnings
            FROM items JOIN results ON results.item_id = items.id;
        """

    init(_ path: String, context: ResultContext) throws {
        self.path = FileSystem.linkTarget(path) ?? path
        if FileSystem.isFolder(path) {
            throw PipelineError.io("cannot write \(TerminalText.sanitized(path)): it is a folder")
        }
        temporaryPath = self.path + ".part"
        unlink(temporaryPath)
        // SQLite would name no cause for a folder that is not there.
        let probe = open(temporaryPath, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard probe >= 0 else { throw FileSystem.error("write", path) }
        close(probe)
        let queue = try DatabaseQueue(path: temporaryPath)
        self.queue = queue
        try guarded {
            // The file is renamed when it is whole: a rollback journal would guard nothing.
            try queue.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
                try database.execute(sql: Self.schema)
                let options = context.configuration
                try database.execute(
                    sql: "INSERT INTO run VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        context.title, options.modelText, options.modelFingerprint,
                        JSONValue.array(options.labels.map { .string($0.name) }).text, options.instruction,
                        options.threshold, options.maxTokens, options.skipQuoted, options.sample,
                    ])
            }
        }
    }

    deinit {
        guard queue != nil else { return }
        queue = nil
        unlink(temporaryPath)
    }

    func write(_ json: JSONValue) throws {
        pending.append(json)
        if pending.count >= 1000 { try flush() }
    }

    private func flush() throws {
        let rows = pending
        let first = count + 1
        pending.removeAll(keepingCapacity: true)
        count += rows.count
        try guarded {
            try queue?.write { database in
                for (offset, row) in rows.enumerated() { try Self.insert(row, id: first + offset, database) }
            }
        }
    }

    private static func insert(_ row: JSONValue, id: Int, _ database: Database) throws {
        let metadata = row["metadata"]
        try database.execute(
            sql: "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["item"]?.string, metadata?["subject"]?.string, metadata?["from"]?.string,
                metadata?["date"]?.string, metadata?.text ?? "{}", row["attachments"]?.text ?? "[]",
            ])
        try database.execute(
            sql: "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["status"]?.string, row["label"]?.string, row["probability"]?.double,
                row["tokens"]?.integer ?? 0, row["read"]?.double ?? 0, row["duplicate_of"]?.string,
                row["warnings"]?.text ?? "[]",
            ])
        for member in row["distribution"]?.members ?? [] {
            try database.execute(
                sql: "INSERT INTO distribution VALUES (?, ?, ?)",
                arguments: [id, member.name, member.value.double])
        }
    }

    func finish() throws {
        try flush()
        try guarded { try queue?.close() }
        queue = nil
        let fd = open(temporaryPath, O_RDWR | O_CLOEXEC)
        guard fd >= 0, fsync(fd) == 0 else { throw FileSystem.error("write", path) }
        close(fd)
        guard rename(temporaryPath, path) == 0 else { throw FileSystem.error("write", path) }
        FileSystem.syncFolder(FileSystem.parent(of: path))
    }

    /// SQLite's failures as ours, with the path and the cause.
    private func guarded(_ work: () throws -> Void) throws {
        do { try work() } catch let error as DatabaseError {
            let shown = TerminalText.sanitized(path)
            if error.resultCode == .SQLITE_FULL {
                throw FileSystem.error("write", path, code: ENOSPC)
            }
            throw PipelineError.io("cannot write \(shown): \(error.message ?? "SQLite failed")")
        }
    }
}

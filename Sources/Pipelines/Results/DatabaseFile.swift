import Documents
import GRDB
import Glibc
import JSON

/// Rows as a SQLite database that appears under its name whole or not at all.
///
/// The tables and views stand in Documentation.docc/ResultsStore.md. No time stands in them: the same rows give the
/// same bytes.
final class DatabaseFile {
    private let path: String
    private let temporaryPath: String
    private var queue: DatabaseQueue?
    private var pending: [JSONValue] = []
    private var count = 0
    private let insert: (JSONValue, Int, Database) throws -> Void

    /// - Parameters:
    ///   - schema: Statements that make the tables.
    ///   - begin: Fills what stands before the first row.
    ///   - insert: Puts one row in; rows are counted from 1.
    init(
        _ path: String, schema: String, begin: (Database) throws -> Void,
        insert: @escaping (_ row: JSONValue, _ id: Int, Database) throws -> Void
    ) throws {
        self.path = FileSystem.linkTarget(path) ?? path
        self.insert = insert
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
                try database.execute(sql: schema)
                try begin(database)
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
                for (offset, row) in rows.enumerated() { try insert(row, first + offset, database) }
            }
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

extension DatabaseFile {
    /// Puts a row's item in; the table is the same for every verb that has items.
    static func insertItem(_ row: JSONValue, id: Int, _ database: Database) throws {
        let metadata = row["metadata"]
        try database.execute(
            sql: "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["item"]?.string, metadata?["subject"]?.string, metadata?["from"]?.string,
                metadata?["date"]?.string, metadata?.text ?? "{}", row["attachments"]?.text ?? "[]",
            ])
    }

    static let items = """
        CREATE TABLE items (
            id INTEGER PRIMARY KEY, item TEXT NOT NULL, subject TEXT, sender TEXT, date TEXT,
            metadata TEXT NOT NULL, attachments TEXT NOT NULL);
        """
}

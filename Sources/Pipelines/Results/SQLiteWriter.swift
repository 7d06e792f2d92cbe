import Documents
import Evaluation
import GRDB
import JSON

/// Rows of classify as a SQLite database, ready for queries and for Datasette.
final class SQLiteWriter: ResultWriter {
    private let file: DatabaseFile

    static let schema = """
        CREATE TABLE run (
            id INTEGER PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL,
            model_fingerprint TEXT NOT NULL, labels TEXT NOT NULL, instruction TEXT,
            threshold REAL, max_tokens INTEGER, skip_quoted INTEGER NOT NULL, sample INTEGER,
            multi INTEGER NOT NULL);
        \(DatabaseFile.items)
        CREATE TABLE results (
            item_id INTEGER PRIMARY KEY REFERENCES items(id), status TEXT NOT NULL, label TEXT,
            probability REAL, tokens INTEGER NOT NULL, read REAL NOT NULL, duplicate_of TEXT,
            warnings TEXT NOT NULL);
        CREATE TABLE distribution (
            item_id INTEGER NOT NULL REFERENCES items(id), label TEXT NOT NULL, probability REAL NOT NULL,
            given INTEGER NOT NULL, PRIMARY KEY (item_id, label)) WITHOUT ROWID;
        CREATE INDEX results_by_label ON results(label, probability);
        CREATE INDEX results_by_status ON results(status);
        CREATE INDEX given_labels ON distribution(label, probability) WHERE given;
        CREATE VIEW classified AS
            SELECT items.id, item, label, probability, status, subject, sender, date, tokens, read,
                duplicate_of, warnings
            FROM items JOIN results ON results.item_id = items.id;
        CREATE VIEW labelled AS
            SELECT items.id, item, label, probability, subject, sender, date
            FROM items JOIN distribution ON distribution.item_id = items.id WHERE given;
        """

    init(_ path: String, context: ResultContext) throws {
        let options = context.configuration
        file = try DatabaseFile(path, schema: Self.schema) { database in
            try database.execute(
                sql: "INSERT INTO run VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    context.title, options.modelText, options.modelFingerprint,
                    JSONValue.array(options.labels.map { .string($0.name) }).text, options.instruction,
                    options.threshold, options.maxTokens, options.skipQuoted, options.sample, options.multi,
                ])
        } insert: {
            try Self.insert($0, id: $1, $2)
        }
    }

    func write(_ json: JSONValue) throws { try file.write(json) }

    func finish() throws { try file.finish() }

    private static func insert(_ row: JSONValue, id: Int, _ database: Database) throws {
        try DatabaseFile.insertItem(row, id: id, database)
        let given = ClassificationRow.given(row)
        try database.execute(
            sql: "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["status"]?.string, given.isEmpty ? nil : given.joined(separator: ", "),
                row["probability"]?.double,
                row["tokens"]?.integer ?? 0, row["read"]?.double ?? 0, row["duplicate_of"]?.string,
                row["warnings"]?.text ?? "[]",
            ])
        for member in row["distribution"]?.members ?? [] {
            try database.execute(
                sql: "INSERT INTO distribution VALUES (?, ?, ?, ?)",
                arguments: [id, member.name, member.value.double, given.contains(member.name)])
        }
    }
}

import Documents
import Evaluation
import GRDB
import JSON

/// Rows of extract, summarize and ask as a SQLite database, ready for queries and for Datasette.
///
/// See Documentation.docc/ResultsStore.md.
final class AnswerDatabase: ResultWriter {
    private let file: DatabaseFile

    static func make(_ path: String, context: AnswerContext) throws -> AnswerDatabase {
        let (schema, insert): (String, (JSONValue, Int, Database) throws -> Void) =
            switch context.kind {
            case .extract: (extraction, insertExtraction)
            case .summarize: (summaries, insertSummary)
            case .ask: (questions, insertQuestion)
            case .classify: preconditionFailure("classify has a writer of its own")
            }
        return AnswerDatabase(
            try DatabaseFile(path, schema: schema) { database in
                try database.execute(
                    sql: "INSERT INTO run VALUES (1, ?, ?, ?)",
                    arguments: [context.kind.rawValue, context.title, context.model])
            } insert: {
                try insert($0, $1, $2)
            })
    }

    private init(_ file: DatabaseFile) { self.file = file }

    func write(_ json: JSONValue) throws { try file.write(json) }

    func finish() throws { try file.finish() }

    private static let run = """
        CREATE TABLE run (id INTEGER PRIMARY KEY, verb TEXT NOT NULL, title TEXT NOT NULL, model TEXT NOT NULL);
        """

    static let extraction = """
        \(run)
        \(DatabaseFile.items)
        CREATE TABLE results (
            item_id INTEGER PRIMARY KEY REFERENCES items(id), status TEXT NOT NULL, data TEXT,
            tokens INTEGER NOT NULL, read REAL NOT NULL, warnings TEXT NOT NULL);
        CREATE TABLE fields (
            id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES items(id), field TEXT NOT NULL,
            name TEXT NOT NULL, record INTEGER, value TEXT, probability REAL, null_probability REAL,
            confidence TEXT, grounded INTEGER, ambiguous INTEGER NOT NULL);
        CREATE TABLE spans (
            field_id INTEGER NOT NULL REFERENCES fields(id), place INTEGER NOT NULL, part TEXT NOT NULL,
            start INTEGER NOT NULL, end INTEGER NOT NULL, text TEXT NOT NULL, source_start INTEGER,
            source_end INTEGER, PRIMARY KEY (field_id, place)) WITHOUT ROWID;
        CREATE INDEX fields_by_item ON fields(item_id);
        CREATE INDEX fields_by_name ON fields(name, value);
        CREATE INDEX results_by_status ON results(status);
        CREATE VIEW extracted AS
            SELECT fields.id, item, subject, record, name, value, probability, null_probability, grounded,
                ambiguous, part, start, end
            FROM fields JOIN items ON items.id = fields.item_id
                LEFT JOIN spans ON spans.field_id = fields.id AND spans.place = 1;
        """

    private static func insertExtraction(_ row: JSONValue, _ id: Int, _ database: Database) throws {
        try DatabaseFile.insertItem(row, id: id, database)
        try database.execute(
            sql: "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["status"]?.string, row["data"].flatMap { $0.isNull ? nil : $0.text },
                row["tokens"]?.integer ?? 0, row["read"]?.double ?? 0, row["warnings"]?.text ?? "[]",
            ])
        for field in row["fields"]?.array ?? [] {
            let pointer = field["field"]?.string ?? ""
            let steps = pointer.split(separator: "/")
            let value = field["value"] ?? .null
            try database.execute(
                sql: "INSERT INTO fields VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    id, pointer, steps.filter { Int($0) == nil }.joined(separator: "/"),
                    steps.compactMap { Int($0) }.first.map { $0 + 1 },
                    value.isNull ? nil : value.string ?? value.text, field["probability"]?.double,
                    field["null_probability"]?.double, field["confidence"]?.string, field["grounded"]?.bool,
                    field["ambiguous"]?.bool ?? false,
                ])
            let key = database.lastInsertedRowID
            for (place, span) in (field["spans"]?.array ?? []).enumerated() {
                try database.execute(
                    sql: "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        key, place + 1, span["part"]?.string, span["start"]?.integer, span["end"]?.integer,
                        span["text"]?.string, span["source"]?["start"]?.integer,
                        span["source"]?["end"]?.integer,
                    ])
            }
        }
    }

    static let summaries = """
        \(run)
        \(DatabaseFile.items)
        CREATE TABLE results (
            item_id INTEGER PRIMARY KEY REFERENCES items(id), status TEXT NOT NULL, summary TEXT,
            words INTEGER NOT NULL, style TEXT, sentences_read INTEGER, warnings TEXT NOT NULL);
        CREATE TABLE sentences (
            item_id INTEGER NOT NULL REFERENCES items(id), kind TEXT NOT NULL, place INTEGER NOT NULL,
            score REAL, words INTEGER, part TEXT, start INTEGER, end INTEGER, text TEXT NOT NULL,
            heading TEXT, support REAL, PRIMARY KEY (item_id, kind, place)) WITHOUT ROWID;
        CREATE TABLE supports (
            item_id INTEGER NOT NULL REFERENCES items(id), kind TEXT NOT NULL, place INTEGER NOT NULL,
            number INTEGER NOT NULL, part TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
            text TEXT NOT NULL, PRIMARY KEY (item_id, kind, place, number)) WITHOUT ROWID;
        CREATE INDEX results_by_status ON results(status);
        CREATE VIEW summarized AS
            SELECT items.id, item, subject, sender, date, status, summary, words
            FROM items JOIN results ON results.item_id = items.id;
        """

    private static func insertSummary(_ row: JSONValue, _ id: Int, _ database: Database) throws {
        try DatabaseFile.insertItem(row, id: id, database)
        try database.execute(
            sql: "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["status"]?.string, row["summary"]?.string, row["words"]?.integer ?? 0,
                row["style"]?.string, row["sentences_read"]?.integer, row["warnings"]?.text ?? "[]",
            ])
        let lists = [
            ("summary", row["sentences"]), ("update", row["update"]?["sentences"]),
            ("outline", row["outline"]),
        ]
        for (kind, list) in lists {
            for (place, sentence) in (list?.array ?? []).enumerated() {
                // A sentence that was written stands nowhere; its supports do.
                let span = sentence["span"]
                try database.execute(
                    sql: "INSERT INTO sentences VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        id, kind, place + 1, sentence["score"]?.double, sentence["words"]?.integer,
                        span?["part"]?.string, span?["start"]?.integer, span?["end"]?.integer,
                        span?["text"]?.string ?? sentence["text"]?.string ?? "",
                        sentence["heading"]?.string, sentence["support"]?.double,
                    ])
                for (number, support) in (sentence["spans"]?.array ?? []).enumerated() {
                    try database.execute(
                        sql: "INSERT INTO supports VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        arguments: [
                            id, kind, place + 1, number + 1, support["part"]?.string,
                            support["start"]?.integer, support["end"]?.integer, support["text"]?.string ?? "",
                        ])
                }
            }
        }
    }

    static let questions = """
        \(run)
        CREATE TABLE questions (
            id INTEGER PRIMARY KEY, name TEXT, question TEXT, status TEXT NOT NULL, answer TEXT,
            probability REAL, answered_from TEXT, cached_tokens INTEGER, read_tokens INTEGER, state TEXT,
            warning TEXT);
        CREATE TABLE spans (
            question_id INTEGER NOT NULL REFERENCES questions(id), kind TEXT NOT NULL, place INTEGER NOT NULL,
            part TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, text TEXT, score REAL,
            PRIMARY KEY (question_id, kind, place)) WITHOUT ROWID;
        CREATE INDEX questions_by_status ON questions(status);
        CREATE VIEW answered AS
            SELECT questions.id, name, question, answer, probability, status, part, start, end
            FROM questions LEFT JOIN spans
                ON spans.question_id = questions.id AND spans.kind = 'quote' AND spans.place = 1;
        """

    private static func insertQuestion(_ row: JSONValue, _ id: Int, _ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, row["id"].map { $0.string ?? $0.text }, row["question"]?.string, row["status"]?.string,
                row["answer"]?.string, row["probability"]?.double, row["from"]?.string,
                row["cached_tokens"]?.integer, row["read_tokens"]?.integer, row["state"]?.string,
                row["warning"]?.string,
            ])
        for (kind, list) in [("quote", row["spans"]), ("passage", row["passages"])] {
            for (place, span) in (list?.array ?? []).enumerated() {
                try database.execute(
                    sql: "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        id, kind, place + 1, span["part"]?.string, span["start"]?.integer,
                        span["end"]?.integer, span["text"]?.string, span["score"]?.double,
                    ])
            }
        }
    }
}

import Documents
import GRDB
import Glibc

/// The passages of a text that was read, to be found by words: SQLite with FTS5, one file beside the state.
///
/// It holds the text itself, so that a question needs neither the input nor its format again.
package final class PassageIndex {
    /// A passage and how well it fits.
    package struct Hit: Sendable, Equatable {
        package var passage: Passage
        /// BM25; larger fits better.
        package var score: Double
    }

    static let ending = "passages"
    static let schemaText = """
        CREATE TABLE passages (
            id INTEGER PRIMARY KEY, part TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
            heading TEXT NOT NULL, text TEXT NOT NULL);
        CREATE VIRTUAL TABLE search USING fts5(
            heading, text, content = 'passages', content_rowid = 'id',
            tokenize = 'porter unicode61 remove_diacritics 2');
        """

    private let queue: DatabaseQueue
    package let path: String

    /// Opens an index that is whole.
    package init(opening path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.readonly = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    package var count: Int {
        (try? queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM passages") }) ?? 0
    }

    /// The passages that fit a question best, in the order of the text.
    package func search(_ question: String, limit: Int) throws -> [Hit] {
        let words = Self.words(question)
        guard !words.isEmpty else { return [] }
        let query = words.map { "\"\($0)\"" }.joined(separator: " OR ")
        let hits = try queue.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT passages.*, -bm25(search, 0.5, 1.0) AS score
                    FROM search JOIN passages ON passages.id = search.rowid
                    WHERE search MATCH ? ORDER BY score DESC, passages.id LIMIT ?
                    """, arguments: [query, limit]
            ).map { (id: $0["id"] as Int, hit: Hit(passage: Self.passage($0), score: $0["score"])) }
        }
        return hits.sorted { $0.id < $1.id }.map(\.hit)
    }

    /// The first passage that has these words as they stand, whole words, with their place in it.
    package func find(_ text: String) throws -> (passage: Passage, range: Range<Int>)? {
        let words = text.split(whereSeparator: { !$0.isLetter && !$0.isNumber })
        guard !words.isEmpty else { return nil }
        let phrase = "text : \"\(words.joined(separator: " "))\""
        let wanted = Array(text.utf8)
        return try queue.read { database in
            // The index compares stems without accents; bytes decide.
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT passages.* FROM search JOIN passages ON passages.id = search.rowid "
                    + "WHERE search MATCH ? ORDER BY passages.id", arguments: [phrase])
            while let row = try rows.next() {
                let passage = Self.passage(row)
                if let range = Self.place(of: wanted, in: Array(passage.text.utf8)) {
                    return (passage, range)
                }
            }
            return nil
        }
    }

    /// Names of a question of which no word stands in the text, by stems and without accents.
    ///
    /// - Parameter hits: What was found for it: they tell whether capitals mark names in this text.
    package func missingNames(_ question: String, hits: [Hit]) throws -> [String] {
        let names = QuestionNames.names(question)
        guard !names.isEmpty,
            QuestionNames.areMarked(in: hits.map(\.passage.text).joined(separator: "\n"))
        else { return [] }
        return try queue.read { database in
            try names.filter { words in
                let query = words.map { "\"\($0)\"" }.joined(separator: " OR ")
                return try Row.fetchOne(
                    database, sql: "SELECT rowid FROM search WHERE search MATCH ? LIMIT 1", arguments: [query]
                )
                    == nil
            }
        }.map { $0.joined(separator: " ") }
    }

    /// The passage that holds these bytes of a part.
    package func passage(part: String, holding range: Range<Int>) throws -> Passage? {
        try queue.read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT * FROM passages WHERE part = ? AND start <= ? AND end >= ? ORDER BY id LIMIT 1",
                arguments: [part, range.lowerBound, range.upperBound]
            ).map(Self.passage)
        }
    }

    private static func place(of words: [UInt8], in text: [UInt8]) -> Range<Int>? {
        func isWord(_ byte: UInt8) -> Bool {
            byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        }
        guard words.count <= text.count, let first = words.first, let last = words.last else { return nil }
        for start in 0...text.count - words.count where text[start] == first {
            let end = start + words.count
            guard text[start..<end].elementsEqual(words) else { continue }
            if start > 0, isWord(first), isWord(text[start - 1]) { continue }
            if end < text.count, isWord(last), isWord(text[end]) { continue }
            return start..<end
        }
        return nil
    }

    private static func passage(_ row: Row) -> Passage {
        Passage(
            part: row["part"], range: (row["start"] as Int)..<(row["end"] as Int), heading: row["heading"],
            text: row["text"])
    }

    /// The words of a question that tell passages apart; all of them when none does.
    static func words(_ question: String) -> [String] {
        var words: [String] = []
        var seen: Set<String> = []
        for word in question.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
            if seen.insert(String(word)).inserted { words.append(String(word)) }
        }
        let telling = words.filter { !common.contains($0) }
        return Array((telling.isEmpty ? words : telling).prefix(64))
    }

    private static let common = Set(
        """
        a about after all am an and any are as at be been before being but by can could did do does for from had has
        have he her here him his how i if in into is it its just like many me more most much my no not of on or our out
        over s say says said shall she should so some such t tell than that the their them then there these they this
        those to under up us was we were what when where which while who whom whose why will with would you your
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}

/// Makes an index while a text is read. It appears under its name whole, or not at all.
final class PassageIndexWriter {
    private let folder: String
    private let temporaryPath: String
    private var queue: DatabaseQueue?
    private var pending: [Passage] = []
    private(set) var count = 0

    init(folder: String) throws(PipelineError) {
        self.folder = folder
        Self.removeLeftovers(folder)
        temporaryPath = "\(folder)/.passages-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        // SQLite would name no cause, and give others leave to read.
        let probe = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard probe >= 0 else { throw FileSystem.error("write", temporaryPath) }
        close(probe)
        do {
            let queue = try DatabaseQueue(path: temporaryPath)
            try queue.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
                try $0.execute(sql: PassageIndex.schemaText)
            }
            self.queue = queue
        } catch { throw .io("cannot write \(TerminalText.sanitized(temporaryPath)): \(error)") }
    }

    deinit {
        guard queue != nil else { return }
        queue = nil
        unlink(temporaryPath)
    }

    /// Files of processes that were killed.
    private static func removeLeftovers(_ folder: String) {
        for name in (try? FileSystem.names(in: folder)) ?? [] where name.hasPrefix(".passages-") {
            guard let owner = name.dropFirst(10).split(separator: "-").first.flatMap({ Int32($0) }),
                kill(owner, 0) != 0,
                errno == ESRCH
            else { continue }
            unlink("\(folder)/\(name)")
        }
    }

    func append(_ passage: Passage) throws {
        pending.append(passage)
        if pending.count >= 256 { try write() }
    }

    private func write() throws {
        let passages = pending
        pending = []
        let start = count
        count += passages.count
        do {
            try queue?.inDatabase { database in
                try database.inTransaction {
                    let row = try database.cachedStatement(
                        sql: "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)")
                    let words = try database.cachedStatement(
                        sql: "INSERT INTO search (rowid, heading, text) VALUES (?, ?, ?)")
                    for (index, passage) in passages.enumerated() {
                        let id = start + index + 1
                        try row.execute(arguments: [
                            id, passage.part, passage.range.lowerBound, passage.range.upperBound,
                            passage.heading,
                            passage.text,
                        ])
                        try words.execute(arguments: [id, passage.heading, passage.text])
                    }
                    return .commit
                }
            }
        } catch { throw PipelineError.io("cannot write \(TerminalText.sanitized(temporaryPath)): \(error)") }
    }

    /// Puts the index in its place.
    func finish(as path: String) throws {
        try write()
        try queue?.close()
        let descriptor = open(temporaryPath, O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
        guard rename(temporaryPath, path) == 0 else { throw FileSystem.error("write", path) }
        queue = nil
        FileSystem.syncFolder(folder)
    }
}

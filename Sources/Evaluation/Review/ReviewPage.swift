import Documents
import JSON

/// The page on which people look through results: rows with filters, and each document's text with its evidence.
///
/// One file. Rows and texts are data that its script sets as text; the policy lets in nothing but that script and
/// two styles, by digest. Rows come first; then the texts of documents in any order; then ``finish()``.
///
/// Memory is bounded: at most `mostRows` rows and `mostTextBytes` of text, with room kept for rows that need a look.
package struct ReviewPage {
    /// What the head of the page says.
    package struct Heading: Sendable {
        package var title: String
        package var kind: ReviewKind
        /// In the order in which they were given.
        package var labels: [String]
        package var model: String
        /// One sentence, for example that this is a sample.
        package var note: String?

        package init(
            title: String, kind: ReviewKind, labels: [String] = [], model: String = "", note: String? = nil
        ) {
            self.title = title
            self.kind = kind
            self.labels = labels
            self.model = model
            self.note = note
        }
    }

    package static let mostRows = 20_000
    /// Bytes of a document that are shown besides the surroundings of its evidence.
    package static let beginningBytes = 32 << 10
    /// Bytes of text of a page, after which documents show the surroundings of their evidence alone.
    package static let mostTextBytes = 64 << 20

    private var heading: Heading
    private let mostRows: Int
    package private(set) var rows: [ReviewRow] = []
    private var overview = ReviewOverview()
    private var attention = 0
    private var textBytes = 0
    private let write: (String) throws -> Void

    /// - Parameter write: Gets the page in pieces, in order.
    package init(
        _ heading: Heading, mostRows: Int = Self.mostRows, write: @escaping (String) throws -> Void
    ) {
        self.heading = heading
        self.mostRows = mostRows
        self.write = write
    }

    package var kind: ReviewKind { heading.kind }

    /// Takes a row; it is counted, and shown while there is room.
    package mutating func add(_ json: JSONValue) throws {
        let row = try ReviewRow(json, kind: heading.kind)
        if heading.model.isEmpty { heading.model = json["model"]?.string ?? "" }
        overview.add(row, json)
        let needsLook = row.status != "ok"
        // A fifth of the room is for rows that need a look.
        guard rows.count - attention < mostRows * 4 / 5 || (needsLook && attention < mostRows / 5) else {
            return
        }
        if rows.count - attention >= mostRows * 4 / 5 { attention += 1 }
        rows.append(row)
    }

    /// Writes what stands above the rows; no row may follow.
    package func begin() throws {
        try write(ReportPage.head(title: "\(heading.title) · lector", isReview: true))
        var out = "<header><div class=\"mark\">lector \(heading.kind.rawValue)</div>"
        out += "<h1>\(HTMLText.escaped(HTMLText.cut(heading.title, to: 200)))</h1><div class=\"soft\">"
        let labels = heading.labels.prefix(40).map { HTMLText.escaped(HTMLText.cut($0, to: 100)) }
        if !labels.isEmpty { out += "Labels: \(labels.joined(separator: ", ")) · " }
        out += heading.model.isEmpty ? "no model was needed" : "model \(HTMLText.escaped(heading.model))"
        out += "</div>"
        if let note = heading.note { out += "<div class=\"soft\">\(HTMLText.escaped(note))</div>" }
        if rows.count < overview.total {
            out += "<div class=\"soft\">\(ReportPage.grouped(rows.count)) of "
            out += "\(ReportPage.grouped(overview.total)) rows are on this page, with room kept for those "
            out += "that need a look; all of them are in the results file.</div>"
        }
        try write(out + "</header>\n")
        try write(overview.html(heading))
        try write(Self.body)
        try write("<script type=\"application/json\" id=\"texts\">\n")
    }

    /// How much of the next document's text is shown; none behind it.
    package var beginningBytes: Int { textBytes < Self.mostTextBytes ? Self.beginningBytes : 0 }

    /// Writes the text of a row's document.
    ///
    /// - Parameter index: The row's place among ``rows``.
    package mutating func write(text excerpts: [ReviewExcerpts.Excerpt], of index: Int) throws {
        textBytes += excerpts.reduce(0) { $0 + $1.utf8.count }
        try write("\(index) \(Self.inert(rows[index].details(excerpts)))\n")
    }

    /// Writes the rows and the end.
    package func finish() throws {
        try write("</script>\n<script type=\"application/json\" id=\"rows\">[\n")
        for (index, row) in rows.enumerated() {
            try write((index > 0 ? ",\n" : "") + Self.inert(row.summary))
        }
        try write("\n]</script>\n")
        try write(
            "<footer>Made by <b>lector</b>: one file, no network; nothing of the documents runs in it. Keys: "
                + "<kbd>↑</kbd> <kbd>↓</kbd> rows, <kbd>n</kbd> <kbd>p</kbd> evidence, <kbd>/</kbd> find, "
                + "<kbd>Esc</kbd> back to the rows.</footer>\n")
        try write(ReportPage.foot(isReview: true))
    }

    /// JSON that no element can end and no comment can open.
    static func inert(_ json: JSONValue) -> String {
        var out: [UInt8] = []
        for byte in json.bytes {
            if byte == UInt8(ascii: "<") { out += "\\u003c".utf8 } else { out.append(byte) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let body = """
        <noscript><p class="card">The rows below are shown by this page's own script, which is switched off here. The
        results file holds them all.</p></noscript>
        <div class="tools" id="tools" hidden>
        <input id="find" type="search" placeholder="Find in rows, values and texts  ( / )" aria-label="Find">
        <select id="label" aria-label="Label"><option value="">every label</option></select>
        <select id="state" aria-label="Status"><option value="">every status</option></select>
        <label id="sure" class="sure">probability <input id="low" type="number" min="0" max="1" step="0.05" value="0"
        aria-label="Probability at least"> to <input id="high" type="number" min="0" max="1" step="0.05" value="1"
        aria-label="Probability at most"></label>
        <select id="order" aria-label="Order"><option value="">order of the input</option>
        <option value="up">least probable first</option><option value="down">most probable first</option></select>
        <span class="soft" id="shown" role="status"></span></div>
        <div class="review" id="review" hidden>
        <div class="list card" id="list" role="listbox" tabindex="0" aria-label="Rows"><div id="space"></div></div>
        <article class="doc card" id="doc" tabindex="0" aria-label="Document"></article></div>

        """
}

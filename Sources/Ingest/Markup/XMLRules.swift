/// What is known of a kind of XML: which elements hold no text, which make documents of
/// their own, where a title stands.
///
/// Names are local names; a prefix does not matter.
struct XMLRules {
    /// Elements whose content is not text for readers.
    var skipped: Set<String> = []
    /// Elements whose white space stands as it is.
    var preserved: Set<String> = []
    /// Elements that a space parts, where they stand side by side, and not a line.
    var parted: Set<String> = []
    /// Elements that mark words: one in another begins no line.
    var marks: Set<String> = [
        "a", "b", "bold", "em", "emphasis", "ext-link", "hi", "i", "inline-formula", "italic", "monospace",
        "named-content", "overline", "sc", "span", "strong", "styled-content", "sub", "sup", "tt", "u",
        "underline", "xref",
    ]
    /// Elements that are the break of a line.
    var breaks: Set<String> = ["br", "break", "lb"]
    /// Elements of TEI that mark where a line, column or page begins, be it inside a word.
    let milestones: Set<String> = ["lb", "cb", "pb", "gb", "milestone"]
    /// Elements whose text is HTML.
    var html: Set<String> = []
    /// From an element's name to the metadata field that its first occurrence fills.
    var fields: [String: String] = [:]
    /// The elements, from the root, each of which is a document.
    var record: [String]?
    /// Where the text stands in a record, or in the file; all of it without one.
    var text: [String]?

    /// Rules for a root element; those of the options come first.
    init(root: String, options: IngestOptions) {
        switch root {
        case "mediawiki":
            record = ["mediawiki", "page"]
            text = ["revision", "text"]
            preserved = ["text"]
            fields = ["title": "title", "timestamp": "date", "username": "from"]
        case "PubmedArticleSet":
            record = ["PubmedArticleSet", "PubmedArticle"]
            fields = ["ArticleTitle": "title", "PMID": "pmid"]
        case "TEI", "teiCorpus", "TEI.2":
            skipped = ["teiHeader"]
            fields = ["title": "title", "author": "from"]
        case "article", "book", "chapter", "section", "part", "set", "refentry", "reference", "glossary":
            // JATS and DocBook share the names of their roots.
            skipped = ["indexterm", "tex-math", "journal-meta", "remark"]
            preserved = ["programlisting", "screen", "literallayout", "synopsis", "preformat", "code"]
            parted = Self.references
            fields = ["article-title": "title", "title": "title"]
        case "document":
            fields = ["title": "title"]
        case "svg":
            skipped = ["style", "script", "metadata"]
            fields = ["title": "title"]
        case "rss", "feed", "RDF":
            html = ["description", "encoded", "content", "summary"]
            fields = ["title": "title", "lastBuildDate": "date", "updated": "date"]
        case "FictionBook":
            skipped = ["binary", "description"]
            fields = ["book-title": "title"]
        default: break
        }
        if let path = options.xmlRecord { record = Self.path(path) }
        if let path = options.xmlText { text = Self.path(path) }
        if options.xmlRecord != nil || options.xmlText != nil {
            if fields.isEmpty { fields = ["title": "title"] }
            if options.xmlText == nil { text = nil }
        }
    }

    /// What JATS makes a reference of, with nothing between its pieces.
    private static let references: Set<String> = [
        "article-title", "chapter-title", "citation", "collab", "comment", "conf-date", "conf-loc",
        "conf-name", "date-in-citation", "day", "edition", "element-citation", "elocation-id", "etal",
        "ext-link", "fpage", "given-names", "isbn", "issn", "issue", "label", "lpage", "mixed-citation",
        "month", "name", "nlm-citation", "page-range", "part-title", "patent", "person-group", "prefix",
        "pub-id", "publisher-loc", "publisher-name", "season", "series", "source", "string-name", "suffix",
        "supplement", "surname", "trans-source", "trans-title", "uri", "volume", "year",
    ]

    private static func path(_ text: String) -> [String] {
        text.split(separator: "/").map { local(String($0)) }
    }

    /// `dc:title`, and the tag filter's `dc.title`, are `title`; `TEI.2` keeps its number.
    static func local(_ name: String) -> String {
        guard let mark = name.lastIndex(where: { $0 == ":" || $0 == "." }) else { return name }
        let rest = name[name.index(after: mark)...]
        return rest.first.map { $0.isLetter } == true ? String(rest) : name
    }
}

import Documents
import JSON

/// Which mails belong together, and which documents were there before: by Message-ID and by
/// content.
///
/// A mail belongs to the thread of the first of its `References` or `In-Reply-To` that is
/// known, else to the thread that its oldest reference begins. One pass: a thread is named
/// after the oldest mail that was seen of it. Memory grows by the ids, not by the text.
struct MailThreads {
    /// Where a document belongs.
    struct Place {
        var thread: String?
        /// Address of the first document with the same Message-ID or content.
        var duplicateOf: String?
        var isSameContent = false

        var members: [JSONMember] {
            [JSONMember("thread", .optional(thread)), JSONMember("duplicate_of", .optional(duplicateOf))]
        }
    }

    private var threads: [String: String] = [:]
    private var firstByID: [String: String] = [:]
    private var firstByContent: [String: String] = [:]

    mutating func place(_ document: Document, _ end: DocumentEnd) -> Place {
        var place = Place()
        if end.textBytes > 0, !end.contentDigest.isEmpty {
            let key = String(end.contentDigest.prefix(32))
            if let first = firstByContent[key] {
                place.duplicateOf = first
                place.isSameContent = true
            } else {
                firstByContent[key] = document.address
            }
        }
        guard document.kind == .mail else { return place }
        let own = Self.identifiers(document.first("message-id")).first
        if let own {
            if let first = firstByID[own] {
                place.duplicateOf = place.duplicateOf ?? first
            } else {
                firstByID[own] = document.address
            }
        }
        let parents =
            Self.identifiers(document.first("references")) + Self.identifiers(document.first("in-reply-to"))
        let known = parents.first { threads[$0] != nil }.flatMap { threads[$0] }
        let thread = own.flatMap { threads[$0] } ?? known ?? parents.first ?? own
        if let thread {
            for id in parents + (own.map { [$0] } ?? []) where threads[id] == nil { threads[id] = thread }
        }
        place.thread = thread
        return place
    }

    /// What stands in angle brackets.
    private static func identifiers(_ value: String?) -> [String] {
        guard let value else { return [] }
        return value.split(separator: "<").compactMap { piece in
            piece.firstIndex(of: ">").map { String(piece[..<$0]) }
        }.filter { !$0.isEmpty }
    }
}

/// What `documents --stats` prints.
struct DocumentCounts {
    private var kinds: [String: (documents: Int, bytes: Int)] = [:]
    private var statuses: [String: Int] = [:]
    private var documents = 0
    private var bytes = 0
    private var sameID = 0
    private var sameContent = 0
    private var threads: Set<String> = []
    private var warnings = 0

    mutating func add(_ document: Document, _ end: DocumentEnd, _ place: MailThreads.Place) {
        documents += 1
        bytes += end.textBytes
        kinds[document.kind.rawValue, default: (0, 0)].documents += 1
        kinds[document.kind.rawValue]!.bytes += end.textBytes
        statuses[end.status.description, default: 0] += 1
        warnings += end.warnings.count
        if place.isSameContent { sameContent += 1 } else if place.duplicateOf != nil { sameID += 1 }
        if let thread = place.thread { threads.insert(thread) }
    }

    var row: JSONValue {
        .object([
            JSONMember("documents", .integer(documents)), JSONMember("bytes", .integer(bytes)),
            JSONMember(
                "kinds",
                .object(
                    kinds.sorted { $0.key < $1.key }.map {
                        JSONMember(
                            $0.key,
                            .object([
                                JSONMember("documents", .integer($0.value.documents)),
                                JSONMember("bytes", .integer($0.value.bytes)),
                            ]))
                    })),
            JSONMember(
                "statuses",
                .object(statuses.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) })),
            JSONMember("same_content", .integer(sameContent)),
            JSONMember("same_message_id", .integer(sameID)),
            JSONMember("threads", .integer(threads.count)), JSONMember("warnings", .integer(warnings)),
        ])
    }

    var text: String {
        var lines = ["\(documents) documents, \(bytes) bytes of text, \(warnings) warnings"]
        for (kind, count) in kinds.sorted(by: { ($1.value.documents, $0.key) < ($0.value.documents, $1.key) })
        {
            lines.append("  \(kind): \(count.documents) documents, \(count.bytes) bytes")
        }
        lines.append("status")
        for (status, count) in statuses.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            lines.append("  \(status): \(count)")
        }
        lines.append("repeated: \(sameContent) by content, \(sameID) by Message-ID alone")
        lines.append("threads: \(threads.count)")
        return lines.joined(separator: "\n") + "\n"
    }
}

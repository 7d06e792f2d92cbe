import Answers
import Digests
import Documents
import JSON

/// One subject of `summarize` while it is read: a document, or several that are summarized together.
final class SummarySubject {
    /// What an earlier row says of the text that it was made from.
    struct Earlier {
        var bytes: Int
        var digest: String
        var sentences: [TextSpan]
    }

    /// The first document's address, or what the documents have in common.
    let item: String
    let metadata: [MetadataField]
    private(set) var summary: ExtractiveSummary
    private(set) var documents = 0
    private(set) var status: ItemStatus?
    private(set) var warnings: [String] = []
    private(set) var textBytes = 0

    private var cutter = SectionCutter(maximumBytes: 1 << 16)
    private var digest = RunningDigest()
    private let earlier: Earlier?
    /// Whether the text begins with the one of before, once so much was read.
    private(set) var hasGrown = false
    private var partsBefore: Set<String> = []
    private var lastPart: (address: String, end: Int)?
    private var before: (part: String, end: Int)?
    /// Where plain text files begin in their source, by part.
    private var sources: [String: Int] = [:]
    private var kind = DocumentKind.unknown
    private var parts: [String] = []

    init(item: String, metadata: [MetadataField], options: ExtractiveSummary.Options, earlier: Earlier?) {
        self.item = item
        self.metadata = metadata
        self.earlier = earlier
        summary = ExtractiveSummary(options: options)
    }

    func append(_ event: DocumentEvent) {
        switch event {
        case .begin(let document):
            cutter = SectionCutter(maximumBytes: 1 << 16)
            summary.beginDocument()
            (kind, parts) = (document.kind, [])
            documents += 1
        case .text(let chunk): measure(chunk)
        case .end(let end): finish(end)
        }
        for section in cutter.append(event) { summary.append(section) }
    }

    /// Counts text, and finds the place where an earlier one ended.
    private func measure(_ chunk: TextChunk) {
        if parts.last != chunk.part { parts.append(chunk.part) }
        if let last = lastPart, last.address != chunk.part, before == nil { partsBefore.insert(last.address) }
        if let earlier, before == nil, textBytes + chunk.utf8.count >= earlier.bytes {
            let count = earlier.bytes - textBytes
            digest.update(chunk.utf8[..<count])
            before = (chunk.part, chunk.start + count)
            hasGrown = digest.hex == earlier.digest
            digest.update(chunk.utf8[count...])
        } else {
            digest.update(chunk.utf8[...])
        }
        textBytes += chunk.utf8.count
        lastPart = (chunk.part, chunk.start + chunk.utf8.count)
    }

    private func finish(_ end: DocumentEnd) {
        // A plain text whose file is as long as its text is its text.
        if kind == .text, let slice = end.source, slice.end - slice.start == end.textBytes,
            let part = parts.last
        {
            sources[part] = slice.start
        }
        for warning in end.warnings where warnings.count < 20 { warnings.append(warning) }
        // Of several documents one that cannot be read makes the whole partial; an empty one does not.
        switch (end.status, documents) {
        case (_, 1): status = end.status
        case (.ok, _), (.abstained, _), (.skipped(.empty), _): if status == .skipped(.empty) { status = .ok }
        case (.partial(let reason), _), (.skipped(let reason), _), (.failed(let reason), _):
            if status?.isComplete != false || status == .skipped(.empty) { status = .partial(reason) }
        }
        if documents == 2, case .failed(let reason) = status { status = .partial(reason) }
    }

    var digestText: String { digest.hex }

    /// Sentences behind the earlier text, and those of the earlier summary; nil when there is no earlier text
    /// with which this one begins.
    var growth: (first: Int, older: [ExtractiveSummary.Sentence])? {
        guard let earlier, hasGrown, let before else { return nil }
        let first = summary.firstSentence { span in
            guard let part = span.part else { return false }
            return
                !(partsBefore.contains(part)
                || part == before.part && span.range.upperBound <= before.end)
        }
        return (first, earlier.sentences.map { .init(span: $0, words: 0, score: 0) })
    }

    func json(_ span: TextSpan) -> JSONValue {
        let part = span.part ?? item
        let source = sources[part].map {
            JSONValue.object([
                JSONMember("start", .integer($0 + span.range.lowerBound)),
                JSONMember("end", .integer($0 + span.range.upperBound)),
            ])
        }
        return .object([
            JSONMember("part", .string(part)), JSONMember("start", .integer(span.range.lowerBound)),
            JSONMember("end", .integer(span.range.upperBound)),
            JSONMember("text", .string(String(decoding: span.text, as: UTF8.self))),
            JSONMember("source", source ?? .null),
        ])
    }
}

/// SHA-256 of a text that grows, readable at any place of it.
///
/// A chain over blocks of 4,096 bytes, so that it can be read without ending it.
private struct RunningDigest {
    private var chain: [UInt8] = []
    private var block: [UInt8] = []

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while block.count + rest.count >= 4096 {
            let count = 4096 - block.count
            chain = SHA256.digest(of: chain + block + rest.prefix(count))
            block = []
            rest = rest.dropFirst(count)
        }
        block += rest
    }

    var hex: String { SHA256.digest(of: chain + block).hex }
}

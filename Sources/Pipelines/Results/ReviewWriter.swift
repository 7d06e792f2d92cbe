import Answers
import Documents
import Evaluation
import Ingest
import JSON

/// Rows as one page to look through, each with the text of its document.
///
/// Texts are read once more from the inputs, or from the index of a text that was read, when all rows are there.
package final class ReviewWriter: ResultWriter {
    /// Where the texts of documents are found.
    package enum Texts {
        case inputs(DocumentInputs)
        /// The passages of one text that questions were asked about.
        case passages(PassageIndex)
    }

    private let file: AtomicFile
    private let texts: Texts
    private var page: ReviewPage

    package init(_ path: String, _ heading: ReviewPage.Heading, texts: Texts) throws(PipelineError) {
        let file = try AtomicFile(path, mode: 0o666)
        self.file = file
        self.texts = texts
        page = ReviewPage(heading) { try file.write($0) }
    }

    package func write(_ json: JSONValue) throws { try page.add(json) }

    package func finish() throws {
        try page.begin()
        switch texts {
        case .inputs(let inputs): try writeDocuments(inputs)
        case .passages(let index): try writePassages(index)
        }
        try page.finish()
        try file.commit()
    }

    /// Reads the inputs until every row has its text. A document that changed or went away meanwhile has none.
    private func writeDocuments(_ inputs: DocumentInputs) throws {
        var waiting: [String: [Int]] = [:]
        // Rows of several documents show the surroundings of their evidence, wherever it stands.
        var groups: [Int: ReviewExcerpts] = [:]
        var groupsOfPart: [String: Set<Int>] = [:]
        for (index, row) in page.rows.enumerated().reversed() {
            if row.isGroup {
                groups[index] = ReviewExcerpts(evidence: row.evidence, beginning: 0)
                for evidence in row.evidence { groupsOfPart[evidence.part, default: []].insert(index) }
            } else {
                waiting[row.item, default: []].append(index)
            }
        }
        if inputs.includesStandardInput { StandardInput.rewind() }
        let stream = inputs.documents()
        var open: (index: Int, excerpts: ReviewExcerpts)?
        while !(waiting.isEmpty && open == nil && groups.isEmpty), let event = stream.next() {
            switch event {
            case .begin(let document):
                guard let index = waiting[document.address]?.popLast() else { continue }
                if waiting[document.address]?.isEmpty == true { waiting[document.address] = nil }
                var excerpts = ReviewExcerpts(
                    evidence: page.rows[index].evidence, beginning: page.beginningBytes)
                var header: [UInt8] = []
                var rendering = DocumentRendering()
                rendering.append(event, to: &header)
                if !header.isEmpty {
                    excerpts.append(part: document.address + "#header", start: 0, utf8: header)
                }
                open = (index, excerpts)
            case .text(let chunk):
                open?.excerpts.append(part: chunk.part, start: chunk.start, utf8: chunk.utf8)
                for index in groupsOfPart[chunk.part] ?? [] {
                    groups[index]?.append(part: chunk.part, start: chunk.start, utf8: chunk.utf8)
                }
            case .end:
                if let (index, excerpts) = open { try page.write(text: excerpts.finish(), of: index) }
                open = nil
            }
        }
        for (index, excerpts) in groups.sorted(by: { $0.key < $1.key }) {
            try page.write(text: excerpts.finish(), of: index)
        }
    }

    private func writePassages(_ index: PassageIndex) throws {
        for (number, row) in page.rows.enumerated() {
            var shown: [Passage] = []
            for (part, range) in row.passages + row.evidence {
                guard let passage = try index.passage(part: part, holding: range), !shown.contains(passage)
                else { continue }
                shown.append(passage)
            }
            let excerpts = shown.map {
                ReviewExcerpts.Excerpt(
                    part: $0.part, start: $0.range.lowerBound, utf8: Array($0.text.utf8))
            }
            try page.write(text: excerpts, of: number)
        }
    }
}

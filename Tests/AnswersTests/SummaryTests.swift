import Answers
import Documents
import Testing

@Suite struct SummaryTests {
    private func summary(_ text: String, _ options: ExtractiveSummary.Options) -> ExtractiveSummary.Result {
        var cutter = SectionCutter(maximumBytes: 1 << 12)
        var summary = ExtractiveSummary(options: options)
        let bytes = Array(text.utf8)
        let events: [DocumentEvent] = [
            .begin(Document(address: "doc", kind: .text)),
            .text(TextChunk(part: "doc", utf8: bytes, start: 0)),
            .end(DocumentEnd(status: .ok, contentDigest: "", textBytes: bytes.count)),
        ]
        for event in events { for section in cutter.append(event) { summary.append(section) } }
        return summary.finish()
    }

    static let text =
        "The bridge over the river was closed on Monday. Engineers found cracks in two pillars of the bridge. "
        + "Dr. Weber of the city said that repairs would take three weeks. The weather was mild. "
        + "Engineers found cracks in two pillars of the bridge. Buses take another way until the repairs are done.\n\n"
        + "A cat slept."

    @Test(
        "every sentence is a slice of the text, in its order and within the budget",
        arguments: [5, 12, 30, 500])
    func slices(_ words: Int) {
        var options = ExtractiveSummary.Options()
        options.words = words
        let result = summary(Self.text, options)
        let bytes = Array(Self.text.utf8)
        #expect(!result.sentences.isEmpty)
        #expect(result.words <= words || result.sentences.count == 1)
        for sentence in result.sentences { #expect(Array(bytes[sentence.span.range]) == sentence.span.text) }
        let starts = result.sentences.map(\.span.range.lowerBound)
        #expect(starts == starts.sorted())
        #expect(Set(starts).count == starts.count)
    }

    @Test("what was said is not said again")
    func redundancy() {
        var options = ExtractiveSummary.Options()
        options.words = 34
        let texts = summary(Self.text, options).sentences.map {
            String(decoding: $0.span.text, as: UTF8.self)
        }
        #expect(Set(texts).count == texts.count)
    }

    @Test("a focus draws its sentences in")
    func focus() {
        var options = ExtractiveSummary.Options()
        options.words = 12
        options.focus = "buses"
        let texts = summary(Self.text, options).sentences.map {
            String(decoding: $0.span.text, as: UTF8.self)
        }
        #expect(texts.contains("Buses take another way until the repairs are done."))
    }

    @Test("abbreviations do not end sentences; other scripts have their own ends")
    func splitting() {
        var options = ExtractiveSummary.Options()
        options.words = 1000
        let english = summary(Self.text, options).sentences.map {
            String(decoding: $0.span.text, as: UTF8.self)
        }
        #expect(english.contains("Dr. Weber of the city said that repairs would take three weeks."))
        let japanese = summary("橋は月曜日に閉鎖された。技師は柱に亀裂を見つけた。修理は三週間かかる。", options)
        #expect(japanese.count == 3)
        #expect(summary("", options).sentences.isEmpty)
        #expect(summary("one two", options).sentences.count == 1)
    }

    @Test("the outline has one entry a stretch, in order")
    func outline() {
        var options = ExtractiveSummary.Options()
        options.outline = 3
        let entries = summary(Self.text, options).outline
        #expect(entries.count == 3)
        #expect(entries.map(\.span.range.lowerBound) == entries.map(\.span.range.lowerBound).sorted())
    }
}

import Documents
import Foundation
import Ingest
import JSON
import Testing

/// What `Examples/` holds, read as a user would read it.
struct ExamplesTests {
    /// One document, read to its end.
    struct Item {
        var document: Document
        var text: [UInt8]
        var end: DocumentEnd
    }

    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Examples").path

    static func read(_ name: String) -> [Item] {
        var items: [Item] = []
        var open: Document?
        var text: [UInt8] = []
        let stream = DocumentStream(inputs: [folder + "/" + name])
        while let event = stream.next() {
            switch event {
            case .begin(let document):
                open = document
                text = []
            case .text(let chunk): text += chunk.utf8
            case .end(let end):
                if let document = open { items.append(Item(document: document, text: text, end: end)) }
                open = nil
            }
        }
        return items
    }

    @Test("the example mailbox has 66 messages, all read, and gold labels name each in order")
    func mailboxIsWhole() throws {
        let items = Self.read("mailbox.mbox")
        #expect(items.count == 66)
        #expect(items.allSatisfy { $0.end.status == .ok && $0.end.warnings.isEmpty && !$0.text.isEmpty })
        for gold in ["mailbox.labels.jsonl", "mailbox.triage.jsonl"] {
            let lines = try String(contentsOfFile: Self.folder + "/" + gold, encoding: .utf8)
                .split(separator: "\n")
            let named = try lines.map { try JSONValue(parsing: Array($0.utf8))["item"]?.string }
            #expect(named == items.map { String($0.document.address.split(separator: "/").last!) })
        }
    }

    @Test(
        "headers and bodies come out in every charset that the mailbox uses",
        arguments: [
            (17, "Angebot für 6 Drucksonden, Ihre Anfrage vom 9. März", "Grüßen"),
            (30, "April at the museum: locks, keepers’ wives, and cake", "admission"),
            (33, "Pregunta: exportar los datos de febrero", "«Descargar»"),
            (37, "水位データの件", "田辺由紀"),
            (42, "Привет из Карелии", "кабачков"),
            (44, "关于雷达水位计的报价", "雷达水位计"),
            (47, "the chatbot on our wiki stops in the middle", "1.93 m<|im_end|>"),
            (27, "Re: [tidewell/uploader] Review of change 318: keep late readings", "\nFrom 2026-03-29"),
        ])
    func charsets(number: Int, subject: String, phrase: String) {
        let item = Self.read("mailbox.mbox")[number - 1]
        #expect(item.document.first("subject") == subject)
        #expect(String(decoding: item.text, as: UTF8.self).localizedCaseInsensitiveContains(phrase))
    }

    @Test("the message that a list delivered twice is known by its digest")
    func duplicate() {
        let items = Self.read("mailbox.mbox")
        #expect(items[29].end.contentDigest == items[44].end.contentDigest)
        #expect(Set(items.map(\.end.contentDigest)).count == items.count - 1)
    }

    @Test("every broken mail ends as one item with a typed status")
    func hostile() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/hostile").sorted()
        let items = Self.read("hostile")
        #expect(items.map { String($0.document.address.split(separator: "/").last!) } == files)
        let statuses = Dictionary(
            zip(files, items.map { $0.end.status.description }), uniquingKeysWith: { first, _ in first })
        #expect(statuses["empty.eml"] == "skipped.empty")
        #expect(statuses["nested-200.eml"] == "partial.limit.depth")
        #expect(statuses["nul-bytes.eml"] == "ok")
        #expect(statuses["truncated-multipart.eml"] == "ok")
    }
}

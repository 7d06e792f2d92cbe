import Digests
import Documents
import Evaluation
import Testing

@Suite("Reports are inert")
struct ReportTests {
    private let nasty = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\u{1B}[31m\u{202E}'\"&"

    private func page() -> String {
        var report = ClassificationReport(title: nasty, labels: ["spam", nasty], note: nasty)
        report.add(
            ClassificationRow(
                item: nasty, status: .ok, label: nasty, probability: 0.9,
                distribution: [.init(label: nasty, probability: 0.9)], tokens: 5, read: 1,
                duplicateOf: nasty,
                metadata: [
                    MetadataField(name: "subject", value: nasty), MetadataField(name: "from", value: nasty),
                ], warnings: [nasty], model: nasty))
        report.add(ClassificationRow(item: "b", status: .failed(.damaged)))
        report.add(ClassificationRow(item: "c", status: .abstained, probability: 0.5))
        var out = ""
        report.write { out += $0 }
        return out
    }

    @Test("text of documents is escaped everywhere, controls and reordering are shown")
    func escapes() {
        let page = page()
        #expect(page.components(of: "<script>") == 1)
        #expect(!page.contains("<img"))
        #expect(!page.contains("onerror=alert(2)>\u{1B}"))
        #expect(!page.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E })
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(page.contains("\u{241B}[31m[U+202E]"))
    }

    @Test("the policy names the page's own style and script by digest, and nothing else")
    func policy() {
        func base64(_ text: String) -> String {
            let bytes = SHA256.digest(of: text.utf8)
            let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
            var out = ""
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let three = bytes[start..<min(start + 3, bytes.count)]
                let word = three.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - three.count))
                for sextet in 0..<4 {
                    out += sextet <= three.count ? String(alphabet[word >> (18 - 6 * sextet) & 63]) : "="
                }
            }
            return out
        }
        #expect(ReportPage.styleDigest == base64(ReportPage.style))
        #expect(ReportPage.scriptDigest == base64(ReportPage.script))
        let page = page()
        #expect(page.contains("<style>\(ReportPage.style)</style>"))
        #expect(page.contains("<script>\(ReportPage.script)</script>"))
        #expect(page.contains("default-src 'none'"))
        #expect(!page.contains("unsafe-inline"))
        #expect(!page.contains(" style=") && !page.contains("http://") && !page.contains("https://"))
    }

    @Test("the same rows give the same page; rows that need a look are kept when there are too many")
    func bounded() {
        #expect(page() == page())
        var report = ClassificationReport(title: "t", labels: ["a"], shownRows: 10)
        for index in 0..<100 {
            report.add(
                ClassificationRow(
                    item: "item-\(index)-", status: index % 20 == 19 ? .failed(.damaged) : .ok, label: "a",
                    probability: 1))
        }
        var out = ""
        report.write { out += $0 }
        for index in [19, 39, 59, 79, 99, 0, 1, 2, 3, 4] { #expect(out.contains("item-\(index)-")) }
        #expect(!out.contains("item-5-"))
        #expect(out.contains("10 of 100 rows"))
    }
}

extension String {
    fileprivate func components(of needle: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: needle) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}

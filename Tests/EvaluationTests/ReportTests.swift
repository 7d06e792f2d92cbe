import Digests
import Documents
import Evaluation
import Foundation
import Testing

@Suite("Reports are inert")
struct ReportTests {
    @Test("the policy names the page's own style and script by digest, and nothing else")
    func policy() {
        func base64(_ text: String) -> String { Data(SHA256.digest(of: text.utf8)).base64EncodedString() }
        #expect(ReportPage.styleDigest == base64(ReportPage.style))
        #expect(ReportPage.reviewStyleDigest == base64(ReviewPage.style))
        #expect(ReportPage.reviewScriptDigest == base64(ReviewPage.script))
        let plain = ReportPage.head(title: "t") + ReportPage.foot()
        #expect(plain.contains("<style>\(ReportPage.style)</style>"))
        #expect(!plain.contains("script"), "a page without a script lets none in")
        let review = ReportPage.head(title: "t", isReview: true) + ReportPage.foot(isReview: true)
        #expect(review.contains("<style>\(ReviewPage.style)</style>"))
        #expect(review.contains("<script>\(ReviewPage.script)</script>"))
        for page in [plain, review] {
            #expect(page.contains("default-src 'none'") && !page.contains("unsafe-inline"))
        }
    }

    @Test("scores of hostile names are escaped")
    func scores() throws {
        let nasty = "</td><script>alert(1)</script>\u{1B}[31m\u{202E}"
        var result = EvaluationResult(gold: try GoldLabels(jsonLines: #"{"label": "a"}"#.utf8))
        result.add(
            ClassificationRow(
                item: nasty, status: .ok, label: nasty, probability: 0.9,
                metadata: [MetadataField(name: "subject", value: nasty)], model: nasty))
        result.finish()
        let page = result.report(title: nasty)
        #expect(!page.contains("<script"))
        #expect(!page.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E })
        #expect(page.contains("\u{241B}[31m[U+202E]"))
    }
}

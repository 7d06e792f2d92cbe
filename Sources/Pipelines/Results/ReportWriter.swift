import Documents
import Evaluation
import JSON

/// Rows as one page to look at.
final class ReportWriter: ResultWriter {
    private let file: AtomicFile
    private var report: ClassificationReport

    init(_ path: String, context: ResultContext) throws(PipelineError) {
        file = try AtomicFile(path, mode: 0o666)
        report = ClassificationReport(title: context.title, labels: context.labels, note: context.note)
    }

    func write(_ json: JSONValue) throws { report.add(try ClassificationRow(json: json)) }

    func finish() throws {
        try report.write { try file.write($0) }
        try file.commit()
    }
}

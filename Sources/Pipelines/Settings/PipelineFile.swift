import Answers
import Documents
import Yams

/// A pipeline in YAML: what `lector classify` takes as flags, kept in a file.
///
///     version: 1
///     task: classify
///     instruction: Which label fits the text best?
///     labels:
///       - name: spam
///         description: Unasked for, sent to many.
///       - ham
///     threshold: 0.6
///     max-tokens: 8192
///     skip-quoted: true
///     calibration: true
///     outputs: [results.jsonl, results.csv]
///     report: report.html
package struct PipelineFile: Sendable, Equatable {
    package var labels = LabelList.spamOrHam
    package var instruction: String?
    package var threshold: Double?
    package var maxTokens: Int?
    package var skipQuoted = false
    package var calibrates = true
    package var outputs: [String] = []
    package var report: String?
    package var model: String?

    /// Reads and checks a file; paths in it are taken from the current folder.
    ///
    /// - Throws: `.configuration` with the file and line of the first mistake.
    package init(path: String) throws(PipelineError) {
        try self.init(document: try YAMLDocument(path: path))
    }

    package init(document: YAMLDocument) throws(PipelineError) {
        var version: Int?
        var task: String?
        for (name, value) in try document.mapping(document.root, what: "a pipeline") {
            let what = name.text
            switch what {
            case "version": version = try document.integer(value, what: what)
            case "task":
                task = try document.scalar(value, what: what)
                guard task == "classify" else {
                    throw document.error(
                        value,
                        "the task is \(TerminalText.sanitized(task ?? "")); this version knows classify")
                }
            case "instruction":
                let text = try document.scalar(value, what: what)
                guard text.contains(where: { !$0.isWhitespace }) else {
                    throw document.error(value, "the instruction is empty; leave it out for the default")
                }
                instruction = text.last == "\n" ? String(text.dropLast()) : text
            case "labels": labels = try LabelSource.parse(value, in: document)
            case "threshold": threshold = try document.share(value, what: what)
            case "max-tokens": maxTokens = try document.integer(value, what: what)
            case "skip-quoted": skipQuoted = try document.bool(value, what: what)
            case "calibration": calibrates = try document.bool(value, what: what)
            case "outputs":
                for entry in try document.sequence(value, what: what) {
                    let path = try document.scalar(entry, what: "an output")
                    do { _ = try ResultFormat(path: path) } catch {
                        throw document.error(entry, error.description)
                    }
                    outputs.append(path)
                }
            case "report":
                report = try document.scalar(value, what: what)
            case "model": model = try document.scalar(value, what: what)
            default:
                throw document.error(
                    name.node,
                    "there is no `\(TerminalText.sanitized(what))`; there are version, task, instruction, labels, "
                        + "threshold, max-tokens, skip-quoted, calibration, outputs, report and model")
            }
        }
        guard let version else { throw document.error(document.root, "`version: 1` is missing") }
        guard version == 1 else {
            throw document.error(
                document.root, "version \(version) is not known; this lector reads version 1")
        }
        guard task != nil else { throw document.error(document.root, "`task: classify` is missing") }
    }
}

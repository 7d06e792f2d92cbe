import Documents
import Evaluation
import JSON

/// Rows read back: from a results file, or from the journal of a run.
package enum ResultsReader {
    /// Reads gold labels.
    package static func gold(_ path: String) throws(PipelineError) -> GoldLabels {
        let bytes = try FileSystem.read(path, limit: 1 << 30)
        do throws(RowError) { return try GoldLabels(jsonLines: bytes) } catch {
            throw .data("\(TerminalText.sanitized(path)): \(error)")
        }
    }

    /// Compares results with gold labels, one a row.
    ///
    /// - Parameter results: A `.jsonl` file of rows, or a run by path or name.
    package static func evaluate(
        results: String, gold: GoldLabels, stateFolder: String
    ) throws(PipelineError) -> EvaluationResult {
        var result = EvaluationResult(gold: gold)
        try readClassified(results, stateFolder: stateFolder) { result.add($0) }
        guard result.lists == 0 else {
            throw .data(
                "rows of \(TerminalText.sanitized(results)) have a list of labels: expected \"labels\": [...] in the "
                    + "lines of the gold file, too")
        }
        result.finish()
        return result
    }

    /// Compares results with gold lists of labels.
    package static func evaluateLists(
        results: String, gold: GoldLabels, stateFolder: String
    ) throws(PipelineError) -> MultiLabelScores {
        var scores = MultiLabelScores(gold: gold)
        try readClassified(results, stateFolder: stateFolder) { scores.add($0) }
        scores.finish()
        return scores
    }

    /// Every row of a `.jsonl` file or a run.
    private static func readClassified(
        _ results: String, stateFolder: String, visit: (ClassificationRow) -> Void
    ) throws(PipelineError) {
        if FileSystem.exists(results), !FileSystem.isFolder(results) {
            return try readLines(results, visit: visit)
        }
        let folder = try RunFolder.find(results, stateFolder: stateFolder)
        var failure: PipelineError?
        try rows(of: folder) { json in
            do throws(RowError) { visit(try ClassificationRow(json: json)) } catch {
                failure = failure ?? .data("\(TerminalText.sanitized(folder.journalPath)): \(error)")
            }
        }
        if let failure { throw failure }
    }

    /// Every row of a `.jsonl` file.
    package static func readLines(
        _ path: String, visit: (ClassificationRow) -> Void
    ) throws(PipelineError) {
        var reader = try LineReader(path)
        var number = 0
        while let line = try reader.next() {
            number += 1
            if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            do {
                visit(try ClassificationRow(json: JSONValue(parsing: line.bytes)))
            } catch {
                throw .data(
                    "\(TerminalText.sanitized(path)) line \(number) is no row of classify: \(error)")
            }
        }
    }

    /// Every row of a `.jsonl` file, of whatever verb.
    package static func readRows(_ path: String, visit: (JSONValue) -> Void) throws(PipelineError) {
        var reader = try LineReader(path)
        var number = 0
        while let line = try reader.next() {
            number += 1
            if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            do { visit(try JSONValue(parsing: line.bytes)) } catch {
                throw .data("\(TerminalText.sanitized(path)) line \(number) is \(error)")
            }
        }
    }

    /// The finished rows of a run, in the order of the input; a gap ends them.
    package static func rows(
        of folder: RunFolder, visit: (JSONValue) -> Void
    ) throws(PipelineError) {
        var order = OrderedRows()
        var failure: PipelineError?
        let reader = try JournalReader(folder.journalPath)
        try Journal.scan(folder.journalPath) { record, place in
            guard let record, failure == nil else { return }
            order.add(index: record.index, place: place) { ready in
                do throws(PipelineError) {
                    // Most rows are in order, and need not be read a second time.
                    visit(ready == place ? record.row : try reader.record(at: ready).row)
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }
}

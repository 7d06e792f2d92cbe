import Documents
import Evaluation
import JSON

/// Rows read back: from a results file, or from the journal of a run.
package enum ResultsReader {
    /// Compares results with gold labels.
    ///
    /// - Parameter results: A `.jsonl` file of rows, or a run by path or name.
    package static func evaluate(
        results: String, gold: String, stateFolder: String
    ) throws(PipelineError) -> EvaluationResult {
        let labels: GoldLabels
        do throws(RowError) {
            labels = try GoldLabels(jsonLines: try goldBytes(gold))
        } catch { throw .data("\(TerminalText.sanitized(gold)): \(error)") }
        var result = EvaluationResult(gold: labels)
        if FileSystem.exists(results), !FileSystem.isFolder(results) {
            try readLines(results) { result.add($0) }
        } else {
            let folder = try RunFolder.find(results, stateFolder: stateFolder)
            var failure: PipelineError?
            try rows(of: folder) { json in
                do throws(RowError) { result.add(try ClassificationRow(json: json)) } catch {
                    failure = failure ?? .data("\(TerminalText.sanitized(folder.journalPath)): \(error)")
                }
            }
            if let failure { throw failure }
        }
        result.finish()
        return result
    }

    private static func goldBytes(_ path: String) throws(RowError) -> [UInt8] {
        do throws(PipelineError) { return try FileSystem.read(path, limit: 1 << 30) } catch {
            throw RowError(error.description)
        }
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

import Documents
import JSON

/// One JSON object a line.
final class JSONLinesWriter: ResultWriter {
    private let file: AtomicFile

    init(_ path: String) throws(PipelineError) { file = try AtomicFile(path, mode: 0o666) }

    func write(_ json: JSONValue) throws {
        var line = json.bytes
        line.append(UInt8(ascii: "\n"))
        try file.write(line)
    }

    func finish() throws { try file.commit() }
}

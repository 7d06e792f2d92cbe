import Answers
import Documents

/// Heads on disk.
package enum HeadFile {
    /// - Throws: `.io` when it cannot be read, `.data` when it is no whole head.
    package static func read(_ path: String) throws(PipelineError) -> LinearHead {
        let bytes = try FileSystem.read(path)
        do throws(HeadError) { return try LinearHead(bytes: bytes) } catch {
            throw .data("\(TerminalText.sanitized(path)): \(error)")
        }
    }

    package static func write(_ head: LinearHead, to path: String) throws(PipelineError) {
        try AtomicFile.write(head.bytes, to: path, mode: 0o644)
    }

    /// Refuses labels that are not the head's own.
    package static func check(_ head: LinearHead, asked: LabelList?) throws(PipelineError) {
        guard let asked, Set(asked.names) != Set(head.labels.names) else { return }
        throw .usage(HeadError.otherLabels(head: head.labels.names, asked: asked.names).description)
    }
}

import Checkpoints
import Documents

/// States by what people type: a key, the beginning of one, or the title of what was read.
package struct StateLookup {
    private let store: CheckpointStore

    package init(_ store: CheckpointStore) { self.store = store }

    /// - Throws: `.usage` when there is none, or several.
    package func find(
        _ name: String, kinds: [Checkpoint.Kind] = Checkpoint.Kind.allCases
    ) throws(PipelineError) -> CheckpointSummary {
        let entries = try guarded { () throws(CheckpointError) in try store.catalog().entries }
            .filter { kinds.contains($0.summary.kind) }
        let shown = TerminalText.sanitized(name)
        let byKey = entries.filter { name.count >= 4 && $0.summary.key.description.hasPrefix(name) }
        if byKey.count == 1 { return byKey[0].summary }
        if byKey.count > 1 {
            throw .usage(
                "\(shown) could be \(byKey.prefix(5).map { $0.summary.key.description.prefix(16) }.joined(separator: " or "))"
                    + "; give more of the key")
        }
        // The last one used of that title.
        if let entry = entries.last(where: { $0.summary.title == name }) { return entry.summary }
        throw .usage(
            "there is no state \(shown) in \(TerminalText.sanitized(store.folder)); `lector states list` shows those there are"
        )
    }
}

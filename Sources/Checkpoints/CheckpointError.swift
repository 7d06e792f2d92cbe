/// Why a checkpoint could not be used or written.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// Some bytes do not hash to what was written beside them. The file now has the name `setAside`.
    case damaged(path: String, what: String, setAside: String)
    /// The file is of a newer format version.
    case version(path: String, found: Int, expected: Int)
    /// The state was made by another model, tokenizer or numerics class (`what`).
    case mismatch(path: String, what: String, checkpoint: String, loaded: String)
    case unreadable(path: String, reason: String)
    case unwritable(path: String, reason: String)

    /// One line fit for a terminal.
    public var description: String {
        switch self {
        case .damaged(let path, let what, let setAside):
            "\(path) is damaged (\(what)); it was set aside as \(setAside). The next run rebuilds the state."
        case .version(let path, let found, let expected):
            "\(path) has format version \(found), this build reads up to version \(expected). "
                + "Use the build that wrote it, or delete it; the next run rebuilds the state."
        case .mismatch(let path, let what, let checkpoint, let loaded):
            "\(path) belongs to \(what) \(checkpoint.prefix(64)), but \(loaded.prefix(64)) is loaded. "
                + "Load that one (--model, --window) or choose another --state-dir."
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason). Check its permissions."
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason). Check the folder, its permissions and the free space."
        }
    }
}

/// A session's state at one token position, as it is kept on disk.
public struct Checkpoint: Sendable, Equatable {
    /// A run of bytes with a name, its own CRC and a 64-byte aligned place in the file.
    public struct Section: Sendable, Equatable {
        public var name: String
        /// What the bytes are, such as `f32 [9,64,64]`; opaque to this module.
        public var type: String
        public var bytes: [UInt8]

        public init(name: String, type: String, bytes: [UInt8]) {
            self.name = name
            self.type = type
            self.bytes = bytes
        }
    }

    public var key: CheckpointKey
    public var identity: CheckpointIdentity
    /// Tokens read so far.
    public var tokenCount: Int
    /// Logits of the next token, `[vocabulary]`, when they are known.
    public var nextLogits: [Float]?
    /// Where the ingestion stood; opaque.
    public var cursor: [UInt8]
    /// The layers' states; opaque.
    public var sections: [Section]

    public init(
        key: CheckpointKey, identity: CheckpointIdentity, tokenCount: Int, nextLogits: [Float]? = nil,
        cursor: [UInt8] = [], sections: [Section]
    ) {
        self.key = key
        self.identity = identity
        self.tokenCount = tokenCount
        self.nextLogits = nextLogits
        self.cursor = cursor
        self.sections = sections
    }
}

/// Why a checkpoint could not be used or written.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// Some bytes do not hash to what was written beside them. The file now has the name `setAside`.
    case damaged(path: String, what: String, setAside: String)
    /// The file is of another format version.
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
            "\(path) has format version \(found), this build reads version \(expected). "
                + "Delete it; the next run rebuilds the state."
        case .mismatch(let path, let what, let checkpoint, let loaded):
            "\(path) belongs to \(what) \(checkpoint.prefix(48)), but \(loaded.prefix(48)) is loaded. "
                + "Load that one or choose another --state-dir."
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason). Check its permissions."
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason). Check the folder, its permissions and the free space."
        }
    }
}

import Digests

/// A session's state at one token position, as it is kept on disk.
public struct Checkpoint: Sendable, Equatable {
    /// A run of bytes with a name and its own CRC.
    public struct Section: Sendable, Equatable {
        public var name: String
        /// What the bytes are, such as `f32 [9,64,64]`; opaque to this module.
        public var type: String
        public var bytes: [UInt8]
        /// Set for bytes that only ever grow at their end (a latent cache without a window): whole
        /// blocks of this many bytes are kept once, however many checkpoints share them.
        public var blockBytes: Int?

        public init(name: String, type: String, bytes: [UInt8], blockBytes: Int? = nil) {
            self.name = name
            self.type = type
            self.bytes = bytes
            self.blockBytes = blockBytes
        }
    }

    /// Why it was written.
    public enum Kind: String, Sendable, CaseIterable {
        /// In the middle of a text, so that a kill costs little; thinned once the text is finished.
        case interval
        /// Behind the last token of a text that more text could not change.
        case edge
        /// At the end of a text.
        case document
        /// An answer and no state: the same question again runs no token.
        case answer
    }

    public var key: CheckpointKey
    public var identity: CheckpointIdentity
    /// Tokens read so far.
    public var tokenCount: Int
    public var kind: Kind
    /// What was read, for people: an address.
    public var title: String
    /// The chain's keys behind the prefix and behind each full block after it; by these, a text that
    /// differs is known after its first other block. See ``TokenChain``.
    public var trail: [CheckpointKey]
    /// Logits of the next token, `[vocabulary]`, when they are known.
    public var nextLogits: [Float]?
    /// Where the ingestion stood; opaque.
    public var cursor: [UInt8]
    /// The layers' states; opaque.
    public var sections: [Section]

    public init(
        key: CheckpointKey, identity: CheckpointIdentity, tokenCount: Int, kind: Kind = .interval,
        title: String = "", trail: [CheckpointKey] = [], nextLogits: [Float]? = nil, cursor: [UInt8] = [],
        sections: [Section]
    ) {
        self.key = key
        self.identity = identity
        self.tokenCount = tokenCount
        self.kind = kind
        self.title = title
        self.trail = trail
        self.nextLogits = nextLogits
        self.cursor = cursor
        self.sections = sections
    }
}

/// What the header of a checkpoint file says: everything but the bytes of its sections.
public struct CheckpointSummary: Sendable, Equatable {
    public struct Section: Sendable, Equatable {
        public var name: String
        public var type: String
        /// Bytes in the file itself, and where.
        var offset, length: Int
        var crc: UInt32
        var blockBytes: Int
        var blocks: [Block]

        /// Bytes of the section, shared blocks among them.
        public var byteCount: Int { blocks.count * blockBytes + length }
    }

    /// A shared file of ``Section/blockBytes`` bytes, named by its SHA-256.
    struct Block: Sendable, Equatable {
        var digest: [UInt8]
        var crc: UInt32
        var name: String { digest.hex + ".block" }
    }

    public var key: CheckpointKey
    public var identity: CheckpointIdentity
    public var tokenCount: Int
    public var kind: Checkpoint.Kind
    public var title: String
    public var trail: [CheckpointKey]
    public var sections: [Section]
    public var formatVersion: Int
    /// Bytes of the file, without shared blocks.
    public var fileBytes: Int

    /// Bytes of the whole state, shared blocks among them.
    public var stateBytes: Int { sections.reduce(0) { $0 + $1.byteCount } }
    var blockNames: [String] { sections.flatMap { $0.blocks.map(\.name) } }
}

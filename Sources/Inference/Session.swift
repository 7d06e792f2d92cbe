import Checkpoints
import KimiLinear

/// One timeline: what has been read so far, as a state at exactly one token position.
///
/// Fork it to branch. Use one session from one thread at a time.
public final class Session: @unchecked Sendable {
    let state: SequenceState

    init(state: SequenceState) { self.state = state }

    /// Tokens read so far.
    public var tokenCount: Int { state.tokenCount }

    /// Whether every token was prefilled, as a checkpoint must be; see ``Engine/decode(_:)``.
    public var isPrefilled: Bool { !state.hasDecoded }

    /// An independent session at the same position.
    public func fork() -> Session { Session(state: state.copy()) }

    /// The state as bytes; equal states have equal bytes. See ``Engine/restore(_:)``.
    public func serialized() -> [UInt8] { state.serialized() }

    /// Bytes of the state: what stays constant, and what grows with the text.
    public var byteCounts: (constant: Int, growing: Int) { state.byteCounts }

    /// The state as a checkpoint under `key`, one section a layer. ``isPrefilled`` is a precondition.
    ///
    /// - Parameters:
    ///   - title: What was read, for people.
    ///   - trail: Keys of the blocks before, see `TokenChain`.
    ///   - nextLogits: Logits of the next token, when they are known.
    ///   - cursor: Where the ingestion stands.
    ///   - precision: That of `identity`.
    public func checkpoint(
        key: CheckpointKey, identity: CheckpointIdentity, kind: Checkpoint.Kind = .interval,
        title: String = "", trail: [CheckpointKey] = [], nextLogits: [Float]? = nil, cursor: [UInt8] = [],
        precision: StatePrecision = .f32
    ) -> Checkpoint {
        precondition(isPrefilled, "a session that has decoded is no checkpoint; prefill its tokens instead")
        let bytes = state.serialized()
        var sections: [Checkpoint.Section] = []
        var at = 0
        for section in state.sections {
            // Without a window latents only ever grow at their end: blocks of them are shared.
            let grows = state.shape.window == nil && section.name.hasPrefix("mla.") && tokenCount > 0
            let rowBytes = grows ? section.byteCount / tokenCount : 0
            sections.append(
                precision.packed(
                    .init(
                        name: section.name, type: section.type,
                        bytes: Array(bytes[at..<at + section.byteCount]),
                        blockBytes: grows ? rowBytes * TokenChain.blockTokens : nil)))
            at += section.byteCount
        }
        precondition(at == bytes.count, "sections do not add up")
        return Checkpoint(
            key: key, identity: identity, tokenCount: tokenCount, kind: kind, title: title, trail: trail,
            nextLogits: nextLogits, cursor: cursor, sections: sections)
    }
}

extension Engine {
    /// The session whose ``Session/serialized()`` gave these bytes, bit for bit.
    ///
    /// - Throws: `StateBytesError`.
    public func restore(_ bytes: [UInt8]) throws(StateBytesError) -> Session {
        Session(state: try SequenceState(shape: model.stateShape, serialized: bytes))
    }

    /// The session of a checkpoint.
    ///
    /// - Throws: `StateBytesError`.
    public func restore(_ checkpoint: Checkpoint) throws(StateBytesError) -> Session {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(checkpoint.sections.reduce(0) { $0 + $1.bytes.count })
        for section in checkpoint.sections { bytes += StatePrecision.unpacked(section) }
        return try restore(bytes)
    }

    /// What this engine's states depend on, with the tokenizer that made the ids.
    public func identity(
        tokenizerFingerprint: String, precision: StatePrecision = .f32
    ) -> CheckpointIdentity {
        CheckpointIdentity(
            modelFingerprint: fingerprint, tokenizerFingerprint: tokenizerFingerprint,
            numericsClass: numericsClass + (precision == .f32 ? "" : ", state \(precision.rawValue)"))
    }
}

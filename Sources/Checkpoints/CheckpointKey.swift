import Digests

/// What a state depends on besides the tokens it has read.
public struct CheckpointIdentity: Sendable, Equatable {
    /// SHA-256 of the weights, hexadecimal.
    public var modelFingerprint: String
    public var tokenizerFingerprint: String
    /// Kernel level, weight recipe and every constant that changes bits.
    public var numericsClass: String

    public init(modelFingerprint: String, tokenizerFingerprint: String, numericsClass: String) {
        self.modelFingerprint = modelFingerprint
        self.tokenizerFingerprint = tokenizerFingerprint
        self.numericsClass = numericsClass
    }
}

/// The name of a state: a SHA-256 chain over identity and token segments.
///
/// The key of a document's state does not depend on what is asked afterwards, since every
/// segment is one link. Segments are part of the name: the same ids cut elsewhere give another
/// key, so cut a text into the same segments always (prefix, document, question).
public struct CheckpointKey: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// The key before any token.
    public init(_ identity: CheckpointIdentity) {
        var hash = SHA256()
        hash.update("lector state \(CheckpointFormat.version)\n".utf8)
        for part in [identity.modelFingerprint, identity.tokenizerFingerprint, identity.numericsClass] {
            hash.update("\(part.utf8.count):\(part)\n".utf8)
        }
        bytes = hash.finalize()
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The key after one more segment of token ids.
    public func extended(by segment: some Collection<Int32>) -> CheckpointKey {
        var hash = SHA256()
        hash.update(bytes)
        withUnsafeBytes(of: UInt64(segment.count).littleEndian) { hash.update($0) }
        let ids = segment.map(\.littleEndian)
        ids.withUnsafeBytes { hash.update($0) }
        return CheckpointKey(bytes: hash.finalize())
    }

    /// 64 hexadecimal digits.
    public var description: String { bytes.hex }
}

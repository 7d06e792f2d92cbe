import Digests

/// What a state depends on besides the tokens it has read.
public struct CheckpointIdentity: Sendable, Hashable {
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

    /// The first part in which the two differ, with what stands there; nil when they are equal.
    public func difference(from loaded: CheckpointIdentity) -> (what: String, here: String, there: String)? {
        let parts = [
            ("model", modelFingerprint, loaded.modelFingerprint),
            ("tokenizer", tokenizerFingerprint, loaded.tokenizerFingerprint),
            ("numerics class", numericsClass, loaded.numericsClass),
        ]
        return parts.first { $0.1 != $0.2 }.map { (what: $0.0, here: $0.1, there: $0.2) }
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
        // The number is that of the chain's rule, not of the file format.
        hash.update("lector state 1\n".utf8)
        for part in [identity.modelFingerprint, identity.tokenizerFingerprint, identity.numericsClass] {
            hash.update("\(part.utf8.count):\(part)\n".utf8)
        }
        bytes = hash.finalize()
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The key of 64 hexadecimal digits; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
        guard digits.count == 64, !digits.contains(nil) else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).map { digits[$0]! << 4 | digits[$0 + 1]! }
    }

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

/// A name for the first n tokens of a text, whatever the cuts in which they came: one link for each
/// block of ``blockTokens``, one for what is left.
public struct TokenChain: Sendable {
    public static let blockTokens = 4096
    /// The keys behind 0, 1, 2, ... full blocks.
    public private(set) var trail: [CheckpointKey]
    private var tail: [Int32] = []
    /// Tokens behind the start.
    public private(set) var count = 0

    /// - Parameter start: The key of what stands before the text.
    public init(start: CheckpointKey) { trail = [start] }

    public mutating func append(_ tokens: some Collection<Int32>) {
        tail.append(contentsOf: tokens)
        count += tokens.count
        var at = 0
        while tail.count - at >= Self.blockTokens {
            trail.append(trail[trail.count - 1].extended(by: tail[at..<at + Self.blockTokens]))
            at += Self.blockTokens
        }
        tail.removeFirst(at)
    }

    public var key: CheckpointKey {
        tail.isEmpty ? trail[trail.count - 1] : trail[trail.count - 1].extended(by: tail)
    }
}

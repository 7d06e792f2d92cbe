/// Encodes a text that arrives in pieces: any cut of it gives the ids of the whole.
///
/// Holds at most one unfinished word, and no word is longer than 64 KiB, so that memory is
/// bounded whatever the text is.
public struct StreamingEncoder: Sendable {
    private let core: EncoderCore
    /// Bytes of a scalar that the last piece cut off, at most three.
    private var cut: [UInt8] = []
    /// Repaired text from the start of the first word without an end.
    private var pending: [UInt8] = []
    /// Below this many pending bytes another scan would find the same unfinished word. It
    /// doubles with the word, so that one byte at a time costs no more than a few scans.
    private var nextScan = 0

    private static let pieceBytes = 1 << 18

    public init(_ tokenizer: Tokenizer) { core = tokenizer.core }

    /// Adds text; appends the ids of the words that are now complete.
    public mutating func append(_ utf8: some Sequence<UInt8>, into ids: inout [Int32]) {
        let done: Void? = utf8.withContiguousStorageIfAvailable { appendBytes($0, into: &ids) }
        if done == nil { Array(utf8).withUnsafeBufferPointer { appendBytes($0, into: &ids) } }
    }

    /// Ends the text; appends what was held back and leaves the encoder as new.
    public mutating func finish(into ids: inout [Int32]) {
        cut.withUnsafeBufferPointer { _ = core.repair.repair($0, isEnd: true, into: &pending) }
        pending.withUnsafeBufferPointer { _ = core.encode($0, isEnd: true, into: &ids) }
        cut = []
        pending = []
        nextScan = 0
    }

    private mutating func appendBytes(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int32]) {
        var at = 0
        while at < text.count {
            let end = min(text.count, at + Self.pieceBytes)
            appendPiece(UnsafeBufferPointer(rebasing: text[at..<end]), into: &ids)
            at = end
        }
    }

    private mutating func appendPiece(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int32]) {
        if cut.isEmpty {
            let used = core.repair.repair(text, isEnd: false, into: &pending)
            cut.append(contentsOf: text[used...])
        } else {
            cut.append(contentsOf: text)
            let used = cut.withUnsafeBufferPointer { core.repair.repair($0, isEnd: false, into: &pending) }
            cut.removeFirst(used)
        }
        guard pending.count >= nextScan else { return }
        let used = pending.withUnsafeBufferPointer { core.encode($0, isEnd: false, into: &ids) }
        pending.removeFirst(used)
        nextScan = min(max(64, 2 * pending.count), WordScanner.lookaheadBytes)
    }
}

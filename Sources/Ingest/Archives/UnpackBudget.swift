import Documents

/// What may be unpacked from one outermost archive, with everything inside it.
final class UnpackBudget {
    private let limits: IngestLimits
    /// Nothing is refused: it is known that the archive stays within its limits.
    var isWaived = false
    /// Bytes read of the outermost archive.
    private var packed = 0
    private var unpacked = 0
    /// The limit that was hit; then nothing more is unpacked.
    private(set) var failure: SourceFailure?
    /// An archive inside has stopped at the limit and said nothing: the outermost speaks for it.
    var hasUnreadRest = false

    init(_ limits: IngestLimits) { self.limits = limits }

    /// - Parameter total: Bytes of the outermost archive that were read so far.
    func setPacked(_ total: Int) { packed = total }

    func addUnpacked(_ count: Int) throws(SourceFailure) {
        if isWaived { return }
        unpacked += count
        if failure == nil, unpacked > limits.maxUnpackedBytes {
            failure = SourceFailure(
                reason: .limitBytes, message: "unpacks to more than \(limits.maxUnpackedBytes) bytes")
        }
        if failure == nil, unpacked > limits.ratioFloorBytes, unpacked / limits.maxRatio > packed {
            failure = SourceFailure(
                reason: .limitRatio,
                message: "unpacks to more than \(limits.maxRatio) bytes for each of its \(packed)")
        }
        if let failure { throw failure }
    }
}

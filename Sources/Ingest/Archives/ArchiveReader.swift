import Documents

final class ArchiveReader: DocumentProducer {
    let address: String
    init(_ reader: ByteReader, address: String, depth: Int) { self.address = address }
    func step(_ context: StreamContext) -> Bool {
        context.emitFailure(address, .skipped(.unsupported), "an archive")
        return false
    }
}

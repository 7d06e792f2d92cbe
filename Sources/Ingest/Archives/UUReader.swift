import Documents

/// A uuencoded file: what it decodes to is opened under its own address, as that of a compressed file is.
/// More files after its end are opened as `address!/name`.
///
/// Read here and not by libarchive, whose filter knows neither modes of four digits nor an `end` without an
/// empty line before it.
final class UUReader: DocumentProducer {
    private let reader: ByteReader
    private let address: String
    private let depth: Int
    private let budget: UnpackBudget?
    private var files = 0
    private var source: UUSource?
    /// The number of the file, from 1.
    private(set) var place: [Int]?
    private var names: Set<String> = []

    init(_ reader: ByteReader, address: String, depth: Int, budget: UnpackBudget?) {
        self.reader = reader
        self.address = address
        self.depth = depth
        self.budget = budget
    }

    func step(_ context: StreamContext) -> Bool {
        if files == 0, let step = context.takeStep() {
            while files < step[0] - 1, next() != nil {}
            if files < step[0] - 1 {
                context.isLost = true
                return false
            }
        }
        let isRead = context.enter([files + 1], address)
        guard let inner = next() else { return false }
        place = [files]
        if !isRead { return true }
        context.push(
            ContentOpener(
                ByteReader(source!, isUnpacked: files == 1), address: inner, depth: depth, isPlainFile: false,
                budget: budget))
        return true
    }

    /// Goes to the next file, over what is left of the last one and over lines that belong to none.
    ///
    /// - Returns: Its address; nil after the last file.
    private func next() -> String? {
        source?.drain()
        while let line = reader.takeLine({ UUEncoding.name($0) }) {
            if let name = line {
                files += 1
                source = UUSource(reader)
                return files == 1 ? address : AttachmentsReader.address(of: name, files, in: address, &names)
            }
        }
        return nil
    }
}

/// The bytes of one uuencoded file, from the line after `begin` to `end`.
private final class UUSource: ByteSource {
    private let reader: ByteReader
    private var bytes: [UInt8] = []
    private var position = 0
    private var lines = 1
    private var isDone = false
    /// Told after the bytes before it.
    private var failure: SourceFailure?

    init(_ reader: ByteReader) { self.reader = reader }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        if position == bytes.count { decode() }
        if bytes.isEmpty, let failure { throw failure }
        let count = min(buffer.count, bytes.count - position)
        bytes.withUnsafeBytes { buffer.copyMemory(from: $0.slice(position..<position + count)) }
        position += count
        return count
    }

    /// Passes over what was not read.
    func drain() { while !isDone { decode() } }

    /// Decodes some lines more; none after the end, or after what cannot be decoded.
    private func decode() {
        bytes.removeAll(keepingCapacity: true)
        position = 0
        while !isDone, bytes.count < 32 << 10 {
            lines += 1
            let isSound = reader.takeLine { line in
                if UUEncoding.isEnd(line) {
                    isDone = true
                } else if UUEncoding.isData(line) {
                    UUEncoding.append(line, to: &bytes)
                } else {
                    return false
                }
                return true
            }
            if isSound == true { continue }
            isDone = true
            let message =
                isSound == nil
                ? "the uuencoded file stops without its `end`" : "its line \(lines) is not uuencoded"
            failure = reader.failure ?? SourceFailure(reason: .damaged, message: message)
        }
    }
}

extension ByteReader {
    /// Consumes the next line and gives it, without its line end, to `body`; nil at the end. Of a line that is
    /// too long for any use of this, a piece.
    fileprivate func takeLine<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        let view = look(4096)
        if view.isEmpty { return nil }
        let end = view.firstOffset(of: 0x0A)
        let result = body(UUEncoding.trimmed(view.slice(0..<(end ?? view.count))))
        consume(end.map { $0 + 1 } ?? view.count)
        return result
    }
}

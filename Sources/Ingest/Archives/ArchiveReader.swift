import CArchive
import Documents
import Glibc

/// An archive or a compressed file: each file in it is opened like any other bytes, in the
/// order of the archive and while it is unpacked.
///
/// Nothing is ever written where an entry says; names are parts of addresses and no more.
/// Folders, links and devices have no bytes and get no row. A damaged archive gives what
/// came before the damage, then one `failed.damaged` row for the rest; limits end it the
/// same way.
final class ArchiveReader: DocumentProducer {
    private let address: String
    private let depth: Int
    private let file: ArchiveFile
    private let budget: UnpackBudget
    private var entries = 0
    private var entry: EntrySource?
    private var isOpen = false

    /// - Parameters:
    ///   - depth: Containers around the entries, this one counted.
    ///   - budget: That of the outermost archive around this one, if there is one.
    init(_ reader: ByteReader, address: String, depth: Int, budget: UnpackBudget?, limits: IngestLimits) {
        self.address = address
        self.depth = depth
        self.budget = budget ?? UnpackBudget(limits)
        file = ArchiveFile(reader, budget: self.budget, isOutermost: budget == nil)
    }

    func step(_ context: StreamContext) -> Bool {
        if !isOpen {
            isOpen = true
            if let failure = file.open(limits: context.limits) {
                context.emitFailure(address, .failed(failure.reason), failure.message)
                return false
            }
        }
        if let entry {
            self.entry = nil
            entry.drain()
            if file.isRaw { return false }  // the one stream of a compressed file; its document has said all
        }
        if let failure = budget.failure {
            // The outermost archive speaks for all that are inside.
            if file.isOutermost {
                context.emitFailure(
                    address, .failed(failure.reason), failure.message + "; the rest is not read")
            }
            return false
        }
        switch file.nextHeader() {
        case .end:
            if entries == 0 { context.emitFailure(address, .skipped(.empty), "an archive without entries") }
            return false
        case .failed(let failure):
            context.emitFailure(address, .failed(failure.reason), failure.message + "; the rest is not read")
            return false
        case .nothing:
            return true
        case .entry(let name, let isEncrypted):
            entries += 1
            if entries > context.limits.maxEntries {
                context.emitFailure(
                    address, .failed(.limitEntries),
                    "more than \(context.limits.maxEntries) entries; the rest is not read")
                return false
            }
            let inner = file.isRaw ? address : "\(address)!/\(name)"
            if isEncrypted {
                context.emitFailure(inner, .failed(.encrypted), "the entry is encrypted")
                return true
            }
            let source = EntrySource(file)
            entry = source
            context.push(
                ContentOpener(
                    ByteReader(source), address: inner, depth: depth, isPlainFile: false, budget: budget))
            return true
        }
    }
}

/// What may be unpacked from one outermost archive, with everything inside it.
final class UnpackBudget {
    private let limits: IngestLimits
    /// Bytes read of the outermost archive.
    private var packed = 0
    private var unpacked = 0
    /// The limit that was hit; then nothing more is unpacked.
    private(set) var failure: SourceFailure?

    init(_ limits: IngestLimits) { self.limits = limits }

    /// - Parameter total: Bytes of the outermost archive that were read so far.
    func setPacked(_ total: Int) { packed = total }

    func addUnpacked(_ count: Int) throws(SourceFailure) {
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

/// The bytes of the entry that an archive stands at.
private final class EntrySource: ByteSource {
    private let file: ArchiveFile
    private var isDone = false

    init(_ file: ArchiveFile) { self.file = file }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        if isDone { return 0 }
        do {
            let count = try file.readData(into: buffer)
            if count == 0 { isDone = true }
            return count
        } catch {
            isDone = true
            throw error
        }
    }

    /// Passes over what was not read, and counts it, unless the format can skip it without
    /// unpacking.
    func drain() {
        if isDone || file.skipsPacked { return }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { scratch.deallocate() }
        while let count = try? read(into: scratch), count > 0 {}
    }
}

/// libarchive's reader over a `ByteReader`.
private final class ArchiveFile {
    enum Header {
        case entry(name: String, isEncrypted: Bool)
        /// An entry without bytes of its own.
        case nothing
        case end
        case failed(SourceFailure)
    }

    let isOutermost: Bool
    private(set) var isRaw = false
    private let reader: ByteReader
    private let budget: UnpackBudget
    private var archive: OpaquePointer?

    // Reading in order: what libarchive holds of the reader's buffer. Seeking: a buffer and a place.
    private var handedOut = 0
    private var descriptor: Int32?
    private var spool: FileSource?
    private var position = 0
    private var size = 0
    private var readTotal = 0
    private var block: [UInt8] = []
    private var ordinal = 0

    // libarchive's last block of an entry, as far as it is not handed on.
    private var dataLeft = UnsafeRawBufferPointer(start: nil, count: 0)
    private var dataOffset = 0
    private var holeBytes = 0

    init(_ reader: ByteReader, budget: UnpackBudget, isOutermost: Bool) {
        self.reader = reader
        self.budget = budget
        self.isOutermost = isOutermost
    }

    deinit {
        if let archive { archive_read_free(archive) }
    }

    /// Zip says how long an entry is packed; others must be unpacked to be passed.
    var skipsPacked: Bool {
        archive.map { archive_format($0) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_ZIP } ?? true
    }

    func open(limits: IngestLimits) -> SourceFailure? {
        let archive = archive_read_new()!
        self.archive = archive
        let beginning = reader.look(512)
        let isCompressed =
            Self.compressions.contains { beginning.begins(with: $0) } || beginning.begins(with: "BZh")
            || beginning.begins(with: "LZIP") || beginning.begins(with: "begin ") || (beginning.first == 0x5D)
        // Each by name: `all` includes mtree, which opens files that it names, filters that
        // start programs, and xar, whose reader (libarchive 3.6.2) can loop for ever.
        archive_read_support_filter_gzip(archive)
        archive_read_support_filter_bzip2(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_filter_lzma(archive)
        archive_read_support_filter_lzip(archive)
        archive_read_support_filter_zstd(archive)
        archive_read_support_filter_lz4(archive)
        archive_read_support_filter_compress(archive)
        // Its test reads far ahead, over damage that would only come later.
        if beginning.begins(with: "begin ") { archive_read_support_filter_uu(archive) }
        archive_read_support_filter_rpm(archive)
        archive_read_support_format_zip(archive)
        archive_read_support_format_tar(archive)
        archive_read_support_format_7zip(archive)
        archive_read_support_format_cpio(archive)
        archive_read_support_format_ar(archive)
        archive_read_support_format_iso9660(archive)
        archive_read_support_format_cab(archive)
        archive_read_support_format_lha(archive)
        archive_read_support_format_rar(archive)
        archive_read_support_format_rar5(archive)
        archive_read_support_format_warc(archive)
        archive_read_support_format_empty(archive)
        if isCompressed { archive_read_support_format_raw(archive) }

        if isOutermost, let source = reader.seekableDescriptor {
            descriptor = source
        } else if beginning.begins(with: "7z\u{BC}") || beginning.begins(with: [0x37, 0x7A, 0xBC, 0xAF]) {
            if let failure = spoolEverything(limit: limits.maxSpoolBytes) { return failure }
        }
        if let descriptor {
            var info = stat()
            fstat(descriptor, &info)
            size = Int(info.st_size)
            block = [UInt8](repeating: 0, count: 64 << 10)
            archive_read_set_seek_callback(archive) { _, context, offset, whence in
                ArchiveFile.from(context).seek(Int(offset), whence)
            }
        }
        archive_read_set_read_callback(archive) { _, context, buffer in
            ArchiveFile.from(context).read(buffer)
        }
        archive_read_set_skip_callback(archive) { _, context, count in
            ArchiveFile.from(context).skip(Int(count))
        }
        archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
        let status = UTF8Locale.with { archive_read_open1(archive) }
        return status == ARCHIVE_OK || status == ARCHIVE_WARN ? nil : failure()
    }

    func nextHeader() -> Header {
        guard let archive else { return .end }
        dataLeft = UnsafeRawBufferPointer(start: nil, count: 0)
        dataOffset = 0
        holeBytes = 0
        var entry: OpaquePointer?
        var status = ARCHIVE_RETRY
        var tries = 0
        UTF8Locale.with {
            repeat {
                status = archive_read_next_header(archive, &entry)
                tries += 1
            } while status == ARCHIVE_RETRY && tries < 100
        }
        if status == ARCHIVE_EOF {
            // Encrypted lists of names look like no entries.
            if ordinal == 0, archive_read_has_encrypted_entries(archive) > 0 {
                return .failed(SourceFailure(reason: .encrypted, message: "the archive is encrypted"))
            }
            return .end
        }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry else {
            if archive_read_has_encrypted_entries(archive) > 0 {
                return .failed(SourceFailure(reason: .encrypted, message: "the archive is encrypted"))
            }
            return .failed(failure())
        }
        isRaw = archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_RAW
        let type = archive_entry_filetype(entry)
        let isLink = UTF8Locale.with {
            let isHard = archive_entry_hardlink(entry) != nil
            errno = 0
            return isHard || archive_entry_symlink(entry) != nil
        }
        if !isRaw, isLink || (type != 0 && type != 0o100000) { return .nothing }
        ordinal += 1
        return .entry(name: name(entry), isEncrypted: archive_entry_is_encrypted(entry) != 0)
    }

    /// The name as UTF-8: what libarchive makes of it, else the raw bytes by a guess.
    private func name(_ entry: OpaquePointer) -> String {
        UTF8Locale.with {
            if let raw = archive_entry_pathname(entry) {
                let bytes = UnsafeRawBufferPointer(start: raw, count: strlen(raw))
                if !bytes.isEmpty {
                    let utf8 =
                        UTF8Text.isValid(bytes) ? Array(bytes) : TextDecoder.decode(bytes, declared: nil).utf8
                    return String(decoding: utf8, as: UTF8.self)
                }
            }
            errno = 0
            if let utf8 = archive_entry_pathname_utf8(entry), strlen(utf8) > 0 {
                return String(cString: utf8)
            }
            return "entry\(ordinal)"
        }
    }

    /// Reads of the entry's data. Block by block, since `archive_read_data` gives nothing of
    /// a call in which it comes upon damage.
    func readData(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        guard let archive else { return 0 }
        if let failure = budget.failure { throw failure }
        var tries = 0
        while dataLeft.isEmpty, holeBytes == 0 {
            var base: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            let status = archive_read_data_block(archive, &base, &count, &offset)
            if status == ARCHIVE_EOF { return 0 }
            if status == ARCHIVE_RETRY, tries < 100 {
                tries += 1
                continue
            }
            guard status == ARCHIVE_OK || (status == ARCHIVE_WARN && count > 0) else { throw failure() }
            dataLeft = UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count)
            // Sparse files leave out their zeros.
            holeBytes = max(0, Int(offset) - dataOffset)
            dataOffset = max(dataOffset, Int(offset)) + dataLeft.count
        }
        let count: Int
        if holeBytes > 0 {
            count = min(holeBytes, buffer.count)
            memset(buffer.baseAddress!, 0, count)
            holeBytes -= count
        } else {
            count = min(dataLeft.count, buffer.count)
            buffer.copyMemory(from: dataLeft.slice(0..<count))
            dataLeft = dataLeft.slice(count..<dataLeft.count)
        }
        try budget.addUnpacked(count)
        return count
    }

    /// libarchive's words for what went wrong, and what kind of wrong that is.
    private func failure() -> SourceFailure {
        if let failure = reader.failure { return failure }
        let text = archive.flatMap { archive_error_string($0) }.map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: strlen($0)), as: UTF8.self)
        }
        let message = text ?? "the archive is damaged"
        let lower = message.asciiLowercased
        if lower.contains("encrypt") || lower.contains("passphrase") || lower.contains("password") {
            return SourceFailure(reason: .encrypted, message: message)
        }
        if lower.contains("unsupported") || lower.contains("not supported") || lower.contains("codec id") {
            return SourceFailure(reason: .unsupported, message: message)
        }
        return SourceFailure(reason: .damaged, message: message)
    }

    // MARK: Bytes for libarchive

    private static func from(_ context: UnsafeMutableRawPointer?) -> ArchiveFile {
        Unmanaged<ArchiveFile>.fromOpaque(context!).takeUnretainedValue()
    }

    private func read(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
        if let descriptor {
            let count = block.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, $0.count, off_t(position))
            }
            if count < 0 { return -1 }
            position += count
            readTotal += count
            if isOutermost { budget.setPacked(min(readTotal, size)) }
            // The array is not changed before the next call, so its storage stays where it is.
            block.withUnsafeBytes { buffer?.pointee = $0.baseAddress }
            return count
        }
        reader.consume(handedOut)
        let view = reader.look()
        handedOut = view.count
        if isOutermost { budget.setPacked(reader.offset + handedOut) }
        buffer?.pointee = view.baseAddress
        return reader.failure != nil && view.isEmpty ? -1 : view.count
    }

    private func skip(_ count: Int) -> la_int64_t {
        guard descriptor != nil else { return 0 }  // libarchive then reads what it does not need
        let step = min(count, max(0, size - position))
        position += step
        if isOutermost {
            readTotal += step
            budget.setPacked(min(readTotal, size))
        }
        return la_int64_t(step)
    }

    private func seek(_ offset: Int, _ whence: Int32) -> la_int64_t {
        let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : size
        let (target, overflow) = base.addingReportingOverflow(offset)
        if overflow || target < 0 || target > size { return la_int64_t(ARCHIVE_FATAL) }
        position = target
        return la_int64_t(target)
    }

    /// Puts bytes that cannot be read out of order into a file without a name.
    private func spoolEverything(limit: Int) -> SourceFailure? {
        var template = Array((temporaryFolder() + "/lector-XXXXXX").utf8CString)
        let target = mkstemp(&template)
        if target < 0 {
            return SourceFailure(reason: .unreadable, message: "no temporary file: \(systemMessage(errno))")
        }
        unlink(template)
        spool = FileSource(descriptor: target, closes: true, isRegular: true)
        while case let view = reader.look(), !view.isEmpty {
            if reader.offset + view.count > limit {
                return SourceFailure(
                    reason: .limitBytes,
                    message: "must be kept whole to be read, and is longer than \(limit) bytes")
            }
            var done = 0
            while done < view.count {
                let count = write(target, view.baseAddress! + done, view.count - done)
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    return SourceFailure(
                        reason: .unreadable, message: "cannot write a temporary file: \(systemMessage(errno))"
                    )
                }
                done += count
            }
            reader.consume(view.count)
        }
        if let failure = reader.failure { return failure }
        descriptor = target
        return nil
    }

    private func temporaryFolder() -> String {
        if let folder = getenv("TMPDIR"), strlen(folder) > 0 { return String(cString: folder) }
        return "/tmp"
    }

    static let compressions: [[UInt8]] = [
        [0x1F, 0x8B], [0x1F, 0x9D], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x28, 0xB5, 0x2F, 0xFD],
        [0x04, 0x22, 0x4D, 0x18], [0x02, 0x21, 0x4C, 0x18],
    ]
}

/// libarchive converts names to the locale; without a UTF-8 one they are lost.
private enum UTF8Locale {
    private nonisolated(unsafe) static let locale: locale_t? =
        newlocale(LC_CTYPE_MASK, "C.UTF-8", nil) ?? newlocale(LC_CTYPE_MASK, "en_US.UTF-8", nil)

    static func with<Result>(_ body: () -> Result) -> Result {
        guard let locale else {
            errno = 0
            return body()
        }
        let previous = uselocale(locale)
        defer { uselocale(previous) }
        // libarchive ends the process when a name cannot be converted and errno still says
        // that memory was short at some time before.
        errno = 0
        return body()
    }
}

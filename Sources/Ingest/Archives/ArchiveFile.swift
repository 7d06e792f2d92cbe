import CArchive
import CReader
import Documents
import Glibc

/// The bytes of the entry that an archive stands at.
final class EntrySource: ByteSource {
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
final class ArchiveFile {
    enum Header {
        case entry(name: String, isEncrypted: Bool)
        /// An entry without bytes of its own.
        case nothing
        case end
        case failed(SourceFailure)
    }

    /// Done once, before the first archive: see decision 5.
    private static let mallocIsSet: Void = cr_map_large_blocks()

    let isOutermost: Bool
    private(set) var isRaw = false
    private let reader: ByteReader
    private let budget: UnpackBudget
    private var archive: OpaquePointer?

    // Reading in order: what libarchive holds of the reader's buffer. Seeking: a buffer and a place.
    private var handedOut = 0
    private var descriptor: Int32?
    private var spool: Spool?
    private var position = 0
    private var size = 0
    private var readTotal = 0
    private var block: [UInt8] = []
    private var ordinal = 0
    private var emptyReads = 0

    // libarchive's last block of an entry, as far as it is not handed on.
    private var dataLeft = UnsafeRawBufferPointer(start: nil, count: 0)
    private var dataOffset = 0
    private var holeBytes = 0
    /// What was wrong with that block, for when it is handed on.
    private var pendingFailure: SourceFailure?
    /// Of a 7z: a method of packing that is not known here, met since data was last unpacked.
    private var unsupported: SourceFailure?
    /// Of a 7z: who reads on from an entry that libarchive could not begin to unpack.
    private var unpacker: SevenZipUnpacker?
    private var entry: (name: String, size: Int) = ("", 0)
    /// Of a 7z that might be read if that were installed: where to get it.
    private var hint = ""

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

    private var isSevenZip: Bool {
        archive.map { archive_format($0) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_7ZIP } ?? false
    }

    /// Bytes of the archive that were read.
    var packedBytes: Int { descriptor == nil ? reader.offset + handedOut : min(readTotal, size) }

    /// - Parameter passwords: Tried one after the other on what is encrypted.
    func open(limits: IngestLimits, passwords: [String]) -> SourceFailure? {
        Self.mallocIsSet
        let archive = archive_read_new()!
        self.archive = archive
        let beginning = reader.look(512)
        let isCompressed =
            Self.compressions.contains { beginning.begins(with: $0) } || beginning.begins(with: "BZh")
            || beginning.begins(with: "LZIP") || ContentKind.isLZMA(beginning)
        // Each by name: `all` includes mtree, which opens files that it names, filters that
        // start programs, and xar (see XarReader).
        archive_read_support_filter_gzip(archive)
        archive_read_support_filter_bzip2(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_filter_lzma(archive)
        archive_read_support_filter_lzip(archive)
        archive_read_support_filter_zstd(archive)
        archive_read_support_filter_lz4(archive)
        archive_read_support_filter_compress(archive)
        archive_read_support_filter_rpm(archive)
        if isCompressed {
            // What is inside is told anew: a 7z in a gz must be kept to be sought in.
            archive_read_support_format_raw(archive)
        } else {
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
        }
        archive_read_support_format_empty(archive)
        for password in passwords where !password.isEmpty { archive_read_add_passphrase(archive, password) }

        if isOutermost, let source = reader.seekableDescriptor {
            descriptor = source
        } else if beginning.begins(with: "7z\u{BC}") || beginning.begins(with: [0x37, 0x7A, 0xBC, 0xAF]) {
            switch Spool.keep(reader, limit: limits.maxSpoolBytes) {
            case .success(let spool):
                self.spool = spool
                descriptor = spool.descriptor
            case .failure(let failure): return failure
            }
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
            defer { errno = 0 }  // libarchive takes a name after this for the cause
            return ArchiveFile.from(context).read(buffer)
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
        if let unpacker { return unpacker.next() }
        dataLeft = UnsafeRawBufferPointer(start: nil, count: 0)
        dataOffset = 0
        holeBytes = 0
        pendingFailure = nil
        var entry: OpaquePointer?
        var status = ARCHIVE_RETRY
        var tries = 0
        repeat {
            status = UTF8Locale.with { archive_read_next_header(archive, &entry) }
            tries += 1
        } while status == ARCHIVE_RETRY && tries < 100
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
            var failure = failure()
            failure.message += hint
            return .failed(failure)
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
        self.entry = (name(entry), Int(archive_entry_size(entry)))
        return .entry(name: self.entry.name, isEncrypted: archive_entry_is_encrypted(entry) != 0)
    }

    /// The name as UTF-8: what libarchive makes of it, else the raw bytes by a guess.
    private func name(_ entry: OpaquePointer) -> String {
        UTF8Locale.with {
            if let raw = archive_entry_pathname(entry) {
                let bytes = UnsafeRawBufferPointer(start: raw, count: strlen(raw))
                if !bytes.isEmpty {
                    let utf8 =
                        UTF8Text.isValid(bytes) ? Array(bytes) : TextDecoder.decode(bytes, declared: nil)
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
    /// a call in which it comes upon damage. A checksum that is wrong comes with the last block.
    func readData(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        if let failure = budget.failure { throw failure }
        if unpacker == nil {
            do { return try unpack(into: buffer) } catch { unpacker = try another(after: error) }
        }
        let count = try unpacker!.read(into: buffer)
        try budget.addUnpacked(count)
        return count
    }

    /// `7z`, where this entry of a 7z could not be begun: libarchive takes filters that it lacks (ARM and PowerPC
    /// code) for damage, and reads no further.
    private func another(after failure: SourceFailure) throws(SourceFailure) -> SevenZipUnpacker {
        guard isSevenZip, let descriptor, dataOffset == 0, entry.size > 0,
            failure.reason == .damaged || failure.reason == .unsupported
        else { throw failure }
        if let unpacker = SevenZipUnpacker(descriptor, at: entry) { return unpacker }
        guard ToolProcess.path(of: Tool.sevenZip.program) == nil else { throw failure }
        hint = "; \(Tool.sevenZip.program) may be able to: apt-get install \(Tool.sevenZip.package)"
        throw SourceFailure(reason: failure.reason, message: failure.message + hint)
    }

    private func unpack(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        guard let archive else { return 0 }
        var tries = 0
        while dataLeft.isEmpty, holeBytes == 0 {
            if let pendingFailure { throw pendingFailure }
            var base: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            // RAR reads the header of the next volume, and its name, amid the data.
            let status = UTF8Locale.with { archive_read_data_block(archive, &base, &count, &offset) }
            if status == ARCHIVE_EOF { return 0 }
            if status == ARCHIVE_RETRY, tries < 100 {
                tries += 1
                continue
            }
            guard status == ARCHIVE_OK || (status == ARCHIVE_WARN && count > 0) else { throw failure() }
            if status == ARCHIVE_WARN { pendingFailure = failure() } else { unsupported = nil }
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
        if lower.contains("too many filters") { return SourceFailure(reason: .limitDepth, message: message) }
        if lower.contains("unsupported") || lower.contains("unexpected codec id")
            || lower.contains("not supported") || lower.contains("codec id")
        {
            let failure = SourceFailure(reason: .unsupported, message: message)
            if isSevenZip { unsupported = failure }
            return failure
        }
        // Of entries packed together in a 7z, only the first to be read is told why it cannot be.
        return unsupported ?? SourceFailure(reason: .damaged, message: message)
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
            if count < 0 || isReadingPastEnd(count) { return -1 }
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
        if isReadingPastEnd(view.count) { return -1 }
        return reader.failure != nil && view.isEmpty ? -1 : view.count
    }

    /// A reader that asks for ever for bytes that a damaged file lacks is told that reading fails.
    private func isReadingPastEnd(_ count: Int) -> Bool {
        emptyReads = count == 0 ? emptyReads + 1 : 0
        return emptyReads > 1000
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

    static let compressions: [[UInt8]] = [
        [0x1F, 0x8B], [0x1F, 0x9D], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x28, 0xB5, 0x2F, 0xFD],
        [0x04, 0x22, 0x4D, 0x18], [0x02, 0x21, 0x4C, 0x18],
    ]
}

/// libarchive converts names to the locale; without a UTF-8 one they are lost. Every call that may come upon a name runs in here.
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

import Digests
import Documents
import Glibc
import JSON

/// Records of a journal by their place, for those who only read.
package final class JournalReader {
    private let path: String
    private let fd: Int32

    package init(_ path: String) throws(PipelineError) {
        self.path = path
        fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw FileSystem.error("read", path) }
    }

    deinit { close(fd) }

    package func record(at place: Journal.Place) throws(PipelineError) -> Journal.Record {
        try Journal.record(at: place, descriptor: fd, path: path)
    }
}

/// The rows of a run in the order in which they were finished: append-only, one line each.
///
/// A line is eight hexadecimal digits (CRC-32C of what follows the space), a space, and one
/// JSON object. A line that a kill or a full disk cut short is cut off when the journal is
/// opened again; a line damaged elsewhere is left out, its item is read again, and the old
/// file is kept beside the new one.
package final class Journal {
    /// One finished item.
    package struct Record: Sendable, Equatable {
        /// Place of the row in the output, from 0.
        package var index: Int
        /// Digest by which exact duplicates find each other; nil when the item has none.
        package var key: String?
        /// Digest of the content, as ingestion gave it.
        package var contentDigest: String
        /// Tokens that went through the model for this item.
        package var work: Int
        /// Where the item stands in its file.
        package var source: SourceSpan?
        package var row: JSONValue

        package init(
            index: Int, key: String?, contentDigest: String, work: Int, source: SourceSpan?, row: JSONValue
        ) {
            self.index = index
            self.key = key
            self.contentDigest = contentDigest
            self.work = work
            self.source = source
            self.row = row
        }
    }

    /// Where a record stands in the file.
    package struct Place: Sendable, Equatable {
        package var offset: Int
        package var length: Int

        package init(offset: Int, length: Int) {
            self.offset = offset
            self.length = length
        }
    }

    /// What opening found.
    package struct Recovery: Sendable, Equatable {
        package var records = 0
        /// Bytes of an unfinished last line that were cut off.
        package var tornBytes = 0
        /// Lines that did not match their checksum and were left out.
        package var damagedLines = 0
        /// Where the journal with the damaged lines was kept.
        package var setAside: String?
    }

    package let path: String
    package private(set) var recovery = Recovery()
    private var fd: Int32 = -1
    private var end = 0

    /// Opens or makes the journal and hands every whole record to `visit`, in file order.
    package init(_ path: String, visit: (Record, Place) -> Void) throws(PipelineError) {
        self.path = path
        if FileSystem.exists(path) { try recover() }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw FileSystem.error("open", path) }
        try Self.scan(path) { record, place in
            if let record {
                visit(record, place)
                recovery.records += 1
            }
            end = place.offset + place.length + 1
        }
    }

    deinit { if fd >= 0 { close(fd) } }

    /// Cuts a torn end off and rebuilds the file when a line within is damaged.
    private func recover() throws(PipelineError) {
        var whole = 0
        var damaged = 0
        var torn = 0
        var reader = try LineReader(path)
        while let line = try reader.next() {
            if !line.isWhole {
                torn = line.bytes.count
                break
            }
            if Self.decode(line.bytes) == nil { damaged += 1 }
            whole = line.offset + line.bytes.count + 1
        }
        if torn > 0 {
            guard truncate(path, off_t(whole)) == 0 else { throw FileSystem.error("shorten", path) }
        }
        recovery.tornBytes = torn
        recovery.damagedLines = damaged
        guard damaged > 0 else { return }

        var kept = path + ".damaged"
        var number = 1
        while FileSystem.exists(kept) {
            number += 1
            kept = path + ".damaged-\(number)"
        }
        let rebuilt = try AtomicFile(path + ".rebuilt")
        var again = try LineReader(path)
        while let line = try again.next() {
            if Self.decode(line.bytes) == nil { continue }
            try rebuilt.write(line.bytes)
            try rebuilt.write([UInt8(ascii: "\n")])
        }
        try rebuilt.commit()
        guard rename(path, kept) == 0, rename(path + ".rebuilt", path) == 0 else {
            throw FileSystem.error("set aside", path)
        }
        recovery.setAside = kept
    }

    /// Reads a journal from its start; `visit` gets nil for a line that is damaged.
    package static func scan(_ path: String, visit: (Record?, Place) -> Void) throws(PipelineError) {
        var reader = try LineReader(path)
        while let line = try reader.next(), line.isWhole {
            visit(decode(line.bytes), Place(offset: line.offset, length: line.bytes.count))
        }
    }

    /// Appends a record; it outlasts the process at once, and a power cut after `sync`.
    ///
    /// - Throws: `.io`; the journal then ends where it ended before.
    @discardableResult
    package func append(_ record: Record) throws(PipelineError) -> Place {
        let line = Self.encode(record)
        guard lseek(fd, off_t(end), SEEK_SET) >= 0 else { throw FileSystem.error("write", path) }
        do {
            try FileSystem.write(line, to: fd, path: path)
        } catch {
            ftruncate(fd, off_t(end))
            throw error
        }
        let place = Place(offset: end, length: line.count - 1)
        end += line.count
        return place
    }

    package func sync() throws(PipelineError) {
        guard fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS else {
            throw FileSystem.error("write", path)
        }
    }

    /// The record at a place that `append` or opening gave.
    package func record(at place: Place) throws(PipelineError) -> Record {
        try Self.record(at: place, descriptor: fd, path: path)
    }

    static func record(at place: Place, descriptor: Int32, path: String) throws(PipelineError) -> Record {
        var bytes = [UInt8](repeating: 0, count: place.length)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + done, $0.count - done, off_t(place.offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileSystem.error("read", path) }
            done += count
        }
        guard let record = Self.decode(bytes) else {
            throw .data(
                "\(TerminalText.sanitized(path)) changed while it was in use; start the same command again")
        }
        return record
    }

    // MARK: One line

    package static func encode(_ record: Record) -> [UInt8] {
        var members = [JSONMember("i", .integer(record.index))]
        if let key = record.key { members.append(JSONMember("key", .string(key))) }
        members.append(JSONMember("digest", .string(record.contentDigest)))
        members.append(JSONMember("work", .integer(record.work)))
        if let source = record.source {
            members.append(JSONMember("span", .array([.integer(source.start), .integer(source.end)])))
        }
        members.append(JSONMember("row", record.row))
        let body = JSONValue.object(members).bytes
        var line = Array(checksum(body).utf8)
        line.append(UInt8(ascii: " "))
        line += body
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// The record of a line without its line break; nil when it is damaged.
    package static func decode(_ line: [UInt8]) -> Record? {
        guard line.count > 10, line[8] == UInt8(ascii: " ") else { return nil }
        let body = Array(line[9...])
        guard line[..<8].elementsEqual(checksum(body).utf8), let value = try? JSONValue(parsing: body),
            let index = value["i"]?.integer, let row = value["row"]
        else { return nil }
        var source: SourceSpan?
        if let span = value["span"]?.array, span.count == 2, let start = span[0].integer,
            let end = span[1].integer
        {
            source = SourceSpan(start: start, end: end)
        }
        return Record(
            index: index, key: value["key"]?.string, contentDigest: value["digest"]?.string ?? "",
            work: value["work"]?.integer ?? 0, source: source, row: row)
    }

    private static func checksum(_ body: [UInt8]) -> String {
        let digits = String(body.withUnsafeBytes { crc32c($0) }, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

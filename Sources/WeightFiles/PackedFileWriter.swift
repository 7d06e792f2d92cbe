import Digests
import JSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes a packed file tensor by tensor: under a temporary name in the same folder, then
/// synced and renamed, so that the final name never shows a partial file.
///
/// What is written depends on the arguments alone: the same weights give the same bytes.
public final class PackedFileWriter {
    /// A tensor that will be appended; the order is the order of the file.
    public struct Plan: Sendable {
        public let name: String
        public let format: WeightFormat
        public let shape: [Int]

        public init(name: String, format: WeightFormat, shape: [Int]) {
            self.name = name
            self.format = format
            self.shape = shape
        }
    }

    private let path: String
    private let temporary: String
    private var descriptor: Int32
    private let config: JSONValue
    private let recipe: String
    private let source: JSONValue
    private let plan: [Plan]
    private let files: [(name: String, bytes: [UInt8])]
    private let offsets: [Int]
    private let fileOffsets: [Int]
    private let headerBytes: Int
    private var sums: [UInt32] = []
    private var position: Int
    private var body = SHA256()

    /// - Parameter files: What goes with the weights, such as `tokenizer.json`, by name.
    public init(
        path: String, config: JSONValue, recipe: String, source: JSONValue, plan: [Plan],
        files: [(name: String, bytes: [UInt8])] = []
    ) throws(WeightFileError) {
        (self.path, self.config, self.recipe, self.source, self.plan) = (path, config, recipe, source, plan)
        self.files = files
        // The header's length depends on the offsets' digits, which depend on the header's
        // length: offsets are counted from the header's end in a first draft with wide numbers.
        let draft = Self.header(
            config, recipe, source, plan, offsets: plan.map { _ in 1 << 52 }, sums: plan.map { _ in 0 },
            files: files, fileOffsets: files.map { _ in 1 << 52 })
        headerBytes = (draft.utf8.count + 63) / 64 * 64
        var offsets: [Int] = []
        var at = PackedFile.prefaceBytes + headerBytes
        for tensor in plan {
            offsets.append(at)
            at += (tensor.format.byteCount(shape: tensor.shape) + 63) / 64 * 64
        }
        self.offsets = offsets
        fileOffsets = files.map { file in
            defer { at += (file.bytes.count + 63) / 64 * 64 }
            return at
        }
        position = PackedFile.prefaceBytes + headerBytes
        temporary = path + ".\(getpid()).part"
        descriptor = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .unwritable(path: temporary, reason: String(cString: strerror(errno)))
        }
        try write([UInt8](repeating: 0, count: position), at: 0)
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(temporary)
        }
    }

    private static func header(
        _ config: JSONValue, _ recipe: String, _ source: JSONValue, _ plan: [Plan], offsets: [Int],
        sums: [UInt32], files: [(name: String, bytes: [UInt8])], fileOffsets: [Int]
    ) -> String {
        let tensors = plan.indices.map { index in
            JSONValue.object([
                JSONMember("name", .string(plan[index].name)),
                JSONMember("format", .string(plan[index].format.rawValue)),
                JSONMember("shape", .array(plan[index].shape.map { .integer($0) })),
                JSONMember("offset", .integer(offsets[index])),
                JSONMember("length", .integer(plan[index].format.byteCount(shape: plan[index].shape))),
                JSONMember("crc32c", .string(hex(sums[index]))),
            ])
        }
        var members = [
            JSONMember("recipe", .string(recipe)), JSONMember("source", source), JSONMember("config", config),
            JSONMember("tensors", .array(tensors)),
        ]
        if !files.isEmpty {
            let attached = zip(files, fileOffsets).map { file, offset in
                JSONValue.object([
                    JSONMember("name", .string(file.name)), JSONMember("offset", .integer(offset)),
                    JSONMember("length", .integer(file.bytes.count)),
                    JSONMember("crc32c", .string(hex(file.bytes.withUnsafeBytes { crc32c($0) }))),
                ])
            }
            members.append(JSONMember("files", .array(attached)))
        }
        return JSONValue.object(members).text
    }

    /// Appends the next tensor of the plan.
    ///
    /// - Parameter bytes: Exactly the bytes that format and shape ask for.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(WeightFileError) {
        let tensor = plan[sums.count]
        precondition(
            bytes.count == tensor.format.byteCount(shape: tensor.shape), "\(tensor.name): wrong length")
        sums.append(crc32c(bytes))
        try put(bytes)
    }

    /// Bytes, and zeros up to the next multiple of 64.
    private func put(_ bytes: UnsafeRawBufferPointer) throws(WeightFileError) {
        try write(bytes, at: position)
        body.update(bytes)
        position += bytes.count
        let padding = [UInt8](repeating: 0, count: (64 - position % 64) % 64)
        try write(padding, at: position)
        body.update(padding)
        position += padding.count
    }

    /// Writes the header, syncs and renames. Returns the fingerprint.
    public func finish() throws(WeightFileError) -> String {
        precondition(sums.count == plan.count, "tensors are missing")
        for file in files {
            var failure: WeightFileError?
            file.bytes.withUnsafeBytes { raw in
                do throws(WeightFileError) { try put(raw) } catch { failure = error }
            }
            if let failure { throw failure }
        }
        let text = Self.header(
            config, recipe, source, plan, offsets: offsets, sums: sums, files: files, fileOffsets: fileOffsets
        )
        var header = Array(text.utf8)
        header += [UInt8](repeating: 0x20, count: headerBytes - header.count)
        var finished = SHA256()
        swap(&finished, &body)
        let bodyDigest = finished.finalize()
        var hash = SHA256()
        hash.update(header)
        hash.update(bodyDigest)
        let digest = hash.finalize()
        var preface = PackedFile.magic
        withUnsafeBytes(of: PackedFile.version.littleEndian) { preface += $0 }
        withUnsafeBytes(of: UInt32(header.count).littleEndian) { preface += $0 }
        withUnsafeBytes(of: UInt64(position).littleEndian) { preface += $0 }
        withUnsafeBytes(of: header.withUnsafeBytes { crc32c($0) }.littleEndian) { preface += $0 }
        withUnsafeBytes(of: UInt32(0)) { preface += $0 }
        preface += digest
        try write(preface + header, at: 0)
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        close(descriptor)
        descriptor = -1
        let folder = open(parentFolder(of: path), O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return digest.hex
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws(WeightFileError) {
        var failure: WeightFileError?
        bytes.withUnsafeBytes { raw in
            do throws(WeightFileError) { try write(raw, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(WeightFileError) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                throw .unwritable(path: temporary, reason: String(cString: strerror(errno)))
            }
            done += written
        }
    }
}

/// The folder that holds `path`.
func parentFolder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

import Documents
import Glibc

/// Bytes that a reader must seek in, or that a program is given: a file without a name,
/// which the system removes by itself.
final class Spool {
    let descriptor: Int32
    private let closes: Bool
    /// Bytes in it.
    let count: Int

    private init(descriptor: Int32, closes: Bool, count: Int) {
        self.descriptor = descriptor
        self.closes = closes
        self.count = count
    }

    deinit { if closes { close(descriptor) } }

    /// Keeps all that is left of `reader`. A plain file that nothing was read of is used as
    /// it is.
    static func keep(_ reader: ByteReader, limit: Int) -> Result<Spool, SourceFailure> {
        if reader.offset == 0, let descriptor = reader.seekableDescriptor {
            var info = stat()
            fstat(descriptor, &info)
            return .success(Spool(descriptor: descriptor, closes: false, count: Int(info.st_size)))
        }
        let target = temporaryFile()
        if target < 0 {
            return .failure(
                SourceFailure(reason: .unreadable, message: "no temporary file: \(systemMessage(errno))"))
        }
        let start = reader.offset
        while case let view = reader.look(), !view.isEmpty {
            if reader.offset - start + view.count > limit {
                close(target)
                return .failure(
                    SourceFailure(
                        reason: .limitBytes,
                        message: "must be kept whole to be read, and is longer than \(limit) bytes"))
            }
            if let code = writeAll(view, to: target) {
                close(target)
                return .failure(
                    SourceFailure(
                        reason: .unreadable,
                        message: "cannot write a temporary file: \(systemMessage(code))"))
            }
            reader.consume(view.count)
        }
        if let failure = reader.failure {
            close(target)
            return .failure(failure)
        }
        return .success(Spool(descriptor: target, closes: true, count: reader.offset - start))
    }

    /// As ``keep(_:limit:)``; emits why there is none.
    static func keep(_ reader: ByteReader, address: String, _ context: StreamContext) -> Spool? {
        switch keep(reader, limit: context.limits.maxSpoolBytes) {
        case .success(let spool): return spool
        case .failure(let failure):
            context.emitFailure(address, .failed(failure.reason), failure.message)
            return nil
        }
    }

    /// Whether `needle` stands anywhere in the bytes.
    func contains(_ needle: [UInt8]) -> Bool {
        var block = [UInt8](repeating: 0, count: 1 << 20)
        var position = 0
        while true {
            let count = block.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, $0.count, off_t(position))
            }
            if count < needle.count { return false }
            let isFound = block.withUnsafeBytes { all in
                let bytes = all.slice(0..<count)
                var offset = 0
                while let start = bytes.firstOffset(of: needle[0], from: offset) {
                    if bytes.begins(with: needle, at: start) { return true }
                    offset = start + 1
                }
                return false
            }
            if isFound { return true }
            position += count - needle.count + 1
        }
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to target: Int32) -> Int32? {
        var done = 0
        while done < bytes.count {
            let count = write(target, bytes.baseAddress! + done, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return errno }
            done += count
        }
        return nil
    }
}

func temporaryFolder() -> String {
    if let folder = getenv("TMPDIR"), strlen(folder) > 0 { return String(cString: folder) }
    return "/tmp"
}

/// A file without a name that no child inherits; below 0 with errno where there is none.
func temporaryFile() -> Int32 {
    var template = Array((temporaryFolder() + "/lector-XXXXXX").utf8CString)
    let target = mkstemp(&template)
    if target >= 0 {
        unlink(template)
        _ = fcntl(target, F_SETFD, FD_CLOEXEC)
    }
    return target
}

import Documents
import Glibc
import JSON

/// The few file calls that runs need, with errors that name the path and the cause.
package enum FileSystem {
    /// What went wrong with `path` just now, from `errno`.
    package static func error(_ verb: String, _ path: String, code: Int32 = errno) -> PipelineError {
        let shown = TerminalText.sanitized(path)
        if code == ENOSPC || code == EDQUOT {
            let room = freeBytes(at: path).map { " (\(ByteCount.text($0)) free)" } ?? ""
            return .io("cannot \(verb) \(shown): no space is left on that disk\(room)")
        }
        return .io("cannot \(verb) \(shown): \(String(cString: strerror(code)))")
    }

    /// Makes a folder and the missing ones above it; those made here are private (0700).
    package static func makeFolder(_ path: String) throws(PipelineError) {
        if isFolder(path) { return }
        let above = parent(of: path)
        if above != path { try makeFolder(above) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw error("make the folder", path) }
    }

    package static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` seen from the root; links are left as they are.
    package static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        let base = String(cString: folder)
        return (base == "/" ? "" : base) + "/" + path
    }

    /// Where a symbolic link leads in the end; nil when `path` is none, or leads nowhere.
    package static func linkTarget(_ path: String) -> String? {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFLNK,
            let target = realpath(path, nil)
        else { return nil }
        defer { free(target) }
        return String(cString: target)
    }

    package static func freeBytes(at path: String) -> Int? {
        var info = statvfs()
        for candidate in [path, parent(of: path)] where statvfs(candidate, &info) == 0 {
            return Int(info.f_bavail) * Int(info.f_frsize)
        }
        return nil
    }

    /// The whole of a file that is known to be small.
    ///
    /// - Throws: `.io` when it cannot be read, `.data` when it is larger than `limit`.
    package static func read(_ path: String, limit: Int = 1 << 26) throws(PipelineError) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw error("read", path) }
        defer { close(fd) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(fd, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("read", path)
            }
            if count == 0 { return out }
            out += buffer[..<count]
            guard out.count <= limit else {
                throw .data("\(TerminalText.sanitized(path)) is larger than \(limit) bytes")
            }
        }
    }

    /// Writes all of `bytes` at the descriptor's position.
    static func write(_ bytes: UnsafeRawBufferPointer, to fd: Int32, path: String) throws(PipelineError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(fd, bytes.baseAddress! + done, bytes.count - done)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("write", path)
            }
            done += count
        }
    }

    static func write(_ bytes: [UInt8], to fd: Int32, path: String) throws(PipelineError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(PipelineError) in try write(buffer, to: fd, path: path) }
        }
        try result.get()
    }

    /// Makes a rename in `folder` outlast a power cut.
    static func syncFolder(_ folder: String) {
        let fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { return }
        fsync(fd)
        close(fd)
    }

    /// Removes a folder that we made, with all that is in it; links are not followed.
    static func removeTree(_ path: String) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        if info.st_mode & S_IFMT == S_IFDIR {
            for name in (try? names(in: path)) ?? [] { removeTree(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// The names in a folder, sorted by bytes.
    static func names(in folder: String) throws(PipelineError) -> [String] {
        guard let stream = opendir(folder) else { throw error("list", folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// Bytes in words.
package enum ByteCount {
    /// `1536` as `1.5 KiB`.
    package static func text(_ bytes: Int) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < 4 {
            value /= 1024
            unit += 1
        }
        let name = ["bytes", "KiB", "MiB", "GiB", "TiB"][unit]
        return unit == 0 ? "\(bytes) \(name)" : "\(JSONValue.decimal(value, places: 1).text) \(name)"
    }

    /// A number of bytes as people write it: `500`, `64K`, `20M`, `1G`, `2T`; nil for anything else, and for 0.
    package static func parse(_ text: String) -> Int? {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var digits = Substring(text.uppercased())
        var shift = 0
        if digits.hasSuffix("IB") {
            digits = digits.dropLast(2)
        } else if digits.hasSuffix("B") {
            digits = digits.dropLast()
        }
        if let unit = digits.last.flatMap({ units[$0] }) {
            shift = unit
            digits = digits.dropLast()
        }
        guard let number = Int(digits), number > 0, number <= Int.max >> shift else { return nil }
        return number << shift
    }

    /// The other way round: `1572864` as `1536K`.
    package static func short(_ bytes: Int) -> String {
        for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")]
        where bytes % (1 << shift) == 0 && bytes > 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }
}

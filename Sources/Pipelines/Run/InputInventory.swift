import Digests
import Documents
import Glibc
import JSON

/// What the inputs of a run are on disk, closely enough to notice that they changed.
///
/// A file is known by size and modification time, a folder by the sorted list of those of
/// all files in it, standard input by its bytes. Names, not contents, decide: hashing a
/// mailbox of 20 GB would take a minute before the first row. `lector apply` compares
/// contents. See docs/decisions/0006-run-identity.md.
package struct InputInventory: Sendable, Equatable {
    package struct Input: Sendable, Equatable {
        /// As given on the command line; `-` is standard input.
        package var path: String
        package var kind: Kind
        package var files: Int
        package var bytes: Int
        /// Hex digest over names, sizes and times.
        package var digest: String
    }

    package enum Kind: String, Sendable {
        case file, folder, stdin, missing, other
    }

    package var inputs: [Input]

    package var bytes: Int { inputs.reduce(0) { $0 + $1.bytes } }

    /// Looks at every input. `-` must have been copied to `spool` before.
    package init(paths: [String], spool: String? = nil) throws(PipelineError) {
        inputs = []
        for path in paths {
            if path == "-" {
                inputs.append(try Self.standardInput(spool))
                continue
            }
            var hash = SHA256()
            var input = Input(path: path, kind: .missing, files: 0, bytes: 0, digest: "")
            var info = stat()
            if stat(path, &info) != 0 {
                hash.update("missing".utf8)
            } else if info.st_mode & S_IFMT == S_IFDIR {
                input.kind = .folder
                Self.walk(path, relative: "", depth: 0, into: &hash, &input)
            } else {
                input.kind = info.st_mode & S_IFMT == S_IFREG ? .file : .other
                Self.add(info, name: "", into: &hash, &input)
            }
            input.digest = hash.finalize().hex
            inputs.append(input)
        }
    }

    private static func add(_ info: stat, name: String, into hash: inout SHA256, _ input: inout Input) {
        input.files += 1
        input.bytes += Int(info.st_size)
        let time = "\(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec)"
        hash.update("\(name)\u{0}\(info.st_size)\u{0}\(time)\n".utf8)
    }

    private static func walk(
        _ path: String, relative: String, depth: Int, into hash: inout SHA256, _ input: inout Input
    ) {
        guard depth < 256, let names = try? FileSystem.names(in: path) else { return }
        for name in names {
            let inner = path + "/" + name
            let shown = relative.isEmpty ? name : relative + "/" + name
            var info = stat()
            guard lstat(inner, &info) == 0 else { continue }
            if info.st_mode & S_IFMT == S_IFDIR {
                walk(inner, relative: shown, depth: depth + 1, into: &hash, &input)
            } else {
                // A link counts as what it leads to, so that a change there is noticed.
                if info.st_mode & S_IFMT == S_IFLNK { _ = stat(inner, &info) }
                add(info, name: shown, into: &hash, &input)
            }
        }
    }

    private static func standardInput(_ spool: String?) throws(PipelineError) -> Input {
        guard let spool else {
            return Input(path: "-", kind: .stdin, files: 1, bytes: 0, digest: "")
        }
        let fd = open(spool, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw FileSystem.error("read", spool) }
        defer { close(fd) }
        var hash = SHA256()
        var size = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(fd, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileSystem.error("read", spool) }
            if count == 0 { break }
            hash.update(buffer[..<count])
            size += count
        }
        return Input(path: "-", kind: .stdin, files: 1, bytes: size, digest: hash.finalize().hex)
    }

    package var json: JSONValue {
        .array(
            inputs.map {
                .object([
                    JSONMember("path", .string($0.path)),
                    JSONMember("kind", .string($0.kind.rawValue)),
                    JSONMember("files", .integer($0.files)),
                    JSONMember("bytes", .integer($0.bytes)),
                    JSONMember("digest", .string($0.digest)),
                ])
            })
    }

    package init?(json: JSONValue?) {
        guard let values = json?.array else { return nil }
        inputs = []
        for value in values {
            guard let path = value["path"]?.string, let name = value["kind"]?.string,
                let kind = Kind(rawValue: name), let files = value["files"]?.integer,
                let bytes = value["bytes"]?.integer, let digest = value["digest"]?.string
            else { return nil }
            inputs.append(Input(path: path, kind: kind, files: files, bytes: bytes, digest: digest))
        }
    }

    /// The first difference in words; nil when nothing changed.
    package func difference(from earlier: InputInventory) -> String? {
        let paths = inputs.map(\.path)
        let before = earlier.inputs.map(\.path)
        guard paths == before else {
            return "the inputs were \(Self.list(before)), and are now \(Self.list(paths))"
        }
        for (now, then) in zip(inputs, earlier.inputs) where now != then {
            let name = TerminalText.sanitized(now.path)
            if now.kind != then.kind {
                return "\(name) was \(then.kind.rawValue), and is now \(now.kind.rawValue)"
            }
            if now.bytes != then.bytes || now.files != then.files {
                return "\(name) had \(then.bytes) bytes in \(then.files) files, and has now "
                    + "\(now.bytes) in \(now.files)"
            }
            return "\(name) was changed since (same size, other modification time or content)"
        }
        return nil
    }

    private static func list(_ paths: [String]) -> String {
        paths.map { TerminalText.sanitized($0) }.joined(separator: " ")
    }
}

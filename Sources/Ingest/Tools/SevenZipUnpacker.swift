import Documents
import Glibc

/// The files of a 7z, from one of them on, as the program `7z` lists and unpacks them: in the order of the archive,
/// which is libarchive's.
final class SevenZipUnpacker {
    private let output: ByteReader
    private let process: ToolProcess
    private var files: ArraySlice<File>
    /// Bytes of the current file that are not read.
    private var left: Int
    /// Whether a file has ended with what the program says.
    private var isTold = false

    private struct File {
        var name: String
        var size = 0
        var isFolder = false
        var isLink = false
        var isEncrypted = false
    }

    /// - Parameters:
    ///   - archive: A descriptor that can be read at any offset.
    ///   - entry: The file to begin with.
    /// - Returns: Nil where the program is not installed, or cannot list such a file.
    init?(_ archive: Int32, at entry: (name: String, size: Int)) {
        guard let path = ToolProcess.path(of: Tool.sevenZip.program), let files = Self.list(path, archive),
            let first = files.firstIndex(where: {
                !$0.isFolder && !$0.isLink && $0.name == entry.name && $0.size == entry.size
            }),
            case .success(let process) = ToolProcess.start(
                path, ["x", "-so", "-t7z", "/dev/stdin"], input: archive)
        else { return nil }
        self.process = process
        output = ByteReader(process)
        self.files = files[(first + 1)...]
        left = entry.size
        skip(files[..<first].reduce(0) { $0 + $1.size })
    }

    /// What `7z l -slt` says of the files, in order.
    private static func list(_ path: String, _ archive: Int32) -> [File]? {
        guard
            case .success(let process) = ToolProcess.start(
                path, ["l", "-slt", "-ba", "-t7z", "/dev/stdin"], input: archive)
        else { return nil }
        let (bytes, isCut) = ByteReader(process).readAll(limit: 32 << 20)
        if isCut || process.finish() != nil { return nil }
        var files: [File] = []
        for line in bytes.split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("Path = ") {
                files.append(File(name: String(text.dropFirst(7))))
                continue
            }
            guard let last = files.indices.last else { continue }
            if text.hasPrefix("Size = "), let size = Int(text.dropFirst(7)), size >= 0 {
                files[last].size = size
            } else if text.hasPrefix("Attributes = ") {
                files[last].isFolder = text.dropFirst(13).hasPrefix("D")
                files[last].isLink = text.contains(" l")
            } else if text == "Encrypted = +" {
                files[last].isEncrypted = true
            }
        }
        return files
    }

    /// Goes on to the next file, over what was not read of the last one.
    func next() -> ArchiveFile.Header {
        skip(left)
        left = 0
        guard let file = files.popFirst() else {
            skip(.max)
            guard !isTold, let failure = failure() else { return .end }
            return .failed(failure)
        }
        left = file.size
        if file.isFolder || file.isLink { return .nothing }
        return .entry(name: file.name, isEncrypted: file.isEncrypted)
    }

    private func skip(_ count: Int) {
        var count = count
        while count > 0, case let block = output.look(), !block.isEmpty {
            let step = min(count, block.count)
            output.consume(step)
            count -= step
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SourceFailure) -> Int {
        if left == 0 { return 0 }
        let block = output.look()
        if block.isEmpty {
            isTold = true
            throw failure()
                ?? SourceFailure(reason: .damaged, message: "7z: the file is shorter than it says")
        }
        let count = min(left, buffer.count, block.count)
        buffer.copyMemory(from: block.slice(0..<count))
        output.consume(count)
        left -= count
        return count
    }

    /// Why the program ended, or was ended; nil if it ended well.
    private func failure() -> SourceFailure? {
        if let failure = output.failure { return failure }
        guard let words = process.finish() else { return nil }
        let isUnknown = words.contains("Unsupported Method")
        return SourceFailure(reason: isUnknown ? .unsupported : .damaged, message: "7z: \(words)")
    }
}

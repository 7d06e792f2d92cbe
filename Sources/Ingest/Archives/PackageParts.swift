import Documents

/// The files of a zip that is one document (OOXML, ODF, EPUB), as far as they are read:
/// markup in memory within ``maxKeptBytes``, other files by name only.
struct PackageParts {
    /// Bytes of markup, and of files inside that are opened, that are held at once.
    static let maxKeptBytes = 96 << 20

    /// By name in lower case: OOXML compares names so.
    private(set) var files: [String: [UInt8]] = [:]
    /// Names as they stand, in the order of the zip, of files that are no markup.
    private(set) var others: [String] = []
    private(set) var failure: SourceFailure?
    /// Bytes of the package, and of what was kept of it.
    private(set) var packedBytes = 0
    private(set) var keptBytes = 0

    subscript(_ name: String) -> [UInt8]? { files[name.lowercased()] }

    /// - Parameter keepsOthers: Whether embedded files are kept, for a reader of their own.
    static func read(
        _ reader: ByteReader, budget: UnpackBudget?, limits: IngestLimits, passwords: [String],
        keepsOthers: Bool
    ) -> PackageParts {
        var parts = PackageParts()
        let isOutermost = budget == nil
        let file = ArchiveFile(reader, budget: budget ?? UnpackBudget(limits), isOutermost: isOutermost)
        parts.failure = file.open(limits: limits, passwords: passwords)
        var entries = 0
        // A part that is damaged does not keep the others from being read.
        reading: while parts.failure == nil || (entries > 0 && parts.failure?.reason == .damaged) {
            switch file.nextHeader() {
            case .end: break reading
            case .failed(let failure):
                parts.failure = parts.failure ?? failure
                break reading
            case .nothing: continue
            case .entry(let name, let isEncrypted):
                entries += 1
                if entries > limits.maxEntries {
                    parts.failure = SourceFailure(
                        reason: .limitEntries, message: "more than \(limits.maxEntries) entries")
                } else if isEncrypted && passwords.isEmpty {
                    parts.failure = SourceFailure(reason: .encrypted, message: "\(name) is encrypted")
                } else {
                    parts.take(name, EntrySource(file), keepsOthers: keepsOthers)
                }
            }
        }
        parts.packedBytes = file.packedBytes
        return parts
    }

    private mutating func take(_ name: String, _ source: EntrySource, keepsOthers: Bool) {
        let key = name.lowercased()
        let isMarkup = Self.isMarkup(key)
        if !isMarkup { others.append(name) }
        guard isMarkup || (keepsOthers && Self.isEmbedded(key)), files[key] == nil else {
            source.drain()
            return
        }
        var bytes: [UInt8] = []
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { block.deallocate() }
        do throws(SourceFailure) {
            while case let count = try source.read(into: block), count > 0 {
                keptBytes += count
                if keptBytes > Self.maxKeptBytes {
                    throw SourceFailure(
                        reason: .limitBytes,
                        message: "the parts of the document unpack to more than \(Self.maxKeptBytes) bytes")
                }
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: block[..<count]))
            }
        } catch {
            failure = error
        }
        files[key] = bytes
    }

    private static func isMarkup(_ name: String) -> Bool {
        [".xml", ".rels", ".opf", ".xhtml", ".html", ".htm", ".ncx"].contains { name.hasSuffix($0) }
            || name == "mimetype"
    }

    /// Documents inside documents; pictures and fonts are not opened.
    private static func isEmbedded(_ name: String) -> Bool {
        name.contains("embeddings/")
            || [".docx", ".xlsx", ".pptx", ".pdf", ".txt", ".rtf", ".eml", ".msg", ".zip", ".csv"]
                .contains { name.hasSuffix($0) }
    }

    // MARK: Relations (Open Packaging Conventions)

    struct Relation {
        var id: String
        /// The last word of its type: `slide`, `footnotes`.
        var kind: String
        /// A part's name in the package, or a place outside.
        var target: String
        var isExternal: Bool
    }

    /// What a part points to; the package itself with an empty name.
    func relations(of part: String) -> [Relation] {
        let slash = part.lastIndex(of: "/")
        let folder = slash.map { String(part[...$0]) } ?? ""
        let name = slash.map { String(part[part.index(after: $0)...]) } ?? part
        guard let bytes = self["\(folder)_rels/\(name).rels"] else { return [] }
        final class Reader: XMLEventHandler {
            let folder: String
            var found: [Relation] = []
            init(_ folder: String) { self.folder = folder }
            func start(_ name: String, _ attributes: XMLAttributes) {
                guard name == "Relationship", let id = attributes["Id"], let target = attributes["Target"]
                else { return }
                let kind = attributes["Type"]?.split(separator: "/").last.map(String.init) ?? ""
                let isExternal = attributes["TargetMode"] == "External"
                found.append(
                    Relation(
                        id: id, kind: kind,
                        target: isExternal ? target : PackageParts.resolve(target, in: folder),
                        isExternal: isExternal))
            }
        }
        let reader = Reader(folder)
        XMLEvents.parse(bytes, reader)
        return reader.found
    }

    /// `../media/a.png` in `word/slides/` is `word/media/a.png`; never leads out.
    static func resolve(_ target: String, in folder: String) -> String {
        var path = target.hasPrefix("/") ? [] : folder.split(separator: "/").map(String.init)
        for piece in target.split(separator: "/") {
            if piece == ".." {
                _ = path.popLast()
            } else if piece != "." {
                path.append(String(piece))
            }
        }
        return path.joined(separator: "/")
    }
}

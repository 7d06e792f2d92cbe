import Documents
import Glibc

/// Files and folders by their path; everything else under a path is refused.
enum PathOpener {
    /// A folder on the way, to see when a link leads back to it.
    struct FolderIdentity: Equatable {
        var device: UInt
        var inode: UInt
    }

    /// What the folders of one named input share.
    final class Walk {
        var entries = 0
    }

    /// Opens what a path names and pushes its reader, or emits why there is none.
    ///
    /// - Parameters:
    ///   - path: The bytes of the path, which need not be UTF-8.
    ///   - address: How rows name it.
    ///   - parents: The folders around it.
    static func open(
        _ path: [UInt8], address: String, parents: [FolderIdentity], walk: Walk, _ context: StreamContext
    ) {
        if path.isEmpty {
            return context.emitFailure(address, .failed(.missing), "an empty path names nothing")
        }
        if path.contains(0) {
            return context.emitFailure(address, .failed(.missing), "the path contains a zero byte")
        }
        let terminated = (path + [0]).map { CChar(bitPattern: $0) }
        // Without O_NONBLOCK the opening of a FIFO waits for a writer.
        let descriptor = Glibc.open(terminated, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        if descriptor < 0 { return refuse(errno, address, context) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else {
            let code = errno
            close(descriptor)
            return refuse(code, address, context)
        }
        switch info.st_mode & S_IFMT {
        case S_IFREG:
            let source = FileSource(descriptor: descriptor, closes: true, isRegular: true)
            context.push(ContentOpener(ByteReader(source), address: address, depth: 0, isPlainFile: true))
        case S_IFDIR:
            close(descriptor)
            let identity = FolderIdentity(device: UInt(info.st_dev), inode: UInt(info.st_ino))
            if parents.contains(identity) {
                return context.emitFailure(
                    address, .failed(.cycle), "a link leads back to a folder it lies in")
            }
            FolderReader.open(path, terminated, address, parents + [identity], walk, context)
        default:
            close(descriptor)
            context.emitFailure(
                address, .skipped(.unsupported),
                "a device, pipe or socket; only files and folders are opened. Pipe it in and name '-'.")
        }
    }

    static func refuse(_ code: Int32, _ address: String, _ context: StreamContext) {
        switch code {
        case ENOENT, ENOTDIR:
            context.emitFailure(address, .failed(.missing), "there is no such file or folder")
        case ELOOP:
            context.emitFailure(address, .failed(.cycle), "links lead in a circle")
        case ENXIO:
            context.emitFailure(
                address, .skipped(.unsupported),
                "a device, pipe or socket; only files and folders are opened. Pipe it in and name '-'.")
        default:
            context.emitFailure(address, .failed(.unreadable), "cannot be opened: \(systemMessage(code))")
        }
    }
}

/// A folder, its entries sorted by the bytes of their names.
///
/// A Maildir (`cur`, `new`, `tmp`) is its mails and, for Maildir++, the folders whose names
/// begin with a dot: what is being delivered and what servers keep beside it are none. An MH
/// folder (`.mh_sequences`) is its numbered files, in the order of their numbers.
private final class FolderReader: DocumentProducer {
    private let path: [UInt8]
    private let address: String
    private let parents: [PathOpener.FolderIdentity]
    private let walk: PathOpener.Walk
    private var names: ArraySlice<[UInt8]>
    /// The number of the entry, and how many the walk had listed.
    private(set) var place: [Int]?

    private init(
        _ path: [UInt8], _ address: String, _ parents: [PathOpener.FolderIdentity], _ walk: PathOpener.Walk,
        _ names: [[UInt8]]
    ) {
        self.path = path
        self.address = address
        self.parents = parents
        self.walk = walk
        self.names = names[...]
    }

    static func open(
        _ path: [UInt8], _ terminated: [CChar], _ address: String, _ parents: [PathOpener.FolderIdentity],
        _ walk: PathOpener.Walk, _ context: StreamContext
    ) {
        guard let folder = opendir(terminated) else { return PathOpener.refuse(errno, address, context) }
        defer { closedir(folder) }
        var names: [[UInt8]] = []
        var folders: Set<[UInt8]> = []
        var isMH = false
        var isFull = false
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            if name == Array(".mh_sequences".utf8) { isMH = true }
            let isFolder = entry.pointee.d_type == 4 || entry.pointee.d_type == 0  // or not known
            // The folders of a Maildir++ begin with a dot.
            if name.first == 0x2E, !context.options.includesHidden, !isFolder { continue }
            if isFolder { folders.insert(name) }
            walk.entries += 1
            if walk.entries > context.limits.maxEntries {
                isFull = true
                break
            }
            names.append(name)
        }
        if isFull {
            // Which entries came first is the file system's whim: then none of them is read.
            return context.emitFailure(
                address, .failed(.limitEntries),
                "more than \(context.limits.maxEntries) entries; none of this folder is read")
        }
        let maildir = ["cur", "new", "tmp"].map { Array($0.utf8) }
        if maildir.allSatisfy(folders.contains) {
            names.removeAll { name in
                !(folders.contains(name) && (name.first == 0x2E || name == maildir[0] || name == maildir[1]))
            }
        } else if !context.options.includesHidden {
            names.removeAll { $0.first == 0x2E }
        }
        if isMH { names.removeAll { $0.first == 0x2E } }
        names.sort { left, right in
            if isMH, let a = Self.number(left), let b = Self.number(right) { return a < b }
            return left.lexicographicallyPrecedes(right)
        }
        context.push(FolderReader(path, address, parents, walk, names))
    }

    private static func number(_ name: [UInt8]) -> Int? {
        Int(String(decoding: name, as: UTF8.self))
    }

    func step(_ context: StreamContext) -> Bool {
        if place == nil, let step = context.takeStep() {
            guard step.count == 2, step[0] >= 0 else {
                context.isLost = true
                return false
            }
            names = names.dropFirst(step[0])
            walk.entries = step[1]
        }
        guard !names.isEmpty else { return false }
        place = [names.startIndex, walk.entries]
        let name = names.removeFirst()
        var folder = path
        while folder.count > 1, folder.last == 0x2F { folder.removeLast() }
        var base = address
        while base.count > 1, base.hasSuffix("/") { base.removeLast() }
        let separator: [UInt8] = folder.last == 0x2F ? [] : [0x2F]
        let inner = base + (base.hasSuffix("/") ? "" : "/") + String(decoding: name, as: UTF8.self)
        guard context.enter(place!, inner) else { return true }
        PathOpener.open(folder + separator + name, address: inner, parents: parents, walk: walk, context)
        return true
    }
}

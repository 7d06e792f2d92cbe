#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where latents go that nothing changes any more: into memory while a budget lasts, then into files that
/// are mapped (docs/decisions/0027-latent-segments.md).
package final class LatentStore: @unchecked Sendable {
    /// Positions of one segment, a multiple of 64.
    let rows: Int
    private let lock = Lock()
    private var rest: Int

    /// The process's store: half a gibibyte in memory.
    static let shared = LatentStore(rows: 4096, bytes: 512 << 20)

    /// - Parameters:
    ///   - rows: Positions of one segment, a multiple of 64.
    ///   - bytes: What segments may take of memory together; the others are mapped.
    package init(rows: Int, bytes: Int) {
        precondition(rows > 0 && rows % 64 == 0)
        self.rows = rows
        rest = bytes
    }

    fileprivate func take(_ bytes: Int) -> Bool {
        lock.withLock {
            guard bytes <= rest else { return false }
            rest -= bytes
            return true
        }
    }

    fileprivate func give(_ bytes: Int) { lock.withLock { rest += bytes } }
}

/// The latents of `store.rows` positions of all MLA layers, `[layers][rows, latent words]`. Immutable, so
/// that copies of a state share it.
final class LatentSegment: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let layerBytes: Int
    private let byteCount: Int
    private let store: LatentStore
    private let memory: AlignedBytes?
    private let isCounted: Bool
    var isMapped: Bool { memory == nil }

    /// - Parameter layer: Where a layer's rows begin, `layerBytes` of them.
    init(
        _ store: LatentStore, layers: Int, layerBytes: Int, from layer: (Int) -> UnsafeMutablePointer<UInt16>
    ) {
        self.store = store
        self.layerBytes = layerBytes
        byteCount = layers * layerBytes
        isCounted = store.take(byteCount)
        let parts = (0..<layers).map { UnsafeRawBufferPointer(start: layer($0), count: layerBytes) }
        if !isCounted, let mapped = Self.mapped(parts, byteCount) {
            (base, memory) = (mapped, nil)
            return
        }
        // Also where no file can be written: then memory is all there is.
        let fresh = AlignedBytes(byteCount)
        for (index, part) in parts.enumerated() where layerBytes > 0 {
            (fresh.pointer + index * layerBytes).copyMemory(from: part.baseAddress!, byteCount: layerBytes)
        }
        (base, memory) = (fresh.pointer, fresh)
    }

    deinit {
        if isMapped { munmap(base, byteCount) }
        if isCounted { store.give(byteCount) }
    }

    /// Where a layer's rows begin; for reading only.
    func layer(_ layer: Int) -> UnsafeMutablePointer<UInt16> {
        (base + layer * layerBytes).assumingMemoryBound(to: UInt16.self)
    }

    /// Lets the system take a mapped layer's pages out of this process until it is read again.
    func letGo(_ layer: Int) {
        guard isMapped else { return }
        let page = Int(getpagesize())
        let first = layer * layerBytes / page * page
        let end = min(byteCount, (layer + 1) * layerBytes)
        madvise(base + first, end - first, MADV_DONTNEED)
    }

    /// The parts one after the other in a file that has no name any more, mapped read-only; nil when the
    /// system refuses.
    private static func mapped(_ parts: [UnsafeRawBufferPointer], _ byteCount: Int)
        -> UnsafeMutableRawPointer?
    {
        // Not /tmp, which is memory on many systems.
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
        var name = Array("\(folder)/lector-latents-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        guard file >= 0 else { return nil }
        defer { close(file) }
        unlink(name)
        for part in parts {
            var rest = part
            while !rest.isEmpty {
                let written = write(file, rest.baseAddress!, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return nil }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
        let base = mmap(nil, byteCount, PROT_READ, MAP_SHARED, file, 0)
        return base == MAP_FAILED ? nil : base
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Uninitialised memory at a multiple of 64, freed with its last reference.
///
/// Two megabytes and more lie on huge pages where the system has them: activations are walked in
/// strides of several kilobytes, a page a row, and the small TLB would miss on each.
final class AlignedBytes: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    let count: Int

    private static let hugePage = 2 << 20

    init(_ count: Int) {
        self.count = count
        let isLarge = count >= Self.hugePage / 2
        let rounded = isLarge ? (count + Self.hugePage - 1) / Self.hugePage * Self.hugePage : max(count, 64)
        pointer = .allocate(byteCount: rounded, alignment: isLarge ? Self.hugePage : 64)
        #if os(Linux)
            if isLarge { madvise(pointer, rounded, MADV_HUGEPAGE) }
        #endif
    }

    deinit { pointer.deallocate() }

    func floats(at byte: Int = 0) -> UnsafeMutablePointer<Float> {
        (pointer + byte).assumingMemoryBound(to: Float.self)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What happens when a mapped file is cut short under a running program: the next touch of a page
/// that is gone raises SIGBUS, anywhere in the arithmetic.
///
/// There is no way back from there, but there is a way out that says what happened: a program may ask
/// for it with ``MappedFile/endProcessWhenCut()``. Runs are safe against any end of the process.
struct MappedRange {
    var start: UInt = 0
    var end: UInt = 0
    /// What the handler writes: memory of the table's, since a handler may read it at any time.
    let message: UnsafeMutablePointer<UInt8>
    var count = 0
}

/// A message longer than this is cut.
private let mappedRangeMessage = 1024

/// A fixed table: signal handlers may neither lock nor allocate.
private let mappedRangeLimit = 64
nonisolated(unsafe) private let mappedRanges: UnsafeMutablePointer<MappedRange> = {
    let table = UnsafeMutablePointer<MappedRange>.allocate(capacity: mappedRangeLimit)
    for index in 0..<mappedRangeLimit {
        (table + index).initialize(to: MappedRange(message: .allocate(capacity: mappedRangeMessage)))
    }
    return table
}()
nonisolated(unsafe) private let mappedRangesLock: UnsafeMutablePointer<pthread_mutex_t> = {
    let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    lock.initialize(to: pthread_mutex_t())
    pthread_mutex_init(lock, nil)
    return lock
}()

extension MappedFile {
    /// The exit status of a process that lost a mapped file: an I/O error.
    public static let lossExitStatus: Int32 = 74

    /// From now on the process ends with status 74 and one line on stderr when a file that it has
    /// mapped is cut short, instead of with SIGBUS. Other causes of SIGBUS stay what they were.
    public static func endProcessWhenCut() {
        _ = (mappedRanges, mappedRangesLock)  // made before any handler looks
        var action = sigaction()
        #if canImport(Darwin)
            action.__sigaction_u.__sa_sigaction = handleLoss
        #else
            action.__sigaction_handler.sa_sigaction = handleLoss
        #endif
        action.sa_flags = Int32(SA_SIGINFO) | Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(SIGBUS, &action, nil)
    }

    static func register(_ bytes: UnsafeRawBufferPointer, path: String) {
        let text = Array("lector: \(WeightFileError.changed(path: path))\n".utf8.prefix(mappedRangeMessage))
        let start = UInt(bitPattern: bytes.baseAddress)
        pthread_mutex_lock(mappedRangesLock)
        defer { pthread_mutex_unlock(mappedRangesLock) }
        for index in 0..<mappedRangeLimit where mappedRanges[index].start == 0 {
            mappedRanges[index].message.update(from: text, count: text.count)
            mappedRanges[index].count = text.count
            mappedRanges[index].end = start + UInt(bytes.count)
            mappedRanges[index].start = start
            return
        }
    }

    static func unregister(_ bytes: UnsafeRawBufferPointer) {
        pthread_mutex_lock(mappedRangesLock)
        defer { pthread_mutex_unlock(mappedRangesLock) }
        for index in 0..<mappedRangeLimit
        where mappedRanges[index].start == UInt(bitPattern: bytes.baseAddress) {
            mappedRanges[index].start = 0
        }
    }
}

/// Writes which file was lost and ends the process; for another address it returns, and the same
/// fault comes again under the default action.
private func handleLoss(
    _ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _: UnsafeMutableRawPointer?
) {
    #if canImport(Darwin)
        let address = UInt(bitPattern: info?.pointee.si_addr)
    #else
        let address = UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr)
    #endif
    for index in 0..<mappedRangeLimit {
        let range = mappedRanges[index]
        if range.start != 0, range.start <= address, address < range.end {
            _ = write(STDERR_FILENO, range.message, range.count)
            _exit(MappedFile.lossExitStatus)
        }
    }
}

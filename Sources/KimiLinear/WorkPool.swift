import CThreads

/// The thread pool of one model; see `cthreads.h`.
final class WorkPool: @unchecked Sendable {
    private let pool: OpaquePointer
    let threads: Int

    /// - Parameter threads: Threads in all, the caller's included; nil for one a core.
    init(threads: Int?) {
        guard let pool = ct_pool_create(Int32(clamping: threads ?? 0)) else {
            preconditionFailure("no memory for a thread pool")
        }
        self.pool = pool
        self.threads = Int(ct_pool_threads(pool))
    }

    deinit { ct_pool_destroy(pool) }

    /// Runs `body(begin, end, worker)` over `0..<count` in chunks of `grain` and waits.
    func run(_ count: Int, grain: Int = 1, _ body: (Int, Int, Int) -> Void) {
        if count <= 0 { return }
        if count <= grain || threads == 1 { return body(0, count, 0) }
        withoutActuallyEscaping(body) { escapable in
            var job = Job(body: escapable)
            withUnsafeMutablePointer(to: &job) {
                ct_pool_run(pool, workPoolTrampoline, $0, Int64(count), Int64(grain))
            }
        }
    }

    fileprivate struct Job {
        let body: (Int, Int, Int) -> Void
    }
}

/// The C entry of a job. A plain function: a closure made in main-actor code would trap here.
private func workPoolTrampoline(
    _ context: UnsafeMutableRawPointer?, _ begin: Int64, _ end: Int64, _ worker: Int32
) {
    context!.assumingMemoryBound(to: WorkPool.Job.self).pointee.body(Int(begin), Int(end), Int(worker))
}

// The thread pool: every item once, many tiny loops, more threads than cores, nested and
// concurrent callers.

import CThreads
import Foundation
import Testing

private struct Counters {
    var counts: UnsafeMutablePointer<Int32>
    var worker: Int32 = 0
}

private let countEach: ct_job = { context, begin, end, _ in
    let counts = context!.assumingMemoryBound(to: Int32.self)
    for i in Int(begin)..<Int(end) { counts[i] += 1 }
}

@Suite("Thread pool")
struct PoolTests {
    @Test("every item is handled exactly once", arguments: [1, 2, 3, 4, 9] as [Int32])
    func once(threads: Int32) {
        let pool = ct_pool_create(threads)!
        defer { ct_pool_destroy(pool) }
        #expect(ct_pool_threads(pool) == threads)
        for count in [0, 1, 2, 7, 64, 1000] {
            for grain in [-1, 1, 3, 64, 5000] as [Int64] {
                var counts = [Int32](repeating: 0, count: count)
                ct_pool_run(pool, countEach, &counts, Int64(count), grain)
                #expect(counts.allSatisfy { $0 == 1 })
            }
        }
        ct_pool_run(pool, countEach, nil, -5, 1)
    }

    @Test("many tiny loops follow each other without loss", arguments: [2, 4, 16] as [Int32])
    func tiny(threads: Int32) {
        let pool = ct_pool_create(threads)!
        defer { ct_pool_destroy(pool) }
        var counts = [Int32](repeating: 0, count: 10)
        let rounds = threads > 2 ? 5_000 : 50_000
        for _ in 0..<rounds { ct_pool_run(pool, countEach, &counts, 10, 1) }
        #expect(counts.allSatisfy { $0 == rounds })
    }

    @Test("a pool that slept wakes up", arguments: [2, 4] as [Int32])
    func parked(threads: Int32) {
        let pool = ct_pool_create(threads)!
        defer { ct_pool_destroy(pool) }
        var counts = [Int32](repeating: 0, count: 100)
        for _ in 0..<30 {
            usleep(2000)
            ct_pool_run(pool, countEach, &counts, 100, 7)
        }
        #expect(counts.allSatisfy { $0 == 30 })
    }

    @Test("no two running calls share a worker index")
    func workers() {
        struct Busy {
            var flags: UnsafeMutablePointer<Int32>
            var clashes: Int32 = 0
        }
        let pool = ct_pool_create(4)!
        defer { ct_pool_destroy(pool) }
        let flags = UnsafeMutablePointer<Int32>.allocate(capacity: 4)
        defer { flags.deallocate() }
        flags.update(repeating: 0, count: 4)
        var busy = Busy(flags: flags)
        ct_pool_run(
            pool,
            { context, _, _, worker in
                let busy = context!.assumingMemoryBound(to: Busy.self)
                let flags = busy.pointee.flags
                if flags[Int(worker)] != 0 { busy.pointee.clashes += 1 }
                flags[Int(worker)] = 1
                usleep(50)
                flags[Int(worker)] = 0
            }, &busy, 200, 1)
        #expect(busy.clashes == 0)
    }

    @Test("a loop inside a loop runs on its own thread")
    func nested() {
        struct Work {
            var pool: OpaquePointer
            var counts: UnsafeMutablePointer<Int32>
        }
        let pool = ct_pool_create(3)!
        defer { ct_pool_destroy(pool) }
        let counts = UnsafeMutablePointer<Int32>.allocate(capacity: 400)
        defer { counts.deallocate() }
        counts.update(repeating: 0, count: 400)
        var work = Work(pool: pool, counts: counts)
        ct_pool_run(
            pool,
            { context, begin, end, _ in
                let work = context!.assumingMemoryBound(to: Work.self).pointee
                for i in begin..<end { ct_pool_run(work.pool, countEach, work.counts + Int(i) * 20, 20, 3) }
            }, &work, 20, 1)
        #expect((0..<400).allSatisfy { counts[$0] == 1 })
    }

    @Test("several threads may call at once")
    func concurrent() async {
        struct Pool: @unchecked Sendable { let pointer: OpaquePointer }
        let pool = Pool(pointer: ct_pool_create(3)!)
        defer { ct_pool_destroy(pool.pointer) }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var counts = [Int32](repeating: 0, count: 50)
                    for _ in 0..<500 { ct_pool_run(pool.pointer, countEach, &counts, 50, 4) }
                    return counts.allSatisfy { $0 == 500 }
                }
            }
            for await good in group { #expect(good) }
        }
    }

    @Test("a pool can be made and ended many times")
    func lifetimes() {
        for i in 0..<100 {
            let pool = ct_pool_create(Int32(1 + i % 5))!
            var counts = [Int32](repeating: 0, count: 20)
            if i % 3 > 0 { ct_pool_run(pool, countEach, &counts, 20, 1) }
            ct_pool_destroy(pool)
            #expect(counts.allSatisfy { $0 == (i % 3 > 0 ? 1 : 0) })
        }
    }

    @Test("the default is at least one thread")
    func defaults() {
        #expect(ct_default_threads() >= 1)
        let pool = ct_pool_create(0)!
        #expect(ct_pool_threads(pool) == ct_default_threads())
        ct_pool_destroy(pool)
    }
}

// A pool of threads for short parallel loops (a few microseconds to milliseconds).
//
// Work is cut into chunks of `grain` items, handed out by one atomic counter. Which
// thread gets which chunk is open; the cut itself depends on `count` and `grain` alone,
// so a job that writes each item to its own place gives the same bits for any number of
// threads. Idle threads spin for about 200 us, giving the core away meanwhile, then sleep;
// nothing waits for a thread that has not taken a chunk, so a busy machine delays a loop
// by at most the chunks that its descheduled threads hold.
#ifndef LECTOR_CTHREADS_H
#define LECTOR_CTHREADS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define CT_NULLABLE _Nullable
#else
#define CT_NULLABLE
#endif

typedef struct ct_pool ct_pool;

// Handles items begin ..< end. `worker` is in 0 ..< ct_pool_threads(pool), and at any time
// no two running calls of one ct_pool_run share it: an index for scratch memory.
// In Swift: a nonisolated @convention(c) function; it must not throw, and a closure written
// in main-actor code would trap on a foreign thread.
typedef void (*ct_job)(void *CT_NULLABLE context, int64_t begin, int64_t end, int32_t worker);

// A pool of `threads` threads in all: the caller of ct_pool_run is one of them, so 1 makes
// no thread. Values below 1 mean ct_default_threads(), values above 1024 mean 1024. NULL if
// memory is short; a system that refuses some of the threads gives a pool with fewer.
ct_pool *CT_NULLABLE ct_pool_create(int32_t threads);

// Ends the threads and frees the pool. No ct_pool_run may be under way.
void ct_pool_destroy(ct_pool *pool);

// Threads of this pool, the caller included.
int32_t ct_pool_threads(const ct_pool *pool);

// Runs `job` over items 0 ..< count in chunks of `grain` (the last may be shorter; a grain
// below 1 means 1) and returns when all are done. All that jobs wrote is then visible.
// count <= 0 does nothing. Several threads may call it at once: their loops follow each
// other. A call from inside a job of the same pool runs on the calling thread alone.
void ct_pool_run(ct_pool *pool, ct_job job, void *CT_NULLABLE context, int64_t count, int64_t grain);

// Cores this process may use: the affinity mask, cut by a cgroup v2 or v1 CPU quota; >= 1.
int32_t ct_default_threads(void);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
#endif

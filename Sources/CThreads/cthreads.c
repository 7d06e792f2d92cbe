#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "cthreads.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#define SPIN_NANOSECONDS 200000
#define CLOSED UINT32_MAX

// One word a side sleeps on. On Linux a futex; elsewhere a mutex and a condition.
typedef struct {
    _Alignas(64) _Atomic uint32_t word;
    _Atomic int32_t sleepers;
#if !defined(__linux__)
    pthread_mutex_t mutex;
    pthread_cond_t condition;
#endif
} park_spot;

#if defined(__linux__)
static bool park_init(park_spot *s) { (void)s; return true; }
static void park_free(park_spot *s) { (void)s; }
static void park_wait(park_spot *s, uint32_t seen) {
    syscall(SYS_futex, &s->word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}
static void park_wake(park_spot *s, int32_t count) {
    syscall(SYS_futex, &s->word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
#else
static bool park_init(park_spot *s) {
    return pthread_mutex_init(&s->mutex, NULL) == 0 && pthread_cond_init(&s->condition, NULL) == 0;
}
static void park_free(park_spot *s) {
    pthread_cond_destroy(&s->condition);
    pthread_mutex_destroy(&s->mutex);
}
static void park_wait(park_spot *s, uint32_t seen) {
    pthread_mutex_lock(&s->mutex);
    while (atomic_load(&s->word) == seen) pthread_cond_wait(&s->condition, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}
static void park_wake(park_spot *s, int32_t count) {
    (void)count;
    pthread_mutex_lock(&s->mutex);
    pthread_cond_broadcast(&s->condition);
    pthread_mutex_unlock(&s->mutex);
}
#endif

// The ticket is generation << 32 | next chunk. A chunk belongs to whoever moves the ticket
// past it in the same generation, so a thread that wakes late can never take a chunk of a
// loop that it did not read the fields of. Between two loops the ticket is CLOSED.
struct ct_pool {
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic uint32_t done;
    _Alignas(64) _Atomic(ct_job) job;
    _Atomic(void *) context;
    _Atomic int64_t count, grain;
    _Atomic uint32_t chunks;
    _Atomic bool ending;
    park_spot work, finish;
    _Alignas(64) pthread_mutex_t callers;
    int32_t threads;
    int64_t spin_nanoseconds;
    pthread_t handles[];
};

typedef struct { ct_pool *pool; int32_t index; } worker_start;

static _Thread_local const ct_pool *inside_pool;
static _Thread_local int32_t inside_worker;

static inline void cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// A bounded wait: a few microseconds of pauses, then giving the core away between looks.
typedef struct { int32_t round; int64_t deadline; } spinner;

static bool spin_more(spinner *s, int64_t nanoseconds) {
    if (nanoseconds <= 0) return false;
    if (s->round < 256) {
        s->round++;
        cpu_relax();
        return true;
    }
    if (s->round++ == 256) s->deadline = now() + nanoseconds;
    if ((s->round & 15) == 0) {
        sched_yield();
        return now() < s->deadline;
    }
    for (int i = 0; i < 8; i++) cpu_relax();
    return true;
}

// Takes chunks until none is left. Returns whether it took any.
static bool take_chunks(ct_pool *p, int32_t worker) {
    bool any = false;
    uint64_t ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
    for (;;) {
        uint32_t index = (uint32_t)ticket;
        if (index == CLOSED) return any;
        ct_job job = atomic_load_explicit(&p->job, memory_order_relaxed);
        void *context = atomic_load_explicit(&p->context, memory_order_relaxed);
        int64_t count = atomic_load_explicit(&p->count, memory_order_relaxed);
        int64_t grain = atomic_load_explicit(&p->grain, memory_order_relaxed);
        uint32_t chunks = atomic_load_explicit(&p->chunks, memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (index >= chunks) {
            uint64_t again = atomic_load_explicit(&p->ticket, memory_order_acquire);
            if (again == ticket) return any;
            ticket = again;
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&p->ticket, &ticket, ticket + 1,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        any = true;
        int64_t begin = (int64_t)index * grain;
        job(context, begin, count - begin < grain ? count : begin + grain, worker);
        if (atomic_fetch_add(&p->done, 1) + 1 == chunks) {
            atomic_fetch_add(&p->finish.word, 1);
            if (atomic_load(&p->finish.sleepers) > 0) park_wake(&p->finish, INT_MAX);
        }
        ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
    }
}

static bool has_work(ct_pool *p) {
    uint64_t ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
    return (uint32_t)ticket < atomic_load_explicit(&p->chunks, memory_order_relaxed);
}

static void *worker_main(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    ct_pool *p = start.pool;
    inside_pool = p;
    inside_worker = start.index;
#if defined(__linux__)
    char name[16];
    snprintf(name, sizeof name, "lector-%d", (int)start.index);
    pthread_setname_np(pthread_self(), name);
#endif
    while (!atomic_load_explicit(&p->ending, memory_order_acquire)) {
        if (take_chunks(p, start.index)) continue;
        spinner spin = {0};
        bool found = false;
        while (!(found = has_work(p) || atomic_load_explicit(&p->ending, memory_order_relaxed))
               && spin_more(&spin, p->spin_nanoseconds)) {}
        if (found) continue;
        uint32_t seen = atomic_load(&p->work.word);
        atomic_fetch_add(&p->work.sleepers, 1);
        if (!has_work(p) && !atomic_load(&p->ending)) park_wait(&p->work, seen);
        atomic_fetch_sub(&p->work.sleepers, 1);
    }
    return NULL;
}

static void wake_workers(ct_pool *p, int32_t count) {
#if !defined(__linux__)
    pthread_mutex_lock(&p->work.mutex);
#endif
    atomic_fetch_add(&p->work.word, 1);
#if !defined(__linux__)
    pthread_mutex_unlock(&p->work.mutex);
#endif
    if (atomic_load(&p->work.sleepers) > 0) park_wake(&p->work, count);
}

ct_pool *ct_pool_create(int32_t threads) {
    int32_t cores = ct_default_threads();
    if (threads < 1) threads = cores;
    if (threads > 1024) threads = 1024;
    size_t bytes = sizeof(ct_pool) + (size_t)threads * sizeof(pthread_t);
    void *memory = NULL;
    if (posix_memalign(&memory, 64, (bytes + 63) / 64 * 64) != 0) return NULL;
    memset(memory, 0, bytes);
    ct_pool *p = memory;
    atomic_store(&p->ticket, CLOSED);
    // More threads than cores: a spinning thread would take the time of a working one.
    p->spin_nanoseconds = threads > cores ? 0 : SPIN_NANOSECONDS;
    p->threads = 1;
    pthread_mutex_init(&p->callers, NULL);
    if (!park_init(&p->work) || !park_init(&p->finish)) {
        free(p);
        return NULL;
    }
    sigset_t all, old;  // signals go to the program's own threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int32_t i = 1; i < threads; i++) {
        worker_start *start = malloc(sizeof *start);
        if (!start) break;
        *start = (worker_start){p, i};
        if (pthread_create(&p->handles[i], NULL, worker_main, start) != 0) {
            free(start);
            break;
        }
        p->threads = i + 1;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return p;
}

void ct_pool_destroy(ct_pool *p) {
    atomic_store(&p->ending, true);
    wake_workers(p, INT_MAX);
    for (int32_t i = 1; i < p->threads; i++) pthread_join(p->handles[i], NULL);
    park_free(&p->work);
    park_free(&p->finish);
    pthread_mutex_destroy(&p->callers);
    free(p);
}

int32_t ct_pool_threads(const ct_pool *p) { return p->threads; }

void ct_pool_run(ct_pool *p, ct_job job, void *context, int64_t count, int64_t grain) {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    while ((count - 1) / grain + 1 > UINT32_MAX / 2) grain *= 2;
    uint32_t chunks = (uint32_t)((count - 1) / grain + 1);
    if (inside_pool == p) {
        for (int64_t begin = 0; begin < count; begin += grain)
            job(context, begin, count - begin < grain ? count : begin + grain, inside_worker);
        return;
    }
    pthread_mutex_lock(&p->callers);
    const ct_pool *outer_pool = inside_pool;
    int32_t outer_worker = inside_worker;
    inside_pool = p;
    inside_worker = 0;
    if (p->threads == 1 || chunks == 1) {
        for (int64_t begin = 0; begin < count; begin += grain)
            job(context, begin, count - begin < grain ? count : begin + grain, 0);
    } else {
        uint64_t generation = (atomic_load_explicit(&p->ticket, memory_order_relaxed) >> 32) + 1;
        atomic_store(&p->ticket, generation << 32 | CLOSED);
        atomic_thread_fence(memory_order_release);
        atomic_store_explicit(&p->job, job, memory_order_relaxed);
        atomic_store_explicit(&p->context, context, memory_order_relaxed);
        atomic_store_explicit(&p->count, count, memory_order_relaxed);
        atomic_store_explicit(&p->grain, grain, memory_order_relaxed);
        atomic_store_explicit(&p->chunks, chunks, memory_order_relaxed);
        atomic_store_explicit(&p->done, 0, memory_order_relaxed);
        atomic_store(&p->ticket, generation << 32);
        wake_workers(p, (int32_t)(chunks - 1 < INT_MAX ? chunks - 1 : INT_MAX));
        take_chunks(p, 0);
        spinner spin = {0};
        while (atomic_load_explicit(&p->done, memory_order_acquire) != chunks) {
            if (spin_more(&spin, p->spin_nanoseconds)) continue;
            uint32_t seen = atomic_load(&p->finish.word);
            atomic_fetch_add(&p->finish.sleepers, 1);
            if (atomic_load(&p->done) != chunks) park_wait(&p->finish, seen);
            atomic_fetch_sub(&p->finish.sleepers, 1);
        }
        atomic_store(&p->ticket, generation << 32 | CLOSED);
    }
    inside_pool = outer_pool;
    inside_worker = outer_worker;
    pthread_mutex_unlock(&p->callers);
}

#if defined(__linux__)
static bool read_line(const char *path, char *line, size_t size) {
    FILE *file = fopen(path, "r");
    if (!file) return false;
    bool ok = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return ok;
}

// CPUs that the cgroup's quota allows, rounded up; 0 when there is none.
static int32_t quota_cores(void) {
    char line[128];
    long long quota = 0, period = 0;
    if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof line)) {
        if (sscanf(line, "%lld %lld", &quota, &period) != 2) return 0;
    } else if (read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line)) {
        quota = atoll(line);
        if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", line, sizeof line)) return 0;
        period = atoll(line);
    }
    if (quota <= 0 || period <= 0) return 0;
    long long cores = (quota + period - 1) / period;
    return cores > INT_MAX ? 0 : (int32_t)cores;
}
#endif

int32_t ct_default_threads(void) {
    int32_t cores = 0;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
#endif
    if (cores < 1) cores = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    int32_t quota = quota_cores();
    if (quota > 0 && quota < cores) cores = quota;
#endif
    return cores < 1 ? 1 : cores;
}

// Starting a process of our own, memory that two processes share, and how malloc takes large blocks: what Swift's
// Glibc module lacks.
#ifndef LECTOR_CREADER_H
#define LECTOR_CREADER_H

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define CR_NULLABLE _Nullable
#define CR_NONNULL _Nonnull
#else
#define CR_NULLABLE
#define CR_NONNULL
#endif

// Starts `path`. It gets descriptor 0 of this process, or /dev/null; /dev/null as 1; 2 of this process;
// `channel` as 3, `memory` as 4; and no other. SIGINT and SIGTERM are blocked in it: a Ctrl-C goes to the
// whole process group, and this process decides what it means. argv and envp end with NULL.
// Returns 0, or an errno.
int cr_spawn(pid_t *pid, const char *path, char *CR_NULLABLE const *CR_NONNULL argv,
             char *CR_NULLABLE const *CR_NONNULL envp, int keeps_stdin, int channel, int memory);

// A connected pair of stream sockets that no other program inherits. Returns 0, or an errno.
int cr_pair(int *ends);

// Memory without a name that no other program inherits, as a descriptor; below 0 with errno.
int cr_memory(int64_t bytes);

// Sends what it can without a signal when nobody reads. As send(2).
int64_t cr_send(int channel, const void *bytes, int64_t count);

// Receives what is there, without waiting. As recv(2).
int64_t cr_receive(int channel, void *bytes, int64_t count);

// Has this process called `name` (15 bytes at most) where processes are listed.
void cr_name(const char *name);

// Waits until the other end of `channel` is closed.
void cr_wait_for_hangup(int channel);

// Has malloc map each block of a megabyte or more by itself, for the rest of this process. One that does not fit the
// arena of its thread comes from another arena otherwise, and malloc then succeeds with ENOMEM left in errno, at
// which libarchive ends the process where a name cannot be converted. Setting the one threshold fixes the other one
// low, so that every large free would shrink the heap and the next block grow it again: 256 MiB stay.
// Does nothing where malloc is not glibc's.
void cr_map_large_blocks(void);

// In this order for whoever looks, also when this process dies between the two.
static inline void cr_store(uint64_t *place, uint64_t value) {
    __atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}
static inline uint64_t cr_load(const uint64_t *place) { return __atomic_load_n(place, __ATOMIC_SEQ_CST); }

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
#endif

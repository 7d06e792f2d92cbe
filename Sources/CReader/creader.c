#define _GNU_SOURCE
#include "creader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

// Known once a header of the C library is read.
#ifdef __GLIBC__
#include <malloc.h>
#endif

int cr_spawn(pid_t *pid, const char *path, char *const *argv, char *const *envp, int keeps_stdin, int channel,
             int memory) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t blocked;
    // Out of the way of the numbers they get.
    int high_channel = fcntl(channel, F_DUPFD_CLOEXEC, 10);
    int high_memory = fcntl(memory, F_DUPFD_CLOEXEC, 10);
    if (high_channel < 0 || high_memory < 0) {
        int code = errno;
        if (high_channel >= 0) close(high_channel);
        return code;
    }
    int code = posix_spawn_file_actions_init(&actions);
    if (code == 0) {
        code = posix_spawnattr_init(&attributes);
        if (code == 0) {
            sigemptyset(&blocked);
            sigaddset(&blocked, SIGINT);
            sigaddset(&blocked, SIGTERM);
            if (!keeps_stdin) code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
            if (code == 0) code = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
            if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, high_channel, 3);
            if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, high_memory, 4);
            if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, 5);
            if (code == 0) code = posix_spawnattr_setsigmask(&attributes, &blocked);
            if (code == 0) code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
            if (code == 0) code = posix_spawn(pid, path, &actions, &attributes, argv, envp);
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    close(high_channel);
    close(high_memory);
    return code;
}

int cr_pair(int *ends) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
}

int cr_memory(int64_t bytes) {
    int memory = memfd_create("lector-reader", MFD_CLOEXEC);
    if (memory >= 0 && ftruncate(memory, bytes) != 0) {
        int code = errno;
        close(memory);
        errno = code;
        return -1;
    }
    return memory;
}

int64_t cr_send(int channel, const void *bytes, int64_t count) {
    return send(channel, bytes, (size_t)count, MSG_NOSIGNAL);
}

int64_t cr_receive(int channel, void *bytes, int64_t count) {
    return recv(channel, bytes, (size_t)count, MSG_DONTWAIT);
}

void cr_name(const char *name) { prctl(PR_SET_NAME, name); }

void cr_wait_for_hangup(int channel) {
    struct pollfd end = {.fd = channel, .events = POLLRDHUP, .revents = 0};
    while (poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
}

void cr_map_large_blocks(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

/* A disk that fails once, at a chosen call on a chosen path; loaded before the C library (test only).
   FAULT=fsync:PATH:N  the Nth fsync of a path that holds PATH fails with EIO
   FAULT=write:PATH:N  the Nth write writes half, and every later one fails: the disk is full
   FAULT=lose:PATH:N   power is cut at the Nth rename onto PATH: its name was never on the disk */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int seen, full;

static int named(const char *kind, const char *path) {
    char spec[512], *part, *count;
    const char *told = getenv("FAULT");
    if (!told || strlen(told) >= sizeof spec) return 0;
    strcpy(spec, told);
    part = strchr(spec, ':'); *part++ = 0;
    count = strrchr(part, ':'); *count++ = 0;
    if (strcmp(spec, kind) || !strstr(path, part)) return 0;
    return ++seen == atoi(count) ? 1 : 2;
}

static int hit(const char *kind, int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return named(kind, path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define SYNC(name) int name(int fd) { REAL(name); \
    if (hit("fsync", fd) == 1) { errno = EIO; return -1; } return real(fd); }
SYNC(fsync)
SYNC(fdatasync)

#define FULL(call_half, call) do { int at = hit("write", fd); \
    if (at && full) { errno = ENOSPC; return -1; } \
    if (at == 1) { full = 1; return call_half; } return call; } while (0)
ssize_t write(int fd, const void *from, size_t n) {
    REAL(write); FULL(real(fd, from, n / 2), real(fd, from, n)); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at_byte) {
    REAL(pwrite); FULL(real(fd, from, n / 2, at_byte), real(fd, from, n, at_byte)); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at_byte) {
    REAL(pwrite64); FULL(real(fd, from, n / 2, at_byte), real(fd, from, n, at_byte)); }

static int cut(const char *to) {
    if (named("lose", to) != 1) return 0;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}
int rename(const char *from, const char *to) {
    REAL(rename); if (cut(to)) return -1; return real(from, to); }
int renameat(int a, const char *from, int b, const char *to) {
    REAL(renameat); if (cut(to)) return -1; return real(a, from, b, to); }

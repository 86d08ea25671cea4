/* The n-th call of the system on a file below one folder fails. Preloaded; armed by fail_call(folder, n, error).
   With n = 0 nothing fails and calls are counted: calls_made(). Linux with glibc, 64 bits. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[4096];
static long failing = -1, count;
static int error_number;

void fail_call(const char *where, long n, int error) {
    strncpy(folder, where, sizeof folder - 1);
    failing = n; count = 0; error_number = error;
}
long calls_made(void) { return count; }

static int below(const char *path) { return path && strncmp(path, folder, strlen(folder)) == 0; }

static int opened_below(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

static int fails(int concerned) {
    if (failing < 0 || !concerned) return 0;
    if (++count != failing) return 0;
    errno = error_number;
    return 1;
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))
#define ON_FD(type, name, parameters, arguments, ...)                                                                  \
    type name parameters {                                                                                             \
        if (fails(opened_below(fd))) return -1;                                                                        \
        return REAL(type, name, __VA_ARGS__) arguments;                                                                \
    }
#define ON_PATH(type, name, parameters, arguments, ...)                                                                \
    type name parameters {                                                                                             \
        if (fails(below(path))) return -1;                                                                             \
        return REAL(type, name, __VA_ARGS__) arguments;                                                                \
    }
#define OPENS(name)                                                                                                    \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, int); va_end(rest);                            \
        if (fails(below(path))) return -1;                                                                             \
        return REAL(int, name, const char *, int, mode_t)(path, flags, mode);                                          \
    }
#define OPENS_AT(name)                                                                                                 \
    int name(int at, const char *path, int flags, ...) {                                                               \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, int); va_end(rest);                            \
        if (fails(below(path))) return -1;                                                                             \
        return REAL(int, name, int, const char *, int, mode_t)(at, path, flags, mode);                                 \
    }
OPENS(open) OPENS(open64) OPENS_AT(openat) OPENS_AT(openat64)
ON_FD(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n), int, void *, size_t)
ON_FD(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), int, const void *, size_t)
ON_FD(ssize_t, pread64, (int fd, void *b, size_t n, off64_t o), (fd, b, n, o), int, void *, size_t, off64_t)
ON_FD(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), int, const void *, size_t, off64_t)
ON_FD(ssize_t, preadv64, (int fd, const struct iovec *v, int n, off64_t o), (fd, v, n, o), int, const struct iovec *, int, off64_t)
ON_FD(int, ftruncate64, (int fd, off64_t n), (fd, n), int, off64_t)
ON_FD(int, fsync, (int fd), (fd), int)
ON_FD(int, fchmod, (int fd, mode_t m), (fd, m), int, mode_t)
ON_FD(off64_t, lseek64, (int fd, off64_t o, int w), (fd, o, w), int, off64_t, int)
ON_FD(int, fstat64, (int fd, struct stat64 *s), (fd, s), int, struct stat64 *)
ON_PATH(int, stat64, (const char *path, struct stat64 *s), (path, s), const char *, struct stat64 *)
ON_PATH(int, truncate64, (const char *path, off64_t n), (path, n), const char *, off64_t)
ON_PATH(int, mkdir, (const char *path, mode_t m), (path, m), const char *, mode_t)
ON_PATH(int, chmod, (const char *path, mode_t m), (path, m), const char *, mode_t)
ON_PATH(int, rename, (const char *path, const char *to), (path, to), const char *, const char *)
ON_PATH(int, unlink, (const char *path), (path), const char *)
int renameat2(int a, const char *path, int b, const char *to, unsigned f) {
    if (fails(below(path))) return -1;
    return REAL(int, renameat2, int, const char *, int, const char *, unsigned)(a, path, b, to, f);
}
int posix_fallocate64(int fd, off64_t o, off64_t n) {
    if (fails(opened_below(fd))) return error_number;
    return REAL(int, posix_fallocate64, int, off64_t, off64_t)(fd, o, n);
}
void *mmap64(void *a, size_t n, int p, int f, int fd, off64_t o) {
    if (fd >= 0 && fails(opened_below(fd))) return MAP_FAILED;
    return REAL(void *, mmap64, void *, size_t, int, int, int, off64_t)(a, n, p, f, fd, o);
}
int close(int fd) {
    int failed = fails(opened_below(fd));
    int result = REAL(int, close, int)(fd);
    if (failed) { errno = error_number; return -1; }
    return result;
}

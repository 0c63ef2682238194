/* Lets one call that writes below a folder fail, be cut short, or be the process's last; see kills.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { COUNT, KILL_BEFORE, KILL_AFTER, FAIL_ONCE, FAIL_EVER, CUT_AND_FAIL, CUT_AND_KILL };
enum { PASS, FAIL, CUT };

static char below[PATH_MAX];
static long target, seen;
static int manner, error_number, dying;

void attack_arm(const char *folder, int how, long number, int error)
{
    strncpy(below, folder, sizeof below - 1);
    manner = how, target = number, error_number = error, seen = 0;
}

long attack_seen(void) { return seen; }

static void die(void) { raise(SIGKILL); }

/* What is to become of the next call on a path. */
static int strike(const char *path)
{
    if (!below[0] || strncmp(path, below, strlen(below))) return PASS;
    seen++;
    if (manner == COUNT || seen < target) return PASS;
    if (seen > target) return manner == FAIL_EVER || manner == CUT_AND_FAIL ? FAIL : PASS;
    if (manner == KILL_BEFORE) die();
    if (manner == KILL_AFTER) { dying = 1; return PASS; }
    return manner == CUT_AND_FAIL || manner == CUT_AND_KILL ? CUT : FAIL;
}

static int strike_open(int descriptor)
{
    char link[64], path[PATH_MAX];
    if (!below[0]) return PASS;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return PASS;
    path[length] = 0;
    return strike(path);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define AFTER(value) do { __typeof__(value) done = (value); if (dying) die(); return done; } while (0)
#define REFUSE do { errno = error_number; return -1; } while (0)

#define WRITES(name, parameters, arguments, half)                           \
    ssize_t name parameters                                                 \
    {                                                                       \
        REAL(name);                                                         \
        switch (strike_open(descriptor)) {                                  \
        case FAIL: REFUSE;                                                  \
        case CUT: {                                                         \
            ssize_t done = half;                                            \
            if (manner == CUT_AND_KILL) die();                              \
            return done;                                                    \
        }                                                                   \
        }                                                                   \
        AFTER(real arguments);                                              \
    }

#define CHANGES(name, strikes, parameters, arguments)                       \
    int name parameters                                                     \
    {                                                                       \
        REAL(name);                                                         \
        int struck = strikes;                                               \
        if (struck == CUT && manner == CUT_AND_KILL) die();                 \
        if (struck != PASS) REFUSE;                                         \
        AFTER(real arguments);                                              \
    }

WRITES(write, (int descriptor, const void *data, size_t size), (descriptor, data, size),
       size > 1 ? real(descriptor, data, size / 2) : real(descriptor, data, size))
WRITES(sendfile64, (int descriptor, int from, off64_t *at, size_t size), (descriptor, from, at, size),
       real(descriptor, from, at, size > 1 ? 1 : size))
CHANGES(fsync, strike_open(descriptor), (int descriptor), (descriptor))
CHANGES(ftruncate64, strike_open(descriptor), (int descriptor, off64_t size), (descriptor, size))
CHANGES(rename, strike(to), (const char *from, const char *to), (from, to))
CHANGES(unlink, strike(path), (const char *path), (path))
CHANGES(mkdir, strike(path), (const char *path, mode_t mode), (path, mode))
CHANGES(chmod, strike(path), (const char *path, mode_t mode), (path, mode))

int open64(const char *path, int flags, ...)
{
    REAL(open64);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int struck = flags & (O_CREAT | O_TRUNC) ? strike(path) : PASS;
    if (struck == CUT && manner == CUT_AND_KILL) die();
    if (struck != PASS) REFUSE;
    AFTER(real(path, flags, mode));
}

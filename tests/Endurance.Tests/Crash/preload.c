/* Makes a known-bad twin of the published binary without a hook in it: preloaded, it leaves out what CRASH_TWIN says. Only calls by way of libc are met,
 * so a twin runs over --io threads. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_twin(const char *name)
{
    const char *twin = getenv("CRASH_TWIN");
    return twin != NULL && strcmp(twin, name) == 0;
}

/* The binary looks its calls up in a "libc" that it opens by name: it gets the global scope, where this library comes first. */
void *dlopen(const char *path, int flags)
{
    void *(*next)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    return next(path != NULL && strncmp(path, "libc", 4) == 0 && (path[4] == 0 || path[4] == '.') ? NULL : path, flags);
}

static int is_work_file(int descriptor)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return strstr(path, "/%wk/") != NULL;
}

/* "directories": a name is not made durable. "files": neither are an object's bytes and its record. */
int fsync(int descriptor)
{
    struct stat status;
    if (fstat(descriptor, &status) == 0
        && ((S_ISDIR(status.st_mode) && is_twin("directories")) || (is_twin("files") && is_work_file(descriptor))))
        return 0;
    return (int)syscall(SYS_fsync, descriptor);
}

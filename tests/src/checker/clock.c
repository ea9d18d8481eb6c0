// Moves the system's clock for one program, which is started with LD_PRELOAD. The clock that only counts on
// (CLOCK_MONOTONIC) stays as it is, as on a machine whose time is set.
//
// The file that CHECKER_CLOCK names has 8 bytes: by how many seconds the clock is ahead.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t nothing;
static volatile int64_t *ahead = &nothing;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHECKER_CLOCK");
    if (!path)
        return;
    int file = open(path, O_RDONLY);
    void *page = file < 0 ? MAP_FAILED : mmap(0, sizeof nothing, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        _exit(97);
    close(file);
    ahead = page;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += *ahead;
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

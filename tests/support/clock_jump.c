/* Linked into a program, lets a test set its wall clock: every reading is the machine's and the
 * seconds in the first eight bytes of the file that CANH_TEST_CLOCK names (a signed number of this
 * machine's byte order), mapped at the start so that a role's sandbox does not hide it. Clocks that
 * only rise are left alone. Without the variable nothing changes. Threads: any. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t *offset_s;

__attribute__((constructor)) static void clock_map(void)
{
    const char *path = getenv("CANH_TEST_CLOCK");
    if (!path)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*offset_s), PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        abort();
    offset_s = page;
    (void)close(fd);
}

int clock_gettime(clockid_t which, struct timespec *t)
{
    if (syscall(SYS_clock_gettime, which, t) != 0)
        return -1;
    if (offset_s && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        t->tv_sec += __atomic_load_n(offset_s, __ATOMIC_RELAXED);
    return 0;
}

time_t time(time_t *out)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    *out = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return 0;
}

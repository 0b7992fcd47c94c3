/* Calibration: how fast this machine can only look for newlines (memchr) in a file already in
 * memory. Prints megabytes a second, the best of five rounds. Bench figures are shown as a ratio to
 * it, so that runs on different machines, or on a busy one, can be compared. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5 };

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct stat about;
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &about) != 0 || about.st_size == 0) {
        (void)fprintf(stderr, "usage: newline_scan FILE\n");
        return 2;
    }
    size_t size = (size_t)about.st_size;
    char *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (data == MAP_FAILED)
        return 3;
    double best = 0;
    size_t lines = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        for (const char *at = data; (at = memchr(at, '\n', (size_t)(data + size - at))); at++)
            lines++;
        double rate = (double)size / 1e6 / (seconds_now() - start);
        if (rate > best)
            best = rate;
    }
    printf("%.0f\n", best);
    return lines == 0;
}

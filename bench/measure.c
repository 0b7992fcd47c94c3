/* Runs a command, its standard output swallowed, and writes one JSON object of what it took to the
 * standard output: measure COMMAND [ARGUMENT...]. PSS is sampled. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLE_MS = 20 };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static long pss_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "Pss:", 4) == 0)
            kib = strtol(line + 4, NULL, 10);
    if (f)
        (void)fclose(f);
    return kib;
}

int main(int argc, char **argv)
{
    int ends[2], status = 0;
    char block[65536];
    struct rusage usage;
    if (argc < 2 || pipe(ends) != 0)
        return 2;
    double start = now(), first = 0, sampled = start;
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execvp(argv[1], argv + 1);
        _exit(127);
    }
    (void)close(ends[1]);
    long pss = 0, lines = 0;
    for (ssize_t got = 1; got != 0;) {
        struct pollfd wait = {.fd = ends[0], .events = POLLIN};
        if (poll(&wait, 1, SAMPLE_MS) > 0) {
            got = read(ends[0], block, sizeof block);
            if (got > 0 && first == 0)
                first = now() - start;
            for (ssize_t i = 0; i < got; i++)
                lines += block[i] == '\n';
        }
        if (now() - sampled < SAMPLE_MS / 1e3)
            continue;
        long kib = pss_kib(pid);
        pss = kib > pss ? kib : pss;
        sampled = now();
    }
    (void)wait4(pid, &status, 0, &usage);
    printf("{\"wall_seconds\":%.4f,\"cpu_seconds\":%.4f,\"first_seconds\":%.4f,\"lines\":%ld,"
           "\"rss_bytes\":%ld,\"pss_bytes\":%ld,\"exit\":%d}\n",
           now() - start, seconds(usage.ru_utime) + seconds(usage.ru_stime), first, lines,
           usage.ru_maxrss * 1024, pss * 1024, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
    return 0;
}

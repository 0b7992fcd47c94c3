/* store_sim                       runs CANH_SIM_SEEDS seeds (2000), from CANH_SIM_FIRST (1) on
 * store_sim SEED                  one seed, telling what it does
 * store_sim FIRST COUNT           so many
 * store_sim part K N              of the seeds of the first form the K-th of N parts
 * store_sim mutations             each call or checksum left out must make a seed fail
 * store_sim mutant CLASS SEED     one seed with a call left out (classes: disk_sim.h)
 * A seed runs in a process of its own, so that one that aborts counts as failed. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sim/sim_mutation.h"

enum { SEEDS = 2000, TOLD_MAX = 10, BATCH = 25 };

static uint64_t number_of(const char *text, uint64_t otherwise)
{
    uint64_t value;
    return text && slice_to_u64(slice_from(text), &value) ? value : otherwise;
}

/* Runs seeds until one fails, its number into the pipe; 0: none did. */
static void batch_child(int out, uint64_t first, uint64_t count)
{
    char why[SIM_WHY_BYTES];
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (write(out, &seed, sizeof seed) != sizeof seed)
            _exit(2);
        if (!sim_run(seed, NULL, false, why)) {
            (void)fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, why);
            _exit(1);
        }
    }
    _exit(0);
}

/* The seed that failed, or 0. */
static uint64_t batch_run(uint64_t first, uint64_t count)
{
    int ends[2], status = 0;
    uint64_t seed = first, newest;
    check(pipe(ends) == 0);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        batch_child(ends[1], first, count);
    (void)close(ends[1]);
    while (read(ends[0], &newest, sizeof newest) == (ssize_t)sizeof newest)
        seed = newest;
    (void)close(ends[0]);
    check(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "seed %llu: ended by signal %d\n", (unsigned long long)seed,
                      WTERMSIG(status));
    return status ? seed : 0;
}

static int seeds_run(const char *program, uint64_t first, uint64_t count)
{
    uint64_t failed = 0, end = first + count;
    for (uint64_t at = first; at < end && failed < TOLD_MAX;) {
        uint64_t some = end - at < BATCH ? end - at : BATCH, bad = batch_run(at, some);
        if (bad) {
            failed++;
            (void)printf("seed %llu failed; again: %s %llu\n", (unsigned long long)bad, program,
                         (unsigned long long)bad);
        }
        at = bad ? bad + 1 : at + some;
    }
    (void)printf("%llu seeds from %llu, %llu failed%s\n", (unsigned long long)count,
                 (unsigned long long)first, (unsigned long long)failed,
                 failed == TOLD_MAX ? ", the others were not run" : "");
    return failed ? 1 : 0;
}

/* Of all seeds that are asked for the part-th of so many. */
static int part_run(const char *program, uint64_t part, uint64_t parts)
{
    uint64_t first = number_of(getenv("CANH_SIM_FIRST"), 1);
    uint64_t count = number_of(getenv("CANH_SIM_SEEDS"), SEEDS);
    check(part >= 1 && part <= parts);
    uint64_t begin = count * (part - 1) / parts, end = count * part / parts;
    return seeds_run(program, first + begin, end - begin);
}

static int seed_tell(uint64_t seed, const char *mutation)
{
    char why[SIM_WHY_BYTES];
    bool holds = sim_run(seed, mutation, true, why);
    (void)printf("seed %llu: %s\n", (unsigned long long)seed, holds ? "all holds" : why);
    return holds ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "mutations") == 0)
        return sim_mutations_run();
    if (argc == 4 && strcmp(argv[1], "part") == 0)
        return part_run(argv[0], number_of(argv[2], 1), number_of(argv[3], 1));
    if (argc == 4 && strcmp(argv[1], "mutant") == 0)
        return seed_tell(number_of(argv[3], 1), argv[2]);
    if (argc == 2)
        return seed_tell(number_of(argv[1], 1), NULL);
    if (argc == 3)
        return seeds_run(argv[0], number_of(argv[1], 1), number_of(argv[2], 1));
    return part_run(argv[0], 1, 1);
}

#include "sim/sim_mutation.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS_MAX = 400 };

/* Classes of calls as in disk_sim.h, and why each is needed. */
static const struct {
    const char *class, *why;
} mutations[] = {
    {"sync journal/#.journal", "what is acknowledged is durable"},
    {"sync_folder journal", "the names of journal files are durable before they are used"},
    {"sync_folder segments/windows/#", "the names of segments are durable before the journal goes"},
    {"sync_folder segments/windows", "the names of days are"},
    {"sync_folder segments", "the names of partitions are"},
    {"sync tmp/#-#.segment", "the rows of segments are durable before the journal goes"},
    {"sync tmp/merge-#.segment", "the rows of merged segments are before their inputs go"},
    {"rename segments/windows/#/#-#.g#.segment", "segments are where the catalog says"},
    {"sync tmp/#.checkpoint", "a checkpoint is whole before it counts"},
    {"rename checkpoint/#.checkpoint", "a checkpoint is there before the journal goes"},
    {"sync_folder checkpoint", "its name is durable before the journal goes"},
    {"sync_folder tmp", "a rename lasts when both folders do"},
    {"sync catalog.db", "what the catalog knows is durable before the journal goes"},
    {"sync catalog.db-journal", "a transaction that was cut off is undone"},
    {"remove catalog.db-journal", "a transaction that was committed is not undone"},
    {"sync notary/#.log", "lines of the notary are durable when a tick says so"},
    {"sync_folder notary", "and the names of its files"},
    {"resize notary/#.log", "what was torn does not stand before later lines"},
    {"sync STORE.new", "the store's identity is whole"},
    {"sync_folder .", "the store's identity and catalog are there"},
    {"rename STORE", "the store is made once"},
    {"sync *", "a disk that lies about files"},
    {"sync_folder *", "a disk that lies about folders"},
};

struct killed {
    uint64_t seed;
    char why[SIM_WHY_BYTES];
};

static void mutant_child(struct killed *k, const char *class)
{
    (void)!freopen("/dev/null", "w", stderr);
    for (uint64_t seed = 1; seed <= SEEDS_MAX; seed++) {
        k->seed = seed;
        if (!sim_run(seed, class, false, k->why))
            _exit(1);
    }
    _exit(0);
}

int sim_mutations_run(void)
{
    int survivors = 0;
    struct killed *k =
        mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(k != MAP_FAILED);
    for (size_t i = 0; i < sizeof mutations / sizeof mutations[0]; i++) {
        int status = 0;
        *k = (struct killed){0};
        (void)fflush(stdout);
        pid_t child = fork();
        check(child >= 0);
        if (child == 0)
            mutant_child(k, mutations[i].class);
        check(waitpid(child, &status, 0) == child);
        if (status)
            (void)printf("without %s: seed %llu: %s\n", mutations[i].class,
                         (unsigned long long)k->seed, k->why[0] ? k->why : "it aborts");
        else
            (void)printf("without %s: no seed of %d fails (%s)\n", mutations[i].class, SEEDS_MAX,
                         mutations[i].why);
        survivors += status == 0;
    }
    (void)munmap(k, sizeof(*k));
    (void)printf("%d of %zu mutations were not found\n", survivors,
                 sizeof mutations / sizeof mutations[0]);
    return survivors ? 1 : 0;
}

/* A small store in a temporary folder, filled with random rows of several partitions, for tests.
 * The same seed gives the same rows; the clock is the test's own. Threads: one. Ownership: the
 * folder is removed by store_make_close. */
#pragma once
#include "store/store.h"
#include "unit/store/rows_random.h"

enum { STORE_MAKE_PARTITIONS = 3, STORE_MAKE_GROUP_ROWS = 20 };
#define STORE_MAKE_START_NS (1790000000 * CLOCK_SECOND_NS)
#define STORE_MAKE_STEP_NS  (7 * CLOCK_SECOND_NS) /* between groups */

struct store_make {
    char folder[256];
    struct store_options options; /* may be changed before store_make_start */
    struct store *store;
    struct batch_writer *writer;
    struct batch batch;
    struct rows_random random;
    struct record record;
    int64_t now_ns;
    uint64_t rows; /* appended so far */
};

/* The folder, without a store. */
void store_make_folder(struct store_make *m, uint64_t seed);
/* Opens the store (again). */
void store_make_start(struct store_make *m, bool write);
void store_make_stop(struct store_make *m);
/* Appends rows, a group of up to STORE_MAKE_GROUP_ROWS at a time, partitions mixed: "windows",
 * "linux", "_findings". */
void store_make_rows(struct store_make *m, uint64_t rows);
void store_make_seal(struct store_make *m);
/* On a simulated disk of the caller's, which outlives it: no folder, no signatures. */
void store_make_on(struct store_make *m, struct disk *disk, uint64_t seed);
/* store_make_folder and store_make_start. */
void store_make_open(struct store_make *m, uint64_t seed);
void store_make_close(struct store_make *m);
/* Removes a folder and all in it, when it is there. */
void store_make_remove(const char *folder);
/* Verifies and gives the number of problems; all are printed when print is set. */
uint64_t store_make_problems(struct store *store, bool print);
/* SHA-256 of the canonical texts and numbers of all rows that store_get gives. */
struct digest store_make_digest(struct store *store, uint64_t last_sequence);
/* How many files under the store's folder have a path that ends so. */
uint32_t store_make_files(const struct store_make *m, const char *end);

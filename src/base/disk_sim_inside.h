/* The parts of the simulated disk: what is in a file (disk_sim_content.c), which names there are
 * (disk_sim_names.c), the calls of disk.h (disk_sim_calls.c), what a test sets (disk_sim.c). For
 * disk_sim*.c only; all under the disk's lock. */
#pragma once
#include <pthread.h>

#include "base/disk_calls.h"
#include "base/disk_sim.h"

enum { DISK_SIM_MUTATIONS_MAX = 16 };

struct chance { /* SplitMix64 */
    uint64_t state;
};
uint64_t chance_next(struct chance *c);
static inline uint64_t chance_below(struct chance *c, uint64_t n)
{
    return n ? chance_next(c) % n : 0;
}
/* How much of what is in doubt survives this time, in 16ths: nothing and all come up often. */
unsigned chance_share(struct chance *c);
static inline bool chance_in_16(struct chance *c, unsigned share)
{
    return chance_below(c, 16) < share;
}

struct content {
    uint8_t *now, *durable; /* of capacity sectors, zeros behind the sizes */
    uint8_t *dirty;         /* a sector: written since its newest sync */
    size_t sectors;
    uint64_t now_bytes, durable_bytes;
    unsigned users; /* names, durable names, changes in waiting, open files */
};
struct content *content_make(void);
void content_drop(struct content *c); /* one user fewer */
void content_write(struct content *c, struct chance *chance, uint64_t offset, struct slice data);
void content_resize(struct content *c, uint64_t size_bytes);
void content_reserve(struct content *c, uint64_t size_bytes);
void content_sync(struct content *c);
void content_sync_fails(struct content *c, struct chance *chance);
void content_cut(struct content *c, struct chance *chance);
uint64_t content_hash(const struct content *c, uint64_t seed);

struct name {
    char *path;
    struct content *content; /* NULL: a folder */
};

struct name_set { /* sorted by path */
    struct name *items;
    size_t count, capacity;
};
struct name *name_set_find(const struct name_set *set, const char *path);
bool name_has_folder(const struct name_set *set, const char *path); /* "" is one, always */
bool name_has_folder_of(const struct name_set *set, const char *path);
bool name_is_in(const char *path, const char *folder); /* directly */

struct name_change;
struct names {
    struct name_set now, durable;
    struct name_change *changes; /* waiting for a sync, oldest first */
    size_t count, capacity;
};
/* The caller has checked that it can be done. */
void names_create(struct names *n, const char *path, struct content *content); /* NULL: a folder */
void names_rename(struct names *n, const char *from, const char *to);
void names_remove(struct names *n, const char *path);
void names_sync(struct names *n, const char *folder);
void names_cut(struct names *n, struct chance *chance);
void names_free(struct names *n);

struct sim {
    struct disk base;
    pthread_mutex_t mutex;
    struct chance chance;
    struct names names;
    uint64_t generation; /* of open files: one more at each restart */
    bool is_cut;
    uint64_t cut_at, fail_at[DISK_SIM_CALLS], lies, capacity;
    uint64_t counts[DISK_SIM_CALLS], changes;
    char *mutations[DISK_SIM_MUTATIONS_MAX], *classes[DISK_SIM_CLASSES_MAX];
    size_t mutation_count, class_count;
};

struct sim *sim_enter(struct disk *disk); /* takes its lock */
void sim_leave(struct sim *sim);
uint64_t sim_used_bytes(const struct sim *sim);
extern const struct disk_calls sim_calls;

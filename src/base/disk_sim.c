#include "base/disk_sim_inside.h"

#include <fnmatch.h>

#include "base/hash.h"
#include "base/mem.h"

static struct sim *sim_of(struct disk *disk)
{
    check(!disk->is_real);
    return (struct sim *)disk;
}

struct sim *sim_enter(struct disk *disk)
{
    struct sim *sim = sim_of(disk);
    pthread_mutex_lock(&sim->mutex);
    return sim;
}

void sim_leave(struct sim *sim)
{
    pthread_mutex_unlock(&sim->mutex);
}

struct disk *disk_sim_open(uint64_t seed)
{
    struct sim *sim = mem_zeroed(1, sizeof(*sim));
    sim->base.calls = &sim_calls;
    sim->base.folder = mem_copy_text("simulated", strlen("simulated"));
    sim->chance.state = seed;
    check(pthread_mutex_init(&sim->mutex, NULL) == 0);
    return &sim->base;
}

void disk_sim_close(struct disk **disk)
{
    if (!*disk)
        return;
    struct sim *sim = sim_of(*disk);
    names_free(&sim->names);
    disk_sim_mutate(*disk, NULL);
    for (size_t i = 0; i < sim->class_count; i++)
        mem_free(sim->classes[i]);
    pthread_mutex_destroy(&sim->mutex);
    mem_free(sim->base.folder);
    mem_free(sim);
    *disk = NULL;
}

void disk_sim_cut_at(struct disk *disk, uint64_t n)
{
    struct sim *sim = sim_enter(disk);
    sim->cut_at = n;
    sim_leave(sim);
}

bool disk_sim_is_cut(struct disk *disk)
{
    struct sim *sim = sim_enter(disk);
    bool is_cut = sim->is_cut;
    sim_leave(sim);
    return is_cut;
}

void disk_sim_restart(struct disk *disk, enum disk_sim_end end)
{
    struct sim *sim = sim_enter(disk);
    if (end == DISK_SIM_POWER) {
        names_cut(&sim->names, &sim->chance);
        for (size_t i = 0; i < sim->names.now.count; i++)
            if (sim->names.now.items[i].content)
                content_cut(sim->names.now.items[i].content, &sim->chance);
    }
    sim->generation++;
    sim->is_cut = false;
    sim->cut_at = sim->lies = 0;
    memset(sim->fail_at, 0, sizeof(sim->fail_at));
    sim_leave(sim);
}

void disk_sim_fail_at(struct disk *disk, enum disk_sim_call call, uint64_t n)
{
    struct sim *sim = sim_enter(disk);
    sim->fail_at[call] = n;
    sim_leave(sim);
}

void disk_sim_lie(struct disk *disk, uint64_t n)
{
    struct sim *sim = sim_enter(disk);
    sim->lies = n;
    sim_leave(sim);
}

void disk_sim_capacity(struct disk *disk, uint64_t bytes)
{
    struct sim *sim = sim_enter(disk);
    sim->capacity = bytes;
    sim_leave(sim);
}

uint64_t disk_sim_used(struct disk *disk)
{
    struct sim *sim = sim_enter(disk);
    uint64_t used = sim_used_bytes(sim);
    sim_leave(sim);
    return used;
}

static bool flip(struct sim *sim, const char *path, uint64_t bit)
{
    const struct name *name = name_set_find(&sim->names.now, path);
    if (!name || !name->content || bit / 8 >= name->content->now_bytes)
        return false;
    name->content->now[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (bit / 8 < name->content->durable_bytes)
        name->content->durable[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return true;
}

bool disk_sim_flip(struct disk *disk, const char *path, uint64_t bit)
{
    struct sim *sim = sim_enter(disk);
    bool done = flip(sim, path, bit);
    sim_leave(sim);
    return done;
}

bool disk_sim_rot(struct disk *disk, const char *match, struct buf *out)
{
    struct sim *sim = sim_enter(disk);
    const struct name *chosen = NULL;
    uint64_t seen = 0;
    for (size_t i = 0; i < sim->names.now.count; i++) {
        const struct name *name = &sim->names.now.items[i];
        if (name->content && name->content->now_bytes > 0 && fnmatch(match, name->path, 0) == 0 &&
            chance_below(&sim->chance, ++seen) == 0)
            chosen = name;
    }
    if (chosen) {
        uint64_t bits = chosen->content->now_bytes * 8;
        (void)flip(sim, chosen->path, chance_below(&sim->chance, bits));
        buf_string(out, chosen->path);
    }
    sim_leave(sim);
    return chosen;
}

void disk_sim_mutate(struct disk *disk, const char *what)
{
    struct sim *sim = sim_enter(disk);
    if (what) {
        check(sim->mutation_count < DISK_SIM_MUTATIONS_MAX);
        sim->mutations[sim->mutation_count++] = mem_copy_text(what, strlen(what));
    }
    while (!what && sim->mutation_count > 0)
        mem_free(sim->mutations[--sim->mutation_count]);
    sim_leave(sim);
}

const char *disk_sim_class(struct disk *disk, size_t k)
{
    struct sim *sim = sim_enter(disk);
    const char *text = k < sim->class_count ? sim->classes[k] : NULL;
    sim_leave(sim);
    return text;
}

uint64_t disk_sim_count(struct disk *disk, enum disk_sim_call call)
{
    struct sim *sim = sim_enter(disk);
    uint64_t count = sim->counts[call];
    sim_leave(sim);
    return count;
}

uint64_t disk_sim_changes(struct disk *disk)
{
    struct sim *sim = sim_enter(disk);
    uint64_t changes = sim->changes;
    sim_leave(sim);
    return changes;
}

static uint64_t set_hash(const struct name_set *set, uint64_t h)
{
    for (size_t i = 0; i < set->count; i++) {
        h = hash_bytes(set->items[i].path, strlen(set->items[i].path) + 1, h);
        if (set->items[i].content)
            h = content_hash(set->items[i].content, h);
    }
    return h;
}

uint64_t disk_sim_fingerprint(struct disk *disk)
{
    struct sim *sim = sim_enter(disk);
    uint64_t h = set_hash(&sim->names.durable, set_hash(&sim->names.now, 1));
    sim_leave(sim);
    return h;
}

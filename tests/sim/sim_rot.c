/* Bit rot: one bit of one file of a store at rest is flipped. What is in that file may be lost, and
 * is reported; everything else is there. Then the bit is flipped back: the file that a snapshot
 * brings back. */
#include <fnmatch.h>
#include <stdio.h>

#include "base/mem.h"
#include "sim/sim_observe.h"
#include "store/journal_format.h"

enum { FILES_MAX = 512, PATH_BYTES = 300 };

struct files {
    struct disk *disk;
    const char *match;
    char folder[PATH_BYTES];
    char (*paths)[PATH_BYTES];
    uint32_t *count;
};

static int file_visit(void *context, const struct disk_entry *entry)
{
    struct files *f = context, inner = *f;
    (void)snprintf(inner.folder, sizeof inner.folder, "%.150s%s%.120s", f->folder,
                   f->folder[0] ? "/" : "", entry->name);
    if (entry->is_folder)
        return disk_list(f->disk, inner.folder, file_visit, &inner, NULL);
    if (entry->size_bytes && *f->count < FILES_MAX && fnmatch(f->match, inner.folder, 0) == 0)
        memcpy(f->paths[(*f->count)++], inner.folder, PATH_BYTES);
    return ERR_OK;
}

static uint64_t size_of(struct disk *disk, const char *path)
{
    struct disk_file *file = NULL;
    uint64_t bytes = 0;
    if (disk_open(disk, &file, path, DISK_READ, NULL) == ERR_OK)
        (void)!disk_size(file, &bytes, NULL);
    disk_close(&file);
    return bytes;
}

/* Files that left the catalog and wait to be removed do not matter any more. */
static bool is_live(struct sim *s, const char *path)
{
    struct catalog *catalog = NULL;
    struct catalog_list list = {0};
    bool live = !slice_starts(slice_from(path), SLICE("segments/"));
    if (!live && catalog_open(&catalog, s->disk, false, NULL) == ERR_OK &&
        catalog_read(catalog, &list, NULL) == ERR_OK)
        for (uint32_t i = 0; i < list.count && !live; i++)
            live = slice_equal(list.items[i].path, slice_from(path));
    catalog_list_free(&list);
    catalog_close(&catalog);
    return live;
}

/* A file that fits, and a bit of it. */
static bool bit_draw(struct sim *s, const char *match, char path[PATH_BYTES], uint64_t *bit)
{
    uint32_t count = 0;
    struct files f = {.disk = s->disk, .match = match, .count = &count};
    f.paths = mem_zeroed(FILES_MAX, PATH_BYTES);
    int rc = disk_list(s->disk, "", file_visit, &f, NULL);
    if (rc == ERR_OK && count) {
        memcpy(path, f.paths[sim_draw(s, count)], PATH_BYTES);
        *bit = random_u64(&s->random) % (size_of(s->disk, path) * 8);
    }
    mem_free(f.paths);
    return rc == ERR_OK && count && is_live(s, path);
}

struct problems {
    struct sim *s;
    uint64_t count;
};

static void problem_count(void *context, const char *problem)
{
    struct problems *p = context;
    if (p->count++ == 0)
        sim_say(p->s, "verify says: %s", problem);
}

static uint64_t problems_of(struct sim *s)
{
    struct store_options options = {.disk = s->disk};
    struct store *reader = NULL;
    struct store_verified verified;
    struct problems p = {s, 0};
    struct err err;
    int rc = store_open(&reader, "simulated", &options, &err);
    if (rc == ERR_OK)
        rc = store_verify(reader, SLICE(""), problem_count, &p, &verified, &err);
    if (rc)
        sim_say(s, "verify cannot go on: %s", err.text);
    store_close(&reader);
    return p.count + (rc != ERR_OK);
}

/* The rows of a segment: from its name. Of other files any may be lost. */
static bool may_be_lost(const char *path, uint8_t partition, uint64_t sequence)
{
    struct slice rest = slice_from(path);
    uint64_t first = 0, last = 0;
    if (!slice_equal(slice_cut(&rest, '/'), SLICE("segments")))
        return true;
    struct slice name = slice_cut(&rest, '/');
    (void)slice_cut(&rest, '/');
    struct slice from = slice_cut(&rest, '-'), until = slice_cut(&rest, '.');
    return slice_equal(name, sim_partitions[partition]) && slice_to_u64(from, &first) &&
           slice_to_u64(until, &last) && sequence >= first && sequence <= last;
}

static bool is_buried(const struct sim_observed *o, uint8_t partition, uint64_t sequence)
{
    for (uint32_t i = 0; i < o->tomb_count; i++)
        if (o->tombs[i].partition == partition && sequence >= o->tombs[i].first &&
            sequence <= o->tombs[i].last)
            return true;
    return false;
}

/* before: what was there before the bit was flipped. Gives how many are lost. */
static uint64_t rows_compare(struct sim *s, const struct sim_observed *before,
                             const struct sim_observed *o, const char *path)
{
    uint64_t lost = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < before->count; i++) {
        const struct sim_seen *row = &before->items[i];
        bool there = at < o->count && o->items[at].sequence == row->sequence;
        bool same = there && o->items[at].content == row->content;
        at += there;
        if (same)
            continue;
        lost++;
        if (!may_be_lost(path, row->partition, row->sequence) &&
            !is_buried(o, row->partition, row->sequence))
            sim_fail(s, "a bit of %s costs event %llu, which is not in it", path,
                     (unsigned long long)row->sequence);
        if (there && o->damaged_rows == 0)
            sim_fail(s, "a bit of %s makes event %llu another, and nothing says so", path,
                     (unsigned long long)row->sequence);
    }
    if (at != o->count)
        sim_fail(s, "a bit of %s makes events that never were", path);
    return lost;
}

/* What a reader and verify say of a flipped bit. */
static void damage_look(struct sim *s, const struct sim_observed *before, const char *path)
{
    struct sim_observed o = {0};
    struct err err = {0};
    int rc = sim_observe(s, &o, &err);
    bool is_segment = slice_starts(slice_from(path), SLICE("segments/"));
    bool is_journal = slice_starts(slice_from(path), SLICE("journal/"));
    if (rc) {
        sim_say(s, "a reader: %s", err.text);
        if (is_segment || is_journal)
            sim_fail(s, "a bit of %s keeps readers out: %s", path, err.text);
    } else if (is_segment || is_journal) {
        uint64_t lost = rows_compare(s, before, &o, path);
        sim_say(s, "%llu rows lost, %llu counted", (unsigned long long)lost,
                (unsigned long long)o.damaged_rows);
        /* the newest frame may be the torn end, which nobody was told of */
        if (lost && o.damaged_rows == 0 && is_segment)
            sim_fail(s, "a bit of %s costs %llu events, and search does not count them", path,
                     (unsigned long long)lost);
        if (problems_of(s) == 0 && (is_segment || (lost && o.damaged_rows)))
            sim_fail(s, "verify does not find the flipped bit of %s", path);
    } else {
        (void)problems_of(s);
    }
    sim_observed_free(&o);
}

/* The writer opens, or says that the store is to be rebuilt; after that it opens. */
static void rebuilt_open(struct sim *s, const char *path)
{
    struct err err = {0};
    struct store_rebuilt rebuilt;
    int rc = store_open(&s->store, "simulated", &s->options, &err);
    sim_say(s, "the writer: %d %s", rc, rc ? err.text : "");
    if (rc == ERR_OK)
        return;
    s->store = NULL;
    if (rc != ERR_DAMAGED || !strstr(err.text, "rebuild"))
        sim_fail(s, "a bit of %s keeps the writer out and it does not say what to do: %s", path,
                 err.text);
    else if (embedded_rebuild(s->disk, s->now_ns, &rebuilt, &err))
        sim_fail(s, "the store with a flipped bit in %s is not rebuilt: %s", path, err.text);
    else
        sim_store_open(s, true);
}

/* The catalog is thrown away: the writer does not begin anew, and rebuilding brings all back. */
static void catalog_lose(struct sim *s, const char *path)
{
    if (disk_remove(s->disk, path, NULL))
        sim_fail(s, "%s cannot be removed", path);
    rebuilt_open(s, path);
    if (s->store)
        sim_check_start(s);
    store_close(&s->store);
}

/* Of counters and their like what an older checkpoint and the journal tell is left, so that the
 * seed ends here; rows are all there. */
static void checkpoint_rot(struct sim *s)
{
    char path[PATH_BYTES];
    uint64_t bit = 0;
    sim_store_open(s, true);
    if (s->store)
        sim_check_start(s);
    store_close(&s->store);
    if (s->why[0] || !bit_draw(s, "checkpoint/*.checkpoint", path, &bit))
        return;
    sim_say(s, "bit %llu of %s flips", (unsigned long long)bit, path);
    check(disk_sim_flip(s->disk, path, bit));
    s->over = true;
    rebuilt_open(s, path);
    if (s->store)
        sim_check_rows(s);
    store_close(&s->store);
}

void sim_rot(struct sim *s)
{
    static const char *const matches[] = {"segments/*.segment", "segments/*.segment",
                                          "journal/*.journal", "notary/*.log", "catalog.db"};
    char path[PATH_BYTES];
    uint64_t bit = 0;
    struct sim_observed before = {0};
    struct err err;
    const char *match = matches[sim_draw(s, sizeof matches / sizeof matches[0])];
    if (sim_draw(s, 8) == 0) {
        checkpoint_rot(s);
        return;
    }
    if (sim_observe(s, &before, &err) || !bit_draw(s, match, path, &bit))
        goto out;
    sim_say(s, "bit %llu of %s flips", (unsigned long long)bit, path);
    check(disk_sim_flip(s->disk, path, bit));
    damage_look(s, &before, path);
    if (strcmp(match, "catalog.db") == 0 && sim_draw(s, 2))
        catalog_lose(s, path);
    else
        check(disk_sim_flip(s->disk, path, bit));
out:
    sim_observed_free(&before);
}

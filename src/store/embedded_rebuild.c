/* Making the catalog again from what the segments say of themselves, and a checkpoint from
 * segments, notary and journal when none is whole (docs/store-format.md, "Rebuild"). */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/rebuild_inside.h"

enum { PATH_BYTES_MAX = 512 };

struct found_walk {
    struct rebuild *r;
    char folder[PATH_BYTES_MAX];
};

static void found_add(struct rebuild *r, struct segment *s, const char *path)
{
    const struct segment_about *about = segment_about(s);
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 256;
        r->found = mem_resize(r->found, r->capacity, sizeof(*r->found));
    }
    struct rebuild_segment *f = &r->found[r->count++];
    *f = (struct rebuild_segment){.seal_after = about->seal_after,
                                  .seal_through = about->seal_through};
    catalog_segment_of(s, arena_copy(&r->arena, slice_from(path)), &f->item);
    f->item.partition = arena_copy(&r->arena, f->item.partition);
    f->intervals = arena_alloc(&r->arena, (about->interval_count + 1) * sizeof(*f->intervals));
    f->interval_count = about->interval_count;
    if (about->interval_count)
        memcpy(f->intervals, segment_intervals(s), about->interval_count * sizeof(*f->intervals));
    f->inputs = arena_zeroed(&r->arena, about->input_count + 1, sizeof(*f->inputs));
    f->input_count = about->input_count;
    for (uint32_t i = 0; i < about->input_count; i++)
        f->inputs[i] = arena_copy(&r->arena, segment_input(s, i));
}

static void problem_ignore(void *context, const char *what)
{
    (void)context;
    (void)what;
}

/* A merge takes the place of its inputs, so it must be whole in every part; of others what can be
 * read counts. */
static int segment_look(struct rebuild *r, const char *path)
{
    struct segment *s = NULL;
    int rc = segment_open(&s, r->disk, path, r->err);
    if (rc == ERR_DAMAGED || rc == ERR_UNSUPPORTED) {
        r->out->damaged++;
        return ERR_OK;
    }
    if (rc)
        return rc;
    bool whole = segment_about(s)->generation == 0;
    if (!whole)
        rc = segment_check(s, problem_ignore, NULL, r->err);
    if (rc == ERR_OK)
        found_add(r, s, path);
    else if (rc > 0)
        r->out->damaged++;
    segment_close(&s);
    return rc > 0 ? ERR_OK : rc;
}

static int folder_visit(void *context, const struct disk_entry *entry)
{
    struct found_walk *w = context;
    struct found_walk inner = {.r = w->r};
    int len = snprintf(inner.folder, sizeof inner.folder, "%s/%s", w->folder, entry->name);
    if (len >= (int)sizeof inner.folder)
        return ERR_OK;
    if (entry->is_folder)
        return disk_list(w->r->disk, inner.folder, folder_visit, &inner, w->r->err);
    return slice_ends(slice_from(entry->name), SLICE(".segment")) ? segment_look(w->r, inner.folder)
                                                                  : ERR_OK;
}

static void tomb_note(struct rebuild *r, const struct slice *words)
{
    struct rebuild_tomb tomb = {.first = 0};
    if (!slice_to_u64(words[2], &tomb.first) || !slice_to_u64(words[3], &tomb.last) ||
        !slice_to_u64(words[4], &tomb.rows) || map_find(&r->buried, words[5]))
        return;
    (void)map_put(&r->buried, arena_copy(&r->arena, words[5]), 1, NULL);
    if (r->tomb_count == r->tomb_capacity) {
        r->tomb_capacity = r->tomb_capacity ? r->tomb_capacity * 2 : 64;
        r->tombs = mem_resize(r->tombs, r->tomb_capacity, sizeof(*r->tombs));
    }
    tomb.partition = arena_copy(&r->arena, words[1]);
    r->tombs[r->tomb_count++] = tomb;
    if (tomb.last > r->buried_last)
        r->buried_last = tomb.last;
}

static int notary_visit_line(void *context, const struct notary_line *line)
{
    struct rebuild *r = context;
    const struct slice *w = line->words;
    if (line->torn || line->word_count < 9)
        return ERR_OK;
    if (slice_equal(w[0], SLICE("gone"))) {
        tomb_note(r, w);
        return ERR_OK;
    }
    struct chain_interval i = {.partition = w[1]};
    struct buf head = {0};
    if (slice_equal(w[0], SLICE("root")) && slice_to_u64(w[2], &i.number) &&
        slice_to_u64(w[5], &i.last_sequence) && text_hex_decode(&head, w[8]) &&
        head.len == DIGEST_BYTES) {
        memcpy(i.head.bytes, head.data, DIGEST_BYTES);
        rebuild_note(r, &i);
    }
    buf_free(&head);
    return ERR_OK;
}

/* A tombstone of a merged segment does not name its inputs, of which the files may outlive it. */
static bool is_buried(const struct rebuild *r, const struct catalog_segment *s)
{
    for (uint32_t i = 0; i < r->tomb_count; i++)
        if (r->tombs[i].first <= s->first_sequence && r->tombs[i].last >= s->last_sequence &&
            slice_equal(r->tombs[i].partition, s->partition))
            return true;
    return false;
}

/* A merge that the catalog never took in, while retention removed one of its inputs later: the
 * other inputs are all there and stand for it. Had it been taken in, they would say no less. */
static bool is_void(const struct rebuild *r, const struct rebuild_segment *f,
                    const struct map *there)
{
    bool buried = false;
    for (uint32_t k = 0; k < f->input_count; k++) {
        bool gone = map_find(&r->buried, f->inputs[k]) != NULL;
        if (!gone && !map_find(there, f->inputs[k]))
            return false;
        buried |= gone;
    }
    return buried;
}

/* Inputs of a merge that is whole, and rows of which there is a tombstone, are no part of the store
 * any more. */
static void superseded_drop(struct rebuild *r)
{
    struct map there = {0}, gone = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++)
        (void)map_put(&there, r->found[i].item.path, 1, NULL);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rebuild_segment *f = &r->found[i];
        bool is_nothing = is_void(r, f, &there);
        if (is_nothing)
            (void)map_put(&gone, f->item.path, 1, NULL);
        for (uint32_t k = 0; k < f->input_count && !is_nothing; k++)
            (void)map_put(&gone, f->inputs[k], 1, NULL);
    }
    for (uint32_t i = 0; i < r->count; i++)
        if (map_find(&gone, r->found[i].item.path) || is_buried(r, &r->found[i].item))
            r->gone[r->gone_count++] = r->found[i].item;
        else
            r->found[kept++] = r->found[i];
    r->count = kept;
    map_free(&there);
    map_free(&gone);
}

/* Of a seal or merge that failed and was done again under other names. */
static void repeated_drop(struct rebuild *r)
{
    struct map ends = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++)
        if (rebuild_is_repeated(&ends, &r->found[i]))
            r->gone[r->gone_count++] = r->found[i].item;
        else
            r->found[kept++] = r->found[i];
    r->count = kept;
    map_free(&ends);
}

static void behind_drop(struct rebuild *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->found[i].seal_through <= r->sealed_sequence)
            r->found[kept++] = r->found[i];
        else
            r->out->dropped++;
    r->count = kept;
}

static int catalog_aside(struct rebuild *r)
{
    static const char *const names[][2] = {{"catalog.db", "catalog.db.old"},
                                           {"catalog.db-wal", "catalog.db.old-wal"},
                                           {"catalog.db-journal", "catalog.db.old-journal"}};
    int rc = ERR_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == ERR_OK; i++) {
        if (disk_exists(r->disk, names[i][1]))
            rc = disk_remove(r->disk, names[i][1], r->err);
        if (rc == ERR_OK && disk_exists(r->disk, names[i][0]))
            rc = disk_rename(r->disk, names[i][0], names[i][1], r->err);
    }
    if (rc == ERR_OK && disk_exists(r->disk, "catalog.db-shm"))
        rc = disk_remove(r->disk, "catalog.db-shm", r->err);
    return rc ? rc : disk_sync_folder(r->disk, "", r->err);
}

/* Files that are no part of it are listed as gone, so that they are unlinked when no reader of the
 * old catalog can want them. */
static int catalog_make(struct rebuild *r, int64_t now_ns)
{
    struct catalog *catalog = NULL;
    struct catalog_segment *items = mem_zeroed(r->count + 1, sizeof(*items));
    struct slice *paths = mem_zeroed(r->gone_count + 1, sizeof(*paths));
    for (uint32_t i = 0; i < r->count; i++) {
        items[i] = r->found[i].item;
        r->out->rows += items[i].row_count;
    }
    for (uint32_t i = 0; i < r->gone_count; i++)
        paths[i] = r->gone[i].path;
    int rc = catalog_open(&catalog, r->disk, true, r->err);
    if (rc == ERR_OK && r->gone_count)
        rc = catalog_disown(catalog, paths, r->gone_count, now_ns, r->err);
    if (rc == ERR_OK)
        rc = catalog_change(catalog, items, r->count, NULL, 0, r->sealed_sequence, now_ns, r->err);
    r->out->segments = r->count;
    catalog_close(&catalog);
    mem_free(items);
    mem_free(paths);
    return rc;
}

/* What holds rows of another comes before it. */
static int by_sequence(const void *a, const void *b)
{
    const struct rebuild_segment *x = a, *y = b;
    if (x->item.first_sequence != y->item.first_sequence)
        return x->item.first_sequence < y->item.first_sequence ? -1 : 1;
    if (x->item.last_sequence != y->item.last_sequence)
        return x->item.last_sequence > y->item.last_sequence ? -1 : 1;
    return (x->item.generation < y->item.generation) - (x->item.generation > y->item.generation);
}

static int store_make_again(struct rebuild *r, int64_t now_ns)
{
    struct found_walk w = {r, "segments"};
    int rc = identity_read(r->disk, &r->identity, r->err);
    if (rc == ERR_OK)
        rc = disk_list(r->disk, "segments", folder_visit, &w, r->err);
    if (rc == ERR_OK)
        rc = notary_read(r->disk, notary_visit_line, r, r->err);
    if (rc)
        return rc;
    r->gone = mem_zeroed(r->count + 1, sizeof(*r->gone));
    superseded_drop(r);
    if (r->count > 1)
        qsort(r->found, r->count, sizeof(*r->found), by_sequence);
    rc = rebuild_checkpoint_find(r);
    if (rc)
        return rc;
    behind_drop(r);
    repeated_drop(r);
    /* first, so that a writer refuses a catalog that a crash left empty */
    if (!r->has_checkpoint)
        rc = rebuild_checkpoint_make(r);
    if (rc == ERR_OK)
        rc = catalog_aside(r);
    return rc ? rc : catalog_make(r, now_ns);
}

int embedded_rebuild(struct disk *disk, int64_t now_ns, struct store_rebuilt *out, struct err *err)
{
    struct rebuild r = {.disk = disk, .err = err, .out = out};
    *out = (struct store_rebuilt){0};
    int rc = store_make_again(&r, now_ns);
    out->sealed_sequence = r.sealed_sequence;
    mem_free(r.found);
    mem_free(r.gone);
    mem_free(r.notes);
    mem_free(r.tombs);
    map_free(&r.buried);
    buf_free(&r.old_carry);
    arena_free(&r.arena);
    return rc;
}

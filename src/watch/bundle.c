#include "watch/bundle.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "watch/rules_load.h"

#define BUNDLE_MAGIC SLICE("CANHRULE")
enum { BUNDLE_VERSION = 1, ENTRY_BYTES_MIN = 1 + 2 + 2 + 4, PACK_BYTES_MIN = 2 + 2 + 2 };

/* ---- reading ---- */

static int damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_DAMAGED, "The bundle of rules is damaged: %s does not hold.", what);
}

static int pack_order(const struct bundle_pack *a, const struct bundle_pack *b)
{
    return slice_compare(a->name, b->name);
}

static int entry_order(const struct bundle_entry *a, const struct bundle_entry *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = slice_compare(a->pack, b->pack);
    return order ? order : slice_compare(a->name, b->name);
}

static int packs_take(struct bundle *b, struct bytes_in *in, struct err *err)
{
    b->packs = arena_zeroed(&b->arena, b->pack_count + 1u, sizeof(*b->packs));
    for (uint32_t i = 0; i < b->pack_count; i++) {
        struct bundle_pack *p = &b->packs[i];
        p->name = bytes_take_text(in, BUNDLE_PACK_BYTES_MAX);
        p->version = bytes_take_text(in, BUNDLE_NAME_BYTES_MAX);
        p->origin = bytes_take_text(in, BUNDLE_NAME_BYTES_MAX);
        if (in->bad || p->name.len == 0 || (i > 0 && pack_order(&p[-1], p) >= 0))
            return damaged(err, "a pack");
    }
    return ERR_OK;
}

static int entries_take(struct bundle *b, struct bytes_in *in, struct err *err)
{
    b->entries = arena_zeroed(&b->arena, b->entry_count + 1u, sizeof(*b->entries));
    for (uint32_t i = 0; i < b->entry_count; i++) {
        struct bundle_entry *e = &b->entries[i];
        unsigned kind = bytes_take_u8(in);
        e->kind = kind < BUNDLE_KINDS ? (enum bundle_kind)kind : BUNDLE_RULE;
        e->pack = bytes_take_text(in, BUNDLE_PACK_BYTES_MAX);
        e->name = bytes_take_text(in, BUNDLE_NAME_BYTES_MAX);
        e->text = bytes_take(in, bytes_take_u32(in));
        if (in->bad || kind >= BUNDLE_KINDS || e->name.len == 0 || !bundle_pack(b, e->pack) ||
            (i > 0 && entry_order(&e[-1], e) >= 0))
            return damaged(err, "an entry");
    }
    return ERR_OK;
}

int bundle_open(struct bundle *b, struct slice bytes, struct err *err)
{
    struct bytes_in in = bytes_in(bytes);
    *b = (struct bundle){.bytes = bytes};
    struct slice magic = bytes_take(&in, BUNDLE_MAGIC.len);
    uint32_t version = bytes_take_u32(&in);
    b->pack_count = bytes_take_u32(&in);
    b->entry_count = bytes_take_u32(&in);
    if (in.bad || !slice_equal(magic, BUNDLE_MAGIC) || bytes.len > BUNDLE_BYTES_MAX)
        return damaged(err, "its beginning");
    if (version != BUNDLE_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "the bundle of rules is of form %u, and this program reads form %d: update "
                       "the program",
                       version, BUNDLE_VERSION);
    if (b->pack_count > BUNDLE_PACKS_MAX || b->pack_count > bytes_left(&in) / PACK_BYTES_MIN ||
        b->entry_count > BUNDLE_ENTRIES_MAX || b->entry_count > bytes_left(&in) / ENTRY_BYTES_MIN)
        return damaged(err, "what it counts");
    int rc = packs_take(b, &in, err);
    if (rc == ERR_OK)
        rc = entries_take(b, &in, err);
    if (rc == ERR_OK && bytes_left(&in))
        rc = damaged(err, "its end");
    if (rc)
        return rc;
    struct digester *d = digester_open();
    b->digest = digest_of(d, bytes);
    digester_close(&d);
    return ERR_OK;
}

void bundle_close(struct bundle *b)
{
    arena_free(&b->arena);
    *b = (struct bundle){0};
}

const struct bundle_pack *bundle_pack(const struct bundle *b, struct slice name)
{
    for (uint32_t i = 0; i < b->pack_count; i++)
        if (slice_equal(b->packs[i].name, name))
            return &b->packs[i];
    return NULL;
}

/* ---- writing ---- */

struct added {
    struct bundle_entry entry; /* first: sorted as one */
    uint32_t number;           /* in the order of adding */
};

struct bundle_writer {
    struct arena arena;
    struct bundle_pack packs[BUNDLE_PACKS_MAX];
    uint32_t pack_count;
    struct added *entries; /* the newest of equal names counts */
    uint32_t entry_count, capacity;
    size_t bytes;
};

struct bundle_writer *bundle_writer_open(void)
{
    return mem_zeroed(1, sizeof(struct bundle_writer));
}

void bundle_writer_close(struct bundle_writer **writer)
{
    struct bundle_writer *w = *writer;
    if (!w)
        return;
    arena_free(&w->arena);
    mem_free(w->entries);
    mem_free(w);
    *writer = NULL;
}

static struct slice name_cut(struct bundle_writer *w, struct slice name)
{
    return arena_copy(&w->arena, slice_part(name, 0, BUNDLE_NAME_BYTES_MAX));
}

int bundle_add_pack(struct bundle_writer *w, const struct bundle_pack *pack, struct err *err)
{
    struct bundle_pack *to = NULL;
    if (pack->name.len == 0 || pack->name.len > BUNDLE_PACK_BYTES_MAX)
        return err_set(err, ERR_USAGE, "a pack of rules wants a name of at most %d characters",
                       BUNDLE_PACK_BYTES_MAX);
    for (uint32_t i = 0; i < w->pack_count && !to; i++)
        if (slice_equal(w->packs[i].name, pack->name))
            to = &w->packs[i];
    if (!to && w->pack_count == BUNDLE_PACKS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d packs of rules", BUNDLE_PACKS_MAX);
    if (!to)
        to = &w->packs[w->pack_count++];
    *to = (struct bundle_pack){name_cut(w, pack->name), name_cut(w, pack->version),
                               name_cut(w, pack->origin)};
    return ERR_OK;
}

int bundle_add(struct bundle_writer *w, const struct bundle_entry *entry, struct err *err)
{
    if (entry->name.len == 0 || entry->name.len > BUNDLE_NAME_BYTES_MAX)
        return err_set(err, ERR_USAGE, "the name of a rule's file has more than %d characters",
                       BUNDLE_NAME_BYTES_MAX);
    w->bytes += entry->text.len + entry->name.len + entry->pack.len + ENTRY_BYTES_MIN;
    if (w->entry_count == BUNDLE_ENTRIES_MAX || w->bytes > BUNDLE_BYTES_MAX / 2)
        return err_set(err, ERR_LIMIT,
                       "more rules than a node takes: %d files or %zu bytes are the limit",
                       BUNDLE_ENTRIES_MAX, BUNDLE_BYTES_MAX / 2);
    if (w->entry_count == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 1024;
        w->entries = mem_resize(w->entries, w->capacity, sizeof(*w->entries));
    }
    w->entries[w->entry_count].number = w->entry_count;
    w->entries[w->entry_count++].entry = (struct bundle_entry){
        entry->kind, arena_copy(&w->arena, entry->pack), arena_copy(&w->arena, entry->name),
        arena_copy(&w->arena, entry->text)};
    return ERR_OK;
}

struct adding {
    struct bundle_writer *writer;
    enum bundle_kind kind;
    struct slice pack, root;
    struct buf *problems;
    int rc;
    struct err *err;
};

static bool file_add(void *context, struct slice name, struct slice text)
{
    struct adding *a = context;
    struct slice below = name;
    if (slice_starts(name, a->root) && name.len > a->root.len)
        below = slice_part(name, a->root.len, SIZE_MAX);
    while (below.len && (below.data[0] == '/' || below.data[0] == '!'))
        below = slice_part(below, 1, SIZE_MAX);
    struct bundle_entry entry = {a->kind, a->pack, below.len ? below : name, text};
    a->rc = bundle_add(a->writer, &entry, a->err);
    return a->rc == ERR_OK;
}

static void file_unreadable(void *context, const char *path, const struct err *err)
{
    struct adding *a = context;
    buf_printf(a->problems, "%s: %s\n", path, err->text);
}

int bundle_add_paths(struct bundle_writer *w, enum bundle_kind kind, struct slice pack,
                     const struct option_list *paths, struct buf *problems, struct err *err)
{
    struct adding a = {.writer = w, .kind = kind, .pack = pack, .problems = problems, .err = err};
    for (size_t i = 0; i < paths->count && a.rc == ERR_OK; i++) {
        struct option_list one = {.items = &paths->items[i], .count = 1};
        a.root = slice_from(paths->items[i]);
        rules_walk(&one, file_add, file_unreadable, &a);
    }
    return a.rc;
}

int bundle_add_archive(struct bundle_writer *w, struct slice pack, const char *name, int fd,
                       struct buf *problems, struct err *err)
{
    struct adding a = {.writer = w,
                       .kind = BUNDLE_RULE,
                       .pack = pack,
                       .root = slice_from(name),
                       .problems = problems,
                       .err = err};
    rules_walk_archive(name, fd, file_add, file_unreadable, &a);
    return a.rc;
}

int bundle_add_bundle(struct bundle_writer *w, const struct bundle *from, struct slice without,
                      struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < from->pack_count && rc == ERR_OK; i++)
        if (!slice_equal(from->packs[i].name, without))
            rc = bundle_add_pack(w, &from->packs[i], err);
    for (uint32_t i = 0; i < from->entry_count && rc == ERR_OK; i++)
        if (!slice_equal(from->entries[i].pack, without))
            rc = bundle_add(w, &from->entries[i], err);
    return rc;
}

uint32_t bundle_writer_count(const struct bundle_writer *w)
{
    return w->entry_count;
}

static int by_name(const void *a, const void *b)
{
    return pack_order(a, b);
}

static int by_place(const void *a, const void *b)
{
    const struct added *x = a, *y = b;
    int order = entry_order(&x->entry, &y->entry);
    return order ? order : x->number < y->number ? -1 : 1;
}

/* In order, of equal names the newest. */
static void entries_sort(struct bundle_writer *w)
{
    uint32_t kept = 0;
    qsort(w->entries, w->entry_count, sizeof(*w->entries), by_place);
    for (uint32_t i = 0; i < w->entry_count; i++) {
        if (kept && entry_order(&w->entries[kept - 1].entry, &w->entries[i].entry) == 0)
            kept--;
        w->entries[kept++] = w->entries[i];
    }
    w->entry_count = kept;
}

int bundle_end(struct bundle_writer *w, struct buf *out, struct err *err)
{
    if (w->entry_count)
        entries_sort(w);
    qsort(w->packs, w->pack_count, sizeof(*w->packs), by_name);
    buf_clear(out);
    buf_slice(out, BUNDLE_MAGIC);
    bytes_put_u32(out, BUNDLE_VERSION);
    bytes_put_u32(out, w->pack_count);
    bytes_put_u32(out, w->entry_count);
    for (uint32_t i = 0; i < w->pack_count; i++) {
        bytes_put_text(out, w->packs[i].name);
        bytes_put_text(out, w->packs[i].version);
        bytes_put_text(out, w->packs[i].origin);
    }
    for (uint32_t i = 0; i < w->entry_count; i++) {
        const struct bundle_entry *e = &w->entries[i].entry;
        buf_char(out, (char)e->kind);
        bytes_put_text(out, e->pack);
        bytes_put_text(out, e->name);
        bytes_put_u32(out, (uint32_t)e->text.len);
        buf_slice(out, e->text);
    }
    return out->len <= BUNDLE_BYTES_MAX
               ? ERR_OK
               : err_set(err, ERR_LIMIT, "the rules have more than %zu bytes", BUNDLE_BYTES_MAX);
}

#include "program/engine_seen.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"

#define SEEN_NAME SLICE("seen:")

struct seen_row {
    struct buf name; /* of its cursor */
    uint64_t hash;   /* of the name */
    struct engine_seen_figures figures;
    uint64_t pending; /* rows of the group */
    int64_t pending_ns;
};

struct engine_seen {
    pthread_mutex_t mutex; /* what others than the one that adds may see */
    struct seen_row *rows;
    uint32_t count;
    struct buf dropped; /* texts: names of cursors that go with the group */
    struct buf name;
};

static struct seen_row *row_find(struct engine_seen *s, struct slice name)
{
    uint64_t hash = hash_slice(name, 0);
    for (uint32_t i = 0; i < s->count; i++)
        if (s->rows[i].hash == hash && slice_equal(buf_as_slice(&s->rows[i].name), name))
            return &s->rows[i];
    return NULL;
}

static struct slice source_of(const struct seen_row *row, struct slice *place)
{
    struct slice rest = slice_part(buf_as_slice(&row->name), SEEN_NAME.len, SIZE_MAX);
    struct slice source = slice_cut(&rest, '/');
    *place = rest;
    return source;
}

static struct seen_row *row_set(struct seen_row *row, struct slice name)
{
    buf_clear(&row->name);
    buf_slice(&row->name, name);
    row->hash = hash_slice(name, 0);
    row->figures = (struct engine_seen_figures){.newest_ns = CLOCK_NONE};
    row->pending = 0;
    return row;
}

/* The place that was silent for longest. */
static struct seen_row *row_drop(struct engine_seen *s)
{
    struct seen_row *oldest = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        struct seen_row *row = &s->rows[i];
        struct slice place;
        (void)source_of(row, &place);
        if (place.len && row->pending == 0 &&
            (!oldest || row->figures.newest_ns < oldest->figures.newest_ns))
            oldest = row;
    }
    if (oldest)
        bytes_put_text(&s->dropped, buf_as_slice(&oldest->name));
    return oldest;
}

/* Under the lock. NULL: too many. */
static struct seen_row *row_make(struct engine_seen *s, struct slice name)
{
    struct seen_row *row = row_find(s, name);
    if (row)
        return row;
    row = s->count < ENGINE_SEEN_ROWS_MAX ? &s->rows[s->count++] : row_drop(s);
    return row ? row_set(row, name) : NULL;
}

static void load(void *context, struct slice name, struct slice value)
{
    struct engine_seen *s = context;
    uint64_t stored, newest_ns;
    if (s->count == ENGINE_SEEN_ROWS_MAX || !slice_to_u64(slice_cut(&value, ' '), &stored) ||
        !slice_to_u64(value, &newest_ns))
        return;
    struct seen_row *row = row_set(&s->rows[s->count++], name);
    row->figures.stored = stored;
    row->figures.newest_ns = (int64_t)newest_ns;
}

struct engine_seen *engine_seen_open(const struct carry *carry)
{
    struct engine_seen *s = mem_zeroed(1, sizeof(*s));
    check(pthread_mutex_init(&s->mutex, NULL) == 0);
    s->rows = mem_zeroed(ENGINE_SEEN_ROWS_MAX, sizeof(*s->rows));
    carry_cursors(carry, SEEN_NAME, load, s);
    return s;
}

void engine_seen_close(struct engine_seen **seen)
{
    struct engine_seen *s = *seen;
    if (!s)
        return;
    for (uint32_t i = 0; i < ENGINE_SEEN_ROWS_MAX; i++)
        buf_free(&s->rows[i].name);
    mem_free(s->rows);
    buf_free(&s->dropped);
    buf_free(&s->name);
    check(pthread_mutex_destroy(&s->mutex) == 0);
    mem_free(s);
    *seen = NULL;
}

static void name_make(struct buf *out, struct slice source, struct slice place)
{
    buf_clear(out);
    buf_slice(out, SEEN_NAME);
    buf_slice(out, source);
    buf_char(out, '/');
    buf_slice(out, place);
}

static void add(struct engine_seen *s, uint64_t rows, int64_t now_ns)
{
    struct seen_row *row =
        s->name.len > CARRY_NAME_BYTES_MAX ? NULL : row_make(s, buf_as_slice(&s->name));
    if (!row)
        return;
    row->pending += rows;
    row->pending_ns = now_ns;
}

void engine_seen_add(struct engine_seen *s, struct slice source, struct slice place, uint64_t rows,
                     int64_t now_ns)
{
    if (rows == 0 || source.len == 0)
        return;
    check(pthread_mutex_lock(&s->mutex) == 0);
    name_make(&s->name, source, SLICE(""));
    add(s, rows, now_ns);
    if (place.len) {
        buf_slice(&s->name, place);
        add(s, rows, now_ns);
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

void engine_seen_put(struct engine_seen *s, struct buf *items)
{
    struct buf value = {0};
    struct bytes_in dropped = bytes_in(buf_as_slice(&s->dropped));
    while (bytes_left(&dropped))
        carry_put_cursor(items, bytes_take_text(&dropped, CARRY_NAME_BYTES_MAX), SLICE(""));
    for (uint32_t i = 0; i < s->count; i++) {
        const struct seen_row *row = &s->rows[i];
        if (row->pending == 0)
            continue;
        buf_clear(&value);
        buf_printf(&value, "%" PRIu64 " %" PRId64, row->figures.stored + row->pending,
                   row->pending_ns);
        carry_put_cursor(items, buf_as_slice(&row->name), buf_as_slice(&value));
    }
    buf_free(&value);
}

void engine_seen_settle(struct engine_seen *s, bool durable)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    for (uint32_t i = 0; i < s->count; i++) {
        struct seen_row *row = &s->rows[i];
        if (durable && row->pending) {
            row->figures.stored += row->pending;
            row->figures.stored_since_start += row->pending;
            row->figures.newest_ns = row->pending_ns;
        }
        row->pending = 0;
    }
    if (durable)
        buf_clear(&s->dropped);
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

void engine_seen_of(struct engine_seen *s, struct slice source, struct slice place,
                    struct engine_seen_figures *out)
{
    struct buf name = {0};
    name_make(&name, source, place);
    *out = (struct engine_seen_figures){.newest_ns = CLOCK_NONE};
    check(pthread_mutex_lock(&s->mutex) == 0);
    const struct seen_row *row = row_find(s, buf_as_slice(&name));
    if (row)
        *out = row->figures;
    check(pthread_mutex_unlock(&s->mutex) == 0);
    buf_free(&name);
}

void engine_seen_places(struct engine_seen *s, struct slice source, engine_seen_visit *visit,
                        void *context)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    for (uint32_t i = 0; i < s->count; i++) {
        struct slice place, owner = source_of(&s->rows[i], &place);
        if (place.len && s->rows[i].figures.newest_ns != CLOCK_NONE && slice_equal(owner, source))
            visit(context, place, &s->rows[i].figures);
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

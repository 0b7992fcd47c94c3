/* What a store holds against what the model says that it must. */
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "sim/sim_observe.h"
#include "store/view.h"

void sim_fail(struct sim *s, const char *format, ...)
{
    va_list arguments;
    if (s->why[0])
        return;
    va_start(arguments, format);
    (void)vsnprintf(s->why, sizeof s->why, format, arguments);
    va_end(arguments);
    sim_say(s, "FAILS: %s", s->why);
}

void sim_say(const struct sim *s, const char *format, ...)
{
    va_list arguments;
    if (!s->loud)
        return;
    va_start(arguments, format);
    (void)printf("  ");
    (void)vprintf(format, arguments);
    (void)printf("\n");
    va_end(arguments);
    (void)fflush(stdout);
}

void sim_model_take(struct sim *s, const struct sim_group *g)
{
    struct err err;
    if (s->row_count + g->row_count > s->row_capacity) {
        s->row_capacity = (s->row_count + g->row_count) * 2;
        s->rows = mem_resize(s->rows, s->row_capacity, sizeof(*s->rows));
    }
    for (uint32_t i = 0; i < g->row_count; i++)
        s->rows[s->row_count++] = g->rows[i];
    check(carry_apply(s->carry, buf_as_slice(&g->carry), &err) == ERR_OK);
}

void sim_unknown_forget(struct sim *s)
{
    for (uint32_t i = 0; i < s->unknown_count; i++)
        sim_group_free(&s->unknown[i]);
    s->unknown_count = 0;
}

static bool is_buried(const struct sim_observed *o, uint8_t partition, uint64_t sequence)
{
    for (uint32_t i = 0; i < o->tomb_count; i++)
        if (o->tombs[i].partition == partition && sequence >= o->tombs[i].first &&
            sequence <= o->tombs[i].last)
            return true;
    return false;
}

static void acknowledged_check(struct sim *s, const struct sim_observed *o)
{
    uint32_t at = 0;
    for (uint64_t i = 0; i < s->row_count; i++) {
        const struct sim_row *row = &s->rows[i];
        bool there = at < o->count && o->items[at].sequence == i + 1;
        if (there && row->gone)
            sim_fail(s, "event %llu is back although it was removed", (unsigned long long)(i + 1));
        else if (there &&
                 (o->items[at].content != row->content || o->items[at].partition != row->partition))
            sim_fail(s, "event %llu is not what it was", (unsigned long long)(i + 1));
        else if (!there && !is_buried(o, row->partition, i + 1))
            sim_fail(s, "event %llu of %llu is lost", (unsigned long long)(i + 1),
                     (unsigned long long)s->row_count);
        at += there;
    }
}

/* Whether the events behind the model's are those of the group. */
static bool group_is_there(const struct sim *s, const struct sim_observed *o,
                           const struct sim_group *g)
{
    uint32_t first = 0, rows = g ? g->row_count : 0;
    while (first < o->count && o->items[first].sequence <= s->row_count)
        first++;
    if (o->count - first != rows)
        return false;
    for (uint32_t i = 0; i < rows; i++)
        if (o->items[first + i].sequence != s->row_count + i + 1 ||
            o->items[first + i].content != g->rows[i].content)
            return false;
    return true;
}

static bool carry_is(const struct sim *s, const struct sim_group *g)
{
    struct buf wanted = {0}, is = {0};
    struct carry *carry = carry_open();
    struct err err;
    carry_write(s->carry, &wanted);
    bool same = carry_apply(carry, buf_as_slice(&wanted), &err) == ERR_OK &&
                (!g || carry_apply(carry, buf_as_slice(&g->carry), &err) == ERR_OK);
    buf_clear(&wanted);
    carry_write(carry, &wanted);
    carry_write(store_carry(s->store), &is);
    same = same && slice_equal(buf_as_slice(&wanted), buf_as_slice(&is));
    carry_close(&carry);
    buf_free(&wanted);
    buf_free(&is);
    return same;
}

/* Of the groups that were not acknowledged at most one is there, wholly. */
static void unknown_resolve(struct sim *s, const struct sim_observed *o)
{
    bool rows_fit = false;
    for (uint32_t i = 0; i <= s->unknown_count; i++) {
        const struct sim_group *g = i < s->unknown_count ? &s->unknown[i] : NULL;
        if (!group_is_there(s, o, g))
            continue;
        rows_fit = true;
        if (!carry_is(s, g))
            continue;
        if (g)
            sim_model_take(s, g);
        sim_unknown_forget(s);
        return;
    }
    sim_fail(s,
             rows_fit ? "counters, cursors, ids or inputs are not those of the %llu events"
                      : "behind event %llu there is what was never appended, or half a group",
             (unsigned long long)s->row_count);
}

static void unknown_allow(struct sim *s, const struct sim_observed *o)
{
    bool fits = group_is_there(s, o, NULL);
    for (uint32_t i = 0; i < s->unknown_count && !fits; i++)
        fits = group_is_there(s, o, &s->unknown[i]);
    if (!fits)
        sim_fail(s, "a reader sees what was not acknowledged behind event %llu",
                 (unsigned long long)s->row_count);
    if (!carry_is(s, NULL))
        sim_fail(s, "the carry is not that of the acknowledged groups");
}

/* Each finding's events are there, or were removed by retention. */
static void findings_check(struct sim *s, const struct sim_observed *o)
{
    for (uint32_t i = 0; i < o->named_count; i++) {
        uint64_t sequence = o->named[i];
        bool there = sequence > 0 && sequence <= s->row_count;
        if (!there)
            sim_fail(s, "a finding names event %llu, which is not there",
                     (unsigned long long)sequence);
    }
}

void sim_notary_read(struct sim *s, struct buf *out)
{
    struct err err;
    if (sim_notary_text(s->disk, out, &err))
        sim_fail(s, "the notary cannot be read: %s", err.text);
}

static void notary_check(struct sim *s)
{
    struct buf text = {0};
    sim_notary_read(s, &text);
    if (!slice_starts(buf_as_slice(&text), buf_as_slice(&s->notary)))
        sim_fail(s, "lines of the notary are lost: %zu bytes were durable, %zu are there",
                 s->notary.len, text.len);
    buf_free(&text);
}

static void problem_note(void *context, const char *problem)
{
    sim_fail(context, "verify: %s", problem);
}

static void verify_check(struct sim *s)
{
    struct store_verified verified;
    struct err err;
    int rc = store_verify(s->store, SLICE(""), problem_note, s, &verified, &err);
    if (rc)
        sim_fail(s, "verify: %s", err.text);
}

/* No file of a seal, merge or removal that a crash cut off stays. */
struct orphans {
    struct sim *s;
    struct catalog *catalog;
    char folder[400];
};

static int orphan_visit(void *context, const struct disk_entry *entry)
{
    struct orphans *o = context, inner = {o->s, o->catalog, ""};
    struct err err;
    bool known = true;
    (void)snprintf(inner.folder, sizeof inner.folder, "%.300s/%.90s", o->folder, entry->name);
    if (entry->is_folder)
        return disk_list(o->s->disk, inner.folder, orphan_visit, &inner, NULL);
    if (catalog_knows(o->catalog, slice_from(inner.folder), &known, &err) || !known)
        sim_fail(o->s, "%s is no file of the catalog", inner.folder);
    return ERR_OK;
}

static void orphans_check(struct sim *s)
{
    struct orphans o = {s, NULL, "segments"};
    struct err err;
    if (catalog_open(&o.catalog, s->disk, false, &err) ||
        disk_list(s->disk, "segments", orphan_visit, &o, &err))
        sim_fail(s, "the catalog: %s", err.text);
    catalog_close(&o.catalog);
}

/* A transaction of the catalog that failed is undone by the writer when it next looks; until then a
 * reader waits (of the simulated disk, where SQLite has a rollback journal). */
static bool sim_is_busy(const struct sim *s, int rc)
{
    return rc == ERR_BUSY && s->failing;
}

static bool observe(struct sim *s, struct sim_observed *o)
{
    struct err err;
    int rc = sim_observe(s, o, &err);
    if (sim_is_busy(s, rc))
        return false;
    if (rc)
        sim_fail(s, "a reader cannot read: %s", err.text);
    else if (o->damaged_rows)
        sim_fail(s, "a reader counts %llu damaged rows", (unsigned long long)o->damaged_rows);
    return rc == ERR_OK && !s->why[0];
}

static void rows_check(struct sim *s, const struct sim_observed *o)
{
    findings_check(s, o);
    notary_check(s);
    orphans_check(s);
    if (store_next_sequence(s->store) != s->row_count + 1)
        sim_fail(s, "the next event would be %llu, not %llu",
                 (unsigned long long)store_next_sequence(s->store),
                 (unsigned long long)s->row_count + 1);
    verify_check(s);
}

void sim_check_start(struct sim *s)
{
    struct sim_observed o = {0};
    if (observe(s, &o)) {
        acknowledged_check(s, &o);
        unknown_resolve(s, &o);
        rows_check(s, &o);
    }
    sim_observed_free(&o);
}

void sim_check_rows(struct sim *s)
{
    struct sim_observed o = {0};
    if (observe(s, &o)) {
        acknowledged_check(s, &o);
        rows_check(s, &o);
    }
    sim_observed_free(&o);
}

void sim_check_now(struct sim *s)
{
    struct sim_observed o = {0};
    if (observe(s, &o)) {
        acknowledged_check(s, &o);
        unknown_allow(s, &o);
    }
    sim_observed_free(&o);
}

static int one_visit(void *context, const struct row *row)
{
    *(uint64_t *)context = sim_row_hash(row);
    return ERR_OK;
}

void sim_check_one(struct sim *s)
{
    uint64_t content = 0;
    struct sim_observed o = {0};
    struct err err;
    if (s->row_count == 0)
        return;
    uint64_t sequence = 1 + random_u64(&s->random) % s->row_count;
    const struct sim_row *row = &s->rows[sequence - 1];
    int rc = store_get(s->store, sequence, one_visit, &content, &err);
    if (sim_observe_tombs(s, &o))
        sim_fail(s, "the notary cannot be read");
    if (rc == ERR_NOT_FOUND && !row->gone && !is_buried(&o, row->partition, sequence))
        sim_fail(s, "event %llu cannot be got: %s", (unsigned long long)sequence, err.text);
    else if (rc && rc != ERR_NOT_FOUND && !sim_is_busy(s, rc))
        sim_fail(s, "event %llu cannot be got: %s", (unsigned long long)sequence, err.text);
    else if (rc == ERR_OK && content != row->content)
        sim_fail(s, "event %llu is not what it was", (unsigned long long)sequence);
    sim_observed_free(&o);
}

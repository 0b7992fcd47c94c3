#include "program/engine_commit_check.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"

enum { KEPT_BYTES = 1 << 20, CURSOR_SHOWN = 60 };

/* By read and not by a map: the sender may change or cut its memory at any time. */
static int bytes_read(struct engine_commit_work *w, const struct engine_haul *haul, struct err *err)
{
    buf_clear(&w->bytes);
    buf_reserve(&w->bytes, haul->bytes);
    while (w->bytes.len < haul->bytes) {
        ssize_t got = pread(haul->fd, w->bytes.data + w->bytes.len, haul->bytes - w->bytes.len,
                            (off_t)(haul->offset + w->bytes.len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, errno, "the memory shared with intake cannot be read");
        if (got == 0)
            return err_set(err, ERR_DAMAGED,
                           "The haul is damaged: the memory that it should stand in is cut off.");
        w->bytes.len += (size_t)got;
    }
    return ERR_OK;
}

static int forged(struct err *err, const char *what, struct slice shown)
{
    return err_set(err, ERR_DAMAGED, "The haul is forged: its sender may not name %s \"%.*s\".",
                   what, (int)slice_part(shown, 0, CURSOR_SHOWN).len, shown.data);
}

static bool is_follower(const struct config_source *source, struct slice path)
{
    return source && source->follow.count > 0 && path.len > 0 && path.data[0] == '/';
}

/* A journal's reader speaks for its one source, and of nothing but its journal. */
static int journal_check(const struct engine_commit_work *w, struct err *err)
{
    struct slice from = w->head.listener;
    if (w->source != w->to->journal_source)
        return forged(err, "the source", w->head.source);
    if (!slice_starts(from, HAUL_JOURNAL) ||
        !slice_equal(slice_part(from, HAUL_JOURNAL.len, SIZE_MAX), w->source->config->journal))
        return forged(err, "the listener or file", from);
    return ERR_OK;
}

static int source_check(struct engine_commit_work *w, const struct live *live,
                        const struct config_rows *listeners, struct err *err)
{
    w->source = live_source(live, w->head.source);
    if (!w->source)
        return forged(err, "the source", w->head.source);
    if (w->to->historical)
        return slice_equal(w->head.source, w->to->import_source)
                   ? ERR_OK
                   : forged(err, "the source", w->head.source);
    if (w->to->journal_source)
        return journal_check(w, err);
    const struct config_listener *l = listeners->items;
    for (uint32_t i = 0; i < listeners->count; i++)
        if (slice_equal(l[i].row.name, w->head.listener) &&
            slice_equal(l[i].source, w->head.source))
            return ERR_OK;
    return is_follower(w->source->config, w->head.listener)
               ? ERR_OK
               : forged(err, "the listener or file", w->head.listener);
}

/* The reader's are of its one file and the members in it, the intake's of followed files and
 * of sockets: those of other imports and runs are not theirs. */
static bool cursor_is_its_own(const struct engine_commit_work *w, struct slice name)
{
    struct slice own = w->to->import_cursor;
    if (w->to->journal_source)
        return slice_equal(name, own);
    if (!w->to->historical)
        return slice_starts(name, HAUL_FOLLOWED) || slice_starts(name, HAUL_DROPPED);
    return own.len && slice_starts(name, own) && (name.len == own.len || name.data[own.len] == '!');
}

static int cursors_check(const struct engine_commit_work *w, struct err *err)
{
    for (uint32_t i = 0; i < w->head.cursor_count; i++)
        if (!cursor_is_its_own(w, w->head.cursors[i].name))
            return forged(err, "the cursor", w->head.cursors[i].name);
    return ERR_OK;
}

static int context_check(const struct engine_commit_work *w, const struct row_context *context,
                         struct err *err)
{
    const struct origin *row = &w->source->row;
    uint32_t flags = row->flags | (w->to->historical ? ROW_HISTORICAL : 0u);
    if (!slice_equal(context->partition, row->partition))
        return forged(err, "the partition", context->partition);
    if (!slice_equal(context->source, row->name))
        return forged(err, "the source", context->source);
    if (!slice_equal(context->unit, row->unit))
        return forged(err, "the unit", context->unit);
    /* A source that names no system leaves it to the host that intake found. */
    if (!slice_equal(context->system, row->system) && (row->system.len || !context->host.len))
        return forged(err, "the information system", context->system);
    if (!slice_equal(context->configured, row->configured))
        return forged(err, "the log source", context->configured);
    if (!slice_equal(context->file, slice_part(w->head.listener, 0, ROW_TEXT_BYTES_MAX)))
        return forged(err, "the file", context->file);
    if (context->flags != flags)
        return forged(err, "the flags of", context->file);
    return ERR_OK;
}

static int rows_check(struct engine_commit_work *w, struct err *err)
{
    w->reader.row_count = 0;
    if (w->raw.len == 0)
        return ERR_OK;
    int rc = batch_reader_open(&w->reader, w->raw, err);
    for (uint32_t i = 0; rc == ERR_OK && i < w->reader.context_count; i++)
        rc = context_check(w, &w->reader.contexts[i], err);
    if (rc == ERR_UNSUPPORTED)
        rc = err->code = ERR_DAMAGED;
    return rc;
}

static int items_check(const struct engine_commit_work *w, struct err *err)
{
    const struct detector *detector = w->rules->detectors[0];
    for (size_t i = 0; i < w->haul->item_count; i++) {
        const struct harvest_item *item = &w->haul->items[i];
        const struct slice *fields;
        bool is_input, holds = true;
        if (item->kind == HARVEST_FINDING && item->rule >= w->rules->rules.loaded)
            continue; /* an indicator */
        if (item->kind == HARVEST_FINDING)
            holds = detector_shows(detector, item->rule) &&
                    detector->load.rules.rules[item->rule]->kind == RULE_DETECTION;
        else if (item->kind == HARVEST_INPUT)
            holds =
                item->rule < w->rules->rules.loaded &&
                correlate_plan_fields(detector->plan, item->rule, &fields, &is_input) ==
                    item->count &&
                is_input;
        if (!holds)
            return err_set(err, ERR_DAMAGED,
                           "The haul is forged: rule %lu is none that gives such an item.",
                           (unsigned long)item->rule);
    }
    return ERR_OK;
}

/* What is no haul is found out by haul_unpack. */
static int rules_find(struct engine_commit_work *w, const struct engine_commit_sets *sets,
                      struct err *err)
{
    uint64_t rules;
    w->rules = sets->now;
    if (!haul_rules(buf_as_slice(&w->bytes), &rules) || rules == sets->now->fingerprint)
        return ERR_OK;
    w->rules = sets->before;
    if (sets->before && rules == sets->before->fingerprint)
        return ERR_OK;
    return err_set(err, ERR_UNSUPPORTED,
                   "events were judged by rules that the engine does not have: they are judged "
                   "again by the newest ones");
}

static int work_take(struct engine_commit_work *w, const struct engine_commit_sets *sets,
                     struct err *err)
{
    int rc = bytes_read(w, w->to, err);
    if (rc == ERR_OK)
        rc = rules_find(w, sets, err);
    if (rc == ERR_OK)
        rc = haul_unpack(buf_as_slice(&w->bytes), w->rules->rules.all.count, &w->head, &w->raw,
                         w->haul, err);
    if (rc == ERR_OK)
        rc = source_check(w, sets->live, &sets->live->config->listeners, err);
    if (rc == ERR_OK)
        rc = cursors_check(w, err);
    if (rc == ERR_OK)
        rc = rows_check(w, err);
    return rc ? rc : items_check(w, err);
}

int engine_commit_work_take(struct engine_commit_work *w, const struct engine_commit_sets *sets,
                            struct engine_haul *haul)
{
    if (!w->haul)
        w->haul = harvest_open();
    w->to = haul;
    int rc = work_take(w, sets, &haul->err);
    if (rc == ERR_OK)
        haul->received_ns = w->head.received_ns;
    return rc;
}

void engine_commit_work_relieve(struct engine_commit_work *w)
{
    if (w->bytes.capacity > KEPT_BYTES)
        buf_free(&w->bytes);
    if (w->batch.section.capacity > KEPT_BYTES)
        batch_free(&w->batch);
}

void engine_commit_work_free(struct engine_commit_work *w)
{
    buf_free(&w->bytes);
    harvest_close(&w->haul);
    batch_reader_free(&w->reader);
    batch_free(&w->batch);
}

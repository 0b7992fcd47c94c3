#include "program/engine_unread.h"

#include "program/engine_status.h"
#include "program/engine_store.h"

struct unread {
    struct slice source, what, why;
    bool is_absent; /* no such file */
};

/* False at the end, or where the message is not as it must be (in->bad). */
static bool unread_next(struct bytes_in *in, struct unread *out)
{
    if (in->bad || bytes_left(in) == 0)
        return false;
    out->source = bytes_take_text(in, UINT16_MAX);
    out->what = bytes_take_text(in, UINT16_MAX);
    out->why = bytes_take_text(in, ERR_TEXT_BYTES);
    out->is_absent = bytes_take_u32(in) != 0;
    return !in->bad;
}

int engine_unread_take(struct engine *e, struct wire_message *m, struct err *err)
{
    struct buf *unread = &e->status->unread;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct unread one;
    while (unread_next(&in, &one))
        continue;
    if (in.bad)
        return err_set(err, ERR_SYNTAX, "the message UNREAD is not as it must be");
    buf_clear(unread);
    if (m->payload.len)
        buf_slice(unread, buf_as_slice(&m->payload));
    return ERR_OK;
}

static void unread_write(struct json_writer *w, struct slice what, struct slice why, bool is_absent)
{
    json_open_object(w);
    json_key(w, "what");
    json_string(w, what);
    json_key(w, "why");
    json_string(w, why);
    json_key(w, "absent");
    json_bool(w, is_absent);
    json_close_object(w);
}

static void journal_write(const struct engine_store_journal *journal, struct json_writer *w)
{
    char time[CLOCK_TEXT_BYTES];
    json_open_object(w);
    json_key(w, "reads");
    json_bool(w, journal->reads);
    json_key(w, "since");
    json_string(w, slice_make(time, clock_text(time, journal->since_ns)));
    json_key(w, "entries");
    json_u64(w, journal->entries);
    json_close_object(w);
}

void engine_unread_write(const struct engine *e, struct slice source, struct json_writer *w)
{
    struct engine_store_journal journal;
    struct bytes_in in = bytes_in(buf_as_slice(&e->status->unread));
    struct unread one;
    bool has_journal = engine_store_journal_of(e->store, source, &journal);
    json_key(w, "journal");
    if (has_journal)
        journal_write(&journal, w);
    else
        json_null(w);
    json_key(w, "not_read");
    json_open_array(w);
    if (has_journal && journal.why.len)
        unread_write(w, SLICE("journal"), journal.why, false);
    while (unread_next(&in, &one))
        if (slice_equal(one.source, source))
            unread_write(w, one.what, one.why, one.is_absent);
    json_close_array(w);
}

static void say(struct health *health, const struct unread *u)
{
    struct buf en = {0}, vi = {0};
    buf_printf(&en, "source %.*s: %.*s is not read: %.*s", (int)u->source.len, u->source.data,
               (int)u->what.len, u->what.data, (int)u->why.len, u->why.data);
    buf_printf(&vi, "nguồn %.*s: không đọc được %.*s: %.*s", (int)u->source.len, u->source.data,
               (int)u->what.len, u->what.data, (int)u->why.len, u->why.data);
    health_add(health, &(struct health_finding){HEALTH_UNREADABLE, u->source, CLOCK_NONE,
                                                buf_as_slice(&en), buf_as_slice(&vi)});
    buf_free(&en);
    buf_free(&vi);
}

void engine_unread_look(const struct engine *e, struct health *health)
{
    const struct config_rows *rows = &e->context->config->sources;
    const struct config_source *sources = rows->items;
    struct bytes_in in = bytes_in(buf_as_slice(&e->status->unread));
    struct engine_store_journal journal;
    struct unread one;
    for (uint32_t i = 0; i < rows->count; i++)
        if (engine_store_journal_of(e->store, sources[i].row.name, &journal) && journal.why.len)
            say(health, &(struct unread){.source = sources[i].row.name,
                                         .what = SLICE("journal"),
                                         .why = journal.why});
    while (unread_next(&in, &one))
        if (!one.is_absent)
            say(health, &one);
}

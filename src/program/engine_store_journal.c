/* The engine's store: systemd journals. For each the parent is asked, with the cursor of its newest
 * durable entry, for a journalctl and a reader of what that prints; when these end, for the next
 * ones, after a pause that grows. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_store_inside.h"

#define SECOND_NS ((uint64_t)CLOCK_SECOND_NS)

static void state_set(struct store_journal *j, enum store_journal_state state)
{
    if ((state == STORE_JOURNAL_READS) != (j->state == STORE_JOURNAL_READS))
        j->since_ns = clock_now_ns();
    j->state = state;
}

void engine_store_journals_open(struct engine_store *s)
{
    for (uint32_t i = 0; i < s->live.source_count; i++) {
        const struct live_source *source = &s->live.sources[i];
        if (!source->config || slice_equal(source->config->journal, SLICE("none")) ||
            source->config->journal.len == 0)
            continue;
        if (s->journal_count == STORE_JOURNALS_MAX) {
            log_say(LOG_WARNING, "journal",
                    "the journal of source %.*s is not read: at most %d are",
                    (int)source->row.name.len, source->row.name.data, STORE_JOURNALS_MAX);
            continue;
        }
        s->journals[s->journal_count++] = (struct store_journal){
            .source = source,
            .since_ns = clock_now_ns(),
            .cursor =
                arena_printf(&s->journal_arena, "%.*s%.*s", (int)HAUL_JOURNAL.len,
                             HAUL_JOURNAL.data, (int)source->row.name.len, source->row.name.data)};
    }
}

static void ended(struct store_journal *j)
{
    uint64_t now_ns = clock_monotonic_ns(), most_ns = STORE_JOURNAL_PAUSE_SECONDS_MAX * SECOND_NS;
    if (j->pause_ns == 0 || now_ns - j->began_ns >= most_ns)
        j->pause_ns = SECOND_NS;
    else
        j->pause_ns = 2 * j->pause_ns > most_ns ? most_ns : 2 * j->pause_ns;
    j->next_ns = now_ns + j->pause_ns;
    state_set(j, STORE_JOURNAL_WAITS);
    if (!j->why[0])
        (void)snprintf(j->why, sizeof(j->why), "its reader ended: the node's log says why");
    if (!j->was_told)
        log_say(LOG_WARNING, "journal", "the journal of source %.*s is not read: %s",
                (int)j->source->row.name.len, j->source->row.name.data, j->why);
    j->was_told = true;
}

void engine_store_journals_tick(struct engine_store *s)
{
    uint64_t now_ns = clock_monotonic_ns();
    for (uint32_t i = 0; i < s->journal_count && !s->is_draining; i++) {
        struct store_journal *j = &s->journals[i];
        if (j->state == STORE_JOURNAL_WAITS && now_ns >= j->next_ns) {
            struct store_job *job = engine_store_job(s, STORE_JOURNAL, NULL);
            job->journal = j;
            j->state = STORE_JOURNAL_ASKS;
            engine_store_job_put(s, job); /* behind all hauls of the reader before */
        } else if (j->state == STORE_JOURNAL_STARTS &&
                   now_ns - j->began_ns > STORE_READER_SECONDS * SECOND_NS) {
            (void)snprintf(j->why, sizeof(j->why), "no process could be started to read it");
            ended(j);
        }
    }
}

/* The value of the cursor among those that the job brought, whose names begin like its own. */
static struct slice cursor_of(const struct store_job *job)
{
    struct bytes_in in = bytes_in(buf_as_slice(&job->cursors));
    while (bytes_left(&in) && !in.bad) {
        struct slice name = bytes_take_text(&in, CARRY_NAME_BYTES_MAX);
        struct slice value = bytes_take_text(&in, CARRY_NAME_BYTES_MAX);
        if (slice_equal(name, job->journal->cursor))
            return value;
    }
    return SLICE("");
}

void engine_store_journal_start(struct engine_store *s, const struct store_job *job)
{
    struct store_journal *j = job->journal;
    struct buf payload = {0};
    if (job->haul.rc || s->is_draining) { /* the store is tried again: so is this */
        j->next_ns = clock_monotonic_ns() + SECOND_NS;
        j->state = STORE_JOURNAL_WAITS;
        return;
    }
    j->ticket = engine_store_ticket(s);
    j->began_ns = clock_monotonic_ns();
    j->state = STORE_JOURNAL_STARTS;
    bytes_put_text(&payload, j->source->row.name);
    bytes_put_text(&payload, cursor_of(job));
    engine_tell_parent(s->engine, MESSAGE_START_JOURNAL, j->ticket, buf_as_slice(&payload), NULL,
                       0);
    buf_free(&payload);
}

bool engine_store_journal_reader(struct engine_store *s, struct store_sender *sender)
{
    for (uint32_t i = 0; i < s->journal_count; i++) {
        struct store_journal *j = &s->journals[i];
        if (j->state != STORE_JOURNAL_STARTS || j->ticket != sender->memory.ticket)
            continue;
        sender->journal = j;
        j->why[0] = '\0';
        state_set(j, STORE_JOURNAL_READS);
        return true;
    }
    return false;
}

void engine_store_journal_gone(struct engine_store *s, struct store_journal *journal)
{
    (void)s;
    ended(journal);
}

int engine_store_journal_ended(struct engine_store *s, struct wire_message *message,
                               struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    bool ran = bytes_take_u32(&in) != 0;
    struct slice why = bytes_take_text(&in, ERR_TEXT_BYTES);
    if (in.bad || bytes_left(&in))
        return err_set(err, ERR_SYNTAX, "the message JOURNAL_ENDED is not as it must be");
    for (uint32_t i = 0; i < s->journal_count; i++) {
        struct store_journal *j = &s->journals[i];
        if (j->ticket != message->id)
            continue;
        (void)snprintf(j->why, sizeof(j->why), "%.*s", (int)slice_part(why, 0, 1000).len, why.data);
        if (!ran && j->state == STORE_JOURNAL_STARTS)
            ended(j);
    }
    return ERR_OK;
}

bool engine_store_journal_of(const struct engine_store *s, struct slice source,
                             struct engine_store_journal *out)
{
    for (uint32_t i = 0; s && i < s->journal_count; i++) {
        const struct store_journal *j = &s->journals[i];
        if (!slice_equal(j->source->row.name, source))
            continue;
        *out = (struct engine_store_journal){.reads = j->state == STORE_JOURNAL_READS,
                                             .entries = j->entries,
                                             .since_ns = j->since_ns};
        out->why = out->reads ? SLICE("") : slice_from(j->why);
        return true;
    }
    return false;
}

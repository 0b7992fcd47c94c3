/* A model of a journal on a simulated disk: what was acknowledged, and that a scan gives just that.
 * For the tests of the journal. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "store/journal.h"
#include "unit/store/rows_random.h"

enum { FRAMES_MAX = 400, TEXT_BYTES_MAX = 40 };

static const struct journal_options options = {.identity = {.uuid = "a store's uuid.", .epoch = 1},
                                               .file_bytes = 64 << 10};

struct expected { /* a frame that was acknowledged */
    uint64_t first_sequence;
    uint32_t row_count;
    int64_t commit_ns;
    struct journal_place end;
    char text[TEXT_BYTES_MAX];
};

struct model {
    struct disk *disk;
    struct journal *journal;
    struct expected frames[FRAMES_MAX];
    uint32_t count;
    uint64_t tried; /* makes texts distinct */
    int64_t now_ns;
};

static inline void model_begin(struct model *m, uint64_t seed)
{
    *m = (struct model){.disk = disk_sim_open(seed), .now_ns = 1000};
    struct journal_start start = {.next_sequence = 1};
    assert_int_equal(journal_open(&m->journal, m->disk, &options, &start, NULL), ERR_OK);
}

static inline void model_end(struct model *m)
{
    journal_close(&m->journal);
    disk_sim_close(&m->disk);
}

/* One frame of a text and filling; it becomes expected when it was acknowledged. */
static inline int frame_add(struct model *m, uint32_t rows, size_t filling, struct err *err)
{
    struct buf text = {0}, noise = {0};
    struct rows_random random = {m->tried};
    struct arena arena = {0};
    char label[TEXT_BYTES_MAX];
    int len = snprintf(label, sizeof label, "frame %llu", (unsigned long long)m->tried++);
    journal_section(&text, JOURNAL_CARRY, slice_make(label, (size_t)len));
    journal_section(&noise, JOURNAL_BATCH, random_text(&random, &arena, filling));
    struct slice sections[] = {buf_as_slice(&text), buf_as_slice(&noise)};
    uint64_t first = 0;
    int64_t commit_ns = 0;
    int rc = journal_append(m->journal, sections, 2, rows, m->now_ns++, &first, &commit_ns, err);
    if (!rc) {
        assert_true(m->count < FRAMES_MAX);
        struct expected *e = &m->frames[m->count++];
        *e = (struct expected){.first_sequence = first,
                               .row_count = rows,
                               .commit_ns = commit_ns,
                               .end = journal_end(m->journal)};
        memcpy(e->text, label, (size_t)len + 1);
        assert_int_equal(journal_next_sequence(m->journal), first + rows);
    }
    buf_free(&text);
    buf_free(&noise);
    arena_free(&arena);
    return rc;
}

static inline void frames_add(struct model *m, uint32_t count)
{
    struct rows_random random = {m->tried + 17};
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(frame_add(m, random_below(&random, 4), random_below(&random, 3000), NULL),
                         ERR_OK);
}

struct damages {
    uint32_t count;
    uint64_t rows;
    struct journal_damage last;
};

static inline void damage_seen(void *context, const struct journal_damage *damage)
{
    struct damages *d = context;
    d->count++;
    d->rows += damage->next_sequence - damage->first_missing;
    d->last = *damage;
}

/* All frames but those lost are there, in order, and at most `more` behind them. */
static inline void scan_expects(struct model *m, const bool *lost, uint32_t more,
                                struct damages *damages, struct journal_start *start)
{
    struct journal_scan *s;
    struct journal_frame f;
    struct err err;
    struct journal_place from = {0};
    *damages = (struct damages){0};
    assert_int_equal(journal_scan_open(&s, m->disk, &options.identity, from, false, &err), ERR_OK);
    int rc;
    uint32_t next = 0, behind = 0;
    while ((rc = journal_scan_next(s, &f, damage_seen, damages, &err)) == ERR_OK) {
        while (next < m->count && lost && lost[next])
            next++;
        if (next == m->count) {
            behind++;
            continue;
        }
        const struct expected *e = &m->frames[next++];
        assert_int_equal(f.section_count, 2);
        assert_int_equal(f.kinds[0], JOURNAL_CARRY);
        assert_true(slice_equal(f.sections[0], slice_from(e->text)));
        assert_int_equal(f.first_sequence, e->first_sequence);
        assert_int_equal(f.row_count, e->row_count);
        assert_int_equal(f.commit_ns, e->commit_ns);
        assert_memory_equal(&f.end, &e->end, sizeof f.end);
    }
    assert_int_equal(rc, ERR_END);
    while (next < m->count && lost && lost[next])
        next++;
    assert_int_equal(next, m->count);
    assert_true(behind <= more);
    struct journal_start found;
    journal_scan_start(s, &found);
    if (start)
        *start = found;
    journal_scan_close(&s);
}

/* The writer was stopped: scans and goes on as a new process does. */
static inline void model_restart(struct model *m, uint32_t more)
{
    struct journal_start start;
    struct damages damages;
    journal_close(&m->journal);
    scan_expects(m, NULL, more, &damages, &start);
    assert_int_equal(damages.count, 0);
    if (start.next_sequence == 0)
        start.next_sequence = 1;
    assert_int_equal(journal_open(&m->journal, m->disk, &options, &start, NULL), ERR_OK);
}

/* A frame that was written, not acknowledged, and found at the restart counts from then on. */
static inline void model_adopt(struct model *m)
{
    struct journal_scan *s;
    struct journal_frame f;
    struct journal_place from = {0};
    uint32_t at = 0;
    assert_int_equal(journal_scan_open(&s, m->disk, &options.identity, from, false, NULL), ERR_OK);
    while (journal_scan_next(s, &f, NULL, NULL, NULL) == ERR_OK)
        if (at++ == m->count) {
            struct expected *e = &m->frames[m->count++];
            *e = (struct expected){f.first_sequence, f.row_count, f.commit_ns, f.end, {0}};
            memcpy(e->text, f.sections[0].data, f.sections[0].len);
        }
    journal_scan_close(&s);
}

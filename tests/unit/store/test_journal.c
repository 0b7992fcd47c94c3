/* The journal: what was acknowledged comes back once and in order, whatever happened to the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "store/journal.h"
#include "unit/store/rows_random.h"

enum { FRAMES_MAX = 400, TEXT_BYTES_MAX = 40 };

static const struct journal_options options = {
    .identity = {.uuid = "a store's uuid.", .epoch = 1}, .file_bytes = 64 << 10};

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

static void model_begin(struct model *m, uint64_t seed)
{
    *m = (struct model){.disk = disk_sim_open(seed), .now_ns = 1000};
    struct journal_start start = {.next_sequence = 1};
    assert_int_equal(journal_open(&m->journal, m->disk, &options, &start, NULL), ERR_OK);
}

static void model_end(struct model *m)
{
    journal_close(&m->journal);
    disk_sim_close(&m->disk);
}

/* One frame of a text and filling; it becomes expected when it was acknowledged. */
static int frame_add(struct model *m, uint32_t rows, size_t filling, struct err *err)
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

static void frames_add(struct model *m, uint32_t count)
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

static void damage_seen(void *context, const struct journal_damage *damage)
{
    struct damages *d = context;
    d->count++;
    d->rows += damage->next_sequence - damage->first_missing;
    d->last = *damage;
}

/* All frames but those lost are there, in order, and at most `more` behind them. */
static void scan_expects(struct model *m, const bool *lost, uint32_t more, struct damages *damages,
                         struct journal_start *start)
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
static void model_restart(struct model *m, uint32_t more)
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
static void model_adopt(struct model *m)
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

static void comes_back_in_order(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    model_begin(&m, 1);
    for (int run = 0; run < 5; run++) {
        frames_add(&m, 50);
        scan_expects(&m, NULL, 0, &damages, NULL);
        assert_int_equal(damages.count, 0);
        if (run % 2)
            assert_int_equal(journal_prepare(m.journal, NULL), ERR_OK);
        model_restart(&m, 0);
    }
    assert_true(m.frames[m.count - 1].end.file > 5);
    model_end(&m);
}

static struct buf file_take(struct disk *disk, const char *path)
{
    struct buf bytes = {0};
    assert_int_equal(disk_read_file(disk, path, 1 << 20, &bytes, NULL), ERR_OK);
    return bytes;
}

static void every_truncation(void **state)
{
    (void)state;
    struct model m;
    model_begin(&m, 1);
    frames_add(&m, 4);
    journal_close(&m.journal);
    const char *path = "journal/0000000001.journal";
    struct buf bytes = file_take(m.disk, path);
    struct disk_file *file;
    assert_int_equal(disk_open(m.disk, &file, path, DISK_WRITE, NULL), ERR_OK);
    for (size_t cut = 0; cut <= m.frames[3].end.offset; cut += cut % 512 > 500 || cut < 70 ? 1 : 7) {
        bool lost[4];
        for (int i = 0; i < 4; i++)
            lost[i] = m.frames[i].end.offset > cut;
        struct damages damages;
        assert_int_equal(disk_resize(file, cut, NULL), ERR_OK);
        scan_expects(&m, lost, 0, &damages, NULL);
        assert_int_equal(damages.count, 0); /* a torn end */
        assert_int_equal(disk_write(file, 0, bytes.data, bytes.len, NULL), ERR_OK);
    }
    disk_close(&file);
    buf_free(&bytes);
    model_end(&m);
}

/* The frame that a byte of a file belongs to, or SIZE_MAX. */
static size_t frame_of(const struct model *m, struct journal_place place)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->frames[i].end.file == place.file && place.offset < m->frames[i].end.offset)
            return place.offset < JOURNAL_SECTOR_BYTES ? SIZE_MAX : i;
    return SIZE_MAX;
}

static void every_flipped_byte(void **state)
{
    (void)state;
    struct model m;
    model_begin(&m, 1);
    frames_add(&m, 2);
    assert_int_equal(frame_add(&m, 0, 900, NULL), ERR_OK); /* no sequence says that it is lost */
    model_restart(&m, 0);
    frames_add(&m, 3);
    journal_close(&m.journal);
    bool some_reported = false;
    for (uint64_t number = 1; number <= 2; number++) {
        char path[64];
        (void)snprintf(path, sizeof path, "journal/000000000%u.journal", (unsigned)number);
        for (uint64_t at = 0; at < m.frames[2 + 3 * (number - 1)].end.offset; at++) {
            assert_true(disk_sim_flip(m.disk, path, at * 8 + at % 8));
            bool lost[6] = {false}, torn = false;
            struct journal_place place = {number, at};
            size_t hit = frame_of(&m, place);
            struct damages damages;
            if (hit != SIZE_MAX) {
                struct journal_scan *s;
                struct journal_frame f;
                struct journal_place from = {0};
                uint32_t given = 0;
                assert_int_equal(
                    journal_scan_open(&s, m.disk, &options.identity, from, false, NULL), ERR_OK);
                while (journal_scan_next(s, &f, NULL, NULL, NULL) == ERR_OK)
                    given++;
                journal_scan_close(&s);
                lost[hit] = given < 6; /* padding carries nothing */
                torn = lost[hit] && hit == 5;
            }
            scan_expects(&m, lost, 0, &damages, NULL);
            if (hit != SIZE_MAX && !torn) {
                assert_int_equal(damages.count, lost[hit] ? 1 : 0);
                assert_int_equal(damages.rows, lost[hit] ? m.frames[hit].row_count : 0);
                some_reported |= lost[hit];
            } else if (hit == SIZE_MAX) {
                assert_int_equal(damages.count, 1); /* the header of the file */
                assert_int_equal(damages.rows, 0);
            } else {
                assert_int_equal(damages.count, 0);
            }
            assert_true(disk_sim_flip(m.disk, path, at * 8 + at % 8));
        }
    }
    assert_true(some_reported);
    model_end(&m);
}

static void lost_file_is_damage(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    model_begin(&m, 1);
    bool lost[30] = {false};
    for (uint32_t i = 0; i < 6; i++) {
        frames_add(&m, 5);
        if (i == 2)
            for (uint32_t k = 10; k < 15; k++)
                lost[k] = true;
        model_restart(&m, 0);
    }
    char path[64];
    (void)snprintf(path, sizeof path, "journal/%010u.journal", (unsigned)m.frames[10].end.file);
    assert_int_equal(m.frames[14].end.file, m.frames[10].end.file);
    assert_int_equal(disk_remove(m.disk, path, NULL), ERR_OK);
    scan_expects(&m, lost, 0, &damages, NULL);
    assert_int_equal(damages.count, 1);
    assert_int_equal(damages.last.first_missing, m.frames[10].first_sequence);
    assert_int_equal(damages.last.next_sequence, m.frames[15].first_sequence);
    model_end(&m);
}

/* A sync fails: what the given-up file holds is void, although it may verify. */
static void failed_sync_gives_the_file_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct model m;
        struct damages damages;
        model_begin(&m, seed);
        frames_add(&m, 3);
        disk_sim_fail_at(m.disk, seed % 2 ? DISK_SIM_SYNC : DISK_SIM_WRITE, 1);
        assert_int_equal(frame_add(&m, (uint32_t)seed % 3, 2000, NULL), ERR_OK);
        assert_int_equal(m.frames[3].end.file, 2);
        struct journal_stats stats;
        journal_stats(m.journal, &stats);
        assert_int_equal(stats.given_up_files, 1);
        frames_add(&m, 3);
        scan_expects(&m, NULL, 0, &damages, NULL);
        assert_int_equal(damages.count, 0);
        if (seed % 3) { /* its rows say so, too, when the next file's header is lost */
            assert_true(disk_sim_flip(m.disk, "journal/0000000002.journal", 300));
            scan_expects(&m, NULL, 0, &damages, NULL);
            assert_int_equal(damages.rows, 0);
            assert_true(disk_sim_flip(m.disk, "journal/0000000002.journal", 300));
        }
        model_restart(&m, 0);
        frames_add(&m, 2);
        disk_sim_restart(m.disk, DISK_SIM_POWER);
        model_restart(&m, 0);
        model_end(&m);
    }
}

static void second_failure_is_read_only(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    struct err err;
    model_begin(&m, 1);
    frames_add(&m, 3);
    assert_int_equal(journal_prepare(m.journal, NULL), ERR_OK);
    disk_sim_fail_at(m.disk, DISK_SIM_SYNC, 1);
    disk_sim_fail_at(m.disk, DISK_SIM_WRITE, 2);
    assert_int_equal(frame_add(&m, 1, 100, &err), ERR_IO);
    assert_non_null(strstr(err.text, "read-only"));
    assert_int_equal(frame_add(&m, 1, 100, &err), ERR_IO);
    assert_int_equal(journal_prepare(m.journal, &err), ERR_IO);
    scan_expects(&m, NULL, 1, &damages, NULL);
    assert_int_equal(damages.count, 0);
    model_end(&m);
}

static void full_disk_refuses_and_goes_on(void **state)
{
    (void)state;
    for (uint64_t reserve = 0; reserve < 2; reserve++) {
        struct model m;
        struct damages damages;
        struct err err;
        model_begin(&m, 3);
        journal_close(&m.journal);
        struct journal_options tight = options;
        tight.reserve_bytes = reserve ? 100000 : 0;
        struct journal_start start = {.next_sequence = 1};
        assert_int_equal(journal_open(&m.journal, m.disk, &tight, &start, NULL), ERR_OK);
        uint64_t room = 3 * (64 << 10) + tight.reserve_bytes;
        disk_sim_capacity(m.disk, room);
        int rc;
        while ((rc = frame_add(&m, 2, 3000, &err)) == ERR_OK)
            continue;
        assert_int_equal(rc, ERR_FULL);
        assert_non_null(strstr(err.text, "make room"));
        assert_true(disk_sim_used(m.disk) + tight.reserve_bytes <= room);
        assert_int_equal(m.frames[m.count - 1].end.file, 3);
        uint64_t next = journal_next_sequence(m.journal);
        assert_int_equal(frame_add(&m, 2, 3000, &err), ERR_FULL);
        assert_int_equal(journal_next_sequence(m.journal), next);
        while (frame_add(&m, 1, 20, &err) == ERR_OK) /* smaller ones still fit */
            continue;
        scan_expects(&m, NULL, 0, &damages, NULL);
        assert_int_equal(journal_forget(m.journal, m.frames[m.count - 1].end, NULL), ERR_OK);
        disk_sim_capacity(m.disk, 0);
        assert_int_equal(frame_add(&m, 2, 3000, &err), ERR_OK);
        assert_true(m.frames[m.count - 1].first_sequence >= next);
        model_end(&m);
    }
}

static void full_disk_after_a_failed_sync(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    model_begin(&m, 5);
    frames_add(&m, 3);
    disk_sim_capacity(m.disk, 70 << 10);
    disk_sim_fail_at(m.disk, DISK_SIM_SYNC, 1);
    assert_int_equal(frame_add(&m, 1, 100, NULL), ERR_FULL);
    disk_sim_capacity(m.disk, 0);
    frames_add(&m, 3);
    scan_expects(&m, NULL, 0, &damages, NULL);
    assert_int_equal(damages.count, 0);
    model_end(&m);
}

static void clock_never_goes_back(void **state)
{
    (void)state;
    struct model m;
    model_begin(&m, 1);
    m.now_ns = 5000;
    frames_add(&m, 1);
    m.now_ns = 20;
    frames_add(&m, 1);
    assert_int_equal(m.frames[1].commit_ns, 5000);
    model_restart(&m, 0);
    m.now_ns = 30;
    frames_add(&m, 1);
    assert_int_equal(m.frames[2].commit_ns, 5000);
    m.now_ns = 6000;
    frames_add(&m, 1);
    assert_int_equal(m.frames[3].commit_ns, 6000);
    model_end(&m);
}

static void large_frame_gets_a_larger_file(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    model_begin(&m, 1);
    frames_add(&m, 2);
    assert_int_equal(journal_prepare(m.journal, NULL), ERR_OK);
    assert_int_equal(frame_add(&m, 3, 300000, NULL), ERR_OK);
    frames_add(&m, 2);
    scan_expects(&m, NULL, 0, &damages, NULL);
    assert_int_equal(damages.count, 0);
    model_end(&m);
}

static void forgets_what_is_sealed(void **state)
{
    (void)state;
    struct model m;
    struct journal_scan *s;
    struct journal_frame f;
    model_begin(&m, 1);
    frames_add(&m, 150);
    uint32_t cut = 70;
    struct journal_place place = m.frames[cut].end;
    assert_int_equal(journal_forget(m.journal, place, NULL), ERR_OK);
    assert_false(disk_exists(m.disk, "journal/0000000001.journal"));
    for (int skip = 0; skip < 2; skip++) {
        uint32_t next = cut + 1;
        assert_int_equal(journal_scan_open(&s, m.disk, &options.identity, place, false, NULL),
                         ERR_OK);
        struct err err;
        while ((skip ? journal_scan_skip(s, &f, NULL, NULL, &err)
                     : journal_scan_next(s, &f, NULL, NULL, &err)) == ERR_OK) {
            assert_int_equal(f.first_sequence, m.frames[next].first_sequence);
            assert_memory_equal(&f.end, &m.frames[next].end, sizeof f.end);
            assert_int_equal(f.section_count, skip ? 0 : 2);
            next++;
        }
        assert_int_equal(next, m.count);
        journal_scan_close(&s);
    }
    /* everything sealed, every file gone: numbers go on behind the checkpoint's place */
    place = journal_end(m.journal);
    uint64_t next_sequence = journal_next_sequence(m.journal);
    journal_close(&m.journal);
    for (uint64_t n = 1; n <= place.file; n++) {
        char path[64];
        (void)snprintf(path, sizeof path, "journal/%010u.journal", (unsigned)n);
        if (disk_exists(m.disk, path))
            assert_int_equal(disk_remove(m.disk, path, NULL), ERR_OK);
    }
    struct journal_start start;
    assert_int_equal(journal_scan_open(&s, m.disk, &options.identity, place, false, NULL), ERR_OK);
    assert_int_equal(journal_scan_next(s, &f, NULL, NULL, NULL), ERR_END);
    journal_scan_start(s, &start);
    journal_scan_close(&s);
    assert_int_equal(start.last_file, place.file);
    assert_int_equal(start.next_sequence, 0);
    start.next_sequence = next_sequence;
    assert_int_equal(journal_open(&m.journal, m.disk, &options, &start, NULL), ERR_OK);
    m.count = 0;
    frames_add(&m, 3);
    assert_int_equal(journal_scan_open(&s, m.disk, &options.identity, place, false, NULL), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(journal_scan_next(s, &f, NULL, NULL, NULL), ERR_OK);
    journal_scan_close(&s);
    model_end(&m);
}

/* The power is cut in every changing call: each acknowledged frame is there, once, in order. */
static void power_cut_anywhere(void **state)
{
    (void)state;
    for (uint64_t n = 1, cut = 1; cut; n++) {
        struct model m;
        model_begin(&m, n);
        if (n % 3 == 0)
            disk_sim_fail_at(m.disk, DISK_SIM_SYNC, 4 + n % 7);
        disk_sim_cut_at(m.disk, n);
        struct rows_random random = {n};
        for (int i = 0; i < 25; i++)
            if (frame_add(&m, random_below(&random, 4), random_below(&random, 9000), NULL))
                break;
        cut = disk_sim_is_cut(m.disk);
        disk_sim_restart(m.disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        model_restart(&m, 1);
        model_adopt(&m);
        frames_add(&m, 3);
        model_restart(&m, 0);
        model_end(&m);
    }
}

static void live_scan_stops_at_the_durable_page(void **state)
{
    (void)state;
    char folder[] = "/tmp/canh-journal-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct disk *disk;
    assert_int_equal(disk_open_folder(&disk, folder, NULL), ERR_OK);
    struct model m = {.disk = disk, .now_ns = 1};
    struct journal_start start = {.next_sequence = 1};
    assert_int_equal(journal_open(&m.journal, disk, &options, &start, NULL), ERR_OK);
    struct durable *page;
    assert_int_equal(durable_open(&page, disk, true, NULL), ERR_OK);
    struct journal_place place;
    uint64_t last;
    assert_false(durable_read(page, &place, &last));
    frames_add(&m, 5);
    for (uint32_t shown = 0; shown <= 5; shown++) {
        struct journal_scan *s;
        struct journal_frame f;
        struct damages damages = {0};
        if (shown)
            durable_publish(page, m.frames[shown - 1].end,
                            m.frames[shown - 1].first_sequence + m.frames[shown - 1].row_count - 1);
        uint32_t given = 0;
        assert_int_equal(journal_scan_open(&s, disk, &options.identity,
                                           (struct journal_place){0}, true, NULL),
                         ERR_OK);
        while (journal_scan_next(s, &f, damage_seen, &damages, NULL) == ERR_OK)
            given++;
        assert_int_equal(given, shown ? shown : 5); /* never published: all that verify */
        assert_int_equal(damages.count, 0);
        journal_scan_close(&s);
    }
    assert_true(durable_read(page, &place, &last));
    assert_int_equal(place.offset, m.frames[4].end.offset);
    durable_close(&page);
    journal_close(&m.journal);
    assert_int_equal(disk_remove(disk, "journal/durable", NULL), ERR_OK);
    assert_int_equal(disk_remove(disk, "journal/0000000001.journal", NULL), ERR_OK);
    disk_close_folder(&disk);
    char sub[64];
    (void)snprintf(sub, sizeof sub, "%s/journal", folder);
    assert_int_equal(rmdir(sub), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void another_stores_journal_is_not_read(void **state)
{
    (void)state;
    struct model m;
    model_begin(&m, 1);
    frames_add(&m, 3);
    struct journal_identity other = options.identity;
    other.uuid[0]++;
    struct journal_scan *s;
    struct journal_frame f;
    assert_int_equal(journal_scan_open(&s, m.disk, &other, (struct journal_place){0}, false, NULL),
                     ERR_OK);
    assert_int_equal(journal_scan_next(s, &f, NULL, NULL, NULL), ERR_END);
    journal_scan_close(&s);
    model_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_in_order),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_flipped_byte),
        cmocka_unit_test(lost_file_is_damage),
        cmocka_unit_test(failed_sync_gives_the_file_up),
        cmocka_unit_test(second_failure_is_read_only),
        cmocka_unit_test(full_disk_refuses_and_goes_on),
        cmocka_unit_test(full_disk_after_a_failed_sync),
        cmocka_unit_test(clock_never_goes_back),
        cmocka_unit_test(large_frame_gets_a_larger_file),
        cmocka_unit_test(forgets_what_is_sealed),
        cmocka_unit_test(power_cut_anywhere),
        cmocka_unit_test(live_scan_stops_at_the_durable_page),
        cmocka_unit_test(another_stores_journal_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

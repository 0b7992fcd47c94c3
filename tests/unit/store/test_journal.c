/* The journal: what was acknowledged comes back once and in order, and damage is told. */
#include <unistd.h>

#include "unit/store/journal_model.h"

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
    for (size_t cut = 0; cut <= m.frames[3].end.offset;
         cut += cut % 512 > 500 || cut < 70 ? 1 : 7) {
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

/* The last frame is torn, but for its header: it was begun only when the one before was durable. */
static void a_frame_before_a_torn_one_is_damage(void **state)
{
    (void)state;
    static const char zeros[4096];
    const char *path = "journal/0000000001.journal";
    struct model m;
    struct disk_file *file;
    struct damages damages;
    bool lost[3] = {false, false, true};
    model_begin(&m, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(frame_add(&m, 2, 3000, NULL), ERR_OK);
    journal_close(&m.journal);
    uint64_t torn = m.frames[1].end.offset + JOURNAL_SECTOR_BYTES;
    assert_true(m.frames[2].end.offset - torn <= sizeof zeros);
    assert_int_equal(disk_open(m.disk, &file, path, DISK_WRITE, NULL), ERR_OK);
    assert_int_equal(disk_write(file, torn, zeros, m.frames[2].end.offset - torn, NULL), ERR_OK);
    disk_close(&file);
    scan_expects(&m, lost, 0, &damages, NULL);
    assert_int_equal(damages.count, 0);
    lost[1] = true;
    assert_true(disk_sim_flip(m.disk, path, (m.frames[1].end.offset - 700) * 8));
    scan_expects(&m, lost, 0, &damages, NULL);
    assert_int_equal(damages.count, 1);
    assert_int_equal(damages.rows, 2);
    assert_int_equal(damages.last.begin.offset, m.frames[0].end.offset);
    assert_int_equal(damages.last.end.offset, m.frames[1].end.offset);
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
            if (skip && next % 3 == 0) { /* read after all; the scan goes on behind it */
                struct journal_frame again;
                assert_int_equal(journal_scan_read(s, f.begin, &again, NULL), ERR_OK);
                assert_int_equal(again.section_count, 2);
                assert_true(slice_equal(again.sections[0], slice_from(m.frames[next].text)));
                assert_memory_equal(&again.end, &f.end, sizeof f.end);
            }
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
        assert_int_equal(
            journal_scan_open(&s, disk, &options.identity, (struct journal_place){0}, true, NULL),
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
        cmocka_unit_test(a_frame_before_a_torn_one_is_damage),
        cmocka_unit_test(lost_file_is_damage),
        cmocka_unit_test(clock_never_goes_back),
        cmocka_unit_test(large_frame_gets_a_larger_file),
        cmocka_unit_test(forgets_what_is_sealed),
        cmocka_unit_test(live_scan_stops_at_the_durable_page),
        cmocka_unit_test(another_stores_journal_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

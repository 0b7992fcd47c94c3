#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "store/notary.h"

enum { LINES_MAX = 200, TEXT_BYTES_MAX = 1 << 20 };
#define MINUTE_NS (60 * CLOCK_SECOND_NS)
#define START_NS  (1788000000 * CLOCK_SECOND_NS) /* 2026-08-29 */
#define MONTH_NS  (31 * 1440 * MINUTE_NS)

static const char first_month[] = "notary/202608.log", second_month[] = "notary/202609.log";

struct bed {
    struct disk *disk;
    struct digester *digester;
    struct chain *chain;
    struct notary *notary;
    uint64_t sequence;
    int64_t now_ns;
};

static void bed_start(struct bed *b)
{
    struct err err = {0};
    if (notary_open(&b->notary, b->disk, NULL, b->digester, &err) != ERR_OK)
        fail_msg("notary_open: %s", err.text);
}

static void bed_open(struct bed *b, uint64_t seed)
{
    *b = (struct bed){.disk = disk_sim_open(seed),
                      .digester = digester_open(),
                      .chain = chain_open(),
                      .now_ns = START_NS};
    /* as the store makes its folders */
    assert_int_equal(disk_make_folder(b->disk, "notary", NULL), ERR_OK);
    assert_int_equal(disk_sync_folder(b->disk, "", NULL), ERR_OK);
    bed_start(b);
}

static void bed_close(struct bed *b)
{
    notary_close(&b->notary);
    chain_close(&b->chain);
    digester_close(&b->digester);
    disk_sim_close(&b->disk);
}

/* An interval of each of two partitions ends. */
static void minute_pass(struct bed *b)
{
    static const struct digest row = {{1}};
    assert_int_equal(chain_add(b->chain, SLICE("linux"), ++b->sequence, &row, b->now_ns, NULL),
                     ERR_OK);
    assert_int_equal(chain_add(b->chain, SLICE("windows"), ++b->sequence, &row, b->now_ns, NULL),
                     ERR_OK);
    b->now_ns += MINUTE_NS;
    chain_tick(b->chain, b->now_ns);
}

static int sign(struct bed *b)
{
    uint32_t count;
    int rc = notary_sign(b->notary, b->chain, 1, b->sequence, b->now_ns, NULL);
    (void)chain_closed(b->chain, &count);
    if (rc == ERR_OK)
        chain_noted(b->chain, count);
    return rc;
}

struct seen {
    struct arena arena;
    uint64_t roots[2]; /* the newest number of linux and windows */
    uint32_t heads, gone, torn;
    struct slice digest; /* of the newest heads line */
};

/* Every root line comes once and in order; each heads line names the digest of the one before. */
static int line_see(void *context, const struct notary_line *line)
{
    struct seen *s = context;
    const struct slice *w = line->words;
    uint64_t number;
    if (line->torn) {
        s->torn++;
    } else if (slice_equal(w[0], SLICE("root"))) {
        int partition = slice_equal(w[1], SLICE("windows"));
        assert_true(slice_to_u64(w[2], &number));
        assert_int_equal(number, s->roots[partition] + 1);
        s->roots[partition] = number;
    } else if (slice_equal(w[0], SLICE("heads"))) {
        if (s->heads++)
            assert_true(slice_equal(w[3], s->digest));
        s->digest = arena_copy(&s->arena, w[4]);
    } else {
        assert_true(slice_equal(w[0], SLICE("gone")));
        s->gone++;
    }
    return ERR_OK;
}

static struct seen notary_see(struct bed *b)
{
    struct seen seen = {0};
    assert_int_equal(notary_read(b->disk, line_see, &seen, NULL), ERR_OK);
    assert_int_equal(seen.roots[0], seen.roots[1]);
    arena_free(&seen.arena);
    return seen;
}

static void file_append(struct bed *b, const char *path, const char *text)
{
    struct disk_file *file;
    uint64_t size;
    assert_int_equal(disk_open(b->disk, &file, path, DISK_WRITE, NULL), ERR_OK);
    assert_int_equal(disk_size(file, &size, NULL), ERR_OK);
    assert_int_equal(disk_write(file, size, text, strlen(text), NULL), ERR_OK);
    disk_close(&file);
}

static void file_is(struct bed *b, const char *path, struct slice wanted)
{
    struct buf is = {0};
    assert_int_equal(disk_read_file(b->disk, path, TEXT_BYTES_MAX, &is, NULL), ERR_OK);
    assert_true(slice_equal(buf_as_slice(&is), wanted));
    buf_free(&is);
}

/* Lines that a crash left behind the newest heads line, whole ones too, never counted. */
static void test_what_is_behind_the_last_heads_is_cut_off(void **state)
{
    static const char *const ends[] = {
        "root li", "root linux 2 2026-08-29T00:00:00Z 3 3 1 00 00\n",
        "root linux 2 2026-08-29T00:00:00Z 3 3 1 00 00\nheads 2026-08-29T00"};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct bed b;
        struct buf text = {0};
        bed_open(&b, i);
        minute_pass(&b);
        assert_int_equal(sign(&b), ERR_OK);
        notary_close(&b.notary);
        assert_int_equal(disk_read_file(b.disk, first_month, TEXT_BYTES_MAX, &text, NULL), ERR_OK);
        file_append(&b, first_month, ends[i]);
        bed_start(&b);
        file_is(&b, first_month, buf_as_slice(&text));
        minute_pass(&b);
        assert_int_equal(sign(&b), ERR_OK);
        struct seen seen = notary_see(&b);
        assert_int_equal(seen.heads, 2);
        assert_int_equal(seen.roots[0], 2);
        assert_int_equal(seen.torn, 0);
        buf_free(&text);
        bed_close(&b);
    }
}

/* A reader passes over a torn end, and leaves it. */
static void test_a_reader_is_told_of_a_torn_line(void **state)
{
    struct bed b;
    (void)state;
    bed_open(&b, 1);
    minute_pass(&b);
    assert_int_equal(sign(&b), ERR_OK);
    file_append(&b, first_month, "root linux 2");
    struct seen seen = notary_see(&b);
    assert_int_equal(seen.torn, 1);
    assert_int_equal(seen.heads, 1);
    assert_int_equal(notary_see(&b).torn, 1);
    bed_close(&b);
}

/* Whatever a crash leaves of a signature, done again each interval is noted once. */
static void test_no_line_comes_twice_after_a_crash(void **state)
{
    bool was_cut = true;
    (void)state;
    for (uint64_t n = 1; was_cut; n++)
        for (uint64_t seed = 1; seed <= 8; seed++) {
            struct bed b;
            bed_open(&b, seed);
            minute_pass(&b);
            assert_int_equal(sign(&b), ERR_OK);
            for (int i = 0; i < 8; i++) /* more than a sector */
                minute_pass(&b);
            if (seed % 2)
                b.now_ns += MONTH_NS; /* into a new file */
            disk_sim_cut_at(b.disk, n);
            int rc = sign(&b);
            was_cut = disk_sim_is_cut(b.disk);
            assert_true(rc == ERR_OK || was_cut);
            notary_close(&b.notary);
            disk_sim_restart(b.disk, seed % 4 < 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
            bed_start(&b);
            assert_int_equal(sign(&b), ERR_OK);
            struct seen seen = notary_see(&b);
            assert_int_equal(seen.roots[0], 9);
            assert_int_equal(seen.heads, 2);
            assert_int_equal(seen.torn, 0);
            bed_close(&b);
        }
}

/* A write that fails is made up for by the next, in the same file. */
static void test_a_failed_write_is_done_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct bed b;
        bed_open(&b, seed);
        minute_pass(&b);
        assert_int_equal(sign(&b), ERR_OK);
        minute_pass(&b);
        disk_sim_fail_at(b.disk, seed % 2 ? DISK_SIM_WRITE : DISK_SIM_SYNC, 1);
        assert_int_equal(sign(&b), ERR_IO);
        assert_int_equal(sign(&b), ERR_OK);
        struct seen seen = notary_see(&b);
        assert_int_equal(seen.roots[0], 2);
        assert_int_equal(seen.heads, 2);
        bed_close(&b);
    }
}

static void test_a_month_has_its_file(void **state)
{
    struct bed b;
    struct buf text = {0};
    (void)state;
    bed_open(&b, 1);
    minute_pass(&b);
    assert_int_equal(sign(&b), ERR_OK);
    assert_int_equal(disk_read_file(b.disk, first_month, TEXT_BYTES_MAX, &text, NULL), ERR_OK);
    int64_t before_ns = b.now_ns;
    b.now_ns += MONTH_NS;
    minute_pass(&b);
    assert_int_equal(sign(&b), ERR_OK);
    assert_true(disk_exists(b.disk, second_month));
    int64_t newest_ns = b.now_ns;
    notary_close(&b.notary);
    bed_start(&b);
    assert_true(notary_time(b.notary) == newest_ns);
    struct notary_tombstone stone = {SLICE("linux"), SLICE("segments/a.segment"), 1, 1, 1, "age"};
    assert_int_equal(notary_bury(b.notary, &stone, before_ns, NULL), ERR_OK); /* a clock set back */
    file_is(&b, first_month, buf_as_slice(&text));
    struct seen seen = notary_see(&b);
    assert_int_equal(seen.heads, 2);
    assert_int_equal(seen.gone, 1);
    assert_int_equal(seen.roots[0], 2);
    buf_free(&text);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_behind_the_last_heads_is_cut_off),
        cmocka_unit_test(test_a_reader_is_told_of_a_torn_line),
        cmocka_unit_test(test_no_line_comes_twice_after_a_crash),
        cmocka_unit_test(test_a_failed_write_is_done_again),
        cmocka_unit_test(test_a_month_has_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "watch/intake_followed.h"

struct bed {
    char folder[64], path[96];
    int memory;
    struct intake_shared *shared;
    struct live_source source;
    struct followed *file;
    struct input_block block;
    struct haul_head head;
    struct buf read; /* records, a | behind each */
};

static void followed_open(struct bed *bed)
{
    struct stat about;
    struct followed *f = mem_zeroed(1, sizeof(*f));
    f->fd = open(bed->path, O_RDONLY | O_CLOEXEC);
    assert_true(f->fd >= 0);
    assert_int_equal(fstat(f->fd, &about), 0);
    f->device = about.st_dev;
    f->inode = about.st_ino;
    f->path = mem_copy_text(bed->path, strlen(bed->path));
    f->file.name = f->path;
    f->source = &bed->source;
    bed->file = f;
    followed_resume(f, bed->shared);
}

static void append(const struct bed *bed, const char *text)
{
    FILE *file = fopen(bed->path, "ab");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void rewrite(const struct bed *bed, const char *text)
{
    assert_int_equal(truncate(bed->path, 0), 0);
    append(bed, text);
}

static int bed_open(void **state)
{
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    (void)snprintf(bed->folder, sizeof(bed->folder), "/tmp/canh-followed-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    (void)snprintf(bed->path, sizeof(bed->path), "%s/log", bed->folder);
    bed->memory = memfd_create("hauls", MFD_CLOEXEC);
    assert_int_equal(ftruncate(bed->memory, 4096), 0);
    assert_int_equal(intake_shared_open(&bed->shared, bed->memory, 1, 4096, NULL), ERR_OK);
    bed->source.format = format_find(SLICE("text"));
    append(bed, "");
    followed_open(bed);
    *state = bed;
    return 0;
}

static int bed_close(void **state)
{
    struct bed *bed = *state;
    followed_free(&bed->file);
    intake_shared_close(&bed->shared);
    (void)close(bed->memory);
    input_block_free(&bed->block);
    buf_free(&bed->read);
    (void)unlink(bed->path);
    (void)rmdir(bed->folder);
    mem_free(bed);
    return 0;
}

/* Reads what there is until nothing more comes; how many of the records are durable then. */
static const char *records(struct bed *bed, bool last)
{
    struct err err;
    int rc, busy = 0;
    buf_clear(&bed->read);
    do {
        bed->block.spans.count = 0;
        arena_reset(&bed->block.arena);
        rc = followed_read(bed->file, &bed->block, last, &err);
        assert_true(rc == ERR_OK || rc == ERR_BUSY || rc == ERR_END);
        for (size_t i = 0; rc == ERR_OK && i < bed->block.spans.count; i++) {
            buf_slice(&bed->read, bed->block.spans.spans[i].text);
            buf_char(&bed->read, '|');
        }
        if (rc == ERR_OK)
            followed_done(bed->file);
        assert_true(++busy < 100);
    } while (rc != ERR_END);
    return buf_text(&bed->read);
}

/* Its cursor as the engine would have it, when `durable` records of the next block are. */
static void cursor_keep(struct bed *bed, uint64_t durable, bool last)
{
    followed_cursors(bed->file, durable, last, &bed->head);
    assert_int_equal(bed->head.cursor_count, 1);
    intake_shared_cursor_set(bed->shared, bed->head.cursors[0].name, bed->head.cursors[0].value);
}

/* As after a kill: nothing is known but the cursors. */
static void again(struct bed *bed)
{
    struct followed *before = bed->file;
    followed_open(bed);
    followed_free(&before);
}

static void what_is_appended_is_read_once(void **state)
{
    struct bed *bed = *state;
    assert_string_equal(records(bed, false), "");
    append(bed, "a\nb\n");
    assert_string_equal(records(bed, false), "a|b|");
    assert_string_equal(records(bed, false), "");
    append(bed, "c\n");
    assert_string_equal(records(bed, false), "c|");
}

static void an_unfinished_line_waits(void **state)
{
    struct bed *bed = *state;
    append(bed, "a\nhal");
    assert_string_equal(records(bed, false), "a|");
    assert_string_equal(records(bed, false), "");
    append(bed, "f\nrest");
    assert_string_equal(records(bed, false), "half|");
    assert_string_equal(records(bed, true), "rest|"); /* the file has ended */
}

static void a_file_that_was_cut_off_is_read_from_its_beginning(void **state)
{
    struct bed *bed = *state;
    append(bed, "first\nsecond\n");
    assert_string_equal(records(bed, false), "first|second|");
    rewrite(bed, "new\n");
    assert_string_equal(records(bed, false), "new|");
    append(bed, "more\n");
    assert_string_equal(records(bed, false), "more|");
}

/* As long as before, or longer, but another one by its first bytes. */
static void a_file_that_was_written_anew_is_read_from_its_beginning(void **state)
{
    struct bed *bed = *state;
    append(bed, "first\nsecond\n");
    assert_string_equal(records(bed, false), "first|second|");
    rewrite(bed, "other\nsecond\nthird\n");
    assert_string_equal(records(bed, false), "other|second|third|");
}

static void reading_goes_on_at_the_cursor(void **state)
{
    struct bed *bed = *state;
    append(bed, "a\nb\nc\nd\n");
    assert_int_equal(followed_read(bed->file, &bed->block, false, NULL), ERR_OK);
    assert_int_equal(bed->block.spans.count, 4);
    cursor_keep(bed, 2, false); /* two of them are durable, then everything dies */
    again(bed);
    assert_int_equal(bed->file->at.line, 2);
    assert_string_equal(records(bed, false), "c|d|");
    cursor_keep(bed, 0, true);
    again(bed);
    assert_string_equal(records(bed, false), "");
    append(bed, "end\n");
    assert_string_equal(records(bed, false), "end|");
}

static void a_cursor_of_another_file_is_not_taken(void **state)
{
    struct bed *bed = *state;
    append(bed, "a\nb\nc\n");
    assert_string_equal(records(bed, false), "a|b|c|");
    cursor_keep(bed, 0, true);
    rewrite(bed, "xyz\n"); /* shorter: while nobody looked */
    again(bed);
    assert_string_equal(records(bed, false), "xyz|");
    cursor_keep(bed, 0, true);
    assert_int_equal(unlink(bed->path), 0);
    append(bed, "xyz\nabc\n"); /* begins as the old one, whose inode is not free yet */
    again(bed);
    assert_string_equal(records(bed, false), "xyz|abc|");
}

/* Another name, the same file: its cursor is found by what the file is. */
static void a_renamed_file_goes_on(void **state)
{
    struct bed *bed = *state;
    char before[sizeof(bed->path)];
    append(bed, "a\nb\n");
    assert_string_equal(records(bed, false), "a|b|");
    cursor_keep(bed, 0, true);
    append(bed, "more\n");
    (void)snprintf(before, sizeof(before), "%s", bed->path);
    (void)snprintf(bed->path, sizeof(bed->path), "%s/log.1", bed->folder);
    assert_int_equal(rename(before, bed->path), 0);
    again(bed);
    assert_true(bed->file->is_renamed);
    assert_string_equal(records(bed, false), "more|");
    assert_false(followed_is_unlinked(bed->file));
    assert_int_equal(unlink(bed->path), 0);
    assert_true(followed_is_unlinked(bed->file));
}

/* A format with a state: read again from its header, what is durable passed over. */
static void a_table_goes_on_behind_its_header(void **state)
{
    struct bed *bed = *state;
    bed->source.format = format_find(SLICE("csv"));
    append(bed, "n,a\n1,x\n2,y\n");
    again(bed);
    assert_string_equal(records(bed, false), "1,x|2,y|");
    cursor_keep(bed, 0, true);
    again(bed);
    assert_string_equal(records(bed, false), "");
    append(bed, "3,z\n");
    assert_int_equal(followed_read(bed->file, &bed->block, false, NULL), ERR_OK);
    assert_int_equal(bed->block.spans.count, 1);
    assert_non_null(bed->block.spans.spans[0].header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_appended_is_read_once, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(an_unfinished_line_waits, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut_off_is_read_from_its_beginning,
                                        bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_file_that_was_written_anew_is_read_from_its_beginning,
                                        bed_open, bed_close),
        cmocka_unit_test_setup_teardown(reading_goes_on_at_the_cursor, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_cursor_of_another_file_is_not_taken, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_renamed_file_goes_on, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_table_goes_on_behind_its_header, bed_open, bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

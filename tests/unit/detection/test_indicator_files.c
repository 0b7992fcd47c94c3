/* The public indicator files that are shared beside the project: all are read but the few that are
 * wrong, and each value, standing alone in a field, is found again. Skipped without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "detection/indicator.h"
#include "formats/archive.h"

enum { SKIPPED = 77 };

static const struct {
    const char *name;
    char separator;
    uint64_t good, refused;
} files[] = {
    {"maltrail-domain.tsv.gz", '\t', 581291, 9},    {"maltrail-ipport.tsv.gz", '\t', 140013, 12},
    {"maltrail-url.tsv.gz", '\t', 82847, 2},        {"maltrail-ipv4.tsv.gz", '\t', 11466, 0},
    {"maltrail-cidr.tsv.gz", '\t', 546, 0},         {"ipsum.tsv.gz", '\t', 60123, 0},
    {"signature-base-hash-iocs.txt", ';', 1619, 0}, {"signature-base-c2-iocs.txt", ';', 897, 0}};

static char folder[4096];

static int64_t read_fd(void *context, char *to, size_t room, struct err *err)
{
    ssize_t got = read(*(int *)context, to, room);
    return got < 0 ? err_set(err, ERR_IO, "cannot read") : (int64_t)got;
}

static void file_read(struct buf *out, const char *name)
{
    char path[4200], room[65536];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t got;
    assert_true(fd >= 0);
    if (slice_ends(slice_from(name), SLICE(".gz"))) {
        struct archive_source source = {.context = &fd, .read = read_fd};
        struct archive_stream *a;
        struct slice member;
        assert_int_equal(archive_open(&a, &source, NULL), ERR_OK);
        assert_int_equal(archive_next(a, &member, NULL), ERR_OK);
        while ((got = archive_read(a, room, sizeof(room), NULL)) > 0)
            buf_append(out, room, (size_t)got);
        archive_close(&a);
    } else {
        while ((got = read_fd(&fd, room, sizeof(room), NULL)) > 0)
            buf_append(out, room, (size_t)got);
    }
    assert_int_equal(got, 0);
    (void)close(fd);
}

static void file_load(struct indicator_builder *b, size_t file)
{
    struct arena arena = {0};
    struct buf text = {0};
    uint64_t good = 0, refused = 0;
    file_read(&text, files[file].name);
    for (struct slice rest = buf_as_slice(&text); rest.len > 0;) {
        struct slice line = slice_cut(&rest, '\n');
        struct indicator i = {
            .source = slice_from(files[file].name), .from_ns = CLOCK_NONE, .until_ns = CLOCK_NONE};
        if (line.len == 0 || line.data[0] == '#')
            continue;
        struct slice value = slice_cut(&line, files[file].separator);
        arena_reset(&arena);
        if (indicator_parse(&i, value, INDICATOR_TYPES, &arena, NULL) != ERR_OK) {
            refused++;
            continue;
        }
        good++;
        assert_int_equal(indicator_builder_add(b, &i, NULL), ERR_OK);
    }
    assert_int_equal(good, files[file].good);
    assert_int_equal(refused, files[file].refused);
    buf_free(&text);
    arena_free(&arena);
}

struct wanted {
    const struct indicator_table *table;
    uint64_t number;
    bool found;
};

static void hit_take(void *context, uint64_t number, const struct sight *sight)
{
    struct wanted *w = context;
    w->found = w->found || (number == w->number && sight);
}

static void sight_take(void *context, const struct sight *sight)
{
    struct wanted *w = context;
    indicator_table_match(w->table, sight, CLOCK_NONE, hit_take, w);
}

static void all_are_read_and_found_again(void **state)
{
    (void)state;
    struct indicator_builder *b = indicator_builder_open();
    struct buf bytes = {0};
    struct wanted w = {0};
    struct indicator_table *table;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        file_load(b, i);
    indicator_builder_finish(b, &bytes);
    indicator_builder_close(&b);
    assert_int_equal(indicator_table_open(&table, buf_as_slice(&bytes), NULL), ERR_OK);
    w.table = table;
    for (w.number = 0; w.number < indicator_table_count(table); w.number++) {
        struct indicator i;
        indicator_table_get(table, w.number, &i);
        struct slice value = i.value;
        if (i.type == INDICATOR_CIDR)
            value.len = slice_find_char(value, '/');
        w.found = false;
        sight_scan(value, sight_take, &w);
        if (!w.found)
            print_error("not found again: %.*s\n", (int)i.value.len, i.value.data);
        assert_true(w.found);
    }
    indicator_table_close(&table);
    buf_free(&bytes);
}

int main(void)
{
    const char *shared = getenv("CANH_SHARED");
    (void)snprintf(folder, sizeof(folder), "%s/intel/indicators",
                   shared ? shared : CANH_SOURCE "/../shared");
    if (access(folder, R_OK) != 0) {
        puts("skipped: shared data not found");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_are_read_and_found_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

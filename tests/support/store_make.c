#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const partitions[STORE_MAKE_PARTITIONS] = {"windows", "linux", "_findings"};

static int entry_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void store_make_remove(const char *folder)
{
    (void)nftw(folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

void store_make_folder(struct store_make *m, uint64_t seed)
{
    const char *base = getenv("TMPDIR");
    *m = (struct store_make){
        .random = {seed},
        .now_ns = STORE_MAKE_START_NS,
        .options = {.write = true, .sign = true, .journal_file_bytes = (uint64_t)256 << 10}};
    (void)snprintf(m->folder, sizeof m->folder, "%s/canh-store-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(m->folder));
    m->writer = batch_writer_open();
}

void store_make_on(struct store_make *m, struct disk *disk, uint64_t seed)
{
    *m = (struct store_make){
        .random = {seed},
        .now_ns = STORE_MAKE_START_NS,
        .folder = "simulated",
        .options = {.write = true, .disk = disk, .journal_file_bytes = (uint64_t)128 << 10}};
    m->writer = batch_writer_open();
    store_make_start(m, true);
}

void store_make_start(struct store_make *m, bool write)
{
    struct err err = {0};
    m->options.write = write;
    if (store_open(&m->store, m->folder, &m->options, &err) != ERR_OK)
        fail_msg("store_open: %s", err.text);
}

void store_make_stop(struct store_make *m)
{
    store_close(&m->store);
}

void store_make_open(struct store_make *m, uint64_t seed)
{
    store_make_folder(m, seed);
    store_make_start(m, true);
}

void store_make_close(struct store_make *m)
{
    store_close(&m->store);
    batch_free(&m->batch);
    batch_writer_close(&m->writer);
    record_free(&m->record);
    if (!m->options.disk)
        store_make_remove(m->folder);
}

static void row_append(struct store_make *m)
{
    struct err err = {0};
    uint32_t context, index, partition = random_below(&m->random, STORE_MAKE_PARTITIONS);
    struct row_context about = {.partition = slice_from(partitions[partition]),
                                .source = SLICE("dc01"),
                                .file = SLICE("a.ndjson"),
                                .mapping = SLICE("sysmon"),
                                .mapping_version = 1 + random_below(&m->random, 2)};
    random_record(&m->random, &m->record);
    int64_t time_ns = random_below(&m->random, 9) == 0 ? CLOCK_NONE : m->now_ns - 1000000;
    assert_int_equal(batch_context(m->writer, &about, &context, &err), ERR_OK);
    assert_int_equal(batch_add(m->writer, context, time_ns, m->rows, &m->record, &index, &err),
                     ERR_OK);
    m->rows++;
}

void store_make_rows(struct store_make *m, uint64_t rows)
{
    struct err err = {0};
    while (rows) {
        uint64_t sequence, count = 1 + random_below(&m->random, STORE_MAKE_GROUP_ROWS);
        count = count < rows ? count : rows;
        batch_begin(m->writer, m->now_ns, true);
        for (uint64_t i = 0; i < count; i++)
            row_append(m);
        batch_end(m->writer, &m->batch);
        struct store_group group = {.batches = &m->batch, .batch_count = 1, .now_ns = m->now_ns};
        if (store_append(m->store, &group, &sequence, &err) != ERR_OK)
            fail_msg("store_append: %s", err.text);
        m->now_ns += STORE_MAKE_STEP_NS;
        if (store_tick(m->store, m->now_ns, &err) != ERR_OK)
            fail_msg("store_tick: %s", err.text);
        rows -= count;
    }
}

void store_make_seal(struct store_make *m)
{
    struct err err = {0};
    if (store_seal(m->store, m->now_ns, &err) != ERR_OK)
        fail_msg("store_seal: %s", err.text);
}

static void problem_print(void *context, const char *problem)
{
    if (*(bool *)context)
        print_message("problem: %s\n", problem);
}

uint64_t store_make_problems(struct store *store, bool print)
{
    struct err err = {0};
    struct store_verified out;
    int rc = store_verify(store, SLICE(""), problem_print, &print, &out, &err);
    if (rc && print)
        print_message("store_verify: %s\n", err.text);
    return rc ? 1 : out.problems;
}

struct digesting {
    struct digester *digester;
    struct buf text;
};

static int row_digest_add(void *context, const struct row *row)
{
    struct digesting *d = context;
    buf_clear(&d->text);
    buf_printf(&d->text, "%llu\n", (unsigned long long)row->sequence);
    row_canonical(row, &d->text);
    digester_add(d->digester, d->text.data, d->text.len);
    return ERR_OK;
}

struct digest store_make_digest(struct store *store, uint64_t last_sequence)
{
    struct digesting d = {.digester = digester_open()};
    struct err err = {0};
    for (uint64_t i = 1; i <= last_sequence; i++) {
        int rc = store_get(store, i, row_digest_add, &d, &err);
        if (rc && rc != ERR_NOT_FOUND)
            fail_msg("store_get: %s", err.text);
    }
    struct digest digest = digester_end(d.digester);
    digester_close(&d.digester);
    buf_free(&d.text);
    return digest;
}

static struct {
    const char *end;
    uint32_t count;
} counting; /* nftw has no context */

static int entry_count(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    counting.count += kind == FTW_F && slice_ends(slice_from(path), slice_from(counting.end));
    return 0;
}

uint32_t store_make_files(const struct store_make *m, const char *end)
{
    counting.end = end;
    counting.count = 0;
    assert_int_equal(nftw(m->folder, entry_count, 16, FTW_PHYS), 0);
    return counting.count;
}

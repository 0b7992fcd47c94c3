#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/import_run.h"
#include "store/store_backend.h"

enum { FILES = 10, FILE_RECORDS = 20, RECORDS = FILES * FILE_RECORDS, REFUSED = FILES };

/* A store in memory: it counts, keeps the carry, and can fail or stop the run at a group. */
struct memory {
    struct carry *carry;
    uint64_t next_sequence;
    uint64_t events, findings, refused, groups;
    uint64_t full_at, stop_at; /* which append of all; 0: none */
    uint64_t expires;
    const struct store_policy *policies; /* the run's */
    uint64_t appends, seals;
};

static int memory_append(void *self, const struct store_group *group, uint64_t *first,
                         struct err *err)
{
    struct memory *m = self;
    m->appends++;
    if (m->appends == m->full_at)
        return err_set(err, ERR_FULL, "no room");
    if (m->appends == m->stop_at)
        (void)import_run_stop();
    *first = m->next_sequence;
    for (uint32_t b = 0; b < group->batch_count; b++) {
        const struct batch *batch = &group->batches[b];
        for (uint32_t i = 0; i < batch->row_count; i++) {
            struct slice partition = batch->partitions[batch->partition[i]];
            m->findings += slice_equal(partition, ROW_FINDINGS);
            m->refused += slice_equal(partition, ROW_REFUSED);
            m->events += slice_equal(partition, SLICE("main"));
        }
        m->next_sequence += batch->row_count;
    }
    m->groups++;
    return carry_apply(m->carry, group->carry, err);
}

static uint64_t memory_next_sequence(void *self)
{
    return ((const struct memory *)self)->next_sequence;
}

static uint32_t memory_epoch(const void *self)
{
    (void)self;
    return 1;
}

static const struct carry *memory_carry(const void *self)
{
    return ((const struct memory *)self)->carry;
}

static int memory_tick(void *self, int64_t now_ns, struct err *err)
{
    (void)self;
    (void)now_ns;
    (void)err;
    return ERR_OK;
}

static bool memory_wants_seal(void *self, int64_t now_ns)
{
    (void)self;
    (void)now_ns;
    return false;
}

static int memory_seal(void *self, int64_t now_ns, struct err *err)
{
    (void)now_ns;
    (void)err;
    ((struct memory *)self)->seals++;
    return ERR_OK;
}

static int memory_expire(void *self, const struct store_policy *policies, uint32_t count,
                         int64_t now_ns, bool dry_run, store_expire_visit *visit, void *context,
                         struct store_expired *out, struct err *err)
{
    struct memory *m = self;
    (void)now_ns;
    (void)visit;
    (void)context;
    (void)err;
    assert_ptr_equal(policies, m->policies);
    assert_int_equal(count, 1);
    assert_false(dry_run);
    m->expires++;
    out->segments = 1;
    return ERR_OK;
}

static int memory_stat(void *self, struct store_stats *out, struct err *err)
{
    (void)self;
    (void)err;
    *out = (struct store_stats){0};
    return ERR_OK;
}

static void memory_close(void *self)
{
    (void)self;
}

static const struct store_calls memory_calls = {
    .close = memory_close,
    .append = memory_append,
    .next_sequence = memory_next_sequence,
    .epoch = memory_epoch,
    .carry = memory_carry,
    .tick = memory_tick,
    .wants_seal = memory_wants_seal,
    .seal = memory_seal,
    .expire = memory_expire,
    .stat = memory_stat,
};

struct world {
    char folder[64], rules[96], logs[96];
    struct memory memory;
    struct store *store;
    struct detector detector;
    struct import_result result;
};

static const char rules_text[] = "title: Hit\n"
                                 "name: hit\n"
                                 "logsource: {category: test}\n"
                                 "detection:\n"
                                 "    a: {a: hit}\n"
                                 "    condition: a\n"
                                 "---\n"
                                 "title: Many\n"
                                 "correlation:\n"
                                 "    type: event_count\n"
                                 "    rules: [hit]\n"
                                 "    group-by: [user]\n"
                                 "    timespan: 10m\n"
                                 "    generate: true\n"
                                 "    condition: {gte: 15}\n";
/* One hit in four records; each of two users reaches 15 and, a run of it being one finding, the
 * time between them decides how often it begins again. */
enum { HITS = RECORDS / 4 };

static void write_file(const char *path, const char *text, const char *mode)
{
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int world_open(void **state)
{
    struct world *w = mem_zeroed(1, sizeof(*w));
    struct err err = {0};
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/canh-import-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->rules, sizeof(w->rules), "%s/rules.yml", w->folder);
    (void)snprintf(w->logs, sizeof(w->logs), "%s/logs", w->folder);
    write_file(w->rules, rules_text, "wb");
    char path[256];
    assert_int_equal(mkdir(w->logs, 0700), 0);
    for (int f = 0, n = 0; f < FILES; f++) {
        (void)snprintf(path, sizeof(path), "%s/%02d.ndjson", w->logs, f);
        for (int i = 0; i < FILE_RECORDS; i++, n++) {
            char line[160];
            (void)snprintf(line, sizeof(line),
                           "{\"n\":%d,\"time\":\"2026-11-22T10:%02d:%02dZ\",\"user\":\"u%d\","
                           "\"a\":\"%s\"}\n",
                           n, n / 60, n % 60, n / 4 % 2, n % 4 ? "no" : "hit");
            write_file(path, line, "ab");
        }
        write_file(path, "{\"n\":no}\n", "ab");
    }
    const char *rules[] = {w->rules};
    struct option_list list = {rules, 1};
    struct detector_options options = {.rule_paths = &list, .routing = true};
    assert_int_equal(detector_open(&w->detector, &options, &err), ERR_OK);
    w->memory.carry = carry_open();
    w->memory.next_sequence = 1;
    w->store = store_wrap(&memory_calls, &w->memory);
    *state = w;
    return 0;
}

static int world_close(void **state)
{
    struct world *w = *state;
    char path[160];
    for (int f = 0; f < FILES; f++) {
        (void)snprintf(path, sizeof(path), "%s/%02d.ndjson", w->logs, f);
        (void)unlink(path);
    }
    (void)rmdir(w->logs);
    (void)unlink(w->rules);
    (void)rmdir(w->folder);
    store_close(&w->store);
    detector_close(&w->detector);
    carry_close(&w->memory.carry);
    mem_free(w);
    return 0;
}

static int run(struct world *w, uint32_t threads, bool again, struct err *err)
{
    static const struct origin source = {.partition = {"main", 4},
                                         .name = {"", 0},
                                         .system = {"", 0},
                                         .unit = {"", 0},
                                         .configured = {"", 0},
                                         .flags = ROW_HISTORICAL};
    const char *paths[] = {w->logs};
    struct import_run_options options = {.store = w->store,
                                         .detector = &w->detector,
                                         .source = &source,
                                         .input = {.paths = paths, .path_count = 1},
                                         .out_fd = -1,
                                         .threads = threads,
                                         .group_bytes = 1,
                                         .seal_bytes = 1 << 20,
                                         .again = again,
                                         .policies = w->memory.policies,
                                         .policy_count = w->memory.policies ? 1 : 0};
    return import_run(&options, &w->result, err);
}

static void test_everything_is_stored_once(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_int_equal(run(w, 2, false, &err), ERR_OK);
    assert_int_equal(w->memory.events, RECORDS);
    assert_int_equal(w->memory.refused, REFUSED);
    assert_true(w->memory.findings > HITS);
    assert_int_equal(w->memory.seals, 1);
    assert_int_equal(w->result.counts.events, RECORDS);
    assert_int_equal(w->result.counts.findings, w->memory.findings);
    assert_int_equal(w->result.counts.first_sequence, 1);
    assert_int_equal(run(w, 2, false, &err), ERR_OK);
    assert_int_equal(w->memory.events, RECORDS);
    assert_int_equal(w->result.passed_over, FILES);
    assert_int_equal(run(w, 1, true, &err), ERR_OK);
    assert_int_equal(w->memory.events, 2 * RECORDS);
    assert_int_equal(w->result.counts.findings * 2, w->memory.findings);
}

static void test_the_run_leaves_nothing_in_the_carry(void **state)
{
    struct world *w = *state;
    struct carry_stats stats;
    struct err err = {0};
    w->memory.stop_at = 4;
    assert_int_equal(run(w, 1, false, &err), ERR_OK);
    carry_stats(w->memory.carry, &stats);
    assert_true(stats.inputs > 0);
    w->memory.stop_at = 0;
    assert_int_equal(run(w, 1, false, &err), ERR_OK);
    carry_stats(w->memory.carry, &stats);
    assert_int_equal(stats.inputs, 0);
    assert_int_equal(stats.cursors, FILES);
    const uint64_t *counters = carry_counters(w->memory.carry, SLICE("import"));
    assert_non_null(counters);
    assert_int_equal(counters[0], RECORDS + REFUSED);
    assert_int_equal(counters[1], RECORDS);
    assert_int_equal(counters[2], REFUSED);
    assert_int_equal(counters[3], w->memory.findings);
}

/* Stopped behind each group in turn, and refused room at each: in the end all is the same. */
static void test_a_run_goes_on_where_it_ended(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_int_equal(run(w, 1, false, &err), ERR_OK);
    uint64_t findings = w->memory.findings, groups = w->memory.groups;
    assert_true(groups >= FILES);
    for (uint64_t at = 1; at <= groups; at++) {
        for (int full = 0; full < 2; full++) {
            carry_close(&w->memory.carry);
            w->memory = (struct memory){.carry = carry_open(), .next_sequence = 1};
            w->memory.full_at = full ? at : 0;
            w->memory.stop_at = full ? 0 : at;
            int rc = run(w, 1 + (uint32_t)at % 2, false, &err);
            assert_int_equal(rc, full ? ERR_FULL : ERR_OK);
            assert_int_equal(w->result.counts.events, w->memory.events);
            assert_int_equal(w->result.counts.findings, w->memory.findings);
            assert_int_equal(run(w, 1, false, &err), ERR_OK);
            assert_int_equal(w->memory.events, RECORDS);
            assert_int_equal(w->memory.refused, REFUSED);
            assert_int_equal(w->memory.findings, findings);
        }
    }
}

/* A full disk makes the run seal and drop what the policies do not keep; then it goes on. */
static void test_a_full_disk_makes_room_by_policy(void **state)
{
    static const struct store_policy policies[1] = {{.keep_ns = 1}};
    struct world *w = *state;
    struct err err = {0};
    w->memory.policies = policies;
    w->memory.full_at = 3;
    assert_int_equal(run(w, 1, false, &err), ERR_OK);
    assert_int_equal(w->memory.expires, 1);
    assert_int_equal(w->memory.events, RECORDS);
    assert_int_equal(w->memory.refused, REFUSED);
}

static uint64_t opened_as(struct import_cursors *c, struct input_file *file, struct slice head,
                          uint64_t size_bytes)
{
    struct input_opened opened = {
        .file = file, .path = file->name, .size_bytes = size_bytes, .head = head};
    return import_cursor_opened(c, &opened);
}

static void cursors_keep(struct import_cursors *c, struct carry *carry, uint64_t records, bool done)
{
    struct buf items = {0};
    c->files[0]->records = records;
    c->files[0]->done = done;
    c->files[0]->changed = true;
    import_cursor_put(c->files[0], &items);
    assert_int_equal(carry_apply(carry, buf_as_slice(&items), NULL), ERR_OK);
    buf_free(&items);
}

static void test_a_file_is_known_by_its_head(void **state)
{
    struct carry *carry = carry_open();
    struct import_cursors c = {.carry = carry};
    struct input_file file = {.name = "/nowhere/a.log"};
    (void)state;
    assert_int_equal(opened_as(&c, &file, SLICE("one\n"), 4), 0);
    cursors_keep(&c, carry, 1, true);
    assert_true(opened_as(&c, &file, SLICE("one\n"), 4) == INPUT_PASS_OVER);
    assert_int_equal(opened_as(&c, &file, SLICE("one\ntwo\n"), 8), 1);
    assert_int_equal(opened_as(&c, &file, SLICE("other\n"), 6), 0);
    assert_int_equal(opened_as(&c, &file, SLICE("on"), 2), 0);
    cursors_keep(&c, carry, 0, false);
    struct input_file standard = {.name = "-"};
    assert_int_equal(opened_as(&c, &standard, SLICE("one\n"), 4), 0);
    assert_int_equal(c.files[0]->cursor.len, 0);
    import_cursors_free(&c);
    carry_close(&carry);
}

/* The counters before an EVTX file's first record change while it grows. */
static void test_an_evtx_file_is_known_by_its_first_record(void **state)
{
    enum { RECORD_AT = 4608, RECORD_BYTES = 64, HEAD_BYTES = RECORD_AT + 2 * RECORD_BYTES };
    char head[HEAD_BYTES] = "ElfFile";
    struct slice text = {head, sizeof(head)};
    struct carry *carry = carry_open();
    struct import_cursors c = {.carry = carry};
    struct input_file file = {.name = "/nowhere/a.evtx"};
    (void)state;
    head[RECORD_AT] = head[RECORD_AT + 1] = '*';
    head[RECORD_AT + 4] = RECORD_BYTES;
    assert_int_equal(opened_as(&c, &file, text, 4), 0);
    cursors_keep(&c, carry, 7, true);
    head[100]++;
    head[RECORD_AT + RECORD_BYTES]++;
    assert_int_equal(opened_as(&c, &file, text, 5), 7);
    head[RECORD_AT + 20]++;
    assert_int_equal(opened_as(&c, &file, text, 6), 0);
    import_cursors_free(&c);
    carry_close(&carry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_is_stored_once, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_the_run_leaves_nothing_in_the_carry, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_a_run_goes_on_where_it_ended, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_full_disk_makes_room_by_policy, world_open,
                                        world_close),
        cmocka_unit_test(test_a_file_is_known_by_its_head),
        cmocka_unit_test(test_an_evtx_file_is_known_by_its_first_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

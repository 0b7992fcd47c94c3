#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "unit/program/commit_bed.h"

static int partition_check(void *context, const struct row *row)
{
    assert_true(slice_equal(row->context->partition, slice_from(context)));
    assert_int_equal(row->context->flags & ROW_HISTORICAL, 0);
    return ERR_OK;
}

static void an_honest_haul_is_stored_with_its_finding(void **state)
{
    static char apps[] = "apps", findings[] = "_findings";
    struct bed *bed = *state;
    honest(bed);
    bed->head.cursors[0] = (struct haul_cursor){SLICE("follow:/var/log/x"), SLICE("1 2")};
    bed->head.cursor_count = 1;
    assert_int_equal(commit(bed), ERR_OK);
    assert_int_equal(bed->haul.stored, 2);
    assert_int_equal(bed->haul.findings, 1);
    assert_int_equal(bed->haul.first_sequence, 1);
    struct store *store = engine_commit_store(bed->commit);
    assert_int_equal(store_next_sequence(store), 4);
    assert_int_equal(store_get(store, 1, partition_check, apps, NULL), ERR_OK);
    assert_int_equal(store_get(store, 3, partition_check, findings, NULL), ERR_OK);
    engine_commit_close(&bed->commit);
    commit_open(bed);
    const struct carry *carry = store_carry(engine_commit_store(bed->commit));
    assert_true(slice_equal(carry_cursor(carry, SLICE("follow:/var/log/x")), SLICE("1 2")));
    assert_int_equal(carry_counters(carry, SLICE("live/app"))[0], 2);
}

static void what_intake_may_not_say_is_refused(void **state)
{
    struct bed *bed = *state;
    struct row_context *c = &bed->context;
    for (int lie = 0; lie < 13; lie++) {
        honest(bed);
        switch (lie) {
        case 0:
            c->partition = SLICE("_findings");
            break;
        case 1:
            c->partition = SLICE("main");
            break;
        case 2:
            c->source = SLICE("other");
            break;
        case 3:
            c->unit = SLICE("V");
            break;
        case 4:
            c->system = SLICE("");
            break;
        case 5:
            c->flags = ROW_INTERNAL;
            break;
        case 6:
            c->flags = ROW_HISTORICAL;
            break;
        case 7:
            c->configured = SLICE("x//");
            break;
        case 8:
            c->file = SLICE("elsewhere");
            break;
        case 9:
            bed->head.source = SLICE("nobody");
            break;
        case 10:
            bed->head.listener = SLICE("other");
            break;
        case 11:
            bed->head.cursors[0] = (struct haul_cursor){SLICE("import:/x"), SLICE("1")};
            bed->head.cursor_count = 1;
            break;
        default:
            bed->items->items[0].kind = HARVEST_INPUT;
            break;
        }
        assert_int_equal(commit(bed), ERR_DAMAGED);
        assert_true(bed->haul.err.text[0]);
    }
    assert_int_equal(next_sequence(bed), 1);
    honest(bed);
    assert_int_equal(commit(bed), ERR_OK);
}

static void a_source_has_its_own_listeners_and_files(void **state)
{
    struct bed *bed = *state;
    honest(bed);
    bed->head.source = bed->context.source = SLICE("files");
    bed->head.listener = bed->context.file = SLICE("/var/log/x");
    bed->context.partition = SLICE("main");
    bed->context.unit = bed->context.system = SLICE("");
    assert_int_equal(commit(bed), ERR_OK);
    honest(bed);
    bed->head.source = bed->context.source = SLICE("other");
    bed->context.partition = SLICE("main");
    bed->context.unit = bed->context.system = SLICE("");
    assert_int_equal(commit(bed), ERR_DAMAGED);
}

static void a_reader_brings_history_of_its_source_only(void **state)
{
    struct bed *bed = *state;
    honest(bed);
    bed->haul.historical = true;
    bed->haul.import_source = SLICE("app");
    assert_int_equal(commit(bed), ERR_DAMAGED);
    honest(bed);
    bed->haul.historical = true;
    bed->haul.import_source = SLICE("app");
    bed->context.flags = ROW_HISTORICAL;
    assert_int_equal(commit(bed), ERR_OK);
    honest(bed);
    bed->haul.historical = true;
    bed->haul.import_source = SLICE("other");
    bed->context.flags = ROW_HISTORICAL;
    assert_int_equal(commit(bed), ERR_DAMAGED);
}

/* How far its file is read: of that file and the members in it, of no other. */
static void a_reader_has_cursors_of_its_file_only(void **state)
{
    static const struct {
        const char *name;
        int rc;
    } cursors[] = {{"import:app@1.2", ERR_OK},         {"import:app@1.2!a/b", ERR_OK},
                   {"import:app@1.23", ERR_DAMAGED},   {"import:app@1.3", ERR_DAMAGED},
                   {"follow:/var/log/x", ERR_DAMAGED}, {"seen:app/", ERR_DAMAGED}};
    struct bed *bed = *state;
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        honest(bed);
        bed->haul.historical = true;
        bed->haul.import_source = SLICE("app");
        bed->haul.import_cursor = SLICE("import:app@1.2");
        bed->context.flags = ROW_HISTORICAL;
        bed->head.cursors[0] = (struct haul_cursor){slice_from(cursors[i].name), SLICE("1")};
        bed->head.cursor_count = 1;
        assert_int_equal(commit(bed), cursors[i].rc);
    }
    honest(bed);
    bed->haul.historical = true;
    bed->haul.import_source = SLICE("app");
    bed->context.flags = ROW_HISTORICAL;
    bed->head.cursors[0] = (struct haul_cursor){SLICE("import:app@1.2"), SLICE("1")};
    bed->head.cursor_count = 1;
    assert_int_equal(commit(bed), ERR_DAMAGED);
}

/* Imports are no sign that anything is watched. */
static void live_events_are_seen(void **state)
{
    struct bed *bed = *state;
    struct engine_seen_figures f;
    honest(bed);
    bed->haul.historical = true;
    bed->haul.import_source = SLICE("app");
    bed->context.flags = ROW_HISTORICAL;
    assert_int_equal(commit(bed), ERR_OK);
    engine_seen_of(engine_commit_seen(bed->commit), SLICE("app"), SLICE(""), &f);
    assert_int_equal(f.newest_ns, CLOCK_NONE);
    honest(bed);
    assert_int_equal(commit(bed), ERR_OK);
    engine_commit_close(&bed->commit);
    commit_open(bed);
    engine_seen_of(engine_commit_seen(bed->commit), SLICE("app"), SLICE("in"), &f);
    assert_int_equal(f.stored, 2);
    assert_int_equal(f.stored_since_start, 0);
    assert_true(f.newest_ns > 0);
}

static void other_rules_are_no_attack(void **state)
{
    struct bed *bed = *state;
    honest(bed);
    bed->head.rules++;
    bed->items->items[0].rule = 9;
    assert_int_equal(commit(bed), ERR_UNSUPPORTED);
    assert_int_equal(next_sequence(bed), 1);
}

/* One forged haul among honest ones, and memory that was cut off. */
static void others_of_the_group_are_stored(void **state)
{
    struct bed *bed = *state;
    struct buf bytes = {0};
    honest(bed);
    packed(bed, &bytes);
    size_t good = bytes.len;
    bed->context.partition = SLICE("main");
    packed(bed, &bytes);
    assert_int_equal(pwrite(bed->fd, bytes.data, bytes.len, 0), bytes.len);
    struct engine_haul first = {.fd = bed->fd, .bytes = (uint32_t)good}, last = first;
    struct engine_haul forged = {
        .fd = bed->fd, .offset = good, .bytes = (uint32_t)(bytes.len - good)};
    struct engine_haul cut = {.fd = bed->fd, .offset = bytes.len, .bytes = 100};
    struct engine_haul *hauls[] = {&first, &forged, &cut, &last};
    engine_commit_group(bed->commit, hauls, 4);
    assert_int_equal(first.rc, ERR_OK);
    assert_int_equal(forged.rc, ERR_DAMAGED);
    assert_int_equal(cut.rc, ERR_DAMAGED);
    assert_int_equal(last.rc, ERR_OK);
    assert_int_equal(last.first_sequence, 3);
    assert_int_equal(next_sequence(bed), 1 + 4 + 2);
    buf_free(&bytes);
}

/* Until the store takes it again, which it does by itself. */
static void commit_until_stored(struct bed *bed)
{
    for (int i = 0; i < 600; i++) {
        honest(bed);
        if (commit(bed) == ERR_OK)
            return;
        assert_true(bed->haul.err.text[0]);
        (void)usleep(100000);
    }
    fail_msg("the store never came back");
}

static void a_store_that_fails_comes_back(void **state)
{
    struct bed *bed = *state;
    struct err err;
    struct disk *disk = disk_sim_open(1);
    engine_commit_close(&bed->commit);
    bed->store.disk = disk;
    bed->store.journal_file_bytes = 64 << 10;
    commit_open(bed);
    honest(bed);
    assert_int_equal(commit(bed), ERR_OK);
    uint64_t before = next_sequence(bed);
    disk_sim_fail_at(disk, DISK_SIM_SYNC, 1); /* of the journal, and of the file after it */
    disk_sim_fail_at(disk, DISK_SIM_WRITE, 2);
    honest(bed);
    assert_int_equal(commit(bed), ERR_IO);
    assert_false(engine_commit_ok(bed->commit, &err));
    commit_until_stored(bed);
    assert_true(engine_commit_ok(bed->commit, &err));
    assert_true(next_sequence(bed) >= before + 3);
    disk_sim_capacity(disk, disk_sim_used(disk));
    int rc = ERR_OK;
    for (int i = 0; i < 10000 && rc == ERR_OK; i++) {
        honest(bed);
        rc = commit(bed);
    }
    assert_int_equal(rc, ERR_FULL);
    uint64_t full = next_sequence(bed);
    disk_sim_capacity(disk, 0);
    commit_until_stored(bed);
    assert_int_equal(next_sequence(bed), full + 3);
    engine_commit_close(&bed->commit);
    disk_sim_close(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_honest_haul_is_stored_with_its_finding, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(what_intake_may_not_say_is_refused, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_source_has_its_own_listeners_and_files, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(a_reader_brings_history_of_its_source_only, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(a_reader_has_cursors_of_its_file_only, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(live_events_are_seen, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(other_rules_are_no_attack, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(others_of_the_group_are_stored, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_store_that_fails_comes_back, bed_open, bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

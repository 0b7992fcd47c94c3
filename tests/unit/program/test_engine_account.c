#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/program/commit_bed.h"

static const struct ledger_figures *ever(struct bed *bed, struct slice source,
                                         struct ledger_totals *totals)
{
    (void)ledger_of(engine_commit_ledger(bed->commit), source, totals);
    return &totals->ever;
}

static void every_record_of_live_hauls_is_booked(void **state)
{
    struct bed *bed = *state;
    struct ledger_totals t;
    honest(bed);
    bed->head.figures.counts[LEDGER_RECEIVED] = 6;
    bed->head.figures.counts[LEDGER_JOINED] = 1;
    bed->head.figures.counts[LEDGER_DUPLICATE] = 2;
    harvest_refuse(bed->items, LEDGER_REFUSED_PARSE, 3, SLICE("no JSON"), SLICE("x"));
    assert_int_equal(commit(bed), ERR_OK);
    const struct ledger_figures *f = ever(bed, SLICE("app"), &t);
    assert_int_equal(f->counts[LEDGER_STORED], 2);
    assert_int_equal(f->counts[LEDGER_REFUSED_PARSE], 1);
    assert_int_equal(f->counts[LEDGER_FINDINGS], 1);
    assert_int_equal(ledger_unaccounted(f), 0);
    honest(bed);
    bed->haul.historical = true;
    bed->haul.import_source = SLICE("app");
    bed->context.flags = ROW_HISTORICAL;
    assert_int_equal(commit(bed), ERR_OK);
    assert_int_equal(ever(bed, SLICE("app"), &t)->counts[LEDGER_STORED], 2);
    engine_commit_close(&bed->commit);
    commit_open(bed);
    assert_int_equal(ever(bed, SLICE("app"), &t)->counts[LEDGER_RECEIVED], 6);
    assert_int_equal(t.since_start.counts[LEDGER_RECEIVED], 0);
}

static void a_haul_is_stored_once(void **state)
{
    struct bed *bed = *state;
    struct ledger_totals t;
    honest(bed);
    bed->head.lane = 7;
    bed->head.number = 1;
    assert_int_equal(commit(bed), ERR_OK);
    assert_false(bed->haul.is_repeated);
    for (int i = 0; i < 2; i++) { /* again, and again after a restart */
        honest(bed);
        bed->head.lane = 7;
        bed->head.number = 1;
        assert_int_equal(commit(bed), ERR_OK);
        assert_true(bed->haul.is_repeated);
        assert_int_equal(next_sequence(bed), 4);
        engine_commit_close(&bed->commit);
        commit_open(bed);
    }
    assert_int_equal(ever(bed, SLICE("app"), &t)->counts[LEDGER_RECEIVED], 2);
    honest(bed);
    bed->head.lane = 7;
    bed->head.number = 2;
    assert_int_equal(commit(bed), ERR_OK);
    assert_int_equal(next_sequence(bed), 7);
}

static bool has_lane(struct bed *bed, uint64_t lane)
{
    char name[HAUL_LANE_BYTES];
    const struct carry *carry = store_carry(engine_commit_store(bed->commit));
    return carry_cursor(carry, haul_lane_cursor(lane, name)).len > 0;
}

static void lane_commit(struct bed *bed, uint64_t lane, uint64_t sender)
{
    honest(bed);
    bed->head.lane = lane;
    bed->head.number = 1;
    bed->haul.sender_id = sender;
    assert_int_equal(commit(bed), ERR_OK);
}

static void lanes_go_with_their_sender(void **state)
{
    struct bed *bed = *state;
    lane_commit(bed, 1, 100);
    lane_commit(bed, 2, 100);
    engine_commit_close(&bed->commit);
    commit_open(bed);
    lane_commit(bed, 3, 100); /* it lives still */
    assert_true(has_lane(bed, 1));
    lane_commit(bed, 4, 101);
    assert_false(has_lane(bed, 1));
    assert_false(has_lane(bed, 2));
    assert_false(has_lane(bed, 3));
    assert_true(has_lane(bed, 4));
}

static void ids_set(struct bed *bed, const char *sender, const char *first, const char *second)
{
    static struct haul_id ids[2];
    honest(bed);
    ids[0] = (struct haul_id){0, slice_from(first)};
    ids[1] = (struct haul_id){1, slice_from(second)};
    bed->head.ids = ids;
    bed->head.id_count = 2;
    bed->head.sender = slice_from(sender);
}

static void known_ids_are_answered_with_their_rows(void **state)
{
    struct bed *bed = *state;
    ids_set(bed, "token:a:1", "x", "y");
    assert_int_equal(commit(bed), ERR_OK);
    uint64_t next = next_sequence(bed);
    ids_set(bed, "token:a:1", "z", "y");
    assert_int_equal(commit(bed), ERR_EXISTS);
    assert_int_equal(bed->haul.known.len, 1);
    assert_int_equal(bed->haul.known.data[0], 2);
    buf_free(&bed->haul.known);
    assert_int_equal(next_sequence(bed), next);
    ids_set(bed, "token:a:1", "z", "z"); /* twice in one haul */
    assert_int_equal(commit(bed), ERR_EXISTS);
    assert_int_equal(bed->haul.known.data[0], 2);
    buf_free(&bed->haul.known);
    ids_set(bed, "token:b:2", "x", "y"); /* another sender's are its own */
    assert_int_equal(commit(bed), ERR_OK);
    engine_commit_close(&bed->commit);
    commit_open(bed);
    ids_set(bed, "token:a:1", "x", "w");
    assert_int_equal(commit(bed), ERR_EXISTS);
    assert_int_equal(bed->haul.known.data[0], 1);
    buf_free(&bed->haul.known);
}

/* Two hauls of one group with the same ids: the first is stored, the second told. */
static void ids_are_known_to_the_group(void **state)
{
    struct bed *bed = *state;
    struct buf bytes = {0};
    ids_set(bed, "s", "x", "y");
    packed(bed, &bytes);
    assert_int_equal(pwrite(bed->fd, bytes.data, bytes.len, 0), bytes.len);
    struct engine_haul first = {.fd = bed->fd, .bytes = (uint32_t)bytes.len}, second = first;
    struct engine_haul *hauls[] = {&first, &second};
    engine_commit_group(bed->commit, hauls, 2);
    assert_int_equal(first.rc, ERR_OK);
    assert_int_equal(second.rc, ERR_EXISTS);
    assert_int_equal(second.known.data[0], 3);
    assert_int_equal(next_sequence(bed), 4);
    buf_free(&second.known);
    buf_free(&bytes);
}

static void what_a_sender_lost_is_booked(void **state)
{
    struct bed *bed = *state;
    struct ledger_totals t;
    struct engine_account_gone gone = {.id = 5, .cut = {0, 9}};
    struct engine_account_gone next = {.id = 6, .cut = {0, 4}}; /* brought nothing */
    honest(bed);
    bed->head.listener = bed->context.file = SLICE("datagrams");
    bed->head.figures.counts[LEDGER_RECEIVED] = 5;
    bed->head.figures.counts[LEDGER_DROPPED_KERNEL] = 3; /* never came to the sender */
    bed->haul.sender_id = 5;
    assert_int_equal(commit(bed), ERR_OK);
    engine_commit_close(&bed->commit);
    commit_open(bed); /* what was brought outlives an engine */
    engine_commit_gone(bed->commit, &gone);
    engine_commit_tick(bed->commit, clock_now_ns());
    const struct ledger_figures *f = ever(bed, SLICE("app"), &t);
    assert_int_equal(f->counts[LEDGER_DROPPED_ENDED], 9 - 2);
    assert_int_equal(f->counts[LEDGER_RECEIVED], 5 + 9 - 2);
    assert_int_equal(ledger_unaccounted(f), 0);
    engine_commit_close(&bed->commit);
    commit_open(bed);
    for (int i = 0; i < 2; i++) { /* once each, told by whom and when it may be */
        engine_commit_gone(bed->commit, &gone);
        engine_commit_gone(bed->commit, &next);
        engine_commit_tick(bed->commit, clock_now_ns());
        engine_commit_gone(bed->commit, &gone);
        engine_commit_tick(bed->commit, clock_now_ns());
        assert_int_equal(ever(bed, SLICE("app"), &t)->counts[LEDGER_DROPPED_ENDED], 7 + 4);
        engine_commit_close(&bed->commit);
        commit_open(bed);
    }
    assert_int_equal(ledger_unaccounted(ever(bed, SLICE("app"), &t)), 0);
}

static int hour_check(void *context, const struct row *row)
{
    uint64_t *received = context;
    struct slice value = {0};
    for (uint32_t i = 0; i < row->record->count; i++)
        if (slice_equal(row->record->fields[i].name, SLICE("received")))
            value = row->record->fields[i].value;
    assert_true(slice_equal(row->context->partition, LEDGER_PARTITION));
    assert_true(slice_equal(row->context->source, SLICE("app")));
    assert_true(slice_equal(row->context->unit, SLICE("U")));
    assert_true(slice_to_u64(value, received));
    return ERR_OK;
}

static void an_hour_that_ended_becomes_a_row(void **state)
{
    struct bed *bed = *state;
    uint64_t received = 0;
    honest(bed);
    assert_int_equal(commit(bed), ERR_OK);
    engine_commit_tick(bed->commit, clock_now_ns() + 2 * 3600 * CLOCK_SECOND_NS);
    assert_int_equal(store_get(engine_commit_store(bed->commit), 4, hour_check, &received, NULL),
                     ERR_OK);
    assert_int_equal(received, 2);
    engine_commit_tick(bed->commit, clock_now_ns() + 3 * 3600 * CLOCK_SECOND_NS);
    assert_int_equal(next_sequence(bed), 5);
}

static int health_check(void *context, const struct row *row)
{
    const char *want = context;
    bool has = false;
    assert_true(slice_equal(row->context->partition, ROW_FINDINGS));
    for (uint32_t i = 0; i < row->record->count; i++)
        has |= slice_equal(row->record->fields[i].value, slice_from(want));
    assert_true(has);
    return ERR_OK;
}

static void health_becomes_findings(void **state)
{
    static char begins[] = "canh-health-silent", ends[] = "ends";
    struct bed *bed = *state;
    struct err err;
    struct health_change change = {.at_ns = 5,
                                   .finding = {.kind = HEALTH_SILENT,
                                               .subject = SLICE("app"),
                                               .since_ns = 5,
                                               .sentence_en = SLICE("quiet"),
                                               .sentence_vi = SLICE("im")}};
    assert_int_equal(engine_commit_health(bed->commit, &change, 1, &err), ERR_OK);
    struct store *store = engine_commit_store(bed->commit);
    assert_int_equal(store_get(store, 1, health_check, begins, NULL), ERR_OK);
    assert_true(
        slice_equal(carry_cursor(store_carry(store), SLICE("health:silent/app")), SLICE("5")));
    change.ends = true;
    assert_int_equal(engine_commit_health(bed->commit, &change, 1, &err), ERR_OK);
    assert_int_equal(store_get(store, 2, health_check, ends, NULL), ERR_OK);
    assert_int_equal(carry_cursor(store_carry(store), SLICE("health:silent/app")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_record_of_live_hauls_is_booked, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_haul_is_stored_once, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(lanes_go_with_their_sender, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(known_ids_are_answered_with_their_rows, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(ids_are_known_to_the_group, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(what_a_sender_lost_is_booked, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(an_hour_that_ended_becomes_a_row, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(health_becomes_findings, bed_open, bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

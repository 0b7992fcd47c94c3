#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "program/engine_commit.h"
#include "program/engine_account.h"
#include "program/role.h"
#include "watch/rules_set.h"

static const char rule_text[] = "title: Hit\nid: 11111111-1111-4111-8111-111111111111\n"
                                "logsource: {category: test}\n"
                                "detection:\n  a: {a: hit}\n  condition: a\n";

struct bed {
    char folder[64], data[80];
    struct config *config;
    struct live live;
    uint64_t fingerprint;
    struct store_options store;
    struct store_policy policies[POLICY_MAX];
    pthread_mutex_t care;
    struct engine_watch *watch; /* NULL: nobody learns */
    struct engine_commit *commit;
    struct batch_writer *writer;
    struct harvest *items;
    struct haul_head head;
    struct row_context context;
    struct engine_haul haul;
    int fd;
};

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void commit_open(struct bed *bed)
{
    struct err err;
    (void)snprintf(bed->data, sizeof(bed->data), "%s/data", bed->folder);
    struct engine_commit_options options = {.data = bed->data,
                                            .store = &bed->store,
                                            .live = &bed->live,
                                            .policies = bed->policies,
                                            .policy_count = policy_list(bed->config, bed->policies),
                                            .seal_bytes = bed->config->store.seal_bytes,
                                            .care = &bed->care,
                                            .watch = bed->watch};
    assert_int_equal(engine_commit_open(&bed->commit, &options, &err), ERR_OK);
    engine_commit_start(bed->commit);
}

/* As the engine makes them of what canh.yaml names. */
static void rules_make(struct bed *bed)
{
    struct buf bytes = {0}, problems = {0};
    struct live_rules *made;
    struct err err;
    assert_int_equal(rules_set_make(&bed->config->rules, NULL, &bytes, &problems, &err), ERR_OK);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &bed->config->rules,
                                 .indicators.bytes = SLICE("")};
    assert_int_equal(live_compile(&bed->live, &bundle, &made, &err), ERR_OK);
    bed->fingerprint = made->fingerprint;
    live_put(&bed->live, made);
    buf_free(&bytes);
    buf_free(&problems);
}

static int bed_open(void **state)
{
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    struct buf path = {0}, yaml = {0};
    struct err err;
    (void)snprintf(bed->folder, sizeof(bed->folder), "/tmp/canh-commit-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    buf_printf(&path, "%s/rule.yml", bed->folder);
    FILE *file = fopen(buf_text(&path), "wb");
    assert_non_null(file);
    assert_true(fputs(rule_text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    buf_printf(&yaml,
               "rules: {paths: [\"%s\"]}\n"
               "sources:\n"
               "  - {name: app, category: test, partition: apps, unit: U, system: S}\n"
               "  - {name: other, category: test}\n"
               "  - {name: files, category: test, follow: [\"/var/log/x\"]}\n"
               "listeners:\n"
               "  - {name: in, source: app}\n"
               "  - {name: datagrams, kind: syslog-udp, source: app}\n",
               buf_text(&path));
    assert_int_equal(config_open_text(&bed->config, buf_as_slice(&yaml), &err), ERR_OK);
    struct live_options live = {.config = bed->config, .interpreted = true};
    assert_int_equal(live_open(&bed->live, &live, &err), ERR_OK);
    rules_make(bed);
    assert_int_equal(pthread_mutex_init(&bed->care, NULL), 0);
    bed->store = (struct store_options){.write = true};
    commit_open(bed);
    bed->writer = batch_writer_open();
    bed->items = harvest_open();
    bed->fd = memfd_create("haul", MFD_CLOEXEC);
    assert_true(bed->fd >= 0);
    buf_free(&path);
    buf_free(&yaml);
    *state = bed;
    return 0;
}

static int bed_close(void **state)
{
    struct bed *bed = *state;
    engine_commit_close(&bed->commit);
    live_close(&bed->live);
    config_close(&bed->config);
    batch_writer_close(&bed->writer);
    harvest_close(&bed->items);
    (void)close(bed->fd);
    assert_int_equal(pthread_mutex_destroy(&bed->care), 0);
    (void)nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(bed);
    return 0;
}

/* What an honest intake says of two events, the second of which a rule holds for. */
static void honest(struct bed *bed)
{
    harvest_clear(bed->items);
    bed->head =
        (struct haul_head){.rules = bed->fingerprint,
                           .figures = {.counts = {[LEDGER_RECEIVED] = 2, [LEDGER_BYTES] = 20}},
                           .source = SLICE("app"),
                           .listener = SLICE("in"),
                           .received_ns = 1};
    bed->context = (struct row_context){.partition = SLICE("apps"),
                                        .source = SLICE("app"),
                                        .system = SLICE("S"),
                                        .unit = SLICE("U"),
                                        .file = SLICE("in"),
                                        .configured = SLICE("/test/")};
    struct harvest_item *item = harvest_add(bed->items, HARVEST_FINDING);
    item->row = 1;
    item->line = 2;
    item->time_ns = 5;
    bed->haul = (struct engine_haul){.fd = bed->fd};
}

static void packed(struct bed *bed, struct buf *out)
{
    struct record record = {0};
    uint32_t number, index;
    batch_begin(bed->writer, 1, false);
    assert_int_equal(batch_context(bed->writer, &bed->context, &number, NULL), ERR_OK);
    for (uint64_t line = 1; line <= 2; line++) {
        record_reset(&record);
        assert_int_equal(record_add(&record, SLICE("a"), SLICE("hit"), VALUE_STRING, 0, NULL),
                         ERR_OK);
        assert_int_equal(batch_add(bed->writer, number, 5, line, &record, &index, NULL), ERR_OK);
    }
    assert_int_equal(
        haul_pack(&bed->head, batch_raw(bed->writer), bed->items, HAUL_SLOT_BYTES, out, NULL),
        ERR_OK);
    record_free(&record);
}

/* What the engine makes of it. */
static int commit(struct bed *bed)
{
    struct buf bytes = {0};
    struct engine_haul *hauls[] = {&bed->haul};
    packed(bed, &bytes);
    assert_int_equal(ftruncate(bed->fd, 0), 0);
    assert_int_equal(pwrite(bed->fd, bytes.data, bytes.len, 0), bytes.len);
    bed->haul.bytes = (uint32_t)bytes.len;
    engine_commit_group(bed->commit, hauls, 1);
    buf_free(&bytes);
    return bed->haul.rc;
}

static uint64_t next_sequence(struct bed *bed)
{
    return store_next_sequence(engine_commit_store(bed->commit));
}

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

/* ---- what is booked ---- */

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
    engine_commit_gone(bed->commit, &gone); /* once */
    engine_commit_close(&bed->commit);
    commit_open(bed);
    assert_int_equal(ever(bed, SLICE("app"), &t)->counts[LEDGER_DROPPED_ENDED], 7);
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

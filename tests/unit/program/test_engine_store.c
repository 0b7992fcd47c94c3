#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "program/engine_store_inside.h"

/* Two events of the source app (which are kept for an hour) or keep (for ever). */
enum { EVENTS = 2, WAIT_MS_MAX = 60000 };

struct bed {
    char folder[64], data[80];
    struct role_context context;
    struct engine engine;
    struct engine_store *store;
    struct store_sender sender;
    int fd;
    uint32_t haul_bytes[2];
};

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static uint64_t fingerprint_of(const struct live *live)
{
    struct live_rules *rules = live_take(live, 0);
    uint64_t fingerprint = rules->fingerprint;
    live_rules_unuse(&rules);
    return fingerprint;
}

/* A haul of the source, at its slot of the sender's memory. */
static void haul_write(struct bed *bed, struct slice source, uint32_t slot)
{
    struct batch_writer *writer = batch_writer_open();
    struct harvest *items = harvest_open();
    struct record record = {0};
    struct buf bytes = {0};
    struct haul_head head = {
        .rules = fingerprint_of(&bed->store->live),
        .figures = {.counts = {[LEDGER_RECEIVED] = EVENTS, [LEDGER_BYTES] = 20}},
        .source = source,
        .listener = source,
        .received_ns = clock_now_ns()};
    struct row_context context = {.partition = source,
                                  .source = source,
                                  .system = SLICE(""),
                                  .unit = SLICE(""),
                                  .file = source,
                                  .configured = SLICE("/test/")};
    uint32_t number, index;
    batch_begin(writer, 1, false);
    assert_int_equal(batch_context(writer, &context, &number, NULL), ERR_OK);
    for (uint64_t line = 1; line <= EVENTS; line++) {
        record_reset(&record);
        assert_int_equal(record_add(&record, SLICE("a"), SLICE("b"), VALUE_STRING, 0, NULL),
                         ERR_OK);
        assert_int_equal(batch_add(writer, number, 5, line, &record, &index, NULL), ERR_OK);
    }
    assert_int_equal(haul_pack(&head, batch_raw(writer), items, 1 << 16, &bytes, NULL), ERR_OK);
    assert_int_equal(pwrite(bed->fd, bytes.data, bytes.len, (off_t)slot << 16), bytes.len);
    bed->haul_bytes[slot] = (uint32_t)bytes.len;
    buf_free(&bytes);
    record_free(&record);
    harvest_close(&items);
    batch_writer_close(&writer);
}

static int bed_open(void **state)
{
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    struct err err;
    (void)snprintf(bed->folder, sizeof(bed->folder), "/tmp/canh-store-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    (void)snprintf(bed->data, sizeof(bed->data), "%s/data", bed->folder);
    assert_int_equal(mkdir(bed->data, 0700), 0);
    assert_int_equal(config_open_text(&bed->context.config,
                                      SLICE("store:\n"
                                            "  timezone: Asia/Ho_Chi_Minh\n"
                                            "  reserve_bytes: 0\n"
                                            "  partitions:\n"
                                            "    app: {keep: 1h}\n"
                                            "    keep: {keep: 100y}\n"
                                            "rules: {indicators: false}\n"
                                            "sources:\n"
                                            "  - {name: app, category: test, partition: app}\n"
                                            "  - {name: keep, category: test, partition: keep}\n"
                                            "listeners:\n"
                                            "  - {name: app, source: app}\n"
                                            "  - {name: keep, source: keep}\n"),
                                      &err),
                     ERR_OK);
    bed->context.data = bed->data;
    bed->engine.context = &bed->context;
    assert_int_equal(uv_loop_init(&bed->context.loop), 0);
    assert_int_equal(engine_store_open(&bed->store, &bed->engine, &err), ERR_OK);
    bed->fd = memfd_create("hauls", MFD_CLOEXEC);
    bed->sender.uses = 1;
    bed->sender.memory.fd = -1;
    haul_write(bed, SLICE("app"), 0);
    haul_write(bed, SLICE("keep"), 1);
    *state = bed;
    return 0;
}

static int bed_close(void **state)
{
    struct bed *bed = *state;
    engine_store_stop(bed->store);
    (void)uv_run(&bed->context.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bed->context.loop), 0);
    assert_int_equal(bed->sender.uses, 1); /* every job was given back */
    engine_store_close(&bed->store);
    config_close(&bed->context.config);
    (void)close(bed->fd);
    (void)nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(bed);
    return 0;
}

static void start(struct bed *bed)
{
    assert_int_equal(engine_store_start(bed->store, NULL), ERR_OK);
}

static void commit_again(struct bed *bed)
{
    struct engine_store *s = bed->store;
    struct engine_commit_options options = {.data = bed->data,
                                            .store = &s->store_options,
                                            .live = &s->live,
                                            .policies = s->policies,
                                            .policy_count = s->policy_count,
                                            .seal_bytes = 1 << 20,
                                            .care = &s->care};
    engine_commit_close(&s->commit);
    assert_int_equal(engine_commit_open(&s->commit, &options, NULL), ERR_OK);
}

static void put(struct bed *bed, uint32_t slot, bool historical)
{
    struct store_job *job = engine_store_job(bed->store, STORE_HAUL, &bed->sender);
    job->haul = (struct engine_haul){
        .fd = bed->fd, .offset = (uint64_t)slot << 16, .bytes = bed->haul_bytes[slot]};
    job->haul.historical = historical;
    engine_store_job_put(bed->store, job);
}

static uint64_t stored(const struct bed *bed)
{
    return metric_value(&bed->store->metrics[STORE_METRIC_STORED]);
}

static struct store_figures figures(struct bed *bed)
{
    check(pthread_mutex_lock(&bed->store->mutex) == 0);
    struct store_figures f = bed->store->figures;
    check(pthread_mutex_unlock(&bed->store->mutex) == 0);
    return f;
}

/* Lets time pass until `holds`. */
static void until(struct bed *bed, bool (*holds)(struct bed *bed))
{
    for (int ms = 0; ms < WAIT_MS_MAX; ms += 10) {
        (void)uv_run(&bed->context.loop, UV_RUN_NOWAIT);
        if (holds(bed))
            return;
        check(pthread_mutex_lock(&bed->store->mutex) == 0);
        bed->store->is_ticked = true;
        check(pthread_cond_broadcast(&bed->store->changed) == 0);
        check(pthread_mutex_unlock(&bed->store->mutex) == 0);
        (void)usleep(10000);
    }
    fail_msg("it never came to be");
}

static bool is_idle(struct bed *bed)
{
    return engine_store_idle(bed->store);
}

static void a_stop_makes_durable_what_was_handed_over(void **state)
{
    struct bed *bed = *state;
    const int hauls = 3 * ENGINE_COMMIT_HAULS_MAX + 1;
    for (int i = 0; i < hauls; i++)
        put(bed, 0, false);
    assert_false(engine_store_idle(bed->store));
    assert_int_equal(metric_value(&bed->store->metrics[STORE_METRIC_QUEUED]), hauls);
    start(bed);
    engine_store_drain(bed->store);
    engine_store_stop(bed->store);
    assert_true(engine_store_idle(bed->store));
    assert_int_equal(stored(bed), hauls * EVENTS);
    assert_int_equal(metric_value(&bed->store->metrics[STORE_METRIC_QUEUED]), 0);
    assert_int_equal(metric_value(&bed->store->metrics[STORE_METRIC_SECONDS_DURABLE]), hauls);
    assert_int_equal(metric_value(&bed->store->metrics[STORE_METRIC_SECONDS_FINDING]), 0);
    assert_true(metric_value(&bed->store->metrics[STORE_METRIC_GROUPS]) >= 4);
}

/* Live events are not kept waiting by a file that is imported. */
static void live_events_go_first(void **state)
{
    struct bed *bed = *state;
    put(bed, 1, true); /* refused: nobody asked for this source's history */
    put(bed, 0, false);
    assert_int_equal(bed->store->live_jobs.count, 1);
    assert_int_equal(bed->store->import_jobs.count, 1);
    start(bed);
    until(bed, is_idle);
    assert_int_equal(stored(bed), EVENTS);
    assert_int_equal(metric_value(&bed->store->metrics[STORE_METRIC_FORGED]), 1);
}

static bool has_failed(struct bed *bed)
{
    return figures(bed).failed;
}

static bool works(struct bed *bed)
{
    return !figures(bed).failed;
}

static void a_store_that_fails_says_so_and_comes_back(void **state)
{
    struct bed *bed = *state;
    struct engine_store *s = bed->store;
    struct disk *disk = disk_sim_open(1);
    struct buf why = {0};
    s->store_options.disk = disk;
    commit_again(bed);
    disk_sim_fail_at(disk, DISK_SIM_SYNC, 1);
    disk_sim_fail_at(disk, DISK_SIM_WRITE, 2);
    put(bed, 0, false);
    start(bed);
    until(bed, has_failed);
    until(bed, is_idle);
    assert_int_equal(stored(bed), 0);
    assert_int_equal(metric_value(&s->metrics[STORE_METRIC_FAILED]), 1);
    assert_int_equal(metric_value(&s->metrics[STORE_METRIC_OK]), 0);
    assert_string_equal(engine_store_trouble(s, &why), "store");
    assert_true(why.len > 0);
    until(bed, works);
    assert_null(engine_store_trouble(s, &why));
    put(bed, 0, false);
    until(bed, is_idle);
    assert_int_equal(stored(bed), EVENTS);
    engine_store_stop(s);
    engine_commit_close(&s->commit);
    disk_sim_close(&disk);
    buf_free(&why);
}

static uint64_t segments(struct bed *bed, const char *partition)
{
    struct store_stats stats;
    uint64_t count = 0;
    check(pthread_mutex_lock(&bed->store->care) == 0);
    assert_int_equal(store_stat(engine_commit_store(bed->store->commit), &stats, NULL), ERR_OK);
    for (uint32_t i = 0; i < stats.partition_count; i++)
        if (slice_equal(stats.partitions[i].name, slice_from(partition)))
            count = stats.partitions[i].segments;
    check(pthread_mutex_unlock(&bed->store->care) == 0);
    return count;
}

static void two_segments_of_each(struct bed *bed)
{
    engine_commit_start(bed->store->commit);
    for (int i = 0; i < 2; i++) {
        struct engine_haul app = {.fd = bed->fd, .bytes = bed->haul_bytes[0]}, keep = app;
        struct engine_haul *hauls[] = {&app, &keep};
        keep.offset = 1 << 16;
        keep.bytes = bed->haul_bytes[1];
        engine_commit_group(bed->store->commit, hauls, 2);
        assert_int_equal(app.rc, ERR_OK);
        assert_int_equal(keep.rc, ERR_OK);
        assert_int_equal(engine_commit_seal(bed->store->commit, NULL), ERR_OK);
    }
    commit_again(bed);
}

static bool is_cared_for(struct bed *bed)
{
    return segments(bed, "app") == 0 && segments(bed, "keep") == 1;
}

/* At 03:00 of the agency's zone: what is too old goes, small segments become one. */
static void the_night_cares(void **state)
{
    struct bed *bed = *state;
    const int64_t hour_ns = 3600 * CLOCK_SECOND_NS, day_ns = 24 * hour_ns;
    int64_t now_ns = clock_now_ns(), zone_ns = 7 * hour_ns;
    int64_t midnight_ns = (now_ns + zone_ns) / day_ns * day_ns - zone_ns + 10 * day_ns;
    two_segments_of_each(bed);
    assert_int_equal(segments(bed, "app"), 2);
    assert_int_equal(segments(bed, "keep"), 2);
    engine_store_tick(bed->store, midnight_ns - day_ns + 12 * hour_ns); /* the start, at noon */
    assert_false(bed->store->is_night);
    engine_store_tick(bed->store, midnight_ns + 3 * hour_ns - 1);
    assert_false(bed->store->is_night);
    engine_store_tick(bed->store, midnight_ns + 3 * hour_ns);
    assert_true(bed->store->is_night);
    start(bed);
    until(bed, is_cared_for);
    engine_store_tick(bed->store, midnight_ns + 4 * hour_ns);
    assert_false(bed->store->is_night);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stop_makes_durable_what_was_handed_over, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(live_events_go_first, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_store_that_fails_says_so_and_comes_back, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(the_night_cares, bed_open, bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

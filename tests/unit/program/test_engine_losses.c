/* A record that is lost in silence in any stage between its splitter and the store breaks the
 * ledger's equality, and is a health finding: a table of mutations, each of which loses one. The
 * linker puts the mutations into the program's own calls (--wrap, tests.cmake). */
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

#include "base/mem.h"
#include "program/engine_account.h"
#include "program/engine_commit.h"
#include "program/engine_health.h"
#include "program/role.h"
#include "watch/intake_lane.h"
#include "watch/rules_set.h"

enum { RECORDS = 6, BAD = 2, LOST = 3, STAGES_MAX = 16 }; /* record BAD is no JSON; LOST goes */

struct mutation {
    const char *name;
    const char *stage;    /* of pipeline_stages: runs for every record but LOST; NULL: below */
    bool is_without_loss; /* the record was dealt with before */
    bool batch_add, harvest_refuse, harvester_run, haul_pack, haul_unpack, batch_take;
};

static const struct mutation mutations[] = {
    {.name = "nothing", .is_without_loss = true},
    {.name = "parse", .stage = "parse"},
    {.name = "match", .stage = "match"},
    {.name = "place", .stage = "place"},
    {.name = "event", .stage = "event"},
    {.name = "found", .stage = "found", .is_without_loss = true},
    {.name = "outside", .stage = "outside", .is_without_loss = true},
    {.name = "lane: a record is cut and not judged", .harvester_run = true},
    {.name = "harvest: a row is not put into the batch", .batch_add = true},
    {.name = "harvest: a refused record is forgotten", .harvest_refuse = true},
    {.name = "haul: it goes without its rows", .haul_pack = true},
    {.name = "engine: it takes a haul without its rows", .haul_unpack = true},
    {.name = "engine: a row is dropped after it was taken", .batch_take = true},
};
static const struct mutation *mutation = &mutations[0];

/* ---- the mutations ---- */

static enum pipeline_next stage_run(struct pipeline *p, size_t at)
{
    return p->position == LOST ? PIPELINE_DONE : pipeline_stages[at].run(p);
}
static enum pipeline_next lose_0(struct pipeline *p)
{
    return stage_run(p, 0);
}
static enum pipeline_next lose_1(struct pipeline *p)
{
    return stage_run(p, 1);
}
static enum pipeline_next lose_2(struct pipeline *p)
{
    return stage_run(p, 2);
}
static enum pipeline_next lose_3(struct pipeline *p)
{
    return stage_run(p, 3);
}
static enum pipeline_next lose_4(struct pipeline *p)
{
    return stage_run(p, 4);
}
static enum pipeline_next lose_5(struct pipeline *p)
{
    return stage_run(p, 5);
}
static enum pipeline_next (*const losers[])(struct pipeline *p) = {lose_0, lose_1, lose_2,
                                                                   lose_3, lose_4, lose_5};

void __real_pipeline_open(struct pipeline *p, const struct detector *detector, int64_t near_ns);
void __wrap_pipeline_open(struct pipeline *p, const struct detector *detector, int64_t near_ns);
void __wrap_pipeline_open(struct pipeline *p, const struct detector *detector, int64_t near_ns)
{
    static struct pipeline_stage mutated[STAGES_MAX];
    size_t count = 0;
    __real_pipeline_open(p, detector, near_ns);
    for (; pipeline_stages[count].name; count++) {
        assert_true(count < sizeof(losers) / sizeof(losers[0]));
        mutated[count] = pipeline_stages[count];
        if (mutation->stage && strcmp(mutated[count].name, mutation->stage) == 0)
            mutated[count].run = losers[count];
    }
    mutated[count] = (struct pipeline_stage){0};
    p->stages = mutated;
}

void __real_harvester_run(struct harvester *w, struct workers_job *job);
void __wrap_harvester_run(struct harvester *w, struct workers_job *job);
void __wrap_harvester_run(struct harvester *w, struct workers_job *job)
{
    size_t count = job->block.spans.count;
    job->block.spans.count -= mutation->harvester_run;
    __real_harvester_run(w, job);
    job->block.spans.count = count;
}

int __real_batch_add(struct batch_writer *w, uint32_t context, int64_t time_ns, uint64_t line,
                     struct record *record, uint32_t *index, struct err *err);
int __wrap_batch_add(struct batch_writer *w, uint32_t context, int64_t time_ns, uint64_t line,
                     struct record *record, uint32_t *index, struct err *err);
int __wrap_batch_add(struct batch_writer *w, uint32_t context, int64_t time_ns, uint64_t line,
                     struct record *record, uint32_t *index, struct err *err)
{
    if (mutation->batch_add && line == LOST + 1) {
        *index = batch_rows(w) - 1;
        return ERR_OK;
    }
    return __real_batch_add(w, context, time_ns, line, record, index, err);
}

void __real_harvest_refuse(struct harvest *haul, enum ledger_count why, uint64_t line,
                           struct slice reason, struct slice text);
void __wrap_harvest_refuse(struct harvest *haul, enum ledger_count why, uint64_t line,
                           struct slice reason, struct slice text);
void __wrap_harvest_refuse(struct harvest *haul, enum ledger_count why, uint64_t line,
                           struct slice reason, struct slice text)
{
    if (!mutation->harvest_refuse)
        __real_harvest_refuse(haul, why, line, reason, text);
}

int __real_haul_pack(const struct haul_head *head, struct slice raw, const struct harvest *haul,
                     size_t max, struct buf *out, struct err *err);
int __wrap_haul_pack(const struct haul_head *head, struct slice raw, const struct harvest *haul,
                     size_t max, struct buf *out, struct err *err);
int __wrap_haul_pack(const struct haul_head *head, struct slice raw, const struct harvest *haul,
                     size_t max, struct buf *out, struct err *err)
{
    return __real_haul_pack(head, mutation->haul_pack ? SLICE("") : raw, haul, max, out, err);
}

int __real_haul_unpack(struct slice bytes, uint32_t rule_count, struct haul_head *head,
                       struct slice *raw, struct harvest *haul, struct err *err);
int __wrap_haul_unpack(struct slice bytes, uint32_t rule_count, struct haul_head *head,
                       struct slice *raw, struct harvest *haul, struct err *err);
int __wrap_haul_unpack(struct slice bytes, uint32_t rule_count, struct haul_head *head,
                       struct slice *raw, struct harvest *haul, struct err *err)
{
    int rc = __real_haul_unpack(bytes, rule_count, head, raw, haul, err);
    if (mutation->haul_unpack)
        *raw = SLICE("");
    return rc;
}

void __real_batch_take(struct batch_taker *taker, struct batch_reader *r, struct batch *out);
void __wrap_batch_take(struct batch_taker *taker, struct batch_reader *r, struct batch *out);
void __wrap_batch_take(struct batch_taker *taker, struct batch_reader *r, struct batch *out)
{
    if (mutation->batch_take)
        out->row_count = 0;
    else
        __real_batch_take(taker, r, out);
}

/* ---- a lane and an engine ---- */

struct bed {
    char folder[64], data[80];
    struct config *config;
    struct live live;
    struct store_options store;
    pthread_mutex_t care;
    struct engine_watch *watch;
    struct engine_commit *commit;
    struct intake_shared *shared;
    int memory;
    uv_loop_t loop;
    struct peer *peers[2];
    bool is_done;
    int rc;
    struct err err;
};

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* The engine's side of the wire. */
static void on_message(void *context, struct peer *peer, struct wire_message *m)
{
    struct bed *bed = context;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    uint32_t slot = bytes_take_u32(&in);
    struct engine_haul haul = {
        .fd = bed->memory, .offset = slot * HAUL_SLOT_BYTES, .bytes = bytes_take_u32(&in)};
    struct engine_haul *hauls[] = {&haul};
    struct wire_message done = {.type = MESSAGE_HAUL_DONE, .id = m->id};
    (void)peer;
    engine_commit_group(bed->commit, hauls, 1);
    bytes_put_u32(&done.payload, slot);
    bytes_put_u32(&done.payload, (uint32_t)haul.rc);
    bytes_put_text(&done.payload, slice_from(haul.rc ? haul.err.text : ""));
    bytes_put_u64(&done.payload, haul.first_sequence);
    bytes_put_u32(&done.payload, haul.stored);
    bytes_put_u32(&done.payload, haul.refused);
    message_put_long(&done.payload, buf_as_slice(&haul.known));
    assert_int_equal(intake_shared_message(bed->shared, &done, &bed->err), ERR_OK);
    buf_free(&done.payload);
    buf_free(&haul.known);
}

static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)context;
    (void)peer;
    (void)err;
}

static void rules_make(struct bed *bed)
{
    struct buf bytes = {0}, problems = {0};
    struct live_rules *made;
    assert_int_equal(rules_set_make(&bed->config->rules, NULL, &bytes, &problems, &bed->err),
                     ERR_OK);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &bed->config->rules,
                                 .indicators.bytes = SLICE("")};
    assert_int_equal(live_compile(&bed->live, &bundle, &made, &bed->err), ERR_OK);
    live_put(&bed->live, made);
    buf_free(&bytes);
    buf_free(&problems);
}

static void engine_begin(struct bed *bed)
{
    struct live_options live = {.config = bed->config, .interpreted = true, .judges = true};
    assert_int_equal(live_open(&bed->live, &live, &bed->err), ERR_OK);
    rules_make(bed);
    assert_int_equal(pthread_mutex_init(&bed->care, NULL), 0);
    bed->store = (struct store_options){.write = true};
    assert_int_equal(engine_watch_open(&bed->watch, bed->config, NULL, &bed->err), ERR_OK);
    struct engine_commit_options options = {.data = bed->data,
                                            .store = &bed->store,
                                            .live = &bed->live,
                                            .seal_bytes = bed->config->store.seal_bytes,
                                            .care = &bed->care,
                                            .watch = bed->watch};
    assert_int_equal(engine_commit_open(&bed->commit, &options, &bed->err), ERR_OK);
    engine_commit_start(bed->commit);
}

static void wire_begin(struct bed *bed)
{
    static const struct peer_calls calls = {on_message, on_closed};
    struct wire_message resume = {.type = MESSAGE_RESUME};
    int ends[2];
    bed->memory = memfd_create("hauls", MFD_CLOEXEC);
    assert_int_equal(ftruncate(bed->memory, (off_t)HAUL_SLOT_BYTES + TALLY_BYTES), 0);
    assert_int_equal(intake_shared_open(&bed->shared, bed->memory, 1, HAUL_SLOT_BYTES, NULL),
                     ERR_OK);
    assert_int_equal(uv_loop_init(&bed->loop), 0);
    assert_int_equal(wire_pair(ends, NULL), ERR_OK);
    for (int i = 0; i < 2; i++)
        bed->peers[i] = peer_open(&bed->loop, ends[i], &calls, bed);
    intake_shared_begin(bed->shared, bed->peers[0]);
    assert_int_equal(intake_shared_message(bed->shared, &resume, &bed->err), ERR_OK);
}

static void bed_begin(struct bed *bed)
{
    static const char yaml[] = "rules: {indicators: false}\n"
                               "sources:\n  - {name: app, category: test}\n"
                               "listeners:\n  - {name: in, source: app}\n";
    (void)snprintf(bed->folder, sizeof(bed->folder), "/tmp/canh-losses-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    (void)snprintf(bed->data, sizeof(bed->data), "%s/data", bed->folder);
    assert_int_equal(config_open_text(&bed->config, slice_from(yaml), &bed->err), ERR_OK);
    engine_begin(bed);
    wire_begin(bed);
}

static void bed_end(struct bed *bed)
{
    for (int i = 0; i < 2; i++)
        peer_close(&bed->peers[i]);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    intake_shared_close(&bed->shared);
    (void)close(bed->memory);
    engine_commit_close(&bed->commit);
    engine_watch_close(&bed->watch);
    live_close(&bed->live);
    config_close(&bed->config);
    assert_int_equal(pthread_mutex_destroy(&bed->care), 0);
    (void)nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void *lane_run(void *context)
{
    static const char *const texts[RECORDS] = {"{\"a\":\"1\"}", "{\"a\":\"2\"}", "{\"a\":",
                                               "{\"a\":\"4\"}", "{\"a\":\"5\"}", "{\"a\":\"6\"}"};
    static char room[RECORDS][64]; /* formats read a little behind the text */
    struct bed *bed = context;
    struct intake_lane *lane = intake_lane_open(&bed->live, bed->shared);
    struct input_file file = {.name = "in", .format = format_find(SLICE("ndjson"))};
    struct intake_block block = {.source = live_source(&bed->live, SLICE("app")),
                                 .file = &file,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = (uint64_t)60 * CLOCK_SECOND_NS};
    struct input_block *in = intake_lane_block(lane);
    for (uint64_t i = 0; i < RECORDS; i++) {
        (void)snprintf(room[i], sizeof(room[i]), "%s", texts[i]);
        span_list_add(&in->spans, (struct span){.text = slice_from(room[i]), .line = i + 1});
    }
    bed->rc = intake_lane_run(lane, &block, &bed->err);
    intake_lane_close(&lane);
    __atomic_store_n(&bed->is_done, true, __ATOMIC_RELEASE);
    return NULL;
}

static void lane_await(struct bed *bed)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, lane_run, bed), 0);
    while (!__atomic_load_n(&bed->is_done, __ATOMIC_ACQUIRE)) {
        (void)uv_run(&bed->loop, UV_RUN_NOWAIT);
        (void)usleep(500);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bed->rc, ERR_OK);
}

static void look(struct bed *bed, struct health *health)
{
    health_begin(health, clock_now_ns());
    engine_health_sources(bed->config, bed->watch, engine_commit_ledger(bed->commit), health);
    health_end(health);
}

static void mutation_check(const struct mutation *m)
{
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    struct health *health = health_open();
    struct ledger_totals totals;
    mutation = m;
    bed_begin(bed);
    lane_await(bed);
    assert_true(ledger_of(engine_commit_ledger(bed->commit), SLICE("app"), &totals));
    look(bed, health);
    print_message("%-45s unaccounted %lld\n", m->name, (long long)ledger_unaccounted(&totals.ever));
    assert_int_equal(totals.ever.counts[LEDGER_RECEIVED], RECORDS);
    if (m->is_without_loss) {
        assert_int_equal(ledger_unaccounted(&totals.ever), 0);
        assert_int_equal(totals.ever.counts[LEDGER_STORED], RECORDS - 1);
    } else {
        assert_true(ledger_unaccounted(&totals.ever) > 0);
    }
    assert_int_equal(health_count_of(health, HEALTH_UNACCOUNTED), !m->is_without_loss);
    health_close(&health);
    bed_end(bed);
    mem_free(bed);
    mutation = &mutations[0];
}

static void each_loss_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++)
        mutation_check(&mutations[i]);
}

static void each_stage_has_its_mutation(void **state)
{
    (void)state;
    for (const struct pipeline_stage *s = pipeline_stages; s->name; s++) {
        bool has = false;
        for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++)
            has |= mutations[i].stage && strcmp(mutations[i].stage, s->name) == 0;
        if (!has)
            fail_msg("the stage %s has no mutation in this table", s->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_stage_has_its_mutation),
                                       cmocka_unit_test(each_loss_is_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

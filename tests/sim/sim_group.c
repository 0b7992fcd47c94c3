#include "base/hash.h"
#include "base/mem.h"
#include "sim/sim.h"

const struct slice sim_partitions[SIM_PARTITIONS] = {
    {"windows", 7}, {"linux", 5}, {"web", 3}, {"_findings", 9}, {"_refused", 8}};
enum { FINDINGS = 3 };

uint64_t sim_row_hash(const struct row *row)
{
    struct buf text = {0};
    row_canonical(row, &text);
    uint64_t hash = hash_bytes(text.data, text.len, 7);
    buf_free(&text);
    return hash;
}

static void field_add(struct sim *s, const char *name, struct slice value, enum value_kind kind)
{
    if (record_add(&s->record, slice_from(name), value, kind, 0, NULL))
        check_failed("record_add", __FILE__, __LINE__);
}

/* An event: its own number, so that none is like another, and some columns of all kinds. */
static void event_draw(struct sim *s)
{
    struct arena *a = &s->record.arena;
    if (sim_draw(s, 12) == 0)
        random_record(&s->random, &s->record);
    else
        record_reset(&s->record);
    field_add(s, "number", arena_printf(a, "%llu", (unsigned long long)s->made), VALUE_NUMBER);
    if (sim_draw(s, 3))
        field_add(s, "Image", arena_printf(a, "C:\\x\\%u.exe", sim_draw(s, 9)), VALUE_STRING);
    if (sim_draw(s, 3))
        field_add(s, "CommandLine", random_text(&s->random, a, sim_draw(s, 60)), VALUE_STRING);
    if (sim_draw(s, 2))
        field_add(s, "ok", sim_draw(s, 2) ? SLICE("true") : SLICE("false"), VALUE_BOOL);
    if (sim_draw(s, 2))
        field_add(s, "port", arena_printf(a, "%u", sim_draw(s, 65536)), VALUE_NUMBER);
}

/* A finding names events of its own group, or older ones. */
static void finding_draw(struct sim *s, uint64_t sequence)
{
    struct arena *a = &s->record.arena;
    record_reset(&s->record);
    field_add(s, "number", arena_printf(a, "%llu", (unsigned long long)s->made), VALUE_NUMBER);
    field_add(s, "title", SLICE("Ph\xc3\xa1t hi\xe1\xbb\x87n"), VALUE_STRING);
    for (uint32_t i = sim_draw(s, 3) + 1; i > 0 && sequence > i; i--)
        field_add(
            s, "event",
            arena_printf(a, "%u:%llu", store_epoch(s->store), (unsigned long long)(sequence - i)),
            VALUE_STRING);
}

static void context_draw(struct sim *s, uint8_t partition, struct row_context *c)
{
    *c = (struct row_context){.partition = sim_partitions[partition],
                              .source = sim_draw(s, 2) ? SLICE("dc01") : SLICE("proxy"),
                              .system = SLICE("HTTT-1"),
                              .file = SLICE("events.ndjson"),
                              .host = sim_draw(s, 2) ? SLICE("srv-db") : SLICE(""),
                              .sender = sim_draw(s, 2) ? SLICE("token:3") : SLICE(""),
                              .mapping = SLICE("windows"),
                              .mapping_version = 1 + sim_draw(s, 2),
                              .flags = (partition >= FINDINGS ? ROW_INTERNAL : 0u) |
                                       (sim_draw(s, 4) ? 0u : ROW_DRILL),
                              .mapping_set = 9,
                              .product = SLICE("windows")};
}

static void batch_draw(struct sim *s, struct sim_group *g, struct batch *batch, uint64_t sequence)
{
    uint32_t rows =
        sim_draw(s, 8) ? sim_draw(s, SIM_BATCH_ROWS_MAX / 2) : sim_draw(s, SIM_BATCH_ROWS_MAX + 1);
    batch_begin(s->writer, s->now_ns, true);
    for (uint32_t i = 0; i < rows; i++) {
        uint8_t partition = (uint8_t)(sim_draw(s, 4) ? sim_draw(s, 2) : sim_draw(s, 5));
        struct row_context context;
        uint32_t number, index;
        context_draw(s, partition, &context);
        s->made++;
        if (partition == FINDINGS)
            finding_draw(s, sequence + g->row_count);
        else
            event_draw(s);
        struct row row = {.time_ns = sim_draw(s, 9) ? s->now_ns - (int64_t)sim_draw(s, 4000000)
                                                    : CLOCK_NONE,
                          .received_ns = s->now_ns,
                          .line = i,
                          .context = &context,
                          .record = &s->record};
        if (batch_context(s->writer, &context, &number, NULL) ||
            batch_add(s->writer, number, row.time_ns, row.line, &s->record, &index, NULL))
            check_failed("batch_add", __FILE__, __LINE__);
        g->rows[g->row_count++] = (struct sim_row){sim_row_hash(&row), partition, false};
    }
    batch_end(s->writer, batch);
}

static void carry_draw(struct sim *s, struct buf *out, uint64_t sequence)
{
    static const char *const names[] = {"a.log", "b.log", "c.log", "dir/d.log"};
    uint64_t numbers[4] = {sim_draw(s, 99), 1, sim_draw(s, 2), s->made};
    if (sim_draw(s, 2))
        carry_put_counters(out, slice_from(names[sim_draw(s, 4)]), numbers, 1 + sim_draw(s, 4));
    if (sim_draw(s, 2))
        carry_put_cursor(out, slice_from(names[sim_draw(s, 4)]),
                         sim_draw(s, 8)
                             ? arena_printf(&s->arena, "%llu", (unsigned long long)s->made)
                             : SLICE(""));
    if (sim_draw(s, 3) == 0) {
        struct carry_id ids[4];
        for (uint32_t i = 0; i < 4; i++)
            memset(ids[i].bytes, (int)(numbers[i] & 0xff), sizeof ids[i].bytes);
        carry_put_ids(out, slice_from(names[sim_draw(s, 4)]), s->now_ns, ids, 1 + sim_draw(s, 4));
    }
    if (sim_draw(s, 3) == 0) {
        struct slice values[2] = {slice_from(names[sim_draw(s, 4)]), {NULL, 0}};
        struct carry_input input = {.sequence = sequence,
                                    .time_ns = s->now_ns,
                                    .line = 3,
                                    .rule = SLICE("0a1b"),
                                    .file = SLICE("x"),
                                    .run = sim_draw(s, 2) ? SLICE("run") : SLICE(""),
                                    .values = values,
                                    .value_count = 1 + sim_draw(s, 2)};
        carry_put_input(out, &input);
    }
    if (sim_draw(s, 5) == 0)
        carry_put_tick(out, SLICE("run"), s->now_ns);
    if (sim_draw(s, 12) == 0)
        carry_put_end_run(out, SLICE("run"));
}

void sim_group_draw(struct sim *s, struct sim_group *g)
{
    uint64_t sequence = store_next_sequence(s->store);
    *g = (struct sim_group){.batch_count = sim_draw(s, SIM_BATCHES_MAX + 1)};
    g->rows = mem_zeroed((size_t)SIM_BATCHES_MAX * SIM_BATCH_ROWS_MAX, sizeof(*g->rows));
    arena_reset(&s->arena);
    for (uint32_t i = 0; i < g->batch_count; i++)
        batch_draw(s, g, &g->batches[i], sequence);
    carry_draw(s, &g->carry, sequence);
}

void sim_group_free(struct sim_group *g)
{
    for (uint32_t i = 0; i < SIM_BATCHES_MAX; i++)
        batch_free(&g->batches[i]);
    mem_free(g->rows);
    buf_free(&g->carry);
    *g = (struct sim_group){0};
}

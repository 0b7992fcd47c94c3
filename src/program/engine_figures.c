#include "program/engine_figures.h"

#include "base/mem.h"
#include "program/engine_health.h"
#include "program/engine_store.h"
#include "program/engine_watch.h"

struct figures {
    engine_figures_table *table;
    void *context;
    struct metric *metrics;
    uint32_t count, sources;
    struct ledger_figures others;
    struct arena arena; /* of labels */
    struct buf packed;
};

static void table_end(struct figures *f)
{
    if (f->count == 0)
        return;
    buf_clear(&f->packed);
    metric_pack(f->metrics, f->count, &f->packed);
    f->table(f->context, buf_as_slice(&f->packed));
    f->count = 0;
    arena_reset(&f->arena);
}

static struct metric *row(struct figures *f)
{
    if (f->count == METRIC_TABLE_MAX)
        table_end(f);
    f->metrics[f->count] = (struct metric){0};
    return &f->metrics[f->count++];
}

static void source_put(struct figures *f, struct slice name, const struct ledger_figures *figures)
{
    for (int i = 0; i < LEDGER_OUTCOMES_END; i++) {
        if (figures->counts[i] == 0 && i != LEDGER_RECEIVED && i != LEDGER_STORED)
            continue;
        struct metric *m = row(f);
        m->name = "canh_records_total";
        m->kind = METRIC_COUNTER;
        m->help = "what became of records since the start, by source: received is the sum of all "
                  "other outcomes";
        m->labels = arena_printf(&f->arena, "source=\"%.*s\",outcome=\"%s\"",
                                 (int)slice_part(name, 0, METRIC_TEXT_BYTES_MAX / 2).len, name.data,
                                 ledger_names[i].name)
                        .data;
        metric_add(m, figures->counts[i]);
    }
}

static bool label_is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '"' || name.data[i] == '\\' || (unsigned char)name.data[i] < ' ')
            return false;
    return true;
}

static void source_visit(void *context, const struct ledger_totals *totals)
{
    struct figures *f = context;
    if (f->sources == ENGINE_FIGURES_SOURCES || slice_equal(totals->source, LEDGER_OTHERS) ||
        !label_is_plain(totals->source)) {
        ledger_figures_add(&f->others, &totals->since_start);
        return;
    }
    f->sources++;
    source_put(f, totals->source, &totals->since_start);
}

static void health_put(struct figures *f, const struct health *health)
{
    for (int i = 0; i < HEALTH_KINDS; i++) {
        struct metric *m = row(f);
        m->name = "canh_health";
        m->kind = METRIC_GAUGE;
        m->help = "what is wrong with the watch itself now, by kind";
        m->labels = arena_printf(&f->arena, "kind=\"%s\"", health_kinds[i].name).data;
        metric_set(m, health_count_of(health, (enum health_kind)i));
    }
}

void engine_figures_each(struct engine *e, engine_figures_table *table, void *context)
{
    struct figures f = {.table = table, .context = context};
    if (!e->store)
        return;
    f.metrics = mem_zeroed(METRIC_TABLE_MAX, sizeof(*f.metrics));
    health_put(&f, engine_health_list(engine_store_health_of(e->store)));
    ledger_each_source(engine_store_ledger(e->store), source_visit, &f);
    if (f.others.counts[LEDGER_RECEIVED])
        source_put(&f, LEDGER_OTHERS, &f.others);
    table_end(&f);
    mem_free(f.metrics);
    arena_free(&f.arena);
    buf_free(&f.packed);
}

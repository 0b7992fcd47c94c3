#include "store/row_judge.h"

#include "base/map.h"
#include "base/mem.h"

struct row_judge {
    struct row_judge_options options;
    struct matcher *matcher;
    struct record record; /* what the matcher is given: received and meta fields */
    struct arena meta, logsources;
    struct map configured; /* text: struct logsource * */
};

struct row_judge *row_judge_open(const struct row_judge_options *options)
{
    struct row_judge *j = mem_zeroed(1, sizeof(*j));
    j->options = *options;
    j->matcher = matcher_open(options->rules);
    return j;
}

void row_judge_close(struct row_judge **judge)
{
    struct row_judge *j = *judge;
    if (!j)
        return;
    matcher_close(&j->matcher);
    record_free(&j->record);
    map_free(&j->configured);
    arena_free(&j->meta);
    arena_free(&j->logsources);
    mem_free(j);
    *judge = NULL;
}

struct matcher *row_judge_matcher(struct row_judge *j)
{
    return j->matcher;
}

const struct logsource *row_judge_logsource(struct row_judge *j, struct slice configured)
{
    if (configured.len == 0)
        return NULL;
    struct map_entry *known = map_find(&j->configured, configured);
    if (known)
        return (const struct logsource *)(uintptr_t)known->value;
    struct slice text = arena_copy(&j->logsources, configured), rest = text;
    struct logsource *source = arena_alloc(&j->logsources, sizeof(*source));
    source->product = slice_cut(&rest, '/');
    source->category = slice_cut(&rest, '/');
    source->service = rest;
    (void)map_put(&j->configured, text, (uint64_t)(uintptr_t)source, NULL);
    return source;
}

void row_judge_texts(const struct row_context *c, struct row_judge_text out[ROW_JUDGE_TEXTS])
{
    out[0] = (struct row_judge_text){SLICE("_source"), c->source};
    out[1] = (struct row_judge_text){SLICE("_system"), c->system};
    out[2] = (struct row_judge_text){SLICE("_unit"), c->unit};
    out[3] = (struct row_judge_text){SLICE("_partition"), c->partition};
    out[4] = (struct row_judge_text){SLICE("_file"), c->file};
    out[5] = (struct row_judge_text){SLICE("_mapping"), c->mapping};
    out[6] = (struct row_judge_text){SLICE("_registered"), c->host};
    out[7] = (struct row_judge_text){SLICE("_sender"), c->sender};
    out[8] =
        (struct row_judge_text){SLICE("_drill"), c->flags & ROW_DRILL ? SLICE("true") : SLICE("")};
}

static void meta_add(struct row_judge *j, struct slice name, struct slice value,
                     enum value_kind kind)
{
    if (value.len)
        (void)!record_add(&j->record, name, value, kind, FIELD_DERIVED, NULL);
}

static void meta_time(struct row_judge *j, struct slice name, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    size_t len = clock_text(text, time_ns);
    meta_add(j, name, arena_copy(&j->meta, slice_make(text, len)), VALUE_STRING);
}

static void meta_fields(struct row_judge *j, const struct row *row)
{
    struct row_judge_text texts[ROW_JUDGE_TEXTS];
    row_judge_texts(row->context, texts);
    for (uint32_t i = 0; i < ROW_JUDGE_TEXTS; i++)
        meta_add(j, texts[i].name, texts[i].value, VALUE_STRING);
    meta_time(j, SLICE("_time"), row_time(row));
    meta_time(j, SLICE("_received"), row->received_ns);
    meta_add(j, SLICE("_id"),
             arena_printf(&j->meta, "%u:%llu", j->options.epoch, (unsigned long long)row->sequence),
             VALUE_STRING);
    meta_add(j, SLICE("_line"), arena_printf(&j->meta, "%llu", (unsigned long long)row->line),
             VALUE_NUMBER);
}

uint32_t row_judge_run(struct row_judge *j, const struct row *row,
                       const struct logsource *configured, const uint32_t **rules)
{
    record_reset(&j->record);
    arena_reset(&j->meta);
    for (uint32_t i = 0; i < row->record->count; i++) {
        const struct field *f = &row->record->fields[i];
        if (!(f->flags & FIELD_DERIVED))
            (void)!record_add(&j->record, f->name, f->value, (enum value_kind)f->kind, f->flags,
                              NULL);
    }
    if (j->options.meta)
        meta_fields(j, row);
    matcher_configure(j->matcher, configured);
    uint32_t count = matcher_run(j->matcher, &j->record, rules);
    if (j->options.host) {
        struct slice host = arena_copy(&j->meta, matcher_host(j->matcher));
        meta_add(j, SLICE("_host"), host, VALUE_STRING);
        count = matcher_run(j->matcher, &j->record, rules);
    }
    return count;
}

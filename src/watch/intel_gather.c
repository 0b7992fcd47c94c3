#include "watch/intel_gather.h"

#include <stdio.h>

enum { PROBLEM_BYTES = 1500 };

struct gathering {
    struct intel_gather *out;
    const struct intel_gather_options *options;
    struct slice name; /* of the file that is read */
    struct buf key;
};

static void tell(const struct gathering *g, uint64_t line, const char *text)
{
    char problem[PROBLEM_BYTES];
    if (!g->options->problem)
        return;
    if (line)
        (void)snprintf(problem, sizeof problem, "%.*s:%llu: %s", (int)g->name.len, g->name.data,
                       (unsigned long long)line, text);
    else
        (void)snprintf(problem, sizeof problem, "%.*s: %s", (int)g->name.len, g->name.data, text);
    g->options->problem(g->options->context, problem);
}

static void note(const struct gathering *g, const char *text)
{
    char line[PROBLEM_BYTES];
    if (!g->options->note)
        return;
    (void)snprintf(line, sizeof line, "%.*s: %s", (int)g->name.len, g->name.data, text);
    g->options->note(g->options->context, line);
}

struct slice intel_gather_key(struct buf *out, struct slice source, struct slice id)
{
    buf_clear(out);
    buf_slice(out, source);
    buf_char(out, '\0');
    buf_slice(out, id);
    return buf_as_slice(out);
}

static void keep(struct arena *arena, struct map *m, struct slice key)
{
    if (!map_find(m, key))
        (void)map_put(m, arena_copy(arena, key), 1, NULL);
}

static void take_id(struct gathering *g, struct slice source, struct slice id)
{
    if (id.len)
        keep(&g->out->arena, &g->out->ids, intel_gather_key(&g->key, source, id));
}

static int take_indicator(void *context, const struct indicator *i, struct err *err)
{
    struct gathering *g = context;
    take_id(g, i->source, i->id);
    keep(&g->out->arena, &g->out->sources, i->source);
    return indicator_builder_add(g->out->indicators, i, err);
}

static int take_exception(void *context, const struct indicator *i, struct slice list,
                          struct err *err)
{
    struct gathering *g = context;
    keep(&g->out->arena, &g->out->sources, list);
    if (!g->out->exceptions)
        return indicator_builder_add_exception(g->out->indicators, i, list, err);
    struct indicator entry = {.type = i->type,
                              .value = i->value,
                              .source = list,
                              .id = SLICE(""),
                              .title = SLICE(""),
                              .confidence = INDICATOR_CONFIDENCE_NONE,
                              .from_ns = CLOCK_NONE,
                              .until_ns = CLOCK_NONE};
    return indicator_builder_add(g->out->exceptions, &entry, err);
}

static void take_revoked(void *context, struct slice source, struct slice id)
{
    take_id(context, source, id);
}

static void take_refused(void *context, uint64_t line, const char *reason)
{
    tell(context, line, reason);
}

/* A table that was built before: all of it. */
static int take_table(struct gathering *g, struct indicator_table *table, struct err *err)
{
    const struct intel_reader_options *options = &g->options->reader;
    uint64_t count = indicator_table_count(table);
    int rc = ERR_OK;
    if (indicator_table_exception_count(table) && !g->out->exceptions) {
        tell(g, 0,
             "a table with exceptions built in goes alone: import the other feeds into it, or "
             "name only this one");
        g->out->unreadable++;
        return ERR_OK;
    }
    for (uint64_t n = 0; n < count && rc == ERR_OK; n++) {
        struct indicator i;
        indicator_table_get(table, n, &i);
        if (options->now_ns != CLOCK_NONE && i.until_ns != CLOCK_NONE &&
            i.until_ns <= options->now_ns) {
            g->out->counts.expired++;
            continue;
        }
        g->out->counts.indicators++;
        if (options->source_fixed)
            i.source = options->source;
        rc = take_indicator(g, &i, err);
    }
    return rc;
}

static struct slice base_name(struct slice name)
{
    for (size_t at = name.len; at > 0; at--)
        if (name.data[at - 1] == '/' || name.data[at - 1] == '!')
            return slice_part(name, at, name.len);
    return name;
}

static int read_feed(struct gathering *g, struct slice text, bool searched, struct err *err)
{
    struct intel_reader_options reader = g->options->reader;
    const struct intel_reader_sink sink = {.context = g,
                                           .indicator = take_indicator,
                                           .exception = take_exception,
                                           .revoked = take_revoked,
                                           .refused = take_refused};
    enum intel_kind kind = intel_reader_kind(text);
    struct err why = {0};
    if (!reader.source.len)
        reader.source = base_name(g->name);
    int rc = intel_reader_run(text, kind, &reader, &sink, &g->out->counts, &why);
    if (rc == ERR_UNSUPPORTED && searched) {
        g->out->passed_over++;
        note(g, why.text);
        return ERR_OK;
    }
    if (rc == ERR_OK) {
        g->out->files++;
        note(g, intel_kind_names[kind]);
        return ERR_OK;
    }
    if (rc == ERR_LIMIT && text.len <= INTEL_TEXT_BYTES_MAX && !why.line) {
        (void)err_set(err, rc, "%s", why.text); /* the builder is full */
        return rc;
    }
    g->out->unreadable++;
    tell(g, why.line, why.text);
    return ERR_OK;
}

static int take_text(void *context, struct slice name, struct slice text, bool searched,
                     struct err *err)
{
    struct gathering *g = context;
    struct indicator_table *table = NULL;
    g->name = name;
    if (text.len == 0) {
        note(g, "it is empty");
        g->out->passed_over++;
        return ERR_OK;
    }
    if (indicator_table_open(&table, text, NULL) != ERR_OK)
        return read_feed(g, text, searched, err);
    int rc = take_table(g, table, err);
    indicator_table_close(&table);
    g->out->files++;
    return rc;
}

static void take_unreadable(void *context, struct slice name, const struct err *err)
{
    struct gathering *g = context;
    g->name = name;
    g->out->unreadable++;
    tell(g, err->line, err->text);
}

int intel_gather_paths(struct intel_gather *out, const struct intel_gather_options *options,
                       struct err *err)
{
    struct gathering g = {.out = out, .options = options, .name = SLICE("")};
    struct intel_input input = {.context = &g, .text = take_text, .unreadable = take_unreadable};
    out->indicators = indicator_builder_open();
    if (options->exceptions_apart)
        out->exceptions = indicator_builder_open();
    int rc = intel_input_read(&input, options->paths, err);
    buf_free(&g.key);
    return rc;
}

void intel_gather_free(struct intel_gather *g)
{
    indicator_builder_close(&g->indicators);
    indicator_builder_close(&g->exceptions);
    map_free(&g->ids);
    map_free(&g->sources);
    arena_free(&g->arena);
    *g = (struct intel_gather){0};
}

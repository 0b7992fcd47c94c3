#include "watch/output_filter.h"

#include "base/mem.h"
#include "store/query.h"
#include "store/row_judge.h"
#include "watch/detector.h"

struct output_filter {
    struct query *query;
    struct mapping_set *mappings;
    struct rule rule;
    struct rule_list rules;
    struct ruleset *set;
    struct clock_zone *zone;
    struct row_judge *judge; /* NULL: the query holds for every row, or for none */
};

static int filter_parse(struct query **out, struct slice text, const struct clock_zone *zone,
                        struct err *err)
{
    struct query_options options = {.now_ns = clock_now_ns(), .zone = zone};
    int rc = query_parse(out, text, &options, err);
    if (rc)
        return err_prefix(err, "the filter is no query");
    const struct query *q = *out;
    if (q->pipe_count)
        return err_set(err, ERR_USAGE,
                       "a filter of an output has no pipes: leave out what stands "
                       "behind |");
    if (q->from_ns != QUERY_OPEN_BEGIN || q->until_ns != QUERY_OPEN_END ||
        q->received_from_ns != QUERY_OPEN_BEGIN || q->received_until_ns != QUERY_OPEN_END)
        return err_set(err, ERR_USAGE,
                       "a filter of an output is about what comes, not about a span of time: leave "
                       "out _time and _received");
    return ERR_OK;
}

int output_filter_check(struct slice text, struct err *err)
{
    struct query *query = NULL;
    int rc = slice_trim(text).len ? filter_parse(&query, text, NULL, err) : ERR_OK;
    query_close(&query);
    return rc;
}

static uint32_t predicates_of(const struct expr *e)
{
    uint32_t count = e->kind == EXPR_PREDICATE;
    for (uint32_t i = 0; i < e->child_count; i++)
        count += predicates_of(e->children[i]);
    return count;
}

static bool asks_host(const struct query *query)
{
    for (uint32_t i = 0; i < query->fields.count; i++)
        if (slice_equal(query->fields.items[i], SLICE("_host")))
            return true;
    return false;
}

/* Without machine code: whoever uses it may have no executable memory. */
static int filter_compile(struct output_filter *f, const struct output_filter_options *options,
                          struct err *err)
{
    const struct ruleset_options compiling = {.zone = f->zone};
    f->mappings = mapping_set_open();
    int rc = detector_load_mappings(f->mappings, options->mappings, err);
    if (rc)
        return rc;
    f->rule = (struct rule){.kind = RULE_DETECTION,
                            .sigma_version = 2,
                            .title = SLICE("filter"),
                            .condition = f->query->filter,
                            .predicate_count = predicates_of(f->query->filter)};
    rule_list_add(&f->rules, &f->rule);
    rc = ruleset_open(&f->set, &f->rules, f->mappings, &compiling, err);
    if (rc)
        return rc;
    const struct row_judge_options judging = {.rules = f->set,
                                              .epoch = options->epoch,
                                              .meta = f->query->asks_meta,
                                              .host = asks_host(f->query)};
    f->judge = row_judge_open(&judging);
    return ERR_OK;
}

int output_filter_open(struct output_filter **out, const struct output_filter_options *options,
                       struct err *err)
{
    *out = NULL;
    if (slice_trim(options->text).len == 0)
        return ERR_OK;
    struct output_filter *f = mem_zeroed(1, sizeof(*f));
    int rc = ERR_OK;
    if (options->timezone)
        rc = clock_zone_open(&f->zone, slice_from(options->timezone), err);
    if (rc == ERR_OK)
        rc = filter_parse(&f->query, options->text, f->zone, err);
    if (rc == ERR_OK && f->query->filter && !f->query->nothing)
        rc = filter_compile(f, options, err);
    if (rc)
        output_filter_close(&f);
    *out = f;
    return rc;
}

void output_filter_close(struct output_filter **filter)
{
    struct output_filter *f = *filter;
    if (!f)
        return;
    row_judge_close(&f->judge);
    ruleset_close(&f->set);
    rule_list_free(&f->rules);
    query_close(&f->query);
    mapping_set_close(&f->mappings);
    clock_zone_close(&f->zone);
    mem_free(f);
    *filter = NULL;
}

bool output_filter_holds(struct output_filter *f, const struct row *row)
{
    const uint32_t *rules;
    if (!f)
        return true;
    if (!f->judge)
        return !f->query->nothing;
    return row_judge_run(f->judge, row, row_judge_logsource(f->judge, row->context->configured),
                         &rules) > 0;
}

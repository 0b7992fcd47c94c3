/* What a query means, in one line. */
#include "store/query_inside.h"

static void describe_expr(const struct expr *e, bool inner, struct buf *out)
{
    if (e->kind == EXPR_PREDICATE) {
        predicate_describe(e->predicate, out);
        return;
    }
    if (e->kind == EXPR_NOT) {
        buf_string(out, "NOT ");
        describe_expr(e->children[0], true, out);
        return;
    }
    if (inner)
        buf_char(out, '(');
    for (uint32_t i = 0; i < e->child_count; i++) {
        if (i > 0)
            buf_string(out, e->kind == EXPR_AND ? " AND " : " OR ");
        describe_expr(e->children[i], true, out);
    }
    if (inner)
        buf_char(out, ')');
}

void query_describe_filter(const struct expr *filter, struct buf *out)
{
    if (filter)
        describe_expr(filter, false, out);
    else
        buf_char(out, '*');
}

static void describe_time(int64_t time_ns, struct buf *out)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns == QUERY_OPEN_BEGIN || time_ns == QUERY_OPEN_END)
        buf_char(out, '*');
    else
        buf_append(out, text, clock_text(text, time_ns));
}

static void describe_span(const char *name, int64_t from_ns, int64_t until_ns, struct buf *out)
{
    if (from_ns == QUERY_OPEN_BEGIN && until_ns == QUERY_OPEN_END)
        return;
    buf_printf(out, "%s:[", name);
    describe_time(from_ns, out);
    buf_string(out, " TO ");
    describe_time(until_ns, out);
    buf_string(out, ") ");
}

static void describe_key(const struct query_key *key, struct buf *out)
{
    buf_slice(out, key->name);
    if (key->bucket_ns)
        buf_printf(out, ":%.15gs", (double)key->bucket_ns / (double)CLOCK_SECOND_NS);
    if (key->descending)
        buf_string(out, " desc");
}

static void describe_keys(const struct query_key *keys, uint32_t count, const char *before,
                          struct buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        buf_string(out, i ? ", " : before);
        describe_key(&keys[i], out);
    }
}

static void describe_aggregate(const struct query *q, const struct query_pipe *p,
                               const struct query_aggregate *a, struct buf *out)
{
    static const char *const names[] = {"count", "sum",      "min",       "max",
                                        "avg",   "distinct", "percentile"};
    const struct slice_list *from = p->table_input ? &p[-1].columns : &q->fields;
    size_t start = out->len;
    buf_printf(out, "%s(", names[a->function]);
    if (a->ref != QUERY_NO_REF)
        buf_slice(out, from->items[a->ref]);
    if (a->function == QUERY_PERCENTILE)
        buf_printf(out, ",%.15g", a->percentile);
    buf_char(out, ')');
    if (!slice_equal(a->name, slice_part(buf_as_slice(out), start, SIZE_MAX)))
        buf_printf(out, " as %.*s", (int)a->name.len, a->name.data);
}

static void describe_pipe(const struct query *q, const struct query_pipe *p, struct buf *out)
{
    static const char *const names[] = {"stats", "top", "uniq", "sort", "limit", "fields"};
    buf_printf(out, " | %s", names[p->kind]);
    switch (p->kind) {
    case QUERY_STATS:
        for (uint32_t i = 0; i < p->aggregate_count; i++) {
            buf_string(out, i ? ", " : " ");
            describe_aggregate(q, p, &p->aggregates[i], out);
        }
        describe_keys(p->keys, p->key_count, " by ", out);
        return;
    case QUERY_TOP:
        buf_printf(out, " %llu", (unsigned long long)p->limit);
        describe_keys(p->keys + p->group_count, p->key_count - p->group_count, " ", out);
        describe_keys(p->keys, p->group_count, " by ", out);
        return;
    case QUERY_LIMIT:
        buf_printf(out, " %llu", (unsigned long long)p->limit);
        return;
    case QUERY_UNIQ:
    case QUERY_SORT:
    case QUERY_FIELDS:
        break;
    }
    describe_keys(p->keys, p->key_count, " ", out);
    for (uint32_t i = 0; p->kind == QUERY_FIELDS && !p->table_output && i < q->hidden.count; i++)
        buf_printf(out, "%s-%.*s", i ? ", " : " ", (int)q->hidden.items[i].len,
                   q->hidden.items[i].data);
}

void query_describe(const struct query *q, struct buf *out)
{
    describe_span("_time", q->from_ns, q->until_ns, out);
    describe_span("_received", q->received_from_ns, q->received_until_ns, out);
    if (q->nothing)
        buf_string(out, "NOT *");
    else
        query_describe_filter(q->filter, out);
    for (uint32_t i = 0; i < q->pipe_count; i++)
        describe_pipe(q, &q->pipes[i], out);
}

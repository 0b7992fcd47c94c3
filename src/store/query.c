#include "store/query.h"

#include "base/mem.h"
#include "store/query_inside.h"

const char *const query_meta_fields[] = {"_time", "_received",   "_id",     "_source", "_system",
                                         "_unit", "_partition",  "_file",   "_line",   "_mapping",
                                         "_host", "_registered", "_sender", "_drill",  NULL};

static bool is_meta(struct slice name)
{
    for (const char *const *meta = query_meta_fields; *meta; meta++)
        if (slice_equal(name, slice_from(*meta)))
            return true;
    return false;
}

bool query_field_known(struct query_reader *r, struct slice name, size_t at, const char *hint)
{
    const struct slice_list *known = r->options->known_fields;
    if (!known || is_meta(name))
        return true;
    for (uint32_t i = 0; i < known->count; i++)
        if (slice_equal(known->items[i], name))
            return true;
    struct slice near = query_nearest(name, known->items, known->count);
    for (const char *const *meta = query_meta_fields; *meta && near.len == 0; meta++) {
        struct slice one = slice_from(*meta);
        near = query_nearest(name, &one, 1);
    }
    if (near.len)
        return query_fail(r, at, ERR_NOT_FOUND,
                          "no event has a field '%.*s': did you mean '%.*s'?%s", query_width(name),
                          name.data, query_width(near), near.data, hint);
    return query_fail(r, at, ERR_NOT_FOUND, "no event has a field '%.*s'%s", query_width(name),
                      name.data, hint);
}

static bool field_add(struct query_reader *r, struct slice name, uint16_t *out)
{
    struct slice_list *fields = &r->query->fields;
    struct map_entry *entry = map_find(&r->field_numbers, name);
    if (entry) {
        *out = (uint16_t)entry->value;
        return true;
    }
    if (fields->count >= QUERY_NO_REF)
        return query_fail(r, 0, ERR_LIMIT, "more than %d fields in one query", QUERY_NO_REF);
    if (fields->count == r->field_capacity) {
        r->field_capacity = r->field_capacity ? r->field_capacity * 2 : 16;
        struct slice *more = arena_alloc(&r->query->arena, r->field_capacity * sizeof(*more));
        if (fields->count)
            memcpy(more, fields->items, fields->count * sizeof(*more));
        fields->items = more;
    }
    name = arena_copy(&r->query->arena, name);
    (void)map_put(&r->field_numbers, name, fields->count, NULL);
    *out = (uint16_t)fields->count;
    fields->items[fields->count++] = name;
    return true;
}

bool query_field(struct query_reader *r, struct slice name, size_t at, uint16_t *out)
{
    return query_field_known(r, name, at, "") && field_add(r, name, out);
}

static bool filter_fields(struct query_reader *r, const struct expr *e)
{
    uint16_t number;
    if (e->kind != EXPR_PREDICATE) {
        for (uint32_t i = 0; i < e->child_count; i++)
            if (!filter_fields(r, e->children[i]))
                return false;
        return true;
    }
    const struct predicate *p = e->predicate;
    if (p->keyword)
        r->query->asks_keywords = true;
    else if (!field_add(r, p->field, &number))
        return false;
    r->query->asks_meta = r->query->asks_meta || is_meta(p->field) || is_meta(p->other);
    return p->kind != PREDICATE_FIELDREF || field_add(r, p->other, &number);
}

static bool read_query(struct query_reader *r)
{
    struct query *q = r->query;
    struct query_node filter = {.truth = QUERY_ALWAYS};
    query_skip_blanks(r);
    if (query_at_end(r))
        return query_fail(r, 0, ERR_SYNTAX, "the query is empty: * asks for every event");
    if (query_peek(r) != '|' && !query_filter(r, &filter))
        return false;
    if (filter.truth == QUERY_DEPENDS) {
        q->filter = filter.expr;
        if (!filter_fields(r, q->filter))
            return false;
    }
    q->nothing = filter.truth == QUERY_NEVER;
    return query_pipes(r);
}

static bool text_acceptable(struct query_reader *r)
{
    if (r->text.len > QUERY_BYTES_MAX)
        return query_fail(r, 0, ERR_LIMIT, "the query is longer than %d bytes: divide it",
                          QUERY_BYTES_MAX);
    size_t zero = slice_find_char(r->text, 0);
    return zero == SLICE_NONE ||
           query_fail(r, zero, ERR_SYNTAX, "the query holds a zero byte: remove it");
}

int query_parse(struct query **out, struct slice text, const struct query_options *options,
                struct err *err)
{
    struct err own = {0};
    struct query *q = mem_zeroed(1, sizeof(*q));
    q->from_ns = q->received_from_ns = QUERY_OPEN_BEGIN;
    q->until_ns = q->received_until_ns = QUERY_OPEN_END;
    q->zone = options->zone;
    struct query_reader r = {.query = q, .text = text, .options = options, .err = err ? err : &own};
    r.err->code = ERR_OK;
    *out = NULL;
    if (text_acceptable(&r)) {
        q->text = r.text = arena_copy(&q->arena, text);
        r.items = item_reader_open(&q->arena);
        if (read_query(&r))
            *out = q;
    }
    item_reader_close(&r.items);
    map_free(&r.field_numbers);
    if (*out)
        return ERR_OK;
    query_close(&q);
    return r.err->code;
}

void query_close(struct query **query)
{
    if (!*query)
        return;
    arena_free(&(*query)->arena);
    mem_free(*query);
    *query = NULL;
}

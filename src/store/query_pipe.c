/* Pipes: `| stats count() by a`, `| top 10 f by g`, `| uniq f`, `| sort f desc`, `| limit n`,
 * `| fields a, -b`. */
#include "store/query_inside.h"

static const struct slice pipe_names[] = {{"stats", 5}, {"top", 3},   {"uniq", 4},
                                          {"sort", 4},  {"limit", 5}, {"fields", 6}};
static const struct slice function_names[] = {{"count", 5},      {"sum", 3}, {"min", 3},
                                              {"max", 3},        {"avg", 3}, {"distinct", 8},
                                              {"percentile", 10}};
enum {
    PIPE_NAMES = sizeof(pipe_names) / sizeof(*pipe_names),
    FUNCTION_NAMES = sizeof(function_names) / sizeof(*function_names)
};

#define TIME_FIELD SLICE("_time")

static bool expected(struct query_reader *r, const char *what)
{
    return query_fail(r, r->at, ERR_SYNTAX, "%s is expected, not %s", what, query_found(r, r->at));
}

static const struct query_pipe *pipe_before(const struct query_reader *r)
{
    return r->query->pipe_count ? &r->query->pipes[r->query->pipe_count - 1] : NULL;
}

static bool column_find(const struct slice_list *columns, struct slice name, uint16_t *out)
{
    for (uint32_t i = 0; i < columns->count; i++)
        if (slice_equal(columns->items[i], name)) {
            *out = (uint16_t)i;
            return true;
        }
    return false;
}

/* `count` for `count()`, `sum` for `sum(bytes)`: when only one column is of that function. */
static bool function_column_find(const struct slice_list *columns, struct slice name, uint16_t *out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < columns->count; i++)
        if (slice_starts(columns->items[i], name) && columns->items[i].len > name.len &&
            columns->items[i].data[name.len] == '(') {
            *out = (uint16_t)i;
            found++;
        }
    return found == 1;
}

/* The field or column of that name. */
static bool resolve(struct query_reader *r, const struct query_pipe *p, struct slice name,
                    size_t at, uint16_t *out)
{
    if (!p->table_input)
        return query_field(r, name, at, out);
    const struct slice_list *columns = &pipe_before(r)->columns;
    if (column_find(columns, name, out) || function_column_find(columns, name, out))
        return true;
    struct slice near = query_nearest(name, columns->items, columns->count);
    if (near.len == 0 && columns->count > 0)
        near = columns->items[0];
    return query_fail(r, at, ERR_NOT_FOUND,
                      "the pipe before gives no column '%.*s'; it gives '%.*s'%s",
                      query_width(name), name.data, query_width(near), near.data,
                      columns->count > 1 ? " and others" : "");
}

/* --- columns that a pipe makes --- */

static bool column_add(struct query_reader *r, struct query_pipe *p, struct slice name, size_t at)
{
    uint16_t before;
    if (column_find(&p->columns, name, &before))
        return query_fail(r, at, ERR_SYNTAX,
                          "there are two columns '%.*s': name one of them otherwise (as)",
                          query_width(name), name.data);
    if (p->columns.count == QUERY_COLUMNS_MAX)
        return query_fail(r, at, ERR_LIMIT, "more than %d columns", QUERY_COLUMNS_MAX);
    if (!p->columns.items)
        p->columns.items =
            arena_alloc(&r->query->arena, QUERY_COLUMNS_MAX * sizeof(*p->columns.items));
    p->columns.items[p->columns.count++] = name;
    return true;
}

static bool key_add(struct query_reader *r, struct query_pipe *p, const struct query_key *key,
                    size_t at)
{
    if (p->key_count == QUERY_COLUMNS_MAX)
        return query_fail(r, at, ERR_LIMIT, "more than %d fields in one pipe", QUERY_COLUMNS_MAX);
    if (!p->keys)
        p->keys = arena_alloc(&r->query->arena, QUERY_COLUMNS_MAX * sizeof(*p->keys));
    p->keys[p->key_count++] = *key;
    return true;
}

/* `:1h` behind _time. */
static bool read_bucket(struct query_reader *r, const struct query_word *name,
                        struct query_key *key)
{
    struct query_word width;
    if (name->quoted || query_peek(r) != ':')
        return true;
    if (!slice_equal(name->text, TIME_FIELD))
        return query_fail(r, r->at, ERR_SYNTAX, "only _time is divided into spans, as in _time:1h");
    r->at++;
    if (!query_read_word(r, ",", &width))
        return false;
    if (!query_duration(width.text, &key->bucket_ns) || key->bucket_ns < QUERY_BUCKET_NS_MIN)
        return query_fail(r, width.at, ERR_SYNTAX,
                          "a length of time is expected, like 5m, 1h or 1d, not '%.*s'",
                          query_width(width.text), width.text.data);
    return true;
}

static bool ends_pipe(struct query_reader *r)
{
    query_skip_blanks(r);
    return query_at_end(r) || query_peek(r) == '|';
}

static bool read_key(struct query_reader *r, const struct query_pipe *p, struct query_key *key,
                     struct query_word *name)
{
    *key = (struct query_key){0};
    query_skip_blanks(r);
    if (ends_pipe(r))
        return expected(r, "the name of a field");
    if (!query_read_name(r, name) || !resolve(r, p, name->text, name->at, &key->ref))
        return false;
    key->name = arena_copy(&r->query->arena, name->text);
    return true;
}

/* a, b, _time:1h; each is also a column. */
static bool read_keys(struct query_reader *r, struct query_pipe *p, bool buckets)
{
    do {
        struct query_key key;
        struct query_word name;
        if (!read_key(r, p, &key, &name) || (buckets && !read_bucket(r, &name, &key)) ||
            !key_add(r, p, &key, name.at) || !column_add(r, p, key.name, name.at))
            return false;
    } while (query_take_char(r, ','));
    return true;
}

/* --- stats --- */

static bool read_percentile(struct query_reader *r, struct query_aggregate *a)
{
    struct query_word word;
    if (!query_take_char(r, ','))
        return expected(r, "a comma and the percentile, as in percentile(bytes, 95),");
    if (!query_read_word(r, ",", &word))
        return false;
    if (!predicate_number_of(word.text, &a->percentile) || a->percentile < 0 || a->percentile > 100)
        return query_fail(r, word.at, ERR_SYNTAX, "a percentile is a number from 0 to 100");
    return true;
}

static struct slice aggregate_name(struct query_reader *r, const struct query_aggregate *a,
                                   struct slice field)
{
    struct slice function = function_names[a->function];
    if (a->function == QUERY_PERCENTILE)
        return arena_printf(&r->query->arena, "percentile(%.*s,%.15g)", (int)field.len, field.data,
                            a->percentile);
    return arena_printf(&r->query->arena, "%.*s(%.*s)", (int)function.len, function.data,
                        (int)field.len, field.data);
}

static bool read_function_name(struct query_reader *r, enum query_function *out)
{
    struct query_word word;
    query_skip_blanks(r);
    if (!query_read_word(r, ",:", &word))
        return false;
    for (int i = 0; i < FUNCTION_NAMES; i++)
        if (!word.quoted && slice_equal_nocase(word.text, function_names[i])) {
            *out = (enum query_function)i;
            if (query_take_char(r, '('))
                return true;
            return query_fail(r, r->at, ERR_SYNTAX, "'(' is expected: write %s%s",
                              function_names[i].data, i == QUERY_COUNT ? "()" : "(field)");
        }
    struct slice near = query_nearest(word.text, function_names, FUNCTION_NAMES);
    if (near.len)
        return query_fail(r, word.at, ERR_NOT_FOUND,
                          "there is no function '%.*s': did you mean '%s'?", query_width(word.text),
                          word.text.data, near.data);
    return query_fail(r, word.at, ERR_NOT_FOUND,
                      "a function is expected (count, sum, min, max, avg, distinct, percentile), "
                      "not %s",
                      query_found(r, word.at));
}

static bool aggregate_add(struct query_reader *r, struct query_pipe *p,
                          const struct query_aggregate *a, size_t at)
{
    if (p->aggregate_count == QUERY_COLUMNS_MAX)
        return query_fail(r, at, ERR_LIMIT, "more than %d functions", QUERY_COLUMNS_MAX);
    if (!p->aggregates)
        p->aggregates = arena_alloc(&r->query->arena, QUERY_COLUMNS_MAX * sizeof(*p->aggregates));
    p->aggregates[p->aggregate_count++] = *a;
    return true;
}

static bool read_aggregate(struct query_reader *r, struct query_pipe *p)
{
    struct query_aggregate a = {.ref = QUERY_NO_REF};
    struct query_word field = {.text = {"", 0}}, name;
    size_t at = r->at;
    if (!read_function_name(r, &a.function))
        return false;
    if (query_peek(r) != ')' || a.function != QUERY_COUNT) {
        if (query_peek(r) == ')')
            return query_fail(r, r->at, ERR_SYNTAX, "the name of a field is expected: %s(field)",
                              function_names[a.function].data);
        if (!query_read_name(r, &field) || !resolve(r, p, field.text, field.at, &a.ref))
            return false;
    }
    if (a.function == QUERY_PERCENTILE && !read_percentile(r, &a))
        return false;
    if (!query_take_char(r, ')'))
        return expected(r, "')'");
    a.name = aggregate_name(r, &a, field.text);
    if (query_take_word(r, "as")) {
        if (ends_pipe(r))
            return expected(r, "a name for the column");
        if (!query_read_name(r, &name))
            return false;
        a.name = arena_copy(&r->query->arena, name.text);
    }
    return aggregate_add(r, p, &a, at);
}

/* Columns are the keys, then the functions. */
static bool read_stats(struct query_reader *r, struct query_pipe *p)
{
    size_t at = r->at;
    p->table_output = true;
    do {
        if (!read_aggregate(r, p))
            return false;
    } while (query_take_char(r, ','));
    if (query_take_word(r, "by") && !read_keys(r, p, true))
        return false;
    for (uint32_t i = 0; i < p->aggregate_count; i++)
        if (!column_add(r, p, p->aggregates[i].name, at))
            return false;
    return true;
}

/* --- the others --- */

static bool read_number(struct query_reader *r, uint64_t max, uint64_t *out)
{
    struct query_word word;
    if (!query_read_word(r, ",", &word))
        return false;
    if (word.quoted || !slice_to_u64(word.text, out) || *out == 0 || *out > max)
        return query_fail(r, word.at, ERR_SYNTAX, "a number from 1 to %llu is expected, not %s",
                          (unsigned long long)max, query_found(r, word.at));
    return true;
}

/* Rotates the keys that stand behind `by` to the front, and their columns. */
static void top_order(struct query_reader *r, struct query_pipe *p, uint32_t counted)
{
    struct query_key *keys = arena_alloc(&r->query->arena, QUERY_COLUMNS_MAX * sizeof(*keys));
    p->group_count = p->key_count - counted;
    memcpy(keys, p->keys + counted, p->group_count * sizeof(*keys));
    memcpy(keys + p->group_count, p->keys, counted * sizeof(*keys));
    p->keys = keys;
    for (uint32_t i = 0; i < p->key_count; i++)
        p->columns.items[i] = keys[i].name;
}

static bool read_top(struct query_reader *r, struct query_pipe *p)
{
    size_t at = r->at;
    char c = query_peek(r);
    p->table_output = true;
    p->limit = 10;
    if (c >= '0' && c <= '9' && !read_number(r, QUERY_TOP_MAX, &p->limit))
        return false;
    if (!read_keys(r, p, false))
        return false;
    uint32_t counted = p->key_count;
    if (query_take_word(r, "by") && !read_keys(r, p, true))
        return false;
    top_order(r, p, counted);
    struct query_aggregate count = {
        .function = QUERY_COUNT, .ref = QUERY_NO_REF, .name = SLICE("count")};
    return aggregate_add(r, p, &count, at) && column_add(r, p, count.name, at);
}

static bool read_sort(struct query_reader *r, struct query_pipe *p)
{
    const struct query_pipe *before = pipe_before(r);
    p->table_output = p->table_input;
    if (p->table_input)
        p->columns = before->columns;
    (void)query_take_word(r, "by");
    do {
        struct query_key key;
        struct query_word name;
        if (!read_key(r, p, &key, &name))
            return false;
        key.descending = query_take_word(r, "desc");
        if (!key.descending)
            (void)query_take_word(r, "asc");
        if (!key_add(r, p, &key, name.at))
            return false;
    } while (query_take_char(r, ','));
    return true;
}

static bool read_limit(struct query_reader *r, struct query_pipe *p)
{
    p->table_output = p->table_input;
    if (p->table_input)
        p->columns = pipe_before(r)->columns;
    return read_number(r, UINT32_MAX, &p->limit);
}

struct field_choice {
    struct slice out[QUERY_COLUMNS_MAX]; /* names behind a minus */
    uint32_t out_count;
};

static bool is_left_out(const struct field_choice *choice, struct slice name)
{
    for (uint32_t i = 0; i < choice->out_count; i++)
        if (slice_equal(choice->out[i], name))
            return true;
    return false;
}

static bool read_choice(struct query_reader *r, struct query_pipe *p, struct field_choice *choice)
{
    do {
        struct query_key key;
        struct query_word name;
        bool minus = query_take_char(r, '-');
        if (!read_key(r, p, &key, &name))
            return false;
        if (!minus) {
            if (!key_add(r, p, &key, name.at))
                return false;
            continue;
        }
        if (choice->out_count == QUERY_COLUMNS_MAX)
            return query_fail(r, name.at, ERR_LIMIT, "more than %d fields in one pipe",
                              QUERY_COLUMNS_MAX);
        choice->out[choice->out_count++] = key.name;
    } while (query_take_char(r, ','));
    return true;
}

static void hide(struct query *q, const struct field_choice *choice)
{
    struct slice *more =
        arena_alloc(&q->arena, (q->hidden.count + choice->out_count) * sizeof(*more));
    if (q->hidden.count)
        memcpy(more, q->hidden.items, q->hidden.count * sizeof(*more));
    memcpy(more + q->hidden.count, choice->out, choice->out_count * sizeof(*more));
    q->hidden.items = more;
    q->hidden.count += choice->out_count;
}

/* Names to show, in their order; or only names to leave out. */
static bool read_fields(struct query_reader *r, struct query_pipe *p)
{
    struct field_choice choice = {.out_count = 0};
    size_t at = r->at;
    if (!read_choice(r, p, &choice))
        return false;
    if (p->key_count == 0 && !p->table_input) {
        hide(r->query, &choice);
        return true;
    }
    p->table_output = true;
    const struct slice_list *columns = p->table_input ? &pipe_before(r)->columns : NULL;
    for (uint32_t i = 0; p->key_count == 0 && i < columns->count; i++)
        if (!is_left_out(&choice, columns->items[i])) {
            struct query_key key = {.ref = (uint16_t)i, .name = columns->items[i]};
            if (!key_add(r, p, &key, at))
                return false;
        }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->key_count; i++)
        if (!is_left_out(&choice, p->keys[i].name))
            p->keys[kept++] = p->keys[i];
    p->key_count = kept;
    if (kept == 0)
        return query_fail(r, at, ERR_SYNTAX, "no column is left: name one that is to be shown");
    for (uint32_t i = 0; i < kept; i++)
        if (!column_add(r, p, p->keys[i].name, at))
            return false;
    return true;
}

static bool read_pipe_name(struct query_reader *r, struct query_pipe *p)
{
    struct query_word word;
    if (ends_pipe(r))
        return query_fail(
            r, r->at, ERR_SYNTAX,
            query_at_end(r) ? "a pipe is expected after '|': stats, top, uniq, sort, limit, fields"
                            : "'||' is written OR; a pipe's name stands behind one '|'");
    p->column = query_column(r, r->at);
    if (!query_read_word(r, ",:", &word))
        return false;
    for (int i = 0; i < PIPE_NAMES; i++)
        if (!word.quoted && slice_equal_nocase(word.text, pipe_names[i])) {
            p->kind = (enum query_pipe_kind)i;
            query_skip_blanks(r);
            return true;
        }
    struct slice near = query_nearest(word.text, pipe_names, PIPE_NAMES);
    if (near.len)
        return query_fail(r, word.at, ERR_NOT_FOUND, "there is no pipe '%.*s': did you mean '%s'?",
                          query_width(word.text), word.text.data, near.data);
    return query_fail(r, word.at, ERR_NOT_FOUND,
                      "there is no pipe %s: there are stats, top, uniq, sort, limit, fields",
                      query_found(r, word.at));
}

static bool read_pipe(struct query_reader *r, struct query_pipe *p)
{
    switch (p->kind) {
    case QUERY_STATS:
        return read_stats(r, p);
    case QUERY_TOP:
        return read_top(r, p);
    case QUERY_UNIQ:
        p->table_output = true;
        return read_keys(r, p, false);
    case QUERY_SORT:
        return read_sort(r, p);
    case QUERY_LIMIT:
        return read_limit(r, p);
    case QUERY_FIELDS:
        break;
    }
    return read_fields(r, p);
}

bool query_pipes(struct query_reader *r)
{
    struct query *q = r->query;
    q->pipes = arena_alloc(&q->arena, QUERY_PIPES_MAX * sizeof(*q->pipes));
    while (query_take_char(r, '|')) {
        if (q->pipe_count == QUERY_PIPES_MAX)
            return query_fail(r, r->at, ERR_LIMIT, "more than %d pipes", QUERY_PIPES_MAX);
        const struct query_pipe *before = pipe_before(r);
        struct query_pipe p = {.table_input = before && before->table_output};
        if (!read_pipe_name(r, &p) || !read_pipe(r, &p))
            return false;
        if (!ends_pipe(r))
            return expected(r, "a comma, '|' or the end");
        q->pipes[q->pipe_count++] = p;
        q->columns = p.columns;
    }
    return true;
}

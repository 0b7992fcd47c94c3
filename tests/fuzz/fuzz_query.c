/* Any bytes as a query: it is refused with a place, or its filter can be asked and its pipes take
 * rows within their budget. */
#include "base/mem.h"
#include "base/text.h"
#include "store/pipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const samples[] = {"", "4688", "-1.5e3", "a b", "\xff\xfe", "Đăng nhập"};
enum { SAMPLES = sizeof(samples) / sizeof(*samples), BUDGET_BYTES = 64 << 10 };

static void ask(const struct predicate *p)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        char folded[200];
        struct predicate_value value = {.text = slice_from(samples[i]), .kind = VALUE_STRING};
        value.folded = slice_make(folded, text_fold(folded, value.text));
        (void)predicate_test(p, &value, NULL, NULL, NULL);
    }
}

static void walk(const struct expr *e, uint32_t depth)
{
    check(depth <= RULE_DEPTH_MAX);
    if (e->kind == EXPR_PREDICATE) {
        check(e->child_count == 0 && e->predicate);
        check(e->predicate->keyword == (e->predicate->field.len == 0));
        ask(e->predicate);
        return;
    }
    check(e->child_count >= 1 && (e->kind != EXPR_NOT || e->child_count == 1));
    for (uint32_t i = 0; i < e->child_count; i++)
        walk(e->children[i], depth + 1);
}

static struct slice get(void *context, uint32_t field, uint32_t nth)
{
    const uint64_t *row = context;
    uint64_t which = *row + field + nth;
    return nth > 2 || which % 7 == 0 ? (struct slice){0} : slice_from(samples[which % SAMPLES]);
}

static int emit(void *context, const struct pipe_result *result, struct err *err)
{
    const struct query *query = context;
    (void)err;
    check(result->cell_count == query->columns.count);
    for (uint32_t i = 0; i < result->cell_count; i++)
        check(result->cells[i].kind != PIPE_MISSING || result->cells[i].text.len == 0);
    return ERR_OK;
}

static void run(struct query *query)
{
    struct pipe *line = pipe_open(query, BUDGET_BYTES, emit, query);
    struct pipe_figures figures;
    struct err err;
    int rc = ERR_OK;
    for (uint64_t i = 0; i < 40 && rc == ERR_OK; i++) {
        struct pipe_row row = {.time_ns = i % 5 ? query->from_ns + (int64_t)i : CLOCK_NONE,
                               .id = i};
        row.get = get;
        row.context = &i;
        rc = pipe_feed(line, &row, &err);
        if (i == 20 && rc == ERR_OK)
            rc = pipe_partial(line, emit, query, &err);
    }
    check(rc == ERR_OK || rc == PIPE_ENOUGH || rc == ERR_LIMIT);
    if (rc != ERR_LIMIT)
        rc = pipe_end(line, &err);
    check(rc == ERR_OK || rc == ERR_LIMIT);
    pipe_measure(line, &figures);
    check(figures.used_bytes <= figures.peak_bytes);
    pipe_close(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slice names[] = {{"a", 1}, {"User", 4}, {"bytes", 5}};
    const struct slice_list known = {names, 3};
    struct query_options options = {.now_ns = 1793577600000000000ll};
    struct slice text = slice_make((const char *)data, size);
    struct buf meaning = {0};
    struct query *query;
    struct err err;
    int rc = query_parse(&query, text, &options, &err);
    if (rc) {
        check(!query && err.text[0] && err.column >= 1 && err.column <= size + 1);
        return 0;
    }
    if (query->filter)
        walk(query->filter, 1);
    check(query->from_ns < INT64_MAX && query->until_ns > INT64_MIN);
    query_describe(query, &meaning);
    run(query);
    query_close(&query);
    options.known_fields = &known;
    if (query_parse(&query, text, &options, NULL) == ERR_OK)
        query_close(&query);
    buf_free(&meaning);
    return 0;
}
